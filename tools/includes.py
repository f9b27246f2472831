"""What C files include: downwards only, Python.h in one folder, no circle; and no file is too long.

    python tools/includes.py [ROOT]    one line for each violation under ROOT/csrc, and exit code 1

A file may include files of its own folder and of folders below it; what stands in csrc itself, the
contract and the table of ops, is below all. Paths are spelled from csrc. To circles x.c and x.h are
one file, x.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from rules import circles, lines_too_many

LAYERS = [".", "ops", "graph", "program", "python"]  # from the bottom up; "." is csrc itself
WITH_PYTHON = "python"


class Include(NamedTuple):
    """A line #include in a file, both as paths from csrc."""

    file: PurePosixPath
    line: int
    target: PurePosixPath
    is_own: bool  # "..." and not <...>

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.target}"


def violations(csrc: Path) -> list[str]:
    """One line for each, with the place in front."""
    files = sources(csrc)
    includes = [include for file in files for include in includes_of(csrc, file)]
    own = [include for include in includes if include.is_own]
    return [
        *(f"{file}: no layer is called {folder(file)}" for file in files if is_unknown(file)),
        *(f"{i}: no such file" for i in own if i.target not in files and not is_stray(i)),
        *(f"{i}: not below {folder(i.file)}" for i in own if is_up(i)),
        *(f"{i}: in {WITH_PYTHON} only" for i in includes if is_stray(i)),
        *(
            f"{circle[0]}: a circle: {' > '.join([*circle, circle[0]])}"
            for circle in circles_of(own)
        ),
        *(f"{file}: {n} lines" for file in files if (n := lines_too_many(csrc / file))),
    ]


# -- the files ---------------------------------------------------------------------------------------


def sources(csrc: Path) -> list[PurePosixPath]:
    """Every file under csrc, as a path from there."""
    found = (path for path in csrc.rglob("*") if path.suffix in {".c", ".h", ".def"})
    return sorted(PurePosixPath(path.relative_to(csrc).as_posix()) for path in found)


def includes_of(csrc: Path, file: PurePosixPath) -> Iterator[Include]:
    lines = (csrc / file).read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        if found := re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line):
            yield Include(file, number, PurePosixPath(found[2]), found[1] == '"')


def folder(file: PurePosixPath) -> str:
    return str(file.parent)


# -- the rules ---------------------------------------------------------------------------------------


def is_unknown(file: PurePosixPath) -> bool:
    return folder(file) not in LAYERS


def is_up(include: Include) -> bool:
    """Whether it leads to a layer above its own; what is in none is a violation of another kind."""
    if is_unknown(include.file) or is_unknown(include.target):
        return False
    return LAYERS.index(folder(include.target)) > LAYERS.index(folder(include.file))


def is_stray(include: Include) -> bool:
    """Whether it includes Python's headers where Python is not to be known."""
    heads = {"Python.h", "structmember.h"}
    return include.target.name in heads and folder(include.file) != WITH_PYTHON


def circles_of(includes: Sequence[Include]) -> list[list[str]]:
    """Circles of files without their suffixes."""
    uses: dict[str, set[str]] = {}
    for include in includes:
        one, other = (str(path.with_suffix("")) for path in (include.file, include.target))
        if one != other:
            uses.setdefault(one, set()).add(other)
    return circles(uses)


def main(arguments: Sequence[str] | None = None) -> int:
    given = sys.argv[1:] if arguments is None else list(arguments)
    root = Path(given[0]) if given else Path(__file__).resolve().parents[1]
    found = violations(root / "csrc")
    for line in found:
        print(f"csrc/{line}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
