"""The page within another one, as a notebook has it: both have the same numbers, by messages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from explored import lesson
from tabs import Witness

from pygrad import Value
from pygrad.seeing.explorer import explore


class Around:
    """A page around the explorer's, which keeps what it is told."""

    def __init__(self, tab: Any, v: Value, folder: Path) -> None:
        self.tab = tab
        frame = explore(v)._repr_html_()
        keep = "told = []; addEventListener('message', ({ data }) => told.push(data))"
        path = folder / "around.html"
        path.write_text(f"<!doctype html><script>{keep}</script>{frame}", encoding="utf-8")
        tab.goto(path.as_uri())
        self.frame = tab.frame_locator("iframe")
        self.frame.get_by_role("heading", name="e = ").wait_for()

    def send(self, message: str) -> None:
        self.tab.evaluate(f"frames[0].postMessage({message}, '*')")

    def told(self, count: int) -> list[Any]:
        """So many messages, and none that has come in the meantime."""
        self.tab.wait_for_function(f"told.length >= {count}")
        self.tab.wait_for_timeout(100)
        messages: list[Any] = self.tab.evaluate("told.splice(0)")
        return messages

    def write(self, name: str, x: str) -> None:
        self.frame.get_by_label(f"{name}, as a number", exact=True).fill(x)

    def value(self, name: str) -> str:
        self.tab.wait_for_timeout(100)
        text: str = self.frame.get_by_label(f"{name}, as a number", exact=True).input_value()
        return text


@pytest.fixture
def around(browser: Any, tmp_path: Path) -> Iterator[Around]:
    tab = browser.new_page(viewport={"width": 900, "height": 900})
    tab.set_default_timeout(10_000)
    witness = Witness(tab)
    yield Around(tab, lesson(), tmp_path)
    tab.close()
    assert witness.complaints == []


def test_a_page_that_sends_no_numbers_is_told_none(around: Around) -> None:
    around.send("{ theme: 'dark' }")
    around.write("a", "4")
    assert around.told(0) == []


def test_numbers_that_are_sent_are_shown_and_what_moves_is_told(around: Around) -> None:
    around.send("{ numbers: [4, '-0'] }")
    assert (around.value("a"), around.value("b")) == ("4", "0")
    assert around.told(0) == []
    around.write("a", "0.1")
    assert around.told(1) == [{"numbers": [0.1, "-0"]}]
    around.frame.get_by_role("button", name="Reset").click()
    assert around.told(1) == [{"numbers": [2, -3]}]
    around.frame.get_by_role("button", name="One step").click()
    (descended,) = around.told(1)
    assert descended == {"numbers": [2 - 0.1 * -2, -3 - 0.1 * 3]}


def test_messages_of_another_kind_change_nothing(around: Around) -> None:
    for message in ("null", "'text'", "[1, 2]", "{ numbers: [1] }", "{ numbers: [1, 2, 3] }"):
        around.send(message)
    around.send("{ numbers: 'ab' }")
    assert (around.value("a"), around.value("b")) == ("2", "-3")


def test_an_expression_that_was_typed_is_the_pages_own(around: Around) -> None:
    around.send("{ numbers: [4, 5] }")
    around.frame.get_by_label("Expression").fill("a * 3")
    around.frame.get_by_role("button", name="Show").click()
    around.write("a", "1")
    around.send("{ numbers: [6, 5] }")
    assert around.value("a") == "1"
    assert around.told(0) == []
    around.frame.get_by_role("button", name="First graph").click()
    assert (around.value("a"), around.value("b")) == ("6", "5")
    assert around.told(0) == []
