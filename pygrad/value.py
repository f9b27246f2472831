"""Value, compiled: the native number type of the extension, completed by its cold methods.

Whatever is called once per node is C (csrc/python/); whatever is called now and then
is here: backward, copies, pickling, formatting, modes.
"""

from __future__ import annotations

import copy
import functools
import gc
import math
import numbers
import operator
import os
import sys
import threading
from collections.abc import Callable, Iterable
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType
from typing import Any, TypeVar

try:
    import pygrad._core as _core  # noqa: PLR0402  (so a missing module is an error of its own kind)
except ModuleNotFoundError as error:
    if error.name != "pygrad._core":
        raise
    raise ImportError(
        "pygrad's C extension is not built here: run `pip install .` in the checkout, with a C compiler, "
        "and then Python outside the checkout's root, whose folder `pygrad` hides the installed package; "
        "or `pip install -e .`; or set PYGRAD_IMPL=reference for the pure-Python implementation"
    ) from None
except ImportError as error:
    if "interpreter" not in str(error):
        raise
    raise ImportError(
        "pygrad works in one interpreter of a process; use threads or processes"
    ) from error

_F = TypeVar("_F", bound=Callable[..., Any])


def _load_native() -> ModuleType:
    """The second module of the same shared object, so that both doors share one pool of nodes."""
    name = "pygrad._native"
    loader = ExtensionFileLoader(name, _core.__file__)
    spec = spec_from_file_location(name, _core.__file__, loader=loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    # Where `from pygrad import _native` finds it: in the package first, as it does each module.
    sys.modules[name] = sys.modules["pygrad"]._native = module  # type: ignore[attr-defined]
    return module


_load_native()

from pygrad import _native  # noqa: E402
from pygrad._native import (  # noqa: E402
    Parameters,
    Recorded,
    Value,
    chooser,
    connected,
    depend_on_input,
    dot,
    forward,
    in_no_grad,
    noted_reads,
    refusal,
    refused,
    reverse,
    search,
    set_users_line,
    settled,
    sum,
    take,
    trace_active,
    zero_grad,
)
from pygrad.arrays.elementary import quotient_of_divmod  # noqa: E402
from pygrad.arrays.engines import INDICES, Engine, register  # noqa: E402
from pygrad.arrays.lazily import METHODS_FOR_NUMPY  # noqa: E402

FUNCTIONS: dict[str, Callable[..., Any]] = _native.functions

__all__ = [
    "FUNCTIONS",
    "OF_A_ROW",
    "OF_VALUE",
    "Parameters",
    "Recorded",
    "Value",
    "chooser",
    "connected",
    "depend_on_input",
    "dot",
    "forward",
    "in_no_grad",
    "no_grad",
    "noted_reads",
    "refusal",
    "refused",
    "reverse",
    "set_users_line",
    "settled",
    "sum",
    "trace_active",
    "zero_grad",
]


def _exotic_number(x: object) -> Any:
    """A number that is neither float nor int, as a float; NotImplemented for what is no number of ours.

    Called by the extension for Fractions, NumPy scalars and 0-d arrays. Decimal and complex are no
    numbers.Real; arrays and foreign tensors get NotImplemented, so that their own operators take over.
    """
    if str(type(x).__module__).partition(".")[0] == "numpy":
        kind = getattr(getattr(x, "dtype", None), "kind", "")
        is_number = kind in {"b", "i", "u", "f"} and getattr(x, "ndim", None) == 0
        return float(x) if is_number else NotImplemented  # type: ignore[arg-type]
    return float(x) if isinstance(x, numbers.Real) else NotImplemented


_native.set_exotic_number(_exotic_number)


def _tell_main_thread() -> None:
    """Where Python runs signal handlers: C that works for long lets it do so."""
    _native.set_main_thread(threading.main_thread().ident)


_tell_main_thread()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_tell_main_thread)

# In C, as Ctrl-C in a callback of Python's would be swallowed by the collector.
gc.callbacks.append(_native.before_collection)

