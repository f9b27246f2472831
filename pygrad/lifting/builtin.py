"""Builtins of lifted code: what takes floats takes Values, and does with them what it does with floats.

>>> as_float(Value(2.5)), is_instance(Value(2.5), (int, float))
(Value(data=2.5, grad=0.0), True)
"""

from __future__ import annotations

import builtins
import operator
import sys
import threading
from collections.abc import Callable
from types import FrameType, FunctionType
from typing import Any

from pygrad.arrays.engines import MARK, of_numpy, waits
from pygrad.core.callers import users_depth, warn_once
from pygrad.core.implementation import IMPLEMENTATION, Value, in_no_grad
from pygrad.core.ints import Int, as_int, is_int
from pygrad.core.numpys_errors import CURE_OF_COMPLEX, CURE_OF_DIGITS
from pygrad.core.rounding import tell_of_rounding
from pygrad.core.shown import shown
from pygrad.core.texts import (
    NumberText,
    decides,
    has_all_digits,
    is_shown,
    number_in_text,
    number_text,
)
from pygrad.lifting.floats import class_of_twin, twin_in
from pygrad.lifting.quick import of_numbers, unless_values
from pygrad.lifting.raising import LIFTED_FROM, decorating, raised, with_methods
from pygrad.lifting.tables import item_at
from pygrad.lifting.values import holds_values, is_of_values

UNROUNDED = "__unrounded__"  # a global of lifted code that is not to round to digits


class _Unrounded(threading.local):
    """How many functions run in this thread that are lifted not to round, nor what they call."""

    functions = 0


unrounded = _Unrounded()


def _rounds(frame: FrameType) -> bool:
    return not unrounded.functions and UNROUNDED not in frame.f_globals


if IMPLEMENTATION == "compiled":
    from pygrad import _native

    _native.set_mark_of_lifted_code(MARK)
    _native.set_rounding(tell_of_rounding)


def is_truth(x: Any) -> bool:
    """Whether x is what a comparison gives in a trace, where other code has a bool."""
    return IMPLEMENTATION == "compiled" and isinstance(x, _native.Condition)


def as_float(x: Any = 0.0, /) -> Any:
    """float(x); of a Value the Value."""
    if isinstance(x, Value):
        return x * 1.0 if is_truth(x) or isinstance(x, Int) else x
    if type(x) is NumberText:
        return x.value
    try:
        return float(x)
    except TypeError:
        own = getattr(type(x), "__float__", None)
        if own is not None and own.__class__ is FunctionType and isinstance(only := own(x), Value):
            return only
        item = getattr(x, "item", None)  # an array of one Value
        alone = getattr(x, "size", 1) == 1  # of more, what float() has raised is raised
        if callable(item) and alone and isinstance(only := item(), Value):
            return only
        raise


def is_instance(x: Any, kinds: Any, /) -> bool:
    """isinstance(x, kinds); a Value is what class_of() says."""
    return isinstance(x, kinds) or (
        isinstance(x, Value) and isinstance(_LIKE.get(class_of(x), 0.0), kinds)
    )


_LIKE = {float: 0.0, int: 0, bool: False}


def kind_of(x: Any, /, *rest: Any, **named: Any) -> Any:
    """type(x); of a Value float."""
    return class_of(x) if not rest and isinstance(x, Value) else type(x, *rest, **named)


def class_of(x: Any) -> Any:
    """x.__class__; of a Value float, of a comparison bool, of what math.floor() or its like gave int."""
    if not isinstance(x, Value):
        return x.__class__
    return class_of_twin(x, bool if is_truth(x) else int if is_int(x) else float)


def is_whole(x: Any, *args: Any) -> Any:
    """x.is_integer()"""
    return x % 1.0 == 0 if isinstance(x, Value) else x.is_integer(*args)


def item_of(x: Any, *args: Any, **named: Any) -> Any:
    """x.item(); of a Value the Value, as a number of NumPy's stays a number."""
    return x if isinstance(x, Value) else x.item(*args, **named)


def any_of(x: Any, *args: Any, **named: Any) -> Any:
    """x.any(); of what a comparison of Values gives, which is no bool of NumPy's, itself."""
    return x if x is True or x is False or is_truth(x) else x.any(*args, **named)


def all_of(x: Any, *args: Any, **named: Any) -> Any:
    """x.all(); as any_of()."""
    return x if x is True or x is False or is_truth(x) else x.all(*args, **named)


def alone_of(name: str) -> Callable[..., Any]:
    """x.sum() and its like, which a number of NumPy's has, too; of a Value the Value."""

    def method(x: Any, *args: Any, **named: Any) -> Any:
        return x if isinstance(x, Value) else getattr(x, name)(*args, **named)

    method.__name__ = f"{name}_of"
    return method


def array_by(name: str) -> Callable[..., Any]:
    """x.ravel() and its like, by which a number of NumPy's becomes an array, and a Value does."""

    def method(x: Any, *args: Any, **named: Any) -> Any:
        if not isinstance(x, Value):
            return getattr(x, name)(*args, **named)
        from pygrad.arrays.array import array_of_values
        from pygrad.arrays.conditions import objects

        return getattr(array_of_values(objects(x)), name)(*args, **named)

    method.__name__ = f"{name}_by"
    return method


