"""C files include downwards only, without circles, none is too long, and headers declare what others use:
tools/includes.py sees to it."""

from __future__ import annotations

from pathlib import Path

import includes
import pytest

ROOT = Path(__file__).resolve().parents[2]

SOUND = {
    "pygrad.h": "#include <stddef.h>\n",
    "ops.def": "UNARY(exp)\n",
    "ops/table.c": '#include "pygrad.h"\n#include "ops.def"\n',
    "graph/node.h": '#include "pygrad.h"\n',
    "graph/sweep.h": '#include "graph/node.h"\n',
    "graph/sweep.c": '#include "graph/sweep.h"\n\n#include "ops.def"\n#include <math.h>\n',
    "program/code.c": '#include "graph/sweep.h"\n',
    "python/object.h": '#include <Python.h>\n\n#include "graph/node.h"\n',
}


@pytest.mark.skipif(not (ROOT / "csrc").is_dir(), reason="no C sources beside the tests")
def test_the_checkout_keeps_to_the_rules() -> None:
    assert includes.violations(ROOT / "csrc") == []


def tree(root: Path, **more: str) -> Path:
    """A made-up csrc, with more files or others in their place."""
    for name, text in {**SOUND, **more}.items():
        path = root / "csrc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def test_a_sound_tree_has_no_violation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert includes.main([str(tree(tmp_path))]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "graph/node.h",
            '#include "pygrad.h"\n#include "program/code.h"\n',
            "graph/node.h:2: program/code.h: not below graph",
        ),
        ("pygrad.h", '#include "graph/node.h"\n', "pygrad.h:1: graph/node.h: not below ."),
        ("graph/sweep.c", "#include <Python.h>\n", "graph/sweep.c:1: Python.h: in python only"),
        ("ops/table.c", '#  include "Python.h"\n', "ops/table.c:1: Python.h: in python only"),
        ("graph/sweep.c", '#include "sweep.h"\n', "graph/sweep.c:1: sweep.h: no such file"),
        ("graf/node.c", "", "graf/node.c: no layer is called graf"),
        ("ops/table.c", "\n" * 601, "ops/table.c: 601 lines"),
    ],
    ids=["up", "up from csrc", "Python", "Python quoted", "from elsewhere", "folder", "long"],
)
def test_a_violation_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, said: str
) -> None:
    root = tree(tmp_path, **{"program/code.h": "", name: text})
    assert includes.main([str(root)]) == 1
    assert f"csrc/{said}" in capsys.readouterr().out.splitlines()


def test_a_circle_of_files_is_found_once(tmp_path: Path) -> None:
    """sort.c asks journal.h and journal.c asks sort.h: neither header includes the other, the files do."""
    root = tree(
        tmp_path,
        **{
            "graph/sort.h": "",
            "graph/sort.c": '#include "graph/sort.h"\n#include "graph/journal.h"\n',
            "graph/journal.h": '#include "graph/node.h"\n',
            "graph/journal.c": '#include "graph/sort.h"\n',
        },
    )
    assert includes.violations(root / "csrc") == [
        "graph/journal: a circle: graph/journal > graph/sort > graph/journal"
    ]


def test_a_function_for_no_other_file_is_found(tmp_path: Path) -> None:
    """One that a test uses, a module, or an inline function of the header, is for others."""
    names = ("unused", "own", "tested", "called", "inlined", "shared")
    root = tree(
        tmp_path,
        **{
            "graph/node.h": "".join(f"int pg_{name}(void);\n" for name in names)
            + "static inline int pg_one(void)\n{\n    return pg_inlined();\n}\n"
            "/* pg_own() */\n",
            "graph/node.c": "".join(f"int pg_{name}(void)\n{{\n}}\n" for name in names[1:])
            + "int pg_two(void)\n{\n    return pg_own();\n}\n",
            "program/code.c": "static int a(void)\n{\n    return pg_shared(); /* not pg_own() */\n}\n",
            "../tests/c/test_node.c": "pg_tested();\n",
            "../pygrad/core.py": "lib.pg_called()\n",
        },
    )
    assert includes.violations(root / "csrc") == [
        "graph/node.h: pg_unused() is for no other file",
        "graph/node.h: pg_own() is for no other file",
    ]


def test_six_hundred_lines_are_not_too_many(tmp_path: Path) -> None:
    assert includes.violations(tree(tmp_path, **{"ops/table.c": "\n" * 600}) / "csrc") == []