_clip = FUNCTIONS["clip"]
OF_A_ROW = "_pygrad_of_a_row"  # an attribute of an error
OF_VALUE = "_pygrad_value"  # another: the id of the Value that was taken for a plain number


def clip(x: Any, lo: Any = None, hi: Any = None) -> Any:
    """x limited to [lo, hi], None for no bound; the slope on a bound is 1.

    >>> from pygrad import Value, clip
    >>> clip(Value(3.0), 0.0, 1.0).data
    1.0
    """
    return _clip(x, lo, hi)


FUNCTIONS["clip"] = clip


class no_grad(_native.NoGrad):
    """Within it, operations record nothing: results are leaves. A context manager and a decorator.

    It holds for the thread that entered it and may be nested. It ends with the block, also where Ctrl-C
    keeps Python from leaving that properly. Entered by hand, ``block.__enter__()``, it lasts until
    ``block.__exit__()``, or until the object is gone.

    >>> from pygrad import Value, no_grad
    >>> x = Value(3.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.data, y._children
    (9.0, ())
    """

    def __call__(self, function: _F) -> _F:
        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with no_grad():
                return function(*args, **kwargs)

        return inside  # type: ignore[return-value]


# -- the cold methods of Value ------------------------------------------------------------------


def backward(
    self: Any,
    seed: float = 1.0,
    *,
    gradient: float | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
) -> None:
    """Fill ``.grad`` of every node this one was computed from with d(self)/d(node) * seed.

    Leaves accumulate from call to call; inner nodes show this call's adjoint. All or nothing: if a
    user's ``_backward`` raises, or Ctrl-C arrives, every grad is restored before the exception goes on.
    Leaves whose ``requires_grad`` is False keep their grads as they are.

    The seed may be given as gradient, by PyTorch's name. retain_graph, which PyTorch has, changes nothing:
    a graph stays as long as somebody refers to it.

    With ``create_graph=True`` the grads are Values that can be differentiated again, until another
    number is written in their place. TypeError if a node on the way has a ``_backward`` of its own
    or partial derivatives that are plain numbers.

    >>> from pygrad import Value
    >>> x = Value(3.0)
    >>> (x * x).backward()
    >>> x.grad
    6.0
    >>> x.grad = 0.0
    >>> (x * x * x).backward(create_graph=True)
    >>> second = x.grad
    >>> x.grad = 0.0
    >>> second.backward()  # the derivative of 3 x**2
    >>> x.grad
    18.0
    """
    if gradient is not None:
        if seed != 1.0:
            raise TypeError("give either seed or gradient, not both")
        seed = gradient
    (_native.backward_graph if create_graph else _native.backward)(self, seed)


def _zero_grad(self: Any) -> None:
    """Set the grads of this Value and of all that it was computed from to 0.0."""
    zero_grad(self)


def _detach(self: Any) -> Any:
    """A leaf of the same number, through which nothing flows back.

    >>> from pygrad import Value
    >>> x = Value(3.0)
    >>> (x.detach() * x).backward()
    >>> x.grad
    3.0
    """
    with no_grad():
        return self.stop_gradient()


def _item(self: Any) -> float:
    """The number: `.data`."""
    number: float = self.data
    return number


def _set_further(v: Any, named: dict[str, Any]) -> None:
    from pygrad.attributes import set_further

    set_further(v, named)


_native.set_further(_set_further)


def _round(self: Any, ndigits: int | None = None) -> Any:
    """round(v) has slope 0; with digits it is a constant, unless v depends on an input of a transform."""
    if ndigits is None:
        return self.round()
    digits = operator.index(ndigits)
    if not (trace_active() or _native.depend_on_input((self,))):
        return Value(round(self.data, digits))
    size = abs(self)
    if abs(digits) <= _EXACT:  # so that 10**digits is
        rounded = _to_decimals(size, 10.0**digits) if digits >= 0 else _to(size, 10.0**-digits)
    elif digits > 323 or (digits > 0 and not 0.0 < size < _MOST / 10.0**_EXACT):
        rounded = size
    elif digits < 0 and (digits < -308 or size < 0.4 * 10.0**-digits):
        rounded = size * 0.0
    else:
        if trace_active():
            _native.trace_refuse("digits", f"round(v, {digits})")
        rounded = FUNCTIONS["where"](1.0, abs(round(self.data, digits)), size)
    return FUNCTIONS["stop_gradient"](rounded * self.sign())


