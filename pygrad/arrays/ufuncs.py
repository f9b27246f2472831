"""NumPy's ufuncs where Values are among their operands."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from pygrad.arrays import elementary
from pygrad.arrays.array import ValueArray, owned, plain
from pygrad.arrays.conditions import (
    Conditions,
    Wholes,
    are_narrow,
    are_truths,
    are_whole,
    as_conditions,
    as_wholes,
    has_waiting,
    known,
    negated,
    objects,
    truth_of,
)
from pygrad.arrays.engines import (
    Engine,
    called_by_lifted_code,
    engine_of,
    engines,
    has_values,
    is_value,
    waits,
)
from pygrad.arrays.quiet import quietly

# NumPy's names, and the op that each is; the rest of the names are the ops' own.
_OPS = """
    absolute=abs arccos=acos arccosh=acosh arcsin=asin arcsinh=asinh arctan=atan arctan2=atan2
    arctanh=atanh cbrt ceil clip cos cosh exp exp2 expm1 fabs=abs float_power=pow floor hypot log log10
    log1p log2 logaddexp maximum minimum rint=round sign sin sinh sqrt tan tanh trunc
"""
# Of SciPy's, too.
_OPS_OF_SCIPY = """
    digamma erf erfc erfcx erfinv expit=sigmoid gamma gammaln=lgamma log_ndtr ndtr ndtri psi=digamma
"""

# What NumPy's own loops do with objects as they should, by Python's operators; here for single operands.
_OPERATORS: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "floor_divide": operator.floordiv,
    "remainder": operator.mod,
    "power": operator.pow,
    "negative": operator.neg,
    "positive": operator.pos,
    "equal": operator.eq,
    "not_equal": operator.ne,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "conjugate": operator.pos,
}
_COMPARISONS = frozenset({"equal", "not_equal", "less", "less_equal", "greater", "greater_equal"})
_PRODUCTS = frozenset({"matmul", "matvec", "vecmat", "vecdot"})

# Answers are those of the numbers, whatever the truth of a Value is.
_TRUTHS: dict[str, Callable[..., Any]] = {
    "logical_and": lambda x, y: truth_of(x) & truth_of(y),
    "logical_or": lambda x, y: truth_of(x) | truth_of(y),
    "logical_not": lambda x: negated(truth_of(x)),
}
_OF_TRUTHS = {
    "bitwise_and": operator.and_,
    "bitwise_or": operator.or_,
    "bitwise_xor": operator.xor,
}
_QUESTIONS = frozenset({*_TRUTHS, "logical_xor", "isnan", "isinf", "isfinite", "signbit"})

# Of nan the C library compares, where NumPy's own loops for floats have no warning.
_QUIET = elementary.METHODS.keys() | {"clip", "maximum", "minimum"}

# What floats refuse, too.
_OF_WHOLE_NUMBERS = frozenset(
    [
        "bitwise_and",
        "bitwise_count",
        "bitwise_or",
        "bitwise_xor",
        "gcd",
        "invert",
        "lcm",
        "left_shift",
        "right_shift",
    ]
)


def functions_of_items(engine: Engine) -> dict[str, Callable[..., Any]]:
    """By a ufunc's name the function of its items, Values or numbers, where NumPy's loops have none."""
    functions = engine.functions
    made = {}
    for pair in (_OPS + _OPS_OF_SCIPY).split():
        name, _, op = pair.partition("=")
        made[name] = functions[op or name]
    for name, function in elementary.METHODS.items():
        made[name] = _of_either(function, getattr(np, name))
    made["real"] = lambda x: x  # which newer NumPys have as ufuncs
    made["imag"] = lambda x: 0.0
    for name, function in _OF_TRUTHS.items():
        made[name] = _of_truths(name, function)
    return {**made, **_TRUTHS, "divmod": divmod}


def _are_equal(x: Any, y: Any) -> Any:
    found = x == y
    if type(found) is bool and is_value(x) and is_value(y):  # as objects, not as numbers
        return bool(x <= y and x >= y)
    return found


# Of arrays, whose numbers have become Values: by number, whatever these depend on.
_EQUALITIES: dict[str, Any] = {
    "equal": np.frompyfunc(_are_equal, 2, 1),
    "not_equal": np.frompyfunc(lambda x, y: negated(_are_equal(x, y)), 2, 1),
}


def _of_truths(name: str, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Of comparisons, which are Values in a trace, and bools: not of other Values."""

    def of_items(x: Any, y: Any) -> Any:
        try:
            return function(x, y)
        except TypeError:
            raise TypeError(_refusal(getattr(np, name), name)) from None

    return of_items


def _of_either(function: Callable[..., Any], ufunc: Any) -> Callable[..., Any]:
    def of_items(*items: Any) -> Any:
        return function(*items) if any(map(is_value, items)) else ufunc(*items)

    return of_items


