"""explain(v): backpropagation worked out on paper, step by step, as a table.

Each step is one node on the way back from v: the gradient that has arrived at it, times the local
derivative by each operand, is what it contributes to that operand's gradient.
"""

from __future__ import annotations

import math
import re
from collections.abc import MutableSequence, Sequence
from typing import Any, NamedTuple

from pygrad.core.tables import code, html_line, html_table, markdown_table, text_table
from pygrad.seeing.inspection import nodes_at_most
from pygrad.seeing.notation import derivative, number
from pygrad.seeing.snapshot import (
    MOST_NODES,
    MOST_OPERANDS,
    Snapshot,
    checked_limit,
    read,
    read_near,
    undone,
)

__all__ = ["Contribution", "Explanation", "Gradient", "Step", "explain"]

_SHOWN_AT_EACH_END = 10  # steps of a graph that is too long to be shown as a whole
_MOST_LEAVES = 40


class Contribution(NamedTuple):
    """What a step adds to the gradient of one operand."""

    operand: str  # its name
    rule: str  # the local derivative in ordinary mathematics; "" if there is no rule
    local_derivative: float | None  # its number; None if only a `_backward` knows
    # The product of upstream and local derivative; None for a number such as the 2 in a * 2
    contribution: float | None
    accumulated: float | None  # the operand's gradient so far, this included; None for a number


class Step(NamedTuple):
    """One node on the way back."""

    number: int  # counted from 1
    node: str  # its name
    op: str  # what `v._op` says
    kind: str  # "op", "partials", "closure" or "custom": see Snapshot.kinds
    expression: str  # how it was computed
    value: float
    upstream: float  # the gradient that has arrived: the derivative of the result by this node
    contributions: tuple[Contribution, ...]  # one per operand, in order
    left_out: int  # further operands, of a node that has very many


class Gradient(NamedTuple):
    """A leaf and the derivative of the result by it."""

    leaf: str
    value: float
    gradient: float


class Explanation:
    """What `explain` returns: prints as a table, shows as one in a notebook, and is data.

    Attributes:
        name, value: of the node that was explained.
        steps: the `Step`s that are shown, in the order of the sweep.
        step_count: how many steps there are; None if the graph was too large to be read.
        leaves: a `Gradient` for each leaf that is no plain number, in the order of the graph; empty if
            the graph was too large to be read.
        counts: how often each op occurs among the nodes that were read.
        notes: what else there is to say, as sentences.
    """

    def __init__(
        self,
        name: str,
        value: float,
        steps: list[Step],
        step_count: int | None,
        leaves: list[Gradient],
        counts: dict[str, int],
        notes: list[str],
    ) -> None:
        self.name, self.value = name, value
        self.steps, self.step_count = steps, step_count
        self.leaves = leaves
        self.counts = counts
        self.notes = notes

    def __repr__(self) -> str:
        count = "" if self.step_count is None else f" in {_counted(self.step_count, 'step')}"
        return f"<explanation of {self.name} = {number(self.value)}{count}>"

    def __str__(self) -> str:
        tables = [text_table(table) for table in self._tables("...")]
        return "\n".join([self._title(), *tables, *self._closing()])

    def to_markdown(self) -> str:
        """The table in Markdown, as GitHub and notebooks read it."""
        tables = [markdown_table(table) for table in self._tables("…")]
        return "\n\n".join([code(self._title()), *tables, *map(code, self._closing())]) + "\n"

    _repr_markdown_ = to_markdown

    def _repr_html_(self) -> str:
        tables = [html_table(table) for table in self._tables("…")]
        lines = map(html_line, self._closing())
        return f"<div>{''.join([html_line(self._title()), *tables, *lines])}</div>"

    def to_dict(self) -> dict[str, Any]:
        """All of it as dicts and lists, for JSON say; nan and inf stay floats."""
        steps = [
            {**step._asdict(), "contributions": [c._asdict() for c in step.contributions]}
            for step in self.steps
        ]
        return {**vars(self), "steps": steps, "leaves": [leaf._asdict() for leaf in self.leaves]}

    def _title(self) -> str:
        text = f"{self.name} = {number(self.value)}"
        if self.step_count is None:
            return f"{text}, backward, the first {len(self.steps)} of its steps"
        return f"{text}, backward in {_counted(self.step_count, 'step')}"

    def _tables(self, dots: str) -> list[list[list[str]]]:
        """The steps, then the leaves; without rows there is no table."""
        return [t for t in (self._rows(dots), self._leaf_rows()) if len(t) > 1]

    def _rows(self, dots: str) -> list[list[str]]:
        """The table with its head; dots stand for steps left out."""
        rows = [list(_HEAD)]
        gap = [dots] + [""] * (len(_HEAD) - 1)
        last = 0
        for step in self.steps:
            if step.number != last + 1:
                rows.append(gap)
            rows += _step_rows(step)
            last = step.number
        if self.step_count is None or last < self.step_count:
            rows.append(gap)
        return rows

    def _leaf_rows(self) -> list[list[str]]:
        shown = self.leaves[:_MOST_LEAVES]
        rows = [["leaf", "value", derivative(self.name, "(leaf)")]]
        return rows + [[leaf, number(value), number(slope)] for leaf, value, slope in shown]

    def _closing(self) -> list[str]:
        lines = []
        if len(self.leaves) > _MOST_LEAVES:
            lines.append(f"and {len(self.leaves) - _MOST_LEAVES:,} more leaves, see .leaves")
        if len(self.steps) != self.step_count:
            counts = ", ".join(f"{op} {count:,}" for op, count in self.counts.items())
            lines.append(f"nodes read: {counts}")
        return lines + self.notes


