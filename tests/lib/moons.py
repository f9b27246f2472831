"""Small networks of two inputs, and data for them: what tests of the page that trains share."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pygrad
from pygrad import nn
from pygrad.command_line.two_moons import two_moons
from pygrad.optim import SGD

Data = tuple[list[tuple[float, float]], list[int]]


def moons(rows: int = 40) -> Data:
    return two_moons(rows, 7)


def network(*sizes: int, activation: str = "relu") -> nn.MLP:
    random.seed(11)
    return nn.MLP(2, [*sizes, 1], activation=activation)


class Trained:
    """The training that the page is to do, in Python."""

    def __init__(
        self, model: nn.MLP, data: Data, loss: Callable[[Any, Any], Any] = nn.hinge
    ) -> None:
        self.model, self.loss = model, loss
        self.points, self.labels = data
        self.at = 0

    def step(self, rate: float, l2: float, batch: int | None = None) -> None:
        size = batch or len(self.points)
        points, labels = (x[self.at : self.at + size] for x in (self.points, self.labels))
        self.at = (self.at + len(points)) % len(self.points)
        self.model.zero_grad()
        self.mean(points, labels, l2).backward()
        SGD(self.model.parameters(), lr=rate).step()

    def mean(self, points: Any, labels: Any, l2: float) -> Any:
        losses = [self.loss(self.model(p), y) for p, y in zip(points, labels, strict=True)]
        parameters = self.model.parameters()
        return pygrad.sum(losses) / len(losses) + l2 * pygrad.dot(parameters, parameters)

    def numbers(self) -> list[tuple[float, float]]:
        return [(p.data, p.grad) for p in self.model.parameters()]
