"""Who keeps whom: graphs with closures, attributes, subclasses and cycles go in one collection, and
nothing that a user attached goes before the graph does."""

from __future__ import annotations

import copy
import gc
import pickle
import sys
import weakref
from collections.abc import Callable
from typing import Any

import pytest

import pygrad
import pygrad.nn
import pygrad.optim
from pygrad import Value
from pygrad._core import lib


def live() -> int:
    return lib.pg_live_nodes()


@pytest.fixture(autouse=True)
def quiet_collector():
    """Collections only where a test asks for one."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Weight(Value):
    """A subclass as users write them."""


class Slotted(Value):
    __slots__ = ("extra",)


def custom(*children: Value) -> Value:
    """A node as micrograd's users make them: its closure refers to it and to its children."""
    out = Value(1.0, children, "custom")

    def rule() -> None:
        for child in children:
            child.grad += out.grad

    out._backward = rule
    return out


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


# -- what one collection frees ---------------------------------------------------------------------


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


# -- weak references, finalisers -------------------------------------------------------------------


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
