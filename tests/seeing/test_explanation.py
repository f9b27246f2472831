"""explain(v): the worked backpropagation says what backward() does, in names, rules and numbers."""

from __future__ import annotations

import gc
import html.parser
import json
import math
import os
import random
import re
import subprocess
import sys

import pytest
from graphs import HOSTILE, chain, large_graphs, lesson_1, seconds
from programs import BINARY, TERNARY, UNARY, call, closure_node

import pygrad
from pygrad import explain
from pygrad.core.tables import columns, markdown_table
from pygrad.seeing import inspection
from pygrad.seeing.explanation import Explanation

LESSON_1 = """\
e = -7, backward in 3 steps
step  node       op  value  local derivative  upstream  contribution  gradient so far
1     e = c + d  +   -7     de/dc = 1         1         1 * 1 = 1     c.grad = 1
                            de/dd = 1                   1 * 1 = 1     d.grad = 1
2     d = a + b  +   -1     dd/da = 1         1         1 * 1 = 1     a.grad = 1
                            dd/db = 1                   1 * 1 = 1     b.grad = 1
3     c = a * b  *   -6     dc/da = b = -3    1         1 * -3 = -3   a.grad = -2
                            dc/db = a = 2               1 * 2 = 2     b.grad = 3
leaf  value  de/d(leaf)
a     2      -2
b     -3     3"""


def contributions(explanation: Explanation) -> list[tuple]:
    return [(step.node, *c) for step in explanation.steps for c in step.contributions]


# -- what it says ---------------------------------------------------------------------------------


def test_the_first_lesson_comes_out_to_the_letter(impl):
    assert str(explain(lesson_1(impl))) == LESSON_1


def test_steps_are_data(impl):
    explained = explain(lesson_1(impl))
    assert (explained.name, explained.value, explained.step_count) == ("e", -7.0, 3)
    assert [(s.number, s.node, s.op, s.kind, s.expression, s.value) for s in explained.steps] == [
        (1, "e", "+", "op", "c + d", -7.0),
        (2, "d", "+", "op", "a + b", -1.0),
        (3, "c", "*", "op", "a * b", -6.0),
    ]
    assert [s.upstream for s in explained.steps] == [1.0, 1.0, 1.0]
    assert explained.steps[2].contributions == (
        ("a", "b", -3.0, -3.0, -2.0),
        ("b", "a", 2.0, 2.0, 3.0),
    )
    assert explained.leaves == [("a", 2.0, -2.0), ("b", -3.0, 3.0)]
    assert explained.counts == {"leaves": 2, "+": 2, "*": 1}


def test_all_of_it_is_data_for_json(impl):
    told = json.loads(json.dumps(explain(lesson_1(impl)).to_dict()))
    assert told["steps"][2]["contributions"][0] == {
        "operand": "a",
        "rule": "b",
        "local_derivative": -3.0,
        "contribution": -3.0,
        "accumulated": -2.0,
    }
    assert told["leaves"][1] == {"leaf": "b", "value": -3.0, "gradient": 3.0}


def test_a_square_and_its_operand_twice(impl):
    a = impl.Value(2.0, label="a")
    rows = str(explain(a**2 + a * a)).splitlines()
    assert "db/da = 2 * a = 4" in rows[-4] + rows[-5] + rows[-3]
    assert [c[1:] for c in contributions(explain(a * a))] == [
        ("a", "a", 2.0, 2.0, 2.0),
        ("a", "a", 2.0, 2.0, 4.0),
    ]
    text = str(explain(a * a))
    assert "db/da = a = 2 (operand 1)" in text and "db/da = a = 2 (operand 2)" in text
    assert [c[-1] for c in contributions(explain(a + a))] == [1.0, 2.0]


def test_numbers_stay_numbers(impl):
    a = impl.Value(3.0, label="a")
    explained = explain((a * 2 + 0.25) / -4.0 - 1)
    assert [s.expression for s in explained.steps] == ["d - 1", "c / -4", "b + 0.25", "a * 2"]
    # Not a row for any of the numbers, and no leaf.
    assert str(explained).count("contribution") == 1
    assert [leaf.leaf for leaf in explained.leaves] == ["a"]
    assert "dd/dc = 1 / -4 = -0.25" in str(explained)
    assert explained.steps[3].contributions[1] == ("2", "a", 3.0, None, None)