class _Table:
    """The functions of an implementation, of items and of arrays."""

    def __init__(self, engine: Engine) -> None:
        stated = functions_of_items(engine)
        self.trace_active = engine.trace_active
        self.of_items = {**_OPERATORS, **stated}
        self.of_arrays = {name: _ufunc(name, function) for name, function in stated.items()}
        self.power = engine.functions["pow"]
        self.power_of_arrays = np.frompyfunc(self.power, 2, 1)


def _ufunc(name: str, function: Callable[..., Any]) -> Any:
    own: Any = getattr(np, name, None)
    if name == "clip":
        return np.frompyfunc(function, 3, 1)
    nin, nout = (own.nin, own.nout) if isinstance(own, np.ufunc) else (1, 1)
    if nin == 2 and nout == 1:
        return np.frompyfunc(function, nin, nout, identity=own.identity)
    return np.frompyfunc(function, nin, nout)


_tables: dict[int, _Table] = {}


def _table(inputs: tuple[Any, ...]) -> _Table:
    engine = engines[0] if len(engines) == 1 else engine_of(_first_values(inputs))
    found = _tables.get(id(engine))
    if found is None:
        found = _tables[id(engine)] = _Table(engine)
    return found


def _first_values(inputs: tuple[Any, ...]) -> Any:
    for x in inputs:
        if is_value(x):
            yield x
        elif isinstance(x, np.ndarray | list | tuple):
            yield from objects(x).astype(object).ravel().tolist()