def round_of(x: Any, *args: Any, **named: Any) -> Any:
    """x.round(2), also of arrays with Values."""
    if not isinstance(x, Value) and not is_of_values(x):
        return x.round(*args, **named)
    digits = args[0] if args else named.get("decimals", named.get("ndigits", 0))
    if isinstance(x, Value):
        return to_digits(x, digits, lambda v: round(v, digits))
    way = operator.methodcaller("round", *args, **named)
    return to_digits(x, digits, way) if digits else way(x)


def number_like(name: str) -> Callable[[Any], Any]:
    """x.ndim and its like: what a number of NumPy's says, of a Value, too."""

    def attribute(x: Any) -> Any:
        if not isinstance(x, Value) or hasattr(x, name):
            return getattr(x, name)
        return getattr(sys.modules["numpy"].float64(0.0), name)

    attribute.__name__ = f"{name}_of"
    return attribute


def as_index(x: Any) -> Any:
    """What is an index or a number of times: of a Value, which math.floor() gives, the whole number."""
    return int(x) if isinstance(x, Value) else x


def whole_of(x: Any, index: Any) -> Any:
    """x[()] or x[...], by which an array of one becomes a number; a Value is one. x[None]: with an axis."""
    if not isinstance(x, Value):
        return x[index]
    if index is None or (isinstance(index, tuple) and None in index):
        from pygrad.arrays.array import array_of_values
        from pygrad.arrays.conditions import objects

        return array_of_values(objects(x)[index])
    return x


def as_bits(x: Any) -> Any:
    """An operand of `&` and its like: for a Value that math.floor() or its like gave, the whole number."""
    return int(x) if isinstance(x, Value) and is_int(x) else x


def rounded(number: Any, ndigits: Any = None) -> Any:
    """round(number, ndigits); where rounding is off, a Value with digits is left as it is."""
    if ndigits is not None and isinstance(number, Value):
        return to_digits(number, ndigits, lambda v: round(v, ndigits))
    if ndigits is not None:
        return round(number, ndigits)
    return as_int((number.round() + 0.0).round()) if isinstance(number, Value) else round(number)


def to_digits(v: Any, ndigits: Any, rounding: Callable[[Any], Any]) -> Any:
    """rounding(v) to so many digits, and a warning that what is made has no slope, unless it is for a text
    or a truth alone; v where the code that asks does not round."""
    frame = sys._getframe(users_depth() - 1)
    if not _rounds(frame):
        return v
    result = rounding(v)
    if ndigits > 0 and not in_no_grad() and not (is_shown(frame) or decides(frame)):
        warn_once(
            f"round(v, {ndigits}) of a Value is a constant, and so is what is computed of it: its slope "
            "is 0. pygrad.lift(..., rounding=False) leaves Values as they are"
        )
    return result


def above(kind: Any, *rest: Any) -> Any:
    """super(kind, ...): a class that was made anew comes right before the one that it stands for."""
    return super(twin_in(vars(kind).get(LIFTED_FROM, kind), rest), *rest)


def as_text(template: Any, items: Any) -> Any:
    """template % items; Values are shown as their numbers."""
    if not holds_values([*items.values()] if isinstance(items, dict) else items):
        return template % items
    shown = is_shown(sys._getframe(1))
    if isinstance(items, dict):
        numbers = zip(items, [_number(item, shown) for item in items.values()], strict=True)
        return template % dict(numbers)
    items = items if isinstance(items, tuple) else (items,)
    if template in _EXACT and len(items) == 1 and isinstance(items[0], Value):
        return number_text(items[0], shown)
    if len(items) == 1 and isinstance(items[0], Value) and has_all_digits(template[1:]):
        return number_text(items[0], shown, template[1:])
    return template % tuple([_number(item, shown) for item in items])


_EXACT = frozenset({"%s", "%r", "%a"})


def _number(item: Any, shown: bool) -> Any:
    return number_in_text(item, shown) if isinstance(item, Value) else item


def as_double(kind: Any, *args: Any, **named: Any) -> Any:
    """np.float64(x), or dtype(x) where that is held in a variable; of a Value the Value."""
    if len(args) != 1 or named or not isinstance(kind, type) or not holds_values(args[0]):
        return kind(*args, **named)
    if kind not in _PLAIN and not issubclass(kind, of_numpy("floating")):
        return kind(*args)  # type: ignore[call-arg]
    if not issubclass(kind, float):
        tell_of_precision(kind.__name__)
    x = args[0]
    many = getattr(x, "ndim", 0) > 0 and getattr(x, "size", 1) > 1
    return as_type(x, float) if many else as_float(x)


_PLAIN = (float,)


def tell_of_precision(kind: Any) -> None:
    """Warns, once for each line, that Values have more digits, or fewer, than a type of NumPy's."""
    warn_once(
        f"Values are numbers of double precision: what is asked for as {kind} has the digits of float64"
    )


