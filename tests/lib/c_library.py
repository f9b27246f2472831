"""The C library without Python, and its harnesses (tests/c): built by any compiler with any flags."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CSRC = ROOT / "csrc"
HARNESSES = sorted((ROOT / "tests" / "c").glob("test_*.c"))
PARTS = ("graph", "ops", "program")
STRICT = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]

# As build.py has them: the bits of results depend on the first one, their speed on the others.
BITS = ["-ffp-contract=off"]
SHIPPED = ["-O3", "-fno-math-errno", "-fno-trapping-math"]


class Failed(Exception):
    """A build, or a program that it made, did not go well: with what was printed."""


def sources(parts: Iterable[str] = PARTS) -> list[Path]:
    """What does not include Python.h, or some of it."""
    return sorted(path for part in parts for path in (CSRC / part).glob("*.c"))


def environment() -> dict[str, str]:
    """This one's, without a sanitizer that is preloaded for Python."""
    return {name: text for name, text in os.environ.items() if name != "LD_PRELOAD"}


def run(command: Sequence[str | Path], **settings: str) -> str:
    """What the command printed.

    Raises:
        Failed: it did not end with 0.
    """
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        env={**environment(), **settings},
        check=False,
    )
    if done.returncode != 0:
        shown = " ".join(str(word) for word in command)
        raise Failed(
            f"{shown}: exit code {done.returncode}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
        )
    return done.stdout


def build(
    folder: Path,
    flags: Iterable[str],
    *,
    compiler: str = "cc",
    programs: Iterable[Path] = HARNESSES,
    parts: Iterable[str] = PARTS,
) -> list[Path]:
    """Programs of tests/c with the library, in the folder, in which their objects stay, too.

    Raises:
        Failed: something does not compile.
    """
    flags = [*STRICT, *BITS, *flags, f"-I{CSRC}"]
    programs = list(programs)

    def compiled(source: Path) -> Path:
        made = folder / f"{source.parent.name}-{source.stem}.o"
        run([compiler, *flags, "-c", "-o", made, source])
        return made

    def linked(main: Path) -> Path:
        made = folder / main.stem
        run([compiler, *flags, "-o", made, compiled(main), *library, "-lm", "-pthread"])
        return made

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        library = list(pool.map(compiled, sources(parts)))
        return list(pool.map(linked, programs))


def run_harnesses(programs: Iterable[Path], *runner: str, **settings: str) -> None:
    """Runs harnesses, as many at a time as there are cores."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda program: run_harness(program, *runner, **settings), programs))


def run_harness(program: Path, *runner: str, **settings: str) -> None:
    """Runs a harness, by a runner (an emulator, say) if there is one.

    Raises:
        Failed: one of its tests did not hold.
    """
    printed = run([*runner, program], **settings)
    if not printed.endswith("\nOK\n"):
        raise Failed(f"{program.name} stopped after:\n{printed[-4000:]}")