def test_special_numbers_are_shown_as_they_are(impl):
    x, zero = impl.Value(0.0, label="x"), impl.Value(-0.0, label="zero")
    bad = impl.Value(math.nan, label="bad")
    text = str(explain(x.sqrt() * zero + bad * math.inf))
    assert "da/dx = 0.5 / a = inf" in text
    assert "1 * -0 = -0" in text
    # Nothing that flows along an infinite slope is nothing.
    assert re.search(r" 0 +0 \* inf = 0 +x\.grad = 0\n", text)
    assert "zero  -0     0\n" in text and "bad   nan    inf" in text


def test_a_sum_and_a_dot_product_are_written_out(impl):
    w = [impl.Value(float(i), label=f"w{i}") for i in range(1, 4)]
    x = impl.Value(5.0, label="x")
    explained = explain(impl.dot(w[:2], [x, 2.0], w[2]))
    assert explained.steps[0].expression == "w3 + w1 * x + w2 * 2"
    assert [c[1:4] for c in contributions(explained)] == [
        ("w1", "x", 5.0),
        ("w2", "2", 2.0),
        ("x", "w1", 1.0),
        ("2", "w2", 2.0),
        ("w3", "1", 1.0),
    ]
    total = explain(impl.sum([x, x, *w, 1.0, x, 2.0]))
    assert total.steps[0].expression == "sum(x, x, w1, w2, … 4 more)"
    assert contributions(total)[6] == ("a", "x", "1", 1.0, 1.0, 3.0)


def test_operations_of_the_user_are_shown_truthfully(impl):
    x = impl.Value(2.0, label="x")
    cube = closure_node(impl, 8.0, [x], [12.0])
    square = impl.Value(4.0, (x,), [4.0])
    mute = impl.Value(1.0, (x,), "mute")
    explained = explain(cube * 3 + square + mute)
    steps = {step.op: step for step in explained.steps}
    assert steps["closure"].contributions == (("x", "", None, 36.0, 40.0),)
    assert steps[""].contributions == (("x", "", 4.0, 4.0, 4.0),)
    assert steps["mute"].contributions == (("x", "", None, 0.0, 0.0),)
    text = str(explained)
    for said in (": user's _backward", " = 4 (given)", ": no rule, contributes nothing"):
        assert f"/dx{said}" in text


def test_a_leaf_may_have_a_backward_of_its_own(impl):
    x, calls = impl.Value(2.0, label="x"), []
    x._backward = lambda: calls.append(x.grad)
    assert "user's _backward" in str(explain(x * 3))
    assert calls == [3.0]


def test_a_lone_leaf_has_no_steps(impl):
    text = str(explain(impl.Value(3.0, label="x")))
    assert text == "x = 3, backward in 0 steps\nleaf  value  dx/d(leaf)\nx     3      1"


# -- it is what backward() does -------------------------------------------------------------------


def random_graph(impl, rng: random.Random):
    """A graph of all kinds of nodes over a few leaves, and all its nodes."""
    values = [impl.Value(rng.uniform(-2, 2)) for _ in range(4)]
    while len(values) < 30:
        operands = [rng.choice(values) for _ in range(3)]
        kind = rng.randrange(10)
        try:
            if kind < 6:
                name = rng.choice([*UNARY, *BINARY, *BINARY, *BINARY, *TERNARY])
                count = 1 if name in UNARY else 2 if name in BINARY else 3
                if rng.random() < 0.3 and count > 1:
                    operands[1] = rng.choice([0.0, -0.0, 2.0, 0.5])
                made = call(impl, "function", name, operands[:count])
            elif kind == 6:
                made = impl.dot(operands[:2], [operands[2], rng.uniform(-1, 1)], operands[0])
            elif kind == 7:
                made = impl.sum([*operands, 2.0])
            elif kind == 8:
                made = impl.Value(rng.uniform(-1, 1), operands, [0.5, math.inf, -0.0])
            else:
                distinct = list({id(v): v for v in operands}.values())
                made = closure_node(
                    impl, rng.uniform(-1, 1), distinct, [0.5, 2.0, -1.0][: len(distinct)]
                )
        except (ValueError, OverflowError, ZeroDivisionError):
            continue
        values.append(made)
    return values[-1], values


def same(x: float, y: float) -> bool:
    return math.isnan(x) == math.isnan(y) and (
        math.isnan(x) or (x, math.copysign(1, x)) == (y, math.copysign(1, y))
    )


