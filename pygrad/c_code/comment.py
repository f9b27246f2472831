"""Names for functions in C, and the comment at their head: see text.py."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from pygrad.c_code.blocks import Blocks
from pygrad.c_code.taken import is_taken
from pygrad.core.static import Static
from pygrad.core.structure import place
from pygrad.programs.arguments import static_of
from pygrad.version import __version__

# -- names -----------------------------------------------------------------------------------------


def own_name(name: str) -> str:
    """A C identifier made of a Python name."""
    found = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "function"
    found = found if found[0].isalpha() else f"f_{found}"
    return f"{found}_" if is_taken(found) else found


def checked_name(name: str) -> str:
    """A name that the user has chosen.

    Raises:
        ValueError: it cannot be the name of a C function.
    """
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z]\w*", name, flags=re.ASCII):
        raise ValueError(f"name must be a C identifier that begins with a letter, not {name!r}")
    if is_taken(name):
        raise ValueError(f"name must not be {name!r}: C, C++ or a header of theirs has that word")
    return name


# -- the comment -----------------------------------------------------------------------------------


class About(NamedTuple):
    """What there is to say of a C function, besides its paths."""

    name: str
    f: Any  # the function in Python, whose arguments have names
    title: str  # its own name
    key: Any  # of its arguments: see Arguments.key() in programs/arguments.py
    result: Any  # key_of() its result
    freeze: bool


def comment(about: About, blocks: Blocks, paths: int, stack: int) -> str:
    """What the function takes, gives and needs.

    paths: through it, that it knows, 0 if there is but one; stack: bytes that its arrays take there.
    """
    places, fixed = _arguments(about)
    arrays = "arrays" if blocks.runs else "an array"
    lines = [
        f"{about.name}: {_quoted(about.title)}() as pygrad {__version__} compiled it.",
        "",
        f"    {prototype(about.name, about.freeze)};",
        "",
        f"in: {_numbers(sum(size for _, size, _ in places))}",
        *_lines_for("in", places),
        *(f"    {_quoted(f'fixed: {line}')}" for line in fixed),
        *_captured(blocks.pool.values, about.freeze),
        f"out: {_numbers(_size(about.result))}, which must not overlap those that are read",
        *_lines_for("out", list(_places(about.result, "result"))),
        "",
        *_returns(paths, bool(blocks.runs)),
        *(["Takes longer where a number on the way is inf or nan."] if blocks.careful else []),
        "Arrays are in C order. Needs <math.h> and no memory but the stack; any thread may call it.",
        *([f"On the stack it has {arrays} of {stack} bytes."] if stack else []),
        "Compile without -ffast-math; with -ffp-contract=off sums and products round as in Python.",
    ]
    return "/*" + "\n".join(f" * {line}".rstrip() for line in lines)[2:] + "\n */\n"


def _captured(values: Sequence[Any], freeze: bool) -> list[str]:
    """Lines about captured Values."""
    if freeze:
        return [f"    fixed: {_numbers(len(values))} that the function has captured"] * bool(values)
    rows = [
        (i, 1, f"{v.label} = {v.data!r}" if v.label else repr(v.data)) for i, v in enumerate(values)
    ]
    return [
        f"captured: {_numbers(len(values))}; here what they were when this was written",
        *_lines_for("captured", rows),
    ]


def _returns(paths: int, loops: bool) -> list[str]:
    """Lines about the status."""
    ends = ["Returns 2, and writes nothing, if a loop has not ended after max_trips trips."] * loops
    if paths == 0:
        return ["Returns 0.", *ends]
    return [
        f"Returns 0. It knows {paths} path{'s' * (paths > 1)} through branches and loops, those that had "
        "been taken when",
        "this was written; if the numbers lead another one it returns 1 and writes nothing.",
        *ends,
    ]


def _numbers(count: int) -> str:
    return f"{count} number{'s' * (count != 1)}"


def _quoted(text: str, most: int = 60) -> str:
    """Text that ends no comment and stays in its line."""
    text = text.encode("ascii", "backslashreplace").decode()
    text = "".join(c if c.isprintable() else "?" for c in text)
    text = text if len(text) <= most else text[: most - 3] + "..."
    # No end and no beginning of a comment, no trigraph, no line that goes on.
    return re.sub(r"(?<=\*)(?=/)|(?<=/)(?=\*)|(?<=\?)(?=\?)", " ", text).rstrip("\\")


_Place = tuple[int, int, str]  # the first number, how many, and what they are


def _lines_for(array: str, places: Sequence[_Place]) -> list[str]:
    """A line of the comment for each place in a C array."""
    rows = [
        (f"{array}[{first}]" if size == 1 else f"{array}[{first}..{first + size - 1}]", what)
        for first, size, what in places
        if size
    ]
    width = max((len(where) for where, _ in rows), default=0)
    return [f"    {where:{width}}  {_quoted(what)}" for where, what in rows]


def _arguments(about: About) -> tuple[list[_Place], list[str]]:
    """Where the numbers of the arguments are, and what the fixed arguments are."""
    _, numbers, _, parts = about.key[0]
    fixed = static_of(about.key)
    keys = [*numbers, *(name for name, _ in fixed)]
    positions = [key for key in keys if isinstance(key, int)]
    names: dict[Any, str] = {key: key for key in keys if isinstance(key, str)}
    names.update(enumerate(_positional_names(about.f, max(positions, default=-1) + 1)))
    places: list[_Place] = []
    first = 0
    lines = [f"{names[key]} = {_fixed(argument)}" for key, argument in fixed]
    for key, part in zip(numbers, parts, strict=True):
        places += _places(part, names[key], first)
        lines += _fixed_in(part, names[key])
        first += _size(part)
    return places, lines


def _fixed(argument: Any) -> str:
    """A fixed argument as text that is the same next time."""
    kind = type(argument)
    return repr(argument) if kind in {float, int, bool, str, type(None)} else f"a {kind.__name__}"


def _fixed_in(key: Any, label: str) -> Iterator[str]:
    """What is no number in an argument."""
    if isinstance(key, Static):
        yield f"{label} = {_fixed(key.item)}"
    elif _is_container(key):
        for part, part_label in zip(key[3], _labels(key, label), strict=True):
            yield from _fixed_in(part, part_label)


def _positional_names(f: Any, count: int) -> list[str]:
    """What f calls its first count positional arguments."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = [p.name for p in parameters if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "arguments")
    return (names + [f"{rest}[{i}]" for i in range(count - len(names))])[:count]


