"""The ops as C text, and the functions that this text calls: what c_code.py writes programs with.

An op's forward expression comes from the op table. Functions that libm lacks come from csrc/ops/scalar.h,
whose text is repeated below by ``python -I -m pygrad.derived --write``.

>>> from pygrad.c_code.functions import expression
>>> expression("add"), expression("hypot"), expression("relu")
('x + y', 'hypotenuse(x, y)', None)
"""

from __future__ import annotations

import functools
import re

from pygrad.seeing.notation import ops

# derived: SCALAR
SCALAR = """/* scalar.h: the functions of ops.def's forward expressions that libm lacks, or that Python's math
 * computes by another sequence. Each is a stated sequence of IEEE operations and libm calls, repeated
 * by pygrad/reference/reference.py, so that both give the same bits. Compiled with -ffp-contract=off.
 * What errors they keep to: "numerical conventions" in the README. */
#ifndef PG_SCALAR_H
#define PG_SCALAR_H

#include <float.h>
#include <math.h>

/* The product of an adjoint and a slope: an exact zero wins, so a branch not taken stays silent. */
static inline double mul0(double x, double y)
{
    double product = x * y;
    if (product != product && (x == 0.0 || y == 0.0))
        return 0.0;
    return product;
}

static inline double div0(double x, double y)
{
    return x == 0.0 && y == 0.0 ? 0.0 : x / y;
}

static inline double sigmoid(double x)
{
    if (x >= 0.0)
        return 1.0 / (1.0 + exp(-x));
    double e = exp(x);
    return e / (1.0 + e);
}

static inline double softplus(double x)
{
    return (x > 0 ? x : 0.0) + log1p(exp(-fabs(x)));
}

static inline double power_of_two(double x)
{
    return pow(2.0, x);
}

/* c * e / (1 + e)**2, with the digits that 1 + e has lost put back: the square would double the loss. */
static inline double bell(double c, double e)
{
    double sum = 1.0 + e;
    double lost = e - (sum - 1.0);
    double slope = (c * e) / (sum * sum);
    return slope - slope * ((2.0 * lost) / sum);
}

/* 1 - tanh(x)**2 has no correct digit for |x| > 19; this form keeps all of them. */
static inline double sech2(double x)
{
    return bell(4.0, exp(-2.0 * fabs(x)));
}

static inline double sigmoid_dx(double x)
{
    return bell(1.0, exp(-fabs(x)));
}

/* x ** n: whole exponents from -1 to 3 are products, which are faster than pow, and whose bits agree everywhere. */
static inline double power(double x, double n)
{
    if (n == 2.0)
        return x * x;
    if (n == -1.0)
        return 1.0 / x;
    if (n == 1.0)
        return x;
    if (n == 3.0)
        return x * x * x;
    if (n == 0.0)
        return 1.0;
    return pow(x, n);
}

/* y * x ** (y - 1). Where y - 1 rounds (y not whole, or past 2 ** 53) the power magnifies that, and where
 * x ** (y - 1) is subnormal it has lost digits; the slope is then taken from z = x ** y, in the order that
 * neither overflows nor underflows. */
static inline double pow_dx(double x, double y)
{
    if (y == 0.0)
        return 0.0;
    if (fabs(y) < 9007199254740992.0 && floor(y) == y) {
        double p = power(x, y - 1.0);
        if (isnormal(p) || x == 0.0)
            return y * p;
    }
    double z = pow(x, y);
    if (!isnormal(z) || x == 0.0)
        return y * power(x, y - 1.0);
    return fabs(y) > 1.0 && z > 1.0 ? y * (z / x) : (y * z) / x;
}

static inline double pow_dy(double x, double y)
{
    if (x > 0.0)
        return pow(x, y) * log(x);
    if (x == 0.0)
        return y >= 0.0 ? 0.0 : y < 0.0 ? -(double)INFINITY : y;
    return (double)NAN;
}

/* Scaled by a power of two, which is exact; Python's math.hypot runs yet another sequence. */
static inline double hypotenuse(double x, double y)
{
    double a = fabs(x), b = fabs(y);
    if (isinf(a) || isinf(b))
        return (double)INFINITY;
    if (a != a || b != b)
        return (double)NAN;
    if (a < b) {
        double t = a;
        a = b;
        b = t;
    }
    if (b == 0.0)
        return a;
    int exponent;
    a = frexp(a, &exponent);
    b = ldexp(b, -exponent);
    return ldexp(sqrt(a * a + b * b), exponent);
}

static inline double hypot_dx(double x, double y)
{
    double h = hypotenuse(x, y);
    if (h == 0.0)
        return 0.0;
    if (isinf(h) && isfinite(x) && isfinite(y))
        return (0.25 * x) / hypotenuse(0.25 * x, 0.25 * y);
    return x / h;
}

/* y / (x*x + y*y), scaled by a power of two; 0 at the origin. */
static inline double atan2_dx(double x, double y)
{
    if (x == 0.0 && y == 0.0)
        return 0.0;
    if (!isfinite(x) || !isfinite(y))
        return (y / hypotenuse(x, y)) / hypotenuse(x, y);
    int exponent;
    (void)frexp(fabs(x) > fabs(y) ? x : y, &exponent);
    double a = ldexp(x, -exponent), b = ldexp(y, -exponent);
    return ldexp(b / (a * a + b * b), -exponent);
}

static inline double logaddexp(double x, double y)
{
    if (x == y)
        return x + 0.6931471805599453;
    return (x > y ? x : y) + log1p(exp(-fabs(x - y)));
}

/* sigmoid(x - y), the difference split exactly into d + err (Knuth's two-sum). */
static inline double logaddexp_dx(double x, double y)
{
    if (x == y)
        return 0.5;
    double d = x - y;
    if (!isfinite(d))
        return sigmoid(d);
    double t = d - x;
    double err = (x - (d - t)) + (-y - t);
    double s = sigmoid(d);
    return s + (s * sigmoid(-d)) * err;
}

/* 2/sqrt(pi) exp(-x*x), the square split so that its rounding error is not magnified (Veltkamp). */
static inline double erf_dx(double x)
{
    if (fabs(x) > 28.0)
        return 0.0;
    double t = 134217729.0 * x;
    double hi = t - (t - x);
    double lo = x - hi;
    return (1.1283791670955126 * exp(-(hi * hi))) * exp(-(lo * (hi + x)));
}

static inline double maximum(double x, double y)
{
    return x > y ? x : y > x ? y : x == y ? (signbit(x) ? y : x) : x + y;
}

static inline double minimum(double x, double y)
{
    return x < y ? x : y < x ? y : x == y ? (signbit(x) ? x : y) : x + y;
}

static inline double greater(double x, double y)
{
    return x > y ? 1.0 : x < y ? 0.0 : x == y ? 0.5 : x + y;
}

static inline double clip(double x, double low, double high)
{
    double raised = x < low ? low : x;
    return high < raised ? high : raised;
}

/* Python's float % and //: the sign of the divisor, and a quotient that is a whole number. */
static inline double python_mod(double x, double y)
{
    double r = fmod(x, y);
    if (r == 0.0)
        return copysign(0.0, y);
    return (y < 0.0) != (r < 0.0) ? r + y : r;
}

static inline double python_floordiv(double x, double y)
{
    double r = fmod(x, y);
    double q = (x - r) / y;
    if (r != 0.0 && (y < 0.0) != (r < 0.0))
        q -= 1.0;
    if (q == 0.0)
        return copysign(0.0, x / y);
    double whole = floor(q);
    return q - whole > 0.5 ? whole + 1.0 : whole;
}

#endif
"""  # noqa: E501
# derived: end

