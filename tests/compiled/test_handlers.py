"""A handler around an operation decides in programs what it decides in eager code."""

from __future__ import annotations

import contextlib
import itertools
import math
import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pygrad import TraceError, Value, grad, hessian, jacobian, load, no_grad, value_and_grad, vmap
from pygrad import compile as compile_
from pygrad import math as pm
from pygrad.programs.worth import MOST_PATHS


def saturated(x: Any) -> Any:
    """Its result is finite also where its handler is left out: 0, in the place of 1 / (1 + 3 x)."""
    try:
        y = pm.exp(x)
    except OverflowError:
        y = 3 * x
    return 1 / (1 + y)


POINTS = [1.0, 800.0, -2.0, 9000.0, 0.0]


def test_a_handler_gives_the_number_and_its_derivative() -> None:
    f, slope = compile_(saturated), compile_(value_and_grad(saturated))
    for x in [*POINTS, *POINTS]:
        assert f(x) == pytest.approx(saturated(Value(x)).data, rel=1e-14)
        assert slope(x) == pytest.approx(value_and_grad(saturated)(x), rel=1e-14)
        assert grad(f)(x) == grad(saturated)(x)
        assert compile_(hessian(saturated))(x) == pytest.approx(hessian(saturated)(x), rel=1e-14)
    assert len(f.programs) == 2


