"""The graph's panel: all of it at first; moved and zoomed by mouse, touch and keyboard; layers fold."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from explored import lesson, network, neuron, recurrence
from tabs import Page

import pygrad
from pygrad import Value, nn
from pygrad.seeing import pages
from pygrad.seeing.explorer import explore
from pygrad.seeing.layout import Edge, layout

# Scale and place of the canvas.
TRANSFORM = (
    "(() => { const m = new DOMMatrix(document.querySelector('.canvas').style.transform);"
    "return [m.a, m.e, m.f]; })()"
)
OUTSIDE = """(() => {
  const panel = document.querySelector('#graph').getBoundingClientRect();
  return [...document.querySelectorAll('.node')].map((e) => e.getBoundingClientRect()).filter((b) =>
    b.left < panel.left || b.right > panel.right || b.top < panel.top || b.bottom > panel.bottom).length;
})()"""


def transform(page: Page) -> tuple[float, float, float]:
    page.settle()
    scale, x, y = page.tab.evaluate(TRANSFORM)
    return scale, x, y


def middle(page: Page) -> tuple[float, float]:
    """Of the panel, in the window, in whole pixels from its corner."""
    panel = page.tab.locator("#graph")
    panel.scroll_into_view_if_needed()
    box = panel.bounding_box()
    return box["x"] + box["width"] // 2, box["y"] + box["height"] // 2


def named_network() -> tuple[Value, nn.MLP]:
    random.seed(5)
    model = nn.MLP(3, [4, 4, 1])
    rows = [([2.0, 3.0, -1.0], 1.0), ([0.5, 1.0, 1.0], -1.0)]
    return pygrad.sum([(model(x) - y) ** 2 for x, y in rows]) / 2.0, model


@pytest.mark.parametrize("screen", [(375, 700), (1280, 800)])
@pytest.mark.parametrize("graph", [lesson, network, recurrence])
def test_the_page_opens_at_step_0_with_the_whole_graph_in_sight(
    graph: Callable[[], Value], screen: tuple[int, int], show: Callable[..., Page]
) -> None:
    page = show(graph(), *screen)
    assert page.position() == 0
    assert page.tab.evaluate(OUTSIDE) == 0
    page.tab.locator("#turn").click()
    page.settle()
    assert page.tab.evaluate(OUTSIDE) == 0


def test_the_title_is_the_whole_formula(show: Callable[..., Page]) -> None:
    assert show(lesson()).text("h1") == "e = a * b + (a + b)"
    assert show(neuron()).text("h1") == "f = tanh(x1 * w1 + x2 * w2 + b)"


def test_the_mouse_drags_the_graph_and_a_drag_is_no_click(show: Callable[..., Page]) -> None:
    page = show(lesson())
    scale, x, y = transform(page)
    box = page.tab.locator(".node:has(.name:text-is('c'))").bounding_box()
    at = box["x"] + 20, box["y"] + 20
    page.tab.mouse.move(*at)
    page.tab.mouse.down()
    page.tab.mouse.move(at[0] + 60, at[1] + 25, steps=4)
    page.tab.mouse.up()
    assert transform(page) == pytest.approx((scale, x + 60, y + 25))
    assert page.position() == 0
    page.tab.mouse.click(at[0] + 60, at[1] + 25)
    assert page.text("#story .formula") == "c = a * b = −6"
    page.tab.locator("#fit").click()
    assert transform(page) == pytest.approx((scale, x, y))


def test_the_wheel_zooms_once_it_is_meant_and_scrolls_the_page_before(
    show: Callable[..., Page],
) -> None:
    page = show(lesson(), 1280, 400)
    at = middle(page)
    before = transform(page)
    page.tab.mouse.move(*at)
    page.tab.mouse.wheel(0, 60)
    wait(page, "scrollY > 0")
    assert transform(page) == before
    page.tab.evaluate("scrollTo(0, 0)")
    x, y = middle(page)
    at = round(x), round(y)
    page.tab.mouse.click(at[0], at[1] - 60)  # beside the nodes
    page.tab.locator("#graph").focus()
    under = [(c - o) / before[0] for c, o in zip(local(page, at), before[1:], strict=True)]
    page.tab.mouse.move(*at)
    page.tab.mouse.wheel(0, -120)
    wait(page, f"{TRANSFORM}[0] > {before[0]}")
    scale, x, y = transform(page)
    assert [(c - o) / scale for c, o in zip(local(page, at), (x, y), strict=True)] == pytest.approx(
        under, abs=0.01
    )
    assert page.tab.evaluate("scrollY") == 0


def wait(page: Page, condition: str) -> None:
    """Until it holds. Playwright's own way needs eval, which the page's policy forbids."""
    for _ in range(200):
        if page.tab.evaluate(condition):
            return
        page.settle()
    pytest.fail(f"never {condition}")


def local(page: Page, at: tuple[float, float]) -> tuple[float, float]:
    """A place of the window in the panel, within its border of one pixel."""
    box = page.tab.locator("#graph").bounding_box()
    return at[0] - box["x"] - 1, at[1] - box["y"] - 1


class Fingers:
    """Touches, as the browser has them from a screen."""

    def __init__(self, tab: Any) -> None:
        self.session = tab.context.new_cdp_session(tab)

    def send(self, kind: str, *points: tuple[float, float]) -> None:
        fingers = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})


def test_two_fingers_zoom_and_one_moves(show: Callable[..., Page]) -> None:
    page = show(lesson(), 375, 700)
    x, y = middle(page)
    scale, *_ = transform(page)
    fingers = Fingers(page.tab)
    fingers.send("touchStart", (x - 30, y), (x + 30, y))
    for spread in (35, 50, 75, 90):
        fingers.send("touchMove", (x - spread, y), (x + spread, y))
    fingers.send("touchEnd")
    grown, left, top = transform(page)
    assert grown == pytest.approx(3 * scale, rel=0.2)
    fingers.send("touchStart", (x, y))
    for by in (10, 20, 40):
        fingers.send("touchMove", (x + by, y + by))
    fingers.send("touchEnd")
    assert transform(page) == pytest.approx((grown, left + 40, top + 40))


def test_keys_reach_every_node(show: Callable[..., Page]) -> None:
    page = show(lesson())
    page.tab.locator("#graph").focus()
    scale, x, _ = transform(page)
    page.tab.keyboard.press("ArrowLeft")
    assert transform(page)[1] == pytest.approx(x + 40)
    page.tab.keyboard.press("+")
    assert transform(page)[0] == pytest.approx(1.25 * scale)
    page.tab.keyboard.press("0")
    assert transform(page)[0] == pytest.approx(scale)
    page.tab.keyboard.press("Tab")
    focused = "document.activeElement.querySelector('.name').textContent"
    assert page.tab.evaluate(focused) == "e"
    seen = {"e"}
    for key in ("ArrowLeft", "ArrowDown", "ArrowUp", "ArrowLeft", "ArrowDown", "ArrowUp"):
        page.tab.keyboard.press(key)
        seen.add(page.tab.evaluate(focused))
    assert seen == set("abcde")
    assert page.position() == 0
    page.tab.keyboard.press("ArrowRight")
    page.tab.keyboard.press("Enter")
    assert page.text("#story .formula").startswith(("c = a * b", "d = a + b"))
    label = page.tab.evaluate("document.activeElement.getAttribute('aria-label')")
    assert label in {"c = a * b, −6", "d = a + b, −1"}


def test_a_node_that_the_keyboard_reaches_is_large_enough_to_be_read(
    show: Callable[..., Page],
) -> None:
    page = show(network(), 375, 700)
    assert transform(page)[0] < 0.3
    page.tab.locator("#graph").focus()
    page.tab.keyboard.press("Tab")
    assert transform(page)[0] == pytest.approx(0.6)
    box = page.tab.evaluate(
        "(() => { const b = document.activeElement.getBoundingClientRect();"
        "const p = document.querySelector('#graph').getBoundingClientRect();"
        "return [b.left - p.left, p.right - b.right, b.top - p.top, p.bottom - b.bottom]; })()"
    )
    assert min(box) >= 0


def test_the_speed_is_the_reader_s(browser: Any, tmp_path: Path) -> None:
    explore(lesson(), tmp_path / "page.html")
    tab = browser.new_page()
    tab.clock.install(time=0)
    page = Page(tab, tmp_path / "page.html")
    tab.clock.pause_at(100_000)  # or else the clock runs on while we work
    page.tab.locator("#speed").select_option("4")
    page.tab.locator("#play").click()
    tab.clock.run_for(850)
    assert tab.locator("#count").inner_text() == "3 / 7"
    page.tab.locator("#speed").select_option("0.5")
    tab.clock.run_for(2300)
    assert tab.locator("#count").inner_text() == "4 / 7"
    tab.close()


def test_parameters_have_names_and_fold_by_layer(show: Callable[..., Page]) -> None:
    v, model = named_network()
    page = show(v, model=model)
    assert page.tab.locator(".node.group .name").all_inner_texts() == [
        f"layers[{i}]" for i in (2, 1, 0)
    ]
    folded = page.tab.locator(".node").count()
    assert folded == 90 - 41 + 3
    folds = page.tab.locator("#inputs summary").all_inner_texts()
    assert folds[:3] == [f"layers[{i}]: {n} parameters" for i, n in enumerate((16, 20, 5))]
    page.tab.locator("#inputs summary").first.click()
    assert page.tab.locator("#inputs details").first.locator(".name").all_inner_texts()[:2] == [
        "neurons[0].b",
        "neurons[0].w[0]",
    ]
    page.tab.locator("#fold").click()
    page.settle()
    assert page.tab.locator(".node").count() == 90
    assert page.text("#fold") == "Fold"
    names = page.tab.locator(".node .name").all_text_contents()
    assert {name for name, _ in model.named_parameters()} <= set(names)


def test_the_page_places_nodes_where_pictures_do(browser: Any) -> None:
    rng = random.Random(4)
    cases = []
    for count in (1, 5, 20, 60):
        sizes = [(rng.choice([142.0, 96.0]), rng.choice([66.0, 28.0])) for _ in range(count)]
        pairs = [
            (rng.randrange(i), i, rng.choice([(118.0, 32.0), (0.0, 0.0)]))
            for i in range(1, count)
            for _ in range(2)
        ]
        cases.append((sizes, pairs))
    tab = browser.new_page()
    tab.add_script_tag(content=pages.source("numbers.js") + pages.source("layout.js"))
    for sizes, pairs in cases:
        for direction in ("LR", "TB"):
            expected = layout(
                sizes, [Edge(*p) for p in pairs], direction=direction, layer_gap=16.0, node_gap=12.0
            )
            edges = [{"tail": t, "head": h, "label": size} for t, h, size in pairs]
            found = json.loads(
                tab.evaluate(
                    "([s, e, direction]) => "
                    "JSON.stringify(layout(s, e, { direction, layerGap: 16, nodeGap: 12 }))",
                    [sizes, edges, direction],
                )
            )
            assert (found["width"], found["height"]) == pytest.approx(expected[:2], abs=0.002)
            for key in ("positions", "labels"):
                for point, other in zip(found[key], getattr(expected, key), strict=True):
                    assert point == pytest.approx(other, abs=0.002)
            for route, other in zip(found["routes"], expected.routes, strict=True):
                assert route[0] == pytest.approx(other[0], abs=0.002)
                assert route[-1] == pytest.approx(other[-1], abs=0.002)
    tab.close()
