"""A tab of a browser that shows an explored graph, and what it asks for and complains of."""

from __future__ import annotations

from pathlib import Path
from typing import Any


class Page:
    """An explored graph in a tab of the browser."""

    def __init__(self, tab: Any, path: Path) -> None:
        self.tab = tab
        tab.goto(path.as_uri())

    def settle(self) -> None:
        """Until all is drawn."""
        frame = "new Promise((done) => requestAnimationFrame(done))"
        self.tab.evaluate(frame)

    def text(self, selector: str) -> str:
        self.settle()
        text: str = self.tab.locator(selector).inner_text()
        return text

    def numbers(self) -> list[tuple[float, float]]:
        """Value and gradient of every node, from the table."""
        self.tab.evaluate("document.getElementById('numbers').open = true")
        self.settle()
        self.settle()
        rows = "[...document.querySelectorAll('#numbers tbody tr')]"
        texts = self.tab.evaluate(
            f"{rows}.map((row) => [2, 3].map((i) => row.cells[i].textContent))"
        )
        return [(float(value), float(grad)) for value, grad in texts]

    def slide(self, name: str, x: float) -> None:
        """Move a slider to the place nearest to x, as far as the browser is concerned by hand."""
        self.tab.get_by_role("slider", name=name, exact=True).first.evaluate(
            "(slider, x) => { slider.value = x; slider.dispatchEvent(new Event('input')); }", x
        )

    def write(self, name: str, x: float) -> None:
        self.tab.get_by_label(f"{name}, as a number", exact=True).fill(repr(x))

    def labels(self) -> list[str]:
        """What stands on the edges."""
        self.settle()
        texts: list[str] = self.tab.evaluate(
            "[...document.querySelectorAll('.label')].map((label) => label.textContent)"
        )
        return texts

    def boxes(self) -> dict[str, tuple[str, str]]:
        """Value and gradient in each node's box, by name."""
        self.settle()
        rows = self.tab.evaluate(
            "[...document.querySelectorAll('.node')].map((node) => ['.name', '.value b', '.grad b']"
            ".map((part) => node.querySelector(part).textContent))"
        )
        return {name: (value, grad) for name, value, grad in rows}

    def position(self) -> int:
        self.settle()
        position: int = self.tab.evaluate("document.getElementById('position').valueAsNumber")
        return position


class Witness:
    """Whatever a tab asks of the network, and whatever is complained of in it."""

    def __init__(self, tab: Any) -> None:
        self.requests: set[str] = set()
        self.complaints: list[str] = []
        tab.on("request", lambda request: self.requests.add(request.url))
        tab.on("console", lambda message: self.complaints.append(message.text))
        tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        tab.on("dialog", lambda dialog: self.complaints.append(dialog.message))
