"""The C library alone, without Python: tests/c, built strictly and run under sanitizers."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CSRC = ROOT / "csrc"
HARNESSES = sorted((ROOT / "tests" / "c").glob("test_*.c"))

STRICT = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]
SANITIZE = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]

pytestmark = [
    pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler"),
    pytest.mark.skipif(not CSRC.is_dir(), reason="no C sources beside the tests"),
]


def sources() -> list[str]:
    """The graph and its ops; programs are left to the tests, which run under sanitizers too."""
    return sorted(str(path) for part in ("graph", "ops") for path in (CSRC / part).glob("*.c"))


def environment() -> dict[str, str]:
    """This one's, without a sanitizer that is preloaded for Python."""
    return {name: text for name, text in os.environ.items() if name != "LD_PRELOAD"}


def compile_with(*flags: str, program: Path, inputs: list[str]) -> subprocess.CompletedProcess[str]:
    command = ["cc", *STRICT, *flags, f"-I{CSRC}", "-o", str(program), *inputs, "-lm"]
    return subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)


@pytest.fixture(scope="module")
def sanitizer(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Flags of the sanitizers, if the compiler has them."""
    folder = tmp_path_factory.mktemp("sanitizer")
    empty = folder / "empty.c"
    empty.write_text("int main(void) { return 0; }\n", encoding="utf-8")
    done = compile_with(*SANITIZE, program=folder / "empty", inputs=[str(empty)])
    if done.returncode != 0:
        pytest.skip("this compiler has no sanitizers")
    return SANITIZE


def build_and_run(folder: Path, *flags: str) -> None:
    assert len(HARNESSES) == 2
    for harness in HARNESSES:
        program = folder / harness.stem
        built = compile_with(*flags, program=program, inputs=[str(harness), *sources()])
        assert built.returncode == 0, built.stderr
        settings = {"ASAN_OPTIONS": "allocator_may_return_null=1:detect_leaks=1"}
        done = subprocess.run(
            [str(program)],
            capture_output=True,
            text=True,
            env={**environment(), **settings},
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.endswith("\nOK\n")


def test_there_are_sources_without_python():
    names = {Path(name).name for name in sources()}
    assert {"memory.c", "graph.c", "sort.c", "sweep.c", "journal.c", "table.c"} <= names
    assert not names & {"value.c", "module.c", "operators.c"}


@pytest.mark.parametrize("pool", [[], ["-DPG_HOSTILE"]], ids=["pooled", "each_node_a_block"])
def test_the_harness_under_sanitizers(tmp_path, sanitizer, pool):
    build_and_run(tmp_path, "-O1", *sanitizer, *pool)


def test_the_harness_as_it_is_shipped(tmp_path):
    build_and_run(tmp_path, "-O2", "-ffp-contract=off")
