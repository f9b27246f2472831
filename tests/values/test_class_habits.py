"""Value as a Python class: attributes, weak references, subclasses, patches."""

from __future__ import annotations

import array
import gc
import math
import operator
import weakref

import numpy as np
import pytest


def test_values_take_attributes(impl):
    v = impl.Value(1.0)
    v.m, v.v = 0.0, [1, 2]
    assert (v.m, v.v) == (0.0, [1, 2])
    assert v.__dict__ == {"m": 0.0, "v": [1, 2]}
    del v.m
    assert not hasattr(v, "m")


def test_values_take_weak_references(impl):
    v = impl.Value(1.0)
    calls = []
    ref = weakref.ref(v, calls.append)
    assert ref() is v
    del v
    gc.collect()
    assert ref() is None
    assert calls == [ref]


def test_values_can_key_a_weak_dictionary(impl):
    state = weakref.WeakKeyDictionary()
    v, w = impl.Value(1.0), impl.Value(1.0)
    state[v], state[w] = "v", "w"
    assert (state[v], state[w]) == ("v", "w")
    del v
    gc.collect()
    assert list(state.values()) == ["w"]


def test_a_subclass_can_add_state_and_methods(impl):
    class Parameter(impl.Value):
        def __init__(self, data, name):
            super().__init__(data, label=name)
            self.name = name

        def squared(self):
            return self * self

    p = Parameter(3.0, "w")
    y = p.squared()
    y.backward()
    assert (p.grad, p.name, p.label) == (6.0, "w", "w")
    assert isinstance(p, impl.Value)
    assert y._children[0] is p


def test_results_of_operators_on_a_subclass_are_plain_values(impl):
    class Parameter(impl.Value):
        pass

    p = Parameter(3.0)
    for result in (p + 1, 1 - p, p * p, p**2, -p, p.exp(), impl.sum([p]), impl.dot([p], [p])):
        assert type(result) is impl.Value


def test_a_subclass_object_outlives_its_python_name_inside_a_graph(impl):
    class Parameter(impl.Value):
        pass

    p = Parameter(3.0)
    p.note = "kept"
    y = p * 2
    del p
    gc.collect()
    child = y._children[0]
    assert type(child) is Parameter
    assert child.note == "kept"


def test_a_subclass_may_override_a_method(impl):
    class Loud(impl.Value):
        def backward(self, seed=1.0):
            super().backward(2.0)

    x = Loud(3.0)
    x.backward()
    assert x.grad == 2.0


def test_the_class_can_be_patched(impl, monkeypatch):
    monkeypatch.setattr(impl.Value, "cube", lambda self: self * self * self, raising=False)
    monkeypatch.setattr(impl.Value, "__matmul__", lambda self, other: self * other, raising=False)
    x = impl.Value(2.0)
    y = x.cube() @ x
    y.backward()
    assert (y.data, x.grad) == (16.0, 32.0)


def test_a_patched_operator_is_used_and_can_be_put_back(impl, monkeypatch):
    original = impl.Value.__add__
    calls = []

    def counted(self, other):
        calls.append((self, other))
        return original(self, other)

    monkeypatch.setattr(impl.Value, "__add__", counted)
    a = impl.Value(2.0)
    assert (a + 1).data == 3.0
    assert calls == [(a, 1)]
    monkeypatch.undo()
    assert (a + 1).data == 3.0
    assert len(calls) == 1


def test_there_is_no_silent_way_back_to_a_plain_number(impl):
    v = impl.Value(2.0)
    assert not hasattr(v, "__complex__")
    for ask in (operator.index, lambda v: [1, 2, 3][v], range):
        with pytest.raises(TypeError, match="a Value is no whole number by itself"):
            ask(v)
    for ask in (float, complex, math.sin):  # nor of what is an index
        with pytest.raises(TypeError, match="a Value does not become a float by itself"):
            ask(v.floor())
    assert int(v) == 2  # whose slope is 0, and which is a guard in a trace


@pytest.mark.parametrize(
    "ask",
    [
        float,
        complex,
        math.sin,
        math.hypot,
        lambda v: math.pow(2.0, v),
        lambda v: math.isclose(v, 1.0),
        lambda v: "%.3f" % v,  # noqa: UP031
        lambda v: np.array([v, 1.0], dtype=float),
        lambda v: np.asarray(v, dtype=float),
        lambda v: np.array([v]).astype(float),
        lambda v: np.zeros(2).__setitem__(0, v),
        lambda v: np.zeros(2).fill(v),
        lambda v: np.float64(v),
        lambda v: array.array("d", [v]),
    ],
)
def test_who_asks_for_a_float_is_told_what_to_do(impl, ask):
    with pytest.raises(
        TypeError, match=r"derivative would be lost.*pygrad\.math.*pygrad\.lift.*v\.data"
    ):
        ask(impl.Value(2.0))


def test_a_subclass_instance_that_became_a_plain_value_is_freed():
    # A crash once: the collector still knew of it.
    from pygrad.value import Value

    class Named(Value):
        pass

    made = []
    for _ in range(100):
        v = Named(1.0)
        made.append(weakref.ref(v))
        v.__class__ = Value
        del v
    gc.collect()
    assert not any(still() for still in made)


def test_a_patched_new_still_makes_values(run_isolated):
    output = run_isolated("patched_new.py").stdout
    assert output.split() == ["2.0", "6.0", "2", "refused"]
