"""The native door of the extension: everything that touches a node. pygrad.value loads it."""

from collections.abc import Callable, Iterable
from typing import Any, NoReturn, SupportsFloat, TypeAlias, final, overload

from typing_extensions import Self, disjoint_base

# What stands beside a Value: another one, or a number (int, float, bool, Fraction, NumPy's).
_Operand: TypeAlias = Value | SupportsFloat

@disjoint_base
class Value:
    @overload
    def __init__(
        self,
        data: SupportsFloat,
        _children: Iterable[Value] = (),
        _op: str = "",
        label: str = "",
    ) -> None: ...
    @overload
    def __init__(
        self,
        data: SupportsFloat,
        children: Iterable[Value],
        local_grads: Iterable[_Operand],
        /,
        label: str = "",
    ) -> None: ...
    @overload
    def __init__(
        self,
        data: SupportsFloat,
        _children: Iterable[Value] = (),
        *,
        local_grads: Iterable[_Operand],
        label: str = "",
    ) -> None: ...
    @overload
    def __init__(
        self,
        data: SupportsFloat,
        *,
        children: Iterable[Value],
        local_grads: Iterable[_Operand] = ...,
        label: str = "",
    ) -> None: ...
    @overload
    def __init__(
        self,
        data: SupportsFloat,
        *,
        children: Iterable[Value],
        _op: str,
        label: str = "",
    ) -> None: ...

    # -- attributes --
    @property
    def data(self) -> float: ...
    @data.setter
    def data(self, number: SupportsFloat, /) -> None: ...
    @property
    def grad(self) -> Any: ...  # float, or Value after backward(create_graph=True)
    @grad.setter
    def grad(self, number: SupportsFloat, /) -> None: ...
    label: str
    @property
    def _op(self) -> str: ...
    @property
    def _children(self) -> tuple[Value, ...]: ...
    @property
    def _prev(self) -> set[Value]: ...
    @property
    def local_derivatives(self) -> tuple[float, ...]: ...
    @property
    def _local_grads(self) -> tuple[float | Value, ...]: ...
    @property
    def _backward(self) -> Callable[[], object]: ...
    @_backward.setter
    def _backward(self, rule: Callable[[], object] | None, /) -> None: ...

    # -- backward --
    def backward(self, seed: float = 1.0, *, create_graph: bool = False) -> None: ...

    # -- operators --
    def __add__(self, other: _Operand, /) -> Value: ...
    def __radd__(self, other: SupportsFloat, /) -> Value: ...
    def __sub__(self, other: _Operand, /) -> Value: ...
    def __rsub__(self, other: SupportsFloat, /) -> Value: ...
    def __mul__(self, other: _Operand, /) -> Value: ...
    def __rmul__(self, other: SupportsFloat, /) -> Value: ...
    def __truediv__(self, other: _Operand, /) -> Value: ...
    def __rtruediv__(self, other: SupportsFloat, /) -> Value: ...
    def __mod__(self, other: _Operand, /) -> Value: ...
    def __rmod__(self, other: SupportsFloat, /) -> Value: ...
    def __floordiv__(self, other: _Operand, /) -> Value: ...
    def __rfloordiv__(self, other: SupportsFloat, /) -> Value: ...
    # No __rpow__: a Value as exponent is a TypeError; pygrad.math.pow differentiates by both.
    def __pow__(self, n: SupportsFloat, modulus: None = None, /) -> Value: ...
    def __neg__(self) -> Value: ...
    def __pos__(self) -> Value: ...
    def __abs__(self) -> Value: ...
    def __round__(self, ndigits: int | None = None) -> Value: ...
    def __floor__(self) -> Value: ...
    def __ceil__(self) -> Value: ...
    def __trunc__(self) -> Value: ...
    def __lt__(self, other: _Operand, /) -> bool: ...
    def __le__(self, other: _Operand, /) -> bool: ...
    def __gt__(self, other: _Operand, /) -> bool: ...
    def __ge__(self, other: _Operand, /) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __bool__(self) -> bool: ...
    def __format__(self, spec: str) -> str: ...

    # -- copies --
    def __copy__(self) -> Value: ...
    def __deepcopy__(self, memo: dict[int, Any]) -> Value: ...
    def __setstate__(self, state: dict[str, Any]) -> None: ...

    # derived: methods
    def add(self, y: _Operand, /) -> Value:
        """Sum x + y."""
    def sub(self, y: _Operand, /) -> Value:
        """Difference x - y."""
    def mul(self, y: _Operand, /) -> Value:
        """Product x * y."""
    def div(self, y: _Operand, /) -> Value:
        """Quotient x / y, rounded once."""
    def neg(self, /) -> Value:
        """Negation -x."""
    def mod(self, y: _Operand, /) -> Value:
        """Remainder x % y with the sign of y."""
    def floordiv(self, y: _Operand, /) -> Value:
        """Floor of the quotient, x // y; its slopes are 0."""
    def pow(self, y: _Operand, /) -> Value:
        """Power x ** y; both operands may be Values."""
    def exp(self, /) -> Value:
        """Exponential."""
    def exp2(self, /) -> Value:
        """Power of two, 2 ** x."""
    def expm1(self, /) -> Value:
        """exp(x) - 1, accurate near 0."""
    def log(self, /) -> Value:
        """Natural logarithm, for x > 0."""
    def log2(self, /) -> Value:
        """Logarithm to base 2."""
    def log10(self, /) -> Value:
        """Logarithm to base 10."""
    def log1p(self, /) -> Value:
        """log(1 + x), accurate near 0."""
    def logaddexp(self, y: _Operand, /) -> Value:
        """log(exp(x) + exp(y)) without overflow."""
    def relu(self, /) -> Value:
        """Rectifier: 0 for x < 0, else x; its slope at 0 is 0."""
    def sigmoid(self, /) -> Value:
        """Logistic function 1 / (1 + exp(-x))."""
    def softplus(self, /) -> Value:
        """log(1 + exp(x)) without overflow."""
    def tanh(self, /) -> Value:
        """Hyperbolic tangent."""
    def sqrt(self, /) -> Value:
        """Square root; its slope at 0 is +inf."""
    def sin(self, /) -> Value:
        """Sine of x radians."""
    def cos(self, /) -> Value:
        """Cosine of x radians."""
    def tan(self, /) -> Value:
        """Tangent of x radians."""
    def asin(self, /) -> Value:
        """Inverse sine, in radians."""
    def arcsin(self, /) -> Value:
        """Same as asin."""
    def acos(self, /) -> Value:
        """Inverse cosine, in radians."""
    def arccos(self, /) -> Value:
        """Same as acos."""
    def atan(self, /) -> Value:
        """Inverse tangent, in radians."""
    def arctan(self, /) -> Value:
        """Same as atan."""
    def atan2(self, y: _Operand, /) -> Value:
        """Angle of the point (y, x): atan2(x, y) in radians; slopes at (0, 0) are 0."""
    def arctan2(self, y: _Operand, /) -> Value:
        """Same as atan2."""
    def sinh(self, /) -> Value:
        """Hyperbolic sine."""
    def cosh(self, /) -> Value:
        """Hyperbolic cosine."""
    def asinh(self, /) -> Value:
        """Inverse hyperbolic sine."""
    def arcsinh(self, /) -> Value:
        """Same as asinh."""
    def acosh(self, /) -> Value:
        """Inverse hyperbolic cosine, for x >= 1."""
    def arccosh(self, /) -> Value:
        """Same as acosh."""
    def atanh(self, /) -> Value:
        """Inverse hyperbolic tangent, for -1 < x < 1."""
    def arctanh(self, /) -> Value:
        """Same as atanh."""
    def hypot(self, y: _Operand, /) -> Value:
        """Length of (x, y) without overflow; slopes at (0, 0) are 0."""
    def erf(self, /) -> Value:
        """Error function."""
    def erfc(self, /) -> Value:
        """Complementary error function 1 - erf(x), accurate in its tail."""
    def lgamma(self, /) -> Value:
        """Logarithm of the absolute value of the gamma function."""
    def digamma(self, /) -> Value:
        """Slope of lgamma: the logarithmic derivative of the gamma function."""
    def abs(self, /) -> Value:
        """Absolute value; its slope at 0 is 0."""
    def absolute(self, /) -> Value:
        """Same as abs."""
    def fabs(self, /) -> Value:
        """Same as abs."""
    def sign(self, /) -> Value:
        """Sign: 1, -1, or x itself where x is 0 or nan."""
    def step(self, /) -> Value:
        """Unit step: 1 for x > 0, else 0."""
    def floor(self, /) -> Value:
        """Largest whole number not above x; its slope is 0."""
    def ceil(self, /) -> Value:
        """Smallest whole number not below x; its slope is 0."""
    def trunc(self, /) -> Value:
        """x rounded toward 0; its slope is 0."""
    def round(self, /) -> Value:
        """x rounded to the nearest whole number, ties to even; its slope is 0."""
    def rint(self, /) -> Value:
        """Same as round."""
    def maximum(self, y: _Operand, /) -> Value:
        """The larger of x and y; a tie gives each slope 1/2."""
    def minimum(self, y: _Operand, /) -> Value:
        """The smaller of x and y; a tie gives each slope 1/2."""
    def clip(x, lo: _Operand | None = None, hi: _Operand | None = None) -> Value:
        """x limited to the range from y to w; its slope on a bound is 1."""
    def where(self, y: _Operand, w: _Operand, /) -> Value:
        """y where the condition x holds, else w."""
    def select(self, y: _Operand, w: _Operand, /) -> Value:
        """Same as where."""
    def stop_gradient(self, /) -> Value:
        """x itself, with slope 0: gradients stop here."""
    # derived: end

