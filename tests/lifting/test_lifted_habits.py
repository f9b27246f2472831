"""Habits of code that was written for floats: exceptions with numbers, texts, NumPy's numbers, averages."""

# ruff: noqa: E501, UP031  the sources of packages

from __future__ import annotations

import copy
import importlib
import pickle
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from pygrad import LiftError, Value, compile, grad, lift, value_and_grad, vmap

SOURCE = """
import bisect, collections, dataclasses, enum, functools, heapq, itertools, json, math, numbers, operator, statistics, warnings
from typing import SupportsFloat
import numpy as np

class OutOfRange(ValueError):
    def __init__(self, x, low=0.0):
        self.x = x
        super().__init__(f"{x:.3f} below {low}")
    def __str__(self):
        return "out of range: %.2f" % self.x

class FarOut(OutOfRange):
    def __init__(self, x):
        OutOfRange.__init__(self, x, -1.0)
        self.floor = math.floor(float(x))

class Plain(Exception):
    pass

def checked(x, kind):
    if x < 0:
        raise kind(x)
    return x * 2
def out_of_range(x): return checked(x, OutOfRange)
def far_out(x): return checked(x, FarOut)
def plain(x): return checked(x, Plain)
def of_text(x):
    if x < 0: raise ValueError("x is {:.1f}, or ".format(x) + "%s" % x + str(x) + f" {x!r}")
    return x
def caught(x):
    try:
        return out_of_range(x - 10.0)
    except OutOfRange as error:
        return error.x * error.x
def told(x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.warn(f"x is {x:.2f}, " + str(x))
    return x * x
def real(x): return x * x if isinstance(x, numbers.Real) else None
def supports(x): return x * x if isinstance(x, SupportsFloat) else None
def scalar(x):
    y = np.float64(x)
    return y * (y.ndim + y.size + len(y.shape)) + y.item() + y.astype(float) * 2
def methods(x):
    y = np.sqrt(x)
    return y.round(2) + y.mean() + y.sum() + y.max() * (y.dtype == np.float64)
def table(x): return np.array([1.0, 2.0, 3.0])[np.floor(x).astype(int)] * x
def table32(x): return np.array([1.0, 2.0, 3.0])[np.ceil(np.array([x])).astype(np.int32)][0] * x
def counted(x): return [10.0, 20.0, 30.0][(x > 0) + (x > 1)] * x
def written(x): return len(json.dumps({"positive": x > 0})) * x
def texts(x): return len(str(x > 0)) * x
def passed_on(x): return float(str(x).strip()) * float(f"{x!r}".lower().ljust(2)) + float(str(str(x)))
def mean(x): return statistics.mean([x, x * x, 1.0]) + statistics.fmean([x, 2.0])
def spread(x): return statistics.stdev([x, x * x, 1.0]) + statistics.pstdev(iter([x, 1.0]))
def fitted(x): return statistics.NormalDist.from_samples([x, x * x, 1.0]).variance + statistics.NormalDist.from_samples(iter([x, 2.0])).mean
def variances(x): return statistics.variance([x, x * x, 1.0]) + statistics.pvariance([x, 1.0], 0.5)
def other_means(x): return statistics.geometric_mean([x, 3.0]) + statistics.harmonic_mean([x, 2.0])
def medians(x): return statistics.median([x, 4.0, 1.0]) + statistics.quantiles([x, x * x, 1.0, 4.0])[1]
def heap(x):
    h = [(x, 1), (x * x, 2), (0.5, 3)]
    heapq.heapify(h)
    return heapq.heappop(h)[0] * heapq.heappop(h)[0] + heapq.nlargest(1, [x, 1.0])[0]
def bisected(x):
    t = [0.0, 1.0, 5.0]
    bisect.insort(t, x)
    return sum(v * i for i, v in enumerate(t))
def accumulated(x): return list(itertools.accumulate([x, x, 2.0], operator.mul))[-1] + list(itertools.accumulate([x, 3.0], max))[-1]
def counter(x):
    c = collections.Counter()
    c["a"] += x
    c["b"] = x * x
    return c["a"] * c.most_common(1)[0][1] + sum(c.values())
@functools.lru_cache(None)
def kept(x): return x * x
def cached(x): return kept(x) + kept(x + 1.0)
@dataclasses.dataclass(frozen=True, eq=True, order=True)
class Point:
    x: float
    y: float
class Length(float):
    unit = "m"
    def __new__(cls, x, scale=1.0): return super().__new__(cls, x * scale)
    def feet(self): return self * 3.28
    @property
    def twice(self): return self + self
class Height(Length):
    def __init__(self, x, scale=1.0):
        self.above = math.sqrt(self)
    def feet(self): return super().feet() + self.above
    def as_length(self): return Length(self)
def of_floats(x):
    h = Height(x, scale=2.0)
    is_one = isinstance(h, Length) and isinstance(h, float) and type(h) is Height and not isinstance(h, int)
    return h.feet() * h.twice + h.as_length().feet() * is_one + len(h.unit) * float(h)
class Unit(float, enum.Enum):
    METRE = 1.0
    FOOT = 0.3048
def in_feet(x): return x / Unit.FOOT.value + Unit("0.3048" and 0.3048)
def plain_new(x):
    class Ratio(float):
        def __new__(cls, x):
            self = float.__new__(cls, x)
            self.inverse = 1.0 / x
            return self
    return Ratio(x).inverse * Ratio(x)**2
class Station:
    def __init__(self, levels): self.levels, self.me = levels, self
    def total(self): return sum(math.sqrt(v * v) * 6.0 for v in self.levels)
class Nested:
    class Inner(Station):
        __slots__ = ()
        def __init__(self, x): self.x = x
def ordered(x): return sorted([Point(x, 1.0), Point(1.0, x), Point(x * x, 2.0)])[1].x
"""
RAISING = ("out_of_range", "far_out", "plain", "of_text")
GIVING = tuple(
    line.split("(")[0].removeprefix("def ")
    for line in SOURCE.splitlines()
    if line.startswith("def ")
    and line.split("(")[0].removeprefix("def ") not in (*RAISING, "checked", "kept")
)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("habits")
    (folder / "own_habits.py").write_text(SOURCE)
    sys.path.insert(0, str(folder))
    yield importlib.import_module("own_habits")
    sys.path.remove(str(folder))
    del sys.modules["own_habits"]


