"""Calls of transforms, programs and files that may run out of memory: see memory_scenarios.py.

Their results are compared with those of a call to which nothing happened, bit for bit.
"""

from __future__ import annotations

import copy
import itertools
import pickle
import tempfile
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from memory_scenarios import Scenario, leaf_values, number

import pygrad
from pygrad import Value, compile, grad, hessian, math, nn, no_grad, optim, value_and_grad, vmap
from pygrad.compiled.function import Compiled, from_bytes
from pygrad.compiled.saved import to_bytes

SCENARIOS: dict[str, Callable[[], FunctionScenario]] = {}


def bits(x: Any) -> Any:
    """What a result is, in things that compare by their bits."""
    if isinstance(x, Value):
        return "Value", x.data.hex(), float(number(x.grad)).hex(), x._op
    if isinstance(x, float):
        return x.hex()
    if isinstance(x, np.ndarray):
        return x.shape, x.tobytes() if x.dtype != object else [bits(v) for v in x.flat]
    if isinstance(x, dict):
        return [(key, bits(part)) for key, part in x.items()]
    if isinstance(x, list | tuple):
        return [bits(part) for part in x]
    if hasattr(x, "tocoo"):
        x = x.tocoo()
        return bits([x.row, x.col, x.data])
    assert x is None or isinstance(x, bool | int | str | bytes), type(x)
    return x


class FunctionScenario(Scenario):
    """A scenario that has tables of programs, too: what they hold, they hold afterwards."""

    def __init__(
        self,
        call: Callable[[], Any],
        watched: Iterable[Value] = (),
        compiled: Iterable[Compiled[..., Any]] = (),
        folder: Any = None,  # whose files stay as they are
        read: Callable[[Any], Any] = lambda result: result,  # what of a result is compared
    ) -> None:
        super().__init__(call, list(watched), self._has_the_bits, 0)
        self.compiled, self.folder, self.read = list(compiled), folder, read
        self.wanted: Any = None

    def _has_the_bits(self, result: Any) -> bool:
        return bool(bits(self.read(result)) == self.wanted)

    def state(self) -> list[Any]:
        return [*super().state(), *self.files()]

    def files(self) -> list[tuple[str, bytes]]:
        if self.folder is None:
            return []
        files = sorted(Path(self.folder.name).iterdir())
        return [(p.name, p.read_bytes()) for p in files if not p.name.startswith(".")]

    def held(self) -> list[Any]:
        """All programs, and all paths of each."""
        programs: list[Any] = []
        for f in self.compiled:
            programs += [*f.store.calls, *f.store.row_programs(), *f.store.written]
        return [*programs, *[path for p in programs if p is not None for path in p.paths.all]]


def scenario(make: Callable[[], FunctionScenario]) -> Callable[[], FunctionScenario]:
    def made() -> FunctionScenario:
        now = make()
        now.wanted = _wanted(make)
        return now

    SCENARIOS[make.__name__] = made
    return made


_KNOWN: dict[Any, Any] = {}


def _wanted(make: Callable[[], FunctionScenario]) -> Any:
    """The bits of the result of a call to which nothing happens."""
    if make not in _KNOWN:
        now = make()
        _KNOWN[make] = bits(now.read(now.call()))
    return _KNOWN[make]


# -- functions that are used below -----------------------------------------------------------------


def branching(x: Any) -> Any:
    y = math.sin(x) * x if x > 0 else x * x - 1
    return y * 2 if y > 10 else y / 3


def loss(w: Any, x: Any, y: Any) -> Any:
    error = math.tanh(w[0] * x[0] + w[1] * x[1]) * w[2] - y
    return error**2 if abs(error) < 1 else 2 * abs(error) - 1


def rosenbrock(x: Any) -> Any:
    return sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in itertools.pairwise(x))


ROWS = np.linspace(-2.0, 2.0, 40).reshape(20, 2)
TARGETS = np.linspace(-3.0, 3.0, 20)
WEIGHTS = [0.5, -1.5, 2.0]


# -- compile ---------------------------------------------------------------------------------------


@scenario
def first_call() -> FunctionScenario:
    f = compile(branching)
    return FunctionScenario(lambda: f(2.0), compiled=[f])


@scenario
def call_with_containers() -> FunctionScenario:
    # Not x.sum(): of an array with __array_ufunc__ NumPy loses a reference where a reduction raises.
    f = compile(lambda p, x, how="a": {"y": p["k"][0] * sum(x), "x": (x * p["k"][1], [x[0]])})
    return FunctionScenario(lambda: f({"k": [2.0, 3.0]}, np.array([1.0, -2.0])), compiled=[f])


