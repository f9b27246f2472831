"""What PyTorch makes of a few steps and losses, for test_learning_as_in_torch.py, which has the numbers.

`python tests/lib/torch_numbers.py`, where torch is installed, prints them anew. They are of torch 2.13.0,
float64; those of dampening and amsgrad are of 1.12.1, which gives the other ones, too, but for the last two
digits of three.
"""

from __future__ import annotations

import math
from typing import Any

# Three parameters and their gradients at six steps.
START = [0.7, -1.3, 0.02]
GRADS = [[math.sin(5 * i + 3 * k + 1) * 4.0**-k for k in range(3)] for i in range(6)]

OPTIMISERS: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("SGD", {"lr": 0.03, "weight_decay": 0.1}),
    "momentum": ("SGD", {"lr": 0.03, "momentum": 0.9}),
    "dampened": (
        "SGD",
        {"lr": 0.03, "momentum": 0.9, "dampening": 0.25, "weight_decay": 0.1},
    ),
    "nesterov": ("SGD", {"lr": 0.03, "momentum": 0.9, "weight_decay": 0.1, "nesterov": True}),
    "adam": ("Adam", {"lr": 0.03, "betas": (0.8, 0.99), "weight_decay": 0.1}),
    "amsgrad": ("Adam", {"lr": 0.03, "betas": (0.8, 0.7), "weight_decay": 0.1, "amsgrad": True}),
    "adamw": ("AdamW", {"lr": 0.03}),
    "adamw, amsgrad": ("AdamW", {"lr": 0.03, "betas": (0.8, 0.7), "amsgrad": True}),
    "adamw, decaying fast": ("AdamW", {"lr": 0.03, "eps": 1e-3, "weight_decay": 0.5}),
    "rmsprop": ("RMSprop", {"lr": 0.03}),
    "rmsprop, all of it": (
        "RMSprop",
        {"lr": 0.03, "alpha": 0.9, "eps": 1e-4, "weight_decay": 0.1, "momentum": 0.8},
    ),
}

CLIPPED = {
    "euclidean": (1.5, 2.0),
    "one": (0.5, 1.0),
    "largest": (0.1, math.inf),
    "cube": (0.5, 3.0),
}
CLIPPED["within"] = (100.0, 2.0)

SCORES = [[2.0, -1.0, 0.5], [-30.0, 2.5, 2.5], [0.1, 0.2, -0.3], [5.0, -400.0, 7.0]]
CLASSES = [0, 2, 1, 0]
PROBABILITIES = [[0.2, 0.5, 0.3], [0.0, 1.0, 0.0], [0.25, 0.25, 0.5], [0.5, 0.0, 0.5]]
LOGITS = [3.0, -0.5, 40.0, -700.0, 1e-9]
YES = [1.0, 0.0, 0.0, 0.25, 1.0]
LIKELY = [0.9, 0.2, 1e-12, 0.5, 0.7]
SIGNS = [1.0, -1.0, -1.0, 1.0, -1.0]


def numbers() -> dict[str, Any]:
    """By name: parameters after all steps; clipped gradients and norms; losses with their gradients."""
    import torch
    from torch.nn import functional as of

    def tensor(x: Any) -> Any:
        return torch.tensor(x, dtype=torch.float64)

    def steps(name: str, settings: dict[str, Any]) -> list[float]:
        p = torch.nn.Parameter(tensor(START))
        optimizer = getattr(torch.optim, name)([p], **settings)
        for grads in GRADS:
            p.grad = tensor(grads)
            optimizer.step()
        return p.tolist()

    def clipped(limit: float, norm_type: float) -> tuple[float, list[float]]:
        p = torch.nn.Parameter(tensor(START))
        p.grad = tensor(GRADS[0])
        norm = torch.nn.utils.clip_grad_norm_([p], limit, norm_type)
        return norm.item(), p.grad.tolist()

    def loss(f: Any, x: Any) -> tuple[float, list[float]]:
        leaf = tensor(x).requires_grad_()
        y = f(leaf)
        y.backward()
        return y.item(), leaf.grad.flatten().tolist()

    classes, signs = torch.tensor(CLASSES), tensor(SIGNS)
    losses = {
        "mse": loss(lambda x: of.mse_loss(x, tensor(YES)), LIKELY),
        "cross_entropy of classes": loss(lambda x: of.cross_entropy(x, classes), SCORES),
        "cross_entropy of probabilities": loss(
            lambda x: of.cross_entropy(x, tensor(PROBABILITIES)), SCORES
        ),
        "binary_cross_entropy": loss(lambda x: of.binary_cross_entropy(x, tensor(YES)), LIKELY),
        "binary_cross_entropy of scores": loss(
            lambda x: of.binary_cross_entropy_with_logits(x, tensor(YES)), LOGITS
        ),
        "hinge": loss(lambda x: torch.relu(1 - signs * x).mean(), LOGITS),
    }
    return {
        "steps": {name: steps(*how) for name, how in OPTIMISERS.items()},
        "clipped": {name: clipped(*how) for name, how in CLIPPED.items()},
        "losses": losses,
    }


if __name__ == "__main__":
    print(numbers())
