"""Values that an optimiser updates together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pygrad.reference.arithmetic import div, libm_pow, real, sqrt
from pygrad.reference.functions import zero_grad
from pygrad.reference.value import Value, checked_values


class Parameters:
    """Values that an optimiser updates together; it keeps the optimiser's running averages.

    Raises:
        TypeError: an item is not a Value.

    >>> w = Value(1.0)
    >>> (3.0 * w).backward()
    >>> Parameters([w]).sgd(0.1, 0.0, 0.0)
    >>> w.data
    0.7
    """

    def __init__(self, values: Iterable[Value]) -> None:
        self._values = checked_values(values, "parameters")
        self._velocity = [0.0] * len(self._values)
        self._m = [0.0] * len(self._values)
        self._v = [0.0] * len(self._values)
        self._t = 0

    def __len__(self) -> int:
        return len(self._values)

    def zero_grad(self) -> None:
        """Set every grad to 0.0."""
        zero_grad(self._values)

    def sgd(self, lr: Any, momentum: Any, weight_decay: Any) -> None:
        """One step of gradient descent with momentum (Polyak 1964)."""
        lr, momentum, weight_decay = map(real, (lr, momentum, weight_decay))
        for i, p in enumerate(self._values):
            if p._constant:
                continue
            g = p._grad
            if weight_decay != 0:
                g = g + weight_decay * p._data
            if momentum != 0:
                g = self._velocity[i] = momentum * self._velocity[i] + g
            p._data = p._data - lr * g

    def adam(self, lr: Any, beta1: Any, beta2: Any, eps: Any, weight_decay: Any) -> None:
        """One step of Adam (Kingma & Ba 2015)."""
        lr, beta1, beta2, eps, weight_decay = map(real, (lr, beta1, beta2, eps, weight_decay))
        self._t += 1
        # The averages m and v start at 0; dividing by these takes that bias out.
        correction1 = 1.0 - libm_pow(beta1, float(self._t))
        correction2 = 1.0 - libm_pow(beta2, float(self._t))
        for i, p in enumerate(self._values):
            if p._constant:
                continue
            g = p._grad
            if weight_decay != 0:
                g = g + weight_decay * p._data
            m = self._m[i] = beta1 * self._m[i] + (1.0 - beta1) * g
            v = self._v[i] = beta2 * self._v[i] + (1.0 - beta2) * (g * g)
            p._data = p._data - div(lr * div(m, correction1), sqrt(div(v, correction2)) + eps)
