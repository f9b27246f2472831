"""Functions that no import finds, as a script or a notebook has them, lifted."""

from __future__ import annotations

import dataclasses
import functools
import linecache
import math
from math import sqrt
from typing import Any, ClassVar

import numpy as np
import pytest
from differentiable import slope

import pygrad
from pygrad import Value, compile, grad, lift, value_and_grad, vmap

SCALE = 2.0
WAYS = {"sine": math.sin, "root": sqrt, "own": lambda x: math.exp(float(x))}
calls = 0


def helper(x: Any) -> Any:
    return math.log(x) * SCALE


def test_math_and_what_was_imported_from_it() -> None:
    f = lift(lambda x: math.sin(x) + sqrt(x) + np.cos(x))
    assert slope(f, 0.7) == pytest.approx(math.cos(0.7) + 0.5 / sqrt(0.7) - math.sin(0.7))


def test_plain_numbers_give_plain_numbers() -> None:
    f = lift(lambda x: math.sin(x) ** 2.0 + abs(x))
    assert type(f(0.7)) is float
    assert f(0.7) == math.sin(0.7) ** 2.0 + 0.7


@pytest.mark.filterwarnings(r"ignore:round\(v:RuntimeWarning")
def test_types_let_values_through() -> None:
    @lift
    def f(x: Any) -> Any:
        assert isinstance(x, (int, float)) and isinstance(x, float) and not isinstance(x, str)
        assert type(x) is float and type(x) in (int, float)
        assert next(map(float, [x])) is float(x)
        return float(x) * int(x) + round(x, 1) + x.real + x.imag + x.conjugate()

    assert value_and_grad(f)(3.25) == (3.25 * 3 + 3.2 + 6.5, 5.0)


def test_a_value_as_exponent() -> None:
    f = lift(lambda x, y: x**y + 2.0**y + pow(x, y))
    dx, dy = grad(f, (0, 1))(1.5, 2.5)
    assert dx == pytest.approx(2 * 2.5 * 1.5**1.5)
    assert dy == pytest.approx(2 * 1.5**2.5 * math.log(1.5) + 2.0**2.5 * math.log(2.0))
    with pytest.raises(TypeError, match=r"pygrad.math.pow.*pygrad.lift"):
        Value(2.0) ** Value(3.0)


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: 0.0**x, -1.0),
        (lambda x: x**-1.0, 0.0),
        (lambda x: (1.0 + x) ** (1000.0 + x), 1000.0),
        (lambda x: math.log(x), 0.0),
        (lambda x: math.fmod(x, 0.0), 1.0),
        (lambda x: int(x * 1e308), 10.0),
        (lambda x: int(x * 1e308 - x * 1e308), 10.0),
        (lambda x: [1.0][int(x)], 3.0),
        (lambda x: float("ten") * x, 1.0),
    ],
)
def test_errors_are_those_of_floats(f: Any, x: float) -> None:
    with pytest.raises(Exception) as of_floats:  # noqa: PT011  it is compared
        f(x)
    with pytest.raises(type(of_floats.value)) as of_values:
        lift(f)(Value(x))
    if not isinstance(of_floats.value, ArithmeticError):
        assert str(of_values.value) == str(of_floats.value)


def test_helpers_tables_closures_and_defaults_are_lifted_too() -> None:
    power = math.pow

    def f(x: Any, ways: Any = (math.tanh, math.atan), *, last: Any = math.cosh) -> Any:
        return (
            helper(x)
            + WAYS["sine"](x)
            + WAYS["own"](x)
            + power(x, 2.0)
            + ways[0](x)
            + ways[1](x)
            + last(x)
        )

    assert value_and_grad(lift(f))(0.7) == pytest.approx(
        (
            f(0.7),
            2.0 / 0.7
            + math.cos(0.7)
            + math.exp(0.7)
            + 1.4
            + 1 / math.cosh(0.7) ** 2
            + 1 / 1.49
            + math.sinh(0.7),
        )
    )


def test_recursion_and_functions_that_call_each_other() -> None:
    @lift
    def tower(x: Any, n: int) -> Any:
        return math.sin(x) if n == 0 else math.sin(tower(x, n - 1))

    assert slope(tower, 0.7, 1) == pytest.approx(math.cos(math.sin(0.7)) * math.cos(0.7))


def test_names_mean_what_they_mean_when_it_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    f = lift(lambda x: helper(x))
    assert slope(f, 2.0) == 1.0
    monkeypatch.setitem(globals(), "SCALE", 3.0)
    assert slope(f, 2.0) == 1.5
    monkeypatch.setitem(globals(), "helper", lambda x: math.exp(x))
    assert slope(f, 0.0) == 1.0


