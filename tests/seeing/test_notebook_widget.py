"""pygrad.notebook without a notebook: the numbers that the widget sends and is sent."""

from __future__ import annotations

import json
import math
import sys
from typing import Any

import pytest
from explored import lesson, network

from pygrad import nn
from pygrad.notebook import explore
from pygrad.seeing import explorer


@pytest.fixture
def widget() -> Any:
    pytest.importorskip("anywidget", reason="the widget is in the extra notebook")
    return explore(lesson())


def test_without_anywidget_the_error_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "pygrad.notebook.widget", raising=False)
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(ImportError, match=r"pip install 'pygrad-core\[notebook\]'"):
        explore(lesson())


def test_the_page_is_that_of_explore_and_its_numbers_are_those_of_the_leaves(widget: Any) -> None:
    assert widget.frame == explorer.explore(lesson())._repr_html_()
    assert [(leaf.label, leaf.data) for leaf in widget.leaves] == [("a", 2.0), ("b", -3.0)]
    assert widget.get_state("numbers") == {"numbers": [2.0, -3.0]}


def test_what_the_page_sends_is_the_leaves_data(widget: Any) -> None:
    widget.set_state({"numbers": [5, -3]})
    assert [leaf.data for leaf in widget.leaves] == [5.0, -3.0]
    assert type(widget.numbers[0]) is float
    assert all(leaf.grad == 0 for leaf in widget.leaves)


def test_only_leaves_that_have_moved_are_set(widget: Any) -> None:
    a, b = widget.leaves
    a.data = 7.0  # and no refresh: the page still has 2
    widget.set_state({"numbers": [2, 1]})
    assert (a.data, b.data) == (7.0, 1.0)
    widget.refresh()
    assert widget.get_state("numbers") == {"numbers": [7.0, 1.0]}


def test_numbers_that_json_has_not_arrive_as_they_are(widget: Any) -> None:
    a, b = widget.leaves
    a.data, b.data = -0.0, math.nan
    widget.numbers = [1.0, 1.0]
    a.data, b.data = -0.0, math.nan
    widget.refresh()
    sent = json.loads(json.dumps(widget.get_state("numbers"), allow_nan=False))
    assert sent == {"numbers": ["-0", "NaN"]}
    widget.set_state({"numbers": ["-Infinity", "-0"]})
    assert (a.data, math.copysign(1, b.data), b.data) == (-math.inf, -1.0, 0.0)


def test_numbers_for_other_leaves_are_refused(widget: Any) -> None:
    import traitlets

    for numbers in ([1.0], [1.0, 2.0, 3.0]):
        with pytest.raises(traitlets.TraitError, match=r"\d numbers? for 2 leaves"):
            widget.numbers = numbers
    assert [leaf.data for leaf in widget.leaves] == [2.0, -3.0]


def test_arguments_are_those_of_explore() -> None:
    pytest.importorskip("anywidget", reason="the widget is in the extra notebook")
    model = nn.MLP(2, [2, 1])
    loss = model([1.0, 2.0]) ** 2
    assert {id(leaf) for leaf in explore(loss, model=model).leaves} >= {
        id(p) for p in model.parameters()
    }
    summary = explore(network(), limit=3)
    assert (summary.leaves, summary.numbers) == ((), [])
    with pytest.raises(TypeError):
        explore(1.0)
    with pytest.raises(ValueError, match="limit"):
        explore(loss, limit=0)
