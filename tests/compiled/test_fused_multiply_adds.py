"""fma=True: products and sums rounded once, alike for one row, rows however cut, and any instructions."""

from __future__ import annotations

import pickle
import random
import warnings
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exported import Batch, flat, needs_compiler
from routines import EXACT, function_of, random_routine, random_rows, same_bits

import pygrad
from pygrad import Value, compile, fori_loop, grad, math, scan, value_and_grad, vmap, where
from pygrad._core import ffi, lib
from pygrad.programs.rows_uncompiled import RowsUncompiled
from pygrad.programs.worth import forget_verdicts

CODES = [b"fused", b"contracted"]


def codes(compiled: Any) -> set[bytes]:
    """Names of the instructions of all programs of a compiled function."""
    programs = [path.program for path in compiled.store.paths()]
    return {ffi.string(lib.pg_code_name(p.code[i].code)) for p in programs for i in range(p.length)}


def once_rounded(x: float, y: float, z: float) -> float:
    return float(Fraction(x) * Fraction(y) + Fraction(z))


def near_cancellation(rng: np.random.Generator, count: int) -> np.ndarray:
    """x, y, z with z near -x * y, where rounding once or twice is another number."""
    x, y, noise = rng.normal(size=(3, count))
    return np.column_stack([x, y, -x * y * (1 + 1e-12 * noise)])


FORMS: list[tuple[Callable[..., Any], Callable[..., float]]] = [
    (lambda x, y, z: x * y + z, once_rounded),
    (lambda x, y, z: z + x * y, once_rounded),
    (lambda x, y, z: -z - x * y, lambda x, y, z: once_rounded(-x, y, -z)),
    (lambda x, y, z: x * y - (-z), once_rounded),
    (lambda x, y, z: (x + z) - z - x * y, lambda x, y, z: once_rounded(-x, y, (x + z) - z)),
    (
        lambda x, y, z: pygrad.dot([x, z], [y, 1.5], 0.1),
        lambda x, y, z: once_rounded(z, 1.5, once_rounded(x, y, 0.1)),
    ),
    (
        lambda x, y, z: x * y + z * 0.3 - y * z,
        lambda x, y, z: once_rounded(-y, z, once_rounded(z, 0.3, x * y)),
    ),
]


@pytest.mark.parametrize(("f", "wanted"), FORMS)
def test_a_product_and_the_sum_are_rounded_once(f: Any, wanted: Any, lanes: int) -> None:
    points = near_cancellation(np.random.default_rng(0), 70)
    expected = [wanted(*point) for point in points.tolist()]
    one = compile(f, fma=True)
    assert [one(*point) for point in points.tolist()] == expected  # packed from the 17th call on
    assert vmap(f, fma=True)(*points.T).tolist() == expected
    assert compile(f)(*points[0]) == f(*points[0])


def test_it_makes_a_difference() -> None:
    points = near_cancellation(np.random.default_rng(0), 200)
    f = FORMS[0][0]
    assert (vmap(f, fma=True)(*points.T) != vmap(f)(*points.T)).mean() > 0.5


def test_default_programs_have_none() -> None:
    plain, contracted = compile(FORMS[0][0]), compile(FORMS[0][0], fma=True)
    assert plain(1.0, 2.0, 3.0) == contracted(1.0, 2.0, 3.0) == 5.0
    assert codes(plain).intersection(CODES) == {b"fused"}
    assert codes(contracted).intersection(CODES) == {b"contracted"}


# -- the same bits ---------------------------------------------------------------------------------


@pytest.fixture
def compiled_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bool]]:
    """A list that is not empty once rows have run uncompiled, where there are no programs to compare."""
    met: list[bool] = []
    run = RowsUncompiled.run

    def noted(self: Any, *args: Any, **named: Any) -> Any:
        met.append(True)
        return run(self, *args, **named)

    monkeypatch.setattr(RowsUncompiled, "run", noted)
    yield met
    lib.pg_choose_lanes(2)


