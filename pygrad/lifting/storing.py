"""Values put into arrays of floats, which cannot hold them: `a = np.zeros(3)`, then `a[i] = v`.

Lifted code gets, for such a statement, an array of objects under the same name. That is right as long as
nobody else has the old one, which references tell; where somebody has, it is an error.
"""

from __future__ import annotations

import operator
import sys
from typing import Any

from pygrad.arrays.engines import of_numpy
from pygrad.lifting.values import holds_values

slice_of = slice


def stored(array: Any, index: Any, item: Any, name: str) -> Any:
    """The array after `array[index] = item`, which has raised a TypeError, or after `+=` and its like.

    name: of the operator; "" for `=`. Raises the TypeError again where no Value was the cause.
    """
    references = sys.getrefcount(array)
    if type(array) is not of_numpy("ndarray") or array.dtype != float or not holds_values(item):
        raise  # noqa: PLE0704  it is called where the error is handled
    shared = references > _ALONE or (
        array.base is not None and sys.getrefcount(array.base) > _OF_A_VIEW
    )
    if shared:
        raise TypeError(
            "a Value is put into an array of floats that is in use elsewhere, too (an argument, a view, or "
            "a second name), where it would be missed: make the array with dtype=object"
        ) from None
    made = array.astype(object)
    if name:
        item = _OPERATORS[name](made[index], item)
    made[index] = item
    return made


_OPERATORS = {
    "Add": operator.add,
    "Sub": operator.sub,
    "Mult": operator.mul,
    "Div": operator.truediv,
    "Pow": operator.pow,
    "Mod": operator.mod,
    "FloorDiv": operator.floordiv,
    "MatMult": operator.matmul,
}
_OF_A_VIEW = 2  # the view's own, and the one that is counted with


def _references(array: Any, index: Any, item: Any, name: str) -> int:
    return sys.getrefcount(array)


def _alone() -> int:
    """How many references stored() counts where a name of the caller is the only one."""
    array = object()
    array = _references(array, ..., None, "")  # type: ignore[assignment]
    return array  # type: ignore[return-value]


_ALONE = _alone()
