"""The bytes of a saved program: what save() writes and load() reads; saved.py gives them their meaning.

A file is the mark ``\\x89PYGRAD\\n``, the format's version, the contents, and the SHA-256 of all that.
Numbers are little-endian; every list starts with its length. Nothing in it is code, and reading looks
nothing up by name but operations in pygrad's own table. Each length is compared with what is left of the
file before memory is asked for, and every program has to pass pg_program_verify (csrc/program/verify.c).

Programs stand in the file as csrc/program/saved.c writes them, with operations numbered by a list of
names that the file has of its own: so a table that has grown or moved since does no harm. If "loop" is
among these they are followed by the bodies of all loops, each once (csrc/program/bodies.c): older
versions of pygrad, which know no such operation, refuse the file by that name.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from pygrad.core.distinction import distinctions
from pygrad.core.library import ffi, lib
from pygrad.core.static import Static
from pygrad.core.structure import Array, Number, Structure, container_like
from pygrad.core.truth import Truth
from pygrad.programs.calls import refuse_calls
from pygrad.programs.results import Truths

MARK = b"\x89PYGRAD\n"
VERSION = 1

# Which of a compiled function's programs an entry has, and what the function was made by.
OWN = 0
BACKWARDS = ["", "mean", "sum"]
LOOP, CONTRACTED = "loop", "contracted"
SIGNED = "total_less"  # versions that have it know of terms that plain sums subtract
PLAIN, VMAP = 0, "vmap"
DERIVATIVES = ["", VMAP, "grad", "value_and_grad"]

_DIGEST = hashlib.sha256().digest_size
_HEAD = struct.Struct(f"<{len(MARK)}sI")
_DEEPEST = 100  # containers within containers, tuples within tuples
_MOST_AXES = 64  # of a NumPy array
_INSTRUCTION = np.dtype(
    [("code", "u2"), ("expected", "u2")]
    + [(name, "u4") for name in ("out", "a", "b", "c", "first", "count")]
)
_TERM = np.dtype([("a", "u4"), ("b", "u4"), ("absorbing", "u2"), ("subtracted", "u2")])


def damaged(said: object) -> ValueError:
    """The error for bytes that no `save` has written."""
    return ValueError(f"the file is damaged: {said}")


class SavedPath(NamedTuple):
    """One program, and where it branches off: at a guard of an earlier path; of the first both are -1."""

    parent: int
    guard: int
    result: Any  # a Structure when read, its key_of() to be written
    by: tuple[int, ...]  # captured Values by which totals are derivatives, for backward()
    lives: tuple[int, ...]  # captured Values that it reads
    inputs: int  # of the program; there may be more, which are not used
    program: Any  # pg_program *


class Entry(NamedTuple):
    """The programs for one structure of arguments."""

    group: int
    structure: Any  # as above
    static: tuple[tuple[Any, Any], ...]  # names and static arguments
    rows: bytes | None  # for each input whether it differs by row; None: called a row at a time
    wrt: tuple[int, ...]  # uniform inputs by which totals are derivatives
    paths: list[SavedPath]


class Mapping(NamedTuple):
    """How a vmap was made, and the derivative around it."""

    in_axes: Any
    reduce: str | None
    threads: int
    errors: str
    argnums: Any
    has_aux: bool


class SavedFunction(NamedTuple):
    """All that a file has."""

    name: str
    doc: str | None
    kind: int
    static: tuple[int, ...]  # static_argnums
    mapping: Mapping | None
    captured: list[tuple[float, str]]  # numbers and labels
    entries: list[Entry]
    contracts: bool  # see programs/contraction.py; its file names that operation, whether it has one or not


# -- operations by name ----------------------------------------------------------------------------


def _codes() -> dict[str, int]:
    """What stands for each op of the table, and for the other instructions."""
    codes: dict[str, int] = {}
    code = 0
    while (name := lib.pg_code_name(code)) != ffi.NULL or not codes:
        if name != ffi.NULL:
            codes[ffi.string(name).decode()] = code
        code += 1
    return codes


CODES = _codes()


def instructions(program: Any) -> Any:
    """The code of a program as a structured array, borrowed from it."""
    size = program.length * _INSTRUCTION.itemsize
    return np.frombuffer(ffi.buffer(program.code, size), dtype=_INSTRUCTION)


def _has_signed_sums(program: Any) -> bool:
    """Whether a term is subtracted in a sum that is not contracted."""
    terms = np.frombuffer(ffi.buffer(program.terms, program.term_count * _TERM.itemsize), _TERM)
    code = instructions(program)
    sums = code[code["code"] == CODES["fused"]]
    signed = np.concatenate([[0], np.cumsum(terms["subtracted"], dtype=np.int64)])
    return bool(np.any(signed[sums["first"] + sums["count"]] != signed[sums["first"]]))


def slots(pointer: Any, count: int) -> Any:
    """Slots of a program's inputs or results as an array, borrowed from it."""
    return np.frombuffer(ffi.buffer(pointer, 4 * count), dtype=np.uint32)