@final
class Parameters:
    def __new__(cls, values: Iterable[Value]) -> Parameters: ...
    def __len__(self) -> int: ...
    def sgd(self, lr: float, momentum: float, weight_decay: float, /) -> None: ...
    def adam(
        self, lr: float, beta1: float, beta2: float, eps: float, weight_decay: float, /
    ) -> None: ...
    def zero_grad(self) -> None: ...

functions: dict[str, Callable[..., Any]]

@overload
def sum(values: Iterable[Value], start: _Operand = 0.0) -> Value: ...
@overload
def sum(values: Iterable[_Operand], start: Value) -> Value: ...
@overload
def sum(values: Iterable[SupportsFloat], start: SupportsFloat = 0.0) -> float: ...
@overload
def sum(values: Iterable[_Operand], start: _Operand = 0.0) -> Value | float: ...
@overload
def dot(ws: Iterable[Value], xs: Iterable[_Operand], bias: _Operand | None = None) -> Value: ...
@overload
def dot(ws: Iterable[_Operand], xs: Iterable[Value], bias: _Operand | None = None) -> Value: ...
@overload
def dot(ws: Iterable[_Operand], xs: Iterable[_Operand], bias: Value) -> Value: ...
@overload
def dot(
    ws: Iterable[SupportsFloat], xs: Iterable[SupportsFloat], bias: SupportsFloat | None = None
) -> float: ...
@overload
def dot(
    ws: Iterable[_Operand], xs: Iterable[_Operand], bias: _Operand | None = None
) -> Value | float: ...
def zero_grad(values_or_root: Value | Iterable[Value]) -> None: ...
def backward(root: Value, seed: float, /) -> None: ...
def backward_graph(root: Value, seed: float, /) -> None: ...
def order(root: Value, /) -> list[Value]: ...
def form(v: Value, /) -> str: ...
def is_number(v: Value, /) -> bool: ...
def first_operands(v: Value, most: int, /) -> tuple[int, tuple[Value, ...]]: ...
def first_slopes(v: Value, most: int, /) -> tuple[float, ...]: ...
def attributes(v: Value, /) -> dict[str, Any] | None: ...
def become(unbuilt: Value, v: Value, children: tuple[Value, ...], /) -> None: ...
def set_users_line(function: Callable[[], str], /) -> None: ...
def noted_reads() -> list[tuple[Value, str]] | None: ...
def connected(outputs: tuple[Value, ...], inputs: tuple[Value, ...], /) -> tuple[bool, ...]: ...
def leads_on(v: Value, /) -> bool: ...
def link(unbuilt: Value, v: Value, deep: bool, /) -> bool: ...

