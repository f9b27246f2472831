"""The widget: the page in a frame, and the numbers of its leaves, which Python and the page both set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from pygrad.seeing.explorer import Exploration

__all__ = ["ExplorerWidget"]


def to_json(numbers: Sequence[float], _: Any = None) -> list[float | str]:
    """Numbers as the page writes them: words for those that JSON or JavaScript's text of it has not.

    >>> to_json([2.0, -0.0, float("inf"), float("nan")])
    [2.0, '-0', 'Infinity', 'NaN']
    """
    return [_word(x) or x for x in numbers]


def from_json(sent: Sequence[float | str], _: Any = None) -> list[float]:
    """What the page sends as numbers.

    >>> from_json([2, "-0", "Infinity"])
    [2.0, -0.0, inf]
    """
    return [float(x) for x in sent]


def _word(x: float) -> str:
    if math.isfinite(x):
        return "-0" if x == 0 and math.copysign(1, x) < 0 else ""
    return "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"


class ExplorerWidget(anywidget.AnyWidget):
    """What `pygrad.notebook.explore` returns; a notebook shows it.

    Moving a slider, descending, or a reset in the page sets `.data` of the leaves that it has changed, as
    soon as the kernel is idle. As everywhere, values that were computed from them stay as they were, and
    no `.grad` is touched: the page computes its own. An expression that is typed into the page is the
    page's alone.

    Attributes:
        leaves: the Values whose numbers the page's inputs are, in its order.
        numbers: a trait, their numbers; `widget.observe(f, "numbers")` calls f when they change.

    >>> from pygrad import Value
    >>> from pygrad.notebook import explore
    >>> a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    >>> page = explore(a * b + a)
    >>> a.data = 4.0
    >>> page.refresh()
    >>> page.numbers
    [4.0, -3.0]
    """

    _esm = Path(__file__).with_name("frame.js").read_text(encoding="utf-8")

    frame = traitlets.Unicode().tag(sync=True)
    numbers = traitlets.List(traitlets.Float()).tag(sync=True, to_json=to_json, from_json=from_json)

    def __init__(self, exploration: Exploration, leaves: Sequence[Any]) -> None:
        self.leaves = tuple(leaves)
        numbers = [leaf.data for leaf in self.leaves]
        super().__init__(frame=exploration._repr_html_(), numbers=numbers)

    def refresh(self) -> None:
        """Show the numbers that the leaves have now."""
        self.numbers = [leaf.data for leaf in self.leaves]

    @traitlets.validate("numbers")
    def _one_for_each_leaf(self, proposal: Any) -> list[float]:
        numbers: list[float] = proposal["value"]
        if len(numbers) != len(self.leaves):
            raise traitlets.TraitError(f"{len(numbers)} numbers for {len(self.leaves)} leaves")
        return numbers

    @traitlets.observe("numbers")
    def _set_leaves(self, change: Any) -> None:
        # Only those that have changed: Python may have set others, and not yet asked for a refresh.
        for leaf, before, now in zip(self.leaves, change["old"] or (), change["new"], strict=False):
            if before != now:
                leaf.data = now
