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
        self._largest = [0.0] * len(self._values)
        self._t = 0

    def __len__(self) -> int:
        return len(self._values)

    def zero_grad(self) -> None:
        """Set every grad to 0.0."""
        zero_grad(self._values)

    def sgd(self, lr: Any, momentum: Any, weight_decay: Any) -> None:
        """One step of gradient descent with momentum (Polyak 1964)."""
        self._descend(lr, momentum, weight_decay, looks_ahead=False)

    def nesterov(self, lr: Any, momentum: Any, weight_decay: Any) -> None:
        """The same by the velocity that the next step will have (Nesterov 1983)."""
        self._descend(lr, momentum, weight_decay, looks_ahead=True)

    def _descend(self, lr: Any, momentum: Any, weight_decay: Any, looks_ahead: bool) -> None:
        lr, momentum, weight_decay = map(real, (lr, momentum, weight_decay))
        for i, p in enumerate(self._values):
            if p._constant:
                continue
            g = _decayed_grad(p, weight_decay)
            if momentum != 0:
                velocity = self._velocity[i] = momentum * self._velocity[i] + g
                g = g + momentum * velocity if looks_ahead else velocity
            p._data = p._data - lr * g

    def dampened(self, lr: Any, momentum: Any, weight_decay: Any, dampening: Any) -> None:
        """One step with momentum that takes less of each gradient but the first."""
        lr, momentum, weight_decay, dampening = map(real, (lr, momentum, weight_decay, dampening))
        share = 1.0 if self._t == 0 else 1.0 - dampening
        self._t += 1
        for i, p in enumerate(self._values):
            if p._constant:
                continue
            g = share * _decayed_grad(p, weight_decay)
            self._velocity[i] = momentum * self._velocity[i] + g
            p._data = p._data - lr * self._velocity[i]

    def adam(self, lr: Any, beta1: Any, beta2: Any, eps: Any, weight_decay: Any) -> None:
        """One step of Adam (Kingma & Ba 2015)."""
        self._adapt(lr, beta1, beta2, eps, weight_decay, decoupled=False)

    def adamw(self, lr: Any, beta1: Any, beta2: Any, eps: Any, weight_decay: Any) -> None:
        """The same with weights that decay beside the gradient (Loshchilov & Hutter 2019)."""
        self._adapt(lr, beta1, beta2, eps, weight_decay, decoupled=True)

    def amsgrad(self, lr: Any, beta1: Any, beta2: Any, eps: Any, weight_decay: Any) -> None:
        """One step of Adam, no average of squares of which gets smaller (Reddi, Kale & Kumar 2018)."""
        self._adapt(lr, beta1, beta2, eps, weight_decay, decoupled=False, keeps_largest=True)

    def amsgradw(self, lr: Any, beta1: Any, beta2: Any, eps: Any, weight_decay: Any) -> None:
        """The same of adamw()."""
        self._adapt(lr, beta1, beta2, eps, weight_decay, decoupled=True, keeps_largest=True)

    def _adapt(
        self,
        lr: Any,
        beta1: Any,
        beta2: Any,
        eps: Any,
        weight_decay: Any,
        decoupled: bool,
        keeps_largest: bool = False,
    ) -> None:
        lr, beta1, beta2, eps, weight_decay = map(real, (lr, beta1, beta2, eps, weight_decay))
        self._t += 1
        # The averages m and v start at 0; dividing by these takes that bias out.
        correction1 = 1.0 - libm_pow(beta1, float(self._t))
        correction2 = 1.0 - libm_pow(beta2, float(self._t))
        for i, p in enumerate(self._values):
            if p._constant:
                continue
            g = _decayed_grad(p, 0.0 if decoupled else weight_decay)
            m = self._m[i] = beta1 * self._m[i] + (1.0 - beta1) * g
            v = self._v[i] = beta2 * self._v[i] + (1.0 - beta2) * (g * g)
            if keeps_largest:
                v = self._largest[i] = self._largest[i] if v <= self._largest[i] else v
            if decoupled:
                p._data = p._data * (1.0 - lr * weight_decay)
            p._data = p._data - div(lr * div(m, correction1), sqrt(div(v, correction2)) + eps)

    def rmsprop(self, lr: Any, alpha: Any, eps: Any, weight_decay: Any, momentum: Any) -> None:
        """One step by the gradient over its running root mean square (Hinton 2012)."""
        lr, alpha, eps, weight_decay, momentum = map(real, (lr, alpha, eps, weight_decay, momentum))
        for i, p in enumerate(self._values):
            if p._constant:
                continue
            g = _decayed_grad(p, weight_decay)
            v = self._v[i] = alpha * self._v[i] + (1.0 - alpha) * (g * g)
            g = div(g, sqrt(v) + eps)
            if momentum != 0:
                g = self._velocity[i] = momentum * self._velocity[i] + g
            p._data = p._data - lr * g


def _decayed_grad(p: Value, weight_decay: float) -> float:
    return p._grad + weight_decay * p._data if weight_decay != 0 else p._grad
