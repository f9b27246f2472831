"""Texts of Values, which stand for numbers in lifted code, and would freeze them in traces.

In lifted code a Value has the text of its number, and a program whose function has made one holds for that
number alone: another one is another path. A text that is only shown, by ``print`` and its like, decides
nothing. Other code is told if it makes a text of a Value in a trace and does more with it than to show it.
"""

from __future__ import annotations

import functools
import linecache
import logging
import math
import os
import re
import sys
import threading
from types import CodeType, FrameType
from typing import Any

from pygrad.arrays.elementary import signbit
from pygrad.arrays.engines import MARK
from pygrad.core.callers import is_pygrads, users_line, warn_once
from pygrad.core.implementation import IMPLEMENTATION, Value, trace_active
from pygrad.core.ints import is_int

if IMPLEMENTATION == "compiled":
    from pygrad import _native

# Statements whose texts go to people.
_SHOWS = re.compile(
    r"\s*(print|pprint|pp|raise|warn|(sys\.)?std(out|err)\.write|warnings\.warn|_?log(ger|ging)?\.\w+|"
    r"self\._?log(ger|ging)?\.\w+)\b",
    re.IGNORECASE,
)
# Statements of a truth alone; what stands behind the colon of a line is another.
_ASKS = re.compile(r"\s*(assert\b|(if|elif|while)\b.*:\s*(#.*)?$)")
_LONGEST = 12  # lines of such a statement
_STANDARD = os.path.dirname(logging.__file__).rsplit(os.sep, 1)[0] + os.sep
_LOGS = os.path.dirname(logging.__file__) + os.sep
# What describes a task with its result, to itself: an event loop sets a handler that names one.
_UNREAD = (f"{_STANDARD}asyncio{os.sep}", f"{_STANDARD}signal.py")
_OTHERS = re.compile(r"[\\/](site-packages|dist-packages)[\\/](?!numpy[\\/])")


class _Text(str):
    """A text that stays what it is where a method changes nothing, or takes blanks away."""

    __slots__ = ()

    def __reduce__(self) -> Any:
        return str, ("".join(self),)

    def __float__(self) -> float:
        raise TypeError(
            "float() of a text that has all digits of a Value loses the derivative, as that of the Value "
            "would: use the Value itself, pygrad.lift for code that is not yours, or v.data for the number"
        )

    def again(self, text: str) -> Any:
        """The same with less around it."""
        return type(self)(text)


class NumberText(_Text):
    """The text of a Value in lifted code, `str(v)`, of which `float()` makes the Value again."""

    __slots__ = ("value",)
    value: Any

    def again(self, text: str) -> Any:
        made = super().again(text)
        made.value = self.value
        return made


class DigitsText(_Text):
    """A text that has all digits of a Value, in code that is not lifted: no number is made of it."""

    __slots__ = ()


def _unchanged(name: str) -> Any:
    """A method of texts that gives the same object where it changes nothing."""
    method = getattr(str, name)

    @functools.wraps(method)
    def made(self: Any, *args: Any, **named: Any) -> Any:
        text = method(self, *args, **named)
        if type(text) is not str or text == self:
            return self if text == self else text
        return self.again(text) if name in _STRIPPING and not args else text

    return made


_STRIPPING = frozenset({"strip", "lstrip", "rstrip"})
for _name in (
    "__add__",
    "__format__",
    "__getitem__",
    "__str__",
    "center",
    "expandtabs",
    "ljust",
    "lower",
    "lstrip",
    "removeprefix",
    "removesuffix",
    "replace",
    "rjust",
    "rstrip",
    "strip",
    "translate",
    "upper",
    "zfill",
):
    setattr(_Text, _name, _unchanged(_name))


_DIGITS = re.compile(r"(?:.?[<>=^])?[ +-]?z?#?0?\d*[_,]?\.(\d+)([eEfFgGn]?)")


def has_all_digits(spec: str) -> bool:
    """Whether a text by this spec tells a number from all others; most do not, and rounding has slope 0."""
    found = _DIGITS.fullmatch(spec)
    return found is not None and int(found[1]) >= (16 if found[2] in {"e", "E"} else 17)


def number_in_text(v: Any, is_shown: bool = False) -> float | int:
    """The number of a Value for a text of it: an int if floor() or its like gave it."""
    if not trace_active():
        number: float = v.data  # noted as read
    else:
        depends = _native.is_of_inputs(v) and not is_shown
        number = _native.number_in_text(v, depends)
        if depends:
            _made.reads.append((v, users_line()))
        if depends and number == 0.0:
            bool(signbit(v))
    return int(number) if is_int(v) and math.isfinite(number) else number


