"""The compiled Value again, in plain Python: to be read, and to check the C engine against.

An expression such as `d = a * b + c` builds a graph. Every Value in it remembers its number, the
Values it was computed from (its operands), and how to tell the slope along each of these edges (the
local derivative). `d.backward()` walks the graph from `d` to its leaves and applies the chain rule,
edge by edge:

    operand.grad += node.grad * slope

The file goes from small to large: numbers, formulas, tables of ops, Value, functions. The tables
are its heart: a line per op, with its value and its slopes. To see backpropagation, read these and
`Value.backward`.

No function here calls itself along the graph, so a chain of a million nodes is no problem. The C
engine does the same arithmetic in the same order, and a test holds both to the same bits.

>>> a, b, c = Value(2.0), Value(-3.0), Value(10.0)
>>> d = a * b + c
>>> d.backward()
>>> d.data, a.grad, b.grad, c.grad
(4.0, -3.0, 2.0, 1.0)
"""

from __future__ import annotations

import contextlib
import copy
import math
import numbers
import operator
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

__all__ = [
    "FUNCTIONS",
    "Parameters",
    "Value",
    "dot",
    "forward",
    "no_grad",
    "no_grad_resume",
    "no_grad_suspend",
    "record",
    "retire",
    "reverse",
    "sum",
    "trace_active",
    "zero_grad",
]

inf = math.inf
nan = math.nan


# --- Numbers --------------------------------------------------------------------------------------


def _as_float(x: object) -> float | None:
    """x as a float, or None if it is not a real number; OverflowError if it is too large an int."""
    if isinstance(x, (float, int)):
        return float(x)
    # NumPy's scalars and 0-d arrays are known by their looks, so that NumPy need not be installed.
    if str(type(x).__module__).partition(".")[0] == "numpy":
        is_number = getattr(x, "ndim", None) == 0 and x.dtype.kind in "biuf"  # type: ignore[attr-defined]
        return float(x) if is_number else None  # type: ignore[arg-type]
    return float(x) if isinstance(x, numbers.Real) else None


def _real(x: object, what: str = "") -> float:
    """x as a float; TypeError if it is not a real number."""
    number = _as_float(x)
    if number is None:
        problem = f"{what} must be a real number" if what else "must be real number"
        raise TypeError(f"{problem}, not {type(x).__name__}")
    return number


# --- Arithmetic for slopes ------------------------------------------------------------------------
# The value of an op raises where Python's float and math raise. A slope never does: it becomes inf
# or nan, as IEEE 754 has it, for it is no mistake to ask for the slope of sqrt at 0.


def _div(x: float, y: float) -> float:
    if y != 0:
        return x / y
    if x == 0 or math.isnan(x):
        return nan
    return math.copysign(inf, x) * math.copysign(1.0, y)


def _exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return inf


def _sqrt(x: float) -> float:
    return nan if x < 0 else math.sqrt(x)


def _sin(x: float) -> float:
    return nan if math.isinf(x) else math.sin(x)


def _cos(x: float) -> float:
    return nan if math.isinf(x) else math.cos(x)


def _sinh(x: float) -> float:
    try:
        return math.sinh(x)
    except OverflowError:
        return math.copysign(inf, x)


def _cosh(x: float) -> float:
    try:
        return math.cosh(x)
    except OverflowError:
        return inf


def _math_pow(x: float, y: float) -> float:
    """math.pow, which up to Python 3.10 refused 0 ** -inf."""
    return inf if x == 0 and y == -inf else math.pow(x, y)


def _pow(x: float, y: float) -> float:
    """The C library's pow: math.pow without its exceptions."""
    try:
        return _math_pow(x, y)
    except (ValueError, OverflowError):
        if x < 0 and y != math.floor(y):
            return nan
        # 0 to a negative power, or overflow: infinite, with the sign of x if y is an odd number.
        return math.copysign(inf, x) if abs(math.fmod(y, 2.0)) == 1 else inf


def _floordiv(x: float, y: float) -> float:
    return x // y if y != 0 else nan


def _mul0(x: float, y: float) -> float:
    """x * y, but 0 * inf and 0 * nan are 0: a branch that is not taken adds nothing."""
    product = x * y
    return 0.0 if math.isnan(product) and (x == 0 or y == 0) else product


# --- Values that need more than one expression ----------------------------------------------------


def _power(x: float, n: float) -> float:
    """x ** n for a constant n, without exceptions. Small whole n are products: fast to compile."""
    if n == -1:
        return _div(1.0, x)
    if n == 0:
        return 1.0
    if n == 1:
        return x
    if n == 2:
        return x * x
    if n == 3:
        return x * x * x
    return _pow(x, n)


def _checked_power(x: float, n: float) -> float:
    """x ** n with the exceptions of float, except that a complex result is a ValueError."""
    z = _power(x, n)
    if math.isfinite(x) and math.isfinite(n):
        if x == 0 and n < 0:
            raise ZeroDivisionError("0.0 cannot be raised to a negative power")
        if math.isnan(z):
            raise ValueError("negative number cannot be raised to a fractional power")
        if math.isinf(z):
            raise OverflowError(34, "Numerical result out of range")
    return z


def _relu(x: float) -> float:
    return 0.0 if x < 0 else x


def _sigmoid(x: float) -> float:
    if x >= 0:
        return 1.0 / (1.0 + _exp(-x))
    e = _exp(x)  # 1 / (1 + exp(-x)) would overflow on this side
    return e / (1.0 + e)


def _softplus(x: float) -> float:
    return (x if x > 0 else 0.0) + math.log1p(math.exp(-abs(x)))


def _sign(x: float) -> float:
    return 1.0 if x > 0 else -1.0 if x < 0 else x


def _step(x: float) -> float:
    return 1.0 if x > 0 else 0.0


def _whole(rounding: Callable[[float], int]) -> Callable[[float], float]:
    """math.floor and the like, but float to float, with -0.0 kept."""
    return lambda x: math.copysign(float(rounding(x)), x)


