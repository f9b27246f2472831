"""C as to_c() writes it, compiled and called: what the tests of it share."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from routines import same_bits

import pygrad

ROOT = Path(__file__).resolve().parents[2]
COMPILER = next(filter(None, map(shutil.which, ("gcc", "cc", "clang"))), None)
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler here")
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-pedantic", "-Werror"]
FORMS = ["one function", "parts"]  # as which programs are written: see the fixture form
LIBM = bool(os.environ.get("PYGRAD_LIBM_LANES"))

# -- running C -------------------------------------------------------------------------------------


class Exported(NamedTuple):
    """A function in C, called with flat lists of numbers."""

    call: Callable[..., int]
    outputs: int
    takes_captured: bool

    def __call__(
        self, numbers: Sequence[float], captured: Sequence[float] = ()
    ) -> list[float] | None:
        """What it writes, or None if it returns 1, or 2 because of a loop; then it must have written
        nothing.
        """
        out = (ctypes.c_double * (self.outputs + 1))(*[1234.5] * (self.outputs + 1))
        arrays = [(ctypes.c_double * max(len(a), 1))(*a) for a in (numbers, captured)]
        arrays = arrays if self.takes_captured else arrays[:1]
        status = self.call(*arrays, out)
        written = list(out)
        assert status in (0, 1, 2) and written[-1] == 1234.5
        if status != 0:
            assert written == [1234.5] * (self.outputs + 1)
            return None
        return written[:-1]


class Batch:
    """Many functions in one file, for one run of the compiler."""

    def __init__(self, folder: Path, number: int = 0, compiler: str | None = COMPILER) -> None:
        self.source, self.target = folder / f"{number}.c", folder / f"{number}.so"
        self.compiler = compiler
        self.texts: list[str] = []
        self.functions: dict[str, tuple[int, bool]] = {}  # outputs, and whether it takes captured

    def add(self, text: str) -> str:
        """The text of a function; its name."""
        name = re.search(r"^int (\w+)\(", text, re.MULTILINE)[1]
        assert name not in self.functions
        self.texts.append(text)
        (count,) = re.findall(r"^ \* out: (\d+) number", text, re.MULTILINE)
        self.functions[name] = int(count), "const double *captured" in text
        return name

    def compile(self) -> dict[str, Exported]:
        self.source.write_text("\n".join(self.texts), encoding="ascii")
        command = [self.compiler, "-std=c99", *WARNINGS, "-O1", "-ffp-contract=off", "-fno-builtin"]
        run([*command, "-shared", "-fPIC", str(self.source), "-o", str(self.target), "-lm"])
        library = ctypes.CDLL(str(self.target))
        return {name: Exported(library[name], *about) for name, about in self.functions.items()}


def run(command: Sequence[Any]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:3000]


def compile_strictly(texts: Sequence[str], folder: Path, compiler: str) -> None:
    """No compiler of C, or of C++, has a complaint."""
    if shutil.which(compiler) is None:
        pytest.skip(f"there is no {compiler} here")
    source = folder / ("f.cc" if "++" in compiler else "f.c")
    source.write_text("\n".join(texts), encoding="ascii")
    standard, level = ("-std=c++11", "-O2") if "++" in compiler else ("-std=c99", "-O3")
    run([compiler, standard, *WARNINGS, level, "-c", source, "-o", folder / "f.o"])


def run_under_sanitizers(texts: Sequence[str], folder: Path) -> None:
    """A program in C, whose main is in the last of the texts."""
    source, target = folder / "f.c", folder / "f"
    source.write_text("\n".join(texts), encoding="ascii")
    checks = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    run([COMPILER, "-std=c99", "-O1", "-g", *checks, source, "-o", target, "-lm"])
    run([target])


def all_alike(found: Sequence[float], wanted: Sequence[float]) -> bool:
    return len(found) == len(wanted) and all(map(same_bits, found, wanted))


def compare(
    functions: Sequence[Callable[..., Any]],
    batch: Batch,
    rows: Sequence[Any],
    wanted_at: Callable[[Callable[..., Any], Any], list[float] | None] | None = None,
) -> None:
    """Each function's program and its C, bit by bit.

    wanted_at: what a program gives at a row, None where the C has to refuse it; else all its numbers.
    """
    cases = {}
    for f in functions:
        compiled = pygrad.compile(f)
        wanted = [wanted_at(compiled, row) if wanted_at else flat(compiled(*row)) for row in rows]
        cases[batch.add(compiled.to_c(*rows[0], name=f"f{len(cases)}"))] = f, wanted
    found = batch.compile()
    for name, (f, wanted) in cases.items():
        for row, numbers in zip(rows, wanted, strict=True):
            ours = found[name](flat(row))
            assert (ours is None) == (numbers is None), (f, row, ours, numbers)
            assert ours is None or all_alike(ours, numbers), (f, row, ours, numbers)


def flat(result: Any) -> list[float]:
    """All numbers of a result, from left to right."""
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, (list, tuple)):
        return [x for part in result for x in flat(part)]
    return np.asarray(result, dtype=float).ravel().tolist()


def layers(p: Any, x: Any, y: Any) -> Any:
    """The squared error of an MLP [2, 16, 16, 1] of tanh neurons, its 337 parameters in one array."""
    at, h = 0, list(x)
    for n, m in ((2, 16), (16, 16), (16, 1)):
        w, at = p[at : at + n * m], at + n * m
        b, at = p[at : at + m], at + m
        h = [pygrad.math.tanh(pygrad.dot(list(w[i * n : i * n + n]), h, b[i])) for i in range(m)]
    return (h[0] - y) ** 2
