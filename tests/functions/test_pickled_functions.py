"""What transforms, vmap, compile and lift make of functions pickles as functions do, or says why not."""

from __future__ import annotations

import colorsys
import copy
import functools
import pickle
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import pygrad
from pygrad import (
    Value,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jvp,
    lift,
    value_and_grad,
    vjp,
    vmap,
)
from pygrad import compile as compile_
from pygrad.compiled.function import Loaded

X = np.arange(1.0, 4.0)


@dataclass
class Params:
    w: float
    name: str = "p"


class Model:
    def __init__(self) -> None:
        self.k = 3.0

    def f(self, x: Any) -> Any:
        return self.k * x**2

    __call__ = f

    @classmethod
    def doubled(cls, x: Any) -> Any:
        return 2 * x


def cube(x: Any) -> Any:
    return x**3 if x > 0 else -x


def product(x: Any, y: Any) -> Any:
    return x**2 * y


def vector(x: Any) -> Any:
    return [x[0] * x[1], x[0]]


def cost(p: Params) -> Any:
    return p.w**2


def loss(p: Any, x: Any) -> Any:
    return (p["a"] * x - 1) ** 2


hue = lift(colorsys).rgb_to_hls
lightness = lift(colorsys)._v
MADE: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "grad": (grad(cube), (2.0,)),
    "argnums": (grad(product, (0, 1)), (2.0, 3.0)),
    "value_and_grad": (value_and_grad(product, 1), (2.0, 3.0)),
    "jacobian": (jacobian(vector), (X,)),
    "jacfwd": (jacfwd(vector), (X,)),
    "hessian": (hessian(cube), (2.0,)),
    "third": (grad(grad(grad(cube))), (2.0,)),
    "jvp": (functools.partial(jvp, cube), ((2.0,), (1.0,))),
    "hvp": (functools.partial(hvp, cube), (2.0, 1.0)),
    "vmap": (vmap(cube), (X,)),
    "in_axes": (vmap(loss, in_axes=({"a": None}, 0)), ({"a": 2.0}, X)),
    "by name": (vmap(grad(product), in_axes={"y": None}), (X, 2.0)),
    "rows": (value_and_grad(vmap(loss, (None, 0), reduce="mean")), ({"a": 2.0}, X)),
    "compile": (compile_(cube), (2.0,)),
    "compiled slope": (compile_(grad(cube)), (2.0,)),
    "slope of compiled": (grad(compile_(cube)), (2.0,)),
    "compiled rows": (compile_(vmap(grad(cube))), (X,)),
    "compiled jacobian": (compile_(jacobian(vector)), (X,)),
    "jacobian of compiled": (jacobian(compile_(vector)), (X,)),
    "dataclass": (grad(cost), (Params(2.0),)),
    "compiled dataclass": (compile_(grad(cost)), (Params(2.0),)),
    "method": (grad(Model().f), (2.0,)),
    "object": (hessian(Model()), (2.0,)),
    "class method": (grad(Model.doubled), (2.0,)),
    "partial": (compile_(grad(functools.partial(product, y=3.0))), (2.0,)),
    "op": (grad(pygrad.math.tanh), (0.5,)),
    "lifted": (grad(lightness), (1.0, 2.0, 0.3)),
    "compiled lifted": (compile_(grad(lightness)), (1.0, 2.0, 0.3)),
}


@pytest.mark.parametrize("protocol", [0, 2, pickle.HIGHEST_PROTOCOL])
@pytest.mark.parametrize("name", MADE)
def test_what_is_made_of_a_function_pickles(name: str, protocol: int) -> None:
    made, args = MADE[name]
    for _ in range(2):  # before a call, and after it
        again = pickle.loads(pickle.dumps(made, protocol))
        assert isinstance(again, type(made))
        wanted = made(*args)
        assert repr(again(*args)) == repr(wanted)
        assert copy.copy(made) is copy.deepcopy([made])[0] is made or isinstance(
            made, functools.partial
        )


def test_options_of_compiled_functions_are_kept() -> None:
    verified = compile_(cube, verify=True)
    assert verified(2.0) == 8.0
    again = pickle.loads(pickle.dumps(verified))
    assert again.verify and not isinstance(again, Loaded)
    static = compile_(product, static_argnums=1)
    assert static(2.0, 3) == 12.0
    assert pickle.loads(pickle.dumps(static)).static == frozenset([1])
    w = Value(2.0)
    slope = jacobian(compile_(lambda x: w * x**2))
    assert isinstance(slope(3.0), Value)
    assert isinstance(pickle.loads(pickle.dumps(slope))(3.0), Value)


def test_programs_go_along_unless_there_are_classes_in_them() -> None:
    of_numbers, of_records = compile_(grad(cube)), compile_(grad(cost))
    of_numbers(2.0)
    of_records(Params(2.0))
    assert isinstance(pickle.loads(pickle.dumps(of_numbers)), Loaded)
    again = pickle.loads(pickle.dumps(of_records))
    assert len(again.programs) == 0 and again(Params(3.0)) == Params(6.0)


def test_lifted_functions_and_modules_pickle_by_name() -> None:
    assert pickle.loads(pickle.dumps(hue)) is hue
    assert hue.__module__ == "pygrad.lifted.colorsys"
    module = lift("colorsys")
    assert pickle.loads(pickle.dumps(module)) is module
    assert pickle.loads(pickle.dumps(colorsys.rgb_to_hls)) is colorsys.rgb_to_hls
    assert lift(hue).__name__ == "rgb_to_hls"


def test_what_cannot_be_pickled_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cloudpickle", "joblib.externals.cloudpickle", "dill"):
        monkeypatch.delitem(sys.modules, name, raising=False)

    def local(x: Any) -> Any:
        return x

    local_one = local
    local_one.__qualname__ = "local_one"
    for made, why in [
        (grad(lambda x: x), "Gradient of <lambda>> cannot be pickled, .*: a lambda has no name"),
        (hessian(grad(lambda x: x)), "a lambda has no name. Define it by def at the top"),
        (vmap(functools.partial(lambda x, y: x, y=1.0)), "a lambda has no name"),
        (vmap(test_what_is_made_of_a_function_pickles), None),
        (grad(local_one), "test_pickled_functions.local_one is something else"),
    ]:
        if why is None:
            assert pickle.dumps(made)
            continue
        with pytest.raises(pickle.PicklingError, match=why):
            pickle.dumps(made)

    def inner(x: Any) -> Any:
        return x

    with pytest.raises(pickle.PicklingError, match="defined in another function"):
        pickle.dumps(jacobian(inner))


def test_cloudpickle_takes_any() -> None:
    cloudpickle = pytest.importorskip("cloudpickle")
    for made, x, wanted in [
        (grad(lambda x: x**2), 3.0, 6.0),
        (hessian(grad(lambda x: x**4)), 1.0, 24.0),
        (vmap(lambda x: 2 * x), X, 2 * X),
        (compile_(grad(lambda x: x**2)), 3.0, 6.0),
    ]:
        assert np.array_equal(cloudpickle.loads(cloudpickle.dumps(made))(x), wanted)


def test_a_partial_of_users_is_traced() -> None:
    assert compile_(functools.partial(product, y=3.0))(2.0) == 12.0
    assert compile_(functools.partial(product, 2.0))(3.0) == 12.0
    assert vjp(functools.partial(product, y=3.0), 2.0)[0] == 12.0