# -- writing ---------------------------------------------------------------------------------------


class _Writer:
    def __init__(self, codes: Any, bodies: Any) -> None:
        self.out = bytearray()
        self.codes = codes  # for each code its number in the file
        self.bodies = bodies  # pg_bodies *

    def number(self, kind: str, *numbers: Any) -> None:
        self.out += struct.pack("<" + kind, *numbers)

    def blob(self, data: bytes) -> None:
        self.number("I", len(data))
        self.out += data

    def text(self, text: str) -> None:
        self.blob(text.encode("utf-8", "surrogatepass"))

    def several(self, items: Sequence[Any], write: Callable[[Any], object]) -> None:
        self.number("I", len(items))
        for item in items:
            write(item)

    def indices(self, items: Sequence[int]) -> None:
        self.number("I", len(items))
        self.out += np.array(items, dtype="<u4").tobytes()

    def atom(self, x: Any, what: str, depth: int = 0) -> None:
        """A name or static argument: None, bool, int, float, str, bytes, or a tuple of these."""
        if x is None or x is False or x is True:
            self.number("B", [None, False, True].index(x))
        elif type(x) is int:
            self.number("B", 3)
            self.blob(x.to_bytes(x.bit_length() // 8 + 1, "little", signed=True))
        elif type(x) is float:
            self.number("Bd", 4, x)
        elif type(x) is str:
            self.number("B", 5)
            self.text(x)
        elif type(x) is bytes:
            self.number("B", 6)
            self.blob(x)
        elif type(x) is tuple and depth < _DEEPEST:
            self.number("B", 7)
            self.several(x, lambda item: self.atom(item, what, depth + 1))
        else:
            raise TypeError(
                f"{what} is of type {type(x).__name__}, which cannot be saved; None, bool, int, float, "
                "str, bytes and tuples of these can"
            )

    def structure(self, key: Any, what: str, depth: int = 0) -> None:
        """A structure, told by its key (see key_of)."""
        if key is None:
            self.number("B", 0)
        elif isinstance(key, Static):
            self.number("B", 2 + len(_KINDS))
            self.atom(key.item, key.what or what)
        elif key is bool:
            self.number("B", 3 + len(_KINDS))
        elif key == () or isinstance(key[0], int) or key[0] is bool:
            shape = key[1:] if key and key[0] is bool else key
            self.number("BI", 1 if shape is key else 4 + len(_KINDS), len(shape))
            self.number(f"{len(shape)}I", *shape)
        else:
            kind, names, _, parts = key
            if kind not in _KINDS or depth > _DEEPEST:
                raise TypeError(
                    f"{what} has a {kind.__name__}, which cannot be saved, as a file keeps no classes; "
                    "lists, tuples and dicts of numbers and arrays can, no more than "
                    f"{_DEEPEST} within each other. A pickle of the function has its name instead"
                )
            self.number("B", 2 + _KINDS.index(kind))
            self.number("I", len(parts))
            for name, part in zip(names, parts, strict=True):
                if kind is dict:
                    self.atom(name, f"the key {name!r} of {what}")
                self.structure(part, f"{what}[{name!r}]", depth + 1)

    def path(self, path: SavedPath, name: str) -> None:
        self.number("ii", path.parent, path.guard)
        self.structure(path.result, f"the result of {name}()")
        self.indices(path.by)
        self.indices(path.lives)
        size = lib.pg_program_size(path.program, path.inputs)
        self.by_c(
            size,
            lambda room: lib.pg_program_write(
                path.program, path.inputs, self.codes, self.bodies, room
            ),
        )

    def body(self, i: int) -> None:
        size = lib.pg_body_size(self.bodies, i)
        self.by_c(size, lambda room: lib.pg_body_write(self.bodies, i, self.codes, room))

    def by_c(self, size: int, write: Callable[[Any], object]) -> None:
        """So many bytes, which C writes."""
        self.number("Q", size)
        start = len(self.out)
        self.out += bytes(size)
        with memoryview(self.out) as view:
            room = ffi.from_buffer("unsigned char[]", view[start:], require_writable=True)
            write(room)
            ffi.release(room)

    def entry(self, entry: Entry, name: str) -> None:
        self.number("B", entry.group)
        self.structure(entry.structure, f"the arguments of {name}()")
        self.number("I", len(entry.static))
        for place, argument in entry.static:
            self.atom(place, "a name")
            self.atom(argument, f"the static argument {place!r} of {name}()")
        self.number("?", entry.rows is not None)
        self.blob(entry.rows or b"")
        self.indices(entry.wrt)
        self.several(entry.paths, lambda path: self.path(path, name))

    def mapping(self, mapping: Mapping) -> None:
        for item in mapping:
            self.atom(item, "an option of vmap()")


_KINDS = [list, tuple, dict]


def _bodies_of(saved: SavedFunction) -> Any:
    """The bodies of all loops, as C has them."""
    bodies = new_bodies()
    for entry in saved.entries:
        for path in entry.paths:
            refuse_calls(path.program, f"{saved.name}() cannot be saved")
            known = lib.pg_bodies_add(bodies, path.program, path.inputs)
            if known < 0:
                raise MemoryError
            if not known:
                raise NotImplementedError(
                    f"{saved.name}() has a loop that files have no room for, such as one that would "
                    "be far larger with the loops inside it written out each time: save what the "
                    "function is made of, and compile it again"
                )
    return bodies


def new_bodies() -> Any:
    """A pg_bodies *, with none."""
    bodies = lib.pg_bodies_open()
    if bodies == ffi.NULL:
        raise MemoryError
    return ffi.gc(bodies, lib.pg_bodies_close)


def encode(saved: SavedFunction) -> bytes:
    """The bytes for a function. TypeError for names, static arguments and containers of other types;
    NotImplementedError for loops of other kinds, and external functions."""
    names = {code: name for name, code in CODES.items()}
    bodies = _bodies_of(saved)
    programs = [path.program for entry in saved.entries for path in entry.paths]
    programs += [lib.pg_body_program(bodies, i) for i in range(bodies.count)]
    used = {CODES[CONTRACTED]} if saved.contracts else set()
    for program in programs:
        used.update(np.unique(instructions(program)["code"]).tolist())
        if _has_signed_sums(program):
            used.add(CODES[SIGNED])
    codes = ffi.new("uint16_t[]", max(names) + 1)
    for i, code in enumerate(sorted(used)):
        codes[code] = i
    writer = _Writer(codes, bodies)
    writer.out += _HEAD.pack(MARK, VERSION)
    writer.text(saved.name)
    writer.atom(saved.doc, "the docstring")
    writer.number("B", saved.kind)
    writer.atom(saved.static, "static_argnums")
    if saved.mapping is not None:
        writer.mapping(saved.mapping)
    writer.several([names[code] for code in sorted(used)], writer.text)
    if CODES[LOOP] in used:
        writer.several(range(bodies.count), writer.body)
    writer.number("I", len(saved.captured))
    for number, label in saved.captured:
        writer.number("d", number)
        writer.text(label)
    writer.several(saved.entries, lambda entry: writer.entry(entry, saved.name))
    writer.out += hashlib.sha256(writer.out).digest()
    return bytes(writer.out)


# -- reading ---------------------------------------------------------------------------------------


class _Reader:
    def __init__(self, data: memoryview, captured: int = 0) -> None:
        self.data, self.at = data, 0
        self.codes: Any = None
        self.bodies: Any = ffi.NULL
        self.captured = captured
        self.known: dict[Any, Structure] = {}  # so that what is alike is there once

    def take(self, size: int) -> memoryview:
        if size > len(self.data) - self.at:
            raise damaged("it ends too early")
        self.at += size
        return self.data[self.at - size : self.at]

    def numbers(self, kind: str) -> tuple[Any, ...]:
        return struct.unpack("<" + kind, self.take(struct.calcsize("<" + kind)))

    def number(self, kind: str) -> Any:
        return self.numbers(kind)[0]

    def count(self, least: int) -> int:
        """How many items follow, of which each takes so many bytes at least."""
        count: int = self.number("I")
        if count * least > len(self.data) - self.at:
            raise damaged(f"it has no room for {count} items")
        return count

    def blob(self) -> bytes:
        return bytes(self.take(self.count(1)))

    def text(self) -> str:
        return self.blob().decode("utf-8", "surrogatepass")

    def indices(self, below: int) -> tuple[int, ...]:
        found = np.frombuffer(self.take(4 * self.count(4)), dtype="<u4")
        if len(found) and found.max() >= below:
            raise damaged(f"an index is not below {below}")
        return tuple(found.tolist())

    def one_of(self, choices: Sequence[Any], what: str) -> Any:
        tag = self.number("B")
        if tag >= len(choices):
            raise damaged(f"{what} has the tag {tag}")
        return choices[tag]

    def atom(self, depth: int = 0) -> Any:
        kind = self.one_of([None, False, True, int, float, str, bytes, tuple], "a name")
        if kind is int:
            return int.from_bytes(self.blob(), "little", signed=True)
        if kind is float:
            return self.number("d")
        if kind is str:
            return self.text()
        if kind is bytes:
            return self.blob()
        if kind is tuple:
            if depth >= _DEEPEST:
                raise damaged("tuples are too deep")
            return tuple([self.atom(depth + 1) for _ in range(self.count(1))])
        return kind

    def structure(self, depth: int = 0) -> Structure:
        """A structure. Each of its numbers has a slot in a program further on, of four bytes."""
        kind = self.one_of([Number, Array, *_KINDS, Static, Truth, Truths], "a structure")
        if kind is Number or kind is Truth:
            return self._once(kind, ())
        if kind is Static:
            return Static(self.atom(), "")
        if kind is Array or kind is Truths:
            return self._once(kind, self.shape())
        if depth > _DEEPEST:
            raise damaged("containers are too deep")
        names, parts = [], []
        for i in range(self.count(5)):
            names.append(self.atom() if kind is dict else i)
            parts.append(self.structure(depth + 1))
        if len(set(names)) != len(names):
            raise damaged("a dict has a key twice")
        return self._once(kind, tuple(names), tuple(parts))

    def shape(self) -> tuple[int, ...]:
        axes = self.count(4)
        if not 0 < axes <= _MOST_AXES:
            raise damaged(f"an array has {axes} axes")
        shape = self.numbers(f"{axes}I")
        if 4 * math.prod(shape) > len(self.data) - self.at:
            raise damaged(f"it has no room for an array of shape {shape}")
        return shape

    def _once(self, kind: Any, names: tuple[Any, ...], parts: tuple[Structure, ...] = ()) -> Any:
        key = (kind, names, distinctions(names), tuple(map(id, parts)))
        if key not in self.known:
            if kind is Number or kind is Truth:
                self.known[key] = kind()
            elif kind is Array or kind is Truths:
                self.known[key] = kind(names, math.prod(names))
            else:
                like = dict.fromkeys(names) if kind is dict else kind()
                self.known[key] = container_like(like, parts)
        return self.known[key]

    def path(self, index: int) -> SavedPath:
        parent, guard = self.numbers("ii")
        if not (-1 <= parent < index and (parent == -1) == (index == 0) == (guard == -1)):
            raise damaged(f"path {index} follows path {parent}")
        result = self.structure()
        by, lives = self.indices(self.captured), self.indices(self.captured)
        size = self.number("Q")
        bytes_ = ffi.from_buffer("unsigned char[]", self.take(size))
        program = ffi.new("pg_program **")
        codes = self.codes
        _check(
            lib.pg_program_read(bytes_, size, len(lives), codes, len(codes), self.bodies, program),
            f"the program of path {index}",
        )
        owned = ffi.gc(program[0], lib.pg_program_free, size)
        return SavedPath(parent, guard, result, by, lives, owned.inputs, owned)

    def entry(self) -> Entry:
        group = self.number("B")
        if group >= len(BACKWARDS):
            raise damaged(f"there is no group {group}")
        structure = self.structure()
        static = tuple([(self.atom(), self.atom()) for _ in range(self.count(2))])
        by_rows, rows = self.number("?"), self.blob()
        wrt = self.indices(1 << 32)
        paths = [self.path(i) for i in range(self.count(69))]
        return Entry(group, structure, static, rows if by_rows else None, wrt, paths)

    def body(self) -> None:
        size = self.number("Q")
        bytes_ = ffi.from_buffer("unsigned char[]", self.take(size))
        sound = lib.pg_body_read(self.bodies, bytes_, size, self.codes, len(self.codes))
        _check(sound, f"body {self.bodies.count} of a loop")

    def ops(self) -> list[str]:
        names = [self.text() for _ in range(self.count(4))]
        for name in names:
            if name not in CODES:
                raise ValueError(
                    f"the file uses the operation {name!r}, which this version of pygrad does not have"
                )
        return names

    def function(self) -> SavedFunction:
        name, doc = self.text(), self.atom()
        kind, static = self.number("B"), self.atom()
        if kind >= len(DERIVATIVES) or not _is_of_ints(static) or not _is_text(doc):
            raise damaged("it says nothing of how it is to be called")
        mapping = None if kind == PLAIN else Mapping(*[self.atom() for _ in Mapping._fields])
        if mapping is not None and not _are_axes(mapping.in_axes):
            raise damaged(f"rows lie along {mapping.in_axes!r}")
        names = self.ops()
        self.codes = ffi.new("uint16_t[]", [CODES[name] for name in names])
        if LOOP in names:
            self.bodies = new_bodies()
            for _ in range(self.count(64)):
                self.body()
        captured = [(self.number("d"), self.text()) for _ in range(self.count(12))]
        self.captured = len(captured)
        entries = [self.entry() for _ in range(self.count(80))]
        if self.at != len(self.data):
            raise damaged("it goes on after its end")
        return SavedFunction(
            name, doc, kind, static, mapping, captured, entries, CONTRACTED in names
        )


def _check(sound: int, what: str) -> None:
    """What C has found of the bytes of something."""
    if sound < 0:
        raise MemoryError
    if sound == 0:
        raise damaged(f"{what} is not sound")


def _is_text(x: Any) -> bool:
    return x is None or isinstance(x, str)


def _is_of_ints(x: Any) -> bool:
    return isinstance(x, tuple) and all(isinstance(item, int) for item in x)


def _are_axes(x: Any) -> bool:
    return all(axis is None or type(axis) is int for axis in (x if isinstance(x, tuple) else [x]))


def decode(data: bytes) -> SavedFunction:
    """What the bytes say; ValueError if they are no such file, or one that is damaged or newer."""
    if len(data) < _HEAD.size + _DIGEST or not data.startswith(MARK):
        raise ValueError(
            "these are not the bytes of a saved pygrad function, or only the start of them"
        )
    _, version = _HEAD.unpack_from(data)
    if version != VERSION:
        raise ValueError(
            f"the file has format version {version}; this version of pygrad reads format version {VERSION}"
        )
    view = memoryview(data)
    if hashlib.sha256(view[:-_DIGEST]).digest() != view[-_DIGEST:]:
        raise damaged("its checksum is not that of its contents")
    return _Reader(view[_HEAD.size : -_DIGEST]).function()
