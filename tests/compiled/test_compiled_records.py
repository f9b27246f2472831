"""Dataclasses and their like in compiled and mapped functions: numbers are arguments, the rest static."""

from __future__ import annotations

import enum
import sys
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pytest

from pygrad import (
    NotSavedError,
    Value,
    grad,
    hessian,
    jacobian,
    load,
    register_container,
    value_and_grad,
    vmap,
)
from pygrad import compile as compile_

X = np.arange(1.0, 4.0)
offset = 1.0


class Mode(enum.Enum):
    LINEAR = 1
    SQUARE = 2


@dataclass(frozen=True)
class Params:
    w: float
    b: float = 0.5
    mode: Mode = Mode.SQUARE
    order: int = 2
    name: str | None = None

    def shifted(self, x: Any) -> Any:
        return x + offset


@dataclass
class Box:
    w: Any
    h: Any
    area: Any = field(init=False)

    def __post_init__(self) -> None:
        self.area = self.w * self.h


class Line(NamedTuple):
    slope: Any
    order: int = 2
    name: str = "line"


class Pair:
    def __init__(self, a: Any, b: Any, tag: Any = "t") -> None:
        self.a, self.b, self.tag = a, b, tag


register_container(Pair, lambda p: ((p.a, p.b), p.tag), lambda tag, parts: Pair(*parts, tag))


def f(p: Params) -> Any:
    assert type(p.order) is int
    return p.w**p.order * p.b if p.mode is Mode.SQUARE else p.w


# -- calls -----------------------------------------------------------------------------------------


def test_a_dataclass_has_a_program_for_what_is_static_in_it() -> None:
    compiled, slope = compile_(f), compile_(grad(f))
    for p in [
        Params(2.0),
        Params(3.0, 2.0),
        Params(3.0, mode=Mode.LINEAR),
        Params(2.0, order=3),
    ] * 2:
        assert compiled(p) == f(p) and slope(p) == grad(f)(p) == grad(compiled)(p)
    assert len(compiled.programs) == len(slope.programs) == 3
    assert compiled(p=Params(2.0)) == 2.0
    assert compile_(hessian(f))(Params(2.0)) == hessian(f)(Params(2.0))
    assert compile_(f, verify=True)(Params(5.0)) == 12.5


def test_results_may_be_dataclasses_with_text() -> None:
    made = compile_(lambda x: Params(x * x, x, name="up" if x > 1 else "down"))
    for _ in range(2):
        assert made(2.0) == Params(4.0, 2.0, name="up")
        assert made(0.5) == Params(0.25, 0.5, name="down")
    assert compile_(jacobian(lambda x: Params(x * x, 1.0)))(3.0) == Params(6.0, 0.0)
    several = compile_(lambda x: {"y": (x, "text", None), "mode": Mode.LINEAR, "box": Box(x, x)})
    found = several(2.0)
    assert (found["y"], found["mode"]) == ((2.0, "text", None), Mode.LINEAR)
    assert (found["box"].w, found["box"].area) == (2.0, 4.0)
    aux = compile_(grad(lambda x: (x * x, [Params(x), "note"]), has_aux=True))(3.0)
    assert aux == (6.0, [Params(3.0), "note"])


def test_what_a_class_computes_is_computed_in_the_program() -> None:
    slope = compile_(grad(lambda b: b.area * b.w))
    for w in (2.0, 5.0):
        found = slope(Box(w, 3.0))
        assert (found.w, found.h, found.area) == (6 * w, w * w, None)
    assert len(slope.programs) == 1
    broken = Box(2.0, 3.0)
    broken.area = 7.0
    with pytest.raises(TypeError, match=r"Box\.area is 7.0"):
        slope(broken)


def test_what_methods_of_an_argument_read_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = compile_(lambda p, x: p.w * p.shifted(x))
    assert compiled(Params(2.0), 3.0) == 8.0
    monkeypatch.setattr(sys.modules[__name__], "offset", 5.0)
    assert compiled(Params(2.0), 3.0) == 16.0
    monkeypatch.undo()
    assert compiled(Params(4.0), 3.0) == 16.0


