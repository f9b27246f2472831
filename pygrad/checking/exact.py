"""Derivatives to dozens of digits: the recorded graph of f, evaluated again in mpmath.

f runs once, on Values. The graph it leaves is evaluated at points very near to each other with hundreds of
digits, and differences of those values give the derivative. No derivative rule has a part in it, so it
can judge them all, to the last bit. Branches that f took stay taken: the graph has no `if`.

mpmath is needed only here: ``pip install 'pygrad-core[exact]'``.

>>> from pygrad import Value
>>> from pygrad.checking.exact import Graph
>>> x = Value(2.0)
>>> third = Graph((x**3).exp(), [x]).derivative([0])
>>> third.kind, float(third.value) == 12 * float((x**3).exp().data)
('', True)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pygrad.core.distribution import install
from pygrad.core.implementation import IMPLEMENTATION, Value
from pygrad.core.ops import op_of

Real = Any  # an mpmath number
_DIGITS = (100, 300, 900, 2400)  # tried one after the other, until two agree to ...
_AGREED = 50  # ... so many digits
_STEP = 45  # steps are 10**-45 of x, those within them 10**-90, and so on
_STEP_AT_ZERO = 360  # where x is 0: below the smallest float
_CLOSER = 1024  # every difference is taken with one step and with a step this many times smaller


class Undefined(ArithmeticError):
    """A value is not a finite real number there."""


class ExactDerivative(NamedTuple):
    """A derivative in mpmath's numbers.

    value: the derivative, nan if there is none. error: by how much the last two tries differed.
    kind: "" where f is smooth, else "kink", "jump", "infinite slope" or "edge" (of its domain).
    left, right: one-sided slopes, nan where f is not defined, inf where they have no bound.
    """

    value: Real
    error: Real
    kind: str
    left: Real
    right: Real


# -- the ops in mpmath ------------------------------------------------------------------------------


def functions(mp: Any) -> dict[str, Callable[..., Real]]:
    """Forward functions by op name. What is not here is mpmath's function of that name."""

    def mod(x: Real, y: Real) -> Real:
        return x - y * mp.floor(x / y)

    def sigmoid(x: Real) -> Real:
        return 1 / (1 + mp.exp(-x)) if x > 0 else mp.exp(x) / (1 + mp.exp(x))

    def logaddexp(x: Real, y: Real) -> Real:
        return max(x, y) + mp.log1p(mp.exp(-abs(x - y)))

    def cbrt(x: Real) -> Real:
        return mp.cbrt(x) if x >= 0 else -mp.cbrt(-x)

    def over(x: Real, y: Real) -> Real:
        """Quotient with 0 / 0 = 0."""
        return x / y if x or y else mp.zero

    def pow_dy(x: Real, y: Real) -> Real:
        return mp.power(x, y) * mp.log(x) if x or y < 0 else mp.zero

    def erfcx(x: Real) -> Real:
        if x < 1000:
            return mp.exp(x * x) * mp.erfc(x)
        term = total = mp.one
        for k in range(1, 500):
            term *= -(2 * k - 1) / (2 * x * x)
            total += term
            if abs(term) < mp.eps:
                break
        return total / (x * mp.sqrt(mp.pi))

    def erfcx_more(n: Real, x: Real) -> Real:
        """By the recurrence, with the digits that it loses."""
        lost = int(3 * n * mp.log(abs(x) + 10, 2))
        with mp.workprec(mp.prec + lost):
            last, before = 2 * x * erfcx(x) - 2 / mp.sqrt(mp.pi), erfcx(x)
            for k in range(2, int(n) + 1):
                last, before = 2 * (x * last + (k - 1) * before), last
            return last

    def log_ndtr(x: Real) -> Real:
        if x > 0:
            return mp.log1p(-mp.erfc(x / mp.sqrt(2)) / 2)
        return mp.log(erfcx(-x / mp.sqrt(2)) / 2) - x * x / 2

    def mills(x: Real) -> Real:
        """The slope of log_ndtr, with as many digits more as its own slopes lose."""
        with mp.workprec(mp.prec + int(8 * mp.log(abs(x) + 10, 2))):
            return mp.sqrt(2 / mp.pi) / erfcx(-x / mp.sqrt(2))

    def log_ndtr_dxxx(x: Real) -> Real:
        m = mills(x)
        with mp.workprec(mp.prec + int(8 * mp.log(abs(x) + 10, 2))):
            return m * ((x + m) ** 2 - 1 + m * (x + m))

    def ndtri(x: Real) -> Real:
        return mp.sqrt(2) * mp.erfinv(2 * x - 1) if x > 0.01 else -mp.sqrt(2) * erfcinv(2 * x)

    def erfcinv(y: Real) -> Real:
        """By Newton's steps on the logarithm."""
        z = mp.sqrt(-mp.log(y))
        for _ in range(12):
            tail = mp.erfc(z)
            z += mp.log(tail / y) * tail * mp.exp(z * z) * mp.sqrt(mp.pi) / 2
        return z

    table: dict[str, Callable[..., Real]] = {
        "add": lambda x, y: x + y,
        "sub": lambda x, y: x - y,
        "mul": lambda x, y: x * y,
        "div": lambda x, y: x / y,
        "neg": lambda x: -x,
        "mod": mod,
        "floordiv": lambda x, y: mp.floor(x / y),
        "pow": mp.power,
        "exp2": lambda x: mp.power(2, x),
        "log2": lambda x: mp.log(x) / mp.ln2,
        "logaddexp": logaddexp,
        "lgamma": lambda x: mp.log(abs(mp.gamma(x))) if x < 8 else mp.loggamma(x),
        "erfcx": erfcx,
        "ndtr": lambda x: mp.erfc(-x / mp.sqrt(2)) / 2,
        "log_ndtr": log_ndtr,
        "ndtri": ndtri,
        "xlogy": lambda x, y: x * mp.log(y) if x else mp.zero,
        "xlog1py": lambda x, y: x * mp.log1p(y) if x else mp.zero,
        "relu": lambda x: max(x, mp.zero),
        "sigmoid": sigmoid,
        "softplus": lambda x: logaddexp(x, mp.zero),
        "abs": abs,
        "step": lambda x: mp.one if x > 0 else mp.zero,
        "trunc": lambda x: mp.floor(x) if x > 0 else mp.ceil(x),
        "round": mp.nint,
        "maximum": max,
        "minimum": min,
        "clip": lambda x, low, high: min(max(x, low), high),
        "where": lambda condition, x, y: x if condition else y,
    }
    # Ops that graphs of derivatives are made of: f may compute a derivative on its way.
    table |= {
        "sech2": lambda x: mp.sech(x) ** 2,
        "sigmoid_dx": lambda x: sigmoid(x) * sigmoid(-x),
        "erf_dx": lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x),
        "erfcx_dx": lambda x: erfcx_more(mp.one, x),
        "erfcx_more": erfcx_more,
        "ndtr_dx": mp.npdf,
        "log_ndtr_dx": mills,
        "log_ndtr_dxx": lambda x: -mills(x) * (x + mills(x)),
        "log_ndtr_dxxx": log_ndtr_dxxx,
        "ndtri_dx": lambda x: 1 / mp.npdf(ndtri(x)),
        "erfinv_dx": lambda x: mp.sqrt(mp.pi) / 2 * mp.exp(mp.erfinv(x) ** 2),
        "polygamma": lambda n, x: mp.psi(int(n), x),
        "gamma_dx": lambda x: mp.gamma(x) * mp.psi(0, x),
        "cbrt": cbrt,
        "cbrt_dx": lambda x: 1 / (3 * cbrt(x) ** 2),
        "pow_dx": lambda x, y: y * mp.power(x, y - 1) if y else mp.zero,
        "pow_dxx": lambda x, y: y * (y - 1) * mp.power(x, y - 2) if y * (y - 1) else mp.zero,
        "pow_less": lambda x, y: mp.power(x, y - 1),
        "pow_dy": pow_dy,
        "logaddexp_dx": lambda x, y: sigmoid(x - y),
        "logaddexp_dxx": lambda x, y: sigmoid(x - y) * sigmoid(y - x),
        "tanh_half": lambda x, y: mp.tanh((x - y) / 2) if x != y else mp.zero,
        "asin_dx": lambda x: 1 / mp.sqrt((1 - x) * (1 + x)),
        "atan_dx": lambda x: 1 / (1 + x * x),
        "atanh_dx": lambda x: 1 / ((1 - x) * (1 + x)),
        "atan2_dx": lambda x, y: over(y, x * x + y * y),
        "atan2_dxx": lambda x, y: over(-2 * x * y, (x * x + y * y) ** 2),
        "atan2_dxy": lambda x, y: over(x * x - y * y, (x * x + y * y) ** 2),
        "hypot_dx": lambda x, y: over(x, mp.hypot(x, y)),
        "identity": lambda x: x,
        "ruled": lambda x: x,
        "mul0": lambda x, y: x * y,
        "div0": over,
        "power": mp.power,
        "valid": lambda x, y: y,
        "greater": lambda x, y: mp.mpf((x > y) + (x >= y)) / 2,
        "less": lambda x, y: mp.mpf(x < y),
        "below": lambda x, y: mp.mpf(x < y),
        "at_most": lambda x, y: mp.mpf(x <= y),
        "equal": lambda x, y: mp.mpf(x == y),
        "unequal": lambda x, y: mp.mpf(x != y),
        "both": lambda x, y: mp.mpf(x != 0 and y != 0),
        "either": lambda x, y: mp.mpf(x != 0 or y != 0),
    }
    return table