def _hypot(x: float, y: float) -> float:
    """sqrt(x*x + y*y), scaled so that no square overflows or vanishes."""
    if math.isinf(x) or math.isinf(y):
        return inf
    if math.isnan(x) or math.isnan(y):
        return nan
    a, b = abs(x), abs(y)
    if a < b:
        a, b = b, a
    if b == 0:
        return a
    _, exponent = math.frexp(a)
    a, b = math.ldexp(a, -exponent), math.ldexp(b, -exponent)
    try:
        return math.ldexp(math.sqrt(a * a + b * b), exponent)
    except OverflowError:
        return inf


def _maximum(x: float, y: float) -> float:
    if x > y:
        return x
    if y > x:
        return y
    if x == y:  # 0.0 is above -0.0
        return y if math.copysign(1.0, x) < 0 else x
    return x + y  # nan


def _minimum(x: float, y: float) -> float:
    if x < y:
        return x
    if y < x:
        return y
    if x == y:
        return x if math.copysign(1.0, x) < 0 else y
    return x + y


def _clip(x: float, lo: float, hi: float) -> float:
    x = lo if x < lo else x
    return hi if hi < x else x


def _logaddexp(x: float, y: float) -> float:
    if x == y:  # also two equal infinities, whose difference is nan
        return x + 0.6931471805599453
    return (x if x > y else y) + math.log1p(math.exp(-abs(x - y)))


def _where(condition: float, x: float, y: float) -> float:
    return x if condition != 0 else y


# --- Slopes that need more than one expression ----------------------------------------------------
# Textbook formulas lose all their digits in places: 1 - tanh(x)**2 gives 0 from x = 19 on, but the
# true slope becomes that small only at x = 373. These forms stay within 4 units in the last place.


def _unless_nan(z: float, slope: float) -> float:
    """Outside its domain a function has no slope: 1/x says -1 for log at -1."""
    return nan if math.isnan(z) else slope


def _bell(c: float, e: float) -> float:
    """c * e / (1 + e)**2, corrected for the digits of e that 1 + e drops."""
    total = 1.0 + e
    lost = e - (total - 1.0)
    slope = (c * e) / (total * total)
    return slope - slope * ((2.0 * lost) / total)


def _sech2(x: float) -> float:
    """The slope of tanh, 1 / cosh(x)**2."""
    return _bell(4.0, _exp(-2.0 * abs(x)))


def _sigmoid_slope(x: float) -> float:
    return _bell(1.0, _exp(-abs(x)))


def _asin_slope(x: float) -> float:
    return _div(1.0, _sqrt((1.0 - x) * (1.0 + x)))


def _hypot_slope(x: float, y: float) -> float:
    """The slope of hypot(x, y) along x, which is cos of the angle; 0 at the origin."""
    h = _hypot(x, y)
    if h == 0:
        return 0.0
    if math.isinf(h) and math.isfinite(x) and math.isfinite(y):
        return (0.25 * x) / _hypot(0.25 * x, 0.25 * y)
    return x / h


def _atan2_slope(x: float, y: float) -> float:
    """x / (x*x + y*y), scaled so that no square overflows or vanishes; 0 at the origin."""
    if x == 0 and y == 0:
        return 0.0
    if not (math.isfinite(x) and math.isfinite(y)):
        return x / _hypot(x, y) / _hypot(x, y)
    _, exponent = math.frexp(x if abs(x) >= abs(y) else y)
    a, b = math.ldexp(x, -exponent), math.ldexp(y, -exponent)
    slope = a / (a * a + b * b)
    try:
        return math.ldexp(slope, -exponent)
    except OverflowError:
        return math.copysign(inf, slope)


def _greater(x: float, y: float) -> float:
    """The share of x in maximum(x, y): a tie is split in halves."""
    if math.isnan(x) or math.isnan(y):
        return nan
    return 1.0 if x > y else 0.5 if x == y else 0.0


def _less(x: float, y: float) -> float:
    return 1.0 if x < y else 0.0


def _clip_slopes(x: float, lo: float, hi: float) -> tuple[float, ...]:
    return (
        (1.0 - _less(x, lo)) * (1.0 - _less(hi, x)),
        _less(x, lo) * (1.0 - _less(hi, lo)),
        _less(hi, lo if x < lo else x),
    )


def _pow_slope_x(x: float, y: float) -> float:
    """y * x**(y-1). Where y - 1 is rounded, which costs digits, scale x**y instead."""
    if y == 0:
        return 0.0
    if abs(y) < 2.0**53 and math.floor(y) == y:
        power = _power(x, y - 1.0)
        if _is_normal(power) or x == 0:
            return y * power
    z = _pow(x, y)
    if _is_normal(z) and x != 0:
        # Two orders of one product; neither overflows or vanishes halfway.
        return y * (z / x) if abs(y) > 1 and z > 1 else (y * z) / x
    return y * _power(x, y - 1.0)


def _is_normal(x: float) -> bool:
    return 2.2250738585072014e-308 <= abs(x) < inf


def _pow_slope_y(x: float, y: float) -> float:
    if x > 0:
        return _pow(x, y) * math.log(x)
    if x == 0:
        return 0.0 if y >= 0 else -inf if y < 0 else nan
    return nan


def _lae_slope(x: float, y: float) -> float:
    """The slope along x: sigmoid(x - y), corrected for what the difference lost in rounding."""
    if x == y:
        return 0.5
    d = x - y
    s = _sigmoid(d)
    if not math.isfinite(d):
        return s
    t = d - x
    error = (x - (d - t)) + (-y - t)
    return s + (s * _sigmoid(-d)) * error


def _erf_slope(x: float) -> float:
    """2/sqrt(pi) * exp(-x*x), with x split in two so that the square keeps its low digits."""
    if abs(x) > 28:
        return 0.0
    t = 134217729.0 * x
    hi = t - (t - x)
    lo = x - hi
    return (1.1283791670955126 * _exp(-(hi * hi))) * _exp(-(lo * (hi + x)))


# --- The ops --------------------------------------------------------------------------------------


class Op(NamedTuple):
    """What there is to know about one op, in terms of plain floats."""

    symbol: str  # what `v._op` says
    value: Callable[..., float]  # from the operands
    slopes: Callable[..., tuple[float, ...]]  # from operands and result z: one for each operand


