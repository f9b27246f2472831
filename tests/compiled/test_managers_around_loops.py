"""A loop's body is traced once, and nothing raises there: a `with` that ends exceptions is an error."""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

import pygrad
from pygrad import TraceError, compile, grad, vmap
from pygrad.math import log

ERRORS = (KeyError, (ValueError, TypeError))


def loop(x: Any) -> Any:
    return pygrad.while_loop(
        lambda s: s[0] < 10.0, lambda s: [s[0] + 1.0, log(s[1] - 3.0) + 5.0], [x, x]
    )[1]


@contextlib.contextmanager
def forgiving() -> Iterator[None]:
    try:
        yield
    except Exception:
        return


@contextlib.contextmanager
def plain() -> Iterator[None]:
    yield


class Swallowing:
    def __enter__(self) -> None:
        pass

    def __exit__(self, *raised: Any) -> bool:
        return raised[0] is not None


class SwallowingOne:
    def __enter__(self) -> None:
        pass

    def __exit__(self, *raised: Any) -> bool | None:
        return raised[0] is ValueError or None


def suppressed(x: Any) -> Any:
    with suppress(ValueError):
        x = loop(x)
    return x


def by_module(x: Any) -> Any:
    with warnings.catch_warnings(), contextlib.suppress(*(), ERRORS):
        x = loop(x)
    return x


def held(x: Any) -> Any:
    block = suppress(ArithmeticError, ValueError)
    with block:
        x = loop(x)
    return x


def by_generator(x: Any) -> Any:
    with forgiving():
        x = loop(x)
    return x


def by_class(x: Any) -> Any:
    with Swallowing():
        return loop(x)
    return x


def by_class_or_none(x: Any) -> Any:
    with SwallowingOne():
        return loop(x)
    return x


def outside(x: Any) -> Any:
    with suppress(Exception):
        return letting_through(x)
    return x


def around_what_is_made(x: Any) -> Any:
    with suppress(Exception):
        inner = lambda: loop(x)  # noqa: E731
    return inner()


def others(x: Any) -> Any:
    with suppress(KeyError, OSError), plain(), np.errstate(all="ignore"), threading.Lock():
        x = loop(x)
    return x


def letting_through(x: Any) -> Any:
    with plain():
        return loop(x)


@pytest.mark.parametrize(
    "f", [suppressed, by_module, held, by_generator, by_class, by_class_or_none, outside]
)
def test_it_is_told_of(f: Callable[[Any], Any]) -> None:
    assert f(2.0) == 2.0
    for made, x in ((compile(f), 2.0), (compile(grad(f)), 8.0), (vmap(f), [2.0, 8.0])):
        with pytest.raises(TraceError, match="catches ValueError, but the body is traced once"):
            made(x)


@pytest.mark.parametrize("f", [around_what_is_made, others, letting_through])
def test_what_ends_no_such_exception_is_left_alone(f: Callable[[Any], Any]) -> None:
    with pytest.raises(ValueError, match="math domain error"):
        f(2.0)
    assert compile(f)(8.0) == pytest.approx(f(8.0))
    assert compile(grad(f))(8.0) == pytest.approx(grad(f)(8.0))