def check_cut(seed: int, met: list[bool]) -> int:
    """How many rows of a random program were compared; all have the bits of the others' ways."""
    rng = random.Random(seed)
    routine = random_routine(rng, EXACT if seed % 2 else None)
    f = function_of(routine, [Value(x) for x in routine.captured])
    slopes = value_and_grad(f, tuple(range(routine.inputs)))
    size = rng.choice([1, 3, 20, 63, 64, 65, 70])
    rows = random_rows(rng, routine, size)

    def batch(columns: Any, in_axes: Any = 0) -> np.ndarray:
        forget_verdicts()
        value, slope = vmap(slopes, in_axes, errors="ignore", fma=True)(*columns)
        return np.column_stack([value, *slope])

    met.clear()
    lib.pg_choose_lanes(2)
    found = batch(rows.T)
    if met:
        return 0
    cut = rng.randrange(size + 1)
    for lanes in (0, 1):
        lib.pg_choose_lanes(lanes)
        parts = [batch(part.T) for part in (rows[:cut], rows[cut:]) if len(part)]
        assert np.array_equal(np.concatenate(parts), found, equal_nan=True), (seed, lanes, routine)
    one = compile(slopes, fma=True)
    for k in [*range(0, size, 5)] * 2:
        value, slope = one(*rows[k])
        assert all(map(same_bits, (value, *slope), found[k].tolist())), (seed, k, routine)
    # What all rows share is uniform in the program.
    shared = [i for i in range(routine.inputs) if rng.random() < 0.5]
    if len(shared) < routine.inputs:
        columns = [x if i in shared else np.repeat(x, 3) for i, x in enumerate(rows[0])]
        of_shared = batch(columns, tuple(None if i in shared else 0 for i in range(routine.inputs)))
        assert all(map(same_bits, of_shared[0].tolist(), found[0].tolist())), (
            seed,
            shared,
            routine,
        )
    for program in one.store.calls:
        for path in program.paths.all if program is not None else []:
            assert lib.pg_program_verify(path.program) == 1, (seed, routine)
    return size if b"contracted" in codes(one) else 0


def test_rows_one_row_and_all_instructions_agree(compiled_only: list[bool]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        assert sum(check_cut(seed, compiled_only) for seed in range(24)) > 100


@pytest.mark.long
def test_rows_one_row_and_all_instructions_agree_in_many_programs(
    compiled_only: list[bool],
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        assert sum(check_cut(seed, compiled_only) for seed in range(24, 1_000)) > 5_000


def layers(p: Any, x: Any, y: Any) -> Any:
    hidden = [math.tanh(p[3 * i] * x + p[3 * i + 1] * x * x + p[3 * i + 2]) for i in range(4)]
    return (sum(w * h for w, h in zip(p[12:16], hidden, strict=True)) - y) ** 2


def test_totals_do_not_depend_on_threads_or_instructions() -> None:
    rng = np.random.default_rng(1)
    p, x, y = rng.normal(size=16), rng.normal(size=3000), rng.normal(size=3000)
    found = []
    for lanes in (0, 1, 2):
        lib.pg_choose_lanes(lanes)
        for threads in (1, 2):
            mean = vmap(layers, (None, 0, 0), "mean", threads=threads, fma=True)
            value, slope = compile(value_and_grad(mean))(p, x, y)
            found.append([value, *slope])
    lib.pg_choose_lanes(2)
    assert all(np.array_equal(other, found[0]) for other in found)
    plain = value_and_grad(vmap(layers, (None, 0, 0), "mean"))(p, x, y)
    np.testing.assert_allclose(found[0], [plain[0], *plain[1]], rtol=1e-12)


# -- with all else ---------------------------------------------------------------------------------

POINT = np.linspace(-0.7, 1.3, 16), 0.3, 0.2


def bits(result: Any) -> list[float]:
    parts = result if isinstance(result, tuple) else (result,)
    return [x for part in parts for x in np.ravel(part).tolist()]


def test_wherever_the_option_stands() -> None:
    wanted = compile(value_and_grad(layers), fma=True)(*POINT)
    assert bits(compile(value_and_grad(compile(layers, fma=True)))(*POINT)) == bits(wanted)
    assert bits(compile(fma=True)(value_and_grad(layers))(*POINT)) == bits(wanted)
    assert bits(compile(layers, fma=True).buffer(*POINT)()) == bits(
        compile(layers, fma=True)(*POINT)
    )
    rows = POINT[0], np.full(3, 0.3), np.full(3, 0.2)
    one, other = (
        compile(value_and_grad(vmap(layers, (None, 0, 0), "sum")), fma=True),
        compile(value_and_grad(vmap(layers, (None, 0, 0), "sum", fma=True))),
    )
    assert bits(one(*rows)) == bits(other(*rows))
    assert {b"contracted"} <= codes(one)
    assert bits(vmap(value_and_grad(layers), (None, 0, 0), fma=True)(*rows))[0] == bits(wanted)[0]


def test_backward_and_captured_values() -> None:
    w, b = Value(0.1), Value(-0.03)
    loss = compile(lambda x: w * x + b, fma=True)
    assert loss.backward(np.array([0.3])) == once_rounded(0.1, 0.3, -0.03) != 0.1 * 0.3 - 0.03
    assert (w.grad, b.grad) == (0.3, 1.0)
    assert loss(0.3) == once_rounded(0.1, 0.3, -0.03)


def polynomial(x: Any) -> Any:
    return fori_loop(0, 40, lambda i, s: s * x + 0.1 * x - s * s, 0.3)


def steps(x: Any) -> Any:
    return scan(lambda s, c: (s * x + c * s, s * s - c), 0.3, np.linspace(0.1, 0.2, 20))[0]


def halvings(x: Any) -> Any:
    n = 0.0
    while x >= 0.01:
        x = 0.4 * x + 0.001 - 0.05 * x * x
        n = n + x * 0.3
    return n


@pytest.mark.parametrize("f", [polynomial, steps, pygrad.autograph(halvings)])
def test_bodies_of_loops(f: Any, lanes: int, tmp_path: Path) -> None:
    x = np.linspace(0.1, 0.6, 37)
    value, slope = vmap(value_and_grad(f), fma=True)(x)
    one = compile(value_and_grad(f), fma=True)
    assert [one(a) for a in x.tolist()] == list(zip(value.tolist(), slope.tolist(), strict=True))
    plain = vmap(value_and_grad(f))(x)
    assert (plain[0] != value).any()
    np.testing.assert_allclose(value, plain[0], rtol=1e-11)
    np.testing.assert_allclose(slope, plain[1], rtol=1e-11)
    f = compile(f, fma=True)
    assert [f(a) for a in x.tolist()] == vmap(f.f, fma=True)(x).tolist()
    f.save(tmp_path / "f")
    loaded = pygrad.load(tmp_path / "f")
    assert [loaded(a) for a in x.tolist()] == [f(a) for a in x.tolist()]
    of_loaded, slope_of_f = compile(grad(loaded)), compile(grad(f))
    assert [of_loaded(a) for a in x.tolist()] == [slope_of_f(a) for a in x.tolist()]


def test_files_and_pickles_keep_it(tmp_path: Path) -> None:
    made = compile(layers, fma=True)
    made(*POINT)
    made.save(tmp_path / "f")
    slope = compile(grad(layers), fma=True)(*POINT)
    for again in (pygrad.load(tmp_path / "f"), pickle.loads(pickle.dumps(made))):
        assert again(*POINT) == made(*POINT)
        assert bits(compile(grad(again))(*POINT)) == bits(slope)


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y, z: pygrad.dot([x, y, x], [x, z, x]),  # a product that is there twice
        lambda x, y, z: pygrad.dot([x, y, z], [y, z, x], z) / pygrad.dot([y, z], [x, y], x),
        lambda x, y, z: z * z - pygrad.dot([x, z, y], [y, z, x]) - x * y,
    ],
)
def test_maps_of_what_was_loaded_have_its_bits(f: Any) -> None:
    made = compile(f, fma=True)
    points = np.random.default_rng(7).normal(size=(100, 3))
    wanted = [made(*point) for point in points.tolist()]
    assert wanted != [compile(f)(*point) for point in points.tolist()]
    again = pickle.loads(pickle.dumps(made))
    for mapped in (vmap(again), compile(vmap(again, fma=True)), vmap(made)):
        assert mapped(*points.T).tolist() == wanted