_HEAD = ["step", "node", "op", "value", "local derivative", "upstream", "contribution"]
_HEAD.append("gradient so far")


def explain(v: Any, limit: int | None = 60, *, spelled_out: bool = False) -> Explanation:
    """The worked backpropagation from v, as a table.

    Each row is one edge of the graph: the local derivative of a node by an operand as rule and number, the
    gradient that has arrived at the node (upstream), their product (contribution), and the operand's
    gradient once that is added. Rows stand in the order in which `backward()` visits the nodes. Nodes
    without a label are named by letters, or v1, v2 ...; numbers such as the 2 in ``a * 2`` stay numbers.
    A condition in square brackets is 1 where it holds, else 0.

    The gradients are those that one ``v.backward()`` adds to grads that are 0, computed here: no `.grad`
    changes. A `_backward` of yours is called, as only it knows what it contributes, and each number it
    leaves in a `.grad` is put back.

    Args:
        v: a Value.
        limit: above so many steps, only the first and the last are shown and ops are counted; a graph of
            more than 20,000 nodes is not read as a whole. None shows all, whatever it takes.
        spelled_out: take a dot product, as a neuron of `pygrad.nn` computes it, as its products and sums.

    Raises:
        TypeError: v is no Value.
        ValueError: the limit is below 1.
        Whatever a `_backward` of yours raises.

    >>> from pygrad import Value
    >>> a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    >>> print(explain(a * b + a))
    d = -4, backward in 2 steps
    step  node       op  value  local derivative  upstream  contribution  gradient so far
    1     d = c + a  +   -4     dd/dc = 1         1         1 * 1 = 1     c.grad = 1
                                dd/da = 1                   1 * 1 = 1     a.grad = 1
    2     c = a * b  *   -6     dc/da = b = -3    1         1 * -3 = -3   a.grad = -2
                                dc/db = a = 2               1 * 2 = 2     b.grad = 2
    leaf  value  dd/d(leaf)
    a     2      -2
    b     -3     2
    """
    limit = checked_limit(limit)
    found = read(v, None if limit is None else max(limit, MOST_NODES), spelled_out)
    if found is None:
        return _beginning(v, min(_SHOWN_AT_EACH_END, limit or 0))
    snapshot, values = found
    return _whole(snapshot, values, limit)