_EXACT = 22  # the last n with an exact 10.0**n
_LARGEST = sys.float_info.max
# From there on floats are whole numbers, and what is left of them is rounded to itself
_MOST = 2.0**53


def _to_decimals(a: Any, scale: float) -> Any:
    """The multiple of 1 / scale that is nearest to a, which is not negative, as Python's round gives it.

    a * scale is product + rest, exactly (Dekker 1971), so it is known on which side of a tie it is.
    """
    where, step = FUNCTIONS["where"], Value.step
    s = where(a < 2.0 * _MOST / scale, a, 2.0 * _MOST / scale)  # of nan, too
    product = s * scale
    t, u = s * 134217729.0, scale * 134217729.0
    s1, scale1 = t - (t - s), u - (u - scale)
    s2, scale2 = s - s1, scale - scale1
    rest = ((s1 * scale1 - product) + s1 * scale2 + s2 * scale1) + s2 * scale2
    whole = product.round()
    off, tie = product - whole, math.nextafter(0.5, 0.0)  # beyond which there is 0.5 only
    whole = whole + step(off - tie) * step(rest) - step(-off - tie) * step(-rest)
    above = product - _MOST
    return where(step(above), a, where(step(above + rest), a, whole / scale))


def _to(a: Any, unit: float) -> Any:
    """The multiple of unit that is nearest to a, which is not negative, as Python's round gives it."""
    where, step = FUNCTIONS["where"], Value.step
    s = a.minimum(_LARGEST)
    rest = s % unit  # exactly
    is_odd = 1.0 - step(unit - s % (2.0 * unit))
    past_half = rest - 0.5 * unit
    up = where(past_half, step(past_half), is_odd)
    return where(step(a - _LARGEST), a, where(up, s + (unit - rest), s - rest))


def _format(self: Any, spec: str) -> str:
    text: str | None = _native.text(self, spec)
    return text if text is not None else format(self.data, spec) if spec else str(self)


def _like(original: Any, children: tuple[Any, ...], grads: tuple[Any, ...], deep: bool) -> Any:
    """A new node of the original's type, op, data and grad on these children; or one on the original."""
    kind: Any = type(original)
    copied = kind.__new__(kind)
    if _native.link(copied, original, deep):
        if original.label:
            copied.label = original.label
        return copied
    form = _native.form(original)
    if form == "closure":
        raise TypeError(
            f"{original!r} has a _backward of its own, which would still refer to the original; copy "
            "the code that made it instead"
        )
    if form in {"op", "rule"}:
        _native.become(copied, original, children)
        if original._op != _native.symbol(original):
            copied._op = original._op
    elif form == "partials":
        # The stub keeps a name and partials of one's own apart, for users.
        Value.__init__(copied, original.data, children, original._op, local_grads=grads)  # type: ignore[call-overload]
    else:
        Value.__init__(copied, original.data, children, original._op)
    if not _native.trace_active():  # where no grad is to be read
        copied.grad = _number(original.grad)
        if form == "leaf" and not original.requires_grad:
            copied.requires_grad = False
    if original.label:
        copied.label = original.label
    return copied


def _number(grad: Any) -> float:
    """A grad as a number; backward(create_graph=True) leaves Values."""
    return grad.data if isinstance(grad, Value) else grad


def _given(v: Any) -> tuple[Any, ...]:
    return v._local_grads if _native.form(v) == "partials" else ()


def _copy(self: Any) -> Any:
    """A new leaf for a leaf; for an inner node a new node with the same op and operands.

    A copy of an input of a transform that is running stays connected to it.
    """
    return _on_the_same_operands(self, None)


