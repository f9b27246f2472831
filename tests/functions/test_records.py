"""Arguments and results with fields: dataclasses, attrs classes, named tuples; registered containers."""

from __future__ import annotations

import dataclasses
import enum
import functools
import math
from collections import deque
from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import pytest

import pygrad
from pygrad import (
    Value,
    check_grad,
    grad,
    gradients,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jvp,
    register_container,
    value_and_grad,
    vjp,
)
from pygrad.core.records import is_whole

attrs = pytest.importorskip("attrs")


class Mode(enum.Enum):
    LINEAR = "linear"
    SQUARE = "square"


class Grade(enum.IntEnum):
    TWO = 2


@dataclass
class Inner:
    w: float
    steps: int = 3
    name: str = "inner"


@dataclass(frozen=True)
class Params:
    rate: float
    inner: Inner
    mode: Mode = Mode.SQUARE
    grade: Grade = Grade.TWO
    bias: float | None = None
    flag: bool = True
    scale: float = 2  # a whole number of a float
    table: Any = field(default_factory=lambda: np.array([1.0, 2.0]))
    sizes: tuple[int, ...] = (4, 2)
    act: Callable[[Any], Any] = math.fabs


@dataclass(frozen=True, slots=True)
class Base:
    w: float
    steps: int = 3


@dataclass(frozen=True, slots=True)
class Slotted(Base):
    name: str = "s"
    extra: float = 1.5


def model(p: Params) -> Any:
    assert p.flag is True and p.mode is Mode.SQUARE and p.grade is Grade.TWO and p.bias is None
    assert p.sizes == (4, 2) and type(p.sizes[0]) is int and p.act is math.fabs
    total = sum(p.inner.w * p.rate for _ in range(p.inner.steps))
    return total * p.scale + p.table[0] * p.table[1]


PARAMS = Params(0.5, Inner(4.0))
SLOPES = Params(24.0, Inner(3.0), scale=6.0, table=np.array([2.0, 1.0]))


def same(a: Any, b: Any) -> bool:
    """Whether two records have the same class, and the same in all fields."""
    if dataclasses.is_dataclass(a):
        names = [f.name for f in dataclasses.fields(a)]
        return type(a) is type(b) and all(same(getattr(a, n), getattr(b, n)) for n in names)
    return type(a) is type(b) and np.array_equal(a, b)


# -- what has a derivative, and what has none --------------------------------------------------------


def test_a_gradient_is_the_same_dataclass_and_what_is_static_is_carried_over():
    assert same(grad(model)(PARAMS), SLOPES)
    value, slopes = value_and_grad(model)(PARAMS)
    assert value == 14.0 and same(slopes, SLOPES)
    assert same(jacobian(model)(PARAMS), SLOPES) and same(jacfwd(model)(PARAMS), SLOPES)
    _, back = vjp(model, PARAMS)
    assert same(back(1.0)[0], SLOPES)
    assert jvp(model, (PARAMS,), (SLOPES,))[1] == 24**2 + 3**2 + 6**2 + 2**2 + 1
    assert hvp(model, PARAMS, SLOPES).rate == 3 * 2 * 3.0 + 3 * 4 * 6.0
    second = hessian(model)(PARAMS)
    assert second.rate.inner.w == 6.0 and second.inner.w.rate == 6.0 and second.mode is Mode.SQUARE
    assert second.table.rate.shape == (2,) and second.table.table.tolist() == [[0, 1], [1, 0]]
    assert check_grad(model, PARAMS).verdict == "ok"
    assert [row.name for row in check_grad(model, PARAMS).rows][:2] == ["x.rate", "x.inner.w"]
    both = grad(lambda p, x: model(p) * x, (0, 1))(PARAMS, 2.0)
    assert same(both[0].inner, Inner(6.0)) and both[1] == 14.0


