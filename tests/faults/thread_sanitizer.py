"""ThreadSanitizer on tests/c/test_threads.c: threads that share the C core do nothing that nothing orders.

    python tests/faults/thread_sanitizer.py [--json FILE] [--share]

Nodes and sweeps are made under one lock, as Python's; programs run without. That races would be seen is seen by
leaving the lock out. The counters that pygrad.h names are not part of it: they may be read without the lock, and are
then a number of some moment.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import report

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

import c_library

THREADS = c_library.ROOT / "tests" / "c" / "test_threads.c"
SANITIZED = ["-O1", "-g", "-fsanitize=thread"]


def reports(program: Path, *arguments: str) -> tuple[int, int]:
    """How many races ThreadSanitizer has reported, and how the program has ended."""
    settings = {**c_library.environment(), "TSAN_OPTIONS": "exitcode=66"}
    done = subprocess.run(
        [program, *arguments],
        capture_output=True,
        text=True,
        env=settings,
        timeout=300,
        check=False,
    )
    return len(re.findall("WARNING: ThreadSanitizer", done.stdout + done.stderr)), done.returncode


def main() -> None:
    options = report.options(__doc__)
    figures = report.Figures("Threads in the C core")
    with tempfile.TemporaryDirectory() as scratch:
        (program,) = c_library.build(Path(scratch), SANITIZED, programs=[THREADS])
        found, ended = reports(program)
        unlocked, _ = reports(program, "unlocked")
    figures.at_most("reports of ThreadSanitizer", found, 0)
    figures.at_most("its exit code", ended, 0)
    figures.add("its reports where the lock is left out", unlocked, "some", unlocked > 0)
    figures.write(options)


if __name__ == "__main__":
    main()
