"""Who keeps whom: plain graphs need no collector, and nothing attached to a node goes before its graph."""

from __future__ import annotations

import copy
import gc
import pickle
import sys
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from lifetimes import Weight, custom, live

import pygrad
from pygrad import Value

pytestmark = pytest.mark.usefixtures("quiet_collector")


# -- what needs no collector -----------------------------------------------------------------------


def test_plain_graphs_are_freed_by_reference_counts_and_unknown_to_the_collector():
    start = live()
    x = Value(1.0)
    y = (x * 2.0 + x.tanh()) ** 2
    z = pygrad.sum([x, y, pygrad.dot([x, y], [y, 1.0], x)])
    z.backward()
    assert not any(gc.is_tracked(v) for v in (x, y, z))
    assert live() > start
    del x, y, z
    assert live() == start


def test_labels_and_plain_attributes_need_no_collector():
    start = live()
    x = Value(1.0)
    x.label = "x"
    x.momentum = 0.5
    y = x * 2.0
    assert not gc.is_tracked(x)
    assert not gc.is_tracked(y)
    del x, y
    assert live() == start


def test_copies_and_pickles_leave_the_original_as_it_was():
    """A copied model must not be slower ever after: its nodes stay unknown to the collector."""
    x = Value(1.0)
    y = x * 2.0
    copy.copy(x), copy.copy(y), copy.deepcopy(y), pickle.dumps(x)
    assert not gc.is_tracked(x)
    assert not gc.is_tracked(y)
    assert not gc.is_tracked(x * 2.0)


# -- what must live as long as the graph -----------------------------------------------------------


def test_identity_and_attributes_survive_wrappers():
    x = Weight(1.0)
    x.label, x.m = "x", 0.25
    y = (x * 2.0).tanh() + x
    number = id(x)
    del x
    gc.collect()
    x = y._children[1]
    assert (id(x), type(x), x.label, x.m) == (number, Weight, "x", 0.25)


def test_what_is_carried_survives_however_the_node_is_used():
    def labelled(text: str) -> Value:
        v = Value(2.0)
        v.label = text
        return v

    uses: dict[str, Callable[[Value], Value]] = {
        "unary": lambda v: v.exp(),
        "left": lambda v: v * 2.0,
        "right": lambda v: 2.0 * v,
        "power": lambda v: v**2,
        "sum": lambda v: pygrad.sum([1.0, v]),
        "start": lambda v: pygrad.sum([1.0], v),
        "dot": lambda v: pygrad.dot([1.0], [v]),
        "bias": lambda v: pygrad.dot([1.0], [1.0], v),
        "where": lambda v: pygrad.where(1.0, v, 2.0),
        "child": lambda v: Value(1.0, (v,), "c"),
        "copy": lambda v: copy.copy(v.exp()),
    }
    for name, use in uses.items():
        user = use(labelled(name))
        gc.collect()
        assert name in [c.label for c in user._children], name


def test_given_partials_keep_what_they_carry():
    x = Value(1.0)

    def partial() -> Value:
        v = custom(x)
        v.label = "partial"
        v.m = 3
        return v

    for make in (lambda v: v, copy.copy):
        out = make(Value(1.0, (Value(2.0),), (partial(),)))
        gc.collect()
        kept = out._local_grads[0]
        assert (kept.label, getattr(kept, "m", None)) == ("partial", 3)
        x.grad = 0.0
        kept.backward()
        assert x.grad == 1.0


def test_what_is_attached_late_survives():
    x = Value(1.0)
    y = x * 2.0
    calls: list[int] = []
    x.label = "x"
    y2 = y + 1.0
    y._backward = lambda: calls.append(1)
    y.m = [1, 2]
    del x, y
    gc.collect()
    y2.backward()
    assert calls == [1]
    assert y2._children[0].m == [1, 2]
    assert y2._children[0]._children[0].label == "x"


def test_closures_deep_in_a_graph_survive_without_wrappers():
    x = Value(1.0)
    v = custom(x)
    for i in range(200):
        v = custom(v) if i % 3 == 0 else v * 1.0
    gc.collect()
    v.backward()
    assert x.grad == 1.0


def test_a_wrapper_seen_once_keeps_its_identity():
    root = Value(1.0) * 2.0
    number = id(root._children[0])
    kept = [Value(float(i)) for i in range(100)]  # would take the place of a freed wrapper
    assert id(root._children[0]) == number
    assert len({root._children[0], *root._prev}) == 2
    del kept


def test_pins_are_given_back():
    start = live()
    x = Weight(1.0)
    died = weakref.ref(x)
    users = [x * float(i) for i in range(10)]
    del x
    assert died() is not None
    del users[1:]
    assert died() is not None
    users.clear()
    assert died() is None
    assert live() == start


def test_a_pin_can_come_and_go():
    x = Weight(1.0)
    count = sys.getrefcount(x)
    for _ in range(5):
        user = x * 2.0
        more = user._children[0] * 3.0
        assert sys.getrefcount(x) == count + 1
        del user, more
        assert sys.getrefcount(x) == count


# -- deep chains -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["plain", "closure", "attribute", "subclass", "label", "parents"])
def test_deep_chains_are_freed(kind):
    start = live()
    v: Any = Weight(1.0) if kind == "subclass" else Value(1.0)
    for i in range(50_000):
        if kind == "closure":
            v = custom(v)
        elif kind == "parents":
            v.up = [v]
            v = v * 1.0
        elif kind == "subclass":
            w = Weight(1.0)
            w.up = [v]
            v = w
            del w
        else:
            v = v + 1.0
            if kind == "attribute":
                v.tag = [i]
            elif kind == "label":
                v.label = str(i)
    del v
    gc.collect()
    assert live() == start


def test_a_deep_chain_of_attributes_without_a_graph():
    start = live()
    v = Value(1.0)
    for _ in range(50_000):
        w = Value(1.0)
        w.up = v
        v = w
    del v, w
    assert live() == start


def test_a_collection_while_operands_are_counted_loses_no_closure():
    # Up to Python 3.11 any allocation may run the collector, and that a finaliser.
    lost = 0
    for attempt in range(300):
        fired = []
        marked = [Value(1.0) for _ in range(26)]
        marked[0]._backward = lambda fired=fired: fired.append(1)
        for v in marked[1:]:
            v._backward = lambda: None
        plain = Value(5.0)

        class Finaliser:
            def __del__(self, plain: Value = plain) -> None:
                plain.m = []

        f = Finaliser()
        f.me = f
        operands = (*marked, plain)
        del f, marked
        old = gc.get_threshold()
        gc.set_threshold(gc.get_count()[0] + attempt % 12, 10_000, 10_000)
        try:
            s = pygrad.sum(operands)
        finally:
            gc.set_threshold(*old)
        del operands
        s.backward()
        lost += not fired
    assert lost == 0