def test_the_gradients_are_those_of_backward_bit_for_bit(impl):
    for seed in range(60):
        root, values = random_graph(impl, random.Random(seed))
        names = [f"n{i}" for i in range(len(values))]
        for name, v in zip(names, values, strict=True):
            v.label = name
        explained = explain(root, limit=None)
        assert all(v.grad == 0.0 for v in values)
        root.backward()
        grads = {name: v.grad for name, v in zip(names, values, strict=True)}
        for leaf in explained.leaves:
            if leaf.leaf in grads:
                assert same(leaf.gradient, grads[leaf.leaf]), (seed, leaf)
        for step in explained.steps:
            assert same(step.upstream, grads[step.node]), (seed, step)


def test_steps_stand_in_the_order_in_which_backward_visits_them(impl):
    order = []
    x = impl.Value(1.0)

    def watched(name, *children):
        node = impl.Value(1.0, children, name)
        node._backward = lambda: order.append(name)
        return node

    p = watched("p", x)
    q = watched("q", p, x)
    r = watched("r", p)
    root = watched("root", q, watched("s", r, q), r)
    explained = explain(root)
    assert order == [step.op for step in explained.steps] == ["root", "s", "r", "q", "p"]


def test_no_grad_changes(impl):
    x, outside = impl.Value(2.0, label="x"), impl.Value(1.0)
    node = closure_node(impl, 8.0, [x], [12.0])
    inner = node._backward

    def also_outside():
        inner()
        outside.grad += 5.0

    node._backward = also_outside
    root = node * x
    x.grad, node.grad, root.grad, outside.grad = 0.5, -0.0, 3.0, 7.0
    explained = explain(root)
    assert explained.leaves == [("x", 2.0, 32.0)]
    assert (x.grad, math.copysign(1, node.grad), root.grad, outside.grad) == (0.5, -1.0, 3.0, 7.0)
    root.backward()
    assert x.grad == 0.5 + 32.0


def test_an_exception_of_a_closure_goes_on_and_no_grad_changes(impl):
    x = impl.Value(2.0)
    node = impl.Value(4.0, (x,), "square")

    def fail():
        x.grad += 1.0
        raise KeyError("mine")

    node._backward = fail
    x.grad = 0.25
    with pytest.raises(KeyError, match="mine"):
        explain(node * 3)
    assert (x.grad, node.grad) == (0.25, 0.0)


def test_grads_of_other_calls_are_pointed_out(impl):
    x, y = impl.Value(2.0, label="x"), impl.Value(3.0, label="y")
    root = x * y
    root.backward()
    assert explain(root).notes == []
    root.backward()
    assert explain(root).notes == [
        "Now x.grad is 6, y.grad is 4: from other backward() calls, or an assignment. "
        "zero_grad() clears it."
    ]


def test_gradients_that_are_values_are_read_as_numbers():
    x = pygrad.Value(3.0, label="x")
    (x * x).backward(create_graph=True)
    assert explain(x.grad).leaves[-1] == ("x", 3.0, 2.0)
    assert isinstance(x.grad, pygrad.Value)


# -- names ----------------------------------------------------------------------------------------


def test_generated_names_never_clash_with_labels(impl):
    a = impl.Value(1.0, label="b")
    total = a
    for label in ("a", "d", "v1", "v3", "v2_2"):
        total = total * impl.Value(1.0, label=label) + impl.Value(2.0)
    for count in (0, 40):  # more than there are letters
        for _ in range(count):
            total = total.tanh()
        explained = explain(total, limit=None)
        names = [leaf.leaf for leaf in explained.leaves] + [s.node for s in explained.steps]
        assert len(set(names)) == len(names)
        assert {"a", "b", "d", "v1", "v3", "v2_2"} <= set(names)


def test_the_same_label_twice_is_told_apart(impl):
    w = [impl.Value(float(i), label="w") for i in range(3)] + [impl.Value(9.0, label="w_2")]
    names = [leaf.leaf for leaf in explain(impl.sum(w)).leaves]
    assert names == ["w", "w_3", "w_4", "w_2"]


def test_a_label_that_is_a_number_or_a_word_of_the_algebra_is_a_name(impl):
    x, y = impl.Value(3.0, label="Y"), impl.Value(5.0, label="ONE")
    x_rule, y_rule = (c.rule for c in explain(x * y).steps[0].contributions)
    assert (x_rule, y_rule) == ("ONE", "Y")
    two = impl.Value(7.0, label="0")
    assert explain(two**3).steps[0].contributions[0].rule == "3 * 0**2"