def test_a_closure_changes() -> None:
    way = math.sin

    def f(x: Any) -> Any:
        return way(x)

    lifted = lift(f)
    assert slope(lifted, 0.0) == 1.0
    way = math.cos
    assert slope(lifted, 0.0) == 0.0


def test_globals_are_assigned() -> None:
    @lift
    def count(x: Any) -> Any:
        global calls  # noqa: PLW0603  that is the point
        calls += 1
        return x * calls

    before = calls
    assert slope(count, 1.0) == before + 1.0
    assert slope(count, 1.0) == before + 2.0
    assert calls == before + 2


class Pipe:
    """A class of the user's, whose methods call math."""

    def __init__(self, width: Any) -> None:
        self.width = width

    @property
    def area(self) -> Any:
        return math.pi * math.pow(self.width / 2.0, 2.0)

    @staticmethod
    def rough(x: Any) -> Any:
        return math.log10(x)

    def flow(self, speed: Any) -> Any:
        return self.area * math.sqrt(speed)


def test_classes_are_lifted_and_stay_themselves() -> None:
    @lift
    def f(width: Any) -> Any:
        pipe = Pipe(width)
        assert isinstance(pipe, Pipe)
        return pipe.flow(4.0) + Pipe.rough(width)

    assert slope(f, 1.0) == pytest.approx(math.pi + 1 / math.log(10))
    assert Pipe.rough is Pipe.__dict__["rough"].__func__


def test_methods_partials_and_cached_functions() -> None:
    assert slope(lift(Pipe(2.0).flow), 4.0) == pytest.approx(math.pi / 4)
    assert slope(lift(functools.partial(math.pow, 2.0)), 3.0) == pytest.approx(8 * math.log(2))

    @lift
    @functools.lru_cache
    def cached(x: Any) -> Any:
        return math.sin(x)

    assert slope(cached, 0.0) == 1.0


def test_it_compiles_and_maps() -> None:
    @lift
    def f(x: Any) -> Any:
        return math.sin(x) if x > float(1) else 2.0**x * int(x + 1.5)

    rows = np.array([0.2, 0.7, 1.7])
    assert vmap(f)(rows) == pytest.approx([f(x) for x in rows])
    assert [compile(f)(x) for x in rows] == pytest.approx([f(x) for x in rows])
    assert vmap(grad(f))(rows) == pytest.approx([grad(f)(x) for x in rows])


def test_without_its_source_all_but_the_types_is_lifted() -> None:
    namespace: dict[str, Any] = {"math": math}
    exec("def f(x): return math.sin(x)\ndef g(x): return float(x)", namespace)
    assert slope(lift(namespace["f"]), 0.0) == 1.0
    with pytest.raises(TypeError, match="float"):
        lift(namespace["g"])(Value(1.0))


def test_a_cell_of_a_notebook() -> None:
    source = "import math\n\ndef f(x):\n    return float(math.exp(x)) + int(x)\n"
    linecache.cache["<cell>"] = (len(source), None, source.splitlines(True), "<cell>")
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(compile_text(source, "<cell>"), namespace)
    assert slope(lift(namespace["f"]), 0.0) == 1.0


def compile_text(source: str, name: str) -> Any:
    import builtins

    return builtins.compile(source, name, "exec")


@pytest.mark.parametrize(
    "thing",
    [np.fft.fft, np.dot, len, np.random.default_rng(1).normal, np.add.reduce, "abc".join],
)
def test_what_is_compiled_is_refused_by_name(thing: Any) -> None:
    with pytest.raises(pygrad.LiftError, match=rf"{thing.__name__}.*compiled"):
        lift(thing)


def test_transforms_come_after() -> None:
    for made in (grad(math.sin), compile(lambda x: x), vmap(math.sin)):
        with pytest.raises(TypeError, match="lift the function itself"):
            lift(made)


def test_a_class_as_target() -> None:
    lifted = lift(Pipe)
    assert issubclass(lifted, Pipe)
    assert lifted.__name__ == "Pipe"
    assert slope(lambda width: lifted(width).area, 2.0) == pytest.approx(math.pi)


def test_what_is_no_code_is_refused() -> None:
    for thing in (1.0, None, [math.sin]):
        with pytest.raises(TypeError, match="lift\\(\\) takes a module, its name or a function"):
            lift(thing)


class Missing:
    def __repr__(self) -> str:
        return "MISSING"


@dataclasses.dataclass
class Settings:
    rate: float = 2.0

    def scaled(self, x: float) -> float:
        return self.rate * x


