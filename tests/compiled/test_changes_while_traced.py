"""A path is kept only for what its trace has found: what changes before the trace begins, or while it runs,
leaves nothing behind that later calls would use."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from written import in_module

from pygrad import compile as compile_
from pygrad import grad, hessian, value_and_grad, vmap


def in_another_thread(change: Callable[[], object]) -> None:
    thread = threading.Thread(target=change)
    thread.start()
    thread.join()


class Hashed:
    """A static argument: where it is looked up among programs, another thread changes k."""

    def __init__(self, module: dict[str, Any]) -> None:
        self.module, self.k = module, 0.0

    def __hash__(self) -> int:
        if self.k:
            in_another_thread(lambda: self.module.update(k=self.k))
            self.k = 0.0
        return 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hashed)


def test_a_change_between_the_look_and_the_trace_that_is_undone_within_it() -> None:
    text = "def f(x, _):\n    y = x * k\n    after()\n    return y"
    module = in_module(text, k=1.0, after=lambda: None)
    f, static = compile_(module["f"]), Hashed(module)
    given = (static,)  # whose attributes nobody looks at

    def after() -> None:
        in_another_thread(lambda: module.update(k=1.0))

    module["after"] = after
    static.k = 2.0
    assert f(1.0, given) == 2.0  # what this call has found
    assert module["k"] == 1.0
    assert [f(1.0, given), f(3.0, given)] == [1.0, 3.0]


def changed_in_the_middle(k: float) -> tuple[dict[str, Any], list[float]]:
    """A module with a function that reads k, which another thread then changes to what stands in a list."""
    text = "def f(x):\n    y = x * k if x > 0 else x / k\n    then()\n    return y * k"
    module = in_module(text, k=k)
    to: list[float] = []

    def then() -> None:
        if to:
            in_another_thread(lambda: module.update(k=to.pop()))

    module["then"] = then
    return module, to


def test_a_path_of_two_states_serves_one_call() -> None:
    module, to = changed_in_the_middle(1.0)
    f = compile_(module["f"])
    assert f(1.0) == 1.0
    to.append(4.0)
    assert f(-1.0) == -4.0  # -1 / 1 * 4, as eager code would have it
    assert f(-1.0) == -1.0
    module["k"] = 1.0
    assert [f(1.0), f(-1.0), f(-2.0)] == [1.0, -1.0, -2.0]


def test_paths_before_the_change_are_kept() -> None:
    module, to = changed_in_the_middle(1.0)
    f = compile_(module["f"])
    assert f(1.0) == 1.0
    to.append(4.0)
    f(-1.0)
    module["k"] = 1.0
    assert f(2.0) == 2.0
    assert len(f.programs) == 1


def uses_of(plain: Callable[[Any], Any]) -> dict[str, Callable[[], Any]]:
    """Calls at -1 of what is made of a function: each gives its slope there."""
    rows, x = np.array([1.0, -1.0]), np.array([1.0])
    slope, mapped = compile_(grad(plain)), compile_(vmap(plain))
    curvature = compile_(hessian(lambda x: plain(x[0]) * x[1]))
    weighted = vmap(lambda w, x: plain(w) * x, in_axes=(None, 0), reduce="sum")
    total, loss = compile_(value_and_grad(weighted)), compile_(lambda x: plain(x))
    buffer = compile_(lambda x: plain(x[0])).buffer(x)
    x[0] = -1.0
    return {
        "grad": lambda: slope(-1.0),
        "hessian": lambda: curvature([-1.0, 2.0])[0][1],
        "rows": lambda: -mapped(-rows)[0],
        "totals": lambda: total(-1.0, rows + 1.0)[1] / 2.0,
        "backward": lambda: -loss.backward(rows[1:]),
        "buffer": lambda: -buffer(),
    }


@pytest.mark.parametrize("kind", ["grad", "hessian", "rows", "totals", "backward", "buffer"])
def test_whatever_is_made_of_it(kind: str) -> None:
    module, to = changed_in_the_middle(1.0)
    call = uses_of(module["f"])[kind]
    for before, k in ((1.0, 4.0), (5.0, 2.0), (6.0, 3.0)):
        module["k"] = before
        to.append(k)
        assert call() == k / before  # read before and after the change
        assert call() == 1.0
        module["k"] = before
        assert call() == 1.0
        module["k"] = k
        assert call() == 1.0


def test_a_buffer_does_not_keep_what_served_one_call() -> None:
    """Not even as its first path."""
    module, to = changed_in_the_middle(1.0)
    to.append(4.0)
    x = np.array([-1.0])
    buffer = compile_(lambda x: module["f"](x[0])).buffer(x)
    for k in (4.0, 1.0, 2.0):
        module["k"] = k
        assert buffer() == -1.0
        assert buffer() == -1.0


def test_a_function_that_always_changes_what_it_reads() -> None:
    module = in_module("def f(x):\n    global n\n    n += 1\n    return n * x", n=0)
    f = compile_(module["f"])
    assert [f(1.0) for _ in range(3)] == [1.0, 2.0, 3.0]
    with pytest.raises(RuntimeError, match=r"f\(\) changes what it reads from elsewhere"):
        f.to_c(1.0)
    module["n"] = 0
    x = np.array(1.0)
    buffer = compile_(module["f"]).buffer(x)
    made = module["n"]
    assert [float(buffer()) for _ in range(3)] == [made + 1.0, made + 2.0, made + 3.0]
