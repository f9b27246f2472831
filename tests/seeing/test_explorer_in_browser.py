"""The page of explore(v) in Chromium: it computes what Python computes, plays it, and fits any screen.

What else the page does, other files test that end in _in_browser.
"""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from explored import GRAPHS, check_ops, cube, fresh, hostile, lesson, network, neuron, quadratic
from tabs import Page

import pygrad
from pygrad import Value
from pygrad.core.implementation import FUNCTIONS
from pygrad.core.ops import ops
from pygrad.seeing.explorer import explore


def agree(got: Sequence[tuple[float, float]], expected: Sequence[tuple[float, float]]) -> None:
    """Equal but for the last digits, of which a whole graph may lose a few."""
    assert len(got) == len(expected)
    for pair, other in zip(got, expected, strict=True):
        for x, y in zip(pair, other, strict=True):
            assert x == y or abs(x - y) <= 1e-13 * max(abs(x), abs(y))


def test_every_op_in_the_browser_is_python_s(browser: Any) -> None:
    def run(program: str, sent: Any) -> list[list[str]]:
        tab = browser.new_page()
        tab.add_script_tag(content=program)
        text = tab.evaluate(
            "(cases) => JSON.stringify(results(JSON.parse(cases)))", json.dumps(sent)
        )
        answers: list[list[str]] = json.loads(text)
        tab.close()
        return answers

    check_ops(run)


@pytest.mark.parametrize("graph", GRAPHS)
def test_the_page_finds_the_values_and_gradients_that_python_finds(
    graph: Callable[[], Value], show: Callable[..., Page]
) -> None:
    v = graph()
    agree(show(v).numbers(), fresh(v))


def test_all_ops_in_one_graph_are_as_in_python(show: Callable[..., Page]) -> None:
    rng = random.Random(8)
    terms = []
    for op in ops():
        if op.is_public and op.name not in {"pown", "acosh"}:
            operands = [Value(rng.uniform(0.1, 0.9)) for _ in range(op.arity)]
            terms.append(FUNCTIONS[op.name](*operands))
    terms += [Value(1.7).acosh(), Value(0.3) ** 2, Value(0.3) ** -1.5, Value(-0.3) ** 5]
    v = pygrad.sum(terms)
    agree(show(v).numbers(), fresh(v))


@pytest.mark.parametrize("how", ["slide", "write"])
def test_moving_a_leaf_computes_all_anew(how: str, show: Callable[..., Page]) -> None:
    page = show(neuron())
    for x1, x2 in [(-1.75, 0.5), (-1.75, 0.75), (0.0, 0.75), (5.0, -1.0)]:
        getattr(page, how)("x1", x1)
        getattr(page, how)("x2", x2)
        expected = fresh(neuron(x1, x2))
        agree(page.numbers(), expected)
        assert page.text("#inputs output >> nth=0").startswith("grad ")
    page.tab.get_by_role("button", name="Reset").click()
    agree(page.numbers(), fresh(neuron()))


def test_a_number_outside_the_slider_s_range_widens_it(show: Callable[..., Page]) -> None:
    page = show(quadratic())
    page.write("x", 1234.5)
    agree(page.numbers(), fresh(quadratic(1234.5)))
    slider = page.tab.get_by_role("slider", name="x", exact=True).first
    assert float(slider.get_attribute("max")) >= 1234.5
    assert float(slider.input_value()) == pytest.approx(1234.5, rel=0.01)


def test_frozen_nodes_stay_as_they_were_and_the_page_says_so(show: Callable[..., Page]) -> None:
    x = Value(2.0, label="x")
    c = cube(x)
    c.label = "c"
    page = show(c * x)
    agree(page.numbers(), fresh(c * x))
    assert "Frozen: 1 node made by code of your own" in page.text("header")
    assert page.tab.locator("#apart").is_visible()
    page.write("x", 3.0)
    # c is 8 and its slope 12, as in Python; x is 3.
    assert page.numbers()[-1] == (24.0, 1.0)
    assert page.numbers()[0] == (3.0, 8.0 + 3.0 * 12.0)


def test_the_page_says_where_python_s_values_are_out_of_date(show: Callable[..., Page]) -> None:
    v = lesson()
    v._children[0]._children[0].data = 5.0
    page = show(v)
    assert "Not as in Python: 3 values" in page.text("header")
    assert page.numbers()[-1] == (5.0 * -3.0 + 5.0 - 3.0, 1.0)
    assert show(lesson()).tab.locator("header .note").count() == 0


