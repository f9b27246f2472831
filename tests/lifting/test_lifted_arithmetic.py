"""Arithmetic of lifted code where floats raise, and where they are 0: what Python does, to the sign."""

from __future__ import annotations

import linecache
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pygrad import Value, compile, grad, lift, vmap

POINTS = [-math.inf, -800.0, -2.5, -2.0, -0.5, -0.0, 0.0, 0.5, 2.0, 3.0, 800.0, math.inf, math.nan]

TRIED = """
def f(x, y):
    try:
        return {}
    except ZeroDivisionError:
        return 101.0 + 0.0 * y
    except OverflowError:
        return 102.0
    except ValueError:
        return 103.0
"""

RAISE = [
    "x ** y",
    "0.0 ** -y",
    "2.5 ** (y * 10.0)",
    "pow(x, y)",
    "math.pow(x, y)",
    "y ** -1",
    "y ** 300",
    "x // y",
    "x % y",
    "divmod(x, y)[0]",
    "divmod(7.0, y)[1]",
    "x / y",
    "1 / int(y)",
    "7 % int(y)",
    "0.0 ** math.floor(y)",
    "2.0 ** int(y)",
    "float(round(y))",
    "round(y, 2)",
    "math.fsum([x, y])",
    "math.fsum([x * 1e306, y * 1e306])",
    "float(y.is_integer())",
    "math.sqrt(y)",
    "math.log(x, y)",
    "math.fmod(x, y)",
    "math.remainder(x, y)",
    "math.exp(y)",
    "math.ldexp(x, int(y))",
    "math.modf(y)[0]",
]

ZEROS = [
    "round(y)",
    "math.floor(y)",
    "math.ceil(y)",
    "math.trunc(y)",
    "int(y)",
    "round(y, 0)",
    "y // 1",
    "y // 1.0 + 1.0",
    "-y // 1",
    "y % 1",
    "y % -1",
    "math.fmod(y, 1.0)",
    "math.modf(y)[0]",
    "math.modf(y)[1]",
    "divmod(y, 1)[0]",
    "math.floor(y) * y",
    "float(np.floor(y))",
    "float(np.ceil(y))",
    "float(np.trunc(y))",
    "float(np.rint(y))",
]


def made(expression: str, template: str = TRIED) -> Callable[..., Any]:
    source = template.format(expression)
    name = f"<{template[4:7]} {expression}>"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    space: dict[str, Any] = {"math": math, "np": np, "__name__": "__main__"}
    exec(__builtins__["compile"](source, name, "exec"), space)  # type: ignore[index]
    f: Callable[..., Any] = space["f"]
    return f


def number(x: Any) -> float:
    return float(x.data if isinstance(x, Value) else x)


def same(a: float, b: float) -> bool:
    if a == b:
        return math.copysign(1.0, a) == math.copysign(1.0, b)
    return (a != a and b != b) or abs(a - b) <= 1e-13 * abs(b) < math.inf


@pytest.mark.filterwarnings(r"ignore:round\(v:RuntimeWarning")
@pytest.mark.parametrize("expression", RAISE)
def test_a_handler_decides_as_for_floats(expression: str) -> None:
    f = made(expression)
    lifted = lift(f)
    compiled = compile(lifted)
    points = [(x, y) for x in ([2.0, 0.0, -1.5] if "x" in expression else [2.0]) for y in POINTS]
    real = [(p, f(*p)) for p in points if type(f(*p)) is not complex]
    # Which raises there, and Values do not
    if expression == "math.pow(x, y)" and sys.version_info < (3, 11):
        real = [(p, right) for p, right in real if p != (0.0, -math.inf)]
    for point, right in real:
        assert same(number(lifted(*map(Value, point))), right), point
        assert same(compiled(*point), right), point
    assert [lifted(*point) for point, _ in real] == pytest.approx(
        [right for _, right in real], nan_ok=True
    )
    xs, ys = (np.array(column) for column in zip(*[point for point, _ in real], strict=True))
    rows = vmap(lifted)(xs, ys)
    for (point, right), row in zip(real, rows, strict=True):
        assert same(row, right), point


def test_the_handlers_way_has_its_derivative() -> None:
    f = lift(made("0.0 ** -y + y * y"))
    assert grad(f, 1)(1.0, -2.0) == compile(grad(f, 1))(1.0, -2.0) == -4.0
    assert compile(f)(1.0, 3.0) == 101.0
    g = lift(made("x ** -y"))
    assert compile(grad(g))(2.0, 1.0) == grad(g)(2.0, 1.0) == -0.25
    assert compile(grad(g))(0.0, 1.0) == grad(g)(0.0, 1.0) == 0.0


@pytest.mark.parametrize("expression", ZEROS)
@pytest.mark.parametrize("seen", ["math.copysign(1.0, {})", "math.atan2({}, -1.0)"])
def test_zeros_have_the_sign_that_python_gives(expression: str, seen: str) -> None:
    f = made(seen.format(expression), "def f(x, y): return {}\n")
    lifted = lift(f)
    points = [-2.5, -1.0, -0.5, -0.3, -0.0, 0.0, 0.3, 0.5, 1.5]
    right = pytest.approx([f(1.0, y) for y in points], rel=1e-15)
    assert [number(lifted(1.0, Value(y))) for y in points] == right
    compiled = compile(lifted)
    assert [compiled(1.0, y) for y in points] == right
    assert vmap(lifted)(np.ones(9), np.array(points)).tolist() == right
