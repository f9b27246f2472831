"""Compiled methods, and objects among arguments: their attributes are seen, and they are not kept alive."""

from __future__ import annotations

import gc
import weakref
from typing import Any

from pygrad import Value, value_and_grad
from pygrad import compile as compile_


class Penalty:
    """A model with a method that is compiled for all instances."""

    rate = 1.0

    def __init__(self) -> None:
        self.weight = Value(2.0)

    @compile_
    def loss(self, x: Any) -> Any:
        return self.weight * self.scaled(x)

    def scaled(self, x: Any) -> Any:
        return x * self.rate


def test_attributes_of_self_in_a_compiled_method() -> None:
    one, other = Penalty(), Penalty()
    assert [one.loss(1.0), other.loss(1.0)] == [2.0, 2.0]
    one.rate = 3.0
    assert [one.loss(1.0), other.loss(1.0)] == [6.0, 2.0]
    one.weight.data = 5.0
    assert one.loss(1.0) == 15.0
    one.weight = Value(1.0)
    assert one.loss(1.0) == 3.0
    Penalty.rate = 7.0
    try:
        assert [one.loss(1.0), other.loss(1.0)] == [3.0, 14.0]
    finally:
        Penalty.rate = 1.0


def test_attributes_of_other_arguments() -> None:
    f = compile_(lambda x, c: x * c.k)
    a, b = Penalty(), Penalty()
    a.k, b.k = 2.0, 3.0  # type: ignore[attr-defined]
    assert [f(1.0, a), f(1.0, b), f(1.0, c=a)] == [2.0, 3.0, 2.0]
    a.k = 5.0  # type: ignore[attr-defined]
    assert [f(1.0, a), f(1.0, b), f(1.0, c=a)] == [5.0, 3.0, 5.0]


def test_compiled_methods_do_not_keep_instances_alive() -> None:
    method = vars(Penalty)["loss"]
    for _ in range(3):
        model = Penalty()
        assert [model.loss(2.0), model.loss(3.0)] == [4.0, 6.0]
        assert value_and_grad(lambda x, m=model: m.loss(x))(1.0) == (2.0, 2.0)
        there = len(method.store.calls)
        gone = weakref.ref(model)
        del model
        gc.collect()
        assert gone() is None
        assert len(method.store.calls) == there - 1


def test_nor_do_methods_that_an_instance_compiles_for_itself() -> None:
    class Model:
        def __init__(self) -> None:
            self.rate = 2.0
            self.loss = compile_(self.plain)

        def plain(self, x: Any) -> Any:
            return x * self.rate if x > 0 else x / self.rate

    model = Model()
    assert [model.loss(1.0), model.loss(-1.0)] == [2.0, -0.5]
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None


def test_nor_functions_that_name_one() -> None:
    module: dict[str, Any] = {"model": Penalty()}
    exec("def f(x): return model.scaled(x)", module)
    f = compile_(module["f"])
    assert f(2.0) == 2.0
    gone = weakref.ref(module.pop("model"))
    gc.collect()
    assert gone() is None
    module["model"] = Penalty()
    module["model"].rate = 5.0
    assert f(2.0) == 10.0
