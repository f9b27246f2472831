"""Saved programs: what is loaded is the function that was saved; what is no such file is refused."""

from __future__ import annotations

import gc
import math
import random
import warnings
from collections import OrderedDict, namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import damage
import numpy as np
import pytest
import truth
from routines import function_of, random_routine, random_rows, same_bits

import pygrad
from pygrad import (
    NotSavedError,
    TraceError,
    Value,
    debug_nans,
    grad,
    gradients,
    hessian,
    hvp,
    jacobian,
    jvp,
    load,
    no_grad,
    value_and_grad,
    vmap,
)
from pygrad import compile as compile_
from pygrad import math as pm
from pygrad._core import ffi, lib
from pygrad._native import replay
from pygrad.compiled.function import from_bytes
from pygrad.compiled.saved import to_bytes
from pygrad.optim import SGD

SAVED = Path(__file__).resolve().parents[1] / "saved"
Pair = namedtuple("Pair", "a b")


def again(compiled: Any) -> Any:
    """What is loaded from the bytes of a compiled function."""
    return from_bytes(to_bytes(compiled.store))


def flat(tree: Any) -> list[float]:
    if isinstance(tree, dict):
        return [x for part in tree.values() for x in flat(part)]
    if isinstance(tree, (tuple, list)):
        return [x for part in tree for x in flat(part)]
    return np.ravel(tree).tolist()


def bits(tree: Any) -> list[str]:
    return ["nan" if math.isnan(x) else float(x).hex() for x in flat(tree)]


@pytest.fixture
def samples() -> dict[str, bytes]:
    return damage.samples()


# -- what is loaded is what was saved --------------------------------------------------------------


def test_a_file_keeps_every_path(tmp_path: Path) -> None:
    @compile_
    def f(x: Any) -> Any:
        """A cube, or not."""
        return x**3 if x > 0 else -x

    wanted = [f(x) for x in (2.0, -2.0, math.nan)]
    f.save(tmp_path / "f.pygrad")
    f.save(str(tmp_path / "g.pygrad"))
    for path in (tmp_path / "f.pygrad", str(tmp_path / "g.pygrad")):
        loaded = load(path)
        assert bits([loaded(x) for x in (2.0, -2.0, math.nan)]) == bits(wanted)
        assert (loaded.__name__, loaded.__doc__) == ("f", "A cube, or not.")
        assert loaded.programs == f.programs
        assert len(loaded.programs) == 2


def test_structures_static_arguments_and_names() -> None:
    def f(x: Any, p: Any, n: int, *, how: str = "a", scale: Any = 1.0) -> Any:
        y = x.sum() * p["k"][0] ** n * scale + p[1, None][0]
        return {"y": y, 2: [x, (y, {})]} if how == "a" else x

    compiled = compile_(f, static_argnums=2)
    x, p = np.arange(6.0).reshape(2, 3), {"k": [2.0, 3.0], (1, None): (0.5,)}
    calls: list[Callable[[Any], Any]] = [
        lambda g: g(x, p, 2),
        lambda g: g(x, p, 3),
        lambda g: g(x, p, 2, how="b"),
        lambda g: g(x, p, 2, scale=4),
        lambda g: g(x, p, 2, scale=-0.25, how="a"),
        lambda g: g(x[:, :0], p, 2),
    ]
    wanted = [call(compiled) for call in calls]
    loaded = again(compiled)
    for call, result in zip(calls, wanted, strict=True):
        got = call(loaded)
        assert repr(got) == repr(result)
    assert list(loaded(x, p, 2)) == ["y", 2]
    with pytest.raises(NotSavedError) as refused:
        loaded(x, p, 4)
    words = (
        "f() was saved for (an array of shape (2, 3), a dict of 2, 2) or (an array of shape (2, 3)"
    )
    assert str(refused.value).startswith(words)
    assert "or others, not for (an array of shape (2, 3), a dict of 2, 4). Call" in str(
        refused.value
    )


