"""Every op over rows: nanoseconds a lane and units in the last place, for each set of vector instructions.

    python benchmarks/lane_functions.py [--quick] [--only NAME ...]

A time is that of a compiled map of the op, less that of one that only negates its first operand. "slope"
is a program of the value and the slopes by all operands, "ulp" the worst of some hundred points of the
same range against mpmath, of values and of slopes. Bits do not depend on the instructions, so ulp do not
either; the script fails where they do. What takes more than 12 ns under AVX2 is named below the table. The
script fails, too, where the op table has a public op that is not here.
"""

from __future__ import annotations

import argparse
import importlib
import math
import random
from collections.abc import Callable
from typing import Any, NamedTuple

import harness

ROWS, POINTS, MOST = 16_384, 200, 12.0


class Op(NamedTuple):
    """An op as a function of `pygrad.math`'s namespace, where it is tried, and what it is by mpmath."""

    of: Callable[..., Any]
    ranges: tuple[tuple[float, float], ...]
    exactly: Callable[..., Any] | None = None  # None: it is exact, or one IEEE operation


def same(name: str, *ranges: tuple[float, float], exactly: str = "") -> Op:
    """An op that mpmath has, too."""
    return Op(
        lambda m, *x: getattr(m, name)(*x), ranges, lambda mp, *x: getattr(mp, exactly or name)(*x)
    )


def plain(name: str, *ranges: tuple[float, float]) -> Op:
    return Op(lambda m, *x: getattr(m, name)(*x), ranges)


def power(n: float) -> Op:
    return Op(lambda m, x: x**n, ((0.1, 10.0),), lambda mp, x: mp.power(x, n))


def polygamma(n: int) -> Op:
    return Op(
        lambda m, x: importlib.import_module("pygrad.special").polygamma(n, x),
        ((-5.0, 20.0),),
        lambda mp, x: mp.psi(n, x),
    )