def word(v: Any, spec: str | None) -> str | None:
    """The text of a Value, where it has another one than its repr: _native.set_text() says when."""
    frame = _asking()
    if frame is None:
        return None
    if MARK in frame.f_globals:
        return number_text(v, is_shown(frame), spec)
    if not trace_active():
        return DigitsText(format(v.data, spec)) if spec and has_all_digits(spec) else None
    if not _native.is_of_inputs(v):
        return None
    if is_shown(frame):
        return format(_native.number_in_text(v, False), spec) if spec else None
    if not spec:
        _made.lines.append(f"{frame.f_code.co_filename}:{frame.f_lineno}")
    return None


def number_text(v: Any, is_shown: bool, spec: str | None = None) -> str:
    """The text of a Value as its number has it."""
    number = number_in_text(v, is_shown)
    if spec and not has_all_digits(spec):
        return format(number, spec)
    text = NumberText(format(number, spec) if spec else number)
    text.value = v
    return text


def key(v: Any) -> float | None:
    """The number that a Value of a trace is hashed as where eager code has a plain number: a count of
    comparisons, say; None for other Values, which are hashed as objects."""
    from pygrad.arrays.tables import is_plain_in_eager_code  # which brings NumPy

    if not trace_active() or not is_plain_in_eager_code(v):
        return None
    return _native.number_in_text(v, _native.is_of_inputs(v))


class _Made(threading.local):
    """Where texts were made in this thread's trace of which one is to be told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.reads: list[tuple[Any, str]] = []  # of numbers, for texts of lifted code


def reads_in_texts() -> list[tuple[Any, str]]:
    """Values of a trace whose numbers stand in texts, which may be read again, and where they were read."""
    return _made.reads


_made = _Made()


def tell_of_texts() -> None:
    """Once a trace is a program: an error would have shown the texts, and made no program."""
    for line in _made.lines:
        warn_once(
            "a text was made of a Value in a function that is traced: it has the number of this call, and "
            "a compiled program does not make it anew. To look at numbers, write print(...) on a line of "
            "its own; for what another number would change, compare the Value itself, or make the "
            "argument static",
            line,
        )


def forget_texts() -> None:
    _made.lines.clear()
    _made.reads.clear()


def _asking() -> FrameType | None:
    """The frame that asks for a text, behind what passes texts on; None if it is pygrad's, or what
    the text is for shows it to nobody who reads numbers from it."""
    frame: FrameType | None = sys._getframe(2)
    while (
        frame is not None
        and frame.f_code.co_name in _WORDING
        and is_pygrads(frame.f_code.co_filename)
    ):
        frame = frame.f_back
    if frame is not None and frame.f_code.co_filename.startswith(_LOGS):
        return None
    while frame is not None and _passes_on(frame.f_code):
        if frame.f_code.co_filename.startswith(_UNREAD):
            return None
        frame = frame.f_back
    return None if frame is None or is_pygrads(frame.f_code.co_filename) else frame


# Functions of pygrad that make texts for others
_WORDING = frozenset({"_format", "_repr", "as_text"})


def _passes_on(code: CodeType) -> bool:
    """Whether it is Python's own code, or NumPy's."""
    filename = code.co_filename
    if filename.startswith("<"):
        return filename == "<string>" and code.co_name == "__repr__"  # of a dataclass
    if "numpy" in filename and _OTHERS.search(filename) is None:
        return f"{os.sep}numpy{os.sep}" in filename
    return filename.startswith(_STANDARD) and _OTHERS.search(filename) is None


def is_shown(frame: FrameType) -> bool:
    """Whether the statement that runs shows what it makes: its first words say so."""
    return _begins(frame, _SHOWS)


# Methods that give a text, a truth or a hash
_NO_SLOPE = frozenset(
    {
        "__repr__", "__str__", "__format__", "__hash__", "__bool__",
        "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__",
    }
)  # fmt: skip


def decides(frame: FrameType) -> bool:
    """Whether nothing that the statement that runs makes has a slope: it asks for a truth, or stands in a
    method that gives a text, a truth or a hash."""
    return frame.f_code.co_name in _NO_SLOPE or _begins(frame, _ASKS)


def _begins(frame: FrameType, words: re.Pattern[str]) -> bool:
    """Whether the statement that runs begins with such words."""
    path, number = frame.f_code.co_filename, frame.f_lineno
    lines = linecache.getlines(path, frame.f_globals)[max(0, number - _LONGEST) : number]
    if not lines:
        return False
    if words.match(lines[-1]):
        return ";" not in lines[-1]
    text = ""
    for line in reversed(lines[:-1]):
        text = line + text
        if words.match(line):
            return text.count("(") > text.count(")")
    return False


if IMPLEMENTATION == "compiled":
    _native.set_text(word)
    _native.set_key(key)
else:
    _plain_repr = Value.__repr__

    def _repr(self: Any) -> str:
        text = word(self, None)
        return _plain_repr(self) if text is None else text

    def _format(self: Any, spec: str) -> str:
        text = word(self, spec)
        return text if text is not None else format(self.data, spec) if spec else str(self)

    setattr(Value, "__repr__", _repr)  # noqa: B010  of another class, to type checkers
    setattr(Value, "__format__", _format)  # noqa: B010