def _whole(snapshot: Snapshot, values: Sequence[Any], limit: int | None) -> Explanation:
    """The explanation of a graph that was read from end to end."""
    visited = [i for i in reversed(range(len(snapshot))) if _has_step(snapshot, i)]
    shown = set(visited)
    notes = []
    if limit is not None and len(visited) > limit:
        ends = max(1, min(_SHOWN_AT_EACH_END, limit // 2))
        shown = {*visited[:ends], *visited[-ends:]}
        notes.append(
            f"Left out: {len(visited) - len(shown):,} steps. explain(v, limit=None) shows all."
        )
    sweep = _Sweep(snapshot, values, shown)
    grads = sweep.run()
    position = {i: k for k, i in enumerate(visited, start=1)}
    most = None if limit is None else MOST_OPERANDS
    steps = [_step(snapshot, sweep, i, position[i], most) for i in visited if i in shown]
    leaves = [
        Gradient(name, snapshot.values[i], grads[i])
        for i, name in enumerate(snapshot.names)
        if snapshot.kinds[i] != "number" and not snapshot.operands[i]
    ]
    notes += [*snapshot.note_on_data(), *_notes(steps), *_note_on_grads(snapshot, grads)]
    last = len(snapshot) - 1
    return Explanation(
        snapshot.names[last],
        snapshot.values[last],
        steps,
        len(visited),
        leaves,
        snapshot.counts(),
        notes,
    )


def _beginning(v: Any, most: int) -> Explanation:
    """The first steps from v, as far as they are known without the rest of the graph.

    A node's turn comes when all its users have had theirs. That is certain as long as only one node waits
    that has operands: every way on leads through it.
    """
    snapshot = read_near(v, 2 * most)
    last = len(snapshot) - 1
    recorded = _Sweep(snapshot, [], set())
    recorded.grads[last] = 1.0
    order = [last]
    waiting: set[int] = set()
    for i in order:
        if len(order) > most or snapshot.cut[i] or None in snapshot.slopes[i]:
            break
        recorded.shown.add(i)
        recorded.visit(i)
        waiting |= {o for o in snapshot.operands[i] if _has_step(snapshot, o) or snapshot.cut[o]}
        waiting -= {i}
        if len(waiting) == 1 and not snapshot.missing[i]:
            order += waiting
    steps = [
        _step(snapshot, recorded, i, k) for k, i in enumerate(order, start=1) if i in recorded.shown
    ]
    most_nodes = nodes_at_most(v)
    size = f"The graph has more than {MOST_NODES:,} nodes"
    size += f" (at most {most_nodes:,})" if most_nodes is not None else ""
    notes = [
        f"{size} and was not read as a whole. explain(v, limit=None) shows all of it.",
        *snapshot.note_on_data(),
        *_notes(steps),
    ]
    return Explanation(
        snapshot.names[last], snapshot.values[last], steps, None, [], snapshot.counts(), notes
    )


def _has_step(snapshot: Snapshot, i: int) -> bool:
    """Whether backward() does something for the node: inner nodes, and leaves with a `_backward`."""
    return bool(snapshot.operands[i]) or snapshot.kinds[i] == "closure"


def _step(
    snapshot: Snapshot, sweep: _Sweep, i: int, position: int, most: int | None = None
) -> Step:
    """What is to be said of the step at node i, of its first `most` operands."""
    upstream, rows = sweep.recorded.get(i, (sweep.grads[i], []))
    rules = snapshot.rules(i)
    contributions = tuple(
        Contribution(snapshot.names[o], rule, slope, *row)
        if snapshot.kinds[o] != "number"
        else Contribution(snapshot.names[o], rule, slope, None, None)
        for o, rule, slope, row in zip(
            snapshot.operands[i][:most],
            rules[:most],
            snapshot.slopes[i][:most],
            rows[:most],
            strict=True,
        )
    )
    return Step(
        position,
        snapshot.names[i],
        snapshot.op_text(i),
        snapshot.kinds[i],
        snapshot.expression(i),
        snapshot.values[i],
        upstream,
        contributions,
        len(snapshot.operands[i]) - len(contributions) + snapshot.missing[i],
    )


# -- the gradients --------------------------------------------------------------------------------


class _Sweep:
    """One way back over a snapshot, with what each of the shown nodes contributes written down."""

    def __init__(self, snapshot: Snapshot, values: Sequence[Any], shown: set[int]) -> None:
        self.snapshot, self.values, self.shown = snapshot, values, shown
        self.grads: MutableSequence[float] = [0.0] * len(snapshot)
        # Node -> what has arrived, and for each operand its contribution and its grad after that.
        self.recorded: dict[int, tuple[float, list[tuple[float, float]]]] = {}

    def run(self) -> list[float]:
        """The gradient of every node. No `.grad` has changed afterwards."""
        if "closure" in self.snapshot.kinds:
            found: list[float] = []
            undone(self.values[-1], lambda: found.extend(self._run_live()))
            return found
        return self._run()

    def _run_live(self) -> list[float]:
        # A closure reads and writes `.grad`, so that is where all of them are kept.
        self.grads = _LiveGrads(self.values)
        for i in range(len(self.values)):
            self.grads[i] = 0.0
        return self._run()

    def _run(self) -> list[float]:
        self.grads[len(self.snapshot) - 1] = 1.0
        for i in reversed(range(len(self.snapshot))):
            if _has_step(self.snapshot, i):
                self.visit(i)
        return list(self.grads)

    def visit(self, i: int) -> None:
        """Add the node's contributions to the grads of its operands, as csrc/graph/sweep.c does."""
        grads, operands = self.grads, self.snapshot.operands[i]
        upstream = grads[i]
        rows: list[tuple[float, float]] = []
        if self.snapshot.kinds[i] == "closure":
            before = [grads[o] for o in operands]
            self.values[i]._backward()
            rows = [(grads[o] - old, grads[o]) for o, old in zip(operands, before, strict=True)]
        else:
            for o, slope in zip(operands, self.snapshot.slopes[i], strict=True):
                contribution = 0.0 if slope is None else _mul0(upstream, slope)
                grads[o] = grads[o] + contribution
                rows.append((contribution, grads[o]))
        if i in self.shown:
            self.recorded[i] = (upstream, rows)


class _LiveGrads(MutableSequence[float]):
    """The `.grad` of Values as a list of numbers."""

    def __init__(self, values: Sequence[Any]) -> None:
        self._values = values

    def __getitem__(self, i: Any) -> Any:
        return self._values[i].grad

    def __setitem__(self, i: Any, grad: Any) -> None:
        self._values[i].grad = grad

    def __len__(self) -> int:
        return len(self._values)

    def __delitem__(self, i: Any) -> None:
        raise TypeError("every node has a grad")

    insert = None  # type: ignore[assignment]


def _mul0(adjoint: float, slope: float) -> float:
    """A factor that is exactly 0 wins over inf and nan, as everywhere in pygrad's sweeps."""
    product = adjoint * slope
    return 0.0 if math.isnan(product) and (adjoint == 0 or slope == 0) else product


# -- rows of text ---------------------------------------------------------------------------------


def _step_rows(step: Step) -> list[list[str]]:
    head = [str(step.number), _equation(step), step.op, number(step.value)]
    shown = [
        (i, c)
        for i, c in enumerate(step.contributions, start=1)
        if c.contribution is not None or step.kind == "closure"
    ]
    repeated = {c.operand for _, c in shown}
    rows: list[list[str]] = []
    for i, c in shown:
        where = f" (operand {i})" if len(shown) > len(repeated) else ""
        first = not rows
        rows.append(
            [
                *(head if first else [""] * len(head)),
                derivative(step.node, c.operand, step.kind, c.rule, c.local_derivative) + where,
                number(step.upstream) if first else "",
                _contribution_text(step, c),
                "" if c.accumulated is None else f"{c.operand}.grad = {number(c.accumulated)}",
            ]
        )
    if step.left_out:
        blank = [""] * len(head)
        rows.append([*blank, f"and by {step.left_out:,} more operands", "", "", ""])
    return rows or [[*head, _NO_OPERANDS.get(step.kind, ""), number(step.upstream), "", ""]]


_NO_OPERANDS = {"closure": "user's _backward", "custom": "no rule"}


def _equation(step: Step) -> str:
    return f"{step.node} = {step.expression}" if step.expression else step.node


def _contribution_text(step: Step, c: Contribution) -> str:
    if c.contribution is None:
        return ""
    if c.local_derivative is None:
        return number(c.contribution)
    product = f"{number(step.upstream)} * {number(c.local_derivative)}"
    return f"{product} = {number(c.contribution)}"


def _notes(steps: Sequence[Step]) -> list[str]:
    rules = [c.rule for step in steps for c in step.contributions]
    if any(re.search(r"\[.* (<|>|>=|!=|==) .*\]", rule) for rule in rules):
        return ["[condition] is 1 where the condition holds, else 0."]
    return []


def _note_on_grads(snapshot: Snapshot, grads: Sequence[float]) -> list[str]:
    """Leaves whose `.grad` has more in it than one backward() from here: a frequent mistake."""
    others = [
        f"{name}.grad is {number(now)}"
        for name, kind, now, found in zip(
            snapshot.names, snapshot.kinds, snapshot.grads, grads, strict=True
        )
        if kind == "leaf" and now not in (0.0, found) and not math.isnan(found)
    ]
    if not others:
        return []
    more = f" and {len(others) - 3:,} more" if len(others) > 3 else ""
    return [
        f"Now {', '.join(others[:3])}{more}: from other backward() calls, or an assignment. "
        "zero_grad() clears it."
    ]


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")
