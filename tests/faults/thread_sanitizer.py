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


def reports(program: Path, *arguments: str, timeout: int = 300) -> tuple[int, int]:
    """How many races ThreadSanitizer has reported, and how the program has ended; -1 if it has not."""
    settings = {**c_library.environment(), "TSAN_OPTIONS": "exitcode=66"}
    with tempfile.TemporaryFile() as written:
        try:
            ended = subprocess.run(
                [program, *arguments],
                stdout=written,
                stderr=written,
                env=settings,
                timeout=timeout,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            ended = -1
        written.seek(0)
        return len(re.findall(b"WARNING: ThreadSanitizer", written.read())), ended


def main() -> int:
    chosen = parser((__doc__ or "").splitlines()[0]).parse_args()
    figures = Figures("Threads in the C core")
    with tempfile.TemporaryDirectory() as scratch:
        command = c_library.compiler(*SANITIZED)
        (program,) = c_library.build(Path(scratch), command, programs=[THREADS])
        found, ended = reports(program)
        # Without the lock lists may become rings, in which it goes round for ever.
        unlocked, _ = reports(program, "unlocked", timeout=30)
    figures.none_of("reports of ThreadSanitizer", found)
    figures.none_of("its exit code", ended)
    figures.add("its reports where the lock is left out", unlocked, "some", unlocked > 0)
    return figures.finish(chosen.json)


if __name__ == "__main__":
    raise SystemExit(main())
