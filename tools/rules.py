"""What holds for files of Python and of C alike: no circles, and not too many lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

MOST_LINES = 600

_File = TypeVar("_File", str, Path)


def lines_too_many(path: Path) -> int | None:
    """How many lines a file has, if these are too many."""
    lines = len(path.read_text(encoding="utf-8").splitlines())
    return lines if lines > MOST_LINES else None


def circles(arrows: Mapping[_File, Iterable[_File]]) -> list[list[_File]]:
    """Paths that lead from a file back to it, none from a file that another of them goes through.

    >>> circles({"a": ["b", "d"], "b": ["c"], "c": ["a"]})
    [['a', 'b', 'c']]
    """
    found: list[list[_File]] = []
    for file in sorted(arrows):
        path = _shortest_back(arrows, file)
        if path and not any(file in circle for circle in found):
            found.append(path)
    return found


def _shortest_back(arrows: Mapping[_File, Iterable[_File]], start: _File) -> list[_File]:
    """The shortest path from a file back to it, but for its end; or nothing."""
    paths: list[list[_File]] = [[start]]
    seen: set[_File] = set()
    for path in paths:  # which grows meanwhile
        for target in sorted(arrows.get(path[-1], ())):
            if target == start:
                return path
            if target not in seen:
                seen.add(target)
                paths.append([*path, target])
    return []