# -- the player -----------------------------------------------------------------------------------------


def test_the_player_steps_through_both_passes(show: Callable[..., Page]) -> None:
    page = show(lesson())
    step = page.tab.get_by_role("button", name="Step", exact=True)
    assert page.position() == 0
    assert page.tab.locator("#restart").is_disabled()
    none = {"a": ("2", ""), "b": ("−3", ""), "c": ("", ""), "d": ("", ""), "e": ("", "")}
    assert page.boxes() == none
    assert page.labels() == [""] * 6
    # Edges in the order of nodes and operands: c by a and b, d by a and b, e by c and d.
    slopes = ["slope−3", "slope2", "slope1", "slope1", "slope1", "slope1"]
    for k, (name, value) in enumerate([("c", "−6"), ("d", "−1"), ("e", "−7")]):
        step.click()
        assert page.boxes()[name] == (value, "")
        assert page.labels() == slopes[: 2 * k + 2] + [""] * (4 - 2 * k)
        assert page.text(".node[data-at=forward] .name") == name
    assert page.text("#story .formula") == "e = c + d = −7"
    step.click()
    assert page.boxes()["e"] == ("−7", "1")
    assert page.boxes()["a"] == ("2", "0")
    assert page.text("#story .formula") == "e.grad = ∂e/∂e = 1"
    products = ["−3× 1= −3", "2× 1= 2", "1× 1= 1", "1× 1= 1", "1× 1= 1", "1× 1= 1"]
    grads = [("1", "1", "0", "0"), ("1", "1", "1", "1"), ("1", "1", "−2", "3")]
    for k, name in enumerate("edc"):
        step.click()
        assert page.text(".node[data-at=backward] .name") == name
        assert page.labels() == slopes[: 4 - 2 * k] + products[4 - 2 * k :]
        assert tuple(page.boxes()[n][1] for n in "cdab") == grads[k]
    story = page.text("#story")
    assert "c.grad = 1 goes back through c = a * b" in story
    assert "a.grad += ∂c/∂a × c.grad = −3 × 1 = −3: from 1 to −2" in story
    assert step.is_disabled()
    page.tab.get_by_role("button", name="Back").click()
    assert page.position() == 6
    assert page.boxes()["a"] == ("2", "1")


def test_the_forward_step_tells_rule_and_slope(show: Callable[..., Page]) -> None:
    page = show(neuron())
    page.tab.get_by_role("slider", name="Step").fill("5")
    assert "= tanh(" in page.text("#story .formula")
    slope = 1 - math.tanh(2.0 * -0.3 + 0.5 + 0.68813735870195432) ** 2
    assert re.search(rf"slope ∂.* = 1 - .*\*\*2 = {slope:.6g}", page.text("#story li"))


def test_play_goes_to_the_end_and_stops(browser: Any, tmp_path: Path) -> None:
    explore(quadratic(), tmp_path / "page.html")
    tab = browser.new_page()
    tab.clock.install()
    page = Page(tab, tmp_path / "page.html")

    def after(milliseconds: int) -> tuple[str, str]:
        tab.clock.run_for(milliseconds)
        return tab.locator("#count").inner_text(), tab.locator("#play").inner_text()

    page.tab.locator("#play").click()
    assert after(50) == ("0 / 11", "Pause")
    assert after(3300) == ("3 / 11", "Pause")
    page.tab.locator("#play").click()
    assert after(5000) == ("3 / 11", "Play")
    page.tab.locator("#play").click()
    assert after(1200) == ("4 / 11", "Pause")
    page.tab.locator("#forward").click()
    assert after(5000) == ("5 / 11", "Play")
    page.tab.locator("#play").click()
    assert after(60_000) == ("11 / 11", "Play")
    page.tab.close()


