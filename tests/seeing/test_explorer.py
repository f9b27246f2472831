"""explore(v): one file that allows only its own script, holds any text as data, and answers at once."""

from __future__ import annotations

import base64
import doctest
import hashlib
import html
import json
import math
import re
import shutil
import struct
import subprocess
import time
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from explored import GRAPHS, HOSTILE, check_ops, hostile, lesson

import pygrad
from pygrad import Value
from pygrad.seeing import explorer
from pygrad.seeing.explorer import Exploration, explore


def data(exploration: Exploration) -> dict[str, Any]:
    """What the page knows."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', exploration.html)
    assert found is not None
    content: dict[str, Any] = json.loads(found[1])
    return content


# -- the file -----------------------------------------------------------------------------------------


class Outline(HTMLParser):
    """Elements, attributes and the text of scripts and styles; fails where a tag is not closed."""

    VOID = frozenset({"meta", "link", "input", "br"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, text: str) -> None:
        if self.open and self.open[-1] in {"script", "style"}:
            self.texts.append((self.open[-1], text))


@pytest.mark.parametrize("graph", [*GRAPHS, hostile])
def test_the_page_is_one_sound_file_that_allows_only_its_own_script(
    graph: Callable[[], Value],
) -> None:
    page = explore(graph()).html
    outline = Outline(page)
    names = [name for name, _ in outline.elements]
    assert names.count("script") == 2
    assert names.count("style") == names.count("body") == 1
    ids = [attributes["id"] for _, attributes in outline.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert not any(
        name.startswith("on") or name in {"src", "srcdoc", "style"}
        for _, attributes in outline.elements
        for name in attributes
    )
    policy = next(
        str(attributes["content"])
        for _, attributes in outline.elements
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    hashes = {
        kind: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for kind, text in outline.texts
    }
    assert policy == (
        f"default-src 'none'; script-src 'sha256-{hashes['script']}'; "
        f"style-src 'sha256-{hashes['style']}'; img-src data:; base-uri 'none'; form-action 'none'"
    )


def test_the_program_and_the_style_do_not_depend_on_the_graph() -> None:
    first, second = (Outline(explore(graph()).html).texts for graph in (lesson, hostile))
    assert [text for kind, text in first[1:]] == [text for kind, text in second[1:]] or (
        first[0] == second[0] and first[2] == second[2]
    )


def test_the_page_names_nothing_on_the_network() -> None:
    page = explore(lesson()).html
    namespace = "http://www.w3.org/2000/svg"
    assert page.count("://") == page.count(namespace) == 1
    assert re.findall(r"url\((.*?)\)", page) == ["#frame"]
    for way in ("fetch", "XMLHttpRequest", "WebSocket", "import(", "@import", "sendBeacon", "eval"):
        assert way not in page
    for unsafe in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "new Function",
    ):
        assert unsafe not in page


def test_text_comes_back_from_the_page_as_it_went_in_but_shortened() -> None:
    text = explore(hostile()).html
    between = text.split('id="data">')[1].split("</script>")[0]
    assert not re.search(r"[<>&\u2028\u2029]|[^\x20-\x7e]", between)
    names = [node["name"] for node in data(explore(hostile()))["nodes"]]
    assert HOSTILE[6] in names
    assert all(len(name) <= 30 and name.isprintable() for name in names)


def test_numbers_come_back_as_they_went_in() -> None:
    numbers = [0.1, -0.0, 5e-324, 1.7976931348623157e308, 1 / 3, math.inf, -math.inf, math.nan]
    total = pygrad.sum([Value(x) for x in numbers])
    told = [float(node["value"]) for node in data(explore(total))["nodes"]]
    for x, y in zip([*numbers, math.nan], told, strict=True):
        assert struct.pack("d", x) == struct.pack("d", y) or (math.isnan(x) and math.isnan(y))


# -- the function -----------------------------------------------------------------------------------


def test_it_writes_a_file_where_asked(tmp_path: Path) -> None:
    for path in (tmp_path / "page.html", str(tmp_path / "text.html")):
        page = explore(lesson(), path)
        assert Path(path).read_text(encoding="utf-8") == page.html
    page.save(tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == page.html.encode()
    with pytest.raises(FileNotFoundError):
        explore(lesson(), tmp_path / "nowhere" / "page.html")
    assert pygrad.explore is explore


def test_a_notebook_shows_it_in_a_frame_of_its_own() -> None:
    page = explore(hostile())
    outline = Outline(page._repr_html_())
    [(name, attributes)] = outline.elements
    assert name == "iframe"
    assert attributes["sandbox"] == "allow-scripts allow-forms allow-downloads"
    assert attributes["srcdoc"] == page.html


def test_what_is_no_value_is_refused() -> None:
    with pytest.raises(TypeError, match="Value is needed, not float"):
        explore(2.0)
    with pytest.raises(TypeError, match="Value is needed, not list"):
        explore([Value(2.0)])
    for limit in (0, -1):
        with pytest.raises(ValueError, match="limit must be at least 1"):
            explore(Value(2.0), limit=limit)
    with pytest.raises(TypeError):
        explore(Value(2.0), limit=2.5)  # type: ignore[arg-type]


def test_a_leaf_alone_can_be_explored() -> None:
    nodes = data(explore(Value(2.0)))["nodes"]
    assert [(node["form"], node["value"]) for node in nodes] == [("leaf", 2.0)]


def test_grads_stay_as_they_are(impl: ModuleType) -> None:
    x, other = impl.Value(2.0), impl.Value(1.0)
    calls = []
    own = impl.Value(4.0, (x,), "own")

    def backward() -> None:
        calls.append(own.grad)
        x.grad += 5 * own.grad
        other.grad += own.grad  # which is not among the operands

    own._backward = backward
    total = own * x
    for i, v in enumerate((x, other, own, total)):
        v.grad = 10.0 + i
    nodes = data(explore(total))["nodes"]
    assert [v.grad for v in (x, other, own, total)] == [10.0, 11.0, 12.0, 13.0]
    assert calls == [1.0]
    [frozen] = [node for node in nodes if node["form"] == "frozen"]
    assert frozen["slopes"] == [5.0]


def test_rules_that_the_page_does_not_have_are_frozen(impl: ModuleType) -> None:
    x, y = impl.Value(2.0, label="x"), impl.Value(3.0, label="y")
    partials = impl.Value(7.0, (x, y), local_grads=[4.0, y])
    closure = impl.Value(5.0, (x, x, y), "twice")

    def backward() -> None:
        x.grad += 3 * closure.grad
        y.grad -= closure.grad

    closure._backward = backward
    broken = impl.Value(1.0, (x,), "broken")
    broken._backward = lambda: 1 / 0
    custom = impl.Value(6.0, (x,), "custom")
    total = impl.sum([partials, closure, broken, custom, x * y])
    nodes = data(explore(total))["nodes"]
    frozen = [(node["value"], node["slopes"]) for node in nodes if node["form"] == "frozen"]
    assert frozen == [(7.0, [4.0, 3.0]), (5.0, [3.0, 0.0, -1.0]), (1.0, ["NaN"]), (6.0, [0.0])]
    notes = [node["note"] for node in nodes if node["form"] == "frozen"]
    assert "code of your own" in notes[0]
    assert "raised ZeroDivisionError" in notes[2]
    assert "without a rule" in notes[3]


def test_the_reference_gives_the_same_page() -> None:
    from pygrad import reference

    def make(module: ModuleType) -> Any:
        a, b = module.Value(2.0, label="a"), module.Value(-3.0, label="b")
        c = (a * b + 10.0).tanh() ** 2 / (a % 0.7)
        return module.sum([c, module.dot([a, b], [b, c], 1.5)], 0.25).relu()

    import pygrad.value as compiled

    assert explore(make(compiled)).html == explore(make(reference)).html


@pytest.mark.parametrize(
    ("start", "told"), [(0.0, {"start": 0.0}), (0.1, {"start": 0.1}), (Value(0.1), {"leads": True})]
)
def test_a_sum_is_told_with_its_start(start: Any, told: dict[str, Any]) -> None:
    total = pygrad.sum([Value(0.7), Value(1e-9), Value(1.0 / 3.0)], start)
    node = data(explore(total))["nodes"][-1]
    assert {key: node[key] for key in ("start", "leads") if key in node} == told


def test_the_examples_of_the_docstrings_are_right() -> None:
    result = doctest.testmod(explorer)
    assert (result.failed, result.attempted > 3) == (0, True)


# -- graphs that are too large ------------------------------------------------------------------------


def test_a_large_graph_gets_a_summary_and_is_shown_on_request() -> None:
    x = Value(0.5, label=HOSTILE[3])
    y = x
    for _ in range(300):
        y = (y + 1.0).sin()
    summary = explore(y)
    assert repr(summary) == f"<exploration of v = {y.data:.6g}, a summary of 901 nodes>"
    outline = Outline(summary.html)
    assert "script" not in [name for name, _ in outline.elements]
    assert "explore(v, limit=None)" in summary.html
    assert html.escape(HOSTILE[3])[:20] in summary.html
    for cells in ("<bdi>sin</bdi></th><td>300</td>", "<bdi>numbers</bdi></th><td>300</td>"):
        assert cells in summary.html
    assert len(data(explore(y, limit=901))["nodes"]) == 901
    assert repr(explore(y, limit=None)) == f"<exploration of v600 = {y.data:.6g}, 901 nodes>"


def test_few_nodes_with_very_many_edges_get_a_summary_too() -> None:
    x = Value(1.0)
    total = pygrad.sum([x] * 5000)
    assert "a summary of 2 nodes" in repr(explore(total))
    assert repr(explore(pygrad.sum([x] * 40), limit=10)) == "<exploration of b = 40, 2 nodes>"


def timed(v: Value) -> tuple[float, Exploration]:
    start = time.perf_counter()
    page = explore(v)
    return time.perf_counter() - start, page


def chain(length: int) -> Value:
    v = Value(1.5, label="x")
    for _ in range(length):
        v = -v
    return v


def wide(width: int) -> Value:
    values = [Value(1.0) for _ in range(width)]
    return pygrad.sum(values)


@pytest.mark.parametrize("make", [chain, wide])
@pytest.mark.parametrize("nodes", [1_000_000, pytest.param(10_000_000, marks=pytest.mark.long)])
def test_millions_of_nodes_are_answered_within_a_second(
    make: Callable[[int], Value], nodes: int
) -> None:
    v = make(nodes)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        page = explore(v)
        seconds.append(time.perf_counter() - start)
    assert "more than 20,000 nodes" in page.html
    assert min(seconds) < 1


# -- the op table as JavaScript -----------------------------------------------------------------------


def test_every_op_in_node_is_python_s(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")

    def run(program: str, sent: Any) -> list[list[str]]:
        read = f"results({json.dumps(sent)})"
        (tmp_path / "ops.js").write_text(f"{program}\nconsole.log(JSON.stringify({read}));")
        done = subprocess.run(
            [node, str(tmp_path / "ops.js")], capture_output=True, text=True, check=True, timeout=60
        )
        answers: list[list[str]] = json.loads(done.stdout)
        return answers

    check_ops(run)