@scenario
def another_structure() -> FunctionScenario:
    f = compile(lambda x: x * 2 if np.ndim(x) == 0 else x[0] * x[1])
    f(2.0)
    return FunctionScenario(lambda: f([2.0, 3.0]), compiled=[f])


@scenario
def structure_that_takes_the_place_of_another() -> FunctionScenario:
    f = compile(lambda x: x[0] * x[0])
    for size in range(1, 65):
        f([2.0] * size)

    def call() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return f([3.0] * 65)

    made = FunctionScenario(call)
    held = list(f.store.calls)
    made.held = lambda: held if set(map(id, f.store.calls)) >= set(map(id, held[1:])) else []  # type: ignore[method-assign]
    return made


@scenario
def new_paths_in_a_call() -> FunctionScenario:
    f = compile(branching)
    f(2.0)
    return FunctionScenario(lambda: (f(8.0), f(-1.0), f(-9.0)), compiled=[f])


@scenario
def known_paths_in_a_call() -> FunctionScenario:
    f = compile(branching)
    for x in (2.0, 8.0, -1.0, -9.0):
        f(x)
    return FunctionScenario(lambda: (f(8.0), f(-1.0), f(-9.0), f(2.0)), compiled=[f])


@scenario
def calls_in_c() -> FunctionScenario:
    """The first that is left to C, one that is, and one whose path C does not know yet."""
    w = leaf_values()[0]

    def of(p: Any, x: Any, how: Any) -> Any:
        first = p["k"][0] * x[1] if x[0] > 0 else p["k"][1]
        return {"y": first, "x": (x[0] * p["k"][1], [x[0] > 1, how]), "a": np.tanh(x)}

    f, g = compile(of), compile(lambda x, y: w * x * y)
    p, x = {"k": [2.0, 3]}, np.array([1.0, -2.0])
    f(p, -x, "a"), f(p, x, "a"), f(p, -x, "a"), g(1.0, 2)
    f._calls.forget()

    def call() -> Any:
        results = [f(p, x, "a"), f(p, x, "a"), f(p, -x[:], "a"), f({"k": [0.5, 1.0]}, -x, "a")]
        return [*results, g(2.0, 3.0), g(Value(2.0), 3.0)]

    return FunctionScenario(call, [w], [f, g])


@scenario
def a_step_of_a_training_loop() -> FunctionScenario:
    a, b = leaf_values()
    loss = compile(lambda x: (a * x - b) ** 2)
    x, adam = np.array([1.0, 2.0, 4.0]), optim.Adam([a, b], lr=0.1)
    return FunctionScenario(lambda: loss.backward(x, optim=adam, zero_grad=True), [a, b], [loss])


@scenario
def such_a_step_in_c() -> FunctionScenario:
    a, b = leaf_values()
    loss = compile(lambda x: (a * x - b) ** 2)
    x = np.ones(2000)
    loss.backward(x[:3])
    adam = optim.Adam([a, b], lr=0.1)
    return FunctionScenario(lambda: loss.backward(x, optim=adam, zero_grad=True), [a, b], [loss])


@scenario
def compiled_gradient_with_captured_values() -> FunctionScenario:
    a, b = leaf_values()
    f = compile(value_and_grad(lambda x: a * math.exp(x[0]) + b * x[1] * a))
    return FunctionScenario(lambda: f(np.array([0.5, 2.0])), [a, b], [f])


@scenario
def compiled_in_compiled() -> FunctionScenario:
    inner = compile(branching)
    f = compile(grad(lambda x: inner(x) * inner(-x)))
    return FunctionScenario(lambda: f(2.0), compiled=[inner, f])


@scenario
def no_grad_in_a_trace() -> FunctionScenario:
    w = leaf_values()[0]

    def of(x: Any) -> Any:
        with no_grad():
            s = x * w
        return s * x if s > 0 else s

    f = compile(value_and_grad(of))
    return FunctionScenario(lambda: f(3.0), [w], [f])


@scenario
def handler_of_a_row() -> FunctionScenario:
    def of(x: Any) -> Any:
        try:
            return math.exp(x) * 2
        except OverflowError:
            return x

    f = compile(of)
    f(1.0)

    def call() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return f(1000.0)

    return FunctionScenario(call, compiled=[f])


# -- rows ------------------------------------------------------------------------------------------


@scenario
def mapped() -> FunctionScenario:
    return FunctionScenario(lambda: vmap(branching)(TARGETS * 4))


