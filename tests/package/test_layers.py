"""The import contract of tools/layers.py holds here, and finds violations of each kind elsewhere."""

from __future__ import annotations

from pathlib import Path

import layers
import pytest

ROOT = Path(__file__).resolve().parents[2]


def tree(root: Path, **files: str) -> Path:
    """A checkout with these files, a__b for pygrad/a/b.py."""
    (root / "tools").mkdir()
    for name, text in {"__init__": "", **files}.items():
        path = root / "pygrad" / f"{name if name == '__init__' else name.replace('__', '/')}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        (path.parent / "__init__.py").touch()
    return root


def found(root: Path) -> list[str]:
    return list(layers.violations(root))


def test_the_contract_holds_in_this_checkout(capsys: pytest.CaptureFixture[str]) -> None:
    assert layers.main([str(ROOT)]) == 0, capsys.readouterr().out


def test_what_is_allowed(tmp_path: Path) -> None:
    files = {
        "core__structure": "from pygrad.core.other import _x\n",
        "core__other": "from pygrad import _native\nfrom pygrad._core import ffi, lib\n_x = 1",
        "transform": "from pygrad.core import structure\nfrom pygrad import progress\n",
        "programs__rows": "import pygrad.core.structure\nimport numpy as np\nnp._x",
        "compiled__function": "def f():\n    from pygrad import transform\n    transform.__doc__\n",
        "progress": "import sys\n",
    }
    assert found(tree(tmp_path, **files)) == []
    assert layers.main([str(tmp_path)]) == 0


UP = "core imports pygrad.transform, which is above it"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("from pygrad.transform import grad", 1),
        ("from pygrad import transform", 1),
        ("import pygrad.transform", 1),
        ("from .. import transform", 1),
        ("from ..transform import grad", 1),
        ("def f():\n    from pygrad.transform import grad", 2),
        ("if TYPE_CHECKING:\n    from pygrad.transform import grad", 2),
        ('sys.modules.get("pygrad.transform")', 1),
        ("try:\n    pass\nfinally:\n    import pygrad.transform as t", 4),
    ],
)
def test_imports_that_run_up(text: str, line: int, tmp_path: Path) -> None:
    root = tree(tmp_path, core__a=text, transform="")
    assert found(root) == [f"pygrad/core/a.py:{line}: {UP}"]
    assert layers.main([str(root)]) == 1


def test_imports_of_the_whole_package_run_up(tmp_path: Path) -> None:
    (first, second) = found(
        tree(tmp_path, seeing__a="import pygrad\n", core__b="from pygrad import x")
    )
    assert first == "pygrad/core/b.py:1: core imports pygrad, which is above it"
    assert second == "pygrad/seeing/a.py:1: seeing imports pygrad, which is above it"


def test_imports_between_rooms_of_one_layer(tmp_path: Path) -> None:
    root = tree(tmp_path, seeing__a="from pygrad.checking.b import x", checking__b="")
    assert found(root) == [
        "pygrad/seeing/a.py:1: seeing imports pygrad.checking.b, which is beside it"
    ]


def test_a_leaf_imports_nothing(tmp_path: Path) -> None:
    assert found(tree(tmp_path, progress="import pygrad.core.a", core__a="")) == [
        "pygrad/progress.py:1: progress is a leaf, but imports pygrad.core.a"
    ]


def test_a_room_without_a_layer(tmp_path: Path) -> None:
    assert found(tree(tmp_path, attic="from pygrad.core.a import x", core__a="")) == [
        "pygrad/attic.py:1: attic has no layer"
    ]


def test_circles(tmp_path: Path) -> None:
    files = {
        "core__a": "import pygrad.core.b",
        "core__b": "def f():\n    from pygrad.core import c",
        "core__c": "from pygrad.core.a import x",
        "core__d": "from pygrad.core.a import x",
    }
    assert found(tree(tmp_path, **files)) == [
        "a circle: pygrad/core/a.py pygrad/core/b.py pygrad/core/c.py"
    ]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("from pygrad.core.a import _x", "pygrad.core.a._x"),
        ("from pygrad.core import _b", "pygrad.core._b"),
        ("from pygrad.core._b import x", "pygrad.core._b.x"),
        ("from pygrad.core import a\na._x()", "pygrad.core.a._x"),
        ("import pygrad.core.a as other\nprint(other._x.y)", "pygrad.core.a._x"),
        ("import pygrad.core.a\nx = pygrad.core.a._x", "pygrad.core.a._x"),
    ],
)
def test_private_names_stay_in_their_folder(text: str, what: str, tmp_path: Path) -> None:
    root = tree(tmp_path, programs__p=text, core__a="_x = 1", core___b="x = 1")
    (line,) = found(root)
    assert line.endswith(f": {what} is private to its folder")
    root.joinpath("pygrad", "programs", "p.py").rename(root / "pygrad" / "core" / "p.py")
    assert found(root) == []


def test_long_files(tmp_path: Path) -> None:
    root = tree(tmp_path, math="x = 1\n" * 600, nn="x = 1\n" * 601)
    (root / "tools" / "long.py").write_text("\n" * 700)
    assert found(root) == [
        "pygrad/nn.py: 601 lines, of at most 600",
        "tools/long.py: 700 lines, of at most 600",
    ]


def test_every_room_of_the_package_has_a_layer() -> None:
    rooms = {path.stem for path in (ROOT / "pygrad").glob("*.py")}
    rooms |= {path.parent.name for path in (ROOT / "pygrad").glob("*/__init__.py")}
    assert rooms == {*layers.RANKS, *layers.LEAVES}
