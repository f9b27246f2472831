"""Texts of Values: in lifted code those of numbers, in programs a path for each; elsewhere one is told."""

from __future__ import annotations

import asyncio
import io
import json
import linecache
import math
import pickle
import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pygrad import TraceError, Value, compile, grad, lift, value_and_grad, vmap

SOURCE = """
import logging, math, string, sys, warnings
import numpy as np
OUT = sys.stderr
FORMAT = "%s"
LOG = logging.getLogger("texts")

def whole(x): return {}

def shown(x):
    print(x, f"{{x}} {{x:.3f}}", "%s %.2f" % (x, x), str(x), file=OUT)
    print(
        "several lines",
        f"{{x:.4f}}",
        file=OUT,
    )
    LOG.warning("x is %s", x)
    LOG.warning(f"x is {{x}}")
    if x > 1000.0:
        raise ValueError(f"too large: {{x}}")
    return x * x
"""

TEXTS = [
    "len(str(x)) * x",
    "len(repr(x)) * x",
    "len(f'{x}') * x",
    "len(f'{x!r:>9}') * x",
    "len('x = %s, %r' % (x, x)) * x",
    "len('%(x)s' % {'x': x}) * x",
    "len('{} {x}'.format(x, x=x)) * x",
    "len(FORMAT % x) * x",
    "len(str([x, (x,), {'a': x}])) * x",
    "len(', '.join(map(str, [x, x]))) * x",
    "len(string.Template('$x').substitute(x=x)) * x",
    "len(str(round(x, 1))) * x",
    "len(str(math.floor(x))) * x",
    "len(f'{int(x)}') * x",
    "float(f'{x:.1f}') + x",
    "float('%.1f' % x) + x",
    "float('{:.1f}'.format(x)) + x",
    "float(format(x, '.1e')) + x",
    "(2.0 if str(x) == '2.0' else 3.0) * x",
    "{'2.0': 5.0}.get(f'{x}', 7.0) * x",
    "math.copysign(x, float(str(x - x)))",
    "len(str(-x * 0.0)) * x",
    "len(str(x * math.inf)) * x",
]


def made(expression: str = "x") -> dict[str, Any]:
    source = SOURCE.format(expression)
    name = f"<texts {expression}>"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(__builtins__["compile"](source, name, "exec"), space)  # type: ignore[index]
    return space


def number(x: Any) -> float:
    return float(x.data if isinstance(x, Value) else x)


@pytest.mark.filterwarnings(r"ignore:round\(v:RuntimeWarning")
@pytest.mark.parametrize("expression", TEXTS)
def test_of_floats_in_lifted_code(expression: str) -> None:
    f = made(expression)["whole"]
    lifted = lift(f)
    compiled = compile(lifted)
    points = [2.0, 3.25, -0.125, 1e-7, 2.0]
    right = [f(x) for x in points]
    assert [number(lifted(Value(x))) for x in points] == right
    assert [compiled(x) for x in points] == right
    assert vmap(lifted)(np.array(points)).tolist() == right
    assert [value_and_grad(lifted)(x)[0] for x in points] == right
    slopes = [grad(lifted)(x) for x in points]
    assert [compile(grad(lifted))(x) for x in points] == slopes


EXACT = ["str(x)", "repr(x)", "f'{x}'", "'%s' % x", "'{}'.format(x)", "format(x)", "FORMAT % x"]


@pytest.mark.parametrize("text", EXACT)
def test_a_number_read_from_all_its_digits_keeps_its_derivative(text: str) -> None:
    f = lift(made(f"float({text}) * x")["whole"])
    assert f(3.0) == 9.0
    assert grad(f)(3.0) == compile(grad(f))(3.0) == 6.0
    assert vmap(grad(f))(np.array([1.0, 2.0])).tolist() == [2.0, 4.0]


def test_what_only_shows_a_text_makes_no_paths() -> None:
    space = made()
    space["OUT"] = out = io.StringIO()
    compiled = compile(lift(space["shown"]))
    assert [compiled(x) for x in (2.0, 3.0, 4.0)] == [4.0, 9.0, 16.0]
    assert len(compiled.programs) == 1
    assert out.getvalue() == "2.0 2.0 2.000 2.0 2.00 2.0\nseveral lines 2.0000\n"
    with pytest.raises(ValueError, match=r"too large: 2000\.0"):
        compiled(2000.0)


def test_very_many_numbers_are_run_uncompiled() -> None:
    f = made("len(str(x)) * x")["whole"]
    x = np.linspace(1.0, 2.0, 300)
    with pytest.warns(RuntimeWarning, match="uncompiled"):
        rows = vmap(lift(f))(x)
    assert rows.tolist() == [f(a) for a in x.tolist()]


def test_zeros_infinities_and_nan() -> None:
    f = made("len(str(x)) + 0.0 * x")["whole"]
    compiled = compile(lift(made("float(len(str(x)))")["whole"]))
    points = [0.0, -0.0, math.inf, -math.inf, math.nan, 1.0, math.nan, -0.0]
    assert [compiled(x) for x in points] == [len(str(x)) for x in points]
    assert f(1.0) == 3.0


def warned(f: Callable[[Any], Any]) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        compile(f)(2.0)
    return [str(w.message) for w in caught]