@scenario
def mapped_again_with_new_paths() -> FunctionScenario:
    f = compile(vmap(branching))
    f(np.array([1.0, 2.0]))
    return FunctionScenario(lambda: f(TARGETS * 4), compiled=[f])


@scenario
def mapped_gradients() -> FunctionScenario:
    return FunctionScenario(lambda: vmap(grad(loss), (None, 0, 0))(WEIGHTS, ROWS, TARGETS))


@scenario
def mapped_into_an_array() -> FunctionScenario:
    out = np.zeros(20)
    f = vmap(loss, (None, 0, 0))
    return FunctionScenario(lambda: f(WEIGHTS, ROWS, TARGETS, out=out))


@scenario
def gradient_of_a_mean_over_rows() -> FunctionScenario:
    f = compile(value_and_grad(vmap(loss, (None, 0, 0), reduce="mean")))
    return FunctionScenario(lambda: f(WEIGHTS, ROWS, TARGETS), compiled=[f])


@scenario
def mapped_by_threads() -> FunctionScenario:
    f = vmap(branching, threads=2)
    x = np.linspace(-20, 20, 3000)
    f(x)
    return FunctionScenario(lambda: f(x))


@scenario
def backward_over_rows() -> FunctionScenario:
    a, b = leaf_values()
    inner = a * b
    f = compile(lambda x, y: (inner * x - y) ** 2 if x > 0 else (b * x + y) ** 2)
    x, y = ROWS[:, 0].copy(), TARGETS
    return FunctionScenario(
        lambda: f.backward(x, y), [a, b, inner], [f], read=lambda mean: [mean, a, b]
    )


# -- derivatives -----------------------------------------------------------------------------------


@scenario
def hessians() -> FunctionScenario:
    return FunctionScenario(lambda: hessian(rosenbrock)(np.array([0.5, -1.0, 2.0])))


@scenario
def sparse_hessian_in_colours() -> FunctionScenario:
    f = compile(hessian(rosenbrock, sparse=True))
    x = np.linspace(-1.0, 1.0, 12)
    return FunctionScenario(lambda: f(x), compiled=[f])


@scenario
def sparse_jacobian_in_colours() -> FunctionScenario:
    def f(x: Any) -> Any:
        return [a * b - a for a, b in itertools.pairwise(x)]

    g = compile(pygrad.jacobian(f, sparse=True))
    x = np.linspace(-1.0, 1.0, 12)
    return FunctionScenario(lambda: g(x), compiled=[g])


@scenario
def compiled_jacobians() -> FunctionScenario:
    f = compile(lambda x: [x[0] * x[1], math.sin(x[1]) if x[0] > 0 else x[1]])
    g, h = pygrad.jacrev(f), pygrad.jacfwd(f)
    return FunctionScenario(lambda: (g([1.0, 2.0]), h([-1.0, 2.0])), compiled=[f])


@scenario
def directional_derivatives() -> FunctionScenario:
    def call() -> Any:
        forward = pygrad.jvp(rosenbrock, (np.array([0.5, 2.0]),), (np.array([1.0, -1.0]),))
        value, pullback = pygrad.vjp(rosenbrock, np.array([0.5, 2.0]))
        again = pygrad.hvp(rosenbrock, np.array([0.5, 2.0]), np.array([1.0, -1.0]))
        return forward, value, pullback(1.0), again

    return FunctionScenario(call)


@scenario
def nested_derivatives_with_captured_values() -> FunctionScenario:
    a, b = leaf_values()
    f = grad(grad(lambda x: a * x**3 + b * math.exp(x) * a))

    def call() -> Any:
        total = (f(0.5) + a) ** 2
        total.backward()
        return total, a, b

    return FunctionScenario(call, [a, b])


# -- files and their kin ---------------------------------------------------------------------------


def traced() -> tuple[Compiled[..., Any], list[Value]]:
    a, b = leaf_values()
    f = compile(lambda x: {"y": a * x[0] + b if x[0] > 0 else (x[1] * b).tanh()})
    f(np.array([1.0, 2.0]))
    f(np.array([-1.0, 2.0]))
    return f, [a, b]


@scenario
def save() -> FunctionScenario:
    f, captured = traced()
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name, "f.pygrad")
    path.write_bytes(b"what was there before")

    return FunctionScenario(
        lambda: f.save(path), captured, [f], folder, lambda _: path.read_bytes()
    )


