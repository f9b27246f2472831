"""ARCHITECTURE.md keeps its word: its map is complete, and functions stand in the files that it says."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")

SOURCES = {".c", ".h", ".def", ".py", ".pyi", ".js", ".css", ".html"}
# what building leaves
DERIVED = {"pygrad/_core.c", *(f"pygrad/c_code/{name}.h" for name in ("scalar", "gamma", "normal"))}


def section(title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE)
    assert found, title
    return found[1]


def named() -> list[str]:
    """Every file and folder of the map, from the root."""
    names = []
    for part in section("Map").split("\n### ")[1:]:
        folder, _, lines = part.partition("\n")
        for line in re.findall(r"^- ([^:]+): ", lines, re.MULTILINE):
            names += [folder.strip("`./ ") + "/" + name for name in re.findall(r"`([^`]+)`", line)]
    return [name.strip("/") for name in names]


def test_every_source_file_is_on_the_map_and_the_other_way_round() -> None:
    files = {
        path.relative_to(ROOT).as_posix()
        for folder in ("csrc", "pygrad", "tools")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in SOURCES
    }
    rooms = {name for name in files if name.endswith("/__init__.py")} - {"pygrad/__init__.py"}
    expected, found = files - rooms - DERIVED, set(named())
    missing = [f"not on the map: {name}" for name in sorted(expected - found)]
    missing += [f"not there: {name}" for name in sorted(found) if not (ROOT / name).exists()]
    assert not missing, "\n".join(missing)
    assert len(found) == len(named()), "on the map twice"


def test_every_folder_of_tests_is_on_the_map() -> None:
    (line,) = re.findall(r"^- `tests/`: (.*)$", section("Map"), re.MULTILINE)
    folders = {path.parent.name for path in (ROOT / "tests").glob("[a-z]*/*") if path.is_file()}
    assert set(re.findall(r"`(\w+)`", line)) == folders


def test_its_layers_are_those_that_are_checked() -> None:
    import includes
    import layers

    python, c = re.findall(r"^```text\n(.*?)^```", section("Layers"), re.DOTALL | re.MULTILINE)
    assert first_column(python) == [line.strip() for line in layers.LAYERS.strip().splitlines()]
    assert first_column(c) == includes.LAYERS[::-1]


def first_column(text: str) -> list[str]:
    return [re.split(r" {2,}", line)[0] for line in text.splitlines()]


def test_functions_of_the_life_of_a_product_stand_where_it_says() -> None:
    steps = re.findall(
        r"^\d+\. `([^`]+)`: (.*?)(?=^\d+\. |^$)",
        section("The life of `a * b`"),
        re.DOTALL | re.MULTILINE,
    )
    assert len(steps) > 8
    for name, step in steps:
        text = (ROOT / name).read_text(encoding="utf-8")
        for function in re.findall(r"`(\w+)\(\)`", step):
            assert re.search(rf"\b{function}\(", text), f"{name} has no {function}()"


def test_files_that_it_names_are_there() -> None:
    """In prose and recipes, too, and not on the map only."""
    paths = re.findall(r"`((?:csrc|pygrad|tests|tools|docs)/[\w./]+)`", TEXT)
    assert {path for path in paths if not (ROOT / path).exists()} == set()


def test_a_word_has_one_meaning() -> None:
    words = [
        word.strip("* `")
        for line in re.findall(r"^\| ([^|]+) \| ", section("Words"), re.MULTILINE)
        for word in line.split(", ")
        if word.strip("-") and line != "word"
    ]
    assert len(words) == len(set(words)) > 50