def _on_the_same_operands(v: Any, memo: dict[int, Any] | None) -> Any:
    """A copy of one node; with memo its attributes are deep copies."""
    copied = _like(v, v._children, _given(v), False)
    if memo is not None:
        memo[id(v)] = copied
    for name, content in (_native.attributes(v) or {}).items():
        setattr(copied, name, content if memo is None else copy.deepcopy(content, memo))
    return copied


def _deepcopy(self: Any, memo: dict[int, Any]) -> Any:
    """A copy of the whole graph below, with its sharing; iterative, given partials included.

    What depends on an input of a transform that is running is copied as by copy.copy: the copy stays
    connected to that, and to Values outside that it depends on, too.
    """
    if _native.depend_on_input((self,)):
        return _on_the_same_operands(self, memo)
    stack = [self]
    while stack:
        node = stack[-1]
        ends = _native.leads_on(node)
        children, given = ((), ()) if ends else (node._children, _given(node))
        needed = [*children, *(g for g in given if isinstance(g, Value))]
        missing = [n for n in needed if id(n) not in memo]
        if id(node) in memo:
            stack.pop()
        elif missing:
            stack += missing
        else:
            stack.pop()
            grads = tuple(memo[id(g)] if isinstance(g, Value) else g for g in given)
            memo[id(node)] = _like(node, tuple(memo[id(child)] for child in children), grads, True)
            for name, content in (_native.attributes(node) or {}).items():
                setattr(memo[id(node)], name, copy.deepcopy(content, memo))
    return memo[id(self)]


def _from_pickle(kind: Any, data: float, grad: float) -> Any:
    leaf = kind.__new__(kind)
    Value.__init__(leaf, data)
    leaf.grad = grad
    return leaf


def _reduce(self: Any, protocol: int) -> Any:
    """A leaf pickles by value. An inner node would lose its graph, so it refuses."""
    if _native.form(self) != "leaf":
        raise TypeError(
            f"{self!r} was computed from other Values, or has a _backward of its own, and cannot be "
            "pickled without them; pickle its leaves and the code that computes it, or a detached "
            "copy, Value(v.data)"
        )
    if _native.leads_on(self) and not _native.trace_active():
        raise TypeError(
            f"{self!r} is an input of a transform that is running, and a pickle of it would have no "
            "derivative; use it as it is, copy.copy(v), or pickle v.data"
        )
    state = _native.attributes(self) or {}
    if self.label:
        state["label"] = self.label
    if self._op:
        state["_op"] = self._op
    if not self.requires_grad:
        state["requires_grad"] = False
    return _from_pickle, (type(self), self.data, _number(self.grad)), state or None


def _setstate(self: Any, state: dict[str, Any]) -> None:
    for name, content in state.items():
        setattr(self, name, content)


def _real(self: Any) -> Any:
    """The Value itself, as for a float."""
    return +self


def _imag(self: Any) -> float:
    """0.0, as for a float."""
    return 0.0


def _int(self: Any) -> int:
    """The whole number towards 0, found by comparisons: a compiled program does them over."""
    _native.may_round(self)
    needs = ("int", "a finite x", self)
    if not self <= math.inf:
        raise _of_a_row(ValueError(refusal("cannot convert float NaN to integer", *needs)))
    if self >= math.inf or self <= -math.inf:
        text = refusal("cannot convert float infinity to integer", *needs)
        raise _of_a_row(OverflowError(text))
    return -_whole_part(-self) if self < 0 else _whole_part(self)


def _of_a_row(error: Exception) -> Exception:
    """What is the matter with one row alone: in a map its results are nan."""
    setattr(error, OF_A_ROW, True)
    return error


def _whole_part(x: Any) -> int:
    """The whole number that is just below x or equal to it; x is not negative."""
    above = 1
    while x >= above:
        above *= 2
    below = above // 2
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (middle, above) if x >= middle else (below, middle)
    return below