UNARY: dict[str, Op] = {
    "neg": Op("neg", operator.neg, lambda x, z: (-1.0,)),
    "exp": Op("exp", math.exp, lambda x, z: (z,)),
    "exp2": Op("exp2", lambda x: math.pow(2.0, x), lambda x, z: (z * 0.6931471805599453,)),
    "expm1": Op("expm1", math.expm1, lambda x, z: (_exp(x),)),
    "log": Op("log", math.log, lambda x, z: (_unless_nan(z, _div(1.0, x)),)),
    "log2": Op("log2", math.log2, lambda x, z: (_unless_nan(z, _div(1.4426950408889634, x)),)),
    "log10": Op("log10", math.log10, lambda x, z: (_unless_nan(z, _div(0.4342944819032518, x)),)),
    "log1p": Op("log1p", math.log1p, lambda x, z: (_unless_nan(z, _div(1.0, 1.0 + x)),)),
    "sqrt": Op("sqrt", math.sqrt, lambda x, z: (_div(0.5, z),)),
    "relu": Op("ReLU", _relu, lambda x, z: (1.0 if z > 0 else 0.0,)),
    "tanh": Op("tanh", math.tanh, lambda x, z: (_sech2(x),)),
    "sigmoid": Op("sigmoid", _sigmoid, lambda x, z: (_sigmoid_slope(x),)),
    "softplus": Op("softplus", _softplus, lambda x, z: (_sigmoid(x),)),
    "erf": Op("erf", math.erf, lambda x, z: (_erf_slope(x),)),
    "sin": Op("sin", math.sin, lambda x, z: (_cos(x),)),
    "cos": Op("cos", math.cos, lambda x, z: (-_sin(x),)),
    "tan": Op("tan", math.tan, lambda x, z: (1.0 + z * z,)),
    "asin": Op("asin", math.asin, lambda x, z: (_asin_slope(x),)),
    "acos": Op("acos", math.acos, lambda x, z: (-_asin_slope(x),)),
    "atan": Op("atan", math.atan, lambda x, z: (1.0 / (1.0 + x * x),)),
    "sinh": Op("sinh", math.sinh, lambda x, z: (_cosh(x),)),
    "cosh": Op("cosh", math.cosh, lambda x, z: (_sinh(x),)),
    "asinh": Op("asinh", math.asinh, lambda x, z: (1.0 / _hypot(1.0, x),)),
    "acosh": Op("acosh", math.acosh, lambda x, z: (_div(1.0, _sqrt(x - 1.0) * _sqrt(x + 1.0)),)),
    "atanh": Op("atanh", math.atanh, lambda x, z: (_unless_nan(z, _div(1.0, (1 - x) * (1 + x))),)),
    "abs": Op("abs", abs, lambda x, z: (_sign(x),)),
    "sign": Op("sign", _sign, lambda x, z: (0.0,)),
    "step": Op("step", _step, lambda x, z: (0.0,)),
    "floor": Op("floor", _whole(math.floor), lambda x, z: (0.0,)),
    "ceil": Op("ceil", _whole(math.ceil), lambda x, z: (0.0,)),
    "trunc": Op("trunc", _whole(math.trunc), lambda x, z: (0.0,)),
    "round": Op("round", _whole(round), lambda x, z: (0.0,)),
    "stop_gradient": Op("stop_gradient", lambda x: x, lambda x, z: (0.0,)),
}

BINARY: dict[str, Op] = {
    "add": Op("+", operator.add, lambda x, y, z: (1.0, 1.0)),
    "sub": Op("-", operator.sub, lambda x, y, z: (1.0, -1.0)),
    "mul": Op("*", operator.mul, lambda x, y, z: (y, x)),
    "div": Op("/", operator.truediv, lambda x, y, z: (_div(1.0, y), -_div(z, y))),
    "mod": Op("%", operator.mod, lambda x, y, z: (1.0, -_floordiv(x, y))),
    "floordiv": Op("//", operator.floordiv, lambda x, y, z: (0.0, 0.0)),
    "pow": Op("pow", _math_pow, lambda x, y, z: (_pow_slope_x(x, y), _pow_slope_y(x, y))),
    "atan2": Op("atan2", math.atan2, lambda x, y, z: (_atan2_slope(y, x), -_atan2_slope(x, y))),
    "hypot": Op("hypot", _hypot, lambda x, y, z: (_hypot_slope(x, y), _hypot_slope(y, x))),
    "maximum": Op("maximum", _maximum, lambda x, y, z: (_greater(x, y), _greater(y, x))),
    "minimum": Op("minimum", _minimum, lambda x, y, z: (_greater(y, x), _greater(x, y))),
    "logaddexp": Op("logaddexp", _logaddexp, lambda x, y, z: (_lae_slope(x, y), _lae_slope(y, x))),
}

TERNARY: dict[str, Op] = {
    "clip": Op("clip", _clip, lambda x, lo, hi, z: _clip_slopes(x, lo, hi)),
    "where": Op("where", _where, lambda c, x, y, z: (0.0, float(c != 0), float(c == 0))),
}

OPS = {**UNARY, **BINARY, **TERNARY}

# NumPy's name -> ours. np.arctan(array_of_values) calls the method `arctan` of each Value.
ALIASES = {
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "absolute": "abs",
    "fabs": "abs",
    "rint": "round",
    "select": "where",
}


# --- Values ---------------------------------------------------------------------------------------


class _Sweep:
    """A backward() under way. Its journal holds every grad it changes, as it was before.

    The journal goes by id, as a subclass of Value need not be hashable.
    """

    __slots__ = ("journal", "running")

    def __init__(self, nodes: Iterable[Value]) -> None:
        self.journal = {id(node): (node, node._grad) for node in nodes}
        self.running = True

    def undo(self) -> None:
        for node, grad in self.journal.values():
            node._grad = grad

    def end(self) -> None:
        self.running = False
        self.journal = {}


class _ThreadState(threading.local):
    sweep: _Sweep | None = None  # the innermost backward() under way in this thread
    no_grad: int = 0  # how many no_grad() blocks we are in


