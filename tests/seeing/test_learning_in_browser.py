"""What a learner does on the page: predicts gradients, descends, and seeds forward mode."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from explored import fresh, lesson, network, neuron, quadratic, recurrence
from tabs import Page

import pygrad
from pygrad import Value
from pygrad.optim import SGD
from pygrad.seeing.explorer import explore
from pygrad.seeing.snapshot import walk

# -- predict first --------------------------------------------------------------------------------


def answer(page: Page, text: str) -> str:
    """Type it and press Enter; what the page says."""
    page.tab.locator("#answer").fill(text)
    page.tab.keyboard.press("Enter")
    return page.text("#verdict")


def test_gradients_are_hidden_until_they_are_found(show: Callable[..., Page]) -> None:
    page = show(lesson())
    page.tab.get_by_label("Predict first").check()
    values = {"a": "2", "b": "−3", "c": "−6", "d": "−1", "e": "−7"}
    assert page.boxes() == {n: (x, "1" if n == "e" else "?") for n, x in values.items()}
    assert page.tab.locator("#inputs output").all_inner_texts() == ["grad ?"] * 2
    assert "?" in page.text("#slopes") and "-2.0" not in page.text("#slopes")
    assert page.tab.locator("#curve path.tangent").get_attribute("d") == ""
    page.tab.evaluate("document.getElementById('numbers').open = true")
    page.settle()
    page.settle()
    grads = page.tab.locator("#numbers td:last-child").all_inner_texts()
    assert grads == ["?", "?", "?", "?", "1.0"]
    assert not page.tab.locator("#player").is_visible()
    assert "What is d.grad?" in page.text("#asked")
    assert answer(page, "1").startswith("Right: d.grad = 1.")
    assert "∂e/∂d × e.grad = 1 × 1 = 1" in page.text("#verdict")
    assert page.boxes()["d"] == ("−1", "1")
    assert page.boxes()["c"] == ("−6", "?")
    page.tab.get_by_label("Predict first").uncheck()
    page.settle()
    assert page.tab.locator("#player").is_visible()
    assert page.tab.locator("#inputs output").all_inner_texts() == ["grad −2", "grad 3"]


def test_the_page_judges_and_says_why(show: Callable[..., Page]) -> None:
    page = show(lesson())
    page.tab.get_by_label("Predict first").check()
    for name, right in [("d", "1"), ("c", "1.001")]:
        assert f"What is {name}.grad?" in page.text("#asked")
        assert answer(page, right).startswith("Right")
    # b.grad is 2 by c and 1 by d.
    assert "all uses add up" in answer(page, "2")
    assert "∂c/∂b × c.grad" in page.text("#verdict") and "=" not in page.text(
        "#verdict li >> nth=0"
    )
    assert "the sign is not" in answer(page, "-3")
    assert "A number is needed" in answer(page, "three")
    assert "A number is needed" in answer(page, "")
    assert "A number is needed" in answer(page, "<img src=x onerror='window.hit=1'>")
    assert "Not 3.1" in answer(page, "3.1")
    assert answer(page, "3").startswith("Right")
    page.tab.locator("#reveal").click()
    assert page.text("#verdict").startswith("a.grad = −2")
    assert page.text("#asked") == "That was all: 2 of 4 at the first try."
    assert page.boxes()["a"] == ("2", "−2")


@pytest.mark.parametrize("graph", [neuron, quadratic, recurrence])
def test_every_gradient_of_python_s_is_right(
    graph: Callable[[], Value], show: Callable[..., Page]
) -> None:
    v = graph()
    page = show(v)
    page.tab.get_by_label("Predict first").check()
    names = [n["name"] for n in json.loads(page.tab.locator("#data").text_content())["nodes"]]
    grads = dict(zip(names, (grad for _, grad in fresh(v)), strict=True))
    while asked := re.match(r"What is (\w+)\.grad", page.text("#asked")):
        assert answer(page, repr(grads[asked[1]])).startswith("Right")
    count = re.fullmatch(r"That was all: (\d+) of (\d+) at the first try\.", page.text("#asked"))
    assert count is not None and count[1] == count[2]


def test_fingers_predict(touch: Callable[..., Page]) -> None:
    page = touch(lesson())
    page.tab.get_by_label("Predict first").tap()
    page.tab.locator("#answer").tap()
    page.tab.keyboard.type("1")
    page.tab.get_by_role("button", name="Check").tap()
    assert page.text("#verdict").startswith("Right: d.grad = 1.")
    page.tab.locator("#reveal").tap()
    assert page.text("#verdict").startswith("c.grad = 1")
    assert page.boxes()["c"] == ("−6", "1")
    page.tab.get_by_label("Predict first").tap()
    page.settle()
    assert page.tab.locator("#player").is_visible()


# -- descend ------------------------------------------------------------------------------------------


def test_a_step_is_that_of_sgd_bit_for_bit(show: Callable[..., Page]) -> None:
    x, y = Value(0.9, label="x"), Value(-0.3, label="y")

    def loss() -> Value:
        return (x * y - 0.25) ** 2 + (x - 2.0 * y) ** 2 / 7.0

    page = show(loss())
    page.tab.get_by_label("rate").fill("0.05")
    optimizer = SGD([x, y], lr=0.05)
    expected = [loss().data]
    for _ in range(7):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
        expected.append(loss().data)
        page.tab.locator("#descend").click()
    numbers = page.numbers()
    nodes = walk(loss())
    assert nodes is not None
    assert [value for value, _ in numbers] == [v.data for v in nodes]
    assert page.text("#descent-count").startswith("7 steps: ")
    points = page.tab.locator("#loss .curve").get_attribute("d").count("L") + 1
    assert points == len(expected)


def test_what_is_not_ticked_stays(show: Callable[..., Page]) -> None:
    page = show(neuron())
    page.tab.get_by_label("x1 moves in the descent").uncheck()
    page.tab.get_by_label("x2 moves in the descent").uncheck()
    before = page.numbers()
    for _ in range(3):
        page.tab.locator("#descend").click()
    after = page.numbers()
    names = [n["name"] for n in json.loads(page.tab.locator("#data").text_content())["nodes"]]
    for name, (old, _), (new, _) in zip(names, before, after, strict=True):
        assert (old == new) == (name in {"x1", "x2"}), name
    page.tab.locator("#again").click()
    assert page.numbers() == before
    assert not page.tab.locator("#loss").is_visible()


def test_it_runs_and_stops_by_keys(show: Callable[..., Page]) -> None:
    page = show(quadratic())
    page.tab.get_by_label("rate").fill("0.01")
    page.tab.locator("#run").focus()
    page.tab.keyboard.press("Enter")
    page.settle()
    assert page.text("#run") == "Stop"
    page.tab.locator("#descent-count", has_text=re.compile(r"^[3-9] steps")).wait_for()
    page.tab.keyboard.press("Enter")
    stopped = page.text("#descent-count")
    page.tab.wait_for_timeout(200)
    assert page.text("#descent-count") == stopped
    assert page.text("#run") == "Run"


def test_fingers_descend(touch: Callable[..., Page]) -> None:
    page = touch(quadratic())
    page.tab.get_by_label("rate").tap()
    page.tab.get_by_label("rate").fill("0.01")
    page.tab.locator("#descend").tap()
    # x = 3, and 6 * x - 4 is 14.
    assert page.numbers()[1][0] == 3.0 - 0.01 * 14.0
    page.tab.locator("#run").tap()
    page.tab.locator("#descent-count", has_text=re.compile(r"^[3-9] steps")).wait_for()
    page.tab.locator("#run").tap()
    assert page.text("#run") == "Run"
    page.tab.locator("#again").tap()
    assert page.numbers()[1][0] == 3.0


def test_a_rate_that_is_too_high_is_told(show: Callable[..., Page]) -> None:
    page = show(quadratic())
    page.tab.get_by_label("rate").fill("1e200")
    for _ in range(3):
        page.tab.locator("#descend").click()
    assert "the rate is too high" in page.text("#descent-note")
    assert "NaN" not in page.tab.locator("#loss").inner_html()


# -- forward mode -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("graph", [lesson, neuron, network])
def test_tangents_flow_from_the_seed(graph: Callable[[], Value], show: Callable[..., Page]) -> None:
    v = graph()
    page = show(v)
    page.tab.get_by_label("Mode").select_option("forward")
    nodes = json.loads(page.tab.locator("#data").text_content())["nodes"]
    for seed in [i for i, n in enumerate(nodes) if n["form"] == "leaf"][:4]:
        page.tab.locator("#seed").select_option(str(seed))
        assert page.position() == 0
        assert page.boxes()[nodes[seed]["name"]][1] == "1"
        page.tab.locator("h1").click()
        page.tab.keyboard.press("End")
        grad = fresh(v)[seed][1]
        root = page.boxes()[nodes[-1]["name"]][1]
        assert float(root.replace("−", "-")) == pytest.approx(grad, rel=1e-4)


def test_a_tangent_is_told_as_its_sum(show: Callable[..., Page]) -> None:
    page = show(lesson())
    page.tab.get_by_label("Mode").select_option("forward")
    assert "a.tangent = 1, and 0 of all other leaves" in page.text("#story")
    page.tab.locator("#forward").click()
    assert page.text("#story .formula") == "c = a * b = −6, c.tangent = −3"
    assert page.tab.locator("#story li").all_inner_texts() == [
        "∂c/∂a × a.tangent = −3 × 1 = −3",
        "∂c/∂b × b.tangent = 2 × 0 = 0",
    ]
    assert page.labels()[:2] == ["−3× 1= −3", "2× 0= 0"]
    page.tab.locator("#position").fill("3")
    assert page.boxes() == {
        "a": ("2", "1"),
        "b": ("−3", "0"),
        "c": ("−6", "−3"),
        "d": ("−1", "1"),
        "e": ("−7", "−2"),
    }
    _, tangent = pygrad.jvp(lambda a, b: a * b + (a + b), (2.0, -3.0), (1.0, 0.0))
    assert tangent == -2.0
    page.tab.get_by_label("Mode").select_option("reverse")
    page.settle()
    assert page.boxes()["a"] == ("2", "")
    assert not page.tab.locator("#seed").is_visible()


def test_the_page_stays_small() -> None:
    assert len(explore(lesson()).html.encode()) <= 150_000