@pytest.mark.filterwarnings(r"ignore:round\(v:RuntimeWarning")
@pytest.mark.parametrize("name", GIVING)
def test_habits_of_floats(own: Any, name: str) -> None:
    f, lifted, x = getattr(own, name), getattr(lift("own_habits"), name), 1.3
    slope = (f(x + 1e-6) - f(x - 1e-6)) / 2e-6
    for g in (lifted, lift(f)):
        assert g(x) == f(x)
        value, found = value_and_grad(g)(x)
        assert value == pytest.approx(f(x), rel=1e-15)
        assert found == pytest.approx(slope, rel=1e-6)
        assert compile(value_and_grad(g))(x) == (value, found)
        values, slopes = compile(vmap(value_and_grad(g)))(np.array([x, x + 0.01]))
        assert (values[0], slopes[0]) == (value, found)


@pytest.mark.parametrize("name", RAISING)
def test_exceptions_say_what_they_say_of_floats(own: Any, name: str) -> None:
    f, lifted = getattr(own, name), getattr(lift("own_habits"), name)
    with pytest.raises(Exception, match=r".") as plain:
        f(-0.7)
    for g in (lifted, lift(f)):
        for call in (
            lambda g=g: g(-0.7),
            lambda g=g: grad(g)(-0.7),
            lambda g=g: compile(g)(-0.7),
            lambda g=g: vmap(g)(np.array([-0.7])),
        ):
            with pytest.raises(type(plain.value)) as raised:
                call()
            assert str(raised.value).partition(";")[0] == str(plain.value)
            if type(raised.value) is not type(plain.value):
                again = pickle.loads(pickle.dumps(raised.value))
                assert type(again) is type(plain.value)
                assert str(again).partition(";")[0] == str(plain.value)
                assert getattr(again, "x", -0.7) == -0.7 and getattr(again, "floor", -1) == -1


def test_objects_of_lifted_modules_pickle_and_copy(own: Any) -> None:
    for module in (lift("own_habits"), lift(own)):
        made = module.Station([Value(2.0)]), module.Nested.Inner(Value(3.0)), module.Point(1.0, 2.0)
        for copied in (
            pickle.loads(pickle.dumps(made)),
            pickle.loads(pickle.dumps(made, 2)),
            copy.deepcopy(made),
            tuple(map(copy.copy, made)),
        ):
            assert [type(x) for x in copied] == [type(x) for x in made]
            station, inner, point = copied
            assert (station.levels[0].data, inner.x.data, point) == (2.0, 3.0, made[2])
            x = station.levels[0]
            station.total().backward()
            assert x.grad == pytest.approx(6.0)
            x.grad = 0.0


class Low(ValueError):
    def __init__(self, x: float) -> None:
        super().__init__(f"{x:.2f} is low")
        self.x = x


class Lower(Low):
    def __init__(self, x: float) -> None:
        Low.__init__(self, x)

    def __str__(self) -> str:
        return super().__str__() + ", very %.1f" % self.x


def rescued(x: float) -> float:
    try:
        if x < 0:
            raise Lower(x)
    except Low as error:
        if x > -1:
            return error.x * 3.0
        raise
    return x


def test_exceptions_of_scripts_carry_derivatives_to_their_handlers() -> None:
    f = lift(rescued)
    assert grad(f)(-0.5) == compile(grad(f))(-0.5) == 3.0
    assert vmap(f)(np.array([-0.5, 0.5])).tolist() == [-1.5, 0.5]
    for call in (grad(f), compile(f)):
        with pytest.raises(Lower, match=r"^-2\.00 is low, very -2\.0$"):
            call(-2.0)


def test_packages_on_compiled_code_are_named_with_what_there_is_instead() -> None:
    scipy = pytest.importorskip("scipy.special")
    for target in ("scipy.special", scipy):
        with pytest.raises(LiftError, match=r"scipy\.special .* compiled.*pygrad\.math has erf"):
            lift(target)
    with pytest.raises(LiftError, match=r"pygrad\.math\.erf takes Values"):
        lift(scipy.erf)


def test_digits_are_refused_with_a_cure() -> None:
    from decimal import Decimal
    from fractions import Fraction

    for f in (lambda x: float(Decimal(x)), lambda x: float(Fraction(x)), lambda x: x * Decimal(1)):
        for call in (grad(f), compile(f), grad(lift(f))):
            with pytest.raises(TypeError, match=r"hold digits and no derivative.*v\.data"):
                call(1.5)