@scenario
def load() -> FunctionScenario:
    f, captured = traced()
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name, "f.pygrad")
    f.save(path)

    def call() -> Any:
        loaded = pygrad.load(path)
        return loaded(np.array([3.0, 1.0])), loaded.captured

    return FunctionScenario(call, captured, [f], folder)


@scenario
def load_mapped() -> FunctionScenario:
    f = compile(value_and_grad(vmap(loss, (None, 0, 0), reduce="mean")))
    f(WEIGHTS, ROWS, TARGETS)
    data = to_bytes(f.store)
    return FunctionScenario(lambda: from_bytes(data)(WEIGHTS, ROWS, TARGETS), compiled=[f])


@scenario
def loaded_on_values() -> FunctionScenario:
    f, captured = traced()
    loaded = from_bytes(to_bytes(f.store))

    def call() -> Any:
        x = [Value(2.0), Value(3.0)]
        slopes = grad(lambda x: loaded(x)["y"])(np.array([-1.0, 2.0]))
        result = loaded(np.array(x))["y"]
        result.backward()
        return result, x, slopes

    return FunctionScenario(call, [*captured, *loaded.captured], [loaded])


@scenario
def pickled_and_back() -> FunctionScenario:
    f, captured = traced()
    loaded = from_bytes(to_bytes(f.store))
    return FunctionScenario(
        lambda: pickle.loads(pickle.dumps(loaded))(np.array([3.0, 1.0])), captured, [f, loaded]
    )


@scenario
def to_c() -> FunctionScenario:
    f = compile(grad(branching))
    f(2.0)
    f(8.0)
    return FunctionScenario(lambda: f.to_c(-1.0, name="slope"), compiled=[f])


@scenario
def buffer() -> FunctionScenario:
    f = compile(lambda x, y: [branching(x[0]), y * x[1]])
    x = np.array([1.0, 2.0])

    def call() -> Any:
        x[0] = 1.0
        bound = f.buffer(x, 3.0)
        results = []
        for first in (1.0, -7.0, 2.0, -3.0):
            x[0] = first
            results.append(bits(bound()))
        return results

    return FunctionScenario(call, compiled=[f])


# -- uses ------------------------------------------------------------------------------------------


@scenario
def solvers_of_scipy() -> FunctionScenario:
    from pygrad.scipy import minimize

    return FunctionScenario(
        lambda: minimize(rosenbrock, np.array([0.9, 0.8]), method="BFGS", options={"maxiter": 2}).x
    )


def small_network() -> tuple[nn.MLP, list[Value]]:
    model = nn.MLP(2, [2, 1])
    for i, p in enumerate(model.parameters()):
        p.data = (-1) ** i * (0.25 + 0.125 * i)
    return model, model.parameters()


@scenario
def step_of_a_network() -> FunctionScenario:
    model, parameters = small_network()
    optimizer = optim.Adam(parameters, lr=0.5)

    def call() -> Any:
        for p in parameters:  # a failure in step() leaves the gradients of backward()
            p.grad = 0.0
        (model([0.5, -2.0]) - 1.0).backward()
        optimizer.step()
        return parameters

    made = FunctionScenario(call, parameters)
    made.state = lambda: [p.data.hex() for p in parameters]  # type: ignore[method-assign]
    return made


@scenario
def steps_with_momentum() -> FunctionScenario:
    _, parameters = small_network()
    optimizer = optim.SGD(parameters, lr=0.5, momentum=0.9)
    for i, p in enumerate(parameters):
        p.grad = 0.5 * i
    return FunctionScenario(lambda: (optimizer.step(), parameters), parameters)


@scenario
def copied_network() -> FunctionScenario:
    model, parameters = small_network()
    return FunctionScenario(lambda: copy.deepcopy(model).parameters(), parameters)


@scenario
def explained_and_drawn() -> FunctionScenario:
    a, b = leaf_values()
    c = (a * b + 1.0).tanh()

    def call() -> Any:
        return str(pygrad.explain(c)), pygrad.draw(c).to_svg(), repr(pygrad.explore(c))

    return FunctionScenario(call, [a, b, c])


@scenario
def checked_gradient() -> FunctionScenario:
    return FunctionScenario(lambda: str(pygrad.check_grad(lambda x: math.sin(x) * x, 0.5)))


@scenario
def watched_program() -> FunctionScenario:
    a, b = leaf_values()

    def call() -> Any:
        with pygrad.debug_nans():
            return grad(lambda x: loss([x, b, a], [1.0, 2.0], 3.0))(0.5)

    return FunctionScenario(call, [a, b])
