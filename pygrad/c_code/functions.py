"""The ops as C text, and the functions that this text calls: what text.py writes programs with.

An op's forward expression comes from the op table. Functions that libm lacks come from csrc/ops/scalar.h,
gamma.h and normal.h, which setup.py puts beside this file.

>>> from pygrad.c_code.functions import expression
>>> expression("add"), expression("hypot"), expression("relu")
('x + y', 'hypotenuse(x, y)', None)
"""

from __future__ import annotations

import functools
import importlib.resources
import re

from pygrad.c_code.tables import FUNCTIONS as TABLE_FUNCTIONS
from pygrad.core.ops import ops

FILES = ("scalar.h", "gamma.h", "normal.h")
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
CONTRACTED = {
    "fma": "",  # libm's
    "fma0": """\
/* x * y + z, rounded once, in which a factor that is 0 makes 0 of the product. */
static inline double fma0(double x, double y, double z)
{
    double product = x * y;
    return product != product && (x == 0.0 || y == 0.0) ? z + 0.0 : fma(x, y, z);
}
""",
}
SELDOM = {"mul0": "rare_mul0"}  # the same functions, where they are seldom run, by another name
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


def header() -> str:
    """The text of csrc/ops/scalar.h, and of the others."""
    here = importlib.resources.files("pygrad.c_code")
    return "".join((here / name).read_text(encoding="utf-8") for name in FILES)


@functools.cache
def _scalar() -> dict[str, str]:
    """Each function of these with the comment before it."""
    definition = re.compile(
        r"^(?:/\*(?:(?!\*/).)*\*/\n)?static inline double (\w+)\([^)]*\)\n\{\n.*?^\}\n", re.M | re.S
    )
    return {found[1]: found[0] for found in definition.finditer(header())}


@functools.cache
def expression(op: str) -> str | None:
    """The op as an expression in which each of x, y, w stands once; None if it has to be a function."""
    forward = re.sub(r"\bk\b", "y", _table()[op])
    once = all(len(re.findall(rf"\b{letter}\b", forward)) <= 1 for letter in _OPERANDS)
    return forward if once and _SIMPLE.fullmatch(forward) else None


def called(text: str) -> list[str]:
    """Names of the functions that C text calls; comments call nothing."""
    return re.findall(r"\b([a-z]\w*)(?=\()", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL))


@functools.cache
def _definition(name: str) -> str | None:
    """The text of a function that is not libm's: of scalar.h, of partners, or an op of several words."""
    for first, second in PARTNERS.items():
        if name == f"{first}_and_{second}":
            return _PARTNER_TEXTS[first]
    if name == "bell_of":
        return _BELL_OF
    for plain, seldom in SELDOM.items():
        if name == seldom:
            return (_definition(plain) or "").replace(f"double {plain}(", f"double {seldom}(")
    if CONTRACTED.get(name):
        return CONTRACTED[name]
    if name in TABLE_FUNCTIONS:
        return TABLE_FUNCTIONS[name]
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


def decides(name: str) -> bool:
    """Whether a function is a comparison, whose value is 1 or 0."""
    return "? 1.0 : 0.0" in (_definition(name) or "")


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

    Those in seldom are seldom run, or called in very many places: they stand apart.
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
