"""A loop as a function in C: its trips, and the way back through them.

The way back needs the state before each trip. So many are kept in an array; when it is full, every
second one goes, and from there on half as many are kept. Those in between are computed again from the
one before, into the array's next level, of the same size, and so on: of a million trips, with levels of
1024 states, each is done twice before its way back. Nothing is allocated, and nothing calls itself.

A scan is given its columns where they stand, and reads those that are known from tables of the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pygrad.c_code.loops import Levels, Loop

FEW = 5  # numbers in a row that are copied one by one


class Called(NamedTuple):
    """A body's function, whether it may fail, and the bytes that its arrays take on the stack."""

    name: str
    fails: bool
    stack: int


class Rolled(NamedTuple):
    """A loop, the text of its bound, its body, and tables of its known columns, "" if nobody reads one."""

    loop: Loop
    most: str
    body: Called
    tables: Sequence[str]


def _copied(to: str, source: str, pairs: Iterable[tuple[int, int]]) -> list[str]:
    """Statements: to[i] = source[j] for each pair."""
    lines: list[str] = []
    runs: list[list[int]] = []  # first i, first j, how many
    for i, j in pairs:
        if runs and runs[-1][0] + runs[-1][2] == i and runs[-1][1] + runs[-1][2] == j:
            runs[-1][2] += 1
        else:
            runs.append([i, j, 1])
    for i, j, count in runs:
        if count < FEW:
            lines += [f"{to}[{i + k}] = {source}[{j + k}];" for k in range(count)]
        else:
            at = [f"k + {first}" if first else "k" for first in (i, j)]
            lines += [
                f"for (int k = 0; k < {count}; k++)",
                f"    {to}[{at[0]}] = {source}[{at[1]}];",
            ]
    return lines


def _all(count: int) -> Iterable[tuple[int, int]]:
    return zip(range(count), range(count), strict=True)


def _shifted(by: int, count: int) -> Iterable[tuple[int, int]]:
    return ((k, by + k) for k in range(count))


def _call(body: Called, given: str, found: str) -> list[str]:
    call = f"{body.name}({given}, {found})"
    return [f"if ({call})", "    return 2;"] if body.fails else [f"{call};"]


