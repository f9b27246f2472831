"""Runs the fault programme, a part of it after the other, and writes its figures into a page.

    python tools/faults.py                              all of it, some 15 minutes on two idle cores
    python tools/faults.py --share                      a smaller run of most parts, two minutes
    python tools/faults.py --only branches              some parts
    python tools/faults.py --write docs/reliability.md  and the tables of that page are those of this run

Each part is a script of tests/faults in a process of its own, which writes its figures as JSON. Exit code 1
if one does not keep to its limit, or a part did not come to its figures. Run with pygrad installed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from pages import renewed

SCRIPTS = Path(__file__).resolve().parent.parent / "tests" / "faults"
PARTS = (
    "allocations",
    "interrupts",
    "damaged_files",
    "threads",
    "branches",
    "conditions",
    "other_compilers",
    "thread_sanitizer",
)
# The last two want compilers that few have, and have no smaller run of their own; the first
# is run by tests/faults/test_c_core.py, too.
LEFT_OUT_OF_A_SHARE = ("branches", "conditions", "other_compilers")


class Part(NamedTuple):
    """What a part has come to."""

    name: str
    figures: list[dict[str, Any]]
    seconds: float
    ended: int

    def failures(self) -> list[str]:
        """What does not hold."""
        found = [f"{f['what']}: {f['value']}" for f in self.figures if not f["ok"]]
        if not found and (self.ended != 0 or not self.figures):
            found = [f"ended with {self.ended} and {len(self.figures)} figures"]
        return found


def run(name: str, share: bool) -> Part:
    """Runs a part; what it prints goes where this program's does."""
    script, began = SCRIPTS / f"{name}.py", time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "figures.json")
        command = [sys.executable, str(script), "--json", str(file), *["--share"] * share]
        ended = subprocess.run(command, check=False).returncode
        figures = json.loads(file.read_text(encoding="utf-8"))["figures"] if file.exists() else []
    return Part(name, figures, time.monotonic() - began, ended)


def cell(value: Any) -> str:
    """A value as the page has it.

    >>> cell(12345), cell(0.25), cell("a | b")
    ('12,345', '0.25', 'a \\\\| b')
    """
    return f"{value:,}" if isinstance(value, int) else str(value).replace("|", "\\|")


def table(part: Part) -> str:
    """The figures of a part as Markdown, and what they were made with."""
    rows = [("what", "figure", "limit")]
    rows += [
        (cell(f["what"]), cell(f["value"]), cell(f["limit"]) + ("" if f["ok"] else " (missed)"))
        for f in part.figures
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines = [
        "| " + " | ".join(t.ljust(w) for t, w in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    machine = f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}"
    about = f"{machine}, CPython {platform.python_version()}, {part.seconds:.0f} s"
    return "\n".join([*lines, "", f"- {about}"])


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--share", action="store_true", help="a smaller run")
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--write", type=Path, metavar="PAGE", help="the page that has the tables")
    chosen = parser.parse_args()
    if chosen.share and chosen.write:
        parser.error("a page gets the figures of whole runs")
    left_out = LEFT_OUT_OF_A_SHARE if chosen.share and not chosen.only else ()
    done = []
    for name in chosen.only or PARTS:
        if name not in left_out:
            print(f"\n== {name}", flush=True)
            done.append(run(name, chosen.share))
    if chosen.write:
        page = chosen.write.read_text(encoding="utf-8")
        tables = {part.name: table(part) for part in done}
        chosen.write.write_text(renewed(page, tables), encoding="utf-8")
    print("\n== the fault programme")
    for part in done:
        failures = part.failures()
        print(f"{part.name:<17}{part.seconds:5.0f} s   {'; '.join(failures) or 'holds'}")
    for name in left_out:
        print(f"{name:<17}          in whole runs only")
    failed = sum(len(part.failures()) for part in done)
    figures = sum(len(part.figures) for part in done)
    print(f"{figures} figures, {failed} of them beyond their limits or not there")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