@pytest.mark.parametrize(
    "x", [None, True, 0.0, -0.0, math.inf, 10**40, "é\ud800", b"\0", (1, (2.5,))]
)
def test_static_arguments_keep_value_and_type(x: Any) -> None:
    f = compile_(lambda a, s: a * 2, static_argnums=1)
    f(1.0, x)
    loaded = again(f)
    assert loaded(3.0, x) == 6.0
    for other in (1, -1.0, "1", 0.0 if str(x) == "-0.0" else -0.0):
        with pytest.raises(NotSavedError):
            loaded(3.0, other)


def losses() -> tuple[Callable[..., Any], dict[str, Any], Any, Any]:
    def loss(p: Any, x: Any, y: Any) -> Any:
        error = pm.tanh(p["w"][0] * x[0] + p["w"][1] * x[1]) * p["v"] - y
        return error**2 if abs(error) < 0.5 else abs(error)

    rng = np.random.default_rng(1)
    return (
        loss,
        {"w": np.array([0.5, -1.0]), "v": 2.0},
        rng.normal(size=(150, 2)),
        rng.normal(size=150),
    )


MAPPED: dict[str, Callable[[Any], Any]] = {
    "rows": lambda f: vmap(f, (None, 0, 0)),
    "sum": lambda f: vmap(f, (None, 0, 0), reduce="sum"),
    "in threads": lambda f: vmap(f, (None, 0, 0), reduce="mean", threads=2, errors="ignore"),
    "grad": lambda f: grad(vmap(f, (None, 0, 0), reduce="mean")),
    "value_and_grad": lambda f: value_and_grad(vmap(f, [None, 0, 0], reduce="mean")),
    "by several": lambda f: grad(
        vmap(lambda w, v, x, y: f({"w": w, "v": v}, x, y), (None, None, 0, 0), reduce="sum"), (0, 1)
    ),
    "of gradients": lambda f: vmap(value_and_grad(f), (None, 0, 0)),
}


@pytest.mark.parametrize("name", MAPPED)
def test_maps_and_their_derivatives(name: str) -> None:
    loss, p, x, y = losses()
    compiled = compile_(MAPPED[name](loss))
    args = (p["w"], p["v"], x, y) if name == "by several" else (p, x, y)
    wanted = compiled(*args)
    loaded = again(compiled)
    assert bits(loaded(*args)) == bits(wanted)
    assert loaded.programs == compiled.programs
    assert len(loaded.programs) >= 2
    assert bits(again(loaded)(*args)) == bits(wanted)
    fewer = (*args[:-2], x[:7], y[:7])  # any number of rows
    assert flat(loaded(*fewer)) == pytest.approx(flat(MAPPED[name](loss)(*fewer)), rel=1e-14)


def test_maps_of_hessians() -> None:
    f = compile_(vmap(hessian(lambda x: x[0] ** 3 * pm.sin(x[1]))))
    x = np.linspace(-1, 1, 20).reshape(10, 2)
    wanted = f(x)
    assert bits(again(f)(x)) == bits(wanted)


def test_a_reduced_map_of_arrays_of_one() -> None:
    f = compile_(value_and_grad(vmap(lambda w, x: w * x, (None, 0), reduce="sum")))
    x, w = np.ones((4, 1)), np.array([2.0])
    wanted = f(w[0], x[:, 0])
    assert again(f)(w[0], x[:, 0]) == wanted
    rows = compile_(vmap(lambda w, x: w * x, (None, 0), reduce="sum"))
    of_values = rows(Value(2.0), x)  # a program with derivatives, whose result is an array
    assert again(rows)(Value(2.0), x).data == of_values.data == 8.0
    assert again(rows).f.f(Value(3.0), np.array([Value(2.0)]))[0].data == 6.0


def test_a_loaded_map_takes_out_and_transforms() -> None:
    f = compile_(vmap(lambda x: (x.exp() if x > 0 else x) * 2))
    x = np.array([0.5, -1.0, 2.0])
    f(x)
    loaded, out = again(f), np.empty(3)
    assert loaded(x, out=out) is out
    assert out.tolist() == f(x).tolist()
    assert grad(lambda a: sum(loaded(a)))(x).tolist() == grad(lambda a: sum(f(a)))(x).tolist()


