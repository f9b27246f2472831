"""Graphs of any depth on a stack of 256 kB, and memory that stays flat. Each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ISOLATED = Path(__file__).resolve().parents[1] / "isolated"

unless_sanitized = pytest.mark.skipif(
    "asan" in os.environ.get("LD_PRELOAD", ""),
    reason="with a sanitizer, frames are larger and freed memory is kept aside",
)
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc and sets ulimit -s")


def run(script: str, *arguments: str, stack: int | None = None) -> str:
    """The script's output; its stack is limited to so many kB."""
    command = [sys.executable, "-W", "error", str(ISOLATED / script), *arguments]
    if stack is not None:
        command = ["sh", "-c", f'ulimit -s {stack} && exec "$@"', "sh", *command]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ISOLATED, check=False)
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def check_chain(kind: str, length: int, stack: int | None = 256) -> None:
    lines = run("deep_chain.py", kind, str(length), stack=stack).splitlines()
    text = f"Value(data={length + 1}.0, grad=1.0)"
    assert lines == [f"{text} {text}", "OK"]


@on_linux
@unless_sanitized
@pytest.mark.parametrize(
    ("kind", "length"), [("plain", 1_000_000), ("closure", 60_000), ("attribute", 60_000)]
)
def test_deep_chains_on_a_small_stack(kind, length):
    check_chain(kind, length)


@on_linux
@unless_sanitized
@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "length"), [("plain", 10_000_000), ("closure", 1_000_000), ("attribute", 1_000_000)]
)
def test_very_deep_chains_on_a_small_stack(kind, length):
    check_chain(kind, length)


@pytest.mark.parametrize("kind", ["plain", "closure", "attribute"])
def test_deep_chains_on_any_stack(kind):
    check_chain(kind, 20_000, stack=None)


@on_linux
@unless_sanitized
def test_memory_stays_flat():
    assert run("flat_memory.py", "3000000") == "OK\n"


@on_linux
@unless_sanitized
@pytest.mark.long
def test_memory_stays_flat_over_a_hundred_million_nodes():
    assert run("flat_memory.py", "100000000") == "OK\n"


def test_the_path_has_room_for_both_words_of_a_wide_node_whatever_the_number_of_nodes():
    # A heap overflow once: as many live nodes as the path had words.
    from pygrad import Value
    from pygrad import sum as pg_sum
    from pygrad._core import lib

    for live in (4095, 4096, 4097):
        x = Value(1.0)
        v = x
        for _ in range(2050):
            v = pg_sum([v])
        others = []
        while lib.pg_live_nodes() < live:
            others.append(Value(0.0))
        v.backward()
        assert x.grad == 1.0
