"""Saved programs with loops: the same bits on numbers, rows and Values; each body in the file once."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import damage
import numpy as np
import pytest

import pygrad.numpy as pnp
from pygrad import (
    Value,
    autograph,
    compile,
    fori_loop,
    grad,
    hessian,
    jacobian,
    jvp,
    load,
    math,
    no_grad,
    scan,
    value_and_grad,
    vmap,
    while_loop,
)
from pygrad._core import lib
from pygrad.compiled.fileformat import decode, new_bodies
from pygrad.compiled.function import from_bytes
from pygrad.compiled.saved import to_bytes

TABLE = np.linspace(0.0, 5.0, 20) ** 2
KNOWN = np.random.default_rng(3).normal(size=(18, 3)) * 0.5


def root(x: Any) -> Any:
    return while_loop(lambda s: (s * s - x) ** 2 > 1e-18, lambda s: (s + x / s) / 2, x)


def nested(x: Any) -> Any:
    def outer(i: Any, s: Any) -> Any:
        return fori_loop(0, 3, lambda j, t: math.sin(t) + x * j, s) * 0.5 + i

    return fori_loop(0, 4, outer, x)


def of_table(x: Any) -> Any:
    return fori_loop(0, 5, lambda i, s: pnp.interp(s, np.arange(20.0), TABLE) * 0.5 + x, x)


def of_items(x: Any) -> Any:
    """Items that are no numbers, and a count that is no whole one."""
    items = [x, x * x, 1.0 - x]
    return fori_loop(0, 4, lambda i, s: s + pnp.take(items, i % 3) * s, x)


@autograph
def converted(x: Any) -> Any:
    total, n = 0.0, 0
    while x < 100.0:
        if total > 50:
            break
        x = x * 1.7
        for k in range(5):
            if k * x > 20:
                continue
            total = total + math.exp(-x) * k
        n += 1
    return total + x * n


def none_of_it(x: Any) -> Any:
    """A loop that no row begins."""
    return while_loop(lambda s: s > 1e9, lambda s: s * x, x) * x


def scanned(x: Any) -> Any:
    """What is given, and in the other direction what the first one has made."""
    s, ys = scan(lambda s, z: (math.sin(s) + z * x, s * x + z), x, [x, *KNOWN[:, 0]])
    (t, _), zs = scan(lambda s, y: ((s[1], s[0] * 0.5 + y), s[0] * y), (x, s), ys, reverse=True)
    return t + (zs * zs).sum()


def of_known(x: Any) -> Any:
    """Columns that are known, of which some is computed that is the same in all rows."""

    def step(s: Any, row: Any) -> Any:
        return s * math.exp(row[0] * 0.1) + row[1] * x, (s * row[0], row[0] * row[1], row[2] > 0)

    s, (a, b, c) = scan(step, x, KNOWN, reverse=True)
    return s + (a * b).sum() * x + pnp.where(c, a, b * x)[2:5].sum()


def scan_in_a_loop(x: Any) -> Any:
    def trip(i: Any, s: Any) -> Any:
        t, ys = scan(lambda t, row: (t * row[0] + x, t * i), s, KNOWN)
        return math.tanh(t) + ys[-1] * 0.125

    return fori_loop(0, 3, trip, x)


def loop_in_a_scan(x: Any) -> Any:
    def step(s: Any, _: Any) -> Any:
        return fori_loop(0, 2, lambda i, t: t * 0.5 + x * i, s), s

    return scan(step, x, None, length=40)[1][-1]


FUNCTIONS = [root, nested, of_table, of_items, converted, none_of_it]
FUNCTIONS += [scanned, of_known, scan_in_a_loop, loop_in_a_scan]


def again(compiled: Any) -> Any:
    """What is loaded from the bytes of a compiled function, which has the same bytes."""
    data = to_bytes(compiled.store)
    loaded = from_bytes(data)
    assert to_bytes(loaded.store) == data
    return loaded


def bits(tree: Any) -> list[str]:
    if isinstance(tree, (tuple, list)):
        return [x for part in tree for x in bits(part)]
    if isinstance(tree, Value):
        return [tree.data.hex()]
    return [float(x).hex() for x in np.ravel(tree)]


def tangent(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: jvp(f, (x,), (1.0,))


WAYS = {
    "value": lambda f: f,
    "gradient": value_and_grad,
    "forward": tangent,
    "forward of the gradient": lambda f: tangent(grad(f)),
    "gradient of forward": lambda f: grad(lambda x: jvp(f, (x,), (x,))[1]),
    "third": lambda f: grad(grad(grad(f))),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("f", FUNCTIONS)
def test_numbers_have_the_same_bits(f: Any, way: str) -> None:
    compiled = compile(WAYS[way](f))
    wanted = [bits(compiled(x)) for x in (0.4, 1.3)]
    loaded = again(compiled)
    assert [bits(loaded(x)) for x in (0.4, 1.3)] == wanted


@pytest.mark.parametrize("f", FUNCTIONS)
def test_rows_have_the_same_bits(f: Any) -> None:
    """Of one row, of a block that is full, and of several."""
    rows = np.linspace(0.4, 2.3, 150)
    for made in (vmap(f), vmap(value_and_grad(f)), vmap(hessian(f))):
        compiled = compile(made)
        wanted = [bits(compiled(rows[:count])) for count in (1, 64, 150)]
        loaded = again(compiled)
        assert [bits(loaded(rows[:count])) for count in (1, 64, 150)] == wanted
    for reduce in ("sum", "mean"):
        added = compile(value_and_grad(vmap(lambda a, x: f(x + a), (None, 0), reduce)))
        wanted = bits(added(0.1, rows))
        assert bits(again(added)(0.1, rows)) == wanted


@pytest.mark.parametrize("f", FUNCTIONS)
def test_what_is_loaded_is_differentiated(f: Any) -> None:
    """In a trace as the function itself; on Values trip by trip."""
    compiled = compile(f)
    compiled(0.7)
    loaded = again(compiled)
    for way in WAYS.values():
        assert bits(compile(way(loaded))(0.7)) == bits(compile(way(f))(0.7))
        ours, theirs = way(loaded)(0.7), way(f)(0.7)
        np.testing.assert_allclose(np.ravel(ours), np.ravel(theirs), rtol=1e-9, atol=1e-12)
    rows = np.linspace(0.4, 2.3, 70)
    assert bits(compile(vmap(grad(loaded)))(rows)) == bits(compile(vmap(grad(f)))(rows))
    x = Value(0.7)
    loaded(x).backward()
    assert x.grad == grad(loaded)(0.7)
    with no_grad():
        unremembered = loaded(x)
    assert bits(unremembered) == bits(compiled(0.7))


@pytest.mark.parametrize("f", FUNCTIONS)
def test_loaded_derivatives_run_on_values(f: Any) -> None:
    """Ways back, of saved gradients."""
    compiled = compile(grad(f))
    wanted = bits(compiled(0.7))
    loaded = again(compiled)
    assert bits(loaded(Value(0.7))) == wanted
    np.testing.assert_allclose(grad(loaded)(0.7), grad(grad(f))(0.7), rtol=1e-9, atol=1e-12)
    assert bits(compile(grad(loaded))(0.7)) == bits(compile(grad(grad(f)))(0.7))


def test_captured_values_are_trained() -> None:
    w = Value(0.2, label="w")
    compiled = compile(lambda x: root(x + w) * w)
    rows = np.linspace(0.4, 2.3, 70)
    compiled.backward(rows)
    wanted, w.grad = w.grad, 0.0
    loaded = again(compiled)
    loaded.backward(rows)
    (captured,) = loaded.captured
    assert (captured.label, captured.grad) == ("w", wanted)


def test_buffers_and_sparsity_of_what_is_loaded() -> None:
    def f(x: Any) -> Any:
        return [root(x[0]), nested(x[1]) * x[0], x[2]]

    compiled = compile(f)
    x = np.array([2.0, 0.5, 3.0])
    wanted = compiled(x)
    loaded = again(compiled)
    buffer = loaded.buffer(x)
    assert bits(buffer()) == bits(wanted)
    found = compile(jacobian(loaded, sparse=True))(x)
    np.testing.assert_array_equal(found.toarray(), compile(jacobian(f, sparse=True))(x).toarray())


def test_files_and_pickles(tmp_path: Path) -> None:
    compiled = compile(nested)
    wanted = compiled(0.3)
    compiled.save(tmp_path / "nested.pygrad")
    assert load(tmp_path / "nested.pygrad")(0.3) == wanted
    assert pickle.loads(pickle.dumps(compiled))(0.3) == wanted


@pytest.mark.long
def test_pools() -> None:
    compiled = compile(value_and_grad(lambda x: root(x) * nested(x)))
    wanted = compiled(0.3)
    with ProcessPoolExecutor(1) as pool:
        assert pool.submit(compiled, 0.3).result() == wanted


def test_dask_tells_functions_by_their_loops() -> None:
    pytest.importorskip("dask")
    from dask.base import tokenize

    def made(trips: int) -> Any:
        compiled = compile(lambda x: fori_loop(0, 3, lambda i, s: s * x, x, max_trips=trips))
        compiled(1.5)
        return from_bytes(to_bytes(compiled.store))

    assert tokenize(made(5)) == tokenize(made(5)) != tokenize(made(6))


def test_a_body_stands_in_a_file_once() -> None:
    """Of a loop and its way back; each after those of the loops in it."""
    counts = []
    for made in (compile(root), compile(value_and_grad(root)), compile(value_and_grad(nested))):
        made(0.7)
        bodies = new_bodies()
        for path in damage.all_paths(made):
            assert lib.pg_bodies_add(bodies, path.program, path.program.inputs) == 1
            assert lib.pg_bodies_add(bodies, path.program, path.program.inputs) == 1
        counts.append(bodies.count)
    assert counts == [1, 2, 4]


def test_how_many_trips_there_may_be_goes_with_the_file() -> None:
    f = compile(lambda x: while_loop(lambda s: s > 0, lambda s: s + x, x, max_trips=30))
    f(-1.0)
    loaded = again(f)
    for call in (loaded, lambda x: loaded(Value(x)), lambda x: compile(loaded)(x), grad(loaded)):
        assert call(-1.0) is not None
        with pytest.raises(RuntimeError, match="after 30 trips, which is its max_trips"):
            call(1.0)
    with no_grad(), pytest.raises(RuntimeError, match="after 30 trips"):
        loaded(Value(1.0))
    g = compile(lambda x: fori_loop(0, 2, lambda i, s: s * x, x, max_trips=10**40))
    assert g(3.0) == again(g)(3.0) == 27.0


def test_columns_that_are_known_stand_in_a_file_once() -> None:
    """Whichever bodies have them: of a scan, its way back, and derivatives of these."""
    columns = np.random.default_rng(5).normal(size=(2000, 2))

    def f(x: Any) -> Any:
        return scan(lambda s, row: (s * row[0] + row[1] * x, None), x, columns)[0]

    for way in ("value", "gradient", "forward of the gradient"):
        made = compile(WAYS[way](f))
        wanted = bits(made(0.5))
        data = to_bytes(made.store)
        assert columns.nbytes < len(data) < columns.nbytes + 10_000
        assert bits(from_bytes(data)(0.5)) == wanted


def test_a_scan_takes_no_more_memory_than_its_file_has_room_for() -> None:
    """Each number that it makes has a slot there, be it used or not."""
    made = compile(lambda x: scan(lambda s, _: (s * x, s), x, None, length=3000)[1][-1])
    made(0.5)
    assert len(to_bytes(made.store)) > 4 * 3000


def test_a_loop_that_files_have_no_room_for_is_refused_by_name() -> None:
    """A derivative of a loop has that in it, too: with those inside it written out it grows by a power."""

    def deep(x: Any, level: int) -> Any:
        if level == 0:
            return 0.5 * x * x
        return fori_loop(0, 1, lambda i, s: deep(s, level - 1), x)

    made = compile(grad(grad(lambda x: deep(x, 32))))
    assert made(1.0) == 1.0
    with pytest.raises(NotImplementedError, match="has a loop that files have no room for"):
        to_bytes(made.store)


def test_an_older_version_refuses_by_the_name_of_the_operation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from pygrad.compiled import fileformat

    made = compile(root)
    made(2.0)
    data = to_bytes(made.store)
    monkeypatch.setattr(
        fileformat, "CODES", {k: v for k, v in fileformat.CODES.items() if k != "loop"}
    )
    with pytest.raises(ValueError, match="the operation 'loop', which this version"):
        decode(data)
