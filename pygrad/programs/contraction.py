"""Programs whose products and sums are rounded once: what ``fma=True`` asks `compile` and `vmap` for.

It goes with the function that is traced, whatever derivatives and maps are around it:

>>> from pygrad import grad
>>> from pygrad.programs.contraction import contracted, contracts
>>> f = lambda x: x * x + 1
>>> contracts(grad(f)), contracts(grad(contracted(f)))
(False, True)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pygrad.core.callables import MethodOf, P, R
from pygrad.core.layers import layers


class Contracted(MethodOf[P, R]):
    """A function whose programs have contracted sums; called by itself it is the function."""

    __slots__ = ()

    def made_from(self) -> tuple[Any, ...]:
        return (self.f,)

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.f(*args, **kwargs)  # type: ignore[no-any-return]


def contracted(f: Callable[..., Any]) -> Contracted[..., Any]:
    """f, whose programs are to have contracted sums."""
    return f if isinstance(f, Contracted) else Contracted(f)


def contracts(f: Any) -> bool:
    """Whether programs of f have contracted sums, for its own sake or for that of what it is made of."""
    return any(isinstance(layer, Contracted) for layer in layers(f))