MISSING, SETTINGS = Missing(), Settings()


def test_marks_and_what_is_compared_stay_themselves() -> None:
    @lift
    def f(x: float, mark: Any = MISSING, settings: Any = SETTINGS) -> float:
        assert mark is MISSING and settings == SETTINGS
        return settings.scaled(math.sin(x))

    assert f(0.5) == f(0.5, MISSING) == f(0.5, MISSING, Settings())
    assert slope(f, 0.0) == 2.0


class Curve:
    def at(self, x: float) -> float:
        return math.sin(x)

    def twice(self, x: float) -> float:
        return 2 * self.at(x)


class Steeper(Curve):
    def at(self, x: float) -> float:
        return 3 * super().at(x)


class Shifted(Steeper):
    shift = 0.0


def test_methods_of_bases_are_lifted_too() -> None:
    f = lift(lambda x: Shifted().twice(x) + Steeper().at(x) + super(Steeper, Shifted()).at(x))
    assert f(0.5) == 10 * math.sin(0.5)
    assert slope(f, 0.0) == 10.0
    made = lift(Shifted)
    assert issubclass(made, Shifted) and slope(made().twice, 0.0) == 6.0


@functools.cache
def _fibonacci(n: int, x: Any) -> Any:
    _asked.append(n)
    return x if n < 2 else _fibonacci(n - 1, x) + x * _fibonacci(n - 2, x)


_asked: list[int] = []


@pytest.mark.parametrize("how", ["of the module", "local", "of a class"])
def test_recursion_with_a_cache_is_called_as_often_as_of_floats(how: str) -> None:
    def local(x: Any) -> Any:
        @functools.cache
        def of(n: int) -> Any:
            _asked.append(n)
            return x if n < 2 else of(n - 1) + x * of(n - 2)

        return of(40)

    class Series:
        def __init__(self, x: Any) -> None:
            self.x = x

        @functools.lru_cache(maxsize=100)  # noqa: B019
        def term(self, n: int) -> Any:
            _asked.append(n)
            return self.x if n < 2 else self.term(n - 1) + self.x * self.term(n - 2)

    plain: Any = {
        "of the module": lambda x: _fibonacci(40, x),
        "local": local,
        "of a class": lambda x: Series(x).term(40),
    }[how]
    f, h = lift(plain), 1e-6
    for mode in (f, grad(f), compile(f), lambda x: vmap(f)([x])[0]):
        _asked.clear()
        mode(0.5)
        assert len(_asked) <= 41
    assert f(0.5) == plain(0.5) == compile(f)(0.5)
    assert grad(f)(0.5) == pytest.approx((plain(0.5 + h) - plain(0.5 - h)) / (2 * h), rel=1e-6)


def test_a_cache_holds_no_more_than_a_call() -> None:
    seen = []

    @functools.cache
    def square(x: Any) -> Any:
        seen.append(x)
        return x * x

    f = lift(lambda x: square(x) + square(x))
    assert (grad(f)(3.0), grad(f)(4.0)) == (12.0, 16.0)
    assert f(3.0) == 18.0 and f(4.0) == 32.0
    assert grad(lift(lambda x: square(1) * square(1.0) * x))(2.0) == 1.0
    assert {type(x) for x in seen if x == 1} == {int, float}


class _Material:
    """Its subclasses are noted, by a name that each must have, as plugins are."""

    known: ClassVar[dict[str, type]] = {}

    def __init_subclass__(cls, name: str) -> None:
        _Material.known[name] = cls


class _Steel(_Material, name="steel"):
    __slots__ = ("heat",)

    def __init__(self, heat: Any) -> None:
        self.heat = float(heat)

    def stiffness(self) -> Any:
        return 210.0 - 0.1 * float(self.heat)


class _Aluminium(_Material, name="aluminium"):
    def __init__(self, heat: Any) -> None:
        self.heat = heat

    def stiffness(self) -> Any:
        return 70.0 - 0.001 * float(self.heat) ** 2


def test_no_registry_is_told_of_lifted_classes() -> None:
    def total(heat: Any) -> Any:
        return sum(kind(heat).stiffness() for kind in _Material.known.values())

    before = dict(_Material.known)
    f = lift(total)
    assert f(50.0) == total(50.0) and grad(f)(50.0) == pytest.approx(-0.1 - 0.002 * 50.0)
    assert vmap(f)([50.0, 60.0]).tolist() == pytest.approx([total(50.0), total(60.0)])
    assert _Material.known == before and total(50.0) == 272.5
