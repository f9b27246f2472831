"""What tests/faults/interrupts.py interrupts: calls that take long enough, and what they change."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from differentiable import long_chain

import pygrad
from pygrad import Value, grad, hessian, jacobian, jvp, vjp, vmap
from pygrad.nn import MLP
from pygrad.optim import SGD, Adam

_FOLDER = Path(tempfile.mkdtemp(prefix="interrupts-"))


class Scenario(NamedTuple):
    """call: what is interrupted, with a result; reset: puts back what it changes; state: what that is."""

    call: Callable[[], Any]
    reset: Callable[[], object] = lambda: None
    state: Callable[[], Any] = lambda: None


SCENARIOS: dict[str, Callable[[], Scenario]] = {}


def scenario(make: Callable[[], Scenario]) -> Callable[[], Scenario]:
    SCENARIOS[make.__name__.replace("_", " ")] = make
    return make


def bits(x: Any) -> Any:
    """A result as something that is equal only if every bit is."""
    if isinstance(x, Value):
        return "Value", bits(x.data)
    if isinstance(x, float):
        return x.hex()
    if isinstance(x, np.ndarray):
        return x.shape, x.tobytes()
    if hasattr(x, "indptr"):
        return bits(x.indptr), bits(x.indices), bits(x.data)
    if isinstance(x, dict):
        return [(key, bits(value)) for key, value in x.items()]
    return [bits(item) for item in x] if isinstance(x, (list, tuple)) else x


# -- what is computed ------------------------------------------------------------------------------


def banded(x: Any) -> Any:
    return sum((b - a) ** 2 * (a * b + 1.0) for a, b in itertools.pairwise(x))


def branching(x: Any) -> Any:
    total = x * 0.0
    for k in range(6):
        total = total + (x - k).sin() if x > k else total * x - k
    return total


def grads_of(leaves: list[Value]) -> tuple[Callable[[], None], Callable[[], Any]]:
    """What puts grads to numbers that a sweep changes, and what reads them."""

    def reset() -> None:
        for i, v in enumerate(leaves):
            v.grad = 0.125 * i

    return reset, lambda: [v.grad.hex() for v in leaves]


# -- eager -----------------------------------------------------------------------------------------


@scenario
def operations() -> Scenario:
    x = Value(0.7)
    return Scenario(lambda: long_chain(x, 3000))


@scenario
def backward() -> Scenario:
    x = Value(0.7)
    root = long_chain(x, 60_000)
    reset, state = grads_of([x, root])
    return Scenario(root.backward, reset, state)


@scenario
def zero_grad() -> Scenario:
    x = Value(0.7)
    root = long_chain(x, 60_000)
    root.backward()
    middle = root._children[0]

    def reset() -> None:
        root.grad = middle.grad = x.grad = 3.0

    return Scenario(lambda: pygrad.zero_grad(root), reset, lambda: [root.grad, middle.grad, x.grad])


@scenario
def backward_with_closures() -> Scenario:
    x = Value(0.7)
    v = x
    for _ in range(1500):
        out = Value(v.data + 1.0, (v,), "custom")

        def rule(v: Value = v, out: Value = out) -> None:
            v.grad += out.grad

        out._backward = rule
        v = out
    reset, state = grads_of([x, v])
    return Scenario(v.backward, reset, state)


@scenario
def backward_that_can_be_differentiated() -> Scenario:
    x = Value(0.7)
    root = long_chain(x, 3000)

    def call() -> Any:
        root.backward(create_graph=True)
        return x.grad

    def reset() -> None:
        x.grad = 0.0

    return Scenario(call, reset, lambda: bits(x.grad))


@scenario
def adjoint_between_values() -> Scenario:
    x = Value(0.7)
    root = long_chain(x, 3000)
    return Scenario(lambda: pygrad.gradients(root, x))


@scenario
def copies() -> Scenario:
    import copy

    root = long_chain(Value(0.7), 800)
    return Scenario(lambda: copy.deepcopy(root).data)


@scenario
def sums() -> Scenario:
    xs = [Value(0.001 * i) for i in range(20_000)]
    return Scenario(lambda: (pygrad.sum(xs).data, pygrad.dot(xs, xs).data))


# -- transforms ------------------------------------------------------------------------------------


@scenario
def gradient() -> Scenario:
    return Scenario(lambda: grad(lambda x: long_chain(x, 3000))(0.7))


@scenario
def gradient_within_no_grad() -> Scenario:
    def call() -> Any:
        with pygrad.no_grad():
            return grad(lambda x: long_chain(x, 2000))(Value(0.7))

    return Scenario(call)


@scenario
def third_derivative() -> Scenario:
    return Scenario(lambda: grad(grad(grad(lambda x: long_chain(x, 150))))(0.7))


@scenario
def forward_and_reverse_products() -> Scenario:
    def call() -> Any:
        value, pullback = vjp(lambda x: long_chain(x, 1000), 0.7)
        return value, pullback(1.0), jvp(lambda x: long_chain(x, 1000), (0.7,), (1.0,))

    return Scenario(call)


@scenario
def dense_hessian() -> Scenario:
    x = np.linspace(0.1, 1.0, 12)
    return Scenario(lambda: hessian(banded)(x))


@scenario
def checked_gradient() -> Scenario:
    return Scenario(lambda: pygrad.check_grad(lambda x: long_chain(x, 10), 0.7).verdict)


@scenario
def watched_operations() -> Scenario:
    def call() -> Any:
        with pygrad.debug_nans():
            return long_chain(Value(0.7), 300)

    return Scenario(call)


# -- programs --------------------------------------------------------------------------------------


@scenario
def first_call() -> Scenario:
    return Scenario(lambda: pygrad.compile(lambda x: long_chain(x, 2000))(0.7))


@scenario
def first_call_of_a_long_function() -> Scenario:
    return Scenario(lambda: pygrad.compile(lambda x: long_chain(x, 30_000))(0.7))


@scenario
def first_call_of_a_gradient() -> Scenario:
    return Scenario(lambda: pygrad.compile(grad(lambda x: long_chain(x, 1500)))(0.7))


@scenario
def new_path_in_a_call() -> Scenario:
    made: list[Any] = []

    def reset() -> None:
        made[:] = [pygrad.compile(grad(branching))]
        made[0](-1.0)

    def call() -> Any:
        return [made[0](x) for x in (0.5, 1.5, 2.5, 7.0, -1.0)], len(made[0].programs)

    return Scenario(call, reset, lambda: bits(made[0](-1.0)))


@scenario
def calls() -> Scenario:
    f = pygrad.compile(grad(branching))
    xs = [0.37 * i - 2.0 for i in range(30)]
    return Scenario(lambda: [f(xs[i % 30]) for i in range(1500)])


@scenario
def gradients_of_rows() -> Scenario:
    xs = np.linspace(-1.0, 7.0, 200_000)
    f = vmap(grad(branching))
    return Scenario(lambda: f(xs))


@scenario
def gradients_of_rows_in_threads() -> Scenario:
    xs = np.linspace(-1.0, 7.0, 200_000)
    f = vmap(grad(branching), threads=2)
    return Scenario(lambda: f(xs))


@scenario
def totals_of_rows_of_a_long_function() -> Scenario:
    xs = np.linspace(0.0, 1.0, 2048)
    f = pygrad.compile(vmap(lambda x: long_chain(x, 20_000), reduce="sum"))
    return Scenario(lambda: f(xs))


@scenario
def backward_over_rows() -> Scenario:
    w, xs = Value(0.7), np.linspace(0.0, 1.0, 50_000)
    f = pygrad.compile(lambda x: (w * x).sin() * w)
    reset, state = grads_of([w])
    return Scenario(lambda: f.backward(xs, reduce="sum"), reset, state)


@scenario
def rows_into_an_array() -> Scenario:
    xs, out = np.linspace(0.0, 1.0, 100_000), np.empty(100_000)
    f = vmap(lambda x: (x * x).sin() / (x + 1.0))
    return Scenario(lambda: f(xs, out=out).copy())


@scenario
def sparse_hessian() -> Scenario:
    x = np.linspace(0.1, 1.0, 300)
    return Scenario(lambda: pygrad.compile(hessian(banded, sparse=True))(x))


@scenario
def colouring() -> Scenario:
    """A row with all columns: many steps for few entries."""
    x = np.linspace(0.1, 1.0, 60)

    def f(x: Any) -> Any:
        return [*[a * b for a, b in itertools.pairwise(x)], pygrad.sum(list(x)) ** 2]

    return Scenario(lambda: jacobian(f, sparse=True)(x))


@scenario
def large_colouring() -> Scenario:
    from pygrad.programs.sparsity import Pattern, colour_columns

    n, width = 3000, 150
    starts = np.arange(n + 1) * width
    columns = (np.arange(n)[:, None] // 2 + np.arange(width)).ravel()
    by_row = Pattern((n, n), starts, columns)
    by_column = by_row.transposed()
    return Scenario(lambda: colour_columns(by_row, by_column).used)


# -- files and C -----------------------------------------------------------------------------------


def compiled_chain() -> Any:
    f = pygrad.compile(grad(branching))
    for x in (-1.0, 0.5, 3.5, 7.0):
        f(x)
    return f


@scenario
def save() -> Scenario:
    f, path = compiled_chain(), _FOLDER / "saved.pygrad"
    f.save(path)
    new = path.read_bytes()
    old = b"what was there before"

    def state() -> Any:
        # A file beside it is what a second interrupt while it is taken away would leave.
        found = path.read_bytes()
        return found if found in (old, new) else "damaged"

    return Scenario(lambda: f.save(path), lambda: path.write_bytes(old), state)


@scenario
def load() -> Scenario:
    path = _FOLDER / "loaded.pygrad"
    f = pygrad.compile(lambda x: long_chain(x, 20_000))
    f(0.7)
    f.save(path)
    return Scenario(lambda: pygrad.load(path)(0.7))


@scenario
def load_of_many_paths() -> Scenario:
    path = _FOLDER / "paths.pygrad"
    compiled_chain().save(path)
    return Scenario(lambda: [pygrad.load(path)(x) for x in (-1.0, 0.5, 3.5, 7.0)])


@scenario
def code_in_c() -> Scenario:
    f = pygrad.compile(grad(lambda x: long_chain(x, 60)))
    f(0.7)
    return Scenario(f.to_c)


@scenario
def buffer() -> Scenario:
    f = pygrad.compile(grad(lambda x: banded(x)))
    x = np.linspace(0.1, 1.0, 40)
    bound = f.buffer(x)
    return Scenario(lambda: [bits(np.array(bound())) for _ in range(500)])


@scenario
def new_buffer() -> Scenario:
    x = np.linspace(0.1, 1.0, 40)
    return Scenario(lambda: np.array(pygrad.compile(grad(banded)).buffer(x)()))


# -- training --------------------------------------------------------------------------------------


def steps_of(make: Callable[[list[Value]], Any]) -> Scenario:
    values = [Value(0.01 * i) for i in range(3000)]
    made: list[Any] = []

    def reset() -> None:
        for i, v in enumerate(values):
            v.data, v.grad = 0.01 * i, 0.5
        made[:] = [make(values)]

    def call() -> Any:
        made[0].step()
        return [values[0].data, values[-1].data]

    return Scenario(call, reset, lambda: bits([v.data for v in values]))


@scenario
def step_of_sgd() -> Scenario:
    return steps_of(lambda values: SGD(values, lr=0.1, momentum=0.9))


@scenario
def step_of_adam() -> Scenario:
    return steps_of(lambda values: Adam(values, lr=0.1))


@scenario
def training() -> Scenario:
    start = MLP(2, [4, 1])
    numbers = [p.data for p in start.parameters()]
    points = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]

    def call() -> Any:
        model = MLP(2, [4, 1])
        for p, number in zip(model.parameters(), numbers, strict=True):
            p.data = number
        optimizer = Adam(model.parameters(), lr=0.1)
        for _ in range(4):
            loss = pygrad.sum([(model(x) - x[0]) ** 2 for x in points])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return [p.data for p in model.parameters()]

    return Scenario(call)


@scenario
def compiled_training() -> Scenario:
    xs = np.linspace(0.0, 1.0, 20_000)

    def call() -> Any:
        w = Value(0.3)
        loss = pygrad.compile(lambda x: (w * x - x * x) ** 2)
        for _ in range(3):
            w.grad = 0.0
            loss.backward(xs, reduce="mean")
            w.data -= 0.5 * w.grad
        return w.data

    return Scenario(call)


@scenario
def compiled_training_by_one_call() -> Scenario:
    xs = np.linspace(0.0, 1.0, 20_000)
    loss = pygrad.compile(lambda x: (w * x - x * x) ** 2)
    w = Value(0.3)
    optims = [Adam([w], lr=0.1)]

    def reset() -> None:
        w.data, w.grad = 0.3, 2.0
        optims[0] = Adam([w], lr=0.1)

    def call() -> Any:
        return loss.backward(xs, optim=optims[0], zero_grad=True)

    def state() -> Any:
        return w.data, w.grad, optims[0]._parameters.__reduce__()[2]

    return Scenario(call, reset, state)