def test_what_was_trained_can_be_trained_on() -> None:
    x, y = np.linspace(-1, 1, 9), np.linspace(0, 3, 9)

    def model() -> tuple[Any, list[Value]]:
        w = [Value(0.5, label="w"), Value(-0.25, label="b")]
        return compile_(lambda x, y: (w[0] * x + w[1] - y) ** 2 if x > 0 else abs(w[0] - y)), w

    compiled, w = model()
    for reduce in ("mean", "sum"):
        compiled.backward(x, y, reduce=reduce)
    loaded = again(compiled)
    assert [(v.data, v.grad, v.label) for v in loaded.captured] == [(0.5, 0, "w"), (-0.25, 0, "b")]
    for reduce in ("mean", "sum"):
        pygrad.zero_grad(w)
        pygrad.zero_grad(loaded.captured)
        assert loaded.backward(x, y, reduce=reduce) == compiled.backward(x, y, reduce=reduce)
        assert [v.grad for v in loaded.captured] == [v.grad for v in w]
    assert len(loaded.programs) == len(compiled.programs)
    optimizer = SGD(list(loaded.captured), lr=0.1)
    before = loaded.backward(x, y)
    optimizer.step()
    assert loaded.backward(x, y) < before
    # Programs for rows serve single calls, too: they are run on Values to be traced.
    assert loaded(0.5, 1.0) == pytest.approx(
        (loaded.captured[0].data * 0.5 + loaded.captured[1].data - 1) ** 2
    )


def test_derivatives_lead_on_to_captured_values_as_those_of_the_function_do() -> None:
    w = Value(2.0)
    f = compile_(lambda x: w * x * x)
    assert f(3.0) == 18.0
    loaded = again(f)
    for of, captured in ((f, w), (loaded, loaded.captured[0])):
        slope = pygrad.grad(of)(3.0)
        assert isinstance(slope, Value)
        (slope**2).backward()
        assert (slope.data, captured.grad) == (12.0, 2 * 12.0 * 6.0)
        with pygrad.no_grad():
            assert type(pygrad.grad(of)(3.0)) is float
        assert type(compile_(pygrad.grad(of))(3.0)) is type(of(3.0)) is float


def test_captured_values_are_the_loaded_functions_own() -> None:
    w, b = Value(2.0, label="w"), Value(1.0)
    f = compile_(lambda x: w * x + b if w > 0 else w - x * b)
    f(3.0)
    w.data = -1.0
    f(3.0)
    loaded = again(f)  # with the numbers of this moment
    assert [(v.data, v.label) for v in loaded.captured] == [(-1.0, "w"), (1.0, "")]
    w.data = 7.0
    assert (f(3.0), loaded(3.0)) == (22.0, -4.0)
    loaded.captured[0].data = 10.0
    assert (loaded(3.0), w.data) == (31.0, 7.0)
    assert loaded.captured[0] is not w
    loaded.backward(np.array([1.0, 2.0]))
    assert [v.grad for v in loaded.captured] == [1.5, 1.0]
    loaded.captured[0].data = 0.5
    assert again(loaded).captured[0].data == 0.5


@pytest.mark.parametrize("seed", range(25))
def test_random_functions(seed: int) -> None:
    rng = random.Random(seed)
    routine = random_routine(rng, None)
    f = function_of(routine, [Value(x) for x in routine.captured])
    rows = random_rows(rng, routine, 70)
    everything = tuple(range(routine.inputs))
    one, many = compile_(value_and_grad(f, everything)), compile_(vmap(f, errors="ignore"))
    wanted = many(*rows.T)
    results = [one(*row) for row in rows]
    plain = compile_(f)
    for row in rows:
        plain(*row)
    loaded_one, loaded_many, loaded_plain = map(again, (one, many, plain))
    for lanes in (0, 1, 2):
        lib.pg_choose_lanes(lanes)
        assert bits(loaded_many(*rows.T)) == bits(wanted)
    for row, result in zip(rows, results, strict=True):
        assert bits(loaded_one(*row)) == bits(result)
        on_values = loaded_plain(*map(Value, row))
        assert isinstance(on_values, Value)
        assert same_bits(on_values.data, plain(*row))
        # Its program, run on Values and traced again, is as good.
        assert same_bits(compile_(lambda *r: loaded_plain(*r))(*row), plain(*row))


