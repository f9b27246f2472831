"""Values of a trace where they do not belong: in other threads, and after the trace has ended."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import pygrad
from pygrad import TraceError, Value, grad, jvp, no_grad, vmap, where
from pygrad import compile as compile_
from pygrad import math as pm
from pygrad.optim import SGD


def elsewhere(compute: Callable[[], Any]) -> Any:
    """What another thread computes."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(compute).result()


W = Value(2.0)
USES: dict[str, Callable[[Any], Any]] = {
    "unary": lambda v: pm.sin(v),
    "left": lambda v: v + 1,
    "right": lambda v: 1 - v,
    "two": lambda v: W * v,
    "power": lambda v: v**2,
    "ternary": lambda v: where(W, v, 1.0),
    "clip": lambda v: v.clip(0.0, 1.0),
    "sum": lambda v: pygrad.sum([W, v]),
    "dot": lambda v: pygrad.dot([W], [v]),
    "plus": lambda v: +v,
    "read": lambda v: v.data,
    "grad": lambda v: v.grad,
    "write": lambda v: setattr(v, "data", 1.0),
    "slopes": lambda v: v.local_derivatives,
    "children": lambda v: v._children,
    "compare": lambda v: v > 1,
    "compared": lambda v: v < 1,
    "truth": lambda v: bool(v),
    "build": lambda v: Value(1.0, (v,), (2.0,)),
    "backward": lambda v: v.backward(),
    "zero_grad": lambda v: pygrad.zero_grad([v]),
    "grad of": lambda v: grad(lambda t: t * t)(v),
    "grad through": lambda v: grad(lambda t: t * v)(1.0),
    "jvp": lambda v: jvp(lambda t: t, (1.0,), (v,)),
    "compiled": lambda v: compile_(lambda t: t * t)(v),
    "captured": lambda v: compile_(lambda t: t * v)(1.0),
    "vmap": lambda v: vmap(lambda t: t * v)(np.ones(2)),
    "array": lambda v: np.array([v]) * 2,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "format": lambda v: f"{v:.3f}",
    "no_grad": lambda v: no_grad()(lambda: v * 2)(),
    "parameters": lambda v: SGD([v]),
}


@pytest.mark.parametrize("name", USES)
@pytest.mark.parametrize("of", ["input", "computed", "from a captured one"])
def test_another_thread_may_not_use_values_of_a_trace(name: str, of: str) -> None:
    if of == "from a captured one" and name in ("captured", "vmap"):
        return  # that thread's program computes it again, too
    pick = {
        "input": lambda x: x,
        "computed": lambda x: x * 2,
        "from a captured one": lambda x: W * 2,
    }

    def f(x: Any) -> Any:
        v = pick[of](x)
        elsewhere(lambda: USES[name](v))
        return x

    for traced in (lambda: compile_(f)(0.3), lambda: vmap(f)(np.array([0.3, 0.4]))):
        with pytest.raises(TraceError, match=r"another thread.*Compute in the thread"):
            traced()
    assert (Value(2.0) * 3).data == 6.0


def test_a_thread_pool_in_a_trace_never_gives_a_frozen_number() -> None:
    def f(x: Any) -> Any:
        with ThreadPoolExecutor(2) as pool:
            return sum(pool.map(pm.sin, [x, x * 2]))

    compiled = compile_(f)
    for x in (0.3, 0.4):
        with pytest.raises(TraceError):
            compiled(x)


def test_the_message_names_the_line_in_the_other_thread() -> None:
    def f(x: Any) -> Any:
        return elsewhere(lambda: x * 2)

    with pytest.raises(TraceError) as caught:
        compile_(f)(0.3)
    assert f"{__file__}, line {f.__code__.co_firstlineno + 1})" in str(caught.value)


def test_two_traces_do_not_mix() -> None:
    met, leaked, caught = threading.Barrier(2), [], []

    def gives(x: Any) -> Any:
        leaked.append(x * 2)
        met.wait(20)
        met.wait(20)
        return x

    def takes(x: Any) -> Any:
        met.wait(20)
        y = x * leaked[0]
        return y

    def run() -> None:
        try:
            compile_(takes)(3.0)
        except TraceError as error:
            caught.append(str(error))
        met.wait(20)

    thread = threading.Thread(target=run)
    thread.start()
    assert compile_(gives)(1.0) == 1.0
    thread.join()
    assert "another thread" in caught[0]


def test_threads_that_share_nothing_with_a_trace_are_not_disturbed() -> None:
    def f(x: Any) -> Any:
        w = Value(3.0)
        y = w * 2 + pm.sin(w)
        elsewhere(lambda: (Value(3.0) * W).backward())
        assert elsewhere(lambda: compile_(lambda t: t * W)(2.0)) == 4.0
        return x * y

    assert compile_(f)(1.0) == (Value(3.0) * 2 + pm.sin(Value(3.0))).data


# -- what outlives its trace ------------------------------------------------------------------------


@pytest.mark.parametrize("name", USES)
@pytest.mark.parametrize("of", ["input", "computed", "from a captured one", "of a transform"])
def test_what_outlives_its_trace_is_refused(name: str, of: str) -> None:
    kept: list[Any] = []

    def keeping(x: Any) -> Any:
        if of == "of a transform":
            grad(lambda t: kept.append(t * t) or t * t)(x)
        else:
            kept.append({"input": x, "computed": x * 2, "from a captured one": W * 2}[of])
        return x

    for trace in (compile_(keeping), compile_(grad(keeping)), lambda x: vmap(keeping)(np.ones(2))):
        trace(1.0)
        with pytest.raises(
            TraceError, match=r"made while keeping\(\) was traced.*Return it"
        ) as caught:
            USES[name](kept.pop())
        assert "line" in str(caught.value)
        kept.clear()
    assert (Value(2.0) * 3).data == 6.0


def test_what_outlives_its_trace_is_refused_in_the_next_one() -> None:
    """As where a model keeps its last hidden state."""

    class Model:
        state: Any = None

        def __call__(self, x: Any) -> Any:
            y = x if self.state is None else x + self.state
            self.state = y * 2
            return y if y > 2 else -y

    model = Model()
    compiled = compile_(model.__call__)
    compiled(1.0)
    with pytest.raises(TraceError, match="was traced and is used after that"):
        compiled(3.0)  # another path, so another trace
    with pytest.raises(TraceError, match="was traced and is used after that"):
        model(Value(1.0))


def test_what_has_escaped_can_be_shown_and_is_not_initialised_anew() -> None:
    kept: list[Any] = []
    compile_(lambda x: kept.append(x * 2) or x)(1.5)
    assert "3.0" in repr(kept[0])
    with pytest.raises(RuntimeError):
        kept[0].__init__(1.0)
    assert W != kept[0]
    with pytest.raises(TraceError):
        kept[0] * 2
    for _ in range(3):
        assert compile_(lambda x: x * 2)(1.0) == 2.0
    kept.clear()


def test_a_leaf_made_of_a_number_stays() -> None:
    kept: list[Any] = []
    compile_(lambda x: kept.append(Value(3.0)) or x)(1.5)
    assert (kept[0] * 2).data == 6.0