def _is_container(key: Any) -> bool:
    """Whether what has this key (see key_of) is a list, tuple or dict."""
    return isinstance(key, tuple) and len(key) == 4 and isinstance(key[0], type)


def _size(key: Any) -> int:
    """How many numbers there are in what has this key."""
    if _is_container(key):
        return sum(map(_size, key[3]))
    if isinstance(key, Static):
        return 0
    return math.prod(key) if isinstance(key, tuple) else 1


def _places(key: Any, label: str, first: int = 0) -> Iterator[_Place]:
    """Where the numbers, arrays and lists of numbers are."""
    size = _size(key)
    if isinstance(key, Static):
        return
    if not _is_container(key):
        yield first, size, label if key is None else f"{label}, an array of shape {key}"
        return
    kind, _, _, parts = key
    fields = getattr(kind, "_fields", None)
    labels = _labels(key, label)
    has_names = fields or not issubclass(kind, (list, tuple))
    if len(parts) > 1 and not has_names and all(part is None for part in parts):
        yield first, size, f"{labels[0]} to {labels[-1]}"
        return
    for part, part_label in zip(parts, labels, strict=True):
        yield from _places(part, part_label, first)
        first += _size(part)


def _labels(key: Any, label: str) -> list[str]:
    """What the parts of a container are called."""
    kind, names, _, _ = key
    fields = getattr(kind, "_fields", None)
    is_opened = not issubclass(kind, (list, tuple, dict))
    return [f"{label}.{fields[n]}" if fields else place(label, n, is_opened) for n in names]


def prototype(name: str, freeze: bool) -> str:
    captured = "" if freeze else ", const double *captured"
    return f"int {name}(const double *in{captured}, double *out)"
