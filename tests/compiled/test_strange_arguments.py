"""Arguments of users' classes, and equal ones that differ: right results or a TypeError, in our memory."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import math
import sys
import time
import warnings
from collections import ChainMap, Counter, OrderedDict, UserDict, defaultdict, deque, namedtuple
from types import MappingProxyType, ModuleType
from typing import Any

import numpy as np
import pytest

from pygrad import Value, grad, hessian, jacobian, jvp, value_and_grad, vmap
from pygrad import compile as compile_
from pygrad.compiled.function import from_bytes
from pygrad.compiled.saved import to_bytes
from pygrad.core.distinction import distinction
from pygrad.programs.one_row import BoundPath, OneRow

# -- numbers that programs read, and where results go ----------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        [[], []],
        [[1, 2], [3, 4]],
        [None, 1.0],
        ["1.5", "2"],
        [1 + 2j, 2.0],
        [Value(1.0), 2.0],
        [(), 1.0],
    ],
)
def test_a_buffer_takes_lists_of_numbers_only(other: list[Any]) -> None:
    f = compile_(lambda p: p[0] * p[1] + 1.0)
    assert f([2.0, 3.0]) == 7.0
    with pytest.raises(TypeError, match="flat lists of floats"):
        f.buffer(other)
    assert f.buffer([2, np.float64(4.0)])() == 9.0


def test_no_path_is_bound_to_fewer_numbers_than_it_reads_or_writes() -> None:
    f = compile_(lambda p: [p[0] * p[1], p[0] + 1.0])
    f([2.0, 3.0])
    (program,) = f.store.calls
    path = program.paths.root
    for inputs, outputs in ((1, 2), (2, 1), (0, 2)):
        with pytest.raises(TypeError, match=r"reads 2 numbers and writes 2, but is bound to"):
            BoundPath(path, [np.zeros(inputs)], np.zeros(outputs))
    with pytest.raises(TypeError, match="is bound to 1 and 2"):
        OneRow(path, 1)


def test_a_buffer_stays_with_its_memory_whatever_becomes_of_its_inputs() -> None:
    x = np.array([2.0, 3.0])
    call = compile_(lambda x: x[0] * x[1] if x[0] > 0 else x[0] - x[1]).buffer(x)
    assert call() == 6.0
    with warnings.catch_warnings():
        # Of NumPy 2.5; people do it all the same
        warnings.simplefilter("ignore", DeprecationWarning)
        call.inputs[0].shape = (2, 1)
    call.inputs = (np.zeros(1),)
    x[0] = -1.0
    assert call() == -4.0  # on a path that was bound only now


class Liar(np.ndarray[Any, Any]):
    """An array that says of itself what it likes."""

    @property
    def shape(self) -> Any:
        return (50, 1)

    @property
    def size(self) -> int:
        return 50

    @property
    def flags(self) -> Any:
        return np.zeros((50, 1)).flags

    def reshape(self, *shape: Any, **options: Any) -> Any:
        return np.zeros((50, 1)).view(np.ndarray)

    def __array_function__(self, *args: Any) -> Any:
        return False

    def __array__(self, *args: Any, **options: Any) -> Any:
        return np.zeros((50, 1))


@pytest.mark.parametrize(
    "small", [np.zeros(2), np.zeros((2, 1)), np.zeros(100)[::2], np.zeros((1, 50))]
)
def test_what_a_subclass_says_of_its_shape_does_not_count_for_results(small: Any) -> None:
    x, f = np.arange(50.0), vmap(lambda x: x * 2)
    with pytest.raises(ValueError, match="out must"):
        f(x, out=small.view(Liar))
    readonly = np.zeros(50)
    readonly.flags.writeable = False
    with pytest.raises(ValueError, match="writeable"):
        f(x, out=readonly.view(Liar))
    with pytest.raises(TypeError, match="float64"):
        f(x, out=np.zeros(50, np.float32).view(Liar))
    with pytest.raises(TypeError, match="float64"):
        f(x, out=np.ma.masked_array(np.zeros(50)))


def test_results_go_where_a_subclass_is_and_overlapping_rows_are_read_first() -> None:
    x = np.arange(50.0)
    out = np.zeros(50).view(Liar)
    assert vmap(lambda x: x * 2)(x, out=out) is out
    assert out.view(np.ndarray).tolist() == (x * 2).tolist()
    rows = np.stack([x, x + 1], axis=1)
    expected = np.stack([rows[:, 1], rows[:, 0]], axis=1).tolist()
    shared = rows.view(Liar)
    vmap(lambda r: [r[1], r[0]])(
        rows,
        out=rows.view(
            type("Other", (np.ndarray,), {"__array_function__": lambda self, *args: False})
        ),
    )
    assert rows.tolist() == expected
    assert shared.view(np.ndarray).tolist() == expected


def test_arguments_are_the_numbers_that_numpy_sees() -> None:
    x = np.array([2.0, 3.0, 4.0])
    f = lambda x: x[0] * x[1] * x[2]  # noqa: E731
    for call in (
        compile_(f),
        compile_(grad(f)),
        compile_(hessian(f)),
        grad(f),
        vmap(lambda v: v * 2),
    ):
        assert np.array_equal(call(x.view(Liar)), call(x))
        assert np.array_equal(call(x.view(Liar)), call(x))
    assert compile_(f).buffer(x)() == 24.0
    with pytest.raises(TypeError, match="float64 arrays"):
        compile_(f).buffer(x.view(Liar))
    shared = vmap(lambda w, v: w[2] * v, in_axes=(None, 0))
    assert shared(x.view(Liar), x).tolist() == [8.0, 12.0, 16.0]


def test_masked_arrays_and_time_spans_are_refused_everywhere() -> None:
    for bad in (np.ma.masked_array([1.0, 2.0]), np.ma.masked_array(1.0), np.ma.masked):
        with pytest.raises(TypeError, match="masked array"):
            grad(lambda x: x)(bad)
    with pytest.raises(TypeError, match="masked array"):
        vmap(lambda x, y: x * y)(np.ma.masked_array([1.0, 2.0]), [Value(1.0), Value(2.0)])
    spans = np.array([1, 2], "m8[ns]")
    for bad in (spans[0], spans, list(spans)):
        with pytest.raises(TypeError):
            grad(lambda x: x if not hasattr(x, "__len__") else x[0])(bad)
    for bad in (spans, list(spans)):
        with pytest.raises(TypeError):
            vmap(lambda x: x)(bad)


@pytest.mark.parametrize("kind", [np.complex64, np.complex128, complex])
def test_complex_columns_and_lists_are_refused(kind: Any) -> None:
    column = [kind(1 + 2j), kind(3)]
    for bad in (column, tuple(column), np.array(column)):
        with pytest.raises(TypeError):
            vmap(lambda x: x * 2)(bad)
        with pytest.raises(TypeError):
            compile_(lambda x: x * 2).backward(bad)
        with pytest.raises(TypeError):
            grad(lambda x: x[0])(bad)
    for bad in (column, np.array(column), column[0]):
        with pytest.raises(TypeError):
            compile_(lambda x: x[0] if isinstance(x, list) else x)(bad)
        with pytest.raises(TypeError):
            vmap(lambda w, x: w[0] * x, in_axes=(None, 0))(bad, [1.0])


# -- containers of users' classes ------------------------------------------------------------------


class Frozen(dict):  # type: ignore[type-arg]
    def __setitem__(self, *args: Any) -> None:
        raise RuntimeError("frozen")

    clear = update = setdefault = pop = __setitem__  # type: ignore[assignment]


class Rounding(dict):  # type: ignore[type-arg]
    def __setitem__(self, name: Any, item: Any) -> None:
        super().__setitem__(name, round(getattr(item, "data", item)))


class Lowered(dict):  # type: ignore[type-arg]
    def __setitem__(self, name: str, item: Any) -> None:
        super().__setitem__(name.lower(), item)


class Vector(list):  # type: ignore[type-arg]
    """A list that multiplies as a vector does."""

    unit = "m"

    def __mul__(self, other: Any) -> Any:
        return Vector([v * other for v in self])

    def total(self) -> Any:
        return sum(self, 0.0)


class Pair(tuple):  # type: ignore[type-arg]
    def swapped(self) -> Any:
        return self[1] - self[0] * self.scale  # type: ignore[attr-defined]


class FromTwo(tuple):  # type: ignore[type-arg]
    def __new__(cls, a: Any, b: Any) -> Any:
        return super().__new__(cls, (a, b))


Point = namedtuple("Point", "x y")
pair = Pair((2.0, 3.0))
pair.scale = 0.5  # type: ignore[attr-defined]

KINDS = {
    "Counter": (Counter(a=2, b=3), lambda p: p["a"] * p["b"] + p["missing"], {"a": 3.0, "b": 2.0}),
    "OrderedDict": (
        OrderedDict(a=2.0, b=3.0),
        lambda p: p["a"] * next(reversed(p.values())),
        {"a": 3.0, "b": 2.0},
    ),
    "defaultdict": (
        defaultdict(lambda: 5.0, a=2.0, b=3.0),
        lambda p: p["a"] * p["b"] + p.default_factory(),
        {"a": 3.0, "b": 2.0},
    ),
    "namedtuple": (Point(2.0, 3.0), lambda p: p.x * p.y, Point(3.0, 2.0)),
    "list": (Vector([2.0, 3.0]), lambda p: (p * p[1]).total(), Vector([3.0, 8.0])),
    "tuple": (pair, lambda p: p.swapped(), (-0.5, 1.0)),
    "new": (FromTwo(2.0, 3.0), lambda p: p[0] * p[1], (3.0, 2.0)),
    "struct_time": (time.gmtime(0), lambda p: p.tm_year * 2.0 + p[1], (2.0, 1.0, *[0.0] * 7)),
}


@pytest.mark.parametrize("name", KINDS)
def test_containers_keep_their_class(name: str) -> None:
    p, f, slopes = KINDS[name]
    wanted = float(f(p))
    for derivative in (grad(f), compile_(grad(f)), grad(compile_(f))):
        for _ in range(2):
            found = derivative(p)
            assert type(found) is type(p)
            assert found == slopes
    compiled = compile_(f)
    assert compiled(p) == compiled(p) == wanted
    assert compile_(lambda p: p)(p) == p
    assert type(compile_(lambda p: p)(p)) is type(p)
    assert value_and_grad(f)(p)[0] == wanted
    assert jvp(f, (p,), (slopes,))[0] == wanted
    assert type(jacobian(lambda p: p)(p)) is type(p)
    rows = [p] if name in {"struct_time"} else []
    assert not rows or compiled(rows[0]) == wanted


@pytest.mark.parametrize(("wrong", "name"), [(Frozen, "a"), (Rounding, "a"), (Lowered, "A")])
def test_a_dict_that_does_not_take_what_it_is_given_is_a_type_error(wrong: Any, name: str) -> None:
    p = wrong({name: 2.5})
    f = lambda p: p[name] * 2  # noqa: E731
    with pytest.raises(TypeError, match=f"a {wrong.__name__} does not take other contents"):
        grad(f)(p)
    with pytest.raises(TypeError):
        compile_(f)(p)
    with pytest.raises(TypeError, match="other contents"):
        vmap(f)(wrong({name: np.array([1.0, 2.0])}))
    with pytest.raises(TypeError, match="other contents"):
        grad(lambda x: x, has_aux=False)(wrong({name: 1.0}))


@pytest.mark.parametrize(
    "other",
    [
        ChainMap({"a": 2.0}),
        MappingProxyType({"a": 2.0}),
        UserDict({"a": 2.0}),
        deque([2.0]),
        {1.0, 2.0},
    ],
)
def test_other_containers_are_type_errors(other: Any) -> None:
    f = lambda p: 1.0  # noqa: E731
    with pytest.raises(TypeError, match="must be a number, a Value"):
        grad(f)(other)
    if not isinstance(other, deque):  # an array to NumPy
        with pytest.raises(TypeError):
            vmap(f)(other)
    if not isinstance(other, MappingProxyType):  # from Python 3.12 on it can be hashed
        with pytest.raises(TypeError, match="static argument"):
            compile_(f)(other)


def test_what_comes_beside_results_needs_no_copy_of_its_class() -> None:
    found = grad(lambda x: (x * x, Frozen({"x": x})), has_aux=True)(3.0)
    assert found == (6.0, {"x": 3.0})
    assert type(grad(lambda x: (x * x, Counter({"x": x})), has_aux=True)(3.0)[1]) is Counter


# -- equal arguments that are not the same ---------------------------------------------------------


class Grade(enum.IntEnum):
    ONE = 1


@dataclasses.dataclass(frozen=True)
class Settings:
    rate: Any
    note: Any = dataclasses.field(default=0, compare=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    rate: Any


class Wrapped:
    def __init__(self, x: Any) -> None:
        self.x = x

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Wrapped) and self.x == other.x

    def __hash__(self) -> int:
        return hash(self.x)


UTC, ONE_HOUR = datetime.timezone.utc, datetime.timezone(datetime.timedelta(hours=1))
EQUAL = [
    (("s", 0.0), ("s", -0.0)),
    (("s", 1), ("s", True)),
    (("s", 1), ("s", 1.0)),
    (("s", ((1,), 2)), ("s", ((True,), 2))),
    (frozenset([1]), frozenset([True])),
    (frozenset([0.0]), frozenset([-0.0])),
    (frozenset([(0.0,)]), frozenset([(-0.0,)])),
    (Settings(1), Settings(True)),
    (Settings(0.0), Settings(-0.0)),
    (Settings((0.0,)), Settings((-0.0,))),
    (Settings(1, 2), Settings(1, 3)),
    (Slotted(0.0), Slotted(-0.0)),
    (Point("s", 1), Point("s", True)),
    (Point("s", 0.0), ("s", 0.0)),
    (Pair(("s", 1)), ("s", 1)),
    (Wrapped(1), Wrapped(True)),
    (Wrapped(0.0), Wrapped(-0.0)),
    (Grade.ONE, 1),
    (complex(0.0, 1.0), complex(-0.0, 1.0)),
    (decimal.Decimal("1.0"), decimal.Decimal("1.00")),
    (decimal.Decimal("0"), decimal.Decimal("-0")),
    (range(0, 3, 2), range(0, 4, 2)),
    (datetime.datetime(2020, 1, 1, 1, tzinfo=UTC), datetime.datetime(2020, 1, 1, 2, tzinfo=ONE_HOUR)),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_equal_static_arguments_that_differ_have_programs_of_their_own(
    one: Any, other: Any
) -> None:
    seen: list[Any] = []
    f = compile_(lambda x, how: seen.append(how) or x, static_argnums=1)
    assert one == other
    for how in (one, other, one, other):
        f(1.0, how)
    assert [repr(how) for how in seen] == [repr(one), repr(other)]
    assert distinction(one) != distinction(other)
    assert hash(distinction(one)) == hash(distinction(one))


def test_signs_of_zeros_in_static_tuples_reach_the_result() -> None:
    f = compile_(lambda x, how: x * math.copysign(1.0, how[1]))
    assert (f(2.0, ("a", 0.0)), f(2.0, ("a", -0.0)), f(2.0, ("a", 0.0))) == (2.0, -2.0, 2.0)


def test_nan_in_a_static_tuple_is_traced_once() -> None:
    seen: list[Any] = []
    f = compile_(lambda x, how: seen.append(how) or x)
    for _ in range(3):
        f(1.0, ("a", float("nan")))
    assert len(seen) == 1


def test_keys_of_dicts_are_told_apart_and_in_files_too() -> None:
    def f(p: Any) -> Any:
        (key,) = p
        number = key[0] if isinstance(key, tuple) else key
        return p[key] * (10.0 if isinstance(number, bool) else math.copysign(2.0, number))

    compiled = compile_(f)
    keys = [
        (1, 2.0),
        (True, 10.0),
        (0.0, 2.0),
        (-0.0, -2.0),
        ((1,), 2.0),
        ((True,), 10.0),
        ((-0.0,), -2.0),
    ]
    for _ in range(2):
        assert [compiled({key: 1.0}) for key, _ in keys] == [wanted for _, wanted in keys]
    loaded = from_bytes(to_bytes(compiled.store))
    assert [loaded({key: 1.0}) for key, _ in keys] == [wanted for _, wanted in keys]


def test_static_tuples_in_files() -> None:
    f = compile_(lambda x, how: x * math.copysign(1.0, how[1]))
    hows = [("a", 0.0), ("a", -0.0), ("a", 1), ("a", True), ("a", float("nan"))]
    wanted = [f(2.0, how) for how in hows]
    loaded = from_bytes(to_bytes(f.store))
    assert [loaded(2.0, how) for how in hows] == wanted
    assert len(f.programs) == 5


def test_what_cannot_be_hashed_is_still_said() -> None:
    for bad in (("a", []), ("a", Settings([])), ("a", {})):
        with pytest.raises(TypeError, match="cannot be hashed"):
            compile_(lambda x, how: x)(1.0, bad)


def test_a_module_that_another_thread_imports_just_now_has_no_classes_yet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "numpy.ma", ModuleType("numpy.ma"))
    assert vmap(lambda x: x * x)(np.array([1.0, 2.0])).tolist() == [1.0, 4.0]
