"""The package is installed as pygrad-core; every text that recommends an installation says so."""

from __future__ import annotations

import importlib.metadata
import re
from pathlib import Path

import pytest

from pygrad.core import distribution

ROOT = Path(__file__).resolve().parents[2]
TEXTS = {
    ".md",
    ".py",
    ".pyi",
    ".toml",
    ".txt",
    ".c",
    ".h",
    ".ipynb",
    ".html",
    ".js",
    ".yaml",
    ".in",
    "",
}
# Folders that building and running leave, and files of older versions, which stay as they are.
LEFT = {".git", ".venv", ".nox", "build", "dist", "_build", "saved", "__pycache__"}

COMMAND = re.compile(r"\bpip3? install +((?:-\S+ +)*)(['\"`]?)(pygrad[\w.-]*)(\[([\w, ]*)\])?")


def texts() -> list[Path]:
    kept = (
        p
        for p in ROOT.rglob("*")
        if p.is_file() and p.suffix in TEXTS and LEFT.isdisjoint(p.relative_to(ROOT).parts)
    )
    here = Path(__file__)
    return sorted(p for p in kept if p != here and not any(".egg-info" in part for part in p.parts))


def commands() -> list[tuple[str, str, str]]:
    """Where a text says `pip install pygrad...`: file and line, name, extras."""
    found = []
    for path in texts():
        text = path.read_text(encoding="utf-8", errors="ignore")
        for match in COMMAND.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append((f"{path.relative_to(ROOT)}:{line}", match[3], match[5] or ""))
    return found


def test_the_installed_package_has_the_name_and_its_extras():
    found = importlib.metadata.metadata(distribution.NAME)
    assert found["Name"] == "pygrad-core"
    assert {"plot", "scipy", "exact", "draw", "dask", "progress"} <= set(
        found.get_all("Provides-Extra") or []
    )


def test_no_text_recommends_the_library_of_that_name_by_others():
    strangers = [(place, name) for place, name, _ in commands() if name != distribution.NAME]
    assert not strangers


def test_every_extra_that_a_text_recommends_is_there():
    known = set(importlib.metadata.metadata(distribution.NAME).get_all("Provides-Extra") or [])
    recommended = {
        (place, extra.strip())
        for place, _, extras in commands()
        for extra in extras.split(",")
        if extras
    }
    for path in sorted((ROOT / "pygrad").rglob("*.py")):
        for extras in re.findall(r"\binstall\(([^)]*)\)", path.read_text(encoding="utf-8")):
            recommended |= {(path.name, extra) for extra in re.findall(r"['\"](\w+)['\"]", extras)}
    assert {extra for _, extra in recommended} <= known, recommended
    assert len(recommended) > 5


@pytest.mark.parametrize(
    ("extras", "command"),
    [((), "pip install pygrad-core"), (("plot", "dask"), "pip install 'pygrad-core[plot,dask]'")],
)
def test_the_command(extras, command):
    assert distribution.install(*extras) == command