def _in(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _array(name: str, size: int) -> str:
    return f"{name}[{size}]" if size else f"{name}[1] = {{0.0}}"


def _trip(rolled: Rolled, number: str) -> list[str]:
    """One trip, from state to state."""
    loop = rolled.loop
    return [
        *_items(rolled, "state", loop.state + loop.captured, loop.given, number),
        *_call(rolled.body, "state", "next"),
        *_copied("state", "next", _all(loop.state)),
    ]


def _at(loop: Loop, number: str) -> str:
    """Which item of its columns a trip has."""
    return f"{loop.length - 1} - {number}" if loop.reverse else number


def _items(rolled: Rolled, into: str, first: int, given: int, number: str) -> list[str]:
    """The items of a trip, to where a body has its inputs from the first of them on."""
    at = _at(rolled.loop, number)
    lines = [f"{into}[{first + k}] = given[{k}][{at}];" for k in range(given)]
    if given >= FEW:
        place = f"k + {first}" if first else "k"
        lines = [f"for (int k = 0; k < {given}; k++)", f"    {into}[{place}] = given[k][{at}];"]
    after = first + given
    known = ((k, table) for k, table in enumerate(rolled.tables) if table)
    return [*lines, *(f"{into}[{after + k}] = {table}[{at}];" for k, table in known)]


def _unread(rolled: Rolled, into: str, first: int) -> list[str]:
    return [f"{into}[{first + k}] = 0.0;" for k, table in enumerate(rolled.tables) if not table]


def _made(loop: Loop, source: str | None, first: int, number: str) -> list[str]:
    """What a trip has made, behind the other results; 0 where there was no such trip."""
    at = _at(loop, number)
    return [
        f"out[{loop.ends + k * loop.length} + {at}] = "
        f"{'0.0' if source is None else f'{source}[{first + k}]'};"
        for k in range(loop.makes)
    ]


def _opened(rolled: Rolled) -> tuple[list[str], int]:
    """The state and what is captured, ready for the first trip; and how many numbers that takes."""
    loop = rolled.loop
    n, m = loop.state, loop.captured
    before = n + m + loop.given + len(rolled.tables)
    after = n + (not loop.counts) + loop.made
    lines = [
        f"double {_array('state', before)}, {_array('next', after)};",
        *_copied("state", "in", _all(n)),
        *_copied("state", "in", ((n + k, n + 1 + k) for k in range(m))),
        *_unread(rolled, "state", n + m + loop.given),
    ]
    return lines, before + after


def forward(name: str, rolled: Rolled) -> tuple[str, int]:
    """The function of a loop that goes forward, and the bytes of its arrays and those of what it calls."""
    loop, body = rolled.loop, rolled.body
    n, scans = loop.state, loop.length != 0
    lines, size = _opened(rolled)
    text = [
        *lines,
        "double trips = 0.0;",
        *(["int i = 0;"] if scans else []),
        *_while(loop, "trips", "i"),
        f"    if (trips >= {rolled.most})",
        "        return 2;",
        *_in(_trip(rolled, "i")),
        *_in(_said(loop)),
        *_in(_made(loop, "next", n + (not loop.counts), "i")),
        "    trips += 1.0;",
        *(["    i++;"] if scans else []),
        "}",
        *_rest(loop, "; i"),
        *_copied("out", "state", _all(n)),
        f"out[{n}] = trips;",
        "return 0;",
    ]
    what = (
        f"{_how(loop)}. in: the state, {_numbers(n)}; {_control(loop)}; "
        f"{_numbers(loop.captured)} that it reads. out: the state; the trips{_behind(loop)}."
    )
    return _function(name, what, text, loop.takes), 8 * size + body.stack


def _rest(loop: Loop, begin: str) -> list[str]:
    """Zeros for the trips that were not done."""
    if not loop.makes:
        return []
    head = f"for ({begin} < {loop.length}; i++) {{"
    return [head, *_in(_made(loop, None, 0, "i")), "}"]


def _how(loop: Loop) -> str:
    trips = "so many trips" if loop.counts else "trips as long as its body says so"
    if not loop.length:
        return f"A loop of {trips}"
    order = ", from the last to the first" if loop.reverse else ""
    return f"A loop of {trips} over {loop.length} items{order}"


def _behind(loop: Loop) -> str:
    """What a comment says of the columns that it makes."""
    if not loop.makes:
        return ""
    return f"; {loop.makes} column{'s' * (loop.makes != 1)} of {loop.length}"


def _numbers(count: int) -> str:
    return f"{count} number{'s' * (count != 1)}"


def _control(loop: Loop) -> str:
    return "how many trips" if loop.counts else "whether it begins"


def _while(loop: Loop, trips: str, number: str) -> list[str]:
    """The head of the trips forward."""
    given = f"in[{loop.state}]"
    more = f" && {number} < {loop.length}" if loop.length else ""
    if loop.counts:
        return [f"while ({trips} < {given}{more}) {{"]
    return [f"int on = {given} != 0.0;", f"while (on{more}) {{"]


def _said(loop: Loop) -> list[str]:
    return [] if loop.counts else [f"on = next[{loop.state}] != 0.0;"]


def back(name: str, rolled: Rolled, way: Called, kept: Levels) -> tuple[str, int]:
    """The function of a loop that goes back, and the bytes of its arrays and those of what it calls."""
    loop, body = rolled.loop, rolled.body
    n, m, k1, states = loop.state, loop.captured, loop.ends, loop.kept
    width, several = len(states), kept.number > 1
    lines, size = _opened(rolled)
    room = kept.number * (width << kept.digits)
    before, after = k1 + n + m + loop.takes + len(rolled.tables), k1 + loop.makes
    text = [
        *lines,
        f"double {_array('back', before)}, {_array('found', after)};",
        *([f"double kept[{room}], *s;"] if width else []),
        "long long trips = 0, i;",
        *([f"long long loaded[{kept.number}] = {{0}}, t, last;"] if width and several else []),
        *([f"int shift[{kept.number}] = {{0}}, j;"] if width and several else []),
        *_while(loop, "(double)trips", "trips"),
        f"    if ((double)trips >= {rolled.most})",
        "        return 2;",
        *_in(_noted(states, kept) if width else []),
        *_in(_trip(rolled, "trips")),
        *_in(_said(loop)),
        "    trips++;",
        "}",
        *_copied("back", "in", ((k, n + 1 + m + k) for k in range(loop.arrived))),
        *(f"back[{k}] = 0.0;" for k in range(loop.arrived, k1)),
        *(f"back[{k1 + k}] = 0.0;" for k in range(n) if k not in set(states)),
        *_copied("back", "in", ((k1 + n + k, n + 1 + k) for k in range(m))),
        *_unread(rolled, "back", k1 + n + m + loop.takes),
        *_rest(loop, "i = trips; i"),
        *(_loaded(kept) if width and several else []),
        "for (i = trips - 1; i >= 0; i--) {",
        *_in(_found(rolled, states, kept) if width else []),
        *_in(_items(rolled, "back", k1 + n + m, loop.takes, "i")),
        *_in(_call(way, "back", "found")),
        *_in(_copied("back", "found", _all(k1))),
        *_in(_made(loop, "found", k1, "i")),
        "}",
        *_copied("out", "back", _all(k1)),
        "return 0;",
    ]
    what = (
        f"The way back through this: {_how(loop)}. in: as of that; derivatives by {_numbers(loop.arrived)} "
        f"of the state at last. out: derivatives by {_numbers(k1)} of the state at first and what it reads"
        f"{_behind(loop)}."
    )
    size += before + after + room + 3 * kept.number
    return _function(name, what, text, loop.takes), 8 * size + max(body.stack, way.stack)


def _noted(states: Sequence[int], kept: Levels) -> list[str]:
    """The state before a trip is kept if its turn has come."""
    width, most = len(states), 1 << kept.digits
    keep = _copied("s", "state", enumerate(states))
    if kept.number == 1:
        return [f"s = kept + trips * {width};", *keep]
    return [
        "if ((trips & ((1LL << shift[0]) - 1)) == 0) {",
        f"    if (trips >> shift[0] == {most}) {{",
        "        /* every second one goes */",
        f"        for (t = 1; t < {most // 2}; t++) {{",
        f"            s = kept + t * {width};",
        f"            for (int k = 0; k < {width}; k++)",
        f"                s[k] = kept[2 * t * {width} + k];",
        "        }",
        "        shift[0]++;",
        "    }",
        f"    s = kept + (trips >> shift[0]) * {width};",
        *_in(keep),
        "}",
    ]


def _loaded(kept: Levels) -> list[str]:
    return [
        f"for (j = 1; j < {kept.number}; j++) {{",
        f"    shift[j] = shift[j - 1] > {kept.digits} ? shift[j - 1] - {kept.digits} : 0;",
        "    loaded[j] = -1;",
        "}",
    ]


def _found(rolled: Rolled, states: Sequence[int], kept: Levels) -> list[str]:
    """The state before trip i is found, or computed again, and given to the way back."""
    width, most = len(states), 1 << kept.digits
    give = _copied("back", "s", ((rolled.loop.ends + k, at) for at, k in enumerate(states)))
    if kept.number == 1:
        return [f"s = kept + i * {width};", *give]
    return [
        f"for (j = 0; j < {kept.number - 1} && (i & ((1LL << shift[j]) - 1)) != 0; j++) {{",
        "    last = i >> shift[j];",
        "    if (loaded[j + 1] == last)",
        "        continue;",
        "    loaded[j + 1] = last;",
        "    t = last << shift[j];",
        "    last = i >> shift[j + 1] << shift[j + 1];",
        f"    s = kept + (j * {most}LL + (loaded[j + 1] & {most - 1})) * {width};",
        *_in(_copied("state", "s", ((k, at) for at, k in enumerate(states)))),
        "    for (;; t++) {",
        "        if ((t & ((1LL << shift[j + 1]) - 1)) == 0) {",
        f"            s = kept + ((j + 1) * {most}LL + (t >> shift[j + 1] & {most - 1})) * {width};",
        *_in(_in(_in(_copied("s", "state", enumerate(states))))),
        "        }",
        "        if (t == last)",
        "            break;",
        *_in(_in(_trip(rolled, "t"))),
        "    }",
        "}",
        f"s = kept + (j * {most}LL + (i >> shift[j] & {most - 1})) * {width};",
        *give,
    ]


def _function(name: str, what: str, lines: Iterable[str], columns: int) -> str:
    given = ""
    if columns:
        what += f" given: {columns} column{'s' * (columns != 1)} of items."
        given = "const double *const *given, "
    return "\n".join(
        [
            *_comment(what),
            f"static int {name}(const double *in, {given}double *out)",
            "{",
            *_in(lines),
            "}",
            "",
        ]
    )


def _comment(text: str, width: int = 96) -> list[str]:
    """A comment in lines of no more than the width."""
    lines = ["/*"]
    for word in [*text.split(), "*/"]:
        if len(lines[-1]) + 1 + len(word) > width:
            lines.append("  ")
        lines[-1] += f" {word}"
    return lines
