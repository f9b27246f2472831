"""The C library alone, without Python: tests/c, built strictly and run under sanitizers."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import c_library
import pytest

HOSTILE = "-DPG_HOSTILE"
SETTINGS = {"ASAN_OPTIONS": "allocator_may_return_null=1:detect_leaks=1"}

pytestmark = [
    pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler"),
    pytest.mark.skipif(not c_library.CSRC.is_dir(), reason="no C sources beside the tests"),
]


@pytest.fixture(scope="module")
def sanitizing(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The compiler with the flags of the sanitizers, if it has them."""
    folder = tmp_path_factory.mktemp("sanitizer")
    empty = folder / "empty.c"
    empty.write_text("int main(void) { return 0; }\n", encoding="utf-8")
    try:
        command = c_library.compiler_of_extension(sanitized=True)
        c_library.run([*command, "-o", folder / "empty", empty])
    except c_library.Failed:
        pytest.skip("this compiler has no sanitizers")
    return command


def build_and_run(folder: Path, command: list[str], **chosen: list) -> None:
    c_library.run_harnesses(c_library.build(folder, command, **chosen), **SETTINGS)


def test_there_are_harnesses_and_sources_without_python():
    assert len(c_library.HARNESSES) == 26
    names = {path.name for path in c_library.sources()}
    assert {"memory.c", "graph.c", "sort.c", "sweep.c", "journal.c", "table.c", "code.c"} <= names
    assert not names & {"value.c", "module.c", "operators.c"}


@pytest.mark.long
def test_the_harnesses_under_sanitizers(tmp_path, sanitizing):
    build_and_run(tmp_path, [word for word in sanitizing if word != HOSTILE])


@pytest.mark.long
def test_those_of_the_graph_where_each_node_is_a_block(tmp_path, sanitizing):
    """Programs hold no nodes, so it is the graph where something could be used after its release."""
    of_programs = re.compile('#include "(traces.h|loops.h|program/)')
    of_graph = [
        path
        for path in c_library.HARNESSES
        if not of_programs.search(path.read_text(encoding="utf-8"))
    ]
    assert len(of_graph) == 5
    assert HOSTILE in sanitizing
    build_and_run(tmp_path, sanitizing, programs=of_graph, parts=["graph", "ops"])


@pytest.mark.long
def test_the_harnesses_as_they_are_shipped(tmp_path):
    build_and_run(tmp_path, c_library.compiler_of_extension())


def test_a_harness_that_does_not_hold_is_reported(tmp_path):
    """By the line of the test, and by its exit code; one that ends early says no OK."""
    programs = []
    for name, body in {"false": "CHECK(1 + 1 == 3);", "early": "return 0;"}.items():
        main = tmp_path / f"test_{name}.c"
        main.write_text(
            f'#include "harness.h"\nint main(void)\n{{\n    {body}\n    return 0;\n}}\n',
            encoding="utf-8",
        )
        programs.append(main)
    command = c_library.compiler("-O0", "-Itests/c", "-Wno-unused-function")
    for program in c_library.build(tmp_path, command, programs=programs, parts=[]):
        with pytest.raises(c_library.Failed, match=r"line 4: not true|stopped after"):
            c_library.run_harness(program)