def test_keys_play_and_step(show: Callable[..., Page]) -> None:
    page = show(lesson())
    press = page.tab.keyboard.press
    for key, position in [("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1)]:
        press(key)
        assert page.position() == position
    press("End")
    assert page.position() == 7
    press(" ")
    assert page.tab.locator("#play").inner_text() == "Pause"
    press(" ")
    assert page.tab.locator("#play").inner_text() == "Play"
    # On a button, space presses it; in a field, keys are the field's.
    press("End")
    page.settle()
    page.tab.locator("#back").focus()
    press(" ")
    assert (page.position(), page.tab.locator("#play").inner_text()) == (6, "Play")
    page.tab.get_by_label("a, as a number").focus()
    at = page.position()
    press("ArrowLeft")
    press("Home")
    assert page.position() == at


def test_a_click_on_a_node_shows_its_step_or_its_slider(show: Callable[..., Page]) -> None:
    page = show(lesson())
    page.tab.keyboard.press("End")
    page.tab.locator(".node:has(.name:text-is('d'))").click()
    assert page.text("#story .formula") == "d.grad = 1 goes back through d = a + b"
    page.tab.get_by_role("button", name="Restart").click()
    page.tab.locator(".node:has(.name:text-is('c'))").click()
    assert page.text("#story .formula") == "c = a * b = −6"
    page.tab.locator(".node.leaf").nth(1).click()
    assert page.tab.evaluate("document.activeElement.getAttribute('aria-label')") == "b"


def test_all_that_can_be_done_is_reached_by_tab_and_has_a_name(show: Callable[..., Page]) -> None:
    page = show(lesson())
    reached = []
    for _ in range(40):
        page.tab.keyboard.press("Tab")
        name = page.tab.evaluate(
            "(() => { const e = document.activeElement; if (e === document.body) return null;"
            "const shown = getComputedStyle(e).outlineStyle !== 'none' || e.matches('.near');"
            "const name = e.getAttribute('aria-label') || e.textContent || e.labels?.[0].textContent;"
            "return [e.id || e.tagName, name.trim(), shown]; })()"
        )
        if name is None:
            break
        reached.append(name)
    ids = [name for name, _, _ in reached]
    assert {"graph", "forward", "play", "speed", "position", "along", "h", "g"} <= set(ids)
    assert {"smaller", "larger", "fit", "turn", "reset"} <= set(ids)
    assert "e = c + d" in [label for _, label, _ in reached]
    assert ids.count("INPUT") == 6  # a tick, a slider and a number for each of two leaves
    assert all(label and shown for _, label, shown in reached)


# -- the curve ------------------------------------------------------------------------------------------


def facts(page: Page) -> dict[str, float]:
    """What stands below the curve."""
    page.settle()
    pairs = page.tab.evaluate(
        "[...document.querySelectorAll('#slopes dt')]"
        ".map((term) => [term.textContent, term.nextSibling.textContent])"
    )
    return {term: float(text.replace("−", "-")) for term, text in pairs}


# Number and place of each tick: along x, then along y.
TICKS = """[['middle', 'x'], ['end', 'y']].map(([anchor, axis]) =>
  [...document.querySelectorAll(`#curve .axes text[text-anchor=${anchor}]`)].map((text) =>
    [Number(text.textContent.replace('−', '-')), Number(text.getAttribute(axis))]))"""


def drawn_slope(page: Page, line: str) -> float:
    """The slope of a straight line as it is drawn, in the units of the axes."""
    d = page.tab.locator(f"#curve path.{line}").get_attribute("d")
    (x0, y0), _, (x1, y1) = [
        tuple(map(float, pair.split())) for pair in re.findall(r"[ML]([^ML]+)", d)
    ]
    scale = page.tab.evaluate(TICKS)
    across, up = [(ticks[-1][1] - ticks[0][1]) / (ticks[-1][0] - ticks[0][0]) for ticks in scale]
    return (y1 - y0) / (x1 - x0) * across / up


def test_dragging_the_point_turns_the_tangent(show: Callable[..., Page]) -> None:
    page = show(quadratic())
    assert not page.tab.locator("#apart").is_visible()
    curve = page.tab.locator("#curve .near .dot")
    curve.scroll_into_view_if_needed()
    box = curve.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    assert facts(page)["slope, exact"] == 14.0
    page.tab.mouse.move(x, y)
    page.tab.mouse.down()
    seen = set()
    for by in (-40, -120, -200, 60):
        page.tab.mouse.move(x + by, y + 10, steps=3)
        now = facts(page)
        seen.add(now["x"])
        assert (now["x"] < 3.0) == (by < 0)
        assert now["slope, exact"] == pytest.approx(6 * now["x"] - 4, rel=1e-5, abs=1e-4)
        assert drawn_slope(page, "tangent") == pytest.approx(
            now["slope, exact"], rel=1e-6, abs=1e-6
        )
        assert page.numbers()[1][1] == now["slope, exact"]
    page.tab.mouse.up()
    assert len(seen) == 4
    page.tab.mouse.move(x, y)
    assert facts(page)["x"] == now["x"]
    agree(page.numbers(), fresh(quadratic(page.numbers()[1][0])))


def test_the_secant_closes_on_the_tangent_as_h_shrinks(show: Callable[..., Page]) -> None:
    page = show(quadratic())
    h = page.tab.locator("#h")
    for position, size in [(0, 1.0), (-4, 0.1), (-8, 0.01), (-16, 1e-4)]:
        h.fill(str(position))
        now = facts(page)
        assert float(page.text("#h-shown").replace("e−", "e-")) == size
        # (f(x + h) - f(x)) / h = 6 x - 4 + 3 h
        assert now["(f(x + h) − f(x)) / h"] == pytest.approx(14.0 + 3 * size, abs=1e-9)
        assert now["difference"] == pytest.approx(3 * size, rel=1e-2)
        assert drawn_slope(page, "secant") == pytest.approx(14.0 + 3 * size, rel=1e-6)


def test_the_point_moves_by_keys(show: Callable[..., Page]) -> None:
    page = show(quadratic())
    point = page.tab.locator("#curve .near")
    point.focus()
    for key, x in [("ArrowRight", 3.2), ("ArrowLeft", 3.0), ("PageDown", 1.0), ("End", 10.0)]:
        page.tab.keyboard.press(key)
        page.settle()
        assert facts(page)["x"] == pytest.approx(x)
        assert float(point.get_attribute("aria-valuenow")) == pytest.approx(x)
    assert "slope 56" in point.get_attribute("aria-valuetext")


def test_the_curve_is_over_the_leaf_that_was_chosen(show: Callable[..., Page]) -> None:
    page = show(neuron())
    for name, slope in [("x2", 1.0), ("w1", 2.0)]:
        page.tab.locator("#along").select_option(label=name)
        o = neuron()
        assert facts(page)["slope, exact"] == pytest.approx(slope * (1 - o.data**2), rel=1e-12)


@pytest.mark.parametrize("op", ["log", "sqrt"])
def test_a_curve_ends_where_its_function_does(op: str, show: Callable[..., Page]) -> None:
    page = show(FUNCTIONS[op](Value(0.5, label="x")))
    path = page.tab.locator("#curve path.curve").get_attribute("d")
    assert (path[0], path.count("M")) == ("M", 1)
    assert "NaN" not in path
    page.tab.keyboard.press("End")
    page.slide("x", -0.5)
    assert math.isnan(facts(page)["f(x)"])
    assert page.tab.locator(".node.strange").count() == 1
    assert page.tab.locator("#curve path.tangent").get_attribute("d") == ""
    assert "NaN" not in page.tab.locator("#curve").inner_html()


@pytest.mark.parametrize("op", ["exp", "tan"])
def test_no_number_is_too_large_or_too_small_to_be_shown(
    op: str, show: Callable[..., Page]
) -> None:
    page = show(FUNCTIONS[op](Value(0.5, label="x")) * 1e-5)
    for x in (5e-324, -1e-300, 1e-8, 1e16, 1e307, -1.7976931348623157e308, 0.0):
        page.write("x", x)
        page.settle()
        for button in ("Widen", "Narrow"):
            page.tab.get_by_role("button", name=button).click()
        page.settle()
        assert page.numbers()[0][0] == x
        assert not re.search("NaN|Infinity", page.tab.locator("#curve").inner_html())


# -- any text, any screen -------------------------------------------------------------------------------


def test_hostile_text_is_shown_and_does_nothing(show: Callable[..., Page]) -> None:
    page = show(hostile())
    page.tab.keyboard.press("End")
    for node in page.tab.locator(".node").all()[:10]:
        node.hover(force=True)
    for _ in range(3):
        page.tab.keyboard.press("ArrowLeft")
        page.settle()
    page.numbers()
    assert page.tab.evaluate("document.querySelectorAll('script').length") == 2
    assert (
        page.tab.evaluate("document.querySelectorAll('img, iframe, style:not(head *)').length") == 0
    )
    shown = page.tab.locator(".node .name").all_inner_texts()
    assert "javascript:window.hit=1" in shown
    assert "<script>window.hit = 1</scr…" in shown


def test_a_summary_with_hostile_labels_does_nothing(browser: Any, tmp_path: Path) -> None:
    page = explore(hostile(), tmp_path / "page.html", limit=5)
    assert "a summary" in repr(page)
    tab = browser.new_page()
    complaints: list[str] = []
    tab.on("console", lambda message: complaints.append(message.text))
    tab.goto((tmp_path / "page.html").as_uri())
    assert tab.evaluate("window.hit") is None
    assert tab.evaluate("document.scripts.length") == 0
    assert complaints == []
    tab.close()


def test_the_frame_of_a_notebook_works(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "notebook.html"
    path.write_text(f"<!doctype html><title>x</title>{explore(lesson())._repr_html_()}", "utf-8")
    tab = browser.new_page(viewport={"width": 900, "height": 900})
    tab.goto(path.as_uri())
    frame = tab.frame_locator("iframe")
    frame.locator("#count", has_text="0 / 7").wait_for()
    frame.get_by_role("button", name="Step", exact=True).click()
    frame.locator("#count", has_text="1 / 7").wait_for()
    tab.close()


SCREENS = [(375, 700), (1280, 800)]
OVERLAPS = """(() => {
  const boxes = [...document.querySelectorAll('.node, .label')].map((e) => e.getBoundingClientRect());
  const meet = (a, b) => a.left < b.right - 0.5 && b.left < a.right - 0.5
    && a.top < b.bottom - 0.5 && b.top < a.bottom - 0.5;
  return boxes.flatMap((a, i) => boxes.slice(i + 1).filter((b) => meet(a, b))).length;
})()"""

# Whatever has no room for its content. A name may be shortened, by an ellipsis; a number never.
CUT = """[...document.querySelectorAll(
  '.node .value, .node .grad, .label, button, output, #slopes dd, .row')]
  .filter((e) => e.offsetParent && e.scrollWidth > e.clientWidth + 1)
  .map((e) => `${e.className}: ${e.textContent}`)"""


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("graph", [lesson, neuron, network, hostile])
def test_nothing_overlaps_and_nothing_is_cut(
    graph: Callable[[], Value], screen: tuple[int, int], show: Callable[..., Page]
) -> None:
    page = show(graph(), *screen, reduced_motion="reduce")
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    for key in ("End", "ArrowLeft", "Home", "ArrowRight"):
        page.tab.keyboard.press(key)
        page.settle()
        assert page.tab.evaluate(wide) == 0
        assert page.tab.evaluate(OVERLAPS) == 0
        assert page.tab.evaluate(CUT) == []
    page.tab.get_by_role("button", name="Turn").click()
    page.settle()
    assert page.tab.evaluate(OVERLAPS) == 0


@pytest.mark.parametrize("value", [-1.2345678e-300, 1 / 3e3, -123456.789, 1.7976931348623157e308])
def test_long_numbers_fit(value: float, show: Callable[..., Page]) -> None:
    x = Value(value, label="x")
    page = show(x * 1.2345678e-5 - 0.001234567, 375, 700)
    assert page.tab.evaluate(CUT) == []
    page.tab.get_by_role("button", name="Turn").click()
    page.settle()
    assert page.tab.evaluate(CUT) == []


def channels(colour: str) -> list[float]:
    return [int(c) / 255 for c in re.findall(r"\d+", colour)[:3]]


def contrast(one: str, other: str) -> float:
    """Of two colours, by WCAG 2.1."""

    def luminance(colour: str) -> float:
        r, g, b = (
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels(colour)
        )
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_in_light_and_dark(scheme: str, show: Callable[..., Page]) -> None:
    page = show(lesson(), color_scheme=scheme)
    page.tab.keyboard.press("End")
    colour = """(e) => [getComputedStyle(e).color,
        getComputedStyle(e.closest('.node, .panel, body')).backgroundColor]"""
    backgrounds = set()
    for place in ("h1", ".hint", ".node .op", ".node .grad b", ".label", "#story p", "#slopes dt"):
        for element in page.tab.locator(place).all():
            text, background = element.evaluate(colour)
            backgrounds.add(background)
            assert contrast(text, background) >= 4.5
    assert (max(map(sum, map(channels, backgrounds))) > 1.5) == (scheme == "light")


def test_motion_is_left_out_where_the_reader_asks_for_that(show: Callable[..., Page]) -> None:
    running = "document.getAnimations().length"
    for motion in ("no-preference", "reduce"):
        page = show(lesson(), reduced_motion=motion)
        page.tab.keyboard.press("ArrowRight")
        page.settle()
        assert (page.tab.evaluate(running) > 0) == (motion == "no-preference")
