"""Of very many cases a run has a share: each case has its turn, and each test some case at any turn."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import shares

FEW = {"a.py::few[0]", "a.py::few[1]"}
ONE = {"a.py::one", "b.py::one"}
MANY = {f"a.py::many[{i}-{j}]" for i in range(30) for j in ("compiled", "reference")}


def chosen(turn: int, of: int, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    monkeypatch.setenv("PYGRAD_TURN", str(turn))
    shares.turn.cache_clear()
    items: list[Any] = [SimpleNamespace(nodeid=name) for name in sorted(FEW | ONE | MANY)]
    found = [item.nodeid for item in shares.share_of_items(items, of)]
    assert found == sorted(found)  # as they came
    return set(found)


@pytest.fixture(autouse=True)
def own_turn(monkeypatch: pytest.MonkeyPatch) -> Any:
    yield
    monkeypatch.undo()
    shares.turn.cache_clear()


def test_each_case_has_its_turn_and_each_test_some_at_any(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = [chosen(turn, 4, monkeypatch) for turn in range(1007, 1011)]
    assert set().union(*turns) >= MANY | ONE
    assert all(turn >= ONE and turn & FEW and len(turn & MANY) < len(MANY) / 2 for turn in turns)
    assert sum(len(turn & MANY) for turn in turns) == len(MANY)
    assert set().union(*[chosen(turn, 4, monkeypatch) for turn in range(8)]) >= FEW


def test_parameters_come_in_all_their_kinds_at_any_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    for turn in range(4):
        kinds = {name.rpartition("-")[2] for name in chosen(turn, 4, monkeypatch) & MANY}
        assert kinds == {"compiled]", "reference]"}


def test_every_so_many_th_is_one_of_the_cases_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[int] = []
    for turn in range(5, 12):
        monkeypatch.setenv("PYGRAD_TURN", str(turn))
        shares.turn.cache_clear()
        found += shares.share(range(100), 7)
    assert sorted(found) == list(range(100))


def test_the_turn_is_said_by_the_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYGRAD_TURN", raising=False)
    shares.turn.cache_clear()
    assert (shares.turn() > 0) == (shares.ROOT / ".git").exists()
