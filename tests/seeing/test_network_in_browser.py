"""The page on which a network learns: its numbers are Python's; by mouse, touch and keys."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from moons import Trained, moons, network
from tabs import Page

from pygrad import Value, nn

# Of Math.exp and tanh, whose last place is the browser's own, after a few steps.
CLOSE = 1e-11


def table(page: Page, name: str) -> list[list[str]]:
    """The texts of a table's cells, the details that it is in being opened."""
    page.tab.evaluate("(name) => { document.getElementById(name).open = true; }", name)
    page.settle()
    page.settle()
    rows = f"[...document.querySelectorAll('#{name} tbody tr')]"
    texts: list[list[str]] = page.tab.evaluate(
        f"{rows}.map((row) => [...row.cells].map((cell) => cell.textContent))"
    )
    return texts


def parameters(page: Page) -> list[tuple[float, float]]:
    return [(float(value), float(grad)) for _, value, grad in table(page, "parameters")]


def now(page: Page) -> dict[str, str]:
    page.settle()
    page.settle()
    pairs = "[...document.querySelectorAll('#now div')].map((div) => [...div.children])"
    return dict(page.tab.evaluate(f"{pairs}.map((pair) => pair.map((e) => e.textContent))"))


def press(page: Page, button: str, times: int) -> None:
    """Clicks that the page does not draw one by one."""
    page.tab.locator(button).evaluate("(e, times) => { while (times--) e.click(); }", times)


# -- the numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "loss", "batch", "spelled_out"),
    [([5, 4], nn.hinge, None, False), ([3], nn.mse, 7, False), ([2], nn.hinge, 1, True)],
)
def test_steps_are_python_s_bit_for_bit(
    sizes: list[int],
    loss: Any,
    batch: int | None,
    spelled_out: bool,
    show: Callable[..., Page],
) -> None:
    model, data = network(*sizes), moons(24)
    for neuron in (n for layer in model.layers for n in layer.neurons):
        neuron.spelled_out = spelled_out
    page = show(model, data=data, loss=loss)
    if batch:
        # As a link that names it; the list has but some.
        page.tab.evaluate(
            "(size) => { const option = document.createElement('option'); option.value = size;"
            "document.getElementById('batch').append(option);"
            "document.getElementById('batch').value = size; }",
            batch,
        )
    page.tab.get_by_label("rate").fill("0.25")
    page.tab.get_by_label("L2").fill("0.003")
    trained = Trained(model, data, loss)
    for _ in range(9):
        trained.step(0.25, 0.003, batch)
    press(page, "#step", 9)
    assert parameters(page) == trained.numbers()
    mean = trained.mean(*data, 0.003).data
    assert now(page)["loss"] == f"{mean:.6g}"
    scores = [float(row[2]) for row in table(page, "points")]
    assert scores == [model(point).data for point in data[0]]


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_steps_through_exp_are_python_s_but_for_rounding(
    activation: str, show: Callable[..., Page]
) -> None:
    def loss(score: Value, label: float) -> Any:
        return nn.binary_cross_entropy(score, (label + 1) / 2, logits=True)

    model, data = network(4, 3, activation=activation), moons(20)
    page = show(model, data=data, loss=loss)
    trained = Trained(model, data, loss)
    for _ in range(5):
        trained.step(0.3, 1e-4)
    press(page, "#step", 5)
    for (x, g), (value, grad) in zip(parameters(page), trained.numbers(), strict=True):
        assert x == pytest.approx(value, rel=CLOSE)
        assert g == pytest.approx(grad, rel=CLOSE, abs=1e-15)


def test_the_model_stays_as_it_is_and_the_page_starts_from_it(show: Callable[..., Page]) -> None:
    model, data = network(3), moons()
    for p in model.parameters():
        p.grad = 5.0
    before = model.state_dict()
    page = show(model, data=data)
    assert model.state_dict() == before
    assert {p.grad for p in model.parameters()} == {5.0}
    assert [x for x, _ in parameters(page)] == list(before.values())
    page.tab.locator("#epoch").click()
    assert [x for x, _ in parameters(page)] != list(before.values())
    page.tab.locator("#again").click()
    assert [x for x, _ in parameters(page)] == list(before.values())
    assert now(page)["steps"] == "0"


# -- training --------------------------------------------------------------------------------------


def test_an_epoch_goes_on_to_where_the_data_begin(show: Callable[..., Page]) -> None:
    page = show(network(3), data=moons(25))
    page.tab.get_by_label("batch").select_option("10")
    page.tab.locator("#step").click()
    assert (now(page)["steps"], now(page)["epochs"]) == ("1", "0.4")
    page.tab.locator("#epoch").click()
    assert (now(page)["steps"], now(page)["epochs"]) == ("3", "1")
    page.tab.locator("#epoch").click()
    assert (now(page)["steps"], now(page)["epochs"]) == ("6", "2")