_OPERANDS = "xyw"  # as a forward expression calls them; a constant k stands where y would
_SIMPLE = re.compile(r"x [-+*/] y|-x|\w+\([xywk](?:, [xywk])*\)")

# Partners: two ops on one operand that share most of their work, and a function for both. Where both
# are wanted it takes the place of one call each. Each value is within 4 ulp.
PARTNERS = {"tanh": "sech2", "sigmoid": "sigmoid_dx"}
_PARTNER_TEXTS = {
    "tanh": """\
/* tanh(x), and its slope 1 - tanh(x)**2 with all digits, from one exponential. */
static inline struct pair tanh_and_sech2(double x)
{
    struct pair both;
    if (fabs(x) < 0.55) {
        double less_one = expm1(2.0 * x);
        double t = less_one / (2.0 + less_one);
        both.first = t;
        both.second = (1.0 - t) * (1.0 + t);
    } else {
        double e = exp(-2.0 * fabs(x));
        double sum = 1.0 + e, r = 1.0 / sum;
        both.first = copysign((1.0 - e) * r, x);
        both.second = bell_of(4.0 * e, e, sum, r);
    }
    return both;
}
""",
    "sigmoid": """\
/* 1 / (1 + exp(-x)), and its slope. */
static inline struct pair sigmoid_and_sigmoid_dx(double x)
{
    struct pair both;
    double e = exp(-fabs(x));
    double sum = 1.0 + e, r = 1.0 / sum;
    both.first = x < 0.0 ? e / sum : r;
    both.second = bell_of(e, e, sum, r);
    return both;
}
""",
}
_BELL_OF = """\
/* a / (1 + e)**2 by r = 1 / sum; what the sum 1 + e has lost is put back. */
static inline double bell_of(double a, double e, double sum, double r)
{
    double slope = (a * r) * r;
    double lost = e - (sum - 1.0);
    return slope - slope * (2.0 * lost * r);
}
"""
_PAIR = """\
struct pair {
    double first, second;
};
"""