# -- differentiated --------------------------------------------------------------------------------


def bumpy(x: Any) -> Any:
    y = x[0] ** 2 * x[1] + pm.exp(x[1] * x[0]) if x[0] > 0 else pm.sin(x[0]) * x[1] ** -1.5
    return y + pygrad.dot([x[0], 2.0], [x[1], y], y) + abs(x[1]) * pygrad.sum([x[0], y, 3.0])


POINTS = [np.array([0.3, 0.5]), np.array([-0.7, 2.0]), np.array([1.5, 0.2])]


@pytest.mark.parametrize(
    "transform",
    [
        grad,
        value_and_grad,
        hessian,
        lambda f: grad(lambda x: sum(grad(f)(x))),
        lambda f: hessian(lambda x: grad(f)(x)[0]),
        lambda f: lambda x: hvp(f, x, np.array([1.0, -2.0])),
        lambda f: lambda x: jvp(f, (x,), (np.array([1.0, -2.0]),)),
        lambda f: jacobian(lambda x: [f(x), x[0] * f(x)]),
        lambda f: compile_(lambda x: f(x) * f(x * 2)),
        lambda f: lambda x: vmap(grad(f))(np.stack([x, x * 2])),
        lambda f: (
            lambda x: value_and_grad(vmap(lambda a, b: f(a) * b, (None, 0), reduce="mean"))(x, x)
        ),
    ],
)
def test_transforms_of_a_loaded_function(transform: Any) -> None:
    compiled = compile_(bumpy)
    for x in POINTS:
        compiled(x)
    loaded = again(compiled)
    for x in POINTS:
        assert flat(transform(loaded)(x)) == pytest.approx(
            flat(transform(bumpy)(x)), rel=1e-12, abs=1e-14
        )


UNARY = [name for name in truth.UNARY if name != "acosh"]
BINARY = ["pow", "logaddexp", "atan2", "hypot", "maximum", "minimum"]


@pytest.mark.parametrize(
    "name", [*UNARY, *BINARY, "acosh", "clip", "where", "pown", "mod", "floordiv"]
)
def test_every_op_differentiates_after_loading(name: str) -> None:
    """Programs of a first derivative have the words that only slopes use; these differentiate, too."""
    op = getattr(pm, name, None)
    f: Any = {
        **dict.fromkeys(UNARY, lambda x, y: op(x) * y),
        **dict.fromkeys(BINARY, lambda x, y: op(x, y)),
        "acosh": lambda x, y: pm.acosh(x + 1) * y,
        "clip": lambda x, y: pm.clip(x, y, 0.5),
        "where": lambda x, y: pm.where(x, y, x) * x,
        "pown": lambda x, y: x**2.5 * y**-3 + x**3 + (x * y) ** -1,
        "mod": lambda x, y: x % y,
        "floordiv": lambda x, y: x // y * y,
    }[name]
    both = value_and_grad(f, (0, 1))
    compiled, slopes = compile_(f), compile_(both)
    compiled(0.4, 0.7)
    slopes(0.4, 0.7)
    assert bits(again(slopes)(0.4, 0.7)) == bits(slopes(0.4, 0.7))
    for k in (0, 1):
        wanted = grad(lambda x, y, k=k: both(x, y)[1][k], (0, 1))(0.4, 0.7)
        after = grad(lambda x, y, k=k: again(slopes)(x, y)[1][k], (0, 1))(0.4, 0.7)
        of_value = grad(lambda x, y, k=k: grad(again(compiled), (0, 1))(x, y)[k], (0, 1))(0.4, 0.7)
        assert after == pytest.approx(wanted, rel=1e-12, abs=1e-300)
        assert of_value == pytest.approx(wanted, rel=1e-12, abs=1e-300)