# outputs, inputs, rows of seeds (or the index of the only seed, then 1), whether to stop at the inputs,
# kind of results (Kind in pygrad/core/recording.py); whether these are Values, and rows of them
def reverse(
    outputs: tuple[Value, ...],
    inputs: tuple[Value, ...],
    seeds: tuple[tuple[_Operand, ...] | int, ...],
    stop: bool,
    kind: int,
    /,
) -> tuple[bool, list[tuple[Any, ...]]]: ...
def forward(
    outputs: tuple[Value, ...],
    inputs: tuple[Value, ...],
    seeds: tuple[tuple[_Operand, ...] | int, ...],
    stop: bool,
    kind: int,
    /,
) -> tuple[bool, list[tuple[Any, ...]]]: ...

# the modes: each stay in one belongs to the `with` statement that began it
@disjoint_base
class Mode:
    def __exit__(self, *exc_info: object) -> None: ...

class NoGrad(Mode):
    def __enter__(self) -> Self: ...

class Watch(Mode):
    def __enter__(self) -> Self: ...

class Recorded(Mode):
    def __enter__(self) -> Self: ...
    def begin(self, points: tuple[_Operand, ...], /) -> tuple[Value, ...]: ...

class Traced(Recorded): ...

def in_no_grad() -> bool: ...
def watching() -> list[Any]: ...
def set_trace_error(function: Callable[[str, Any, Any], object], /) -> None: ...
def trace_active() -> bool: ...
def trace_refuse(kind: str, what: Any, /) -> None: ...
def trace_forget(name: str, /) -> None: ...
def any_active() -> bool: ...
def trace_program(
    outputs: tuple[Value, ...], rows: bytes, totals: bytes, optimise: bool, /
) -> tuple[Any, tuple[Value, ...], tuple[bool, ...]]: ...
def program_address(program: Any, /) -> int: ...
def read_data(values: tuple[Value, ...], address: int, /) -> None: ...

# a program's results as Values that remember how they were computed; or the number of the guard
# where these inputs leave it
def replay(
    address: int, inputs: tuple[Value, ...], lives: tuple[Value, ...], /
) -> tuple[Value, ...] | int: ...
def set_watchers(
    node: Callable[[Value], str],
    adjoints: Callable[[Value, float, tuple[float, ...], int, int], object],
    /,
) -> None: ...
def origin(v: Value, /) -> str | None: ...
def raise_interrupt() -> NoReturn: ...
def set_main_thread(ident: int | None, /) -> None: ...
def before_collection(phase: str, info: dict[str, Any], /) -> None: ...
def set_exotic_number(function: Callable[[Any], Any], /) -> None: ...