_NO_INDEX = (
    "a Value is no whole number by itself, as an index, a range, a repetition or a number of digits is: "
    "use int(v) or math.floor(v), about which compiled functions ask anew at each call, v.data "
    "outside of them, or a plain number: of compile(f) an argument is one by static_argnums"
)
_NO_RATIO = (
    "a Value has no {0}, as its derivative would be lost (statistics and fractions ask for that): "
    "use sums and quotients of Values, sum(vs) / len(vs), pygrad.math for math, or v.data for the number"
)


def _index(self: Any) -> int:
    """int(v) of what was rounded, found or counted as a whole number; TypeError for others, as floats."""
    detached = not self._op and in_no_grad()  # where nothing says any more what has made it
    if self._op in INDICES or (detached and _is_integer(self)) or _counts(self):
        return _int(self)
    error = TypeError(_NO_INDEX)
    setattr(error, OF_VALUE, id(self))  # not the Value, so that the error can be pickled
    raise error


def _counts(x: Any) -> bool:
    """Whether it was made of comparisons and of what a search has found, in a trace."""
    if not trace_active():
        return False
    from pygrad.arrays.tables import counts  # which brings NumPy

    return counts(x)


def _as_integer_ratio(self: Any) -> Any:
    """TypeError: the ratio would have no derivative."""
    raise TypeError(_NO_RATIO.format("ratio of ints"))


def _hex(self: Any) -> Any:
    """TypeError: the text would have no derivative."""
    raise TypeError(_NO_RATIO.format("digits"))


def _is_integer(self: Any) -> bool:
    """Whether the number is whole; compiled programs ask anew at each call."""
    return bool(-math.inf < self < math.inf and self <= self.floor())


def _known(self: Any, dtype: Any = None, copy: Any = None) -> Any:
    """What NumPy makes of a condition wherever it wants an array: a bool, by a guard."""
    import numpy as np

    return np.array(bool(self), dtype)


def _invert(self: Any) -> Any:
    """~n of a count of comparisons, as of an int."""
    if not _counts(self):
        raise TypeError("bad operand type for unary ~: 'pygrad.Value'")
    return -self - 1.0


def _divmod(self: Any, other: Any) -> Any:
    """The pair of self // other and self % other."""
    quotient = quotient_of_divmod(Value.__floordiv__, self, other)
    return NotImplemented if quotient is NotImplemented else (quotient, self % other)


def _rdivmod(self: Any, other: Any) -> Any:
    quotient = quotient_of_divmod(Value.__rfloordiv__, self, other)
    return NotImplemented if quotient is NotImplemented else (quotient, other % self)


def _complete(methods: Iterable[tuple[str, Any]]) -> None:
    for name, method in methods:
        setattr(Value, name, method)


_complete(
    [
        ("backward", backward),
        ("zero_grad", _zero_grad),
        ("detach", _detach),
        ("item", _item),
        ("no_grad", no_grad),
        ("real", property(_real)),
        ("imag", property(_imag)),
        ("conjugate", _real),
        ("clip", clip),
        ("__int__", _int),
        ("__index__", _index),
        ("as_integer_ratio", _as_integer_ratio),
        ("hex", _hex),
        ("is_integer", _is_integer),
        ("__invert__", _invert),
        ("__divmod__", _divmod),
        ("__rdivmod__", _rdivmod),
        ("__round__", _round),
        ("__floor__", Value.floor),
        ("__ceil__", Value.ceil),
        ("__trunc__", Value.trunc),
        ("__format__", _format),
        ("__copy__", _copy),
        ("__deepcopy__", _deepcopy),
        ("__reduce_ex__", _reduce),
        ("__setstate__", _setstate),
        *METHODS_FOR_NUMPY.items(),
    ]
)
_native.Condition.__array__ = _known  # type: ignore[method-assign]
_OF_TRACES = _native.Condition, _native.loop_active
register(Engine(Value, FUNCTIONS, dot, trace_active, refusal, refused, search, take, *_OF_TRACES))
