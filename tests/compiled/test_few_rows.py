"""Calls of few rows run on memory that is kept: with the bits, the checks and the words of a first call."""

from __future__ import annotations

import random
import re
import warnings
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from routines import function_of, random_routine, random_rows

from pygrad import Value, compile, grad, hessian, math, value_and_grad, vmap
from pygrad.core.structure import flatten, key_of
from pygrad.programs import few, mapped

ROWS = np.linspace(-2.0, 2.0, 50)


def alike(a: Any, b: Any) -> bool:
    """The same structure, and the same bits."""
    (x, one), (y, other) = flatten(a, "a"), flatten(b, "b")
    same = np.array(x).tobytes() == np.array(y).tobytes()
    return same and type(a) is type(b) and key_of(one) == key_of(other)


@pytest.fixture
def only_few(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """What makes each call that is left to mapped.py an error, from then on."""

    def refuse(*_: Any) -> None:
        raise AssertionError("this call was left to mapped.py")

    def begin() -> None:
        monkeypatch.setattr(mapped, "Run", refuse)

    yield begin


@pytest.mark.parametrize("seed", range(12))
def test_they_have_the_bits_of_other_calls(seed: int, only_few: Any) -> None:
    rng = random.Random(2000 + seed)
    routine = random_routine(rng)
    f = function_of(routine, [Value(x) for x in routine.captured])
    width = routine.inputs
    rows = random_rows(rng, routine, 3000)
    columns = list(rows.T)
    cuts = [(0, 3000), (0, 1), (1, 4), (5, 69), (64, 128), (100, 1124), (900, 2000), (0, 3000)]
    parts = [
        [column[a:b] for column in columns] for a, b in cuts if (b - a) * (width + 1) < few.NUMBERS
    ]
    programs = []
    for mapping in (
        vmap(value_and_grad(f, tuple(range(width))), errors="ignore"),
        vmap(f, reduce="sum", errors="ignore"),
        vmap(f, reduce="mean", errors="ignore"),
    ):
        program = compile(mapping)
        program(*columns)  # traces
        program.store.few.serves = False
        programs.append((program, [program(*part) for part in parts]))
        program.store.few.serves = True
        program(*parts[0])  # makes a plan
    only_few()
    for program, wanted in programs:
        for part, expected in zip(parts, wanted, strict=True):
            assert alike(program(*part), expected), routine


ARGUMENTS: dict[str, tuple[Callable[..., Any], Any, tuple[Any, ...]]] = {
    "an array": (lambda x: x * 3.0, 0, (ROWS,)),
    "a list of floats": (lambda x: x * 3.0, 0, (ROWS.tolist(),)),
    "arrays with another step": (lambda x, y: x / y, 0, (np.ones(100)[::2], ROWS[::-1])),
    "a matrix": (lambda x: x[0] * x[1], 0, (np.ones((50, 2)),)),
    "a matrix turned": (lambda x: x[0] * x[1], 0, (np.arange(100.0).reshape(2, 50).T,)),
    "one number a row": (lambda x: x[0] * 2.0, 0, (np.ones((50, 1)),)),
    "one beside columns": (lambda x, y: x[0] * y, 0, (np.ones((50, 1)), ROWS)),
    "tensors": (lambda x: x.sum(axis=0), 0, (np.arange(600.0).reshape(50, 3, 4),)),
    "a list of columns": (lambda x: (x[0], [x[1]]), 0, ([ROWS, ROWS**2],)),
    "a tuple of lists": (lambda x: x[0] * x[1][0], 0, ((ROWS, [ROWS, ROWS]),)),
    "names": (lambda x: {"p": x["a"] * x["b"], "q": x["a"]}, 0, ({"a": ROWS, "b": ROWS},)),
    "a shared number": (lambda x, y: x * y, (None, 0), (2.0, ROWS)),
    "a shared array": (lambda x, y: x * y, (0, None), (ROWS, np.arange(6.0).reshape(2, 3)[:, ::2])),
    "shared lists": (lambda w, y: w[0] * y + w[1], (None, 0), ([2.0, 3.0], ROWS)),
    "shared names": (
        lambda w, y: w["a"][1] * y + w["b"],
        (None, 0),
        ({"a": [1.0, 2.0], "b": 3.0}, ROWS),
    ),
    "shared arrays in a list": (
        lambda w, y: w[0][1] * y,
        (None, 0),
        ([np.ones(2), np.ones(3)], ROWS),
    ),
    "an empty shared list": (lambda w, y: y * 2.0, (None, 0), ([], ROWS)),
    "what is not used": (lambda x, y: y, 0, (ROWS, ROWS)),
    "a constant": (lambda x: 2.0, 0, (ROWS,)),
    "an array of results": (lambda x: np.array([x, 2.0, x * x]), 0, (ROWS,)),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_they_take_arguments_apart_as_other_calls_do(name: str, only_few: Any) -> None:
    f, in_axes, args = ARGUMENTS[name]
    program = compile(vmap(f, in_axes))
    expected = program(*args)
    program(*args)
    only_few()
    found = program(*args)
    assert alike(found, expected)
    again = program(*args)  # nothing that is kept is given away
    for x in leaves(found):
        x[...] = np.nan
    assert alike(again, expected) and alike(program(*args), expected)


def leaves(tree: Any) -> list[Any]:
    if isinstance(tree, np.ndarray):
        return [tree]
    return [x for part in (tree.values() if isinstance(tree, dict) else tree) for x in leaves(part)]


@pytest.mark.parametrize("name", ARGUMENTS)
def test_so_do_maps_that_keep_no_program(name: str, only_few: Any) -> None:
    f, in_axes, args = ARGUMENTS[name]
    mapping = vmap(f, in_axes)
    expected = mapping(*args)
    mapping(*args)
    only_few()
    assert alike(mapping(*args), expected)


def test_a_map_alone_traces_at_each_call() -> None:
    table = [2.0]
    traces = []

    def f(x: Any) -> Any:
        traces.append(1)
        return table[0] * x if x > 0 else -x

    mapping = vmap(f)
    for k in range(6):
        table[0] = float(k)
        assert mapping(np.array([2.0, -3.0])).tolist() == [2.0 * k, 3.0]
        assert len(traces) == 2 * (k + 1)


def test_a_map_in_a_transform_leads_on() -> None:
    mapping = vmap(lambda x: w * x)
    w: Any = 2.0
    for _ in range(3):
        assert np.array_equal(mapping(ROWS), 2.0 * ROWS)

    def outer(v: Any) -> Any:
        nonlocal w
        w = v
        return sum(mapping(ROWS + 1.0))

    for _ in range(3):
        assert grad(outer)(2.0) == pytest.approx(50.0)
    w = 3.0
    assert np.array_equal(mapping(ROWS), 3.0 * ROWS)


def test_what_goes_wrong_does_so_each_time() -> None:
    def f(x: Any) -> Any:
        if x > 5:
            raise KeyError("row")
        return x * x

    for mapping in (vmap(f), compile(vmap(f))):
        for _ in range(4):
            assert mapping(np.array([1.0, 2.0])).tolist() == [1.0, 4.0]
            for x in ([7.0, 1.0], [1.0, 7.0]):
                with pytest.raises(KeyError, match="row"):
                    mapping(np.array(x))


def test_functions_with_too_many_paths_run_uncompiled_each_time() -> None:
    def f(x: Any) -> Any:
        n = 0
        while x > n:
            n += 1
        return x * n

    x = np.arange(300.0)
    for mapping in (vmap(f), compile(vmap(f))):
        for _ in range(3):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                assert np.array_equal(mapping(x), x * x)


@pytest.mark.parametrize("transform", [compile, lambda f: f])
def test_more_results_than_are_kept_have_memory_of_their_own(transform: Any, only_few: Any) -> None:
    def f(x: Any) -> Any:
        return np.array([x * k for k in range(100)]) if x > 0 else np.array([x - 1.0] * 100)

    mapping, ks = transform(vmap(f)), np.arange(100.0)
    mapping(np.ones(1000)), mapping(np.ones(1000))
    mapping(-np.ones(2)), mapping(-np.ones(2))
    only_few()
    results = []
    for rows in (1000, 3, 1000, 999, 3, 1000):  # many are given away, few are copied
        x = np.linspace(-1.0, len(results) + 1.0, rows)
        expected = np.where(x[:, None] > 0, x[:, None] * ks, x[:, None] - 1.0)
        results.append((mapping(x), expected))
    assert all(np.array_equal(found, expected) for found, expected in results)


@pytest.mark.parametrize("with_value", [True, False])
@pytest.mark.parametrize(
    "w", [2.0, np.ones((2, 2)), [1.0, 2.0], {"a": 1.0, "b": np.ones(2)}], ids=str
)
def test_gradients_of_sums(w: Any, with_value: bool, only_few: Any) -> None:
    def loss(scale: Any, w: Any, x: Any) -> Any:
        numbers, _ = flatten(w, "w")
        return scale * sum((v * x - 1.0) ** 2 if x > 0 else v * x for v in numbers)

    rows = vmap(loss, in_axes=(None, None, 0), reduce="mean")
    program = compile((value_and_grad if with_value else grad)(rows, argnums=1))
    expected = program(3.0, w, ROWS)
    program(3.0, w, ROWS)
    only_few()
    assert alike(program(3.0, w, ROWS), expected)


@pytest.mark.parametrize("by", [(0,), (0, 1), (3, 0), [3, 1, 0], range(2)])
def test_gradients_of_sums_by_several_arguments(by: Any, only_few: Any) -> None:
    def loss(a: Any, b: Any, x: Any, c: Any) -> Any:
        return a * (b[0][1] * math.tanh(x) + b[1] * x * x) + c["u"][2] * math.sin(x) - c["v"]

    shared = 1.5, [np.array([1.0, 2.0]), 3.0], {"u": np.array([0.1, 0.2, 0.3]), "v": 2.0}
    args = (*shared[:2], ROWS, shared[2])
    mean = vmap(loss, (None, None, 0, None), reduce="mean")
    plain = value_and_grad(mean, by)(*args)
    compiled = compile(value_and_grad(mean, by))
    first = compiled(*args), compiled(*args)
    only_few()
    assert all(alike(result, plain) for result in (*first, compiled(*args)))


def test_sums_with_more_slopes_than_rows_have_numbers(only_few: Any) -> None:
    """Totals are written once, whatever the rows."""

    def loss(w: Any, x: Any) -> Any:
        return sum(a * x for a in w) ** 2

    w, rows = np.linspace(0.0, 1.0, 40), np.linspace(-1.0, 1.0, 1000)
    assert len(w) * len(rows) > few.NUMBERS
    slopes = compile(grad(vmap(loss, (None, 0), reduce="sum")))
    first = slopes(w, rows), slopes(w, rows)
    only_few()
    assert all(alike(result, slopes(w, rows)) for result in first)


@pytest.mark.parametrize("by", [(0, 0), (), (0, 2), (0, 1)])
def test_gradients_by_what_is_no_shared_argument_are_left_to_transforms(by: Any) -> None:
    mean = vmap(lambda w, x: w * x * x, (None, 0), reduce="sum")
    compiled = compile(grad(mean, by))
    for _ in range(3):
        try:
            plain = grad(mean, by)(2.0, ROWS)
        except (TypeError, ValueError) as error:
            with pytest.raises(type(error), match=re.escape(str(error).partition("()")[0])):
                compiled(2.0, ROWS)
        else:
            assert alike(compiled(2.0, ROWS), plain)


def test_what_does_not_fit_is_left_to_other_calls() -> None:
    program = compile(vmap(lambda x, y: x * y))
    for _ in range(3):
        program(ROWS, ROWS)
        assert program(ROWS.astype(int), ROWS.astype(np.float32)).dtype == np.float64
        with pytest.raises(ValueError, match="has 49 rows"):
            program(ROWS, ROWS[1:])
        with pytest.raises(ValueError, match="there are no rows"):
            program(ROWS[:0], ROWS[:0])
        with pytest.raises(TypeError, match="masked"):
            program(np.ma.array(ROWS), ROWS)
        assert isinstance(program(ROWS, [Value(1.0)] * 50)[0], Value)
        assert grad(lambda x: program(ROWS, [x] * 50)[7])(1.0) == ROWS[7]


def test_captured_values_are_read_anew(only_few: Any) -> None:
    w = Value(2.0)
    program = compile(vmap(lambda x: w * x))
    program(ROWS), program(ROWS)
    w.data = 3.0
    assert grad(lambda v: compile(vmap(lambda x: v * x))(ROWS)[0])(1.0) == ROWS[0]
    only_few()
    assert np.array_equal(program(ROWS), 3.0 * ROWS)


def test_captured_values_of_a_transform_lead_on() -> None:
    def outer(w: Value) -> Any:
        program = compile(vmap(lambda x: w * x, reduce="sum"))
        return program(ROWS + 1.0) + program(ROWS + 1.0) + program(ROWS + 1.0)

    assert grad(outer)(2.0) == pytest.approx(150.0)


def test_a_change_of_what_is_captured_is_seen() -> None:
    scale = 2.0
    program = compile(vmap(lambda x: scale * x))
    for _ in range(3):
        assert np.array_equal(program(ROWS), 2.0 * ROWS)
    scale = 3.0
    for _ in range(3):
        assert np.array_equal(program(ROWS), 3.0 * ROWS)


def test_a_new_path_is_traced() -> None:
    traces = []

    def f(x: Any) -> Any:
        traces.append(1)
        return x * 2.0 if x > 10 else x * 3.0 if x > 5 else -x

    program = compile(vmap(f))
    for _ in range(3):
        program(ROWS)
    x = np.array([1.0, 7.0, 11.0, 20.0, 6.0, -3.0])
    for _ in range(3):
        assert program(x).tolist() == [-1.0, 21.0, 22.0, 40.0, 18.0, 3.0]
    assert len(traces) == 3


def test_rows_with_results_of_other_structures_are_refused() -> None:
    program = compile(vmap(lambda x: x if x > 0 else (x, x)))
    for _ in range(3):
        program(np.ones(3))
    for _ in range(3):
        with pytest.raises(TypeError, match=r"returned a number for one row and a tuple of 2"):
            program(np.array([1.0, -1.0]))
    assert program(np.ones(3)).tolist() == [1.0, 1.0, 1.0]


def messages(call: Callable[[], Any]) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [str(w.message) for w in caught]


@pytest.mark.parametrize("reduce", [None, "sum"])
def test_results_that_are_not_finite_are_reported_each_time(reduce: Any) -> None:
    program = compile(vmap(lambda x: math.log(x), reduce=reduce))
    strict = compile(vmap(lambda x: math.log(x), reduce=reduce, errors="raise"))
    for _ in range(3):
        assert messages(lambda: program(np.ones(3))) == []
        assert len(messages(lambda: program(np.array([1.0, 0.0])))) == 1
        assert messages(lambda: program(np.array([1.0, np.nan]))) == []
        strict(np.ones(3))
        with pytest.raises(FloatingPointError, match="nan or inf"):
            strict(np.array([1.0, 0.0]))


def test_singular_derivatives_are_told_each_time() -> None:
    program = compile(vmap(hessian(lambda x: np.linalg.norm(x) ** 2), errors="ignore"))
    x = np.ones((5, 2))
    for _ in range(3):
        assert messages(lambda: program(x)) == []
    x[3] = 0.0
    for _ in range(4):
        assert ["singular" in message for message in messages(lambda: program(x))] == [True]


def unaligned(array: Any) -> Any:
    """The same numbers, beginning where no number does."""
    memory = np.empty(8 * array.size + 1, np.uint8)
    found = memory[1:].view(np.float64).reshape(array.shape)
    found[...] = array
    assert not found.flags.aligned
    return found


WIDE = np.random.default_rng(7).normal(size=(300, 60))
MANY: dict[str, tuple[Any, ...]] = {
    "side by side": (WIDE, WIDE[:, 0].copy()),
    "turned": (np.asfortranarray(WIDE), WIDE[::-1, 1]),
    "of a larger one": (np.hstack([WIDE, WIDE])[:, 10:70], WIDE[:, 2]),
    "backwards": (WIDE[::-1], WIDE[::-1, 3]),
    "unaligned": (unaligned(WIDE), unaligned(WIDE[:, 4])),
    "a list": (WIDE, WIDE[:, 5].tolist()),
    "not to be written": (
        np.broadcast_to(WIDE[0], WIDE.shape),
        np.frombuffer(WIDE.tobytes())[:300],
    ),
}


@pytest.mark.parametrize("name", MANY)
@pytest.mark.parametrize("reduce", [None, "sum"])
def test_many_numbers_are_read_where_they_stand(name: str, reduce: Any, only_few: Any) -> None:
    def f(x: Any, y: Any) -> Any:
        total = math.sin(y) * x[0] - x[59]
        return total * x[30] if y > 0.25 else total + y

    program = compile(vmap(f, reduce=reduce))
    args = MANY[name]
    assert np.size(args[0]) > few.NUMBERS
    cuts = [slice(None), slice(290), slice(5), slice(280, None), slice(9, 300)]
    program.store.few.serves = False
    expected = [program(*(x[cut] for x in args)) for cut in cuts]
    program.store.few.serves = True
    program(*args)
    only_few()
    for cut, wanted in zip(cuts, expected, strict=True):
        assert alike(program(*(x[cut] for x in args)), wanted)


def test_rows_where_they_stand_find_their_paths(only_few: Any) -> None:
    f = lambda x: x[1] if x[0] > 1.0 else -x[1] if x[0] > 0.0 else x[2]  # noqa: E731
    program = compile(vmap(f, errors="raise"))
    x = np.full((400, 60), -0.5)
    program(x), program(x)  # has a path for these
    only_few()
    x[::3, 0], x[7, 0], x[:, 1], x[:, 2] = 0.5, 2.0, np.arange(400.0), 7.0
    assert np.array_equal(program(x), np.array([f(row) for row in x]))
    x[7, 1] = np.inf
    assert program(x)[7] == np.inf  # of an argument that is not finite


def test_arrays_that_were_read_where_they_stand_are_let_go() -> None:
    program = compile(vmap(lambda x: x[0]))
    for _ in range(3):
        x = np.ones((400, 60))
        seen = weakref.ref(x)
        program(x)
        del x
        assert seen() is None


def test_threads_share_a_function() -> None:
    program = compile(vmap(lambda x, y: x * y if x > y else x - y))
    rng = np.random.default_rng(1)
    given = [rng.normal(size=(2, n)) for n in (1, 5, 64, 100, 1000) for _ in range(8)]

    def check(pair: Any) -> bool:
        x, y = pair
        wanted = np.where(x > y, x * y, x - y)
        return all(np.array_equal(program(x, y), wanted) for _ in range(20))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(check, given))


def test_memory_of_a_plan_is_bounded() -> None:
    program = compile(vmap(lambda x: x * 2.0))
    for rows in (5, few.ROWS + 1, 7):
        for _ in range(3):
            program(np.ones(rows))
    (plan,) = program.store.few.plans.values()
    assert len(plan.idle) == 1 and plan.idle[0].most <= 64
    assert few.NUMBERS < few.ROWS <= 1 << 18  # some 32 bytes each
