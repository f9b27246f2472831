"""Changes to saved files by what stands where: opcodes, slots, counts, lengths, tags, instructions.

A file is read once, by pygrad's own reader, and where each field stands is noted; then fields of a kind
are changed in copies of its bytes, which costs microseconds. Checksums are mended.
"""

from __future__ import annotations

import hashlib
import random
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from damage import DIGEST, HEAD, NUMBERS, changed, crafted, mended

import pygrad.numpy
from pygrad import Value, compile, fori_loop, grad, math, value_and_grad, vmap, while_loop
from pygrad.compiled import fileformat
from pygrad.compiled.saved import to_bytes

COUNTS, INSTRUCTION, TERM, LOOP = 11, 28, 12, 8  # as csrc/program/saved.c has them
BODY, SCAN = 12, 24  # what stands before the program of a loop's body, and of a scan's besides
INPUTS, LIVES, UNIFORMS, CONSTANTS, LANES, OUTPUTS, GUARDS, LENGTH, ONCE, SPREAD, TERMS = range(11)
ROW = 0x80000000
EDGES = [0, 1, 2, 3, 7, 31, 64, 127, 255, 0x7FFF, 0xFFFF, 0x7FFFFFFE, 0x7FFFFFFF, ROW, 0xFFFFFFFE]
EDGES += [0xFFFFFFFF, ROW | 1, ROW | 2]
NAMES = [name.encode() for name in fileformat.CODES]


# -- small files -----------------------------------------------------------------------------------


def small_samples() -> list[bytes]:
    """Files of some hundred bytes, which load fast: every kind of instruction, argument and result."""
    w, bias = Value(2.0, label="w"), Value(-0.5)
    x = np.array([1.0, -2.0])

    def until(x: Any) -> Any:
        return while_loop(lambda s: s < 9.0, lambda s: abs(s) * 2.0 + 3.0, x, max_trips=20)

    def nested(x: Any) -> Any:
        def trip(i: Any, s: Any) -> Any:
            return s * until(x) - pygrad.numpy.take([i, x, 3.0], i)

        return fori_loop(0, 2, trip, x, max_trips=20)

    def scanned(x: Any) -> Any:
        known = [0.5 * i for i in range(17)]
        end, ys = pygrad.scan(lambda s, k: (s * x + k, s - k), x, known)
        return end * ys[3]

    made: list[tuple[Any, list[tuple[Any, ...]]]] = [
        (compile(lambda x: x * 2 + 1), [(1.0,)]),
        (compile(lambda x, y: x * y - y / x), [(1.0, 2.0)]),
        (compile(lambda x: math.sin(x) if x > 0 else x), [(1.0,), (-1.0,)]),
        (compile(lambda x: (x if x < 2 else x * x) if x > 0 else -x), [(1.0,), (3.0,), (-1.0,)]),
        (compile(lambda x: x**2.5 + math.hypot(x, 2.0) - math.clip(x, 0.0, 1.0)), [(2.0,)]),
        (compile(lambda x: w * x + bias), [(2.0,)]),
        (compile(lambda x, how="a": x * 2 if how else x), [(2.0,), (2.0, None), (2.0, (1, 2.5))]),
        (compile(lambda x: [x[0], {"y": x[1] * x[0], "z": (x[0],)}]), [(x,), ([1.0, 2.0],)]),
        (compile(lambda p: p["a"] * p["b"][0]), [({"a": 1.0, "b": (2.0, 3.0)},)]),
        (compile(lambda x: math.where(x > 0, math.tanh(x), 0.0) + math.erf(x)), [(2.0,)]),
        (compile(value_and_grad(lambda x: math.exp(x) * x)), [(2.0,)]),
        (compile(vmap(lambda x: x * x + 1.0)), [(x,)]),
        (compile(vmap(lambda a, x: a * x if x > 0 else x, (None, 0))), [(2.0, x)]),
        (compile(vmap(lambda x: math.sin(x) * 2.0, reduce="sum")), [(x,)]),
        (
            compile(value_and_grad(vmap(lambda a, x: (a * x - 1.0) ** 2, (None, 0), "mean"))),
            [(2.0, x)],
        ),
        (
            compile(lambda x: fori_loop(0, 2, lambda i, s: s * x + i, x, max_trips=20)),
            [(2.0,)],
        ),
        (compile(grad(lambda x: until(x) * x)), [(2.0,)]),
        (compile(vmap(lambda x: until(x) + until(x + 1.0))), [(x,)]),
        (compile(lambda x: until(until(x) + w)), [(2.0,)]),
        (compile(value_and_grad(vmap(lambda a, x: nested(a * x), (None, 0), "sum"))), [(2.0, x)]),
        (compile(grad(scanned)), [(2.0,)]),
        (compile(vmap(lambda x: w * scanned(x))), [(x,)]),
    ]
    for f, calls in made:
        for arguments in calls:
            f(*arguments)
    trained = compile(lambda x: w * x if x > 0 else bias)
    trained.backward(x)
    return [to_bytes(f.store) for f in [*(f for f, _ in made), trained]]