class Tags(html.parser.HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.text += data

    def handle_decl(self, decl):
        self.seen.add(decl)

    def handle_comment(self, data):
        self.seen.add("comment")


def test_hostile_labels_and_ops_do_nothing(impl):
    leaves = [impl.Value(2.0, label=label) for label in HOSTILE]
    root = impl.sum(leaves)
    for leaf in leaves:
        root = root * leaf
    for i, text in enumerate(HOSTILE):
        root = impl.Value(1.0, (root,), text, local_grads=[float(i)])
    root.label = HOSTILE[0]
    explained = explain(root)
    page = Tags(explained._repr_html_())
    assert page.seen == {"div", "table", "thead", "tbody", "tr", "th", "td"}
    assert page.attributes == {"style", "tabindex"}
    assert "<script>alert(1)</script>" in page.text
    for text in (str(explained), explained.to_markdown(), explained._repr_html_()):
        lines = text.split("\n")
        assert all(line.isprintable() for line in lines)
        assert max(map(len, lines if text[0] != "<" else [""])) < 400
        text.encode()
    # Every row of the Markdown table has its eight cells; within them everything is code.
    rows = [line for line in explained.to_markdown().splitlines() if line.startswith("|")]
    for row in rows:
        cells = re.split(r"(?<!\\)\|", row)[1:-1]
        assert len(cells) in {3, 8}
        for cell in cells[:1] if row.startswith(("| step", "| leaf", "| ---")) else cells:
            assert re.fullmatch(r" | (`+)(?!`).*(?<!`)\1 |[\w -]+", cell), cell


def test_wide_characters_keep_columns_in_line():
    text = str(explain(pygrad.Value(2.0, label="温度") * pygrad.Value(3.0, label="e\u0301")))
    head, first, second = text.splitlines()[1:4]
    at = columns(head[: head.index("contribution")])
    for line in (first, second):
        assert columns(line[: line.index("1 * ")]) == at


def test_markdown_cells_keep_their_pipes():
    assert markdown_table([["x"], ["a | `b`"]]).splitlines()[2] == r"| `` a \| `b` `` |"


# -- long and large graphs ------------------------------------------------------------------------


def test_a_long_graph_is_summarised_unless_all_is_asked_for(impl):
    y = chain(impl, 200)
    short, full = explain(y), explain(y, limit=None)
    assert [s.number for s in short.steps] == [*range(1, 11), *range(191, 201)]
    assert [s.number for s in full.steps] == [*range(1, 201)]
    assert short.steps == full.steps[:10] + full.steps[-10:]
    assert short.step_count == full.step_count == 200
    assert short.leaves == full.leaves
    assert str(short).splitlines()[12] == "..."
    assert str(short).splitlines()[-2:] == [
        "nodes read: sin 200, leaves 1",
        "Left out: 180 steps. explain(v, limit=None) shows all.",
    ]
    assert len(explain(y, limit=200).steps) == 200
    assert [s.number for s in explain(y, limit=3).steps] == [1, 200]
    assert "…" in short._repr_html_() and "…" in short.to_markdown()


def test_a_node_of_very_many_operands_shows_a_few(impl):
    values = [impl.Value(float(i)) for i in range(100)]
    (step,) = explain(impl.sum(values)).steps
    assert (len(step.contributions), step.left_out) == (12, 88)
    assert "and by 88 more operands" in str(explain(impl.sum(values)))
    assert len(explain(impl.sum(values), limit=None).steps[0].contributions) == 100
    assert str(explain(impl.sum(values))).endswith("and 60 more leaves, see .leaves")


def test_the_first_steps_of_a_large_graph_are_those_of_the_whole(impl, monkeypatch):
    y = chain(impl, 300)
    z = y * impl.Value(2.0) + 1.0
    whole = explain(z, limit=None)
    monkeypatch.setattr("pygrad.seeing.explanation.MOST_NODES", 100)
    first = explain(z)
    assert first.step_count is None and first.leaves == []
    assert len(first.steps) == 10
    for step, true in zip(first.steps, whole.steps, strict=False):
        assert (step.op, step.value, step.upstream) == (true.op, true.value, true.upstream)
        assert [c[2:] for c in step.contributions] == [c[2:] for c in true.contributions]
    assert "backward, the first 10 of its steps" in str(first)
    assert any("explain(v, limit=None) shows all" in note for note in first.notes)


def test_of_a_large_graph_no_step_is_shown_that_is_not_certain(impl, monkeypatch):
    monkeypatch.setattr("pygrad.seeing.explanation.MOST_NODES", 20)
    p, q = chain(impl, 100), chain(impl, 100)
    explained = explain((p * q).exp())
    # Which of p and q comes next, and with which gradient, depends on what lies behind them.
    assert [s.op for s in explained.steps] == ["exp", "*"]
    closure = closure_node(impl, 1.0, [chain(impl, 100)], [2.0])
    assert [s.op for s in explain(closure.exp()).steps] == ["exp"]


def shown(explained: Explanation) -> str:
    return str(explained) + explained._repr_html_() + explained.to_markdown()


def test_a_large_graph_is_explained_within_a_second():
    for root in large_graphs(60_000):
        assert seconds(lambda root=root: shown(explain(root))) < 1.0


@pytest.mark.long
def test_ten_million_nodes_are_explained_within_a_second():
    for root in large_graphs(10_000_000):
        assert inspection.nodes_at_most(root) >= 10_000_000
        assert seconds(lambda root=root: shown(explain(root))) < 1.0


def test_an_explanation_keeps_no_node():
    gc.collect()
    before = inspection.nodes_at_most(pygrad.Value(0.0))
    kept = [explain(chain(pygrad, n)) for n in (5, 500)]
    node = closure_node(pygrad, 1.0, [pygrad.Value(1.0)], [2.0])
    kept.append(explain(node))
    del node
    gc.collect()
    assert inspection.nodes_at_most(pygrad.Value(0.0)) == before
    assert len(kept) == 3


def test_the_extension_tells_numbers_from_leaves_and_counts_operands():
    native = pygrad.value._native
    a = pygrad.Value(2.0)
    for made in (a * 2, 2 - a, pygrad.dot([a], [2]), pygrad.maximum(a, 2), pygrad.where(a, a, 2)):
        assert [native.is_number(v) for v in made._children] == [v is not a for v in made._children]
    assert not native.is_number(a**2) and not native.is_number(pygrad.Value(2.0))
    values = [pygrad.Value(float(i)) for i in range(5)]
    total = pygrad.sum(values)
    assert native.first_operands(total, 2) == (5, (values[0], values[1]))
    assert native.first_operands(total, 9) == (5, tuple(values))
    assert native.first_operands(total, -1) == (5, ())
    assert native.first_operands(a, 3) == (0, ())
    assert native.first_slopes(pygrad.dot(values, values[::-1]), 3) == (4.0, 3.0, 2.0)
    assert native.first_slopes(a * 3, 9) == (3.0, 2.0) and native.first_slopes(a, 2) == ()
    assert native.first_slopes(pygrad.Value(1.0, (a,), "mute"), 2) == ()
    for function, arguments in (
        (native.is_number, (2.0,)),
        (native.first_operands, (2.0, 1)),
        (native.first_slopes, (2.0, 1)),
    ):
        with pytest.raises(TypeError):
            function(*arguments)


# -- arguments ------------------------------------------------------------------------------------


def test_bad_arguments_are_named():
    with pytest.raises(TypeError, match=r"a Value is needed, not float: 3\.0"):
        explain(3.0)
    for limit in (0, -1):
        with pytest.raises(ValueError, match="at least 1, or None for no limit"):
            explain(pygrad.Value(1.0), limit=limit)
    with pytest.raises(TypeError):
        explain(pygrad.Value(1.0), limit=1.5)


def test_importing_pygrad_loads_none_of_it(tmp_path):
    program = (
        "import sys, pygrad; assert not [m for m in sys.modules if m in {"
        "'pygrad.seeing.explanation', 'pygrad.seeing.drawing', 'pygrad.seeing.snapshot',"
        "'pygrad.seeing.notation', 'subprocess'}];"
        "from pygrad import Value, draw, draw_dot, explain, trace;"
        "print(explain(Value(2.0) * 3.0).value, draw, draw_dot, trace)"
    )
    for name in ("compiled", "reference"):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", program],
            cwd=tmp_path,
            env={**os.environ, "PYGRAD_IMPL": name},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("6.0 <function draw")
