"""Conditions of csrc/graph and csrc/program, by MC/DC: each shown to decide by itself what its expression comes to.

    python tests/faults/conditions.py [--json FILE] [--share] [--list]

Counted by clang 19 (-fcoverage-mcdc) while the harnesses of tests/c run; gcc has the like from version 14 on, which
Debian 12 has not. A condition counts as shown if it is in any copy of its expression: of a header in several files, or
of lanes.h for several sets of instructions. An expression with a condition that is not has a line in
tests/c/unreached.txt, with the reason: a branch that cannot be taken is a condition that cannot be shown.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

import report
from coverage import FOLDERS, exceptions

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

import c_library

VERSION = "-19"
CLANG = f"clang{VERSION}"
COUNTED = [
    *("-O1", "-DPG_COUNTED", "-Wno-pass-failed", "-fprofile-update=atomic"),
    *("-fprofile-instr-generate", "-fcoverage-mapping", "-fcoverage-mcdc"),
]

# A file, and the first and last line of an expression with their columns; of each condition whether it was shown.
Expression = tuple[str, int, int, int, int]
Shown = dict[Expression, list[bool]]


def counted(folder: Path) -> Shown:
    """Every expression with more than one condition: the harnesses run, what llvm-cov says of each copy joined."""
    programs = c_library.build(folder, COUNTED, compiler=CLANG)
    for program in programs:
        c_library.run_harness(program, LLVM_PROFILE_FILE=f"{program}.profraw")
    merged = folder / "all.profdata"
    c_library.run([f"llvm-profdata{VERSION}", "merge", "-o", merged, *folder.glob("*.profraw")])
    others = [word for program in programs[1:] for word in ("-object", program)]
    printed = c_library.run(
        [f"llvm-cov{VERSION}", "export", "-instr-profile", merged, programs[0], *others]
    )
    shown: Shown = {}
    for function in json.loads(printed)["data"][0]["functions"]:
        for *place, file, _, conditions in function["mcdc_records"]:
            name = Path(function["filenames"][file]).relative_to(c_library.ROOT).as_posix()
            if name.startswith(FOLDERS):
                before = shown.setdefault((name, *place), [False] * len(conditions))
                shown[name, *place] = [a or b for a, b in zip(before, conditions, strict=True)]
    return shown


def lines_of(expression: Expression) -> list[str]:
    """The lines of code that it stands on."""
    name, first, _, last, _ = expression
    text = (c_library.ROOT / name).read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in text[first - 1 : last]]


def main() -> None:
    options = report.options(__doc__, "--list")
    figures = report.Figures("Conditions of the C core")
    for tool in (CLANG, f"llvm-cov{VERSION}"):
        if shutil.which(tool) is None:
            figures.missing("conditions shown to decide by themselves, by MC/DC", tool)
            figures.write(options)
    with tempfile.TemporaryDirectory() as scratch:
        shown = counted(Path(scratch))
    excepted = exceptions()
    missed = {place: conditions.count(False) for place, conditions in shown.items()}
    unstated = {
        place: count
        for place, count in missed.items()
        if count and not any((place[0], line) in excepted for line in lines_of(place))
    }
    if options.list:
        for place in sorted(unstated):
            print(f"{place[0]}:{place[1]}: {shown[place]} {' '.join(lines_of(place))}")
    total = sum(len(conditions) for conditions in shown.values())
    reached = total - sum(missed.values())
    share = f"{reached} of {total} ({100 * reached / total:.2f} %)"
    figures.add("conditions shown to decide by themselves, by MC/DC", share)
    stated = sum(missed.values()) - sum(unstated.values())
    figures.add("conditions that are not, each with its reason", stated)
    figures.at_most("conditions that are not, without a reason", sum(unstated.values()), 0)
    figures.write(options)


if __name__ == "__main__":
    main()
