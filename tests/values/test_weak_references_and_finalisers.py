"""Weak references to Values, their callbacks, finalisers, and a collector that runs at any moment."""

from __future__ import annotations

import gc
import sys
import weakref
from typing import Any

import pytest
from lifetimes import custom, live

from pygrad import Value

pytestmark = pytest.mark.usefixtures("quiet_collector")


def test_weak_references_die_with_the_value_and_their_callbacks_run():
    calls: list[str] = []
    x = Value(1.0)
    ref = weakref.ref(x, lambda _: calls.append("x"))
    assert ref() is x
    del x
    assert ref() is None
    assert calls == ["x"]
    y = custom(Value(2.0))
    ref = weakref.ref(y, lambda _: calls.append("y"))
    del y
    gc.collect()
    assert ref() is None
    assert calls == ["x", "y"]


def test_a_callback_that_reaches_the_dying_value_through_its_user():
    """The node outlives its Value; whoever asks for it must get another one, not the dead one."""
    x = Value(7.0)
    user = x * 2.0
    found: list[Any] = []
    ref = weakref.ref(x, lambda _: found.append(user._children[0]))
    del x
    assert ref() is None
    filler = [Value(float(i)) for i in range(2000)]
    assert found[0].data == 7.0
    assert found[0] is user._children[0]
    assert all(found[0] is not v for v in filler)
    found.clear()
    del filler
    user.backward()
    assert user._children[0].grad == 2.0


def test_values_in_weak_collections():
    table = weakref.WeakKeyDictionary()
    seen = weakref.WeakSet()
    values = [Value(float(i)) for i in range(100)]
    for v in values:
        table[v] = v.data
        seen.add(v)
    del v
    del values[:50]
    assert sorted(table.values()) == [float(i) for i in range(50, 100)]
    assert len(seen) == 50


def test_a_finaliser_may_make_new_values_and_sweep():
    made: list[Value] = []

    class Noisy(Value):
        def __del__(self) -> None:
            x = Value(3.0, label="made in __del__")
            y = custom(x) * self.data
            y.backward()
            made.append(x)

    for i in range(100):
        v = Noisy(float(i))
        if i % 2:
            v.cycle = v
        w = v * 2.0
        del v, w
    gc.collect()
    assert [v.grad for v in made[:50]] == [float(i) for i in range(0, 100, 2)]
    assert sorted(v.grad for v in made[50:]) == [float(i) for i in range(1, 100, 2)]


def test_resurrection():
    saved: list[Value] = []
    finalised: list[int] = []

    class Phoenix(Value):
        def __del__(self) -> None:
            finalised.append(1)
            saved.append(self)

    start = live()
    v = Phoenix(3.0)
    v.note = "kept"
    user = v * 2.0
    del v
    assert saved == []  # pinned by its user
    del user
    assert finalised == [1]
    back = saved.pop()
    assert (back.data, back.note) == (3.0, "kept")
    again = back * back
    again.backward()
    assert back.grad == 6.0
    del back, again
    assert finalised == [1]  # as for any object: once
    cyclic = Phoenix(4.0)
    cyclic.me = cyclic
    del cyclic
    gc.collect()
    back = saved.pop()
    assert back.me is back
    (back * 2.0).backward()
    assert back.grad == 2.0
    del back
    gc.collect()
    assert live() == start


def test_finalisers_that_take_a_graph_apart_while_it_is_being_freed():
    start = live()
    shared: list[Value] = []

    class Destroyer:
        def __del__(self) -> None:
            shared[:] = []
            shared.append(Value(1.0) * 2.0)
            shared[0].label = "new"

    x = Value(1.0)
    v = x
    for i in range(500):
        v = v * 1.0 + x
        if i % 5 == 0:
            v.d = Destroyer()
            shared.append(v)
    del v, x
    shared.clear()
    shared.clear()
    gc.collect()
    assert live() == start


def test_the_collector_runs_while_a_value_is_made_for_a_node():
    """Up to Python 3.11 an allocation may collect, and a finaliser may ask for the same node."""
    found: list[Any] = []
    asked: list[Value] = []

    class Asks:
        def __del__(self) -> None:
            found.extend(v._children[0] for v in asked)

    filler = [Value(0.0) for _ in range(3000)]  # so that no spare objects are at hand
    users = [Value(float(i)) * 2.0 for i in range(500)]
    filler += [Value(0.0) for _ in range(3000)]
    start = live()
    threshold = gc.get_threshold()
    gc.enable()
    gc.set_threshold(1, 1, 1)
    try:
        for user in users:
            cycle = Asks()
            cycle.me = cycle
            del cycle
            asked[:] = [user]
            child = user._children[0]
            asked.clear()
            assert all(v is child for v in found)
            assert user._children[0] is child
            found.clear()
    finally:
        gc.set_threshold(*threshold)
        gc.disable()
    assert live() == start
    del child, user
    users.clear()
    assert live() == start - 1500


def test_classes_can_be_collected():
    """A Value holds a reference to its type and gives it back."""

    def make() -> weakref.ref:
        class Local(Value):
            pass

        v = Local(1.0)
        v.x = [v]
        (v * 2.0).backward()
        return weakref.ref(Local)

    ref = make()
    gc.collect()
    assert ref() is None


def test_the_type_of_plain_values_is_counted_right():
    count = sys.getrefcount(Value)
    for _ in range(3):
        values = [Value(float(i)) for i in range(3000)]
        values = [v * 2.0 for v in values]
        assert len({v._children for v in values}) == 3000
        del values
    assert abs(sys.getrefcount(Value) - count) <= 1024  # spare objects may hold theirs


def test_what_a_value_refers_to_is_shown_to_the_collector():
    x = custom(Value(1.0))
    y = x * 2.0
    x.tag = [1]
    assert any(r is x for r in gc.get_referents(*gc.get_referents(y)))
    assert any(r == {"tag": [1]} for r in gc.get_referents(x))
