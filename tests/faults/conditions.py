"""Conditions of csrc/graph and csrc/program, by MC/DC: each shown to decide by itself what its expression
comes to.

    python tests/faults/conditions.py [--json FILE] [--share] [--list]

Counted by clang 19 (-fcoverage-mcdc) while the harnesses of tests/c run; gcc has the like from version 14
on, which Debian 12 has not. A condition counts as shown if it is in any copy of its expression: of a
header in several files, or of lanes.h for several sets of instructions. An expression with a condition
that is not has a line in tests/c/unreached.txt, with the reason: a branch that cannot be taken is a
condition that cannot be shown.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

if __name__ == "__main__":
    HERE = Path(__file__).resolve().parent
    sys.path[:0] = [str(HERE), str(HERE.parent / "lib")]

import c_library
from branches import FOLDERS, exceptions
from figures import Figures, parser

VERSION = "-19"
CLANG = f"clang{VERSION}"
COUNTED = [
    *("-O1", "-DPG_COUNTED", "-Wno-pass-failed", "-fprofile-update=atomic"),
    *("-fprofile-instr-generate", "-fcoverage-mapping", "-fcoverage-mcdc"),
]

SHOWN = "conditions shown to decide by themselves, by MC/DC"

# A file, and where in it an expression begins and ends, as lines and columns; of each condition whether it
# was shown.
Expression = tuple[str, int, int, int, int]
Shown = dict[Expression, list[bool]]


def counted(folder: Path) -> Shown:
    """Every expression of more than one condition, by a run of the harnesses: what llvm-cov says of each
    copy, joined."""
    programs = c_library.build(folder, c_library.compiler(*COUNTED, name=CLANG))
    c_library.run_harnesses(programs, LLVM_PROFILE_FILE=f"{folder}/%p.profraw")
    merged = folder / "all.profdata"
    c_library.run([f"llvm-profdata{VERSION}", "merge", "-o", merged, *folder.glob("*.profraw")])
    others = [word for program in programs[1:] for word in ("-object", program)]
    printed = c_library.run(
        [f"llvm-cov{VERSION}", "export", "-instr-profile", merged, programs[0], *others]
    )
    shown: Shown = {}
    for function in json.loads(printed)["data"][0]["functions"]:
        for *place, file, _, conditions in function["mcdc_records"]:
            path = c_library.ROOT / function["filenames"][file]
            name = path.relative_to(c_library.ROOT).as_posix()
            if name.startswith(FOLDERS):
                here = (name, *place)
                before = shown.setdefault(here, [False] * len(conditions))
                shown[here] = [a or b for a, b in zip(before, conditions, strict=True)]
    return shown


def lines_of(expression: Expression) -> list[str]:
    """The lines of code that it stands on."""
    name, first, _, last, _ = expression
    text = (c_library.ROOT / name).read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in text[first - 1 : last]]


def main() -> int:
    options = parser((__doc__ or "").splitlines()[0])
    options.add_argument("--list", action="store_true", help="those that are not, without a reason")
    chosen = options.parse_args()
    figures = Figures("Conditions of the C core")
    for tool in (CLANG, f"llvm-cov{VERSION}"):
        if shutil.which(tool) is None:
            figures.add(SHOWN, f"not measured: no {tool}", ok=False)
            return figures.finish(chosen.json)
    with tempfile.TemporaryDirectory() as scratch:
        shown = counted(Path(scratch))
    excepted = exceptions()
    missed = {place: conditions.count(False) for place, conditions in shown.items()}
    unstated = {
        place: count
        for place, count in missed.items()
        if count and not any((place[0], line) in excepted for line in lines_of(place))
    }
    if chosen.list:
        for place in sorted(unstated):
            print(f"{place[0]}:{place[1]}: {shown[place]} {' '.join(lines_of(place))}")
    total = sum(len(conditions) for conditions in shown.values())
    reached = total - sum(missed.values())
    share = f"{reached} of {total} ({100 * reached / total:.2f} %)"
    figures.add(SHOWN, share)
    stated = sum(missed.values()) - sum(unstated.values())
    figures.add("conditions that are not, each with its reason", stated)
    figures.none_of("conditions that are not, without a reason", sum(unstated.values()))
    return figures.finish(chosen.json)


if __name__ == "__main__":
    raise SystemExit(main())
