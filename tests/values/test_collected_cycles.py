"""Cycles through closures, attributes, subclasses and callbacks are freed by one collection."""

from __future__ import annotations

import gc
from collections.abc import Callable

import pytest
from lifetimes import Weight, custom, live

import pygrad
import pygrad.nn
import pygrad.optim
from pygrad import Value

pytestmark = pytest.mark.usefixtures("quiet_collector")


class Slotted(Value):
    __slots__ = ("extra",)


def closure_cycle() -> None:
    x = Value(1.0)
    custom(x, x * 2.0)


def chain_of_closures() -> None:
    v = Value(1.0)
    for _ in range(50):
        v = custom(v)
    v.backward()


def wrapped_rule() -> None:
    x = Value(1.0)
    y = x * 2.0
    z = y + 1.0
    rule = y._backward
    y._backward = lambda: rule()
    z.backward()


def attribute_cycle() -> None:
    x = Value(1.0)
    x.me = [x]
    y = x * x + 1.0
    y.up = x
    x.me.append(y)


def attribute_that_is_the_value() -> None:
    x = Value(1.0)
    x.me = x
    y = x * 2.0
    y.me = y
    y.__dict__["also"] = x


def dict_taken_before_use() -> None:
    x = Value(1.0)
    d = x.__dict__
    y = x * 3.0
    d["y"] = y


def dict_replaced() -> None:
    x = Value(1.0)
    x.__dict__ = {}
    y = x * 3.0
    x.__dict__["y"] = y


def subclass_cycle() -> None:
    w = Weight(1.0)
    w.owner = [w]
    w.out = w * 2.0
    w.out.back = w


def slotted_cycle() -> None:
    w = Slotted(1.0)
    w.extra = [w]


def label_cycle() -> None:
    """A label is any str, so it can lead back as well."""

    class Name(str):
        pass

    x = Value(1.0)
    name = Name("x")
    name.value = x
    x.label = name


def closure_of_a_leaf() -> None:
    x = Value(1.0)
    x._backward = lambda: x.grad
    (x * 2.0 + x).backward()


def nary_cycle() -> None:
    x = custom(Value(1.0))
    total = pygrad.sum([x, 2.0, pygrad.dot([x, 1.0], [2.0, x], x)])
    choice = pygrad.where(x, total, 1.0).clip(-9.0, x)
    x.result = choice


def local_grads_cycle() -> None:
    x = custom(Value(1.0))
    out = Value(1.0, (x,), (x,))
    x.out = out


def given_partial_cycle() -> None:
    """The cycle leads through a Value that is a local gradient only."""
    partial = custom(Value(1.0))
    out = Value(1.0, (Value(2.0),), (partial,))
    partial.out = out


def module_and_optimizer() -> None:
    model = pygrad.nn.MLP(2, [3, 1])
    for p in model.parameters():
        p.model = model
    model.optimizer = pygrad.optim.Adam(model.parameters())
    loss = model([1.0, 2.0]) ** 2
    loss.backward()
    model.optimizer.step()
    model.loss = loss


def failed_sweep() -> None:
    x = Value(1.0)
    y = custom(x)
    y.error = None

    def rule() -> None:
        raise ValueError(y)

    y._backward = rule
    try:
        (y * 2.0).backward()
    except ValueError as error:
        y.error = error


def late_closure() -> None:
    """A rule is replaced after others have come to use the node; the cycle does not lead through them."""
    x = Value(1.0)
    y = x * 2.0
    users = [y + 1.0, y * y]
    y._backward = lambda: x.grad + y.grad
    y.tag = [x, y]
    users[0].backward()


CYCLES: list[Callable[[], None]] = [
    closure_cycle,
    chain_of_closures,
    wrapped_rule,
    attribute_cycle,
    attribute_that_is_the_value,
    dict_taken_before_use,
    dict_replaced,
    subclass_cycle,
    slotted_cycle,
    label_cycle,
    closure_of_a_leaf,
    nary_cycle,
    local_grads_cycle,
    given_partial_cycle,
    module_and_optimizer,
    failed_sweep,
    late_closure,
]


@pytest.mark.parametrize("make", CYCLES)
def test_one_collection_frees(make):
    make()  # what is allocated once
    gc.collect()
    start = live()
    for _ in range(20):
        make()
    assert live() > start, "freed without the collector: the test tests nothing"
    gc.collect()
    assert live() == start


def test_nothing_leaks_over_many_graphs():
    repeat_cycles(30_000)


@pytest.mark.long
def test_nothing_leaks_over_a_million_graphs():
    repeat_cycles(1_000_000)


def repeat_cycles(times: int) -> None:
    gc.collect()
    start = live()
    gc.enable()
    most = 0
    for i in range(times):
        x = Value(1.0, label="x")
        w = Weight(2.0)
        out = custom(x, w) * w
        out.tag = [out, i]
        out.backward()
        if i % 1000 == 0:
            most = max(most, live() - start)
    del x, w, out
    gc.collect()
    assert live() == start
    assert most < 60_000  # the collector keeps up by itself


def user_made_before(make: Callable[[Value, Value], None]) -> int:
    gc.collect()
    start = live()
    for _ in range(10):
        x = Value(1.0)
        y = x * 2.0
        make(x, y)
        del x, y
    gc.collect()
    return live() - start


def attribute_to_user(x: Value, y: Value) -> None:
    x.user = y


def closure_to_user(x: Value, y: Value) -> None:
    x._backward = lambda: y.grad


@pytest.mark.parametrize("make", [attribute_to_user, closure_to_user])
def test_cycles_through_a_plain_user_made_before(make):
    assert user_made_before(make) == 0
