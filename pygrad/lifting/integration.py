"""SciPy's integrals of functions as lifted code has them: integrands and limits may be Values.

The integral is a sum over nodes of Gauss and Kronrod's rule, as QUADPACK has it, in as many parts as its
error asks for; so it has the derivatives of that sum, of any order. Where numbers are to be had the value
is that of SciPy, whose integrals of singular functions are more exact.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

from pygrad.core.implementation import trace_active
from pygrad.lifting.errors import telling
from pygrad.lifting.solvers import as_tuple
from pygrad.lifting.values import holds_values
from pygrad.math import maximum, minimum, sqrt, stop_gradient
from pygrad.rules.applied import number


class _Rule(NamedTuple):
    """Of Gauss' and Kronrod's rules together, on one side of the middle and there: nodes and weights.

    R. Piessens et al., QUADPACK (1983), routines qk21 and qk15. Every second node, and in the rule of 15
    the middle, is one of Gauss'.
    """

    nodes: tuple[float, ...]
    kronrod: tuple[float, ...]
    gauss: tuple[float, ...]
    middle: float
    gauss_middle: float


# fmt: off
_OF_21 = _Rule(
    (
        0.995657163025808080735527280689003, 0.973906528517171720077964012084452,
        0.930157491355708226001207180059508, 0.865063366688984510732096688423493,
        0.780817726586416897063717578345042, 0.679409568299024406234327365114874,
        0.562757134668604683339000099272694, 0.433395394129247190799265943165784,
        0.294392862701460198131126603103866, 0.14887433898163121088482600112972,
    ),
    (
        0.011694638867371874278064396062192, 0.03255816230796472747881897245939,
        0.05475589657435199603138130024458, 0.07503967481091995276704314091619,
        0.093125454583697605535065465083366, 0.109387158802297641899210590325805,
        0.123491976262065851077958109585166, 0.134709217311473325928054001771707,
        0.142775938577060080797094273138717, 0.147739104901338491374841515972068,
    ),
    (
        0.066671344308688137593568809893332, 0.149451349150580593145863396957658,
        0.219086362515982043995534934228163, 0.269266719309996355091226921569469,
        0.295524224714752870173815619188769,
    ),
    0.149445554002916905664936468389821, 0.0,
)
_OF_15 = _Rule(
    (
        0.991455371120812639206854697526329, 0.949107912342758524526189684047851,
        0.864864423359769072789712788640926, 0.741531185599394439863864773280788,
        0.58608723546769113029414483825873, 0.405845151377397166906606412076961,
        0.207784955007898467600689403773245,
    ),
    (
        0.022935322010529224963732008058970, 0.063092092629978553290700663189204,
        0.104790010322250183839876322541518, 0.140653259715525918745189590510238,
        0.16900472663926790282829543641104, 0.190350578064785409913256402421014,
        0.204432940075298892414161999234649,
    ),
    (
        0.129484966168869693270611432679082, 0.27970539148927666790146777142378,
        0.381830050505118944950369775488975,
    ),
    0.209482141084727828012999174891714, 0.417959183673469387755102040816327,
)
# fmt: on
_LIMIT = 50  # parts


def of_integrate(original: Any) -> dict[str, Any]:
    """What stands in the place of functions of scipy.integrate."""
    quad = _quad(original.quad)
    return {
        "quad": quad,
        "dblquad": _dblquad(original.dblquad, quad),
        "solve_ivp": telling(original.solve_ivp, "pygrad.scipy.solve_ivp"),
        "odeint": telling(original.odeint, "pygrad.odeint"),
    }


def _quad(original: Any) -> Callable[..., Any]:
    @functools.wraps(original)
    def quad(
        func: Any, a: Any, b: Any, args: Any = (), full_output: Any = 0, epsabs: float = 1.49e-8,
        epsrel: float = 1.49e-8, limit: int = _LIMIT, points: Any = None, **named: Any,
    ) -> Any:  # fmt: skip
        args = as_tuple(args)
        rest = args, full_output, epsabs, epsrel, limit, points
        if not holds_values((a, b, *args)):
            try:
                return original(func, a, b, *rest, **named)
            except TypeError:  # of a Value that is to be a float, or of something else
                pass
        if named:
            raise TypeError(f"scipy.integrate.quad of Values takes no {next(iter(named))}")
        total, error = _integral(lambda t: func(t, *args), a, b, points, epsabs, epsrel, limit)
        if trace_active():
            return total, error
        found = original(lambda t, *rest: _measure(func(t, *rest)), *map(_measure, (a, b)), *rest)
        return total + (found[0] - _measure(total)), *found[1:]

    return quad


def _dblquad(original: Any, quad: Any) -> Callable[..., Any]:
    @functools.wraps(original)
    def dblquad(
        func: Any, a: Any, b: Any, gfun: Any, hfun: Any, args: Any = (), **named: Any
    ) -> Any:
        def limit(of: Any, x: Any) -> Any:
            return of(x) if callable(of) else of

        def inner(x: Any) -> Any:
            within = limit(gfun, x), limit(hfun, x)
            return quad(lambda y: func(y, x, *as_tuple(args)), *within, **named)[0]

        return quad(inner, a, b, **named)

    return dblquad


def _integral(
    f: Callable[[Any], Any], a: Any, b: Any, points: Any, epsabs: float, epsrel: float, limit: int
) -> tuple[Any, Any]:
    """The integral and its error. In a trace comparisons of errors make paths."""
    rule = _OF_15 if any(map(_is_infinite, (a, b))) else _OF_21
    f, a, b = _between_finite_limits(f, a, b)
    cuts = [a, *sorted([] if points is None else map(float, points)), b]
    parts = [_part(rule, f, low, high) for low, high in pairwise(cuts)]
    while True:
        total, error = sum(part.integral for part in parts), sum(part.error for part in parts)
        if len(parts) >= limit or error <= maximum(epsabs, epsrel * abs(_measure(total))):
            return total, error
        worst = max(parts, key=lambda part: part.error)
        middle = 0.5 * (worst.low + worst.high)
        parts.remove(worst)
        parts += [_part(rule, f, worst.low, middle), _part(rule, f, middle, worst.high)]


def _is_infinite(x: Any) -> bool:
    return not holds_values(x) and math.isinf(x)


def _between_finite_limits(f: Callable[[Any], Any], a: Any, b: Any) -> tuple[Any, Any, Any]:
    """An integrand and limits with the same integral: t runs to infinity as u, from 1, to 0."""
    if _is_infinite(a) and _is_infinite(b):
        sign = 0.5 * (math.copysign(1.0, b) - math.copysign(1.0, a))
        return lambda u: sign * (f((1.0 - u) / u) + f((u - 1.0) / u)) / (u * u), 0.0, 1.0
    if _is_infinite(b):
        sign = math.copysign(1.0, b)
        return lambda u: sign * f(a + sign * ((1.0 - u) / u)) / (u * u), 0.0, 1.0
    if _is_infinite(a):
        sign = math.copysign(1.0, a)
        return lambda u: -sign * f(b + sign * ((1.0 - u) / u)) / (u * u), 0.0, 1.0
    return f, a, b


def _measure(x: Any) -> Any:
    """What is compared: a number, or in a trace a Value through which no derivative goes."""
    return stop_gradient(x) if trace_active() else number(x)


class _Part(NamedTuple):
    """The integral over a part, its error as QUADPACK estimates it, and the part's limits."""

    integral: Any
    error: Any
    low: Any
    high: Any


def _part(rule: _Rule, f: Callable[[Any], Any], low: Any, high: Any) -> _Part:
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    center = f(middle)
    pairs = [(f(middle - half * x), f(middle + half * x)) for x in rule.nodes]
    kronrod, gauss = rule.middle * center, rule.gauss_middle * center
    for i, (weight, (y, z)) in enumerate(zip(rule.kronrod, pairs, strict=True)):
        kronrod = kronrod + weight * (y + z)
        if i % 2:
            gauss = gauss + rule.gauss[i // 2] * (y + z)
    mean = 0.5 * _measure(kronrod)
    spread = rule.middle * abs(_measure(center) - mean)
    for weight, (y, z) in zip(rule.kronrod, pairs, strict=True):
        spread = spread + weight * (abs(_measure(y) - mean) + abs(_measure(z) - mean))
    error = abs(_measure(kronrod) - _measure(gauss))
    # No comparison that a trace would ask: an error of 0 or of a rounding is as good.
    ratio = 200.0 * error / maximum(spread, _TINY)
    error = minimum(spread, spread * ratio * sqrt(ratio)) * abs(_measure(half))
    return _Part(kronrod * half, error, low, high)


_TINY = 1e-300