def test_slots_and_inheritance():
    at = Slotted(2.0, 4, "s", 3.0)
    found = grad(lambda p: p.w**p.steps * p.extra)(at)
    assert found == Slotted(96.0, 4, "s", 16.0)
    assert type(jvp(lambda p: p, (at,), (found,))[1]) is Slotted


def test_a_declaration_says_what_is_static():
    @dataclass
    class Declared:
        rate: float = 3
        fixed: float = field(default=5.0, metadata={"static": True})
        count: int = field(default=2, metadata={"static": False})
        given_as_float: int = 2.0  # type: ignore[assignment]
        of_numpy: int = np.int64(3)  # type: ignore[assignment]

    def f(p: Any) -> Any:
        assert type(p.fixed) is float and isinstance(p.count, Value)
        assert isinstance(p.given_as_float, Value) and type(p.of_numpy) is np.int64
        return p.rate * p.fixed * p.count * p.given_as_float

    assert grad(f)(Declared()) == Declared(20.0, 5.0, 30.0, 30.0, np.int64(3))


@pytest.mark.parametrize(
    ("hint", "wanted"),
    [
        (int, True), (bool, True), (str, True), (Mode, True), (int | None, True),
        (Literal["a", 1], True), (tuple[int, ...], True), (list[list[int]], True), (dict[str, int], True),
        (np.int64, True), ("int", True), ("Optional[int]", True), ("int | None", True),
        (float, False), (Any, False), (int | float, False), (tuple[int, float], False), (list, False),
        (Value, False), (np.ndarray, False), ("Unknown", False), ("int | Unknown", False),
    ],
)  # fmt: skip
def test_types_of_whole_numbers(hint, wanted):
    assert is_whole(hint) is wanted


def test_what_is_no_number_stays_in_dicts_and_named_tuples():
    class Line(NamedTuple):
        slope: float
        order: int = 2
        name: str = "line"

    assert grad(lambda p: p.slope**p.order)(Line(3.0)) == (6.0, 2, "line")
    p = {"w": [2.0, None], "name": "net", "mode": Mode.LINEAR, "when": None, "parts": ["a", 3]}
    found = grad(lambda p: p["w"][0] ** 2 if p["mode"] is Mode.LINEAR else 0.0)(p)
    assert found == {**p, "w": [4.0, None], "parts": ["a", 0.0]}
    assert grad(lambda p: p[0] * 2)([3.0, None]) == [2.0, None]


def test_text_in_a_list_of_numbers_is_an_error_and_so_is_what_has_no_number():
    for bad in ([1.0, "a"], (1.0, Mode.LINEAR), "a", None, {"a": None}, Inner("a"), {"n": "text"}):  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="number"):
            grad(lambda p: 1.0)(bad)
    with pytest.raises(TypeError, match=r"argument 0 of f\(\).steps is 3, .*declared as float"):

        def f(p: Any) -> Any:
            return p.steps * 2.0

        grad(f)(Inner("a"))  # type: ignore[arg-type]


class Plain:
    def __init__(self) -> None:
        self.w = 2.0


@pytest.mark.parametrize("bad", [1j, {1.0}, Plain(), deque([1.0]), np.array(["a"]), {"a": 1j}])
def test_what_looks_like_numbers_but_is_none_is_named(bad):
    @dataclass
    class Holder:
        w: float
        other: Any

    with pytest.raises(TypeError, match=r"argument 0 of .*\.other"):
        grad(lambda p: p.w)(Holder(2.0, bad))
    with pytest.raises(TypeError, match=r"argument 0 of .*\['b'\]\[1\]"):
        grad(lambda p: p["a"])({"a": 2.0, "b": [1.0, bad]})

    @dataclass
    class Declared:
        w: float
        other: Any = field(metadata={"static": True})

    assert grad(lambda p: p.w * 2)(Declared(2.0, bad)).other is bad


# -- how new ones are made ---------------------------------------------------------------------------