def test_a_file_of_no_sums_keeps_it_for_derivatives() -> None:
    made = compile(lambda x, y: x * x * x * y * y, fma=True)
    made(0.1, 0.2)
    again = pickle.loads(pickle.dumps(made))
    assert not codes(again).intersection(CODES)
    curvature = compile(grad(grad(again)))
    assert curvature(0.1, 0.3) == compile(grad(grad(made)))(0.1, 0.3)
    assert b"contracted" in codes(curvature)


@needs_compiler
def test_c_code_calls_fma(tmp_path: Path) -> None:
    compiled = [compile(f, fma=True) for f in (grad(polynomial_of_rows), polynomial, steps)]
    points = [near_cancellation(np.random.default_rng(3), 50), [0.1, 0.2], [0.3, 0.4]]
    batch = Batch(tmp_path)
    texts = [
        f.to_c(xs[0], name=f"f{i}") for i, (f, xs) in enumerate(zip(compiled, points, strict=True))
    ]
    names = [batch.add(text) for text in texts]
    functions = batch.compile()
    for f, xs, name, text in zip(compiled, points, names, texts, strict=True):
        assert "fma(" in text
        for x in xs:
            assert functions[name](np.ravel(x).tolist()) == flat(f(x))


def polynomial_of_rows(x: Any) -> Any:
    return (x[0] * x[1] + x[2]) * x[0] - x[1] * x[2] + where(x[0] > 0, x[1], x[2] * 0.3)


def test_a_zero_wins_over_infinity() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        for fma in (False, True):
            of = vmap(grad(lambda x, y: where(x > 0, math.sqrt(x), 0.5) * y + x * 0.1), fma=fma)
            assert of(np.zeros(70), np.ones(70)).tolist() == [0.1] * 70
            one = compile(grad(lambda x, y: where(x > 0, math.sqrt(x), 0.5) * y + x * 0.1), fma=fma)
            assert [one(0.0, 1.0) for _ in range(20)] == [0.1] * 20
