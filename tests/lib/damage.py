"""Saved files, damaged: files as users save them, changes to them, and what must hold of what is loaded.

Checksums are mended after a change, so that the parser and the verifier see it.
tests/faults/damaged_files.py does it by the million, tests/files/test_damaged_files.py for some.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
import signal
import struct
import time
import tracemalloc
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

import pygrad
import pygrad.numpy
from pygrad import Value, compile, fori_loop, math, value_and_grad, vmap
from pygrad import _native as core
from pygrad._core import ffi, lib
from pygrad.compiled import fileformat
from pygrad.compiled.function import Loaded, from_bytes
from pygrad.compiled.replay import NotSavedError
from pygrad.compiled.saved import to_bytes
from pygrad.core.structure import key_of
from pygrad.programs.batch import Batch
from pygrad.programs.rows import Leaf, RowArguments, RowResults
from pygrad.programs.worth import TooManyPaths

HEAD, DIGEST = 12, 32
NUMBERS = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    3.25,
    1e-300,
    1e300,
    float("inf"),
    float("-inf"),
    float("nan"),
]


# -- samples ---------------------------------------------------------------------------------------


def samples() -> dict[str, bytes]:
    """Files that have everything: branches, structures, static arguments, rows, captured Values, loops."""
    w, bias = Value(2.0, label="w"), Value(-0.5, label="bias")

    @compile
    def branches(x: Any, p: Any, how: Any = ("a", 1, 2.5, None, True, b"z")) -> Any:
        """A docstring."""
        y = p["k"][0] * x.sum() + w if x[0] > p["k"][1] else (w * x.sum() - bias).tanh()
        z = math.where(y > 0, y**2.5, math.clip(y, -1, x[0])) + pygrad.dot([x[0], w], [y, x[1]], y)
        if z * z > 10:
            z = pygrad.stop_gradient(z) - math.hypot(z, y)
        return {"z": z, "both": (x * z, [y])} if how else y

    for x in ([1.0, 2.0], [4.0, 2.0], [40.0, -3.0]):
        branches(np.array(x), {"k": [2.0, 3.0]})
        branches(np.array(x), {"k": [2.0, 3.0]}, how=None)

    def loss(p: Any, x: Any, y: Any) -> Any:
        hidden = [math.tanh(a * x[0] + b * x[1]) for a, b in p["w"]]
        error = sum(v * h for v, h in zip(p["v"], hidden, strict=True)) - y
        return error**2 if abs(error) < 1 else 2 * abs(error) - 1

    step = compile(value_and_grad(vmap(loss, in_axes=(None, 0, 0), reduce="mean")))
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(70, 2))
    params = {"w": [(0.5, -0.25), (1.0, 2.0)], "v": np.array([1.5, -1.0])}
    step(params, rows, rng.normal(size=70) * 2)

    trained = compile(lambda x: (w * x + bias).sigmoid() * w if x > 0 else bias - x / w)
    trained.backward(np.array([1.0, -2.0]))
    trained(1.0)

    def turns(i: Any, s: Any) -> Any:
        inner = fori_loop(0, 2, lambda j, t: t * 0.5 + j * w, s[0], max_trips=20)
        return inner + pygrad.numpy.interp(s[1], [0.0, 1.0, 3.0], [1.0, x0, 2.0]), s[0]

    x0 = 0.75
    loops = compile(
        value_and_grad(
            vmap(lambda a, x: fori_loop(0, a + x, turns, (x, a), max_trips=20)[0], (None, 0), "sum")
        )
    )
    loops(1.5, np.array([1.0, 2.0, 0.25]))
    columns = rng.normal(size=(17, 2))

    def step_of_scan(s: Any, item: Any) -> Any:
        z, k = item
        return (s[1] * k[0], s[0] + z * k[1]), s[0] * w

    def scanned(a: Any, x: Any) -> Any:
        end, ys = pygrad.scan(step_of_scan, (x, a), ([x * i for i in range(17)], columns))
        return end[0] + pygrad.scan(lambda s, y: (s * y + x, None), a, ys, reverse=True)[0]

    scans = compile(value_and_grad(vmap(scanned, (None, 0), "sum")))
    scans(0.5, np.array([1.0, 2.0, 0.25]))
    return {
        "branches": to_bytes(branches.store),
        "step": to_bytes(step.store),
        "trained": to_bytes(trained.store),
        "loops": to_bytes(loops.store),
        "scans": to_bytes(scans.store),
    }


def mended(data: bytes | bytearray) -> bytes:
    """The same with the checksum that belongs to it."""
    contents = bytes(data[:-DIGEST])
    return contents + hashlib.sha256(contents).digest()


# -- running what was loaded -----------------------------------------------------------------------


def exercise(loaded: Loaded, rng: random.Random) -> None:
    """Everything that a loaded function can run, with every set of vector instructions."""
    try:
        for lanes in (0, 1, 2):
            lib.pg_choose_lanes(lanes)
            for program in loaded.store.calls:
                with refusing():
                    run_once(program, rng)
            for mapped in loaded.store.row_programs():
                with refusing():
                    run_rows(mapped, rng)
    finally:
        lib.pg_choose_lanes(2)
    for path in all_paths(loaded):
        with refusing():
            on_values(path, rng)


class _LongEnoughError(Exception):
    """A loop has run for a while, which may go on for as many trips as its file says."""


def _stop(*_: Any) -> None:
    raise _LongEnoughError


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """Numbers may lead where nothing was saved, to nan, and to very many trips: loops have to end by their
    bounds, or when a signal says so."""
    before = signal.signal(signal.SIGVTALRM, _stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.3)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    except (NotSavedError, TooManyPaths, _LongEnoughError):
        pass
    except RuntimeError as error:
        if "max_trips" not in str(error):
            raise
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def run_once(program: Any, rng: random.Random) -> None:
    if program.paths.root is None:  # of an entry without paths
        return
    program.call([rng.choice(NUMBERS) for _ in range(program.paths.root.program.inputs)])


def run_rows(mapped: Any, rng: random.Random) -> None:
    """70 rows, which are more than a block."""
    arguments = RowArguments.__new__(RowArguments)
    arguments.rows, arguments.structure, arguments.name = 70, mapped.structure, "f"
    arguments.values, arguments.ranges = [], []
    arguments.leaves = [
        Leaf(np.array(rng.choices(NUMBERS, k=70)).reshape(70, 1), True, 1)
        if by_row
        else Leaf(np.array([rng.choice(NUMBERS)]), False, 1)
        for by_row in mapped.flags
    ]
    outputs = (
        (lambda path: RowResults(path.result.structure, 70)) if mapped.reduce is None else None
    )
    for _ in mapped.run(Batch(arguments, 1), outputs):
        pass


def all_paths(loaded: Loaded) -> Iterator[Any]:
    for program in [*loaded.store.calls, *loaded.store.row_programs()]:
        assert program is not None
        yield from program.paths.all


def on_values(path: Any, rng: random.Random) -> None:
    """One program on Values, and the derivatives of what it gives."""
    inputs = tuple([Value(rng.choice(NUMBERS)) for _ in range(path.program.inputs)])
    results = core.replay(int(ffi.cast("intptr_t", path.program)), inputs, path.lives)
    if isinstance(results, tuple) and results and len(results) <= 64:
        total = pygrad.sum(results)
        with warnings.catch_warnings():  # numbers are any, infinite ones among them
            warnings.simplefilter("ignore", pygrad.SingularDerivativeWarning)
            total.backward()
            if inputs and path.instructions < 1000:
                pygrad.gradients(total, inputs[0])


def check(data: bytes, rng: random.Random) -> bool:
    """Whether the bytes are a function, which then runs; AssertionError for what must not be."""
    began = time.perf_counter()
    try:
        loaded = from_bytes(data)
    except ValueError:
        loaded = None
    assert time.perf_counter() - began < 1.0, "loading took more than a second"
    if loaded is None:
        return False
    for path in all_paths(loaded):
        assert lib.pg_program_verify(path.program) == 1
    exercise(loaded, rng)
    return True


def peak_of_loading(data: bytes) -> int:
    """Bytes that Python allocates at most while the file is loaded or refused."""
    tracemalloc.start()
    try:
        from_bytes(data)
    except ValueError:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return peak


# -- changes ---------------------------------------------------------------------------------------

EDGES = [
    0,
    1,
    2,
    3,
    7,
    31,
    64,
    127,
    255,
    0x7FFF,
    0xFFFF,
    0x7FFFFFFE,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
]


def changed(data: bytes, rng: random.Random) -> bytes:
    """A file a little different, with its checksum mended but for one time in fifty."""
    out = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 3, 8])):
        at = rng.randrange(HEAD, max(HEAD + 1, len(out) - DIGEST))
        kind = rng.randrange(7)
        if kind == 0:
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            out[at] = rng.randrange(256)
        elif kind == 2:
            out[at : at + 4] = struct.pack("<I", rng.choice(EDGES))
        elif kind == 3:
            (number,) = struct.unpack("<I", out[at : at + 4].ljust(4, b"\0"))
            out[at : at + 4] = struct.pack("<I", (number + rng.randrange(-2, 3)) & 0xFFFFFFFF)
        elif kind == 4:
            other = rng.randrange(HEAD, max(HEAD + 1, len(out) - DIGEST))
            size = rng.choice([4, 8, 12, 28, 56])
            out[at : at + size] = out[other : other + size]
        elif kind == 5:
            del out[at : at + rng.choice([1, 4, 28])]
        else:
            out[at:at] = out[at : at + rng.choice([1, 4, 28])]
    return bytes(out) if rng.randrange(50) == 0 else mended(out)


# What can stand where a file has a name, a static argument or an option.
ATOMS: list[Any] = [
    *(None, False, True, 0, 1, -1, 2, 10**30, -(10**30), 0.0, -0.0, 0.5, float("nan")),
    *(float("inf"), "", "x", "mean", "sum", "raise", "self", "\ud800", b"", b"z", (), (0,), (-1,)),
    *(
        (True,),
        (10**30,),
        ("x",),
        (None,),
        (0.5,),
        ((),),
        (0, 0),
        (0, 1),
        (None, 0, 0),
        (None, "x"),
    ),
]


def written(saved: Any) -> bytes:
    """A function as it was read, as a file again."""
    entries = [
        entry._replace(
            structure=key_of(entry.structure),
            paths=[path._replace(result=key_of(path.result)) for path in entry.paths],
        )
        for entry in saved.entries
    ]
    return fileformat.encode(saved._replace(entries=entries))


def crafted(data: bytes, rng: random.Random) -> bytes:
    """A sound file that says something else in a place or two."""
    saved = fileformat.decode(data)
    for _ in range(rng.choice([1, 1, 2])):
        atom, kind = rng.choice(ATOMS), rng.randrange(5)
        mapping = saved.mapping or fileformat.Mapping(0, "mean", 1, "warn", 0, False)
        if kind == 0:
            saved = saved._replace(doc=atom)
        elif kind == 1:
            saved = saved._replace(static=rng.choice([atom, (atom,)]))
        elif kind == 2:
            saved = saved._replace(kind=rng.randrange(4), mapping=mapping)
        elif kind == 3:
            changed = {rng.choice(fileformat.Mapping._fields): atom}
            saved = saved._replace(mapping=mapping._replace(**changed))
        else:
            entries = list(saved.entries)
            at = rng.randrange(len(entries))
            static = [*entries[at].static, (atom, rng.choice(ATOMS))]
            static[0] = rng.choice([(static[0][0], atom), (atom, static[0][1])])
            entries[at] = entries[at]._replace(static=tuple(static))
            saved = saved._replace(entries=entries)
    return written(saved)