_state = _ThreadState()


def _note_in_journal(*nodes: Value) -> None:
    """Before grads are written other than by backward() itself: by a closure, perhaps."""
    if _state.sweep is not None:
        for node in nodes:
            _state.sweep.journal.setdefault(id(node), (node, node._grad))


def _nothing() -> None:
    """The `_backward` of a node that was given None."""


class Value:
    """A number that remembers how it was computed, so that derivatives can flow back through it.

    Args:
        data: any real number: int, float, bool, Fraction, a NumPy scalar; kept as a float.
        _children: the Values that `data` was computed from (also spelled `children`). Only for ops
            of your own; operators and methods take care of it.
        _op: the name of the op, for display. A sequence in its place is taken as `local_grads`.
        label: a name, for display.
        local_grads: the derivative of `data` by each child, in order: numbers or Values.

    Raises:
        TypeError: `data` is not a real number, or a child is not a Value.
        ValueError: there are not as many local_grads as children.
        OverflowError: an int is too large for a float.

    Values work with the operators + - * / // % ** and with numbers on either side. `<` and the like
    compare data; `==` compares a Value with a number by data, two Values by identity.

    The interface is micrograd's (Andrej Karpathy, 2020).

    >>> x = Value(3.0, label="x")
    >>> y = x * x + 1
    >>> y.backward()
    >>> y
    Value(data=10.0, grad=1.0)
    >>> x.grad
    6.0

    An op of your own, by its local derivative or by a closure:

    >>> cube = Value(x.data**3, (x,), local_grads=[3 * x.data**2])
    >>> cube.local_derivatives
    (27.0,)
    >>> twice = Value(2 * x.data, (x,), "twice")
    >>> def add_contribution():
    ...     x.grad += 2 * twice.grad
    >>> twice._backward = add_contribution
    >>> twice.backward()
    >>> x.grad
    8.0
    """

    _data: float
    _grad: float
    _label: str
    _symbol: str  # what _op says
    _operands: tuple[Value, ...]
    _slopes: Callable[..., tuple[float, ...]] | None  # from the operands' data and our own
    _given: tuple[Any, ...] | None  # local_grads as given: floats and Values
    _closure: Callable[[], Any] | None  # what was assigned to _backward
    _sweep: _Sweep | None  # the last one that had this node among its inner nodes

    __slots__ = (
        "__dict__",  # for attributes that users add
        "__weakref__",
        "_closure",
        "_data",
        "_given",
        "_grad",
        "_label",
        "_operands",
        "_slopes",
        "_sweep",
        "_symbol",
    )

    def __init__(
        self,
        data: Any,
        _children: Iterable[Value] = (),
        _op: Any = "",
        label: str = "",
        *,
        children: Iterable[Value] | None = None,
        local_grads: Iterable[Any] | None = None,
    ) -> None:
        if _is_built(self):
            # A second __init__ could change the operands, and even close a circle.
            raise RuntimeError("this Value is already initialised; its operands are read-only")
        if children is not None:
            if _children != ():
                raise TypeError("give either _children or children, not both")
            _children = children
        if not isinstance(_op, str):
            if local_grads is not None:
                raise TypeError("give local_grads once")
            local_grads, _op = tuple(_op), ""
        number = _real(data, "data")
        operands = _values(_children, "children")
        given = slopes = None
        if local_grads is not None:
            given = _partials(local_grads, len(operands))
            slopes = _constant_slopes([p._data if isinstance(p, Value) else p for p in given])
        if not isinstance(label, str):
            raise TypeError(f"label must be str, not {type(label).__name__}")
        _fill(self, number, operands, _op, slopes)
        self._label = label
        self._given = given if self._operands else None

    def __getattr__(self, name: str) -> Any:
        # Python comes here only for a missing attribute, and __init__ sets all of ours.
        if name in Value.__slots__:
            raise RuntimeError(
                "this Value was never initialised: its __init__ did not run or did not finish "
                "(a subclass has to call super().__init__)"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    # What a node knows

    @property
    def data(self) -> float:
        """The number. Assigning a new one does not recompute what was computed from the old."""
        return self._data

    @data.setter
    def data(self, number: Any) -> None:
        _check_built(self)
        self._data = _real(number, "data")

    @property
    def grad(self) -> float:
        """The derivative of the Value that backward() was last called on by this one.

        Leaves add up the derivatives of all backward() calls since their grad was set to 0.
        """
        return self._grad

    @grad.setter
    def grad(self, number: Any) -> None:
        _check_built(self)
        number = _real(number, "grad")
        _note_in_journal(self)
        self._grad = number

    @property
    def label(self) -> str:
        """A name, for display."""
        return self._label

    @label.setter
    def label(self, text: str) -> None:
        _check_built(self)
        if not isinstance(text, str):
            raise TypeError(f"label must be str, not {type(text).__name__}")
        self._label = text

    @property
    def _op(self) -> str:
        return self._symbol

    @property
    def _children(self) -> tuple[Value, ...]:
        return self._operands

    @property
    def _prev(self) -> set[Value]:
        return set(self._operands)

    @property
    def local_derivatives(self) -> tuple[float, ...]:
        """The derivative of this node by each of its operands, in their order; () for a leaf.

        Computed now, from the data that the operands hold now.

        Raises:
            TypeError: the node has only a `_backward` closure, which does not tell.

        >>> (Value(2.0) * Value(-3.0)).local_derivatives
        (-3.0, 2.0)
        """
        if not self._operands:
            return ()
        if self._slopes is None:
            raise TypeError(
                f"the local derivatives of {_describe(self)} are not known: "
                "it has no rule other than its _backward"
            )
        return self._slopes(*[operand._data for operand in self._operands], self._data)

    @property
    def _local_grads(self) -> tuple[Any, ...]:
        """local_derivatives; but local_grads that were given come back as they were given."""
        return self.local_derivatives if self._given is None else self._given

    # Going backward

    @property
    def _backward(self) -> Callable[[], Any]:
        """What backward() calls for this node. Assign a function to define an op of your own."""
        return self._contribute_by_hand if self._closure is None else self._closure

    @_backward.setter
    def _backward(self, closure: Callable[[], Any] | None) -> None:
        _check_built(self)
        if closure is None:
            closure = _nothing
        elif not callable(closure):
            raise TypeError(f"_backward must be callable or None, not {type(closure).__name__}")
        self._closure = closure

    def _contribute(self) -> None:
        """The chain rule for one node: add grad * slope to the grad of each operand."""
        if self._slopes is None:
            return
        grad = self._grad
        slopes = self._slopes(*[operand._data for operand in self._operands], self._data)
        for operand, slope in zip(self._operands, slopes, strict=True):
            operand._grad += _mul0(grad, slope)

    def _contribute_by_hand(self) -> None:
        """The same, called by the user: maybe in a closure, for a node outside the sweep."""
        _note_in_journal(*self._operands)
        self._contribute()

    def backward(self, seed: Any = 1.0, *, create_graph: bool = False) -> None:
        """Set the grad of every Value that this one was computed from.

        The grad of this node becomes `seed`. Grads of inner nodes start at 0 in each call. Grads of
        leaves add up over calls, until zero_grad() or `leaf.grad = 0`.

        If anything raises in between, a closure or Ctrl-C, every grad is as it was before the call.

        This is the reverse mode of automatic differentiation (Linnainmaa 1970).

        Raises:
            TypeError: seed is not a real number.
            NotImplementedError: create_graph is true; the compiled Value can do that.
            RuntimeError: called by a closure during another backward() that needs the same node.

        >>> x = Value(3.0)
        >>> (x**2).backward()
        >>> x.grad
        6.0
        """
        if create_graph:
            raise NotImplementedError(_ONCE)
        seed = _real(seed, "seed")
        order = _sorted(self)
        sweep, outer = _Sweep(order), _state.sweep
        try:
            _state.sweep = sweep
            for node in order:
                if node._operands:
                    node._sweep = sweep
                    node._grad = 0.0
            self._grad = seed
            for node in reversed(order):
                if node._closure is None:
                    node._contribute()
                else:
                    node._closure()
            if outer is not None:
                # We run inside a closure of the outer sweep. If that one fails, it undoes ours too.
                for key, entry in sweep.journal.items():
                    outer.journal.setdefault(key, entry)
        except BaseException:
            sweep.undo()
            raise
        finally:
            _state.sweep = outer
            sweep.end()

    # Operators. On NotImplemented Python tries the other operand's method, then raises TypeError.

    def __add__(self, other: Any) -> Value:
        return _operation("add", self, other)

    def __radd__(self, other: Any) -> Value:
        return _operation("add", other, self)

    def __sub__(self, other: Any) -> Value:
        return _operation("sub", self, other)

    def __rsub__(self, other: Any) -> Value:
        return _operation("sub", other, self)

    def __mul__(self, other: Any) -> Value:
        return _operation("mul", self, other)

    def __rmul__(self, other: Any) -> Value:
        return _operation("mul", other, self)

    def __truediv__(self, other: Any) -> Value:
        return _operation("div", self, other)

    def __rtruediv__(self, other: Any) -> Value:
        return _operation("div", other, self)

    def __mod__(self, other: Any) -> Value:
        return _operation("mod", self, other)

    def __rmod__(self, other: Any) -> Value:
        return _operation("mod", other, self)

    def __floordiv__(self, other: Any) -> Value:
        return _operation("floordiv", self, other)

    def __rfloordiv__(self, other: Any) -> Value:
        return _operation("floordiv", other, self)

    def __pow__(self, exponent: Any, modulus: Any = None) -> Value:
        if isinstance(exponent, Value):
            raise TypeError(_VALUE_EXPONENT)
        n = _as_float(exponent)
        if n is None or modulus is not None:
            return NotImplemented
        return _node(
            _checked_power(self._data, n),
            (self,),
            f"**{int(n) if hasattr(exponent, '__index__') and n == math.floor(n) else n}",
            lambda x, z: (_pow_slope_x(x, n),),
        )

    def __rpow__(self, base: Any) -> Value:
        if _as_float(base) is None:
            return NotImplemented
        raise TypeError(_VALUE_EXPONENT)

    def __neg__(self) -> Value:
        return _apply("neg", self)

    def __pos__(self) -> Value:
        _check_built(self)
        return self

    def __abs__(self) -> Value:
        return _apply("abs", self)

    def __round__(self, ndigits: int | None = None) -> Value:
        if ndigits is None:
            return _apply("round", self)
        return Value(round(self._data, ndigits))  # a constant, as the slope is 0

    def __floor__(self) -> Value:
        return _apply("floor", self)

    def __ceil__(self) -> Value:
        return _apply("ceil", self)

    def __trunc__(self) -> Value:
        return _apply("trunc", self)

    # Comparisons look at the data only.

    def __lt__(self, other: Any) -> bool:
        return _compare(operator.lt, self, other)

    def __le__(self, other: Any) -> bool:
        return _compare(operator.le, self, other)

    def __gt__(self, other: Any) -> bool:
        return _compare(operator.gt, self, other)

    def __ge__(self, other: Any) -> bool:
        return _compare(operator.ge, self, other)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Value):
            return self is other
        return _compare(operator.eq, self, other)

    # Two Values may hold the same number and yet be two nodes: sets and dicts go by identity.
    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return self._data != 0

    # There is no __float__, on purpose: float(v) would drop the gradient in silence.

    def __repr__(self) -> str:
        if not _is_built(self):
            return f"<{type(self)!r}, not initialised>"
        return f"Value(data={self._data!r}, grad={self._grad!r})"

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else str(self)

    # Copies

    def __copy__(self) -> Value:
        """A new leaf for a leaf; for an inner node a new node with the same op and operands."""
        return _clone(self, self._operands, self._given, vars(self))

    def __deepcopy__(self, memo: dict[int, Any]) -> Value:
        """A copy of the whole graph below; what is shared in it stays shared."""
        for node in _operands_first(self, _operands_and_given):
            if id(node) not in memo:
                operands = tuple(memo[id(operand)] for operand in node._operands)
                given = node._given and tuple(
                    memo[id(p)] if isinstance(p, Value) else p for p in node._given
                )
                memo[id(node)] = clone = _clone(node, operands, given, {})
                vars(clone).update(copy.deepcopy(vars(node), memo))
        return memo[id(self)]

    def __reduce__(self) -> tuple[Any, ...]:
        if self._operands or self._closure is not None:
            raise TypeError(
                f"cannot pickle {_describe(self)}, which would lose its graph: "
                "pickle the leaves (the parameters), or v.data"
            )
        return _restore, (type(self), self._data, self._grad, self._label), vars(self) or None