def test_in_rows_too() -> None:
    x = np.array(POINTS * 100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for mapped in (vmap(saturated), compile_(vmap(saturated))):
            assert mapped(x) == pytest.approx([saturated(Value(a)).data for a in x], rel=1e-14)
        assert vmap(grad(saturated))(x) == pytest.approx([grad(saturated)(a) for a in x], rel=1e-13)
        total = vmap(lambda w, x: saturated(w * x), in_axes=(None, 0), reduce="sum")
        for both in (value_and_grad(total), compile_(value_and_grad(total))):
            value, slope = both(1.0, x)
            assert value == pytest.approx(sum(saturated(Value(a)).data for a in x))
            assert slope == pytest.approx(sum(a * grad(saturated)(a) for a in x))


def test_in_backward_of_a_compiled_function() -> None:
    w = Value(1.0)
    loss = compile_(lambda x: saturated(w * x))
    assert loss.backward(np.array(POINTS), reduce="sum") == pytest.approx(
        sum(saturated(Value(a)).data for a in POINTS)
    )
    assert w.grad == pytest.approx(sum(a * grad(saturated)(a) for a in POINTS))


def test_in_jacobians_buffers_files_and_c(tmp_path: Path) -> None:
    f = compile_(lambda x: [saturated(x[0]), saturated(x[1])])
    wanted = jacobian(lambda x: [saturated(x[0]), saturated(x[1])])
    for x in itertools.product(POINTS, POINTS):
        assert jacobian(f)(np.array(x)) == pytest.approx(wanted(np.array(x)), rel=1e-14)
    inputs = np.array([1.0])
    buffer = compile_(lambda x: saturated(x[0])).buffer(inputs)
    g = compile_(saturated)
    for x in POINTS:
        inputs[0] = x
        assert buffer() == g(x)
    g.save(tmp_path / "g")
    assert [load(tmp_path / "g")(x) for x in POINTS] == [g(x) for x in POINTS]
    assert "goto" in g.to_c()


def test_each_exception_has_its_own_handler() -> None:
    def f(x: Any, y: Any) -> Any:
        try:
            try:
                return pm.log(x) / y + (x * y) ** 200
            except ZeroDivisionError:
                return x * 2
            except OverflowError:
                return x * 3
        except ValueError:
            return pm.sin(y)

    numbers = [-1.0, 2.0, 0.0, 300.0, 1e-300]
    g = compile_(value_and_grad(f, argnums=(0, 1)))
    for x, y in itertools.product(numbers, numbers):
        assert repr(g(x, y)) == repr(value_and_grad(f, argnums=(0, 1))(x, y)) or g(
            x, y
        ) == pytest.approx(value_and_grad(f, argnums=(0, 1))(x, y), rel=1e-13)


RAISES: list[tuple[Callable[[Any], Any], float, type[Exception]]] = [
    (lambda x: 1 / x, 0.0, ZeroDivisionError),
    (lambda x: 5.0 % x, 0.0, ZeroDivisionError),
    (lambda x: 5.0 // x, 0.0, ZeroDivisionError),
    (lambda x: x**-1, 0.0, ZeroDivisionError),
    (lambda x: x**-2.5, 0.0, ZeroDivisionError),
    (lambda x: x**0.5, -1.0, ValueError),
    (lambda x: x**200, 1e10, OverflowError),
    (lambda x: pm.pow(x, -1), 0.0, ValueError),
    (lambda x: pm.pow(x, 200), 1e10, OverflowError),
    (pm.exp, 1000.0, OverflowError),
    (pm.expm1, 1000.0, OverflowError),
    (pm.sinh, -1000.0, OverflowError),
    (pm.cosh, 1000.0, OverflowError),
    (pm.log, 0.0, ValueError),
    (pm.log, -1.0, ValueError),
    (pm.log1p, -1.0, ValueError),
    (pm.log2, 0.0, ValueError),
    (pm.sqrt, -1.0, ValueError),
    (pm.asin, 2.0, ValueError),
    (pm.acosh, 0.0, ValueError),
    (pm.atanh, 1.0, ValueError),
    (pm.lgamma, -1.0, ValueError),
    (pm.lgamma, 1e307, OverflowError),
    (pm.sin, math.inf, ValueError),
]


@pytest.mark.parametrize(("op", "bad", "kind"), RAISES)
def test_of_every_operation_that_raises(
    op: Callable[[Any], Any], bad: float, kind: type[Exception]
) -> None:
    def f(x: Any) -> Any:
        try:
            return op(x) + 1.0
        except kind:
            return x * 7.0

    with pytest.raises(kind):
        op(Value(bad))
    g, good = compile_(f), 1.5 if op is pm.acosh else 0.5
    assert [g(good), g(bad)] == pytest.approx([f(Value(good)).data, bad * 7.0])
    assert g(bad) == compile_(f)(bad) == bad * 7.0
    assert vmap(f)(np.array([good, bad]))[1] == bad * 7.0
    assert vmap(grad(f))(np.array([good, bad]))[1] == 7.0


def test_what_a_handler_does_not_catch_is_inf_and_nan_as_before() -> None:
    def f(x: Any) -> Any:
        try:
            return 1 / x
        except (OverflowError, KeyError):
            return x
        finally:
            seen.append(1)

    seen: list[int] = []
    g = compile_(f)
    assert [g(2.0), g(0.0), g(-0.0), g(4.0)] == [0.5, math.inf, -math.inf, 0.25]
    with pytest.warns(RuntimeWarning, match="in 2 results"):
        assert vmap(f)(np.array([0.0, 1.0, -0.0])).tolist() == [math.inf, 1.0, -math.inf]
    with pytest.raises(ZeroDivisionError):
        f(Value(0.0))


def test_what_a_handler_raises_anew_is_inf_and_nan_too() -> None:
    class NoSuchNumberError(Exception):
        pass

    def f(x: Any) -> Any:
        try:
            y = pm.sqrt(x)
        except ValueError:
            y = pm.sqrt(-x)  # this one is caught,
        try:
            return y / (x + 1)
        except ZeroDivisionError as error:  # and this one is not
            raise NoSuchNumberError from error

    g = compile_(f)
    assert [g(4.0), g(-4.0), g(-1.0)] == [0.4, pytest.approx(-2 / 3), math.inf]
    with pytest.warns(RuntimeWarning, match="in 1 results"):
        assert vmap(f)(np.array([-1.0, 4.0, -4.0])).tolist() == [g(-1.0), g(4.0), g(-4.0)]
    with pytest.raises(NoSuchNumberError):
        f(Value(-1.0))


def test_a_callers_handler_is_not_the_functions() -> None:
    for f in (compile_(lambda x: 1 / x), vmap(lambda x: 1 / x, errors="ignore")):
        try:
            result = f(0.0) if not hasattr(f, "errors") else f(np.array([0.0]))[0]
        except ZeroDivisionError:
            result = None
        assert result == math.inf


def test_handlers_of_helpers_contexts_and_decorators() -> None:
    def careful(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def wrapper(x: Any) -> Any:
            try:
                return f(x)
            except ArithmeticError:
                return x + 100.0

        return wrapper

    @careful
    def inverse(x: Any) -> Any:
        return helper(x)

    def helper(x: Any) -> Any:
        return 1 / x

    def suppressed(x: Any) -> Any:
        y = x + 5.0
        with contextlib.suppress(ZeroDivisionError):
            y = helper(x)
        return y

    def by_generator(x: Any) -> Any:
        try:
            return sum(a / x for a in (1.0, 2.0))
        except ZeroDivisionError:
            return x - 1.0

    def in_loop(x: Any) -> Any:
        y = x
        for k in range(3):
            try:
                y = y + 1 / (x - k)
            except ZeroDivisionError:
                y = y * 2
                continue
        return y

    def slope(x: Any) -> Any:
        try:
            return grad(lambda z: 1 / z)(x)
        except ZeroDivisionError:
            return x + 3.0

    for f in (inverse, suppressed, by_generator, in_loop, slope):
        g = compile_(f)
        for x in (2.0, 0.0, 1.0, 4.0, 0.0, 3.0):
            assert g(x) == pytest.approx(f(Value(x)).data if f is not slope else f(x)), f.__name__
            assert compile_(grad(f))(x) == pytest.approx(grad(f)(x)), f.__name__


def test_a_map_within_raises_nothing_as_it_does_not_outside() -> None:
    def f(x: Any) -> Any:
        try:
            return sum(vmap(lambda z: 1 / z, errors="ignore")([x, x + 1.0]))
        except ZeroDivisionError:
            return x

    g = compile_(f)
    assert f(Value(0.0)).data == g(0.0) == compile_(f)(0.0) == math.inf
    assert g(1.0) == 1.5


def test_a_handler_may_do_no_more_than_the_rest() -> None:
    def reads(x: Any) -> Any:
        try:
            return 1 / x
        except ZeroDivisionError:
            return float(x.data)

    g = compile_(reads)
    assert g(2.0) == 0.5
    with pytest.raises(TraceError, match="was read"):
        g(0.0)


def test_what_a_program_cannot_repeat_is_refused_also_where_a_handler_catches_that() -> None:
    def f(x: Any) -> Any:
        try:
            return x * float(x.data)
        except Exception:
            return x

    for g in (compile_(f), compile_(grad(f)), lambda x: vmap(f)([x])):
        with pytest.raises(TraceError, match="was read"):
            g(2.0)
    assert f(Value(2.0)).data == 4.0
    assert compile_(lambda x: x * 2)(1.0) == 2.0


def test_errors_of_the_function_itself_come_through() -> None:
    def f(x: Any) -> Any:
        try:
            y = 1 / x
        except ZeroDivisionError:
            y = x
        if y == 0.0:
            raise ValueError("zero")
        return y

    g = compile_(f)
    assert g(2.0) == 0.5
    with pytest.raises(ValueError, match="zero"):
        g(0.0)


def test_without_derivative_too() -> None:
    def f(x: Any) -> Any:
        with no_grad():
            try:
                s = 1 / x
            except ZeroDivisionError:
                s = x + 4.0
        return s * x + x

    g = compile_(value_and_grad(f))
    for x in (2.0, 0.0):
        assert g(x) == pytest.approx((f(Value(x)).data, 1.5 if x else 5.0))


def test_functions_without_handlers_have_no_more_guards() -> None:
    f = compile_(lambda x: pm.exp(x) / pm.log(x))
    f(2.0)
    assert f.programs[0]["guards"] == 0


def test_very_many_ways_run_uncompiled_with_the_same_results() -> None:
    def f(x: Any) -> Any:
        y = x[0]
        for item in x:
            try:
                y = y + 1 / item
            except ZeroDivisionError:
                y = y * 1.5
        return y

    rng = np.random.default_rng(1)
    rows = rng.integers(0, 2, (2 * MOST_PATHS, 10)).astype(float)
    with pytest.warns(RuntimeWarning, match="different paths"):
        found = vmap(f)(rows)
    assert found.tolist() == [f([Value(a) for a in row]).data for row in rows]


def test_what_a_handler_raises_anew_where_nothing_is_compiled_any_more() -> None:
    def f(x: Any) -> Any:
        for k in range(2 * MOST_PATHS):
            if x < k + 0.5:
                break
        try:
            return x / (k - 1)
        except ZeroDivisionError as error:
            raise LookupError from error

    rows = np.append(np.arange(MOST_PATHS + 10.0) + 2.0, 1.0)
    with pytest.warns(RuntimeWarning) as record:
        assert vmap(f)(rows)[-1] == math.inf
    messages = [str(w.message) for w in record]
    assert ["different paths" in messages[0], "in 1 results" in messages[1]] == [True, True]


# -- random programs -------------------------------------------------------------------------------

OPS = ["exp({})", "log({})", "sqrt({})", "({} / {})", "({} * {})", "({} + {})", "({} - {})"]
OPS += ["({} ** -2)", "({} ** 1.5)", "sinh({})", "log1p({})", "sin({})", "helper({})"]
KINDS = ["ZeroDivisionError", "OverflowError", "ValueError", "ArithmeticError", "Exception"]
NUMBERS = [0.0, -1.0, 1.0, 2.5, 800.0, -800.0, 1e200, 0.5, -0.5, -1e-3]


class Writer:
    """Functions of two numbers, as text."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def term(self, depth: int = 0) -> str:
        r = self.random
        if depth == 2 or r.random() < 0.3:
            return r.choice(["a", "b", "x", "y", "(0 * x + half)", "(0 * y - two)"])
        op = r.choice(OPS)
        return op.format(*[self.term(depth + 1) for _ in range(op.count("{}"))])

    def block(self, indent: str, depth: int) -> list[str]:
        lines = []
        for _ in range(self.random.randint(1, 3)):
            lines += self.statement(indent, depth)
        return lines

    def statement(self, indent: str, depth: int) -> list[str]:
        r, inner = self.random, indent + "    "
        kind = r.choice(["set", "set", "try", "try", "if", "with", "loop"]) if depth < 2 else "set"
        if kind == "set":
            return [f"{indent}{r.choice('ab')} = {self.term()}"]
        if kind == "if":
            return [f"{indent}if {self.term()} < {self.term()}:", *self.block(inner, depth + 1)]
        if kind == "loop":
            return [f"{indent}for _ in range(2):", *self.block(inner, depth + 1)]
        if kind == "with":
            return [f"{indent}with suppress({r.choice(KINDS)}):", *self.block(inner, depth + 1)]
        lines = [f"{indent}try:", *self.block(inner, depth + 1)]
        for caught in r.sample([*KINDS, "BaseException"], r.randint(1, 2)):
            lines += [f"{indent}except {caught}:", *self.block(inner, depth + 1)]
            if r.random() < 0.1:
                lines += [f"{inner}if a < b:", f"{inner}    raise"]
            if r.random() < 0.1:
                lines += [f"{inner}return b"]
        if r.random() < 0.2:
            lines += [f"{indent}else:", *self.block(inner, depth + 1)]
        if r.random() < 0.2:
            lines += [f"{indent}finally:", f"{inner}b = b + 1"]
        return lines

    def function(self) -> str:
        body = self.block("    ", 0)
        return "\n".join(
            ["def f(x, y):", "    a, b = x, y", *body, "    return a + 0.25 * b + 0 * x"]
        )


def helper(x: Any) -> Any:
    try:
        return pm.log(x - 1.0)
    except ValueError:
        return 1 / x


def equal(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9) or (math.isnan(a) and math.isnan(b))


def eager(f: Callable[..., Any], x: float, y: float) -> tuple[float, float, float] | None:
    try:
        value, (dx, dy) = value_and_grad(f, argnums=(0, 1))(x, y)
    except Exception:
        return None
    return value, dx, dy


def check(seed: int) -> int:
    """How many rows were compared: all where eager code gives numbers that rounding does not decide."""
    text = Writer(seed).function()
    names: dict[str, Any] = {
        n: getattr(pm, n) for n in ("exp", "log", "sqrt", "sinh", "log1p", "sin")
    }
    names.update(helper=helper, suppress=contextlib.suppress, half=0.5, two=2.0)
    exec(text, names)
    nearby = {**names, "half": 0.5 * (1 + 1e-12), "two": 2.0 * (1 - 1e-12)}
    exec(text, nearby)
    f, compared = names["f"], 0
    rows = list(itertools.product(NUMBERS, NUMBERS))
    random.Random(seed).shuffle(rows)
    rows = rows[:25]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = compile_(f)
        both = compile_(value_and_grad(f, argnums=(0, 1)))
        mapped = vmap(value_and_grad(f, argnums=(0, 1)), errors="ignore")(*np.array(rows).T)
        for k, (x, y) in enumerate(rows):
            wanted = eager(f, x, y)
            beside = eager(nearby["f"], x * (1 + 1e-12), y * (1 - 1e-12))
            found, (dx, dy) = both(x, y)
            in_row = mapped[0][k], mapped[1][0][k], mapped[1][1][k]
            plain = value(x, y)
            if wanted is None or beside is None or not all(map(equal, wanted, beside)):
                continue
            compared += 1
            what = f"seed {seed}, at {x, y}: {wanted}\n{text}"
            assert equal(plain, wanted[0]), (plain, what)
            assert all(map(equal, (found, dx, dy), wanted)), ((found, dx, dy), what)
            assert all(map(equal, in_row, wanted)), (in_row, what)
    return compared


def test_random_programs_with_handlers() -> None:
    assert sum(check(seed) for seed in range(40)) > 300


@pytest.mark.long
def test_many_random_programs_with_handlers() -> None:
    for seed in range(40, 1000):
        check(seed)