def test_it_runs_and_pauses_by_keys(show: Callable[..., Page]) -> None:
    page = show(network(3), data=moons(20))
    page.tab.locator("#run").focus()
    page.tab.keyboard.press("Enter")
    page.tab.locator("#steps", has_text=re.compile(r"^[4-9]|\d\d")).wait_for()
    assert page.text("#run") == "Pause"
    page.tab.keyboard.press("Enter")
    page.settle()
    stopped = now(page)
    page.tab.wait_for_timeout(150)
    assert now(page) == stopped
    assert page.text("#run") == "Run"
    points = page.tab.locator("#loss .curve").get_attribute("d").count("L")
    assert points == int(stopped["steps"])


def test_it_learns(show: Callable[..., Page]) -> None:
    page = show(network(8, 8), data=moons(40))
    first = now(page)
    press(page, "#epoch", 60)
    last = now(page)
    assert float(last["loss"]) < 0.3 * float(first["loss"])
    assert int(last["right"].split()[0]) >= 36
    wrong = [row for row in table(page, "points") if row[3].endswith("✗")]
    assert last["right"] == f"{40 - len(wrong)} of 40"
    for _, label, score, predicted, _ in table(page, "points"):
        assert predicted.removesuffix(" ✗") == ("1" if float(score) > 0 else "-1")
        assert predicted.endswith("✗") == (predicted.split()[0] != label)


def test_a_rate_that_is_too_high_is_told(show: Callable[..., Page]) -> None:
    page = show(network(3), data=moons(20), loss=nn.mse)
    page.tab.get_by_label("rate").fill("1e200")
    page.tab.locator("#run").click()
    page.tab.locator("#lost", has_text="the rate is too high").wait_for()
    assert page.text("#run") == "Run"
    assert "NaN" not in page.tab.locator("main").inner_html()


# -- looking into it -------------------------------------------------------------------------------


def colours_at(page: Page, *shares: tuple[float, float]) -> list[list[int]]:
    """Of pixels of the plane: red, green, blue."""
    page.settle()
    page.settle()
    found: list[list[int]] = page.tab.evaluate(
        "(shares) => { const c = document.querySelector('#plane canvas');"
        "const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);"
        "return shares.map(([x, y]) => 4 * (Math.trunc(y * c.height) * c.width + Math.trunc(x * c.width)))"
        ".map((i) => [...data.slice(i, i + 3)]); }",
        list(shares),
    )
    return found


def test_the_plane_has_the_colours_of_its_sides_and_the_line_between(
    show: Callable[..., Page],
) -> None:
    model = network()  # one linear neuron
    for p, x in zip(model.parameters(), (1.0, 0.0, -0.5), strict=True):
        p.data = x
    data = [(0.0, 0.0), (1.0, 1.0)], [-1, 1]
    page = show(model, data=data)
    # The line stands where x1 = 0.5, in the middle, and is dark.
    left, right, line = colours_at(page, (0.05, 0.2), (0.95, 0.2), (0.5, 0.3))
    assert left[2] > left[0] + 40
    assert right[0] > right[2] + 40
    assert max(line) < 80


def test_a_click_on_a_neuron_shows_the_plane_as_it_sees_it(show: Callable[..., Page]) -> None:
    model = network(4)
    page = show(model, data=moons())
    before = page.tab.evaluate("document.querySelector('#plane canvas').toDataURL()")
    page.tab.get_by_role("button", name="layers[0].neurons[2]").click()
    assert page.text("#plane-title") == "layers[0].neurons[2]"
    page.settle()
    assert page.tab.evaluate("document.querySelector('#plane canvas').toDataURL()") != before
    assert page.text("#neuron-about") == "ReLUNeuron(2)"
    told = table(page, "neuron-weights")
    neuron = model.layers[0].neurons[2]
    assert [row[0] for row in told] == ["w[0]", "w[1]", "b"]
    assert told[0][1] == f"{neuron.w[0].data:.6g}".replace("-", "−")
    page.tab.locator("#whole").click()
    assert page.text("#plane-title") == "Data and boundary"
    page.tab.get_by_role("button", name="x2").click()
    assert page.text("#neuron-about") == "An input, as the data have it."


def test_arrow_keys_go_from_neuron_to_neuron(show: Callable[..., Page]) -> None:
    page = show(network(4, 3), data=moons(10))
    assert page.tab.locator(".neuron[tabindex='0']").count() == 1
    page.tab.get_by_role("button", name="layers[2].neurons[0]").focus()
    seen = []
    for key in (
        "ArrowLeft",
        "ArrowDown",
        "ArrowLeft",
        "ArrowUp",
        "ArrowUp",
        "ArrowLeft",
        "ArrowLeft",
    ):
        page.tab.keyboard.press(key)
        page.settle()
        seen.append(page.tab.evaluate("document.activeElement.getAttribute('aria-label')"))
    l0, l1 = "layers[0].neurons", "layers[1].neurons"
    assert seen == [f"{l1}[0]", f"{l1}[1]", f"{l0}[2]", f"{l0}[1]", f"{l0}[0]", "x1", "x1"]
    assert page.tab.locator(".neuron[tabindex='0']").count() == 1