_ONCE = (
    "the reference implementation differentiates once; derivatives of derivatives, and Values as "
    "grads, need the compiled one: unset PYGRAD_IMPL"
)

_VALUE_EXPONENT = "a ** b takes a number as b; where b is a Value use pygrad.math.pow(a, b)"


# --- Making nodes ---------------------------------------------------------------------------------


def _fill(
    node: Value,
    data: float,
    operands: tuple[Value, ...] = (),
    symbol: str = "",
    slopes: Callable[..., tuple[float, ...]] | None = None,
) -> Value:
    """Set the fields of a new node. Inside no_grad() it becomes a leaf."""
    if _state.no_grad:
        operands, symbol, slopes = (), "", None
    node._data = data
    node._grad = 0.0
    node._label = ""
    node._symbol = symbol
    node._operands = operands
    node._slopes = slopes
    node._given = None
    node._closure = None
    node._sweep = None
    return node


def _node(
    data: float,
    operands: tuple[Value, ...] = (),
    symbol: str = "",
    slopes: Callable[..., tuple[float, ...]] | None = None,
) -> Value:
    """The result of an op: a plain Value, even if the operands are of a subclass."""
    return _fill(Value.__new__(Value), data, operands, symbol, slopes)


def _restore(cls: type[Value], data: float, grad: float, label: str) -> Value:
    """A leaf with all that it had; for copies and pickles."""
    leaf = _fill(cls.__new__(cls), data)
    leaf._grad = grad
    leaf._label = label
    return leaf