def test_other_code_is_told_of_texts_in_a_trace() -> None:
    def keyed(x: Any) -> Any:
        return {"a": 1.0}.get(f"{x}", 2.0) * x

    def counted(x: Any) -> Any:
        return len(str([x])) * x

    def printed(x: Any) -> Any:
        print(x, f"{x} {x:.3f}", file=out)
        return x

    def formatted(x: Any) -> Any:
        return float(f"{x:.3f}") * x

    out = io.StringIO()
    for f in (keyed, counted):
        assert any("the number of this call" in text for text in warned(f))
    assert not warned(printed)
    assert out.getvalue() == "Value(data=2.0, grad=0.0) Value(data=2.0, grad=0.0) 2.000\n"
    with pytest.raises(TraceError, match="would keep"):
        compile(formatted)(2.0)
    assert not warned(lambda x: x + len(str(Value(1.0) * 2.0)))  # which depends on nothing


def test_outside_lifted_code_a_text_is_that_of_a_value() -> None:
    x = Value(2.0)
    assert str(x) == repr(x) == f"{x}" == "Value(data=2.0, grad=0.0)"
    assert f"{x:.1f}" == "2.0"


@pytest.mark.parametrize(
    "f",
    [
        lambda x: float(json.loads(json.dumps({"a": x}, default=str))["a"]),
        lambda x: float(re.match(r"[\d.]+", str(x)).group()),
        lambda x: float(",".join([str(x), "2.0"]).split(",")[0]),
    ],
)
def test_a_number_that_is_read_again_by_others_is_told_of(f):
    lifted = lift(f)
    for call in (grad(lifted), compile(grad(lifted)), lambda x: vmap(grad(lifted))(np.array([x]))):
        with pytest.warns(RuntimeWarning, match="a plain number, was read here"):
            assert call(1.5) == 0.0


def test_a_number_in_code_that_is_made_of_texts_is_told_of() -> None:
    whole = lift(lambda x: eval(f"{x}*2"))
    with (
        pytest.warns(RuntimeWarning, match="a plain number, was read here"),
        pytest.warns(RuntimeWarning, match="is run as code with the number of the Value in it"),
    ):
        assert grad(whole)(1.5) == 0.0
    lifted = lift(lambda x: x + eval(f"(-{x})*2.0"))
    for call in (grad(lifted), compile(grad(lifted)), lambda x: vmap(grad(lifted))(np.array([x]))):
        with pytest.warns(
            RuntimeWarning, match="is run as code with the number of the Value in it"
        ):
            assert call(1.5) == 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert grad(lift(lambda x: x + eval("2.5 * y", {"y": x})))(2.0) == 3.5
        assert lifted(1.5) == -1.5


ALL_DIGITS = [
    "float(f'{x:.17g}')",
    "float('{:.17g}'.format(x))",
    "float(format(x, '+.16e'))",
    "float(f'{x:>30.20f}'.strip())",
]


@pytest.mark.parametrize("expression", ALL_DIGITS)
def test_a_text_of_all_digits_is_as_good_as_the_value(expression: str) -> None:
    f = made(f"{expression} * x")["whole"]
    for call in (lambda: f(Value(1.7)), lambda: grad(f)(1.7)):
        with pytest.raises(TypeError, match=r"float\(\) of a text that has all digits of a Value"):
            call()
    with pytest.raises(TraceError):
        compile(f)(1.7)
    assert grad(lift(f))(1.7) == compile(grad(lift(f)))(1.7) == 3.4
    assert lift(f)(1.7) == f(1.7) == 1.7**2
    assert vmap(lift(f))([1.7, 1.9]).tolist() == [1.7**2, 1.9**2]


def test_other_texts_of_values_stay_texts() -> None:
    space: dict[str, Any] = {}
    exec("def without_source(x): return float(f'{x:.17g}') * x", space)
    with pytest.raises(TypeError, match="has all digits of a Value"):
        grad(lift(space["without_source"]))(1.7)
    v = Value(1.7)
    assert float(f"{v:.3f}") == float(f"{v:10.4g}") == float(f"{v:e}") == 1.7
    text = f"{v:.17g}"
    assert text == "1.7" or text == format(1.7, ".17g")
    assert type(pickle.loads(pickle.dumps(text))) is str
    assert json.dumps([text]) == f'["{format(1.7, ".17g")}"]'
    with pytest.raises(ValueError):
        format(v, ".17q")
    assert grad(lift(lambda x: float("%.17g" % x) * x))(1.7) == 3.4  # noqa: UP031
    assert grad(lambda x: float(f"{x:.3f}") * x)(1.7) == 1.7  # as round() has it


def test_an_event_loop_reads_no_number_from_what_describes_its_tasks() -> None:
    def f(x: Any) -> Any:
        async def square(v: Any) -> Any:
            await asyncio.sleep(0)
            return v * v

        async def both() -> Any:
            return sum(await asyncio.gather(square(x), square(2.0 * x)))

        return asyncio.run(both())

    rows = np.linspace(1.0, 2.0, 20)
    for run in (f, lift(f)):
        compiled = compile(run)
        assert [compiled(x) for x in rows.tolist()] == [x * x + 4.0 * x * x for x in rows.tolist()]
        assert len(compiled.programs) == 1
        assert vmap(grad(run))(rows) == pytest.approx(10.0 * rows)
