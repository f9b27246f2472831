"""tools/faults.py: what it makes of the parts' figures, and of parts that come to none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import faults
import pytest

GOOD = """
import argparse, json, pathlib, sys
parser = argparse.ArgumentParser()
parser.add_argument("--json", type=pathlib.Path)
parser.add_argument("--share", action="store_true")
chosen = parser.parse_args()
figures = [
    {"what": "files", "value": 10 if chosen.share else 10000, "limit": "", "ok": True},
    {"what": "crashes", "value": CRASHES, "limit": "0", "ok": CRASHES == 0},
]
chosen.json.write_text(json.dumps({"title": "Files", "figures": figures}))
sys.exit(CRASHES != 0)
"""
PAGE = "Before.\n<!-- measured: good -->\nold\n<!-- measured: end -->\nAfter.\n"


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder of scripts: one whose figures hold, one whose do not, one that fails; and one is missing."""
    scripts = {
        "good": GOOD.replace("CRASHES", "0"),
        "bad": GOOD.replace("CRASHES", "3"),
        "early": "raise SystemExit(0)",
    }
    for name, text in scripts.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(faults, "SCRIPTS", tmp_path)
    monkeypatch.setattr(faults, "PARTS", ("good", "bad", "early", "missing"))
    monkeypatch.setattr(faults, "LEFT_OUT_OF_A_SHARE", ("early",))
    return tmp_path


def faults_of(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["faults.py", *arguments])
    return faults.main()


def test_figures_that_hold_are_written_into_the_page(parts, monkeypatch, capfd):
    page = parts / "page.md"
    page.write_text(PAGE, encoding="utf-8")
    assert faults_of(monkeypatch, "--only", "good", "--write", str(page)) == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith(
        "Before.\n<!-- measured: good -->\n| what    | figure | limit |\n| ------- |"
    )
    assert "\n| files   | 10,000 |       |\n| crashes | 0      | 0     |\n" in text
    assert text.endswith("\n<!-- measured: end -->\nAfter.\n") and "old" not in text
    assert "2 figures, 0 of them beyond their limits or not there" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("bad", "crashes: 3"),
        ("early", "ended with 0 and 0 figures"),
        ("missing", "ended with 2 and 0 figures"),
    ],
)
def test_what_does_not_hold_and_what_comes_to_no_figure_fail(parts, monkeypatch, capfd, part, told):
    assert faults_of(monkeypatch, "--only", "good", part) == 1
    assert told in capfd.readouterr().out


def test_a_figure_beyond_its_limit_says_so_in_the_page(parts):
    assert "| crashes | 3      | 0 (missed) |" in faults.table(faults.run("bad", share=False))


def test_a_share_is_smaller_and_says_what_it_leaves_out(parts, monkeypatch, capfd):
    assert faults_of(monkeypatch, "--share") == 1
    printed = capfd.readouterr().out
    assert "early                      in whole runs only" in printed and "== early" not in printed
    assert faults.run("good", share=True).figures[0]["value"] == 10
    with pytest.raises(SystemExit):
        faults_of(monkeypatch, "--share", "--write", str(parts / "page.md"))


@pytest.mark.parametrize("part", faults.PARTS)
def test_each_part_takes_what_the_programme_asks_of_it(part):
    command = [sys.executable, str(faults.SCRIPTS / f"{part}.py"), "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "--json" in shown and "--share" in shown