def test_given_values_it_joins_their_graph() -> None:
    w = Value(3.0)
    f = compile_(lambda x, y: [w * x * y, w, x])
    f(1.0, 2.0)
    loaded = again(f)
    x, y = Value(2.0, label="x"), Value(5.0)
    product, captured, same = loaded(x, y)
    product.backward()
    assert (product.data, x.grad, y.grad, loaded.captured[0].grad) == (30.0, 15.0, 6.0, 10.0)
    assert captured is loaded.captured[0]
    assert same is x
    second = gradients(gradients(loaded(x, y)[0], x), y)
    assert second.data == 3.0
    with no_grad():
        assert loaded(x, y)[0]._children == ()
    assert loaded(x, 5.0)[0].data == 30.0


def test_labels_and_closures_below_a_replayed_node_live_on() -> None:
    f = compile_(lambda x: x * 2)
    f(1.0)
    loaded = again(f)

    def tripled() -> Any:
        leaf = Value(2.0)
        node = Value(6.0, (leaf,), "three")

        def rule() -> None:
            leaf.grad += 3 * node.grad

        node._backward = rule
        return loaded(node), leaf

    made, leaf = tripled()
    gc.collect()
    made.backward()
    assert leaf.grad == 6.0
    labelled = loaded(Value(1.0, label="kept"))
    gc.collect()
    assert labelled._children[0].label == "kept"


def test_replayed_ops_raise_for_no_numeric_reason_but_in_debug_nans() -> None:
    f = compile_(lambda x: 1 / x)
    f(2.0)
    loaded = again(f)
    assert loaded(Value(0.0)).data == math.inf
    with debug_nans(), pytest.raises(FloatingPointError):
        loaded(Value(0.0))


def test_replay_refuses_other_numbers_of_values() -> None:
    f = compile_(lambda x: x * 2)
    f(1.0)
    (program,) = f.store.calls
    address = int(ffi.cast("intptr_t", program.paths.root.program))
    for inputs, lives in [((), ()), ((Value(1.0),) * 2, ()), ((Value(1.0),), (Value(1.0),))]:
        with pytest.raises(ValueError, match="takes 1 inputs and 0 lives"):
            replay(address, inputs, lives)
    with pytest.raises(TypeError):
        replay(address, (1.0,), ())


def test_no_node_is_left() -> None:
    f = compile_(bumpy)
    for x in POINTS:
        f(x)
    data = to_bytes(f.store)
    gc.collect()
    before = lib.pg_live_nodes()
    loaded = from_bytes(data)
    for x in POINTS:
        loaded(x), hessian(loaded)(x), vmap(grad(loaded))(np.stack([x]))
        with pytest.raises(NotSavedError):
            loaded([1.0])
    del loaded
    gc.collect()
    assert lib.pg_live_nodes() == before


# -- paths that were not saved ---------------------------------------------------------------------


def test_a_path_that_was_not_saved() -> None:
    f = compile_(lambda x: x * 2 if x > 0 else -x)
    f(1.0)
    loaded = again(f)
    message = (
        r"<lambda>\(\) was saved without this path .* Call the function at such a point before"
    )
    for _ in range(2):
        with pytest.raises(NotSavedError, match=message):
            loaded(-1.0)
        with pytest.raises(NotSavedError, match=message):
            loaded(Value(-1.0))
        with pytest.raises(NotSavedError, match=message):
            vmap(loaded)(np.array([1.0, -1.0]))
        assert loaded(2.0) == 4.0
    rows = compile_(vmap(f.f))
    rows(np.array([1.0]))
    with pytest.raises(NotSavedError, match=message):
        again(rows)(np.array([1.0, -1.0]))
    with pytest.raises(
        NotSavedError, match=r"saved for \(a number\), not for \(a list of 1, how='a'\)"
    ):
        loaded([1.0], how="a")