def as_exact(kind: Any, *args: Any, **named: Any) -> Any:
    """Decimal(x), Fraction(x), complex(x); TypeError for a Value and its text: these have no derivative."""
    if any(isinstance(arg, Value) or type(arg) is NumberText for arg in args):
        raise TypeError(
            f"{getattr(kind, '__name__', kind)}() of a Value, or of its text, would lose the derivative: "
            + (CURE_OF_COMPLEX if kind is complex else CURE_OF_DIGITS)
        )
    return kind(*args, **named)


def as_type(array: Any, *args: Any, **named: Any) -> Any:
    """array.astype(kind); where it has Values, an array of what float() or int() make of them."""
    if not is_of_values(array) or waits(array):
        return array.astype(*args, **named)
    np = sys.modules["numpy"]
    kind = np.dtype(args[0] if args else named["dtype"])
    if kind.kind == "O":
        return array.copy()
    if kind.kind == "b":
        return array != 0
    if kind.kind not in "fiu":
        raise TypeError(f"an array of Values becomes one of float or int, not of {kind}")
    if kind.kind == "f" and kind.itemsize != 8:
        tell_of_precision(kind)
    made = np.empty(array.shape, object if kind.kind == "f" else kind)
    made.flat[:] = [as_float(item) if kind.kind == "f" else int(item) for item in array.flat]
    return made


def is_callable_as(function: Callable[..., Any]) -> str:
    """The name under which rewritten code calls a function."""
    return f"__lifted_{function.__name__}__"


# Calls of these names are rewritten to calls of the functions.
CALLS: dict[str, Callable[..., Any]] = {
    "float": as_float,
    "int": int,
    "type": kind_of,
}
CLASS = class_of
TEXT: Callable[..., Any] = as_text
TYPED: Callable[..., Any] = as_double
INDEX: Callable[..., Any] = as_index
ITEM: Callable[..., Any] = item_at
WHOLE: Callable[..., Any] = whole_of
BITS: Callable[..., Any] = as_bits
RAISED: Callable[..., Any] = raised
DECORATOR: Callable[..., Any] = decorating
BASE: Callable[..., Any] = with_methods
SHOWN: Callable[..., Any] = shown
SUPER: Callable[..., Any] = above
_DOUBLES = frozenset({"float64", "double", "float32", "single", "longdouble"})  # of NumPy
_EXACT_NUMBERS = frozenset({"Decimal", "Fraction", "create_decimal", "complex"})
CONSTRUCTORS = _DOUBLES | _EXACT_NUMBERS
# Calls of methods, with what they are methods of as the first argument; of classes, with these.
METHODS: dict[str, Callable[..., Any]] = {
    "astype": as_type,
    "is_integer": is_whole,
    "item": item_of,
    "any": any_of,
    "all": all_of,
    "round": round_of,
    **{name: alone_of(name) for name in ("sum", "mean", "max", "min", "prod")},
    **{name: array_by(name) for name in ("flatten", "ravel", "reshape")},
    "__float__": as_float,
    **dict.fromkeys(_DOUBLES, as_double),
    **dict.fromkeys(_EXACT_NUMBERS, as_exact),
}

# Attributes that a number of NumPy's has.
ATTRIBUTES = {name: number_like(name) for name in ("ndim", "shape", "size", "dtype")}

# What needs not be asked of plain numbers: see quick.py.
_BY_VALUES: dict[Callable[..., Any], Any] = {
    is_instance: isinstance,
    rounded: round,
    kind_of: type,
    class_of: operator.attrgetter("__class__"),
    item_at: operator.getitem,
    as_index: None,
    as_bits: None,
    is_whole: "is_integer",
    item_of: "item",
    **{METHODS[name]: name for name in ("sum", "mean", "max", "min", "prod")},
    **{METHODS[name]: name for name in ("flatten", "ravel", "reshape")},
    **{function: operator.attrgetter(name) for name, function in ATTRIBUTES.items()},
}
_BY_ITEMS: dict[Callable[..., Any], Any] = {
    as_float: float,
    as_text: operator.mod,
    as_type: "astype",
    as_double: True,
    round_of: "round",
}


def quick(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same, as lifted code has it."""
    if function in _BY_VALUES:
        return unless_values(function, _BY_VALUES[function])
    return of_numbers(function, _BY_ITEMS[function]) if function in _BY_ITEMS else function


# In the place of the builtins, for code that may be rewritten or not.
BUILTINS: dict[str, Any] = {
    **vars(builtins),
    "isinstance": quick(is_instance),
    "round": quick(rounded),
    **{
        is_callable_as(function): quick(function)
        for function in (
            *CALLS.values(),
            *METHODS.values(),
            *ATTRIBUTES.values(),
            CLASS,
            TEXT,
            INDEX,
            ITEM,
            WHOLE,
            DECORATOR,
            BITS,
            SUPER,
            RAISED,
            BASE,
            SHOWN,
        )
    },
}