def long_sample() -> bytes:
    """A file of some ten thousand bytes."""

    @compile
    def long(x: Any) -> Any:
        y = x
        for i in range(150):
            y = math.sin(y * x) + i * x
        return y

    long(0.5)
    return to_bytes(long.store)


# -- where things stand ----------------------------------------------------------------------------


class _Noting(fileformat._Reader):
    """Reads as load() does, and notes for each kind of field where its fields stand."""

    def __init__(self, data: memoryview) -> None:
        super().__init__(data)
        self.fields: dict[str, list[tuple[int, int]]] = {}
        self.programs: list[tuple[int, int]] = []  # where they begin, and their sizes
        self.sizes: list[int] = []  # where those stand
        self.heads: list[int] = []  # how many bytes of a body are before its program
        self.in_bodies, self.body_count = False, 0

    def note(self, kind: str, at: int, size: int) -> None:
        self.fields.setdefault(kind, []).append((HEAD + at, size))

    def numbers(self, kind: str) -> tuple[Any, ...]:
        at = self.at
        found = super().numbers(kind)
        names = {"B": "tags", "?": "tags", "d": "numbers", "i": "paths", "Q": "lengths"}
        for letter in kind if not kind[0].isdigit() else kind[-1] * int(kind[:-1]):
            size = struct.calcsize("<" + letter)
            self.note(names.get(letter, "shapes"), at, size)
            if letter == "Q":
                head = self.head(at + 8) if self.in_bodies else 0
                self.sizes.append(HEAD + at)
                self.heads += [head] * self.in_bodies
                self.programs.append((HEAD + at + 8 + head, found[0] - head))
            at += size
        return found

    def scan(self, at: int) -> tuple[int, ...]:
        """What a body that begins there has of a scan: six numbers, or none."""
        state, *rest = struct.unpack_from(
            "<IQ6I", bytes(self.data[at : at + BODY + SCAN]).ljust(36)
        )
        return tuple(rest[1:]) if state & ROW else ()

    def columns(self, at: int) -> int:
        """How many numbers of columns that are known follow these."""
        scan = self.scan(at)
        return scan[2] * scan[3] if scan and scan[5] == self.body_count else 0

    def head(self, at: int) -> int:
        return BODY + (SCAN if self.scan(at) else 0) + 8 * self.columns(at)

    def body(self) -> None:
        self.in_bodies = True
        at = self.at + 8
        super().body()
        self.in_bodies = False
        for i in range(len(self.scan(at))):
            self.note("scans", at + BODY + 4 * i, 4)
        for i in range(self.columns(at)):
            self.note("numbers", at + BODY + SCAN + 8 * i, 8)
        self.body_count += 1
        self.note("trips", at, 4)
        self.note("numbers", at + 4, 8)

    def count(self, least: int) -> int:
        at = self.at
        found = super().count(least)
        self.fields["shapes"].pop()
        self.note("lengths", at, 4)
        return found

    def blob(self) -> bytes:
        at = self.at
        found = super().blob()
        if found:
            self.note("texts", at + 4, len(found))
        return found

    def indices(self, below: int) -> tuple[int, ...]:
        at = self.at
        found = super().indices(below)
        for i in range(len(found)):
            self.note("indices", at + 4 + 4 * i, 4)
        return found