def _clone(
    node: Value, operands: tuple[Value, ...], given: Any, attributes: dict[str, Any]
) -> Value:
    if node._closure is not None:
        raise TypeError(
            f"cannot copy {_describe(node)}: its _backward would go on working on the original"
        )
    clone = _restore(type(node), node._data, node._grad, node._label)
    clone._operands, clone._symbol = operands, node._symbol
    clone._slopes, clone._given = node._slopes, given
    vars(clone).update(attributes)
    return clone


def _apply(name: str, *operands: Any) -> Value:
    """The node for an op of Values and numbers. Numbers become leaves.

    Raises whatever the op raises, and TypeError for an operand that is not a number.
    """
    return _record(OPS[name], [x if isinstance(x, Value) else _node(_real(x)) for x in operands])


def _operation(name: str, *operands: Any) -> Value:
    """_apply for a binary operator: NotImplemented instead of TypeError."""
    values = []
    for x in operands:
        if isinstance(x, Value):
            values.append(x)
        else:
            number = _as_float(x)
            if number is None:
                return NotImplemented
            values.append(_node(number))
    return _record(OPS[name], values)


def _record(op: Op, values: list[Value]) -> Value:
    return _node(op.value(*[v._data for v in values]), tuple(values), op.symbol, op.slopes)


def _compare(comparison: Callable[[float, float], bool], x: Value, y: Any) -> bool:
    number = y._data if isinstance(y, Value) else _as_float(y)
    return NotImplemented if number is None else comparison(x._data, number)


def _is_built(value: Value) -> bool:
    try:
        object.__getattribute__(value, "_operands")
    except AttributeError:
        return False
    return True


def _check_built(value: Value) -> None:
    value._operands  # noqa: B018  __getattr__ raises if it is missing


def _values(items: Iterable[Any], what: str) -> tuple[Value, ...]:
    """The items as a tuple; TypeError if one is not a Value."""
    if not isinstance(items, Iterable):
        raise TypeError(f"{what} must be an iterable of Values, not {type(items).__name__}")
    values = tuple(items)
    for i, item in enumerate(values):
        if not isinstance(item, Value):
            raise TypeError(f"{what}[{i}] must be a Value, not {type(item).__name__}")
        _check_built(item)
    return values


def _partials(local_grads: Iterable[Any], count: int) -> tuple[Any, ...]:
    """local_grads as floats and Values."""
    partials = tuple(
        [
            p if isinstance(p, Value) else _real(p, f"local_grads[{i}]")
            for i, p in enumerate(local_grads)
        ]
    )
    if len(partials) != count:
        raise ValueError(f"got {len(partials)} local_grads for {count} children")
    return partials


def _constant_slopes(slopes: Iterable[float]) -> Callable[..., tuple[float, ...]]:
    slopes = tuple(slopes)
    return lambda *data: slopes


def _describe(node: Value) -> str:
    label = f", label {node._label!r}" if node._label else ""
    op = f", op {node._op!r}" if node._op else ""
    return f"{node!r}{label}{op}"


_operands: Callable[[Value], tuple[Value, ...]] = operator.attrgetter("_operands")


def _operands_and_given(node: Value) -> tuple[Value, ...]:
    return node._operands + tuple([p for p in node._given or () if isinstance(p, Value)])


def _operands_first(
    root: Value, edges: Callable[[Value], tuple[Value, ...]] = _operands
) -> Iterator[Value]:
    """Every node that root is computed from, each once, operands before results; root comes last.

    The order is that of a depth-first walk that calls itself for each operand in turn; but it keeps
    a stack of its own, as Python's is not deep enough for long chains.
    """
    seen = {id(root)}
    stack = [(root, iter(edges(root)))]
    while stack:
        node, todo = stack[-1]
        for operand in todo:
            if id(operand) not in seen:
                seen.add(id(operand))
                stack.append((operand, iter(edges(operand))))
                break
        else:
            stack.pop()
            yield node


