"""What C files include: downwards only, Python.h in one folder, no circle; no file is too long, and what a
header declares is for others than the file that defines it.

    python tools/includes.py [ROOT]    one line for each violation under ROOT/csrc, and exit code 1

A file may include files of its own folder and of folders below it; what stands in csrc itself, the
contract and the table of ops, is below all. Paths are spelled from csrc. To circles x.c and x.h are
one file, x. Users of what a header declares are files of csrc and tests/c, and modules of pygrad.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from rules import circles, lines_too_many

LAYERS = [".", "ops", "graph", "program", "python"]  # from the bottom up; "." is csrc itself
WITH_PYTHON = "python"
DECLARED = r"^(?!static|PG_INLINE)\w[\w *]*?\b(pg_\w+)\([^;{}]*\);"


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
        *(f"{file}: {name}() is for no other file" for file, name in private(csrc, files)),
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


# -- what headers declare -----------------------------------------------------------------------------


def private(csrc: Path, files: Sequence[PurePosixPath]) -> Iterator[tuple[PurePosixPath, str]]:
    """Functions that a header declares, and nobody uses but the file that defines them."""
    named = {file: Counter(re.findall(r"\bpg_\w+", code_of(csrc / file))) for file in files}
    users = [*(csrc.parent / "tests" / "c").glob("*.[ch]"), *(csrc.parent / "pygrad").rglob("*.py")]
    elsewhere = {name for path in users for name in re.findall(r"\bpg_\w+", code_of(path))}
    for header in (file for file in files if file.suffix == ".h"):
        for name in re.findall(DECLARED, code_of(csrc / header), re.MULTILINE):
            others = [file for file in files if file != header and named[file][name]]
            if named[header][name] == 1 and len(others) <= 1 and name not in elsewhere:
                yield header, name


def code_of(path: Path) -> str:
    """A file without C's comments."""
    return re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def main(arguments: Sequence[str] | None = None) -> int:
    given = sys.argv[1:] if arguments is None else list(arguments)
    root = Path(given[0]) if given else Path(__file__).resolve().parents[1]
    found = violations(root / "csrc")
    for line in found:
        print(f"csrc/{line}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