class Sample:
    """A sound file, and where its fields stand."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        reader = _Noting(memoryview(data)[HEAD:-DIGEST])
        reader.function()
        self.fields, self.programs, self.sizes = reader.fields, reader.programs, reader.sizes
        self.bodies = reader.body_count  # how many of the programs, the first ones, are of loops
        self.heads = reader.heads
        self.codes = list(reader.codes)  # which operations the file's own numbers stand for
        for at, size in self.programs:
            self._note_program(at, size)
        self.kinds = sorted(self.fields)
        self.edges = sorted({at for places in self.fields.values() for at, _ in places})

    def counts(self, at: int) -> list[int]:
        """Of the program that begins there."""
        return list(struct.unpack_from(f"<{COUNTS}I", self.data, at))

    def parts(self, at: int) -> tuple[list[int], int, int]:
        """A program's counts, and where its instructions and its terms begin."""
        counts = self.counts(at)
        code = at + 4 * COUNTS + 8 * counts[CONSTANTS] + 4 * (counts[INPUTS] + counts[OUTPUTS])
        return counts, code, code + INSTRUCTION * counts[LENGTH]

    def _note(self, kind: str, at: int, size: int, count: int = 1) -> None:
        self.fields.setdefault(kind, []).extend((at + size * i, size) for i in range(count))

    def _note_program(self, at: int, size: int) -> None:
        counts, code, terms = self.parts(at)
        self._note("counts", at, 4, COUNTS)
        self._note("constants", at + 4 * COUNTS, 8, counts[CONSTANTS])
        slots = counts[INPUTS] + counts[OUTPUTS]
        self._note("slots", at + 4 * COUNTS + 8 * counts[CONSTANTS], 4, slots)
        for i in range(counts[LENGTH]):
            here = code + INSTRUCTION * i
            self._note("opcodes", here, 2)
            self._note("expected", here + 2, 2)
            self._note("slots", here + 4, 4, 4)
            self._note("ranges", here + 20, 4, 2)
        for i in range(counts[TERMS]):
            self._note("slots", terms + TERM * i, 4, 2)
            self._note("ranges", terms + TERM * i + 8, 4)
        loops = terms + TERM * counts[TERMS]
        self._note("loops", loops, 4, (at + size - loops) // 4)
        for kind in [kind for kind, places in self.fields.items() if not places]:
            del self.fields[kind]


# -- changes ---------------------------------------------------------------------------------------


def change_field(out: bytearray, sample: Sample, kind: str, rng: random.Random) -> None:
    """A field of a kind says something else."""
    places = sample.fields[kind]
    at, size = places[int(rng.random() * len(places))]
    if kind == "texts":
        out[at + int(rng.random() * size)] = int(rng.random() * 256)
    elif size == 1:
        out[at] = int(rng.random() * (10 if rng.random() < 0.9 else 256))
    elif kind in {"numbers", "constants"}:
        struct.pack_into("<d", out, at, NUMBERS[int(rng.random() * len(NUMBERS))])
    else:
        how = int(rng.random() * 6)
        if how == 0:  # what another such field says
            other, length = places[int(rng.random() * len(places))]
            out[at : at + size] = out[other : other + length].ljust(size, b"\0")[:size]
            return
        number = int.from_bytes(out[at : at + size], "little")
        if how <= 2:
            number += (-2, -1, 1, 2)[int(rng.random() * 4)]
        elif how == 3:
            number = EDGES[int(rng.random() * len(EDGES))]
        elif how == 4:
            number = int(rng.random() * 16)
        else:
            number ^= ROW
        out[at : at + size] = (number & (1 << 8 * size) - 1).to_bytes(size, "little")


def change_items(out: bytearray, sample: Sample, rng: random.Random) -> None:
    """An instruction or a term goes, comes twice, or changes places, with counts that agree."""
    which = int(rng.random() * len(sample.programs))
    at, _ = sample.programs[which]
    counts, code, terms = sample.parts(at)
    (size,) = struct.unpack_from("<Q", sample.data, sample.sizes[which])
    of_terms = rng.random() < 0.3 and counts[TERMS] > 0
    start, length, each = (terms, TERMS, TERM) if of_terms else (code, LENGTH, INSTRUCTION)
    if counts[length] == 0:
        return
    i = int(rng.random() * counts[length])
    here = start + each * i
    how = int(rng.random() * 3)
    if how == 2:
        other = start + each * int(rng.random() * counts[length])
        out[here : here + each], out[other : other + each] = (
            out[other : other + each],
            out[here : here + each],
        )
        return
    by = 1 if how else -1
    for count in (length,) if of_terms else (LENGTH, *[c for c in (ONCE, SPREAD) if i < counts[c]]):
        counts[count] += by
    struct.pack_into(f"<{COUNTS}I", out, at, *counts)
    struct.pack_into("<Q", out, sample.sizes[which], size + by * each)
    out[here : here + each] = out[here : here + each] * (2 if how else 0)


def change_name(out: bytearray, sample: Sample, rng: random.Random) -> None:
    """A text, perhaps the name of an op, becomes another one, with its length."""
    at, size = rng.choice(sample.fields["texts"])
    text = rng.choice(NAMES) if rng.random() < 0.8 else rng.randbytes(int(rng.random() * 20))
    out[at - 4 : at + size] = struct.pack("<I", len(text)) + text


def with_digest(out: bytearray) -> bytes:
    """The file with the checksum that belongs to it in the place of its old one."""
    del out[-DIGEST:]
    out += hashlib.sha256(out).digest()
    return bytes(out)


def by_field(kind: str) -> Callable[[Sample, list[Sample], random.Random], bytes]:
    def change(sample: Sample, others: list[Sample], rng: random.Random) -> bytes:
        out = bytearray(sample.data)
        here = (
            kind if kind in sample.fields else sample.kinds[int(rng.random() * len(sample.kinds))]
        )
        change_field(out, sample, here, rng)
        return with_digest(out)

    return change


def several(sample: Sample, others: list[Sample], rng: random.Random) -> bytes:
    out = bytearray(sample.data)
    for _ in range(2 + int(rng.random() * 6)):
        kind = sample.kinds[int(rng.random() * len(sample.kinds))]
        change_field(out, sample, kind, rng)
    if rng.random() < 0.3:  # last, for it moves what is behind
        change_items(out, sample, rng)
    return with_digest(out)


def items(sample: Sample, others: list[Sample], rng: random.Random) -> bytes:
    out = bytearray(sample.data)
    change_items(out, sample, rng)
    return with_digest(out)


def names(sample: Sample, others: list[Sample], rng: random.Random) -> bytes:
    out = bytearray(sample.data)
    change_name(out, sample, rng)
    return with_digest(out)


def truncated(sample: Sample, others: list[Sample], rng: random.Random) -> bytes:
    at = rng.choice(sample.edges) if rng.random() < 0.5 else rng.randrange(HEAD, len(sample.data))
    return mended(sample.data[:at] + bytes(DIGEST))


def halves(sample: Sample, others: list[Sample], rng: random.Random) -> bytes:
    """The beginning of one file and the end of another, cut between fields."""
    other = others[int(rng.random() * len(others))]
    return mended(sample.data[: rng.choice(sample.edges)] + other.data[rng.choice(other.edges) :])


def bytes_alone(sample: Sample, others: list[Sample], rng: random.Random) -> bytes:
    return changed(sample.data, rng)


def written_anew(sample: Sample, others: list[Sample], rng: random.Random) -> bytes:
    return crafted(sample.data, rng)


FIELDS = ["opcodes", "expected", "slots", "ranges", "counts", "constants", "paths", "lengths"]
FIELDS += ["tags", "shapes", "numbers", "indices", "texts", "loops", "trips", "scans"]

# Each kind of change, and how many of a thousand files have it.
CHANGES: dict[str, tuple[Callable[[Sample, list[Sample], random.Random], bytes], int]] = {
    **{kind: (by_field(kind), 40) for kind in FIELDS},
    "slots": (by_field("slots"), 150),
    "several fields": (several, 140),
    "instructions and terms": (items, 80),
    "names": (names, 30),
    "truncated": (truncated, 30),
    "halves of two files": (halves, 40),
    "bytes at random": (bytes_alone, 40),
    "written anew": (written_anew, 10),
}
