"""Branches of csrc/graph and csrc/program that the harnesses of tests/c reach, counted by gcov.

    python tests/faults/branches.py [--json FILE] [--share] [--list]

Built without optimisation and with PG_COUNTED, so that a branch of the source is one branch, however
often its function is inlined. A branch is reached if any copy of its line is: of a header in several
files, or of lanes.h for several sets of instructions. What none reaches stands in tests/c/unreached.txt,
with its reason.
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

if __name__ == "__main__":
    HERE = Path(__file__).resolve().parent
    sys.path[:0] = [str(HERE), str(HERE.parent / "lib")]

import c_library
from figures import Figures, parser

COUNTED = ["-O0", "--coverage", "-fprofile-update=atomic", "-DPG_COUNTED"]
FOLDERS = ("csrc/graph/", "csrc/program/")
UNREACHED = c_library.ROOT / "tests" / "c" / "unreached.txt"

# A line of a file and the function that it is in, without the name of a set of instructions; and how often
# each of its branches was taken, or the line itself.
Place = tuple[str, int, str]
Counts = dict[Place, list[int]]


def counted(folder: Path) -> tuple[Counts, Counts]:
    """Branches, and executions, of each line: the harnesses run, what gcov says of each file added up."""
    c_library.run_harnesses(c_library.build(folder, c_library.compiler(*COUNTED)))
    branches: Counts = {}
    lines: Counts = defaultdict(lambda: [0])
    for data in folder.glob("*.gcda"):
        command = ["gcov", "--json-format", "--branch-probabilities", "--stdout", data.name]
        found = subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout
        text = gzip.decompress(found) if found[:2] == b"\x1f\x8b" else found
        for file in json.loads(text)["files"]:
            name = c_library.ROOT / file["file"]
            if name.is_relative_to(c_library.ROOT):
                _add(name.relative_to(c_library.ROOT).as_posix(), file["lines"], branches, lines)
    return branches, lines


def _add(name: str, counted_lines: list, branches: Counts, lines: Counts) -> None:
    if not name.startswith(FOLDERS):
        return
    for line in counted_lines:
        function = line.get("function_name", "")
        place = name, line["line_number"], re.sub("_(baseline|avx2|avx512)$", "", function)
        lines[place][0] += line["count"]
        new = [branch["count"] for branch in line["branches"]]
        if new:
            old = branches.setdefault(place, [0] * len(new))
            if len(old) != len(new):
                raise c_library.Failed(f"{place}: {len(old)} branches here, {len(new)} there")
            branches[place] = [a + b for a, b in zip(old, new, strict=True)]


def text_of(place: Place) -> str:
    """The line itself."""
    name, number, _ = place
    return (c_library.ROOT / name).read_text(encoding="utf-8").splitlines()[number - 1].strip()


def exceptions() -> dict[tuple[str, str], str]:
    """The file of the unreached ones: its paragraphs are `FILE: LINE OF CODE`, then indented the reason."""
    found: dict[tuple[str, str], str] = {}
    for paragraph in UNREACHED.read_text(encoding="utf-8").split("\n\n"):
        head, _, reason = paragraph.strip().partition("\n")
        if head.startswith("csrc/"):
            name, _, code = head.partition(": ")
            found[name, code.strip()] = " ".join(reason.split())
    return found


def main() -> int:
    options = parser((__doc__ or "").splitlines()[0])
    options.add_argument("--list", action="store_true", help="those that are not, without a reason")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        branches, lines = counted(Path(scratch))
    excepted = exceptions()
    missed = {place: counts.count(0) for place, counts in branches.items() if 0 in counts}
    stated = {place: n for place, n in missed.items() if excepted.get((place[0], text_of(place)))}
    stale = set(excepted) - {(place[0], text_of(place)) for place in stated}
    if chosen.list:
        for place in sorted(set(missed) - set(stated)):
            print(f"{place[0]}:{place[1]} {place[2]}: {branches[place]} {text_of(place)}")
    total = sum(len(counts) for counts in branches.values())
    reached = total - sum(missed.values())
    figures = Figures("Branches of the C core")
    for folder in FOLDERS:
        here = [c for (name, *_), (c,) in lines.items() if name.startswith(folder)]
        figures.add(f"lines of {folder} that run", f"{sum(c > 0 for c in here)} of {len(here)}")
    figures.add(
        "branches that are taken, by gcov", f"{reached} of {total} ({100 * reached / total:.2f} %)"
    )
    figures.add("branches that are not, each with its reason", sum(stated.values()))
    figures.none_of(
        "branches that are not, without a reason", sum(missed.values()) - sum(stated.values())
    )
    figures.none_of("reasons for what is taken all the same", len(stale))
    for name, code in sorted(stale):
        print(f"taken, or not there: {name}: {code}")
    return figures.finish(chosen.json)


if __name__ == "__main__":
    raise SystemExit(main())