@functools.cache
def _table() -> dict[str, str]:
    """The forward expression of every op."""
    return {op.name: op.forward for op in ops()}


@functools.cache
def _scalar() -> dict[str, str]:
    """Each function of csrc/ops/scalar.h with the comment before it."""
    definition = re.compile(
        r"^(?:/\*(?:(?!\*/).)*\*/\n)?static inline double (\w+)\([^)]*\)\n\{\n.*?^\}\n", re.M | re.S
    )
    return {found[1]: found[0] for found in definition.finditer(SCALAR)}


@functools.cache
def expression(op: str) -> str | None:
    """The op as an expression in which each of x, y, w stands once; None if it has to be a function."""
    forward = re.sub(r"\bk\b", "y", _table()[op])
    once = all(len(re.findall(rf"\b{letter}\b", forward)) <= 1 for letter in _OPERANDS)
    return forward if once and _SIMPLE.fullmatch(forward) else None


def called(text: str) -> list[str]:
    """Names of the functions that C text calls."""
    return re.findall(r"\b([a-z]\w*)(?=\()", text)


@functools.cache
def _definition(name: str) -> str | None:
    """The text of a function that is not libm's: of scalar.h, of partners, or an op of several words."""
    for first, second in PARTNERS.items():
        if name == f"{first}_and_{second}":
            return _PARTNER_TEXTS[first]
    if name == "bell_of":
        return _BELL_OF
    if name in _scalar():
        return _scalar()[name]
    if name in _table() and expression(name) is None:
        operands = [x for x in _OPERANDS if re.search(rf"\b{x}\b", _table()[name])]
        arguments = ", ".join(f"double {x}" for x in operands)
        return f"static inline double {name}({arguments})\n{{\n    return {_table()[name]};\n}}\n"
    return None


def is_defined(name: str) -> bool:
    """Whether C text has to define a function before it calls it."""
    return _definition(name) is not None


def apart(text: str, prefix: str) -> str:
    """The definition of a static function that the compiler is asked not to put into its callers."""
    return re.sub(r"^static (?:inline )?", f"static {prefix}apart ", text, count=1, flags=re.M)


def apart_defined(prefix: str) -> str:
    """What has to stand before such functions."""
    return (
        f"#if defined(__GNUC__)\n#define {prefix}apart __attribute__((noinline))\n"
        f"#else\n#define {prefix}apart\n#endif\n"
    )


def definitions(names: set[str], prefix: str, seldom: frozenset[str] = frozenset()) -> str:
    """The functions of these names with all that they call in turn, each name with the prefix.

    Those in seldom are seldom run, in many places: they stand apart.
    """
    texts: dict[str, str] = {}

    def define(name: str) -> None:
        text = _definition(name)
        if text is None or name in texts:
            return
        for used in called(text):
            if used != name:
                define(used)
        texts[name] = apart(text, prefix) if name in seldom else text

    for name in sorted(names):
        define(name)
    head = _PAIR + "\n" if any("struct pair" in text for text in texts.values()) else ""
    text = head + "\n".join(texts.values())
    own = "|".join(texts)
    text = re.sub(r"\bstruct pair\b", f"struct {prefix}pair", text)
    return re.sub(rf"\b({own})(?=\()", rf"{prefix}\1", text) if own else text
