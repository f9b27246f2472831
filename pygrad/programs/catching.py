"""Which exceptions the code that called an operation would catch, by the handlers around it."""

from __future__ import annotations

import builtins
import dis
import sys
from types import CodeType, FrameType
from typing import Any

from pygrad.core.callers import is_pygrads
from pygrad.programs.managers import swallowed

_BLOCKS = {"SETUP_FINALLY", "SETUP_WITH", "SETUP_ASYNC_WITH"}  # to Python 3.10
_ENDS = {"JUMP_FORWARD", "JUMP_ABSOLUTE", "RETURN_VALUE", "RAISE_VARARGS", "RERAISE"}
_TESTS = {"CHECK_EXC_MATCH", "JUMP_IF_NOT_EXC_MATCH"}
_PRELUDE = {"PUSH_EXC_INFO", "DUP_TOP", "NOP", "CACHE", "RESUME"}


def caught_by(frame: FrameType, names: str, bases: set[CodeType]) -> str:
    """The first of these exceptions that a handler around the frame catches; "" if none is.

    names: of the exceptions, with blanks between. Looked at are the frame and its callers, up to one of the
    bases. A handler whose classes are not plain names is taken for one that catches.
    """
    kinds = [getattr(builtins, name) for name in names.split()]
    at: FrameType | None = frame
    while at is not None and at.f_code not in bases:
        if not is_pygrads(at.f_code.co_filename):
            code = list(dis.get_instructions(at.f_code))
            for target in _targets(at.f_code, code, at.f_lasti):
                found = _caught(at, code, target, kinds)
                if found:
                    return found
            found = swallowed(at, kinds)
            if found:
                return found
        at = at.f_back
    return ""


def _targets(code: CodeType, instructions: list[Any], at: int) -> list[int]:
    """Where the handlers around an instruction begin."""
    if sys.version_info < (3, 11):
        return _blocks(instructions, at)
    table: list[Any] = dis._parse_exception_table(code)  # type: ignore[attr-defined]
    found, wanted = [], {at}
    while wanted:  # what a handler does not catch goes on to the one around it
        place = wanted.pop()
        for entry in table:
            if entry.start <= place < entry.end and entry.target not in found:
                found.append(entry.target)
                wanted.add(entry.target)
    return found


def _blocks(instructions: list[Any], at: int) -> list[int]:
    """Where the handlers begin of the blocks that an instruction is in, to Python 3.10."""
    jumps = {*dis.hasjabs, *dis.hasjrel}
    places = {i.offset: n for n, i in enumerate(instructions)}
    ways: list[tuple[int, tuple[int, ...]]] = [(0, ())]
    seen: dict[int, tuple[int, ...]] = {}
    while ways:
        place, blocks = ways.pop()
        if place in seen or place == len(instructions):
            continue
        seen[place] = blocks
        i = instructions[place]
        if i.opcode in jumps:
            ways.append((places[i.argval], blocks))
        if i.opname in _BLOCKS:
            blocks = (*blocks, i.argval)
        elif i.opname == "POP_BLOCK":
            blocks = blocks[:-1]
        if i.opname not in _ENDS:
            ways.append((place + 1, blocks))
    return [*reversed(seen.get(places[at], ()))]


def _caught(frame: FrameType, code: list[Any], target: int, kinds: list[type]) -> str:
    """The first of the kinds that the clauses which begin there catch."""
    places = {i.offset: n for n, i in enumerate(code)}
    at = places[target]
    classes: list[Any] = []
    while at < len(code) and code[at].opname in _PRELUDE:
        at += 1
    while at < len(code):
        name = code[at].opname
        if name == "POP_TOP" and not classes:  # except: of everything
            return kinds[0].__name__
        if name in _TESTS:
            for kind in kinds:
                if any(each is None or issubclass(kind, each) for each in classes):
                    return kind.__name__
            jump = code[at] if name == "JUMP_IF_NOT_EXC_MATCH" else code[at + 1]
            at, classes = places[jump.argval], []
            while at < len(code) and code[at].opname in _PRELUDE:
                at += 1
            continue
        if name in {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FAST", "LOAD_DEREF"}:
            classes += _classes(_named(frame, code[at].argval))
        elif name == "LOAD_ATTR":
            classes = [None]
        elif name not in {"BUILD_TUPLE", "CACHE", "NOP"}:
            return ""  # a finally, by which it goes on, or a with: see managers.py
        at += 1
    return ""


def _named(frame: FrameType, name: str) -> Any:
    for space in (frame.f_locals, frame.f_globals, frame.f_builtins):
        if name in space:
            return space[name]
    return None


def _classes(found: Any) -> list[Any]:
    if isinstance(found, tuple):
        return [each for part in found for each in _classes(part)]
    return [found if isinstance(found, type) and issubclass(found, BaseException) else None]
