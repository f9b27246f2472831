"""Keys of dicts that come, go or change places in branches and loops, with the same things under them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from autographed import differences

from pygrad import AutographError, autograph, compile, vmap

ROWS = [-1.0, 0.25, 2.0, 5.0]


def under_another_key(x: Any) -> Any:
    d = {"a": x}
    if x > 1:
        d["b"] = d.pop("a")
    return d.get("a", 100.0) + d.get("b", 10.0)


def exchanged(x: Any) -> Any:
    d = {"a": x, "b": 2 * x}
    if x > 1:
        one, other = d.pop("a"), d.pop("b")
        d["b"], d["a"] = one, other
    return d["a"] / d["b"]


def in_another_order(x: Any) -> Any:
    d = {"a": x, "b": 2 * x}
    if x > 1:
        d["a"] = d.pop("a")
    first, second = d.values()
    return first - 3 * second


def in_order_after_both_ways(x: Any) -> Any:
    d = {"a": x, "b": 2 * x}
    if x > 1:
        d["b"] = d["a"] * d["b"]
    else:
        d["a"] = d["a"] - 1
    first, second = d.values()
    return first - 3 * second


def an_attribute_of_another_name(x: Any) -> Any:
    class Thing:
        pass

    thing: Any = Thing()
    thing.a = x
    if x > 1:
        thing.b = thing.a
        del thing.a
    return getattr(thing, "a", 100.0) + getattr(thing, "b", 10.0)


BRANCHES = [
    under_another_key,
    exchanged,
    in_another_order,
    in_order_after_both_ways,
    an_attribute_of_another_name,
]


@pytest.mark.parametrize("f", BRANCHES, ids=lambda f: f.__name__)
def test_as_in_plain_python(f: Callable[[Any], Any]) -> None:
    assert differences(f, ROWS) == ""


def test_a_loop_that_rearranges_one_is_refused() -> None:
    def f(x: Any) -> Any:
        d = {"a": x, "b": 2 * x}
        while x > 1:
            one, other = d.pop("a"), d.pop("b")
            d["b"], d["a"] = one, other
            x = x / 2
        return d["a"]

    with pytest.raises(AutographError, match="a dict grows or shrinks in the loop"):
        compile(vmap(autograph(f)))(np.array(ROWS))