def _sorted(root: Value) -> list[Value]:
    """_operands_first, as a list; RuntimeError if an unfinished sweep is at work on one of them."""
    order = list(_operands_first(root))
    for node in order:
        if node._operands and node._sweep is not None and node._sweep.running:
            raise RuntimeError(
                f"{_describe(node)} belongs to a backward() that is unfinished; "
                "its grad is not to be touched by another"
            )
    return order


# --- Functions ------------------------------------------------------------------------------------
# Given a Value, each gives a Value. Otherwise it gives a number, and a function that the standard
# math module has too gives just what that one gives.


def _unary_function(op: str, standard: Callable[..., Any] | None) -> Callable[..., Any]:
    def function(x: Any, /) -> Any:
        if isinstance(x, Value):
            return _apply(op, x)
        return standard(x) if standard else OPS[op].value(_real(x))

    return function


def _binary_function(op: str, standard: Callable[..., Any] | None) -> Callable[..., Any]:
    def function(x: Any, y: Any, /) -> Any:
        if isinstance(x, Value) or isinstance(y, Value):
            return _apply(op, x, y)
        return standard(x, y) if standard else OPS[op].value(_real(x), _real(y))

    return function


def _ternary(op: str, *operands: Any) -> Any:
    if _any_value(operands):
        return _apply(op, *operands)
    return OPS[op].value(*map(_real, operands))


def _clip_function(x: Any, lo: Any = None, hi: Any = None) -> Any:
    """x, but at least lo and at most hi; None is no bound."""
    return _ternary("clip", x, -inf if lo is None else lo, inf if hi is None else hi)


def _where_function(condition: Any, x: Any, y: Any, /) -> Any:
    """x if the condition is not 0, else y. Both are computed beforehand."""
    return _ternary("where", condition, x, y)


def _make_functions() -> dict[str, Callable[..., Any]]:
    functions: dict[str, Callable[..., Any]] = {
        "pown": lambda x, n, /: x**n,
        "clip": _clip_function,
        "where": _where_function,
    }
    for op in (*UNARY, *BINARY):
        standard = getattr(math, "fabs" if op == "abs" else op, None)
        make = _unary_function if op in UNARY else _binary_function
        functions[op] = make(op, standard)
    for name, function in functions.items():
        function.__name__ = function.__qualname__ = name
        function.__doc__ = function.__doc__ or f"The op {name!r}, of Values or numbers."
    functions.update({alias: functions[op] for alias, op in ALIASES.items()})
    return functions


FUNCTIONS: dict[str, Callable[..., Any]] = _make_functions()


def _add_methods() -> None:
    """Every function is a method of Value, too, with the Value as its first operand."""
    for name, function in FUNCTIONS.items():
        if name != "pown":
            setattr(Value, name, function)


_add_methods()


def sum(values: Iterable[Any], start: Any = 0.0) -> Any:
    """The sum of Values and numbers as one node, added to `start` from left to right.

    Returns a float if there is no Value among them.

    Raises:
        TypeError: an item is neither a Value nor a real number.

    >>> total = sum([Value(1.0), 2, Value(3.0)])
    >>> total.data, total.local_derivatives
    (6.0, (1.0, 1.0, 1.0))
    """
    items = list(values)
    operands = _leaves(items, "values")
    total = start._data if isinstance(start, Value) else _real(start, "start")
    for operand in operands:
        total = total + operand._data
    if isinstance(start, Value):
        operands.append(start)
    elif not _any_value(items):
        return total
    return _node(total, tuple(operands), "sum", _constant_slopes([1.0] * len(operands)))


def dot(ws: Iterable[Any], xs: Iterable[Any], bias: Any = None) -> Any:
    """bias + ws[0]*xs[0] + ws[1]*xs[1] + ... as one node, added from left to right.

    Returns a float if there is no Value among all of them.

    Raises:
        ValueError: ws and xs differ in length.
        TypeError: an item is neither a Value nor a real number.

    >>> w, x = [Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)]
    >>> y = dot(w, x, 1.0)
    >>> y.backward()
    >>> y.data, w[0].grad, x[1].grad
    (32.0, 5.0, 3.0)
    """
    ws, xs = list(ws), list(xs)
    n = len(ws)
    if len(xs) != n:
        raise ValueError(f"dot() needs as many ws as xs, got {n} and {len(xs)}")
    biases = [] if bias is None else [bias]
    w_leaves, x_leaves = _leaves(ws, "ws"), _leaves(xs, "xs")
    bias_leaves = [b if isinstance(b, Value) else _node(_real(b, "bias")) for b in biases]
    total = bias_leaves[0]._data if bias_leaves else 0.0
    for w, x in zip(w_leaves, x_leaves, strict=True):
        total = total + w._data * x._data
    if not _any_value(ws + xs + biases):
        return total

    def slopes(*data: float) -> tuple[float, ...]:
        return data[n : 2 * n] + data[:n] + (1.0,) * len(biases)

    return _node(total, (*w_leaves, *x_leaves, *bias_leaves), "dot", slopes)


def _leaves(items: list[Any], what: str) -> list[Value]:
    """The items with numbers made into leaves."""
    return [
        item if isinstance(item, Value) else _node(_real(item, f"{what}[{i}]"))
        for i, item in enumerate(items)
    ]


def _any_value(items: Iterable[Any]) -> bool:
    return any(isinstance(item, Value) for item in items)


class no_grad(contextlib.ContextDecorator):
    """Inside `with no_grad():`, or in a function under `@no_grad()`, results are leaves: no graph.

    It concerns the current thread only.

    >>> x = Value(3.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.data, y.local_derivatives
    (9.0, ())
    """

    def __enter__(self) -> no_grad:
        _state.no_grad += 1
        return self

    def __exit__(self, *exception: object) -> None:
        _state.no_grad -= 1


