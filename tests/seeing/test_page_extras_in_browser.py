"""More of the page: errors over h, paths, the address, pictures to keep, the colours of the page around."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from explored import fresh, hostile, lesson, neuron, quadratic
from tabs import Page

from pygrad import Value
from pygrad.seeing.explorer import explore

# -- errors over h ---------------------------------------------------------------------------------


def facts(page: Page) -> dict[str, str]:
    page.settle()
    pairs = page.tab.evaluate(
        "[...document.querySelectorAll('#slopes dt')]"
        ".map((term) => [term.textContent, term.nextSibling.textContent])"
    )
    return dict(pairs)


@pytest.mark.parametrize("power", [0, -3, -6, -9, -12, -15, -17])
def test_both_quotients_are_python_s_down_to_the_smallest_h(
    power: int, show: Callable[..., Page]
) -> None:
    def f(x: float) -> float:
        return 3.0 * (x * x) - 4.0 * x + 5.0

    page = show(quadratic())
    page.tab.locator("#h").fill(str(4 * power))
    h = float(f"1e{power}")
    told = facts(page)
    assert float(told["(f(x + h) − f(x)) / h"]) == (f(3.0 + h) - f(3.0)) / h
    assert float(told["(f(x + h) − f(x − h)) / 2h"]) == (f(3.0 + h) - f(3.0 - h)) / (2.0 * h)


def test_the_error_falls_and_rises_again_as_h_shrinks(show: Callable[..., Page]) -> None:
    page = show(neuron())
    heights = []
    for name in ("secant", "central"):
        d = page.tab.locator(f"#differences path.{name}").get_attribute("d")
        heights.append([float(pair.split()[1]) for pair in re.findall(r"[ML]([^ML]+)", d)])
    for line in heights:
        best = line.index(max(line))  # y grows downwards
        assert 10 < best < len(line) - 4
        assert line[0] < max(line) - 40 and line[-1] < max(line) - 40
    assert max(heights[1]) > max(heights[0])
    assert page.tab.locator("#h").get_attribute("min") is not None


# -- paths -----------------------------------------------------------------------------------------


def test_a_click_on_a_leaf_shows_the_paths_that_make_its_gradient(
    show: Callable[..., Page],
) -> None:
    page = show(lesson())
    page.tab.locator(".node:has(.name:text-is('b'))").click()
    assert page.text("#paths-title") == "Paths from b"
    assert page.tab.locator("#paths li").all_inner_texts() == [
        "b → c → e: 1 × 2 = 2",
        "b → d → e: 1 × 1 = 1",
    ]
    assert page.text("#paths .formula") == "Together: b.grad = 3"
    page.tab.get_by_label("Predict first").check()
    page.settle()
    assert not page.tab.locator("#paths").is_visible()


def test_many_paths_are_counted(show: Callable[..., Page]) -> None:
    x = Value(1.0, label="x")
    y = x
    for _ in range(40):
        y = y * y
    page = show(y)
    assert page.tab.locator("#paths li").count() == 6
    # 2 ** 40 of them, in three digits.
    assert page.text("#paths li >> nth=5") == "and 1.1e12 more"


# -- the address -----------------------------------------------------------------------------------


def reloaded(page: Page) -> None:
    """The same address once more, as a link to it would open it."""
    page.tab.wait_for_timeout(500)
    url = page.tab.url
    page.tab.goto("about:blank")
    page.tab.goto(url)
    page.settle()


def test_a_link_shows_the_same(show: Callable[..., Page]) -> None:
    page = show(neuron())
    page.tab.wait_for_timeout(400)
    assert "#" not in page.tab.url
    page.write("x2", -1.75)
    page.tab.get_by_label("Mode").select_option("forward")
    page.tab.locator("#seed").select_option("1")
    page.tab.locator("#along").select_option(label="w2")
    page.tab.locator("#h").fill("-20")
    page.tab.locator("#position").fill("3")
    before = page.boxes(), facts(page), page.text("#story")
    reloaded(page)
    assert (page.boxes(), facts(page), page.text("#story")) == before
    assert page.numbers() == fresh(neuron(2.0, -1.75))


def test_a_link_shows_what_was_typed(show: Callable[..., Page]) -> None:
    page = show(lesson())
    page.tab.get_by_label("Expression").fill("sin(x) if x > 0 else x**2")
    page.tab.get_by_label("where").fill("x=0.5")
    page.tab.keyboard.press("Enter")
    page.write("x", 0.25)
    reloaded(page)
    assert page.text("h1") == "sin(x) if x > 0 else x**2"
    assert page.numbers()[0][0] == 0.25
    page.tab.locator("#reset").click()
    assert page.numbers()[0][0] == 0.5


def test_a_link_restores_what_names_stood_for(show: Callable[..., Page]) -> None:
    page = show(lesson())
    page.write("b", 0.1)
    # a is typed, b as the graph before had it, c as where nothing is known.
    page.tab.get_by_label("Expression").fill("a*b + c")
    page.tab.get_by_label("where").fill("a=-1/3")
    page.tab.keyboard.press("Enter")
    before = page.numbers()
    assert [value for value, _ in before] == [-1 / 3, 0.1, -1 / 3 * 0.1, 1.0, -1 / 3 * 0.1 + 1.0]
    reloaded(page)
    assert page.numbers() == before
    assert page.tab.get_by_label("where").input_value() == f"a={-1 / 3!r} b=0.1 c=1.0"
    reloaded(page)
    assert page.numbers() == before


@pytest.mark.parametrize(
    "part",
    [
        "step=99999", "step=-1", "step=x", "h=abc", "values=99:1 0:x :: 1", "mode=sideways", "seed=77",
        "along=%3Cimg%20src=x%20onerror=window.hit=1%3E", "expression=window.hit=1", "nothing=1",
        "where=window.hit=1", "where=x%3D(&expression=x", "where=q%3D2&expression=x",
        "expression=__import__('os')", "%E0%A4%A", "predict=1&step=3&mode=forward",
    ],
)  # fmt: skip
def test_a_broken_or_hostile_address_does_no_harm(part: str, show: Callable[..., Page]) -> None:
    page = show(lesson())
    page.tab.evaluate("(part) => { location.hash = part; }", part)
    page.settle()
    page.settle()
    assert page.text("h1") == "e = a * b + (a + b)"
    values = [value for value, _ in page.boxes().values()]
    assert len(values) == 5


# -- pictures --------------------------------------------------------------------------------------


def saved(page: Page, button: str) -> Path:
    with page.tab.expect_download() as download:
        page.tab.locator(button).click()
    return Path(download.value.path())


@pytest.mark.parametrize("graph", [lesson, hostile])
def test_the_graph_is_saved_as_it_is_shown(
    graph: Callable[[], Value], show: Callable[..., Page]
) -> None:
    page = show(graph())
    page.tab.keyboard.press("End")
    page.settle()
    root = ET.fromstring(saved(page, "#svg").read_text(encoding="utf-8"))
    tags = {element.tag.removeprefix("{http://www.w3.org/2000/svg}") for element in root.iter()}
    assert tags == {"svg", "rect", "path", "text"}
    texts = [element.text for element in root.iter() if element.text]
    for name, (value, grad) in page.boxes().items():
        assert name in texts and value in texts and (grad in texts or grad == "")
    png = saved(page, "#png").read_bytes()
    assert png.startswith(b"\x89PNG") and len(png) > 2000


def test_fingers_save_what_is_shown(touch: Callable[..., Page]) -> None:
    page = touch(lesson())
    for button, start in [("#svg", b"<svg "), ("#png", b"\x89PNG")]:
        with page.tab.expect_download() as download:
            page.tab.locator(button).tap()
        assert Path(download.value.path()).read_bytes().startswith(start)


# -- the page around -------------------------------------------------------------------------------


@pytest.mark.parametrize("system", ["light", "dark"])
def test_the_page_follows_the_colours_of_the_page_around_it(
    system: str, browser: Any, tmp_path: Path
) -> None:
    script = Path(__file__).parents[2] / "docs" / "_static" / "theme.js"
    path = tmp_path / "docs.html"
    body = f'<body data-theme="auto">{explore(lesson())._repr_html_()}'
    path.write_text(f"<!doctype html><title>x</title>{body}<script>{script.read_text()}</script>")
    tab = browser.new_page(color_scheme=system)
    tab.goto(path.as_uri())
    frame = tab.frames[1]
    frame.wait_for_selector("#count")
    colour = "getComputedStyle(document.body).backgroundColor"
    dark, light = "rgb(20, 23, 27)", "rgb(246, 247, 249)"

    def becomes(expected: str) -> None:
        for _ in range(100):
            if frame.evaluate(colour) == expected:
                return
            tab.wait_for_timeout(20)
        pytest.fail(f"never {expected}")

    becomes(dark if system == "dark" else light)
    for theme, expected in [("dark", dark), ("light", light), ("dark", dark)]:
        tab.evaluate("(theme) => { document.body.dataset.theme = theme; }", theme)
        becomes(expected)
    tab.evaluate("() => { document.body.dataset.theme = 'auto'; }")
    becomes(dark if system == "dark" else light)
    tab.close()