def _function(v: Value, mp: Any, table: dict[str, Any]) -> Callable[..., Real]:
    """The forward function of v's node over its operands."""
    from pygrad import _native

    if _native.form(v) != "op":
        raise TypeError(
            f"the node {v._op!r} has a _backward, local_grads or a rule of its own, so nobody but the code "
            "that made it knows what it computes, and it cannot be evaluated again in mpmath; check with "
            "exact=False"
        )
    symbol = _native.symbol(v)
    if symbol == "sum":
        return lambda *xs: mp.fsum(xs)
    if symbol == "dot":

        def dot(*xs: Real) -> Real:
            n = len(xs) // 2
            products = mp.fdot(zip(xs[:n], xs[n : 2 * n], strict=True))
            return products + (xs[-1] if len(xs) % 2 else 0)

        return dot
    if symbol.startswith("**"):
        exponent = mp.mpf(float(symbol[2:]))
        return lambda x: mp.power(x, exponent)
    op = op_of(symbol)
    assert op is not None
    name = op.name
    if name not in table and not hasattr(mp, name):
        raise NotImplementedError(f"the op {name!r} has no counterpart in pygrad.checking.exact")
    return table.get(name) or getattr(mp, name)


# -- the graph --------------------------------------------------------------------------------------


class Graph:
    """The graph of output between it and the inputs, as a function that mpmath evaluates.

    Raises:
        TypeError: a node has a _backward or local_grads of its own; the message names it.
        ImportError: mpmath is not installed.
    """

    def __init__(self, output: Value, inputs: Sequence[Value]) -> None:
        try:
            from mpmath import MPContext
        except ImportError as error:
            raise ImportError(f"exact=True computes with mpmath: {install('exact')}") from error
        if IMPLEMENTATION != "compiled":
            raise NotImplementedError(
                "exact=True reads the graphs of the compiled implementation only"
            )
        from pygrad import _native

        self.mp = mp = MPContext()
        self._points = [v.data for v in inputs]
        table = functions(mp)
        place = {v: i for i, v in enumerate(inputs)}  # by identity
        self._constants: list[tuple[int, float]] = []
        self._steps: list[tuple[int, Callable[..., Real] | None, list[int]]] = []
        for v in _native.order(output):
            if v in place:
                continue
            place[v] = len(place)
            if not v._children:
                self._constants.append((place[v], v.data))
                continue
            stops = _native.form(v) == "op" and _native.symbol(v) == "stop_gradient"
            function = None if stops else _function(v, mp, table)
            self._steps.append((place[v], function, [place[child] for child in v._children]))
        self._output = place[output]
        self._size = len(place)
        self._stopped: dict[int, Real] = {}  # what stop_gradient() gave at the point itself
        self._largest: Real = mp.zero  # of all numbers seen, to know how far rounding goes

    def __call__(self, xs: Sequence[Real]) -> Real:
        """The output for these inputs, at the precision of .mp; raises Undefined."""
        mp = self.mp
        slots: list[Real] = [*xs, *[None] * (self._size - len(xs))]
        for i, number in self._constants:
            slots[i] = mp.mpf(number)
        for i, function, operands in self._steps:
            if function is None:
                slots[i] = self._stopped.setdefault(i, slots[operands[0]])
                continue
            try:
                result = function(*(slots[k] for k in operands))
            except (ArithmeticError, ValueError) as error:
                raise Undefined from error
            if isinstance(result, mp.mpc) or not mp.isfinite(result):
                raise Undefined
            slots[i] = result
            self._largest = max(self._largest, abs(result))
        return slots[self._output]

    def value(self) -> Real:
        """The output at the point, nan where it is not defined; as many digits as `derivative` spends."""
        last = None
        for digits in _DIGITS:
            self.mp.dps = digits
            self._stopped.clear()
            try:
                found = self([self.mp.mpf(x) for x in self._points])
            except Undefined:
                return self.mp.nan
            agree = (
                last is not None and abs(found - last) <= abs(found) * self.mp.mpf(10) ** -_AGREED
            )
            if agree and found != 0:
                break
            last = found
        return found

    def derivative(self, indices: Sequence[int], expected: float = 1.0) -> ExactDerivative:
        """The derivative by the inputs of these indices, one after the other.

        More and more digits are spent until two tries agree to 50. A 0 where something else is expected
        may be lost digits, so then it takes all the tries.
        """
        last = None
        for digits in _DIGITS:
            found = self._try(indices, digits)
            if last is not None and found.kind == last.kind:
                error = abs(found.value - last.value)
                found = found._replace(error=error)
                agree = found.kind or error <= abs(found.value) * self.mp.mpf(10) ** -_AGREED
                if agree and (found.kind or found.value != 0 or expected == 0):
                    break
            last = found
        self.mp.dps = _AGREED + 10
        return ExactDerivative(*(x if isinstance(x, str) else +x for x in found))

    def _try(self, indices: Sequence[int], digits: int) -> ExactDerivative:
        mp = self.mp
        # Steps use digits up: as many in total as the smallest steps there can be would take.
        mp.dps = digits + sum(
            len(indices) * (_STEP if self._points[i] else _STEP_AT_ZERO) for i in indices
        )
        here = [mp.mpf(x) for x in self._points]
        *inner, last = indices
        h = self._step(last, 1)
        self._largest = max(map(abs, here))
        self._stopped.clear()
        try:
            self(here)  # fixes what stop_gradient stops
            middle = self._difference(inner, here)
        except Undefined:
            return ExactDerivative(mp.nan, mp.inf, "edge", mp.nan, mp.nan)
        left_far, left = self._side(inner, here, last, -h, middle)
        right_far, right = self._side(inner, here, last, h, middle)
        value = (left + right) / 2
        rounding = mp.eps * 10**10 * self._largest / h * _CLOSER
        for level, i in enumerate(inner, 2):
            rounding /= self._step(i, level)
        # As the step shrinks, one-sided slopes meet, stay apart at a kink, or grow without bound.
        kind = ""
        growth = max(left / left_far if left_far else 0, right / right_far if right_far else 0)
        if mp.isnan(value):
            kind = "edge"
        elif growth > 2 and abs(left) + abs(right) > rounding:
            kind = "jump" if growth > _CLOSER - 1 else "infinite slope"
        elif abs(right - left) > max(abs(right_far - left_far) / 2, rounding):
            kind = "kink"
        if kind and left_far and left / left_far > 2:
            left *= mp.inf
        if kind and right_far and right / right_far > 2:
            right *= mp.inf
        return ExactDerivative(mp.nan if kind else value, mp.inf, kind, left, right)

    def _side(
        self, inner: Sequence[int], here: list[Real], i: int, h: Real, middle: Real
    ) -> tuple[Real, Real]:
        """The one-sided slopes for the step h and for a smaller one; nan where f is not defined."""
        try:
            far = self._difference(inner, self._moved(here, i, h))
            near = self._difference(inner, self._moved(here, i, h / _CLOSER))
        except Undefined:
            return self.mp.nan, self.mp.nan
        return (far - middle) / h, (near - middle) / h * _CLOSER

    def _step(self, i: int, level: int) -> Real:
        """A step in input i; those within others are smaller by as much again."""
        x = abs(self._points[i])
        return self.mp.mpf(x) * self.mp.mpf(10) ** (-_STEP * level) if x else self._tiny(level)

    def _tiny(self, level: int) -> Real:
        return self.mp.mpf(10) ** (-_STEP_AT_ZERO * level)

    def _moved(self, point: list[Real], i: int, h: Real) -> list[Real]:
        return [*point[:i], point[i] + h, *point[i + 1 :]]

    def _difference(self, indices: Sequence[int], point: list[Real], level: int = 2) -> Real:
        """Central differences by these inputs, one within the other."""
        if not indices:
            return self(point)
        *inner, last = indices
        h = self._step(last, level)
        right = self._difference(inner, self._moved(point, last, h), level + 1)
        left = self._difference(inner, self._moved(point, last, -h), level + 1)
        return (right - left) / (2 * h)