def test_what_cannot_be_saved_says_why(tmp_path: Path) -> None:
    path = tmp_path / "f"
    untraced = compile_(lambda x: x)
    with pytest.raises(ValueError, match=r"cannot be saved yet.* call it first"):
        untraced.save(path)

    def cube(x: Any) -> Any:
        return Value(x.data**3, (x,), "cube")

    opaque = compile_(lambda x: cube(x))
    with pytest.raises(TraceError):
        opaque(2.0)
    with pytest.raises(ValueError, match=r"no call could be traced.*_backward"):
        opaque.save(path)

    @compile_
    def countdown(x: Any) -> Any:
        while x > 1:
            x = x - 1
        return x

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i in range(300):
            countdown(i + 0.5)
    with pytest.raises(ValueError, match=r"too many paths.*pygrad\.where"):
        countdown.save(path)
    of_vmap = compile_(hessian(vmap(lambda w, x: w * x * w, (None, 0), reduce="sum")))
    of_vmap(1.0, np.ones(2))
    with pytest.raises(TypeError, match=r"put other transforms inside"):
        of_vmap.save(path)
    many = compile_(hessian(lambda x: pm.exp(pygrad.sum(x * x)) + x[0]))
    x = np.linspace(0.01, 0.1, 300)
    wanted = many(x)
    with pytest.raises(TypeError, match="take the Jacobian of what is loaded"):
        many.save(path)
    assert not path.exists()
    of_it = compile_(many.f.__wrapped__.__wrapped__)  # the cure
    of_it(x)
    assert np.allclose(hessian(again(of_it))(x), wanted, rtol=1e-12, atol=0)
    small = compile_(hessian(bumpy))  # all sweeps in one program
    small(POINTS[0])
    assert bits(again(small)(POINTS[0])) == bits(small(POINTS[0]))


def test_captured_values_that_cannot_be_saved() -> None:
    leaf = Value(2.0)
    computed = compile_(lambda x, v=leaf * 3: v * x)
    computed(1.0)
    with pytest.raises(ValueError, match=r"was computed from other Values.*Value\(v\.data\)"):
        to_bytes(computed.store)
    leaf._backward = lambda: None
    closure = compile_(lambda x: leaf * x)
    closure(1.0)
    with pytest.raises(ValueError, match="_backward of its own"):
        to_bytes(closure.store)


class Model:
    def __init__(self) -> None:
        self.w = Value(2.0)

    @compile_
    def predict(self, x: Any) -> Any:
        return self.w * x


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda f: f(Pair(1.0, 2.0)), r"arguments of <lambda>\(\)\[0\] has a Pair"),
        (lambda f: f({"p": OrderedDict(a=1.0)}), r"\[0\]\['p'\] has a OrderedDict"),
        (lambda f: f({frozenset(): 1.0}), r"the key frozenset\(\) .* is of type frozenset"),
        (lambda f: f(1.0, np.float64), r"static argument 1 .* is of type type"),
        (lambda f: f(1.0, how=Path()), r"static argument 'how' .* is of type \w*Path"),
        (lambda f: f(1.0, ("a", [2.0].index)), r"static argument 1 .* is of type builtin"),
    ],
)
def test_types_that_a_file_does_not_keep(call: Any, words: str) -> None:
    f = compile_(lambda p, s=None, how=None: p if isinstance(p, Value) else 1.0)
    call(f)
    with pytest.raises(TypeError, match=words):
        to_bytes(f.store)


def test_results_and_methods_that_a_file_does_not_keep() -> None:
    pair = compile_(lambda x: Pair(x, x))
    pair(1.0)
    with pytest.raises(TypeError, match=r"the result of <lambda>\(\) has a Pair"):
        to_bytes(pair.store)
    model = Model()
    model.predict(1.0)
    with pytest.raises(TypeError, match=r"static argument 0 of predict\(\) is of type Model"):
        model.predict.save("nowhere")
    bound = compile_(lambda x: Model.predict.f(model, x))
    bound(1.0)
    assert again(bound)(4.0) == 8.0
    deep: Any = 1.0
    for _ in range(150):
        deep = [deep]
    nested = compile_(lambda x: 1.0)
    nested(deep)
    with pytest.raises(TypeError, match="no more than 100"):
        to_bytes(nested.store)