WIDE, UNIT, ABOVE = (-10.0, 10.0), (-0.99, 0.99), (0.1, 10.0)
OPS: dict[str, Op] = {
    "x + y": Op(lambda m, x, y: x + y, (WIDE, WIDE)),
    "x * y": Op(lambda m, x, y: x * y, (WIDE, WIDE)),
    "x / y": Op(lambda m, x, y: x / y, (WIDE, ABOVE)),
    "x % y": Op(lambda m, x, y: x % y, (WIDE, ABOVE)),
    "x // y": Op(lambda m, x, y: x // y, (WIDE, ABOVE)),
    **{f"x ** {n}": power(n) for n in (0.9, -1.7, 0.5, -0.5, 1.5, -2.0, 4.0, 5.0, 12.0)},
    "exp(0.9 * log(x))": Op(lambda m, x: m.exp(0.9 * m.log(x)), (ABOVE,)),
    "pow": same("pow", ABOVE, (-4.0, 4.0), exactly="power"),
    "exp": same("exp", WIDE),
    "exp2": Op(lambda m, x: m.exp2(x), (WIDE,), lambda mp, x: mp.power(2, x)),
    "expm1": same("expm1", WIDE),
    "log": same("log", ABOVE),
    "log2": Op(lambda m, x: m.log2(x), (ABOVE,), lambda mp, x: mp.log(x, 2)),
    "log10": same("log10", ABOVE),
    "log1p": Op(lambda m, x: m.log1p(x), (ABOVE,), lambda mp, x: mp.log(1 + x)),
    "logaddexp": Op(
        lambda m, x, y: m.logaddexp(x, y),
        (ABOVE, WIDE),
        lambda mp, x, y: mp.log(mp.exp(x) + mp.exp(y)),
    ),
    "relu": plain("relu", WIDE),
    "sigmoid": Op(lambda m, x: m.sigmoid(x), (WIDE,), lambda mp, x: 1 / (1 + mp.exp(-x))),
    "softplus": Op(lambda m, x: m.softplus(x), (WIDE,), lambda mp, x: mp.log(1 + mp.exp(x))),
    "tanh": same("tanh", WIDE),
    "sqrt": same("sqrt", ABOVE),
    "cbrt": same("cbrt", ABOVE),
    "sin": same("sin", WIDE),
    "cos": same("cos", WIDE),
    "tan": same("tan", WIDE),
    "asin": same("asin", UNIT),
    "acos": same("acos", UNIT),
    "atan": same("atan", WIDE),
    "atan2": same("atan2", WIDE, WIDE),
    "sinh": same("sinh", WIDE),
    "cosh": same("cosh", WIDE),
    "asinh": same("asinh", WIDE),
    "acosh": same("acosh", (1.01, 10.0)),
    "atanh": same("atanh", UNIT),
    "hypot": same("hypot", WIDE, WIDE),
    "erf": same("erf", (-4.0, 4.0)),
    "erfc": same("erfc", (-4.0, 10.0)),
    "lgamma": Op(lambda m, x: m.lgamma(x), ((-5.0, 20.0),), lambda mp, x: mp.log(abs(mp.gamma(x)))),
    "gamma": same("gamma", (-5.0, 20.0)),
    "digamma": same("digamma", (-5.0, 20.0)),
    **{f"polygamma {n}": polygamma(n) for n in (1, 2, 3, 4, 12)},
    "erfcx": Op(lambda m, x: m.erfcx(x), ((-4.0, 10.0),), lambda mp, x: mp.exp(x * x) * mp.erfc(x)),
    "ndtr": same("ndtr", WIDE, exactly="ncdf"),
    "log_ndtr": Op(lambda m, x: m.log_ndtr(x), (WIDE,), lambda mp, x: mp.log(mp.ncdf(x))),
    "ndtri": Op(
        lambda m, x: m.ndtri(x), ((0.001, 0.999),), lambda mp, x: mp.sqrt(2) * mp.erfinv(2 * x - 1)
    ),
    "erfinv": same("erfinv", UNIT),
    "xlogy": Op(lambda m, x, y: m.xlogy(x, y), (WIDE, ABOVE), lambda mp, x, y: x * mp.log(y)),
    "xlog1py": Op(
        lambda m, x, y: m.xlog1py(x, y), (WIDE, ABOVE), lambda mp, x, y: x * mp.log(1 + y)
    ),
    **{
        name: plain(name, WIDE)
        for name in ("abs", "sign", "step", "floor", "ceil", "trunc", "round")
    },
    **{name: plain(name, WIDE, WIDE) for name in ("maximum", "minimum")},
    "clip": Op(lambda m, x: m.clip(x, -1.0, 1.0), (WIDE,)),
    "where": Op(lambda m, x, y: importlib.import_module("pygrad").where(x > 0, x, y), (WIDE, WIDE)),
}
# Ops of the table under other names here; what is none in a program, or what times are compared with.
SIGNS = {
    "add": "x + y",
    "mul": "x * y",
    "div": "x / y",
    "mod": "x % y",
    "floordiv": "x // y",
    "pown": "x ** 0.9",
}
WITHOUT = {"sub", "neg", "stop_gradient"}


def forgotten() -> list[str]:
    """Public ops of the table that are not here."""
    table = importlib.import_module("pygrad.core.ops").ops()
    names = {op.name for op in table if op.is_public} - WITHOUT
    return sorted(name for name in names if SIGNS.get(name, name) not in OPS)


def rows_of(op: Op, count: int) -> list[Any]:
    import numpy as np

    rng = random.Random(1)
    return [np.array([rng.uniform(*span) for _ in range(count)]) for span in op.ranges]


def programs(op: Op) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The op, and its value with its slopes, as compiled maps."""
    pygrad, m = importlib.import_module("pygrad"), importlib.import_module("pygrad.math")

    def f(*x: Any) -> Any:
        return op.of(m, *x)

    slopes = pygrad.value_and_grad(f, argnums=tuple(range(len(op.ranges))))
    return (
        pygrad.compile(pygrad.vmap(f, errors="ignore")),
        pygrad.compile(pygrad.vmap(slopes, errors="ignore")),
    )


def ulps(found: float, truth: Any, mp: Any) -> float:
    size = max(abs(float(truth)), 2.0**-1022)
    return float(abs(mp.mpf(found) - truth) / math.ulp(size))


def worst_ulps(op: Op, points: int) -> tuple[float, float]:
    """Of the value and of the slopes; nan without mpmath."""
    try:
        mp = importlib.import_module("mpmath").mp
    except ImportError:
        return math.nan, math.nan
    exactly = op.exactly
    if exactly is None:
        return 0.5, math.nan
    with mp.workprec(300):
        x = rows_of(op, points)
        values, slopes = programs(op)[1](*x)
        worst = [0.0, 0.0]
        for i in range(points):
            at = [mp.mpf(float(each[i])) for each in x]
            worst[0] = max(worst[0], ulps(float(values[i]), exactly(mp, *at), mp))
            for k in range(len(at)):
                order = tuple(int(j == k) for j in range(len(at)))
                truth = mp.diff(lambda *a: exactly(mp, *a), tuple(at), order)
                worst[1] = max(worst[1], ulps(float(slopes[k][i]), truth, mp))
    return worst[0], worst[1]


def sets(lib: Any) -> list[tuple[int, str]]:
    """The sets of vector instructions that this processor has: level and name."""
    found: dict[str, int] = {}
    for level in (0, 1, 2):
        lib.pg_choose_lanes(level)
        found.setdefault(lib_name(lib), level)
    return [(level, name) for name, level in found.items()]


def lib_name(lib: Any) -> str:
    ffi = importlib.import_module("pygrad._core").ffi
    return str(ffi.string(lib.pg_lane_instructions()).decode())


def nanoseconds(op: Op, quick: bool, lib: Any, levels: list[tuple[int, str]]) -> list[float]:
    """A lane of the value and of value with slopes, for each set of instructions.

    Raises:
        harness.Failed: their bits differ.
    """
    pygrad = importlib.import_module("pygrad")
    x = rows_of(op, ROWS)
    copy = pygrad.compile(pygrad.vmap(lambda *a: -a[0]))
    value, both = programs(op)
    calls: dict[str, Callable[[], Any]] = {
        "copy": lambda: copy(*x),
        "value": lambda: value(*x),
        "slope": lambda: both(*x),
    }
    found: set[bytes] = set()
    taken: list[float] = []
    # One set after the other: behind calls a hundred times as long short ones begin in cold caches.
    for level, _ in levels:
        lib.pg_choose_lanes(level)
        results, slopes = calls["slope"]()
        found.add(results.tobytes() + b"".join(s.tobytes() for s in slopes))
        times = harness.least_of_each(calls, 0.02 if quick else 0.2)
        taken += [max(0.0, (times[of] - times["copy"]) / ROWS * 1e9) for of in ("value", "slope")]
    lib.pg_choose_lanes(2)
    if len(found) > 1:
        raise harness.Failed("check failed: bits differ between sets of instructions")
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer repeats, rougher figures")
    parser.add_argument("--only", nargs="+", choices=OPS, help="these ops", metavar="NAME")
    arguments = parser.parse_args()
    if forgotten():
        raise harness.Failed(f"check failed: not measured: {', '.join(forgotten())}")
    lib = importlib.import_module("pygrad._core").lib
    harness.keep_to(1)
    levels = sets(lib)
    print(harness.machine())
    print(harness.versions(("mpmath",)), end="\n\n")
    head = ["op", *(f"{name} {what}" for _, name in levels for what in ("value", "slope"))]
    lines: list[list[str]] = []
    slow: list[str] = []
    for name in arguments.only or OPS:
        times = nanoseconds(OPS[name], arguments.quick, lib, levels)
        worst = worst_ulps(OPS[name], 20 if arguments.quick else POINTS)
        lines.append([name, *(f"{t:.1f}" for t in times), *(f"{u:.2f}" for u in worst)])
        at = [each for _, each in levels].index("avx2") if len(levels) > 1 else 0
        slow += [f"{name} {times[2 * at]:.1f}"] * (times[2 * at] > MOST)
    print(harness.table([*head, "ulp value", "ulp slope"], lines))
    print(f"\nslower than {MOST:g} ns: {', '.join(slow) or 'none'}")


if __name__ == "__main__":
    main()
