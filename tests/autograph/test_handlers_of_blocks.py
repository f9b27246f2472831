"""What keeps exceptions from leaving a block of `with` or `try` does what it does in plain Python, or the
loop in it is refused by its line; and so with what a loop takes from an iterator, or leaves in a variable
that holds a function."""

from __future__ import annotations

import contextlib
import functools
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from pygrad import AutographError, autograph, math, value_and_grad, vmap
from pygrad.core.swallowing import swallowed_by

X = np.array([0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.75])


class Decides:
    def __init__(self, result: Any) -> None:
        self.result = result

    def __enter__(self) -> Decides:
        return self

    def __exit__(self, *error: object) -> Any:
        return self.result


class Counts(Decides):
    def __exit__(self, *error: object) -> None:
        self.result += 1


@contextlib.contextmanager
def catching() -> Iterator[None]:
    with contextlib.suppress(KeyError):
        yield


@contextlib.contextmanager
def plain() -> Iterator[None]:
    yield


def suppressed_in_a_branch(x: Any) -> Any:
    y = x
    with contextlib.suppress(ValueError):
        if x > 1:
            y = y + math.log(x - 2.0)
        else:
            y *= 2
        y = y + 1
    return y


def tried_in_a_branch(x: Any) -> Any:
    y = x
    try:
        y = math.log(x - 2.0) if x > 1 else 2 * x
    except ValueError:
        return y * 3
    return y


def raised_in_a_branch(x: Any) -> Any:
    y, n = x, 0.0
    with Decides(True):
        if x > 1:
            n = n + 1
            if x > 2:
                raise KeyError("a")
            y = y + 10
        y = y * 3
    return y + n


def made_by_a_generator(x: Any) -> Any:
    y = 1.0
    with catching():
        if x > 1:
            raise KeyError("k")
        y = x * 7
    return y


def harmless(x: Any) -> Any:
    y = 1.0
    with Counts(0), contextlib.nullcontext(), plain(), threading.Lock(), warnings.catch_warnings():
        while x > 0:
            y, x = y + 1.0 / (x + 1.0), x - 1.0
    return y


def what_is_left_of_an_iterator(x: Any) -> Any:
    items, y = iter([1.0, 2.0, 3.0, 4.0, 5.0]), x
    for item in items:
        if y > 4:
            break
        y = y + item
    return y + next(items, 100.0)


def what_is_left_of_a_map(x: Any) -> Any:
    items, y = map(lambda i: i * x, range(6)), 0.0
    for item in items:
        if item > 3:
            break
        y = y + item
    return y + next(items, 100.0)


SAME = [
    suppressed_in_a_branch, tried_in_a_branch, raised_in_a_branch, made_by_a_generator, harmless,
    what_is_left_of_an_iterator, what_is_left_of_a_map,
]  # fmt: skip


@pytest.mark.parametrize("f", SAME)
def test_rows_have_what_plain_python_has(f: Callable[..., Any]) -> None:
    values, slopes = vmap(value_and_grad(autograph(f)))(X)
    wanted = [value_and_grad(f)(float(x)) for x in X]
    assert values == pytest.approx([y for y, _ in wanted], rel=1e-14)
    assert slopes == pytest.approx([slope for _, slope in wanted], rel=1e-14)


def suppressing(x: Any) -> Any:
    y = 1.0
    with contextlib.suppress(ZeroDivisionError):
        while x > 0:
            y, x = y + 1.0 / (x - 2.0), x - 1.0
    return y


def within_the_loop(x: Any) -> Any:
    t = 0.0
    while x > 0:
        with Counts(0), contextlib.suppress(ArithmeticError):
            t = t + 1.0 / (x - 1.0)
        x = x - 1.0
    return t


def letting_nothing_out(x: Any) -> Any:
    y = 1.0
    with Decides(True):
        while x > 0:
            y, x = y + 1.0 / (x - 1.0), x - 1.0
    return y


def by_a_stack(x: Any) -> Any:
    y = 1.0
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.suppress(ZeroDivisionError))
        while x > 0:
            y, x = y + 1.0 / (x - 1.0), x - 1.0
    return y


def catching_all(x: Any) -> Any:
    y = 1.0
    try:
        while x > 0:
            y, x = y + 1.0 / (x - 1.0), x - 1.0
    except Exception:
        y = -1.0
    return y


@pytest.mark.parametrize(
    "f", [suppressing, within_the_loop, letting_nothing_out, by_a_stack, catching_all]
)
def test_a_loop_within_is_refused_by_its_line(f: Callable[..., Any]) -> None:
    with pytest.raises(
        AutographError, match=rf"line \d+, in {f.__name__}\(\): a handler around it"
    ):
        vmap(autograph(f))(X)


def test_groups_of_exceptions() -> None:
    space: dict[str, Any] = {}
    source = "def f(x):\n y = 1.0\n try:\n  while x > 0: y, x = y + 1 / (x - 1), x - 1\n"
    source += " except* ZeroDivisionError:\n  y = 7.0\n return y\n"
    try:
        code = compile(source, "groups.py", "exec")
    except SyntaxError:
        pytest.skip("this Python has no except*")
    import linecache

    linecache.cache["groups.py"] = len(source), None, source.splitlines(True), "groups.py"
    exec(code, space)
    with pytest.raises(AutographError, match=r"line 4, in f\(\): a handler around it"):
        vmap(autograph(space["f"]))(X)


def doubled(v: Any) -> Any:
    return v * 2


def tripled(v: Any) -> Any:
    return v * 3


def function_in_a_variable(x: Any) -> Any:
    f = doubled
    while x < 4:
        x, f = x + 1, tripled
    return f(x)


def partial_in_a_variable(x: Any) -> Any:
    f = functools.partial(math.pow, x)
    while x < 4:
        x = x + 1
        f = functools.partial(math.pow, x)
    return f(2.0)


@pytest.mark.parametrize("f", [function_in_a_variable, partial_in_a_variable])
def test_another_function_after_a_trip_is_refused(f: Callable[..., Any]) -> None:
    with pytest.raises(AutographError, match=r"cannot carry f: f"):
        vmap(autograph(f))(X)


def test_what_managers_keep_from_leaving() -> None:
    assert swallowed_by(contextlib.suppress(KeyError, (ValueError, OSError))) == (
        KeyError, ValueError, OSError,
    )  # fmt: skip
    assert swallowed_by(plain()) == () and swallowed_by(catching()) is None
    assert swallowed_by(Counts(0)) == () and swallowed_by(Decides(False)) is None
    assert swallowed_by(np.errstate()) == () and swallowed_by(contextlib.ExitStack()) is None


@pytest.mark.parametrize(
    ("leave", "lets_through"),
    [
        (lambda self, *raised: None, True),
        (lambda self, *raised: False, True),
        (lambda self, *raised: True, False),
        (lambda self, *raised: raised[0] is KeyError, False),
        (lambda self, *raised: raised[0] is KeyError or None, False),
        (lambda self, *raised: raised[0] is KeyError or False, False),
        (lambda self, *raised: True if raised[0] is KeyError else None, False),
        (lambda self, *raised: None if raised[0] is None else True, False),
        (lambda self, *raised: [raised for _ in raised].clear(), False),
    ],
)
def test_what_a_manager_lets_through_by_what_it_returns(leave: Any, lets_through: bool) -> None:
    assert swallowed_by(type("Leaving", (), {"__exit__": leave})()) == (
        () if lets_through else None
    )
