"""ThreadSanitizer on tests/c/test_threads.c: threads that share the C core do nothing that nothing orders.

    python tests/faults/thread_sanitizer.py [--json FILE] [--share]

Nodes and sweeps are made under one lock, as Python's; programs run without. That races would be seen is
seen by leaving the lock out. The counters that pygrad.h names are not part of it: they may be read
without the lock, and are then a number of some moment.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

if __name__ == "__main__":
    HERE = Path(__file__).resolve().parent
    sys.path[:0] = [str(HERE), str(HERE.parent / "lib")]

import c_library
from figures import Figures, parser

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


def main() -> int:
    chosen = parser((__doc__ or "").splitlines()[0]).parse_args()
    figures = Figures("Threads in the C core")
    with tempfile.TemporaryDirectory() as scratch:
        (program,) = c_library.build(Path(scratch), SANITIZED, programs=[THREADS])
        found, ended = reports(program)
        unlocked, _ = reports(program, "unlocked")
    figures.none_of("reports of ThreadSanitizer", found)
    figures.none_of("its exit code", ended)
    figures.add("its reports where the lock is left out", unlocked, "some", unlocked > 0)
    return figures.finish(chosen.json)


if __name__ == "__main__":
    raise SystemExit(main())