def zero_grad(values_or_root: Value | Iterable[Value]) -> None:
    """Set grads to 0.0: of a Value and all that it was computed from, or of each Value in a list.

    Raises:
        TypeError: neither a Value nor an iterable of Values; then no grad is changed.
        RuntimeError: called by a closure during a backward() that is at work on the same nodes.

    >>> x = Value(3.0)
    >>> y = x * x
    >>> y.backward()
    >>> zero_grad(y)
    >>> x.grad, y.grad
    (0.0, 0.0)
    """
    nodes = (
        _sorted(values_or_root)
        if isinstance(values_or_root, Value)
        else _values(values_or_root, "what zero_grad() takes, a Value or an iterable of Values,")
    )
    _note_in_journal(*nodes)
    for node in nodes:
        node._grad = 0.0


# --- For the transforms ---------------------------------------------------------------------------
# pygrad.transform runs a function on inputs from record() and asks reverse() or forward() for the
# derivatives of what it computed. Here they are numbers, always.

# A row of seeds is a tuple, or the index of the only seed, which is then 1.

_active: dict[int, Value] = {}  # inputs of transforms whose function is running, by id


def record(points: tuple[Any, ...]) -> tuple[Value, ...]:
    """A new leaf for each number."""
    if _any_value(points):
        raise NotImplementedError(_ONCE)
    inputs = tuple([Value(point) for point in points])
    _active.update({id(v): v for v in inputs})
    return inputs


def retire(inputs: tuple[Value, ...]) -> None:
    """The transform with these inputs is done."""
    for v in inputs:
        _active.pop(id(v), None)


def _above(outputs: tuple[Value, ...], seeds: Iterable[float], inputs: tuple[Any, ...]) -> Value:
    """A node whose slopes by the outputs are the seeds; NotImplementedError if it is not ours alone."""
    root = _fill(Value.__new__(Value), 0.0)
    root._operands, root._slopes = outputs, _constant_slopes(seeds)
    own = set(map(id, inputs))
    if any(id(node) in _active and id(node) not in own for node in _operands_first(root)):
        raise NotImplementedError(_ONCE)
    return root


def _check_once(rows: Any, stop: bool) -> None:
    if not stop or any(_any_value(row) for row in rows if not isinstance(row, int)):
        raise NotImplementedError(_ONCE)


def _seeds(row: Any, count: int) -> list[float]:
    if isinstance(row, int):
        return [1.0 if i == row else 0.0 for i in range(count)]
    return [_real(seed, "a seed") for seed in row]


def reverse(
    outputs: tuple[Value, ...], inputs: tuple[Value, ...], rows: Any, stop: bool, kind: int
) -> tuple[bool, list[tuple[float, ...]]]:
    """For each row of seeds, one per output, the derivatives by the inputs. No grad is changed."""
    _check_once(rows, stop)
    _above(outputs, [0.0] * len(outputs), inputs)
    results = []
    for row in rows:
        root = _above(outputs, _seeds(row, len(outputs)), inputs)
        grads = [(node, node._grad) for node in _operands_first(root)]
        try:
            for v in inputs:
                v._grad = 0.0
            root.backward()
            results.append(tuple([v._grad for v in inputs]))
        finally:
            for node, grad in grads:
                node._grad = grad
    return False, results


def forward(
    outputs: tuple[Value, ...], inputs: tuple[Value, ...], rows: Any, stop: bool, kind: int
) -> tuple[bool, list[tuple[float, ...]]]:
    """For each row of seeds, one per input, the derivatives of the outputs, in forward mode."""
    _check_once(rows, stop)
    results = []
    for row in rows:
        seeds = _seeds(row, len(inputs))
        tangents = {id(v): seed for v, seed in zip(inputs, seeds, strict=True)}
        for node in _operands_first(_above(outputs, [0.0] * len(outputs), inputs)):
            if id(node) not in tangents:
                tangents[id(node)] = _tangent(node, [tangents[id(v)] for v in node._operands])
        results.append(tuple([tangents[id(v)] for v in outputs]))
    return False, results


def _tangent(node: Value, tangents: list[float]) -> float:
    """The sum of tangent * slope over the operands, from left to right."""
    if node._closure is not None and any(t != 0 for t in tangents):
        raise TypeError(
            f"{_describe(node)} has a _backward of its own, which says nothing about the forward "
            "direction: use a reverse transform (grad, vjp, jacrev), or give local_grads"
        )
    if node._closure is not None or node._slopes is None:
        return 0.0
    slopes = node._slopes(*[operand._data for operand in node._operands], node._data)
    total = 0.0
    for tangent, slope in zip(tangents, slopes, strict=True):
        total += _mul0(tangent, slope)
    return total


def trace_active() -> bool:
    """Whether this thread traces: the reference cannot."""
    return False


def no_grad_suspend(depths: list[int]) -> None:
    """This thread records for now; depths gets how many no_grad() blocks it is in."""
    depths.append(_state.no_grad)
    _state.no_grad = 0


def no_grad_resume(depths: list[int]) -> None:
    """It is in so many blocks again, if it was suspended."""
    if depths:
        _state.no_grad = depths.pop()


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
        self._values = _values(values, "parameters")
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
        lr, momentum, weight_decay = map(_real, (lr, momentum, weight_decay))
        for i, p in enumerate(self._values):
            g = p._grad
            if weight_decay != 0:
                g = g + weight_decay * p._data
            if momentum != 0:
                g = self._velocity[i] = momentum * self._velocity[i] + g
            p._data = p._data - lr * g

    def adam(self, lr: Any, beta1: Any, beta2: Any, eps: Any, weight_decay: Any) -> None:
        """One step of Adam (Kingma & Ba 2015)."""
        lr, beta1, beta2, eps, weight_decay = map(_real, (lr, beta1, beta2, eps, weight_decay))
        self._t += 1
        # The averages m and v start at 0; dividing by these takes that bias out.
        correction1 = 1.0 - _pow(beta1, float(self._t))
        correction2 = 1.0 - _pow(beta2, float(self._t))
        for i, p in enumerate(self._values):
            g = p._grad
            if weight_decay != 0:
                g = g + weight_decay * p._data
            m = self._m[i] = beta1 * self._m[i] + (1.0 - beta1) * g
            v = self._v[i] = beta2 * self._v[i] + (1.0 - beta2) * (g * g)
            p._data = p._data - _div(lr * _div(m, correction1), _sqrt(_div(v, correction2)) + eps)
