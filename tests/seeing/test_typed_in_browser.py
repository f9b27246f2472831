"""Expressions typed into the page: the command line's grammar, Python's graphs, and nothing else."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from explored import fresh, lesson, ulps
from tabs import Page
from typed import ALLOWED, BOMBS, HOSTILE, MESSAGES, NO_VALUE, POINT, SUBTLE

from pygrad.command_line.expressions import ExpressionError, parse
from pygrad.seeing import explorer, pages
from pygrad.seeing.snapshot import read

ANSWER = """
const textOf = (x) => (Number.isFinite(x) && !Object.is(x, -0) ? x : Object.is(x, -0) ? "-0.0" : String(x));
function timed(text, point) {
  const start = performance.now();
  return { ...answer(text, point), seconds: (performance.now() - start) / 1000 };
}
function answer(text, point) {
  try {
    const expression = parseExpression(text);
    const graph = graphOf(expression, new Map(expression.names.map((name) => [name, point[name] ?? 1.5])));
    const { grads } = new Model(graph.nodes).backward();
    const told = (node, i) => ({ ...node, value: textOf(node.value), grad: textOf(grads[i]) });
    return { names: expression.names, nodes: graph.nodes.map(told) };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return { error: error.message, start: error.start, end: error.end };
  }
}
"""


@pytest.fixture(scope="module")
def answer(browser: Any) -> Iterator[Callable[[str], dict[str, Any]]]:
    """What the page makes of a text, at POINT."""
    tab = browser.new_page()
    parts = ("elements", "model", "grammar", "building")
    program = [pages.source("numbers.js"), pages.op_table()]
    program += [pages.source(f"{part}.js") for part in parts]
    tab.add_script_tag(content="\n".join([*program, ANSWER]))

    def ask(text: str) -> dict[str, Any]:
        # As escapes: half of a character cannot be sent.
        found = tab.evaluate(f"JSON.stringify(timed({json.dumps(text)}, {json.dumps(POINT)}))")
        told: dict[str, Any] = json.loads(found)
        return told

    yield ask
    tab.close()


@pytest.mark.parametrize("text", [*ALLOWED, *SUBTLE])
def test_the_graph_is_the_one_that_python_records(
    text: str, answer: Callable[[str], dict[str, Any]]
) -> None:
    expression = parse(text)
    v, _ = expression.graph({name: POINT.get(name, 1.5) for name in expression.names})
    snapshot, _ = read(v) or pytest.fail("too large")
    told = answer(text)
    assert "error" not in told
    assert told["names"] == list(expression.names)
    nodes = told["nodes"]
    assert [n["name"] for n in nodes] == snapshot.names
    assert [n["symbol"] for n in nodes] == [snapshot.op_text(i) for i in range(len(snapshot))]
    assert [tuple(n["operands"]) for n in nodes] == snapshot.operands
    assert [n["text"] for n in nodes] == [snapshot.expression(i) for i in range(len(snapshot))]
    assert [tuple(n["rules"]) for n in nodes] == [snapshot.rules(i) for i in range(len(snapshot))]
    forms = {"number": "number", "leaf": "leaf"}
    assert [n["form"] for n in nodes] == [forms.get(kind, "op") for kind in snapshot.kinds]
    for node, (value, grad) in zip(nodes, fresh(v), strict=True):
        assert ulps(value, float(node["value"])) <= 4
        assert ulps(grad, float(node["grad"])) <= 8


@pytest.mark.parametrize("text", [*HOSTILE, *SUBTLE, *(text for text, _ in MESSAGES)])
def test_what_one_refuses_the_other_refuses(
    text: str, answer: Callable[[str], dict[str, Any]]
) -> None:
    try:
        parse(text)
    except ExpressionError:
        told = answer(text)
        assert told.get("error"), told
        assert told["start"] <= told["end"]
    else:
        assert "nodes" in answer(text)


PARSER_S_OWN = {"2x"}  # of which CPython's parser says more than the page does


@pytest.mark.parametrize(("text", "message"), MESSAGES)
def test_errors_say_the_same_at_the_same_place(
    text: str, message: str, answer: Callable[[str], dict[str, Any]]
) -> None:
    told = answer(text)
    assert re.search(message.replace("?", r"\?"), told["error"])
    with pytest.raises(ExpressionError) as raised:
        parse(text)
    if text not in PARSER_S_OWN:
        assert told["error"] == str(raised.value)
        assert (told["start"], told["end"]) == (raised.value.start, raised.value.end)


@pytest.mark.parametrize(("text", "message"), NO_VALUE)
def test_where_there_is_no_value_the_part_is_named(
    text: str, message: str, answer: Callable[[str], dict[str, Any]]
) -> None:
    begin = message.partition(": ")[0]
    assert re.search(begin, answer(text)["error"])


@pytest.mark.parametrize("text", BOMBS, ids=range(len(BOMBS)))
def test_nothing_that_can_be_typed_takes_long(
    text: str, answer: Callable[[str], dict[str, Any]]
) -> None:
    told = answer(text)
    assert told["seconds"] < 1
    try:
        expression = parse(text)
        expression.graph({name: POINT.get(name, 1.5) for name in expression.names})
    except ExpressionError:
        assert "error" in told
    else:
        assert "nodes" in told


# -- on the page --------------------------------------------------------------------------------------


def test_a_typed_expression_becomes_the_graph_of_the_page(show: Callable[..., Page]) -> None:
    page = show(lesson())
    page.tab.get_by_label("Expression").fill("tanh(w*x + b)")
    page.tab.get_by_label("where").fill("x=2 w = -pi/4")
    page.tab.keyboard.press("Enter")
    assert page.text("h1") == "tanh(w*x + b)"
    assert page.tab.title() == "tanh(w*x + b)"
    v, _ = parse("tanh(w*x + b)").graph({"w": -math.pi / 4, "x": 2.0, "b": -3.0})
    expected = fresh(v)
    for (value, grad), (x, y) in zip(page.numbers(), expected, strict=True):
        assert ulps(value, x) <= 2 and ulps(grad, y) <= 4
    # b is where the first graph had it.
    page.write("x", 0.5)
    v, _ = parse("tanh(w*x + b)").graph({"w": -math.pi / 4, "x": 0.5, "b": -3.0})
    assert page.numbers()[-1][0] == pytest.approx(v.data, rel=1e-15)
    # Inputs stay where they were put, for what is typed next.
    page.tab.get_by_label("where").fill("")
    page.tab.get_by_label("Expression").fill("x + 1")
    page.tab.locator("#typed button").first.click()
    assert page.numbers()[0][0] == 0.5
    assert page.position() == 0
    page.tab.locator("#original").click()
    assert page.text("h1") == "e = a * b + (a + b)"


def test_a_tap_shows_what_was_typed(browser: Any, tmp_path: Any) -> None:
    explorer.explore(lesson(), tmp_path / "page.html")
    context = browser.new_context(has_touch=True, viewport={"width": 375, "height": 700})
    page = Page(context.new_page(), tmp_path / "page.html")
    page.tab.get_by_label("Expression").tap()
    page.tab.keyboard.type("q*q")
    page.tab.locator("#typed button").first.tap()
    assert page.text("h1") == "q*q"
    context.close()


@pytest.mark.parametrize(
    ("text", "at", "said", "marked"),
    [
        ("2*sine(a)", "", "unknown name 'sine', did you mean 'sin'?", "sine"),
        ("log(a)", "a=-1", "log(a) has no value for -1: math domain error", "log(a)"),
        ("a*b", "a=1 c=2", "c is not in the expression", None),
        ("a", "a", "'a' is not of the form NAME=NUMBER", None),
        ("a", "a=2*b", "b has no value", None),
    ],
)
def test_errors_are_told_and_the_graph_stays(
    text: str, at: str, said: str, marked: str | None, show: Callable[..., Page]
) -> None:
    page = show(lesson())
    page.tab.get_by_label("where").fill(at)
    page.tab.get_by_label("Expression").fill(text)
    page.tab.keyboard.press("Enter")
    assert said in page.text("#typed-error")
    assert page.text("h1") == "e = a * b + (a + b)"
    if marked is not None:
        selected = "(() => { const e = document.getElementById('expression');"
        selected += "return e.value.slice(e.selectionStart, e.selectionEnd); })()"
        assert page.tab.evaluate(selected) == marked


def test_hostile_expressions_do_nothing(show: Callable[..., Page]) -> None:
    page = show(lesson())
    texts = ["window.hit = 1", "window.hit=1; a", "alert(1)", "constructor", "__proto__ + 1"]
    texts += ["<img src=x onerror=window.hit=1>", "constructor(1)", "toString(1)", "a; </script>"]
    texts += ["hasOwnProperty(a)", "`${window.hit=1}`", "(() => window.hit = 1)()"]
    for text in [*texts, *(t for t in HOSTILE if t.isprintable())]:
        page.tab.get_by_label("Expression").fill(text)
        page.tab.keyboard.press("Enter")
    page.settle()
    page.tab.get_by_label("Expression").fill("__proto__ * constructor")
    page.tab.keyboard.press("Enter")
    assert page.numbers()[-1] == (1.0, 1.0)
