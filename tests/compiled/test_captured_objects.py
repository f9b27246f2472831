"""What a compiled function reads of objects that functions hand to each other, of methods and of attributes
that were not there: it is traced again after a change."""

from __future__ import annotations

import functools
import gc
import types
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pygrad import compile as compile_
from pygrad import grad, vmap
from pygrad.programs.captures import Captures


class Config:
    def __init__(self, rate: float = 1.0) -> None:
        self.rate = rate


@dataclass(frozen=True)
class Frozen:
    rate: float = 1.0


def scaled_by(config: Any, x: Any) -> Any:
    return x * config.rate


def scaled_by_name(x: Any, *, config: Any) -> Any:
    return x * config.rate


def handed_on(x: Any, config: Any) -> Any:
    return scaled_by(config, x)


def first_of(items: Any) -> Any:
    return items[0]


def asked(config: Any, x: Any) -> Any:
    return x * getattr(config, "rate", 1.0)


def handed() -> dict[str, tuple[Callable[[Any], Any], Callable[[float], object]]]:
    """Functions that multiply by a rate, which was 1, and what sets it."""
    config, nested = Config(), SimpleNamespace(inner=Config())
    partial = functools.partial(scaled_by, config)

    class Holder:
        def __init__(self) -> None:
            self.config = Config()

        def __call__(self, x: Any) -> Any:
            return scaled_by(self.config, x)

        def by_method(self, x: Any) -> Any:
            return self.apply(self.config, x)

        def apply(self, of: Any, x: Any) -> Any:
            return of.rate * x

        def within(self, x: Any) -> Any:
            return sum(map(lambda y: y * self.config.rate, [x]))  # noqa: C417

        def within_by_another_name(self, x: Any) -> Any:
            config = self.config

            def scaled(y: Any) -> Any:
                return next(config.rate * v for v in [y])

            return scaled(x)

    class Class:
        rate = 1.0

    class Factor(Config):
        def __mul__(self, x: Any) -> Any:
            return x * self.rate

        def __getitem__(self, i: int) -> float:
            return self.rate

    factor = Factor()

    holder = Holder()

    def by_default(x: Any, config: Any = config) -> Any:
        return config.rate * x

    def inner(x: Any) -> Any:
        def helper(of: Any) -> Any:
            return of.rate * x

        return helper(config)

    def setter(of: Any) -> Callable[[float], object]:
        return lambda number: setattr(of, "rate", number)

    return {
        "argument": (lambda x: scaled_by(config, x), setter(config)),
        "keyword": (lambda x: scaled_by_name(x, config=config), setter(config)),
        "handed on": (lambda x: handed_on(x, config), setter(config)),
        "partial": (functools.partial(scaled_by, config), setter(config)),
        "partial by name": (functools.partial(scaled_by_name, config=config), setter(config)),
        "a partial's": (lambda x, f=partial: f(x), setter(config)),
        "attribute": (lambda x: scaled_by(nested.inner, x), setter(nested.inner)),
        "of self": (holder, setter(holder.config)),
        "to a method": (holder.by_method, setter(holder.config)),
        "of self in a function within": (holder.within, setter(holder.config)),
        "of a name there": (holder.within_by_another_name, setter(holder.config)),
        "class": (lambda x: scaled_by(Class, x), setter(Class)),
        "default": (by_default, setter(config)),
        "to a function within": (inner, setter(config)),
        "operator": (lambda x: factor * x, setter(factor)),
        "item": (lambda x: factor[0] * x, setter(factor)),
        "item of an argument": (lambda x: first_of(factor) * x, setter(factor)),
        "getattr": (lambda x: x * getattr(config, "rate"), setter(config)),  # noqa: B009
        "getattr of an argument": (lambda x: asked(config, x), setter(config)),
        "mapped": (lambda x: sum(map(functools.partial(scaled_by, config), [x])), setter(config)),
    }


@pytest.mark.parametrize("name", handed())
def test_objects_that_are_handed_to_helpers(name: str) -> None:
    f, change = handed()[name]
    call, slope, rows = compile_(f), compile_(grad(f)), compile_(vmap(f))
    for rate in (1.0, 3.0, 1.0, -2.0):
        change(rate)
        assert call(2.0) == 2.0 * rate
        assert slope(2.0) == rate
        assert rows(np.ones(2)).tolist() == [rate, rate]


def test_objects_that_are_arguments_and_handed_on() -> None:
    f, config, other = compile_(lambda config, x: handed_on(x, config)), Config(), Config(5.0)
    for rate in (1.0, 3.0, 1.0):
        config.rate = rate
        assert [f(config, 2.0), f(other, 2.0)] == [2.0 * rate, 10.0]
    assert f(Frozen(4.0), 2.0) == 8.0


def test_other_objects_are_not_looked_at() -> None:
    config, unrelated = Config(), SimpleNamespace(speed=1.0)
    f = Captures(lambda x: scaled_by(config, x) + unrelated.speed)
    assert sorted(name.rpartition(".")[2] for name in f.names if "." in name) == ["rate", "speed"]


class Model:
    def __init__(self) -> None:
        self.k = 2.0

    def scaled(self, x: Any) -> Any:
        return self.k * x

    def __call__(self, x: Any) -> Any:
        return self.scaled(x)

    @property
    def twice(self) -> float:
        return 2 * self.k

    @staticmethod
    def squared(x: Any) -> Any:
        return x * x

    @classmethod
    def made(cls, x: Any) -> Any:
        return x + 1.0


