"""What transforms, vmap and compile return: known by its class, and else as a function is."""

from __future__ import annotations

import copy
import functools
import inspect
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pygrad import compile as compile_
from pygrad import grad, hessian, jacfwd, jacobian, value_and_grad, vmap
from pygrad.core.recording import Kind

X = np.arange(1.0, 4.0)


def square(w: Any, x: Any) -> Any:
    """The square of a product."""
    return (w * x) ** 2


def cube(x: Any) -> Any:
    return x**3


@grad
def slope(x: Any) -> Any:
    return x**2


@vmap
def doubled_rows(x: Any) -> Any:
    return 2 * x


MADE: list[Callable[[Any], Any]] = [grad, value_and_grad, jacobian, jacfwd, hessian, vmap, compile_]


# -- no attribute says what a function is ----------------------------------------------------------


@pytest.mark.parametrize("derivative", [grad, value_and_grad])
def test_a_function_around_a_mapped_gradient_is_compiled_itself(derivative: Any) -> None:
    m = vmap(derivative(square), in_axes=(None, 0), reduce="sum")

    @functools.wraps(m)
    def doubled(*args: Any) -> Any:
        result = m(*args)
        return tuple(2 * y for y in result) if isinstance(result, tuple) else 2 * result

    wanted = doubled(2.0, X)
    assert compile_(doubled)(2.0, X) == wanted != m(2.0, X)


def test_a_function_around_a_gradient_of_rows_is_compiled_itself() -> None:
    m = value_and_grad(vmap(square, in_axes=(None, 0), reduce="mean"))

    @functools.wraps(m)
    def doubled(*args: Any) -> Any:
        return tuple(2 * y for y in m(*args))

    assert compile_(doubled)(2.0, X) == pytest.approx(doubled(2.0, X), rel=1e-15)


@pytest.mark.parametrize("made", [jacobian, jacfwd, hessian])
def test_a_function_around_a_jacobian_is_compiled_itself(made: Any) -> None:
    j = made(cube)

    @functools.wraps(j)
    def doubled(x: Any) -> Any:
        return 2 * j(x)

    assert compile_(doubled)(2.0) == doubled(2.0) == 2 * j(2.0)


def test_attributes_of_a_function_mean_nothing_to_transforms() -> None:
    def f(x: Any) -> Any:
        return x**3

    names = "derivative jacobian what f argnums has_aux with_value of programs store reduce origin"
    for name in [*names.split(), "captured", "sweeps", "__wrapped__"]:
        setattr(f, name, "mine")
    assert compile_(f)(2.0) == 8.0
    assert compile_(grad(f))(2.0) == grad(f)(2.0) == compile_(hessian(f))(2.0) == 12.0
    assert vmap(f)(X).tolist() == [1.0, 8.0, 27.0]
    assert compile_(vmap(grad(f)))(X).tolist() == [3.0, 12.0, 27.0]
    assert jacobian(compile_(f))(2.0) == 12.0
    assert len(compile_(f).programs) == 0
    assert pickle.loads(pickle.dumps(compile_(cube)))(2.0) == 8.0


@pytest.mark.parametrize("first", MADE)
@pytest.mark.parametrize("second", MADE)
def test_made_functions_look_like_what_they_are_made_of(first: Any, second: Any) -> None:
    def f(x: float) -> float:
        """A docstring."""
        return x

    f.unit = "m"  # type: ignore[attr-defined]
    made = second(first(f))
    assert (made.__name__, made.__doc__, made.__module__) == ("f", "A docstring.", __name__)
    assert made.__qualname__ == f.__qualname__
    assert made.unit == "m"
    assert inspect.unwrap(made) is f
    assert inspect.signature(made) == inspect.signature(f)


# -- as functions are ------------------------------------------------------------------------------


class Line:
    """Methods of all kinds."""

    rise = 3.0
    slope = grad(lambda self, x: self.rise * x * x, argnums=1)
    bend = hessian(lambda self, x: self.rise * x * x, argnums=1)
    at = compile_(lambda self, x: self.rise * x)


def test_derivatives_and_compiled_functions_are_methods() -> None:
    line = Line()
    assert (line.slope(2.0), line.bend(2.0), line.at(2.0)) == (12.0, 6.0, 6.0)
    assert Line.slope(line, 2.0) == 12.0


@pytest.mark.parametrize("made", [grad, value_and_grad, jacobian, hessian, compile_])
def test_a_copy_is_the_function_itself(made: Any) -> None:
    f = made(cube)
    assert copy.copy(f) is copy.deepcopy([f])[0] is f


@pytest.mark.parametrize("made", MADE)
def test_what_is_made_of_a_function_that_can_be_imported_can_be_pickled(made: Any) -> None:
    f = made(cube)
    remade = pickle.loads(pickle.dumps(f))
    assert type(remade) is type(f)
    assert inspect.unwrap(remade) is cube
    x = X if made is vmap else 2.0
    assert np.array_equal(remade(x), f(x))


def test_options_are_pickled_too() -> None:
    f = pickle.loads(pickle.dumps(value_and_grad(vmap(square, (None, 0), reduce="mean"), 0)))
    assert f(2.0, X) == value_and_grad(vmap(square, (None, 0), reduce="mean"))(2.0, X)
    pair = pickle.loads(pickle.dumps(jacfwd(square, (0, 1))))
    assert pair(2.0, 3.0) == jacfwd(square, (0, 1))(2.0, 3.0)
    nested = pickle.loads(pickle.dumps(compile_(grad(grad(cube)))))
    assert nested(2.0) == 12.0


def test_what_decorates_is_pickled_by_its_name() -> None:
    assert pickle.loads(pickle.dumps(slope)) is slope
    assert pickle.loads(pickle.dumps(doubled_rows)) is doubled_rows


# -- what is said twice ----------------------------------------------------------------------------


def test_kinds_of_derivatives_are_those_of_c() -> None:
    csrc = Path(__file__).resolve().parents[2] / "csrc" / "python"
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(csrc.glob("*.c")))
    (names,) = re.findall(r"enum \{ (NUMBERS[^}]*?) \}", text)
    assert [getattr(Kind, name) for name in names.split(", ")] == [0, 1, 2, 3]
