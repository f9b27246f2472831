"""Handlers around operations in bodies of loops of unconverted code: refused, as nothing raises there."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pygrad import TraceError, checkpoint, compile, fori_loop, grad, take, vmap, while_loop
from pygrad import math as pgmath

LIMITS = (ZeroDivisionError, OverflowError)


def divided(y: Any) -> Any:
    return 1.0 / (y - 2.0)


def by_a_class(y: Any) -> Any:
    try:
        return 1.0 / (y - 2.0)
    except ZeroDivisionError:
        return 100.0


def by_a_second_clause(y: Any) -> Any:
    try:
        return 1.0 / (y - 2.0)
    except KeyError:
        return 1.0
    except (IndexError, ArithmeticError) as error:
        return float(len(str(error)))


def by_a_variable(y: Any) -> Any:
    try:
        return divided(y)
    except LIMITS:
        return 100.0


def by_all(y: Any) -> Any:
    try:
        return divided(y)
    except:  # noqa: E722
        return 100.0


def by_an_outer_one(y: Any) -> Any:
    try:
        try:
            return pgmath.log(y - 2.0)
        except KeyError:
            return 0.0
        finally:
            y = 0.0
    except ValueError:
        return 100.0


def by_the_index(y: Any) -> Any:
    try:
        return take([1.0, 2.0], y)
    except IndexError:
        return 100.0


CATCHES = [by_a_class, by_a_second_clause, by_a_variable, by_all, by_an_outer_one, by_the_index]


def summed(each: Callable[[Any], Any], x: Any) -> Any:
    return while_loop(lambda s: s[0] < x, lambda s: (s[0] + 1.0, s[1] + each(s[0])), (0.0, 0.0))[1]


def other_classes(y: Any) -> Any:
    try:
        return 1.0 / (y - 2.0) + y**2
    except (KeyError, TypeError):
        return 100.0


def finally_and_with(y: Any) -> Any:
    try:
        with contextlib.nullcontext():
            return 1.0 / (y - 2.0)
    finally:
        y = 0.0


def not_what_it_raises(y: Any) -> Any:
    try:
        return (y - 2.0) ** 2 / 4.0
    except ZeroDivisionError:
        return 100.0


def beside_the_block(y: Any) -> Any:
    try:
        y = y + 1.0
    except ZeroDivisionError:
        y = 0.0
    return 1.0 / (y - 2.5)


@pytest.mark.parametrize("each", CATCHES)
def test_a_handler_in_a_body_is_refused(each: Callable[[Any], Any]) -> None:
    for transform in (compile, vmap, lambda f: compile(grad(f))):
        with pytest.raises(
            TraceError, match=r"handler around an operation in the body of a loop catches"
        ):
            transform(lambda x: summed(each, x))(np.array([1.0]) if transform is vmap else 1.0)


def test_a_handler_around_the_loop_is_refused() -> None:
    def around(x: Any) -> Any:
        try:
            return fori_loop(0, 3, lambda i, y: 1.0 / (y - 2.0), x)
        except ZeroDivisionError:
            return 100.0

    assert around(2.0) == 100.0
    with pytest.raises(TraceError, match="catches ZeroDivisionError"):
        compile(around)(1.0)
    # no operation of it stands for many trips
    checked = compile(lambda x: checkpoint(by_a_class)(x))
    assert [checked(x) for x in (1.0, 2.0, 3.0)] == [by_a_class(x) for x in (1.0, 2.0, 3.0)]


@pytest.mark.parametrize(
    "each", [other_classes, finally_and_with, not_what_it_raises, beside_the_block]
)
def test_handlers_of_something_else_are_no_obstacle(each: Callable[[Any], Any]) -> None:
    found = compile(vmap(lambda x: summed(each, x)))(np.array([0.0, 1.0, 2.0]))
    assert found.tolist() == [summed(each, x) for x in (0.0, 1.0, 2.0)]
    assert math.isfinite(found[2])