def test_no_check_of_the_class_is_asked_of_values_and_derivatives():
    @dataclass
    class Checked:
        width: float

        def __post_init__(self) -> None:
            self.width = float(self.width)
            if self.width <= 0:
                raise ValueError("a width is positive")

    assert grad(lambda p: -(p.width**2))(Checked(2.0)).width == -4.0
    doubled = dataclasses.make_dataclass("Doubled", ["w"], namespace={"__post_init__": _double})
    assert grad(lambda p: p.w**2)(doubled(3.0)).w == 12.0  # of the 6.0 that is there


def _double(self: Any) -> None:
    self.w = self.w * 2


@dataclass
class Box:
    w: float
    h: float
    area: float = field(init=False)
    calls: dict[str, int] = field(init=False, default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        self.area = self.w * self.h
        self.border = 2 * (self.w + self.h)

    @functools.cached_property
    def double(self) -> Any:
        return 2 * self.area


def test_what_a_class_computes_is_computed_again():
    box = Box(2.0, 3.0)
    box.calls["a"] = 1
    assert box.double == 12.0  # and is kept
    found = grad(lambda b: b.area * b.border + b.double)(box)
    assert (found.w, found.h, found.area) == (3 * 10 + 6 * 2 + 6.0, 2 * 10 + 6 * 2 + 4.0, None)
    inner = grad(lambda w: grad(lambda b: b.area**2)(Box(w, 3.0)).w)
    assert inner(2.0) == 18.0
    made = jacobian(lambda x: Box(x, x * x))(3.0)
    assert (made.w, made.h, made.area, made.border) == (1.0, 6.0, 27.0, 14.0)
    point = pygrad.gradient_descent(lambda b: (b.area - 1) ** 2 + (b.h - 1) ** 2, Box(1.5, 1.2)).x
    assert point.area == point.w * point.h


def test_what_was_changed_after_that_is_an_error():
    box = Box(2.0, 3.0)
    box.area = 7.0
    with pytest.raises(TypeError, match=r"Box.area is 7.0, but __post_init__ computes 6.0"):
        grad(lambda b: b.area)(box)

    @dataclass
    class Scaled:
        w: float
        by: InitVar[float]
        area: float = field(init=False)

        def __post_init__(self, by: float) -> None:
            self.area = self.w * by

    with pytest.raises(TypeError, match="__post_init__ takes by"):
        grad(lambda s: s.area)(Scaled(2.0, 3.0))


def test_without_a_post_init_all_fields_are_parameters():
    @dataclass
    class State:
        x: float
        momentum: float = field(init=False, default=0.0)

    state = State(2.0)
    state.momentum = 3.0
    found = grad(lambda s: s.x * s.momentum)(state)
    assert (found.x, found.momentum) == (3.0, 2.0)
    state.unit = "m"  # type: ignore[attr-defined]
    assert grad(lambda s: s.x * (2 if s.unit == "m" else 3))(state).x == 2.0


def test_classes_of_attrs():
    @attrs.define
    class Pipe:
        length: float
        _width: float = attrs.field(validator=attrs.validators.instance_of(float), converter=float)
        name: str = "pipe"
        bends: int = 2
        area: float = attrs.field(init=False)
        volume: float = attrs.field(init=False)

        @volume.default
        def _volume(self) -> Any:
            return self.length * self._width

        def __attrs_post_init__(self) -> None:
            self.area = self._width**self.bends

    found = grad(lambda p: p.area * p.volume)(Pipe(2.0, 3.0))
    assert (found.length, found._width, found.name, found.area) == (27.0, 54.0, "pipe", None)

    @attrs.frozen
    class Old:
        x: Any
        note: Any = attrs.field(default=4.0, metadata={"static": True})

    assert grad(lambda p: p.x[0] * p.note)(Old([2.0])) == Old([4.0])


@dataclass
class Fixed:
    w: Any
    k: Any = field(default=2.0, metadata={"static": True})


def test_a_static_field_of_a_result_is_none_if_it_depends_on_something():
    f = lambda x: Fixed(x, x * x)  # noqa: E731
    assert jacobian(f)(3.0) == Fixed(1.0, 6.0)
    assert jvp(f, (3.0,), (1.0,)) == (Fixed(3.0, 9.0), Fixed(1.0, 6.0))
    compiled = pygrad.compile(f)
    assert [compiled(x) for x in (3.0, 4.0)] == [Fixed(3.0, 9.0), Fixed(4.0, 16.0)]
    rows = pygrad.vmap(f)(np.array([3.0, 4.0]))
    assert rows.k.tolist() == [9.0, 16.0]
    outer = grad(lambda k: grad(lambda p: p.w**2 * p.k)(Fixed(2.0, k)).w)
    assert (
        outer(3.0)
        == 4.0
        == grad(lambda k: pygrad.compile(lambda p: p.w**2 * p.k)(Fixed(2.0, k)))(3.0)
    )


@dataclass
class Node:
    v: float
    parent: Any = None
    children: list[Any] = field(default_factory=list)


def test_records_that_contain_themselves():
    root = Node(2.0)
    leaf = Node(3.0, root)
    assert grad(lambda n: n.v * n.parent.v)(leaf) == Node(2.0, Node(3.0))
    root.children.append(leaf)
    with pytest.raises(TypeError, match=r"argument 0 of .* contains itself"):
        grad(lambda n: n.v)(leaf)
    found, aux = grad(lambda x: (x * x, leaf), has_aux=True)(3.0)
    assert found == 6.0 and aux is leaf


def test_what_has_items_and_fields_is_an_error():
    @dataclass
    class Both(dict):  # type: ignore[type-arg]
        a: float = 1.0

    with pytest.raises(TypeError, match="a Both has both items and fields"):
        grad(lambda p: p.a)(Both())


# -- results, tangents -------------------------------------------------------------------------------


def test_text_and_none_in_results():
    f = lambda x: {"y": [x * x, "text", None], "mode": Mode.LINEAR, "at": Inner(x)}  # noqa: E731
    assert jacobian(f)(3.0) == {"y": [6.0, "text", None], "mode": Mode.LINEAR, "at": Inner(1.0)}
    value, tangent = jvp(f, (3.0,), (2.0,))
    assert value == f(3.0) and tangent["y"] == [12.0, "text", None]
    value, back = vjp(f, 3.0)
    assert back({"y": [1.0, None, "other"], "at": Inner(10.0)}) == (16.0,)
    with pytest.raises(ValueError, match="cotangent"):
        back({"y": [1.0, None], "at": Inner(10.0)})
    with pytest.raises(ValueError, match=r"cotangent\['at'\] must match .* a Inner, not a dict"):
        back({"y": [1.0, None, None], "at": {"w": 1.0}})
    with pytest.raises(TypeError, match="has no number in it"):
        jacobian(lambda x: {"y": "text"})(1.0)


def test_dataclasses_beside_a_result():
    found, aux = grad(lambda x: (x * x, {"in": Inner(x, name="aux"), "n": 3}), has_aux=True)(2.0)
    assert found == 4.0 and aux == {"in": Inner(2.0, name="aux"), "n": 3}
    kept = Inner(1.0)
    assert grad(lambda x: (x * x, kept), has_aux=True)(2.0)[1] is kept


def test_values_in_fields():
    at = Inner(Value(2.0))  # type: ignore[arg-type]
    found = grad(lambda p: p.w**p.steps)(at)
    assert isinstance(found.w, Value) and found.w.data == 12.0
    found.w.backward()
    assert at.w.grad == 12.0  # type: ignore[attr-defined]
    p = Inner(Value(3.0))  # type: ignore[arg-type]
    assert gradients(p.w**2, p).w.data == 6.0


# -- registered containers ---------------------------------------------------------------------------


class Pair:
    def __init__(self, a: Any, b: Any, name: str) -> None:
        self.a, self.b, self.name = a, b, name


class OfJax(Pair):
    def tree_flatten(self) -> Any:
        return (self.a, self.b), self.name

    @classmethod
    def tree_unflatten(cls, rest: Any, parts: Any) -> Any:
        return cls(*parts, rest)


register_container(Pair, lambda p: ((p.a, p.b), p.name), lambda name, parts: Pair(*parts, name))


@pytest.mark.parametrize("kind", [Pair, OfJax])
def test_registered_containers_are_looked_into(kind):
    at = kind(2.0, [3.0, np.array([4.0])], "p")
    f = lambda p: p.a * p.b[0] * p.b[1][0] if p.name == "p" else 0.0  # noqa: E731
    found = grad(f)(at)
    assert type(found) is kind and (found.a, found.b[0], found.b[1].tolist()) == (12.0, 8.0, [6.0])
    assert found.name == "p"
    assert jvp(f, (at,), (found,))[1] == 12**2 + 8**2 + 6**2
    assert hessian(f)(at).a.b[0] == 4.0
    assert jacobian(lambda x: kind(x, x * x, "q"))(3.0).b == 6.0
    assert [row.name for row in check_grad(f, at).rows] == ["x[0]", "x[1][0]", "x[1][1][0]"]
    aux = grad(lambda x: (x, kind(x, 1.0, "aux")), has_aux=True)(2.0)[1]
    assert type(aux) is kind and aux.a == 2.0 and type(aux.a) is float


def test_what_cannot_be_registered():
    for bad in (dict, float, Value, str, 3):
        with pytest.raises(TypeError):
            register_container(bad, lambda x: ((), None), lambda rest, parts: None)  # type: ignore[type-var, arg-type]
    with pytest.raises(ValueError, match="Pair is registered already"):
        register_container(Pair, lambda p: ((p.a, p.b), p.name), lambda n, parts: Pair(*parts, n))

    class Odd:
        pass

    register_container(Odd, lambda x: [1.0], lambda rest, parts: Odd())  # type: ignore[arg-type, return-value]
    with pytest.raises(TypeError, match="apart must return a pair"):
        grad(lambda x: 1.0)(Odd())


def test_subclasses_are_classes_of_their_own():
    class Sub(Pair):
        pass

    with pytest.raises(TypeError, match="register_container"):
        grad(lambda p: p.a)(Sub(1.0, 2.0, "s"))


# -- the reference -----------------------------------------------------------------------------------


@pytest.mark.parametrize("impl", ["compiled", "reference"])
def test_both_implementations_do_so(impl, run_isolated):
    assert run_isolated("records.py", env={"PYGRAD_IMPL": impl}).stdout == f"{impl} ok\n"


def test_bools_under_a_name_stay_bools() -> None:
    def f(r: Any) -> Any:
        assert isinstance(r["on"], bool)
        first = 2.0 if r["on"] is True else 3.0
        return r["x"] * first * (5.0 if r["deep"]["off"] is False else 7.0)

    compiled, slope = pygrad.compile(f), pygrad.compile(pygrad.value_and_grad(f))
    for on in (True, False, True):
        for off in (True, False):
            options = {"x": 2.0, "on": on, "deep": {"off": off}}
            assert compiled(options) == f(options)
            expected = f(options), {"x": f(options) / 2.0, "on": on, "deep": {"off": off}}
            assert pygrad.value_and_grad(f)(options) == slope(options) == expected
            assert slope(options)[1]["on"] is on
            rows = pygrad.vmap(f)({"x": np.array([1.0, 2.0]), "on": on, "deep": {"off": off}})
            assert rows.tolist() == [f({**options, "x": x}) for x in (1.0, 2.0)]
    assert compiled({"x": 2.0, "on": True, "deep": {"off": True}}) == 28.0
    with pytest.raises(TypeError, match="no number in it"):
        grad(lambda r: 1.0)({"on": True})