class Derived(Model):
    def scaled(self, x: Any) -> Any:
        return super().scaled(x) * 10.0


REPLACED: dict[str, tuple[type, str, Any, Callable[[Any, Any], Any]]] = {
    "method": (Model, "scaled", lambda self, x: 7.0 * x, lambda m, x: m.scaled(x)),
    "by way of another": (Model, "scaled", lambda self, x: 7.0 * x, lambda m, x: m(x)),
    "call": (Model, "__call__", lambda self, x: 7.0 * x, lambda m, x: m(x)),
    "of a base": (Model, "scaled", lambda self, x: 7.0 * x, lambda m, x: Derived.scaled(m, x)),
    "property": (Model, "twice", property(lambda self: 9.0), lambda m, x: m.twice * x),
    "static method": (Model, "squared", staticmethod(lambda x: x), lambda m, x: m.squared(x)),
    "static of a class": (
        Model,
        "squared",
        staticmethod(lambda x: x),
        lambda m, x: Model.squared(x),
    ),
    "of a class": (Model, "scaled", lambda self, x: 7.0 * x, lambda m, x: Model.scaled(m, x)),
}


@pytest.mark.parametrize("kind", REPLACED)
def test_methods_that_are_replaced_in_their_class(kind: str, monkeypatch: Any) -> None:
    of, name, new, f = REPLACED[kind]
    model = Derived() if kind == "of a base" else Model()
    call, plain = compile_(lambda x: f(model, x)), f
    before = plain(model, 3.0)
    assert call(3.0) == before
    with monkeypatch.context() as patch:
        patch.setattr(of, name, new)
        assert plain(model, 3.0) != before
        assert call(3.0) == plain(model, 3.0)
    assert call(3.0) == before


def test_methods_that_are_replaced_in_an_object() -> None:
    model, other = Model(), Model()
    call = compile_(lambda x: model.scaled(x))
    assert call(3.0) == 6.0
    model.scaled = lambda x: 5.0 * x  # type: ignore[method-assign]
    assert call(3.0) == 15.0
    model.scaled = types.MethodType(lambda self, x: self.k * x * 4.0, model)  # type: ignore[method-assign]
    assert call(3.0) == 24.0
    model.scaled = other.scaled  # type: ignore[method-assign]
    other.k = 1.5
    assert call(3.0) == 4.5
    del model.scaled
    assert call(3.0) == 6.0


def test_what_is_still_there_is_not_traced_again() -> None:
    class Bound(Model):
        __slots__ = ("third",)

        def __init__(self) -> None:
            super().__init__()
            self.own, self.third = self.scaled, Model().scaled
            self.runs = 0

        def all(self, x: Any) -> Any:
            counted.append(1)
            return self.own(x) + self.third(x) + self.squared(x) + self.made(x) + self.scaled(x)

    counted: list[int] = []
    model = Bound()
    f = compile_(lambda x: model.all(x) + (1.0 if hasattr(model, "nothing") else 0.0))
    for _ in range(3):
        assert f(1.0) == 2.0 + 2.0 + 1.0 + 2.0 + 2.0
        assert f(3.0) == 6.0 + 6.0 + 9.0 + 4.0 + 6.0
    assert len(counted) == len(f.programs) == 1


def test_a_method_that_a_subclass_gets() -> None:
    class Plain(Model):
        pass

    model = Plain()
    call = compile_(lambda x: model.scaled(x))
    assert call(3.0) == 6.0
    Plain.scaled = lambda self, x: 8.0 * x  # type: ignore[method-assign, assignment]
    assert call(3.0) == 24.0
    model.__class__ = Model  # type: ignore[assignment]
    assert call(3.0) == 6.0


def test_methods_keep_nothing_alive() -> None:
    model = Model()
    call = compile_(model.scaled)
    once = compile_(functools.partial(scaled_by, Config(2.0)))
    assert [call(1.0), once(1.0)] == [2.0, 2.0]
    gone = weakref.ref(model)
    del model, call
    gc.collect()
    assert gone() is None


def test_attributes_that_were_not_there() -> None:
    config, module, kind = SimpleNamespace(), types.ModuleType("empty"), type("Kind", (), {})

    def by_hasattr(x: Any) -> Any:
        return x * config.rate if hasattr(config, "rate") else x

    def by_getattr(x: Any) -> Any:
        return x * getattr(config, "rate", 1.0)

    def by_handler(x: Any) -> Any:
        try:
            return x * config.rate
        except AttributeError:
            return x

    def of_a_module(x: Any) -> Any:
        return x * getattr(module, "rate", 1.0)

    def of_a_class(x: Any) -> Any:
        return x * getattr(kind, "rate", 1.0)

    compiled = [compile_(f) for f in (by_hasattr, by_getattr, by_handler, of_a_module, of_a_class)]
    for rate in (None, 3.0, 4.0, None, 3.0):
        for of in (config, module, kind):
            if rate is not None:
                of.rate = rate  # type: ignore[attr-defined]
            elif hasattr(of, "rate"):
                del of.rate
        assert [f(2.0) for f in compiled] == [2.0 * (rate or 1.0)] * len(compiled)
