"""The C library without Python, and its harnesses (tests/c): built by any compiler with any flags."""

from __future__ import annotations

import functools
import importlib.util
import os
import shlex
import subprocess
import sysconfig
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
CSRC = ROOT / "csrc"
HARNESSES = sorted((ROOT / "tests" / "c").glob("test_*.c"))
PARTS = ("graph", "ops", "program")
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]

# As build.py has them: the bits of results depend on the second one, their speed on the others.
BITS = ["-std=c11", "-ffp-contract=off"]
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
    """What the command printed, run in the root: from there names of sources are those of any checkout.

    Raises:
        Failed: it did not end with 0.
    """
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**environment(), **settings},
        check=False,
    )
    if done.returncode != 0:
        shown = " ".join(str(word) for word in command)
        raise Failed(
            f"{shown}: exit code {done.returncode}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
        )
    return done.stdout


def compiler(*flags: str, name: str = "cc") -> list[str]:
    """A compiler of C with the flags that all of them have, and these."""
    return [name, *WARNINGS, *BITS, *flags]


@functools.cache
def compiler_of_extension(sanitized: bool = False) -> list[str]:
    """What setup.py compiles the extension with: ccache, where there is one, has the objects then."""
    spec = importlib.util.spec_from_file_location("build_of_pygrad", ROOT / "build.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    known = [sysconfig.get_config_var(name) or "" for name in ("CC", "CFLAGS", "CCSHARED")]
    command = shlex.split(" ".join(known))
    is_clang = "clang" in run([*command, "--version"])
    with mock.patch.dict(os.environ, {"PYGRAD_SANITIZE": "1"} if sanitized else {}):
        settings = script.compiler_settings()
    macros = [f"-D{name}" for name, value in settings["define_macros"] if value is None]
    flags = [*script.flags_of(is_clang), *settings["extra_compile_args"]]
    return [*command, *macros, *flags, *WARNINGS]


def build(
    folder: Path,
    command: Sequence[str],
    *,
    programs: Iterable[Path] = HARNESSES,
    parts: Iterable[str] = PARTS,
) -> list[Path]:
    """Programs of tests/c with the library, by this command, in the folder; their objects stay there, too.

    Raises:
        Failed: something does not compile.
    """
    command = [*command, "-Icsrc"]
    programs = list(programs)

    def compiled(source: Path) -> Path:
        made = folder / f"{source.parent.name}-{source.stem}.o"
        named = source.relative_to(ROOT) if source.is_relative_to(ROOT) else source
        run([*command, "-c", "-o", made, named, "-MMD", "-MF", f"{made}.d"])  # as setup.py
        return made

    def linked(main: Path) -> Path:
        made = folder / main.stem
        run([*command, "-o", made, compiled(main), *library, "-lm", "-pthread"])
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