def test_attributes_of_objects_in_fields_are_seen() -> None:
    class Unit:
        name = "m"

    @dataclass
    class Length:
        x: float
        unit: Unit

    unit = Unit()
    compiled = compile_(lambda a: a.x * (1 if a.unit.name == "m" else 1000))
    assert compiled(Length(3.0, unit)) == 3.0
    unit.name = "km"
    assert compiled(Length(3.0, unit)) == 3000.0
    assert compiled(Length(4.0, Unit())) == 4.0
    unit.factor = 2.0  # type: ignore[attr-defined]
    with pytest.raises(
        TypeError, match=r"argument 0 \(a\) .* as its part \.unit is a Unit, and cannot be hashed"
    ):
        compiled(Length(3.0, unit))


def test_a_compiled_method_of_a_dataclass() -> None:
    @dataclass
    class Model:
        rate: float
        name: str = "m"

        @compile_
        def at(self, x: Any) -> Any:
            return self.rate * x + (1 if self.name == "m" else 2)

    model = Model(2.0)
    assert model.at(3.0) == 7.0
    model.rate = 4.0
    assert model.at(3.0) == 13.0
    assert len(Model.at.programs) == 1
    assert Model(1.0, "other").at(3.0) == 5.0
    assert grad(Model.at)(model, 3.0) == Model(3.0)


def test_arguments_without_numbers_are_static_as_they_are() -> None:
    seen: list[Any] = []
    compiled = compile_(lambda x, how: seen.append(how) or x)
    hows = [Line("a", 1, "b"), Mode.LINEAR, ("a", 0.0), None, {"how": None}]
    for how in hows * 2:
        compiled(1.0, how)
    assert seen == hows and all(type(how) is type(one) for how, one in zip(seen, hows, strict=True))


