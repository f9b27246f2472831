"""What code for micrograd's descendants and for PyTorch asks of a Value, in the same words."""

from __future__ import annotations

from typing import Any

from pygrad.reference.functions import no_grad, zero_grad
from pygrad.reference.order import sorted_nodes
from pygrad.reference.sweeps import note_in_journal
from pygrad.reference.value import Value


def _zero_grad(self: Value) -> None:
    """Set the grads of this Value and of all that it was computed from to 0.0."""
    zero_grad(self)


def _detach(self: Any) -> Any:
    """A leaf of the same number, through which nothing flows back.

    >>> x = Value(3.0)
    >>> (x.detach() * x).backward()
    >>> x.grad
    3.0
    """
    with no_grad():
        return self.stop_gradient()


def _item(self: Value) -> float:
    """The number: `.data`."""
    return self.data


def _requires_grad(self: Value) -> bool:
    """Whether backward() fills grads here; of a computed Value, whether it does of a leaf below."""
    return any(
        not node._constant and node._birth != 0 for node in sorted_nodes(self) if not node._operands
    )


def _set_requires_grad(self: Value, wanted: Any) -> None:
    wanted = bool(wanted)
    if self._operands:
        if wanted != _requires_grad(self):
            raise RuntimeError(
                "requires_grad of a computed Value is that of its leaves; v.detach() is one that nothing "
                "flows back through"
            )
    elif wanted == self._constant:
        note_in_journal(self)
        self._grad = 0.0 if not wanted else self._grad
        self._constant = not wanted


def _add_habits() -> None:
    for name, habit in (
        ("zero_grad", _zero_grad),
        ("detach", _detach),
        ("item", _item),
        ("no_grad", no_grad),
        ("requires_grad", property(_requires_grad, _set_requires_grad)),
    ):
        setattr(Value, name, habit)


_add_habits()
