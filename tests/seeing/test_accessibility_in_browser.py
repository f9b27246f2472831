"""Pages to play with can be read by keyboard and by ear: axe-core finds nothing, whatever the screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from explored import neuron
from moons import moons, network
from tabs import Page

SCREENS = [(width, colours) for width in (375, 1280) for colours in ("light", "dark")]


def found_by_axe(page: Page) -> list[tuple[str, str]]:
    axe: Any = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-core is in the extra browser"
    )
    page.tab.evaluate("document.querySelectorAll('details').forEach((e) => { e.open = true; })")
    page.settle()
    page.settle()
    violations = axe.Axe().run(page.tab).response["violations"]
    return [(v["id"], v["nodes"][0]["html"][:200]) for v in violations]


@pytest.mark.parametrize(("width", "colours"), SCREENS)
def test_axe_finds_nothing_on_the_page_of_a_graph(
    width: int, colours: str, show: Callable[..., Page]
) -> None:
    page = show(neuron(), width, color_scheme=colours)
    page.tab.locator("h1").click()
    page.tab.keyboard.press("End")
    page.tab.locator("#descend").click()
    assert found_by_axe(page) == []


@pytest.mark.parametrize(("width", "colours"), SCREENS)
def test_axe_finds_nothing_on_the_page_of_a_network(
    width: int, colours: str, show: Callable[..., Page]
) -> None:
    page = show(network(4), width, color_scheme=colours, data=moons(20))
    page.tab.locator("#epoch").click()
    page.tab.locator(".neuron").nth(3).click()
    assert found_by_axe(page) == []
