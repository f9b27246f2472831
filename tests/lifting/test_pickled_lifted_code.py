"""What was lifted pickles by name: functions and classes, decorated or under names of their own."""

import colorsys
import copy
import inspect
import math
import pickle
import statistics
import sys

import pytest

from pygrad import compile, grad, lift
from pygrad.lifting import anew


def raw(x):
    return math.sin(float(x))


class Raw:
    def __init__(self, rate):
        self.rate = rate

    def decay(self, t):
        return math.exp(-self.rate * float(t))


class Other(Raw):
    pass


@lift
class Decorated:
    def __init__(self, rate):
        self.rate = rate

    def decay(self, t):
        return math.exp(-self.rate * float(t))


other = lift(raw)
LiftedRaw = lift(Raw)
unrounded = lift(raw, rounding=False)


def again(x):
    return pickle.loads(pickle.dumps(x))


def in_another_process(x):
    """Where nothing was lifted yet under these names."""
    data, before = pickle.dumps(x), dict(anew._made)
    anew._made.clear()
    try:
        return pickle.loads(data)
    finally:
        anew._made.update(before)


def test_names_lead_to_what_was_lifted():
    for thing in (other, LiftedRaw, unrounded, Decorated):
        assert again(thing) is thing
        assert copy.deepcopy(thing) is thing


def test_in_another_process_it_is_lifted_again():
    found = in_another_process(other)
    assert found is not other
    assert grad(found)(0.5) == math.cos(0.5)
    kind = in_another_process(LiftedRaw)
    assert grad(kind(2.0).decay)(0.5) == -2.0 * math.exp(-1.0)
    assert in_another_process(grad(other))(0.5) == math.cos(0.5)
    assert in_another_process(compile(grad(other)))(0.5) == math.cos(0.5)


def test_a_function_is_lifted_once():
    assert lift(raw) is other
    assert lift(raw, rounding=False) is unrounded
    assert other is not unrounded
    assert lift(Raw) is LiftedRaw


@pytest.mark.parametrize("kind", [LiftedRaw, Decorated])
def test_objects_pickle_too(kind):
    for found in (again(kind(2.0)), in_another_process(kind(2.0)), copy.deepcopy(kind(2.0))):
        assert grad(found.decay)(0.5) == -2.0 * math.exp(-1.0)
        assert found.rate == 2.0


def replaced(x):
    return x


def test_a_name_that_means_something_else_by_now_is_not_served(monkeypatch):
    before = lift(replaced)

    def later(x):
        return 2.0 * x

    later.__qualname__ = "replaced"
    monkeypatch.setitem(globals(), "replaced", later)
    assert lift(later)(3.0) == 6.0
    with pytest.raises(pickle.PicklingError, match="not the same"):
        pickle.dumps(before)


def test_names_that_are_not_there():
    data = pickle.dumps(other).replace(b"raw", b"war")
    with pytest.raises(AttributeError, match="war"):
        pickle.loads(data)


def test_classes_of_packages():
    lifted = lift(statistics)
    assert again(lifted.NormalDist) is lifted.NormalDist
    assert again(lifted.NormalDist(1.0, 2.0)) == lifted.NormalDist(1.0, 2.0)
    assert again(statistics.NormalDist) is statistics.NormalDist
    assert statistics.NormalDist.__module__ == "statistics"
    assert again(lift(colorsys).rgb_to_hls) is lift(colorsys).rgb_to_hls


def test_tools_that_look_through_all_modules_lift_nothing():
    again(other)
    doors = [name for name in sys.modules if name.startswith("pygrad.lifted.")]
    assert f"pygrad.lifted.{__name__}.__anew__" in doors
    for name in doors:
        for special in ("__file__", "__wrapped__", "__version__"):
            assert getattr(sys.modules[name], special, None) is None
    tests = sys.modules[f"pygrad.lifted.{__name__}"]  # cannot be lifted itself: it needs pytest
    assert getattr(tests, "__all__", None) is None
    assert inspect.getmodule(raw).__name__ == __name__
