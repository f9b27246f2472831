"""Damaged files: ValueError or a program that passes the verifier, with no crash and no memory for lies."""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import pickle
import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import damage
import numpy as np
import pytest
from shares import share

from pygrad import Value, load, value_and_grad, vmap, while_loop
from pygrad import compile as compile_
from pygrad import math as pm
from pygrad._core import ffi, lib
from pygrad._native import replay
from pygrad.compiled import fileformat
from pygrad.compiled.fileformat import MARK, VERSION, decode
from pygrad.compiled.function import from_bytes
from pygrad.compiled.saved import to_bytes

SAVED = Path(__file__).resolve().parents[1] / "saved"
NAMES = ["branches", "step", "trained", "loops", "scans"]


@pytest.fixture(scope="module")
def samples() -> dict[str, bytes]:
    return damage.samples()


# -- damage ----------------------------------------------------------------------------------------


def test_bytes_are_the_same_every_time(samples: dict[str, bytes]) -> None:
    assert samples == damage.samples()
    for data in samples.values():
        assert to_bytes(from_bytes(data).store) == data


@pytest.mark.parametrize("name", NAMES)
def test_every_truncation_and_every_bit_flip_is_refused(
    samples: dict[str, bytes], name: str
) -> None:
    data = samples[name]
    for size in range(len(data)):
        with pytest.raises(ValueError):
            decode(data[:size])
    for i in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[i // 8] ^= 1 << i % 8
        with pytest.raises(ValueError):
            decode(bytes(flipped))


def flips(data: bytes, chosen: list[int]) -> Iterator[bytes]:
    """The file with one bit flipped and the checksum mended, for each of these bits."""
    for i in chosen:
        flipped = bytearray(data)
        flipped[i // 8] ^= 1 << i % 8
        yield damage.mended(flipped)


@pytest.mark.parametrize("name", NAMES)
def test_a_flip_that_the_checksum_does_not_see(samples: dict[str, bytes], name: str) -> None:
    data, rng = samples[name], random.Random(5)
    passed = [
        damage.check(d, rng) for d in flips(data, rng.sample(range(8 * len(data) - 256), 400))
    ]
    assert 0 < sum(passed) < 400  # numbers and labels may change, most else not


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_every_flip_that_the_checksum_does_not_see(samples: dict[str, bytes], name: str) -> None:
    """Every fourth, all in four turns."""
    data, rng = samples[name], random.Random(6)
    for flipped in flips(data, list(share(range(8 * len(data) - 256), 4))):
        damage.check(flipped, rng)


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_every_truncation_that_the_checksum_does_not_see(
    samples: dict[str, bytes], name: str
) -> None:
    data = samples[name]
    for size in range(13, len(data) - 32):
        assert not damage.check(damage.mended(data[:size] + bytes(32)), random.Random(size))


def test_loading_allocates_no_more_than_ten_times_the_file(samples: dict[str, bytes]) -> None:
    rng = random.Random(7)
    for data in samples.values():
        from_bytes(data)  # what is allocated once is there now
        for one in [data, data[:-1], *flips(data, rng.sample(range(8 * len(data)), 60))]:
            assert damage.peak_of_loading(one) <= 10 * len(data)


@pytest.mark.skipif(
    "libasan" in os.environ.get("LD_PRELOAD", ""), reason="ASan takes all addresses"
)
def test_a_large_file_is_loaded_within_ten_times_its_size() -> None:
    """With no address space for more, lies about counts included."""
    resource = pytest.importorskip("resource")

    def f(x: Any) -> Any:
        y = x
        for i in range(10_000):
            y = pm.sin(y * x) + i * x
        return y

    compiled = compile_(f)
    wanted = compiled(0.5)
    data = to_bytes(compiled.store)
    (program,) = compiled.store.calls
    size = lib.pg_program_size(program.paths.root.program, 1)
    at = data.index(struct.pack("<Q", size)) + 8  # where the program begins, with its counts
    lies = [bytearray(data) for _ in range(11)]
    for i, lying in enumerate(lies):
        lying[at + 4 * i : at + 4 * i + 4] = struct.pack("<I", 0x7FFFFFF0)
    broken = [damage.mended(lying) for lying in lies]
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(
        resource.RLIMIT_AS, (pages * resource.getpagesize() + 10 * len(data), before[1])
    )
    try:
        with pytest.raises(MemoryError):
            bytearray(10 * len(data) + (512 << 20))  # more than earlier tests can have left free
        loaded = from_bytes(data)
        for one in broken:
            with pytest.raises(ValueError, match="damaged"):
                from_bytes(one)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert loaded(0.5) == wanted


def test_counts_that_lie_get_no_memory(samples: dict[str, bytes]) -> None:
    """Every four bytes of the smallest file say, in turn, that there is very much of something."""
    data = samples["trained"]
    for at in range(12, len(data) - 36):
        lying = bytearray(data)
        lying[at : at + 4] = struct.pack("<I", [0x7FFFFFF0, 0xFFFFFFFF][at % 2])
        try:
            loaded = from_bytes(damage.mended(lying))
        except ValueError:
            continue
        for path in damage.all_paths(loaded):  # nor will a call ask for it
            assert path.uniform_bytes + path.lane_bytes < 100 * len(data)


def test_marks_and_versions(samples: dict[str, bytes], tmp_path: Path) -> None:
    data = samples["step"]
    for bad in (
        b"",
        b"\x89PYG",
        b"not a file of ours" * 10,
        data[1:],
        MARK + bytes(3),
        pickle.dumps(1),
    ):
        (tmp_path / "bad").write_bytes(bad)
        with pytest.raises(ValueError, match="not the bytes of a saved pygrad function"):
            load(tmp_path / "bad")
    assert data.startswith(MARK + struct.pack("<I", VERSION))
    for version in (0, VERSION + 1, 2**32 - 1):
        other = bytearray(data)
        other[8:12] = struct.pack("<I", version)
        with pytest.raises(
            ValueError, match=rf"format version {version}; .* reads format version {VERSION}"
        ):
            from_bytes(damage.mended(other))
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nothing")


def test_an_operation_that_is_not_there_is_named(samples: dict[str, bytes]) -> None:
    data = samples["step"].replace(b"\4\0\0\0tanh", b"\4\0\0\0tanz")
    with pytest.raises(
        ValueError, match=r"the operation 'tanz', which this version of pygrad does not"
    ):
        from_bytes(damage.mended(data))


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: -x * y - y,
        lambda x, y: while_loop(lambda s: s > 1.0, lambda s: s * 0.5 - x * y, x),
    ],
)
def test_an_older_version_names_what_it_does_not_know_of_signs_in_sums(
    f: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would call a sum damaged from which a term is subtracted."""
    made = compile_(f)
    wanted = made(4.0, 0.25)
    data = to_bytes(made.store)
    assert from_bytes(data)(4.0, 0.25) == wanted
    older = {name: code for name, code in fileformat.CODES.items() if name != "total_less"}
    monkeypatch.setattr(fileformat, "CODES", older)
    with pytest.raises(ValueError, match="the operation 'total_less', which this version"):
        from_bytes(data)


def test_a_contracted_sum_is_what_older_versions_know() -> None:
    made = compile_(lambda x, y: -x * y - y, fma=True)
    made(4.0, 0.25)
    assert b"total_less" not in to_bytes(made.store)


def test_a_table_of_ops_in_another_order_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    f = compile_(lambda x: pm.tanh(x) * pm.sin(x) / x - x)
    wanted = f(0.7)
    names = dict(zip(fileformat.CODES.values(), fileformat.CODES, strict=True))
    moved = {code: len(names) - i for i, code in enumerate(sorted(names))}

    class Shuffled(fileformat._Writer):
        """Numbers the operations from the last to the first."""

        def several(self, items: Any, write: Any) -> None:
            super().several(list(reversed(items)) if write == self.text else items, write)

        def path(self, path: Any, name: str) -> None:
            used = sorted({int(c) for c in fileformat.instructions(path.program)["code"]})
            for i, code in enumerate(used):
                self.codes[code] = len(used) - 1 - i
            super().path(path, name)

    assert moved
    monkeypatch.setattr(fileformat, "_Writer", Shuffled)
    data = to_bytes(f.store)
    monkeypatch.undo()
    assert data != to_bytes(f.store)
    assert from_bytes(data)(0.7) == wanted


@pytest.mark.parametrize("name", NAMES)
def test_files_of_every_format_version_are_read_and_give_the_same_bits(name: str) -> None:
    spec = importlib.util.spec_from_file_location("make_saved", SAVED / "make.py")
    assert spec is not None and spec.loader is not None
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    for version in range(1, VERSION + 1):
        expected = json.loads((SAVED / f"format{version}.json").read_text(encoding="utf-8"))
        loaded = load(SAVED / f"format{version}_{name}.pygrad")
        assert make.bits(make.CALLS[name](loaded)) == expected[name]


# -- the verifier ----------------------------------------------------------------------------------


def program_of(f: Any, *args: Any) -> Any:
    """The program of a compiled function's only path."""
    f(*args)
    ((path,),) = [p.paths.all for p in [*f.store.calls, *f.store.row_programs()]]
    return path.program


def rows_program() -> Any:
    def f(x: Any, y: Any) -> Any:
        z = x * y + pm.where(x > 0, x**2.5, 2.0)
        return (pm.sin(z) if z > -1e9 else z), z, pm.tanh(x) * y

    return program_of(compile_(vmap(f, (0, None))), np.ones(3), 2.0)


def uniform_program() -> Any:
    def f(x: Any, y: Any) -> Any:
        return pm.tanh(x * y + x * 3.0 + y) if x > y - 5 else x

    return program_of(compile_(f), 1.0, 2.0)


def total_program() -> Any:
    f = compile_(value_and_grad(vmap(lambda w, x: pm.exp(w * x) * w, (None, 0), reduce="sum")))
    return program_of(f, 0.5, np.ones(3))


FIELDS = ["code", "expected", "out", "a", "b", "c", "first", "count"]


@pytest.mark.parametrize("make", [rows_program, uniform_program, total_program])
def test_the_verifier_refuses_slots_that_are_not_there(make: Callable[[], Any]) -> None:
    p = make()
    assert lib.pg_program_verify(p) == 1
    wild = [0x7FFFFFFE, 0xFFFFFFFE, 0x80000000 + p.lanes, p.uniforms]
    for i in range(p.length):
        for field in ("code", "out", "a", "b", "c"):
            kept = getattr(p.code[i], field)
            for number in wild if field != "code" else [0, 4, 0xFFFF, 0x7FFF]:
                setattr(p.code[i], field, number)
                assert lib.pg_program_verify(p) == 0, (i, field, number)
                setattr(p.code[i], field, kept)
    for array, count in [(p.input_slots, p.inputs), (p.result_slots, p.outputs)]:
        for i in range(count):
            kept = array[i]
            for number in wild:
                array[i] = number
                assert lib.pg_program_verify(p) == 0
            array[i] = kept
    for i in range(p.term_count):
        for field in ("a", "b"):
            kept = getattr(p.terms[i], field)
            for number in wild:
                setattr(p.terms[i], field, number)
                assert lib.pg_program_verify(p) == 0
            setattr(p.terms[i], field, kept)
    for field in (
        "lives",
        "uniforms",
        "constants",
        "lanes",
        "outputs",
        "guards",
        "once",
        "spread",
        "length",
    ):
        kept = getattr(p, field)
        for number in (kept + p.length + p.inputs + 1, 2**31, 2**32, 2**64 - 1):
            if field not in {"outputs", "length", "constants"}:  # those say how long arrays are
                setattr(p, field, number)
                assert lib.pg_program_verify(p) == 0, (field, number)
        setattr(p, field, kept)
    assert lib.pg_program_verify(p) == 1


def instruction(p: Any, name: str) -> Any:
    from pygrad.compiled.fileformat import CODES

    return next(p.code[i] for i in range(p.length) if p.code[i].code == CODES[name])


def broken(p: Any, change: Callable[[Any], None]) -> None:
    change(p)
    assert lib.pg_program_verify(p) == 0


def test_the_verifier_refuses_what_a_run_relies_on() -> None:
    def unused_operand(p: Any) -> None:
        instruction(p, "tanh").b = 0  # read, though not used, by the uniform part

    def operand_as_result(p: Any) -> None:
        instruction(p, "sin").out = instruction(p, "sin").a

    def exponent_of_rows(p: Any) -> None:
        instruction(p, "pown").b = instruction(p, "pown").a

    def spread_overwritten(p: Any) -> None:
        instruction(p, "sin").out = instruction(p, "spread").out

    def input_where_spread(p: Any) -> None:
        p.input_slots[0] = instruction(p, "spread").out

    def one_output_twice(p: Any) -> None:
        p.code[p.length - 1].out = p.code[p.length - 2].out

    def result_before_guard(p: Any) -> None:
        guard = max(i for i in range(p.length) if p.code[i].code == instruction(p, "guard").code)
        last = p.length - 1
        kept = (
            [getattr(p.code[guard], f) for f in FIELDS],
            [getattr(p.code[last], f) for f in FIELDS],
        )
        for place, fields in ((guard, kept[1]), (last, kept[0])):
            for field, number in zip(FIELDS, fields, strict=True):
                setattr(p.code[place], field, number)

    def lives_unlike_constants(p: Any) -> None:
        p.lives, p.constants = p.lives + p.constants, 0
        instruction(p, "pown")

    def constant_overwritten(p: Any) -> None:
        instruction(p, "fused").out = p.lives

    def too_many_terms(p: Any) -> None:
        instruction(p, "fused").count = p.term_count + 1

    def terms_that_wrap_around(p: Any) -> None:
        instruction(p, "fused").first = 0xFFFFFFFF

    def guard_of_no_comparison(p: Any) -> None:
        instruction(p, "guard").expected = 12

    def zero_that_wins_unasked(p: Any) -> None:
        p.terms[instruction(p, "fused").first].absorbing = 1
        instruction(p, "fused").expected = 0

    def neither_added_nor_subtracted(p: Any) -> None:
        p.terms[instruction(p, "fused").first].subtracted = 2

    for make, change in [
        (uniform_program, unused_operand),
        (rows_program, operand_as_result),
        (rows_program, exponent_of_rows),
        (rows_program, spread_overwritten),
        (rows_program, input_where_spread),
        (rows_program, one_output_twice),
        (rows_program, result_before_guard),
        (rows_program, lives_unlike_constants),
        (uniform_program, constant_overwritten),
        (uniform_program, too_many_terms),
        (uniform_program, terms_that_wrap_around),
        (uniform_program, guard_of_no_comparison),
        (uniform_program, zero_that_wins_unasked),
        (uniform_program, neither_added_nor_subtracted),
    ]:
        broken(make(), change)


# -- out of memory ---------------------------------------------------------------------------------


def allocations_until_success(run: Callable[[], Any]) -> int:
    """Lets the first allocation fail, then the second, and so on; each time no node must be left."""
    run()
    gc.collect()
    before, n = lib.pg_live_nodes(), 1
    while True:
        lib.pg_fail_at(n)
        try:
            run()
            return n
        except MemoryError:
            pass
        finally:
            lib.pg_fail_at(0)
        assert lib.pg_live_nodes() == before
        n += 1


@pytest.mark.parametrize("name", NAMES)
def test_out_of_memory_while_loading_and_replaying(samples: dict[str, bytes], name: str) -> None:
    data = samples[name]
    assert allocations_until_success(lambda: from_bytes(data)) > 20
    path = next(damage.all_paths(from_bytes(data)))
    inputs = tuple([Value(0.5) for _ in range(path.program.inputs)])
    address = int(ffi.cast("intptr_t", path.program))
    assert allocations_until_success(lambda: replay(address, inputs, path.lives)) > 5
