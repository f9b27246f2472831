"""The heart of it: a line per op, with its value and its slopes."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import NamedTuple

from pygrad.reference.arithmetic import (
    acosh,
    asinh,
    atanh,
    cbrt,
    cos,
    cosh,
    div,
    exp,
    expm1,
    floordiv,
    log1p,
    log2,
    math_pow,
    sin,
    sinh,
    sqrt,
)
from pygrad.reference.formulas import (
    asin_slope,
    atan2_slope,
    cbrt_slope,
    clip,
    clip_slopes,
    erf_slope,
    greater,
    hypot,
    hypot_slope,
    logaddexp,
    logaddexp_slope,
    maximum,
    minimum,
    pow_slope_x,
    pow_slope_y,
    relu,
    sech2,
    sigmoid,
    sigmoid_slope,
    sign,
    softplus,
    step,
    unless_nan,
    where,
    whole,
)
from pygrad.reference.gamma import digamma, digamma_slope, gamma, gamma_slope, lgamma, trigamma
from pygrad.reference.normal import (
    erfcx,
    erfcx_slope,
    erfinv,
    erfinv_slope,
    log1p_slope,
    log_ndtr,
    log_ndtr_slope,
    log_slope,
    ndtr,
    ndtr_slope,
    ndtri,
    ndtri_slope,
    quotient_slope,
    xlog1py,
    xlogy,
)


class Op(NamedTuple):
    """What there is to know about one op, in terms of plain floats."""

    symbol: str  # what `v._op` says
    value: Callable[..., float]  # from the operands
    slopes: Callable[..., tuple[float, ...]]  # from operands and result z: one for each operand


UNARY: dict[str, Op] = {
    "neg": Op("neg", operator.neg, lambda x, z: (-1.0,)),
    "exp": Op("exp", math.exp, lambda x, z: (z,)),
    "exp2": Op("exp2", lambda x: math.pow(2.0, x), lambda x, z: (z * 0.6931471805599453,)),
    "expm1": Op("expm1", expm1, lambda x, z: (exp(x),)),
    "log": Op("log", math.log, lambda x, z: (unless_nan(z, div(1.0, x)),)),
    "log2": Op("log2", log2, lambda x, z: (unless_nan(z, div(1.4426950408889634, x)),)),
    "log10": Op("log10", math.log10, lambda x, z: (unless_nan(z, div(0.4342944819032518, x)),)),
    "log1p": Op("log1p", log1p, lambda x, z: (unless_nan(z, div(1.0, 1.0 + x)),)),
    "sqrt": Op("sqrt", math.sqrt, lambda x, z: (div(0.5, z),)),
    "cbrt": Op("cbrt", cbrt, lambda x, z: (cbrt_slope(x),)),
    "relu": Op("ReLU", relu, lambda x, z: (1.0 if z > 0 else 0.0,)),
    "tanh": Op("tanh", math.tanh, lambda x, z: (sech2(x),)),
    "sigmoid": Op("sigmoid", sigmoid, lambda x, z: (sigmoid_slope(x),)),
    "softplus": Op("softplus", softplus, lambda x, z: (sigmoid(x),)),
    "erf": Op("erf", math.erf, lambda x, z: (erf_slope(x),)),
    "erfc": Op("erfc", math.erfc, lambda x, z: (-erf_slope(x),)),
    "lgamma": Op("lgamma", lgamma, lambda x, z: (digamma_slope(x),)),
    "gamma": Op("gamma", gamma, lambda x, z: (gamma_slope(x),)),
    "digamma": Op("digamma", digamma, lambda x, z: (trigamma(x),)),
    "erfcx": Op("erfcx", erfcx, lambda x, z: (erfcx_slope(x),)),
    "ndtr": Op("ndtr", ndtr, lambda x, z: (ndtr_slope(x),)),
    "log_ndtr": Op("log_ndtr", log_ndtr, lambda x, z: (log_ndtr_slope(x),)),
    "ndtri": Op("ndtri", ndtri, lambda x, z: (ndtri_slope(x),)),
    "erfinv": Op("erfinv", erfinv, lambda x, z: (erfinv_slope(x),)),
    "sin": Op("sin", math.sin, lambda x, z: (cos(x),)),
    "cos": Op("cos", math.cos, lambda x, z: (-sin(x),)),
    "tan": Op("tan", math.tan, lambda x, z: (1.0 + z * z,)),
    "asin": Op("asin", math.asin, lambda x, z: (asin_slope(x),)),
    "acos": Op("acos", math.acos, lambda x, z: (-asin_slope(x),)),
    "atan": Op("atan", math.atan, lambda x, z: (1.0 / (1.0 + x * x),)),
    "sinh": Op("sinh", math.sinh, lambda x, z: (cosh(x),)),
    "cosh": Op("cosh", math.cosh, lambda x, z: (sinh(x),)),
    "asinh": Op("asinh", asinh, lambda x, z: (1.0 / hypot(1.0, x),)),
    "acosh": Op("acosh", acosh, lambda x, z: (div(1.0, sqrt(x - 1.0) * sqrt(x + 1.0)),)),
    "atanh": Op("atanh", atanh, lambda x, z: (unless_nan(z, div(1.0, (1 - x) * (1 + x))),)),
    "abs": Op("abs", abs, lambda x, z: (sign(x),)),
    "sign": Op("sign", sign, lambda x, z: (0.0,)),
    "step": Op("step", step, lambda x, z: (0.0,)),
    "floor": Op("floor", whole(math.floor), lambda x, z: (0.0,)),
    "ceil": Op("ceil", whole(math.ceil), lambda x, z: (0.0,)),
    "trunc": Op("trunc", whole(math.trunc), lambda x, z: (0.0,)),
    "round": Op("round", whole(round), lambda x, z: (0.0,)),
    "stop_gradient": Op("stop_gradient", lambda x: x, lambda x, z: (0.0,)),
}

BINARY: dict[str, Op] = {
    "add": Op("+", operator.add, lambda x, y, z: (1.0, 1.0)),
    "sub": Op("-", operator.sub, lambda x, y, z: (1.0, -1.0)),
    "mul": Op("*", operator.mul, lambda x, y, z: (y, x)),
    "div": Op("/", operator.truediv, lambda x, y, z: (div(1.0, y), -div(z, y))),
    "mod": Op("%", operator.mod, lambda x, y, z: (1.0, -floordiv(x, y))),
    "floordiv": Op("//", operator.floordiv, lambda x, y, z: (0.0, 0.0)),
    "pow": Op("pow", math_pow, lambda x, y, z: (pow_slope_x(x, y), pow_slope_y(x, y))),
    "atan2": Op("atan2", math.atan2, lambda x, y, z: (atan2_slope(y, x), -atan2_slope(x, y))),
    "hypot": Op("hypot", hypot, lambda x, y, z: (hypot_slope(x, y), hypot_slope(y, x))),
    "xlogy": Op("xlogy", xlogy, lambda x, y, z: (log_slope(y), quotient_slope(z, x, y))),
    "xlog1py": Op(
        "xlog1py", xlog1py, lambda x, y, z: (log1p_slope(y), quotient_slope(z, x, 1.0 + y))
    ),
    "maximum": Op("maximum", maximum, lambda x, y, z: (greater(x, y), greater(y, x))),
    "minimum": Op("minimum", minimum, lambda x, y, z: (greater(y, x), greater(x, y))),
    "logaddexp": Op(
        "logaddexp", logaddexp, lambda x, y, z: (logaddexp_slope(x, y), logaddexp_slope(y, x))
    ),
}

TERNARY: dict[str, Op] = {
    "clip": Op("clip", clip, lambda x, lo, hi, z: clip_slopes(x, lo, hi)),
    "where": Op("where", where, lambda c, x, y, z: (0.0, float(c != 0), float(c == 0))),
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
