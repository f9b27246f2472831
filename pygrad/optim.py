"""Optimisers: they move parameters against their gradients.

>>> from pygrad.engine import Value
>>> from pygrad.optim import SGD
>>> x = Value(0.0)
>>> optimizer = SGD([x], lr=0.1)
>>> for _ in range(100):
...     loss = (x - 3.0) ** 2
...     optimizer.zero_grad()
...     loss.backward()
...     optimizer.step()
>>> round(x.data, 6)
3.0
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable
from typing import Any

from pygrad.core.implementation import Parameters, Value

__all__ = ["SGD", "Adam"]

Step = tuple[Parameters, str, tuple[float, ...]]  # of these, by which rule, with which numbers


def _non_negative(name: str, number: Any, below: float = math.inf) -> float:
    """The number as a float; ValueError unless 0 <= number < below."""
    if not isinstance(number, numbers.Real):
        raise TypeError(f"{name} must be a real number, not {type(number).__name__}")
    value = float(number)
    if not 0 <= value < below:
        condition = "be finite and not negative" if below == math.inf else f"be in [0, {below:g})"
        raise ValueError(f"{name} must {condition}, got {number}")
    return value


def _listed(params: Any) -> list[Value]:
    """The parameters; TypeError with the cure for what is none."""
    if hasattr(params, "parameters"):
        raise TypeError(
            f"params are the Values of a model, not the {type(params).__name__} itself: give "
            "model.parameters()"
        )
    if callable(params):
        raise TypeError("params is a function: call it, as in SGD(model.parameters())")
    if isinstance(params, Value):
        raise TypeError("params is one Value: give a list of Values, SGD([v])")
    if isinstance(params, dict):
        raise TypeError("params is a dict: give a list of its Values, list(params.values())")
    if hasattr(params, "ravel"):
        params = params.ravel()  # an array of Values
    found = list(params)
    for i, p in enumerate(found):
        if not isinstance(p, Value):
            raise TypeError(
                f"parameters must be Values; number {i} is {type(p)}. What is to be trained is made of "
                "numbers by Value(x); a list of lists is written out, [v for row in rows for v in row]"
            )
    return found


class _Optimizer:
    """What SGD and Adam share: parameters, and a learning rate that may change at any time."""

    def __init__(self, params: Iterable[Value], lr: Any) -> None:
        params = _listed(params)
        if not params:
            raise ValueError("no parameters to optimise: params is empty")
        self._parameters = Parameters(params)
        first_index: dict[int, int] = {}
        for i, p in enumerate(params):
            if first_index.setdefault(id(p), i) != i:
                raise ValueError(
                    f"params[{i}] is the same Value as params[{first_index[id(p)]}]: "
                    "it would be moved twice"
                )
        self.lr = lr

    @property
    def lr(self) -> float:
        """The learning rate. Assign to it for a schedule; ValueError if negative or not finite."""
        return self._lr

    @lr.setter
    def lr(self, lr: Any) -> None:
        self._lr = _non_negative("lr", lr)

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0.0; do this before each backward()."""
        self._parameters.zero_grad()


class SGD(_Optimizer):
    """Gradient descent, with momentum (Polyak 1964) and weight decay if asked for.

    Args:
        params: the Values to move, each once.
        lr: the learning rate.
        momentum: how much of the last step is kept in the next one.
        weight_decay: a pull towards 0: `weight_decay * data` is added to the gradient.

    Raises:
        ValueError: params is empty or has a Value twice; a number is negative or not finite.
        TypeError: a parameter is not a Value; another argument is not a number.

    >>> w = Value(1.0)
    >>> (3.0 * w).backward()
    >>> SGD([w], lr=0.1).step()
    >>> w.data
    0.7
    """

    def __init__(
        self,
        params: Iterable[Value],
        lr: float = 0.01,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr)
        self._momentum = _non_negative("momentum", momentum)
        self._weight_decay = _non_negative("weight_decay", weight_decay)

    def step(self) -> None:
        """Move every parameter once, by its present gradient."""
        self._parameters.sgd(*self._settings())

    def _settings(self) -> tuple[float, ...]:
        return self._lr, self._momentum, self._weight_decay

    def as_step(self) -> Step:
        """What step() does, for those who do it in C: see `compiled.backward`."""
        return self._parameters, "sgd", self._settings()

    def __repr__(self) -> str:
        return (
            f"SGD({len(self._parameters)} parameters, lr={self._lr}, "
            f"momentum={self._momentum}, weight_decay={self._weight_decay})"
        )


class Adam(_Optimizer):
    """Adam (Kingma & Ba 2015): each parameter gets a step size of its own, from running averages of
    its gradient and of the gradient's square.

    Args:
        params: the Values to move, each once.
        lr: the learning rate, about the length of a step.
        betas: how slowly the two averages forget, each in [0, 1).
        eps: keeps the division defined where the gradient is 0.
        weight_decay: a pull towards 0: `weight_decay * data` is added to the gradient.

    Raises:
        ValueError: params is empty or has a Value twice; a number is out of its range.
        TypeError: a parameter is not a Value; another argument is not a number.

    >>> w = Value(1.0)
    >>> optimizer = Adam([w], lr=0.1)
    >>> (3.0 * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 6)
    0.9
    """

    def __init__(
        self,
        params: Iterable[Value],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr)
        if not isinstance(betas, tuple | list) or len(betas) != 2:
            raise TypeError(f"betas are two numbers, as in betas=(0.9, 0.999), not {betas!r}")
        beta1, beta2 = betas
        self._beta1 = _non_negative("betas[0]", beta1, below=1.0)
        self._beta2 = _non_negative("betas[1]", beta2, below=1.0)
        self._eps = _non_negative("eps", eps)
        self._weight_decay = _non_negative("weight_decay", weight_decay)

    def step(self) -> None:
        """Move every parameter once, by its present gradient."""
        self._parameters.adam(*self._settings())

    def _settings(self) -> tuple[float, ...]:
        return self._lr, self._beta1, self._beta2, self._eps, self._weight_decay

    def as_step(self) -> Step:
        """What step() does, for those who do it in C: see `compiled.backward`."""
        return self._parameters, "adam", self._settings()

    def __repr__(self) -> str:
        return (
            f"Adam({len(self._parameters)} parameters, lr={self._lr}, "
            f"betas=({self._beta1}, {self._beta2}), eps={self._eps}, "
            f"weight_decay={self._weight_decay})"
        )