def applied(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What a ufunc, or a method of one, gives for operands of which some are Values or arrays of such.

    Raises:
        TypeError: it is none for real numbers.
    """
    if any(map(_is_foreign, inputs)):
        return NotImplemented
    name = ufunc.__name__
    table = _table(inputs)
    if name == "power" and has_values(inputs[1]) and called_by_lifted_code():
        return _kept(table.power_of_arrays(*map(plain, inputs)))
    stated = name in table.of_items
    if method == "__call__" and stated and not kwargs:
        for x in inputs:
            if isinstance(x, _MANY) and (not isinstance(x, np.ndarray) or x.ndim or _has_rules(x)):
                break
        else:
            found = table.of_items[name](*map(_as_pythons, inputs))
            return np.bool_(found) if name in _COMPARISONS and not is_value(found) else found
    traces = table.trace_active()
    if traces and has_waiting(inputs):
        found = _of_conditions(table, ufunc, method, inputs, kwargs)
        if found is not None:
            return found
    if not stated and name not in _PRODUCTS and not _takes_objects(ufunc, name):
        raise TypeError(_refusal(ufunc, name))
    if traces:
        return _in_a_trace(table, ufunc, method, inputs, kwargs)
    if name in _EQUALITIES and method in {"__call__", "outer"} and not kwargs:
        call = getattr(_EQUALITIES[name], method)
        return np.asarray(quietly(call, *map(plain, inputs)), dtype=bool)
    return _ran(table, ufunc, method, inputs, kwargs)


def _ran(
    table: _Table, ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """What loops over arrays of objects give."""
    name = ufunc.__name__
    run = table.of_arrays.get(name, ufunc)
    options = {k: v for k, v in kwargs.items() if v is not None or k == "axis"}
    if has_values(options.get("where")):
        options["where"] = np.asarray(options["where"], dtype=bool)
    if "dtype" in options and (run is not ufunc or np.dtype(options["dtype"]).kind == "f"):
        del options["dtype"]
    if method == "reduce" and "where" in options and name in _IDENTITIES:
        options.setdefault("initial", _IDENTITIES[name])  # NumPy has none for objects
    outs = options.pop("out", None)
    if outs is not None:
        if any(isinstance(out, np.ndarray) and out.dtype.kind in "fiu" for out in outs):
            return NO_ROOM
        options["out"] = tuple(map(plain, outs))
    call = getattr(run, method)
    if name in _QUIET or table.trace_active():
        result = quietly(call, *map(plain, inputs), **options)
    else:
        result = call(*map(plain, inputs), **options)
    if outs is not None:
        return outs[0] if len(outs) == 1 else outs
    if name in _QUESTIONS:
        if isinstance(result, np.ndarray):
            return as_conditions(result)
        return result if is_value(result) else bool(result)
    return _kept(result)


# -- of comparisons in a trace -----------------------------------------------------------------------

# What ufuncs are of bools, and what they leave bools.
_OF_BOOLS = {
    "add": "logical_or",
    "bitwise_and": "logical_and",
    "bitwise_or": "logical_or",
    "bitwise_xor": "logical_xor",
    "invert": "logical_not",
    "logical_and": "logical_and",
    "logical_not": "logical_not",
    "logical_or": "logical_or",
    "logical_xor": "logical_xor",
    "maximum": "logical_or",
    "minimum": "logical_and",
    "multiply": "logical_and",
}
_REDUCED = _OF_BOOLS.keys() - {"add", "multiply"}  # sums and products of bools are whole numbers
_KEEP_WHOLE = frozenset(
    [
        "absolute",
        "add",
        "floor_divide",
        "maximum",
        "minimum",
        "multiply",
        "negative",
        "positive",
        "remainder",
        "sign",
        "subtract",
    ]
)
# The rest is refused by bools, or gives small floats and ints.
_OF_TRUE_AND_FALSE = _OF_BOOLS.keys() | _COMPARISONS | _QUESTIONS | {"absolute", "divide"}


def _of_conditions(
    table: _Table, ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """What is computed of conditions as it is of bools; None where they are numbers as others are."""
    name = ufunc.__name__
    outs: Any = kwargs.get("out") or ()
    if any(map(waits, outs)):
        outs[0][...] = applied(ufunc, method, inputs, {**kwargs, "out": None})
        return outs[0]
    truths = are_truths(inputs)
    run = _OF_BOOLS.get(name) if truths else None
    if (
        method == "at"
        or any(out.dtype != object for out in outs)
        or (run is None and name in _OF_WHOLE_NUMBERS)
        or (truths and name not in _OF_TRUE_AND_FALSE)
        or (are_narrow(inputs) and name not in _COMPARISONS)
    ):
        return getattr(ufunc, method)(*map(known, inputs), **kwargs)
    if run is not None and (method == "__call__" or name in _REDUCED):
        call = getattr(table.of_arrays[run], method)
        return as_conditions(call(*map(plain, inputs), **kwargs))
    return None


def _in_a_trace(
    table: _Table, ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """The same where comparisons are ops of a program, until somebody asks for their truth."""
    name = ufunc.__name__
    outs = kwargs.get("out")
    if outs is None and name in _COMPARISONS and method in {"__call__", "outer"}:
        stated = None if kwargs else _EQUALITIES.get(name)
        call = getattr(stated or ufunc, method)
        options = kwargs if stated else {**kwargs, "dtype": object}
        return as_conditions(quietly(call, *map(plain, inputs), **options))
    found = _ran(table, ufunc, method, inputs, kwargs)
    if outs is None and name in _KEEP_WHOLE and are_whole(inputs):
        return as_wholes(found)
    return found


def _is_foreign(x: Any) -> bool:
    """Whether x is of a class that has rules of its own for ufuncs, as those of pandas and Dask have."""
    kind = x.__class__
    if kind in _COMMON or isinstance(x, np.ndarray | np.generic) or is_value(x):
        return False
    return hasattr(kind, "__array_ufunc__")


def _has_rules(x: Any) -> bool:
    """Whether an array of no axis is of a class that has more than numbers: units, a mask."""
    return (
        type(x) not in _COMMON and type(x).__array_finalize__ is not np.ndarray.__array_finalize__
    )


_COMMON = frozenset(
    {float, int, bool, list, tuple, ValueArray, Conditions, Wholes, np.ndarray, np.float64}
)
_IDENTITIES = {"add": 0.0, "multiply": 1.0}
_MANY = (np.ndarray, list, tuple)


def _kept(result: Any) -> Any:
    """An array of objects as a ValueArray, and a tuple of such."""
    if type(result) is np.ndarray:
        return result.view(ValueArray) if result.dtype == object and result.ndim else owned(result)
    return tuple(map(_kept, result)) if type(result) is tuple else result


def _as_pythons(x: Any) -> Any:
    """A number of NumPy's as one of Python's."""
    if isinstance(x, np.generic | np.ndarray):
        return float(x) if x.dtype == np.longdouble else x.item()
    return x


# What applied() gives where an array of floats is to be filled with Values; to be raised by who holds no
# array then.
NO_ROOM = TypeError(
    "an array of floats holds no Values, and is to take some: make it with dtype=object, as in "
    "np.zeros(3, dtype=object), or write a = a + b in the place of a += b"
)


def _takes_objects(ufunc: Any, name: str) -> bool:
    """Whether a ufunc has a loop that Values go through: functions of users, made by np.frompyfunc, do."""
    return name not in _OF_WHOLE_NUMBERS and any("O" in kinds for kinds in ufunc.types)


def _refusal(ufunc: Any, name: str) -> str:
    if name in _OF_WHOLE_NUMBERS:
        return (
            f"numpy.{name} is for whole numbers, and a Value is a real one: take int(v), which has no "
            "derivative"
        )
    if getattr(np, name, None) is ufunc:
        return f"numpy.{name} takes no Values; v.data is the number, which has no derivative"
    return (
        f"the ufunc {name!r} is compiled for numbers and takes no Values: use pygrad.math if that has the "
        "function, state its derivatives, Value(data, children, local_grads), or take "
        "v.data, which has none"
    )
