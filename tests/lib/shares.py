"""A share of very many cases: another one after each commit, until all of them had their turn."""

from __future__ import annotations

import functools
import os
import subprocess
import zlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import pytest

Case = TypeVar("Case")
ROOT = Path(__file__).resolve().parents[2]


@functools.cache
def turn() -> int:
    """How many commits this checkout has behind it, or what PYGRAD_TURN says; 0 of what is no checkout."""
    said = os.environ.get("PYGRAD_TURN")
    if said:
        return int(said)
    asked = ["git", "rev-list", "--count", "HEAD"]
    try:
        done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return 0
    return int(done.stdout)


def share(cases: Sequence[Case], of: int) -> Sequence[Case]:
    """Every so many-th of the cases, from one on whose turn it is."""
    return cases[turn() % of :: of]


def share_of_items(items: Sequence[pytest.Item], of: int) -> list[pytest.Item]:
    """Of the cases of each test function those whose turn it is, and at least one.

    Which turn is a case's follows from its name, so that no pattern of parameters is that of the turns.
    """
    cases: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        cases[item.nodeid.partition("[")[0]].append(item)
    kept: set[str] = set()
    for one in cases.values():
        names = [item.nodeid for item in one]
        chosen = [name for name in names if zlib.crc32(name.encode()) % of == turn() % of]
        kept.update(chosen or [names[turn() % len(names)]])
    return [item for item in items if item.nodeid in kept]