def test_dicts_may_have_text() -> None:
    compiled = compile_(lambda p: p["w"] ** (2 if p["name"] == "square" else 1))
    assert compiled({"w": 3.0, "name": "square", "none": None}) == 9.0
    assert compiled({"w": 3.0, "name": "line", "none": None}) == 3.0
    assert compile_(grad(lambda p: p.slope**p.order))(Line(3.0)) == Line(6.0)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"w": 1.0, "tags": {"a"}}, r"argument 0\['tags'\], a set, cannot be hashed"),
        (
            Pair(1.0, [2.0], ["tag"]),
            "what argument 0 has beside its parts, a list, cannot be hashed",
        ),
        (
            [1.0, "a"],
            r"argument 0 .* is a static argument, as its part \[1\] is a str, and cannot be hashed",
        ),
    ],
)
def test_what_cannot_be_hashed_is_named(bad: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        compile_(lambda p: 1.0)(bad)
    if not isinstance(bad, list):
        with pytest.raises(TypeError, match=words.replace("argument 0", r"argument 0 of .*")):
            compile_(vmap(lambda p, x: x, in_axes=(None, 0)))(bad, X)


def test_registered_containers_in_programs() -> None:
    compiled = compile_(lambda p: Pair(p.a * p.b[0], p.a, p.tag))
    for tag in ("t", "u"):
        found = compiled(Pair(2.0, [3.0], tag))
        assert (found.a, found.b, found.tag) == (6.0, 2.0, tag)
    slopes = compile_(grad(lambda p: p.a * p.b[0]))(Pair(2.0, [3.0]))
    assert (slopes.a, slopes.b) == (3.0, [2.0])


# -- rows ------------------------------------------------------------------------------------------


def cost(p: Params, x: Any) -> Any:
    return (p.w * x - p.b) ** p.order


@pytest.mark.parametrize("wrap", [lambda f: f, compile_], ids=["mapped", "compiled"])
def test_rows_of_dataclasses(wrap: Any) -> None:
    p = Params(X, X + 1)
    assert wrap(vmap(f))(p).tolist() == (X**2 * (X + 1)).tolist()
    slopes = wrap(vmap(grad(f)))(p)
    assert type(slopes) is Params and slopes.w.tolist() == (2 * X * (X + 1)).tolist()
    assert (slopes.mode, slopes.order) == (Mode.SQUARE, 2)
    axes = (Params(0, None), Params(None, 0), {"w": 0, "b": None})
    for axis in (axes[0], axes[2]):
        assert wrap(vmap(f, in_axes=(axis,)))(Params(X, 2.0)).tolist() == (2 * X**2).tolist()
    assert wrap(vmap(cost, in_axes=(axes[1], 0)))(Params(2.0, X), X).tolist() == (X**2).tolist()
    step = wrap(value_and_grad(vmap(cost, in_axes=(None, 0), reduce="sum")))
    value, slope = step(Params(2.0, 1.0), X)
    assert value == float(((2 * X - 1) ** 2).sum())
    assert slope == Params(float((2 * (2 * X - 1) * X).sum()), float(-(2 * (2 * X - 1)).sum()))
    boxes = wrap(vmap(lambda b: Box(b.area, b.w)))(Box(X, 2 * X))
    assert boxes.area.tolist() == (2 * X**3).tolist()
    pairs = wrap(vmap(lambda p: Pair(p.a * p.b, "text", None)))(Pair(X, X))
    assert (pairs.a.tolist(), pairs.b, pairs.tag) == ((X * X).tolist(), "text", None)


def test_rows_in_other_ways() -> None:
    traced = compile_(lambda p: vmap(f, in_axes=({"w": 0, "b": None},))(p)[2])
    assert traced(Params(X, 2.0)) == 18.0
    rows = vmap(f)(Params([Value(1.0), Value(2.0)], [2.0, 3.0]))  # type: ignore[arg-type]
    assert [v.data for v in rows] == [2.0, 12.0]
    boxes = vmap(lambda b: b.area)(Box(X, X))
    assert boxes.tolist() == (X * X).tolist()
    w = Value(3.0)
    loss = compile_(lambda p, how: w * p.w if how == "a" else p.w)
    assert loss.backward(Params(X, X), "a") == 6.0 and w.grad == 2.0


@pytest.mark.parametrize("wrap", [lambda f: f, compile_], ids=["mapped", "compiled"])
def test_what_is_no_number_is_the_same_in_all_rows(wrap: Any) -> None:
    def g(x: Any, how: Any = None, flag: Any = False, p: Any = None) -> Any:
        assert flag is False or flag is True
        return x * (2 if how == "double" and flag else 1) * (p["k"] if p and p["n"] is None else 1)

    assert wrap(vmap(g))(X, "double", True).tolist() == (2 * X).tolist()
    assert wrap(vmap(g))(X, how="double", flag=True).tolist() == (2 * X).tolist()
    assert wrap(vmap(g, in_axes=(0, None, None)))(X, "no", False).tolist() == X.tolist()
    assert wrap(vmap(g))(X, p={"k": X, "n": None}).tolist() == (X * X).tolist()
    with pytest.raises(TypeError, match=r"argument 0 of g.. is mapped, so it must be an array"):
        wrap(vmap(g))("text")


def test_rows_must_have_the_same_text() -> None:
    with pytest.raises(
        TypeError, match=r"'low' for one row and 'high' for another as its result\[1\]"
    ):
        vmap(lambda x: (x, "high" if x > 1.5 else "low"))(X)
    with pytest.raises(TypeError, match=r"as its result\.name"):
        vmap(lambda x: Params(x, name="high" if x > 1.5 else "low"))(X)
    with pytest.raises(ValueError, match=r"a Params whose fields \['w', 'b'\] have numbers"):
        vmap(f, in_axes=({"w": 0},))(Params(X, 2.0))
    with pytest.raises(ValueError, match=r"argument 0 of f\(\)\.b has 0 axes"):
        vmap(f)(Params(X, 2.0))


# -- files, C --------------------------------------------------------------------------------------


def test_files_keep_text_and_none_but_no_classes(tmp_path: Any) -> None:
    compiled = compile_(lambda p: {"y": p["w"] * len(p["how"]), "how": p["how"], "n": [None]})
    wanted = compiled({"w": 2.0, "how": "abc", "n": None})
    compiled.save(tmp_path / "f.pygrad")
    loaded = load(tmp_path / "f.pygrad")
    assert (
        loaded({"w": 2.0, "how": "abc", "n": None})
        == wanted
        == {"y": 6.0, "how": "abc", "n": [None]}
    )
    with pytest.raises(
        NotSavedError, match=r"with 'how': 'abc', 'n': None\), not for .* 'how': 'abcd'"
    ):
        loaded({"w": 2.0, "how": "abcd", "n": None})
    of_class = compile_(f)
    of_class(Params(2.0))
    with pytest.raises(
        TypeError, match="has a Params, which cannot be saved, as a file keeps no classes"
    ):
        of_class.save(tmp_path / "g.pygrad")


def test_c_code_names_fields() -> None:
    text = compile_(lambda p: Params(p.w * p.b, name="n")).to_c(Params(2.0, 3.0))
    assert "fixed: p.mode = a Mode" in text and "fixed: p.order = 2" in text
    assert "in[0]  p.w" in text and "in[1]  p.b" in text and "out[0]  result.w" in text