def test_weights_are_lines_as_wide_as_they_are_large(show: Callable[..., Page]) -> None:
    model = network()
    for p, x in zip(model.parameters(), (-2.0, 1.0, 0.0), strict=True):
        p.data = x
    page = show(model, data=([(0.0, 0.0), (1.0, 1.0)], [-1, 1]))
    page.settle()
    lines = page.tab.evaluate(
        "[...document.querySelectorAll('#neurons path')]"
        ".map((line) => [line.classList[0], Number(line.getAttribute('stroke-width'))])"
    )
    (first, wide), (second, narrow) = lines
    assert (first, second) == ("low", "high")
    assert wide > 1.5 * narrow


def test_a_click_into_the_plane_tells_the_score_there(show: Callable[..., Page]) -> None:
    model = network(4)
    page = show(model, data=moons())
    box = page.tab.locator("#plane canvas").bounding_box()
    page.tab.mouse.click(box["x"] + box["width"] // 3, box["y"] + box["height"] // 4)
    said = re.fullmatch(r"At (\S+), (\S+) the score is (\S+): class (-?1)\.", page.text("#picked"))
    assert said is not None
    x1, x2, score = (float(text.replace("−", "-")) for text in said.groups()[:3])
    assert score == pytest.approx(model([x1, x2]).data, abs=5e-3)
    assert said[4] == ("1" if score > 0 else "-1")


def test_fingers_train_and_look(touch: Callable[..., Page]) -> None:
    page = touch(network(4), data=moons(20))
    page.tab.locator("#step").tap()
    assert now(page)["steps"] == "1"
    page.tab.locator("#run").tap()
    page.tab.locator("#steps", has_text=re.compile(r"^[3-9]|\d\d")).wait_for()
    page.tab.locator("#run").tap()
    assert page.text("#run") == "Run"
    page.tab.get_by_role("button", name="layers[0].neurons[1]").tap()
    assert page.text("#neuron-title") == "layers[0].neurons[1]"
    page.tab.locator("#plane canvas").tap()
    assert page.text("#picked").startswith("At ")


@pytest.mark.parametrize("width", [375, 1280])
def test_nothing_is_cut_and_targets_are_large_enough(width: int, show: Callable[..., Page]) -> None:
    page = show(network(16, 16), width, data=moons())
    page.settle()
    assert page.tab.evaluate("document.documentElement.scrollWidth") == width
    sides = page.tab.evaluate(
        "[...document.querySelectorAll('button, select, input')].filter((e) => e.offsetParent)"
        ".map((e) => Math.min(e.offsetWidth, e.offsetHeight))"
    )
    assert min(sides) >= 24
    # Every neuron lies within the panel.
    out = page.tab.evaluate(
        "(() => { const p = document.getElementById('neurons').getBoundingClientRect();"
        "return [...document.querySelectorAll('.neuron')].map((e) => e.getBoundingClientRect())"
        ".filter((b) => b.left < p.left || b.right > p.right || b.top < p.top || b.bottom > p.bottom)"
        ".length; })()"
    )
    assert out == 0


# -- the address, and texts ------------------------------------------------------------------------


def test_a_link_shows_the_same(show: Callable[..., Page]) -> None:
    page = show(network(4), data=moons())
    page.tab.get_by_label("rate").fill("0.125")
    page.tab.get_by_label("L2").fill("0.5")
    page.tab.get_by_label("batch").select_option("20")
    page.tab.get_by_role("button", name="layers[0].neurons[3]").click()
    page.tab.wait_for_timeout(500)
    url = page.tab.url
    assert "rate=0.125" in url
    page.tab.goto("about:blank")
    page.tab.goto(url)
    page.settle()
    fields = "['rate', 'l2', 'batch'].map((id) => document.getElementById(id).value)"
    assert page.tab.evaluate(fields) == ["0.125", "0.5", "20"]
    assert page.text("#neuron-title") == "layers[0].neurons[3]"


@pytest.mark.parametrize(
    "part", ["rate=-1&l2=x", "batch=99", "neuron=99", "rate=<img src=x>", "rate="]
)
def test_a_broken_address_does_no_harm(part: str, show: Callable[..., Page]) -> None:
    page = show(network(2), data=moons(10))
    page.tab.evaluate("(part) => { location.hash = part; }", part)
    page.settle()
    page.tab.locator("#step").click()
    assert now(page)["steps"] == "1"
    assert page.tab.get_by_label("rate").input_value() == "0.3"
    assert page.text("#neuron-title") == "layers[1].neurons[0]"


def test_names_of_the_user_s_functions_are_text(show: Callable[..., Page]) -> None:
    def loss(score: Value, label: float) -> Any:
        return (score - label) ** 2

    def activation(x: Value) -> Value:
        return x.tanh()

    text = "</script><img src=x onerror='window.hit=1'>"
    loss.__name__ = activation.__name__ = text
    model = nn.MLP(2, [2, 1], activation=activation)
    page = show(model, data=moons(6), loss=loss)
    assert "</script>" in page.text("#about")
    page.tab.get_by_role("button", name="layers[0].neurons[0]").click()
    assert "</script>" in page.text("#neuron-about")
