"""A graph of Values read once into plain data, with names: what explain and draw show of it.

Nothing here keeps a Value: a graph of ten million nodes can be let go of while its picture stays.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from string import ascii_lowercase
from typing import Any

from pygrad.core.ops import op_of
from pygrad.seeing import inspection, spelling
from pygrad.seeing.notation import (
    Written,
    bound,
    expression,
    formula,
    nested,
    number,
    shortened,
    visible,
)
from pygrad.seeing.spelling import Spelling

__all__ = [
    "MOST_NODES",
    "MOST_OPERANDS",
    "Snapshot",
    "checked_limit",
    "read",
    "read_near",
    "undone",
    "walk",
]

# Graphs above this are not read as a whole unless asked for: so many are read in a fraction of a second.
MOST_NODES = 20_000

_NAME_LENGTH = 28  # "layers[10].neurons[12].w[34]"
MOST_OPERANDS = 12  # that are shown of a node, unless all is asked for
# Characters of an expression in one line, brackets within each other
_LONGEST, _MOST_LEVELS = 160, 40
_MOST_WRITTEN = 6  # operands that an expression spells out


class Snapshot:
    """A graph as lists, one entry per node; operands come before their users, the root comes last.

    Attributes:
        names: unique; the label, made printable and short, or a letter, or v1, v2 ... For a number such as
            the 2 in ``a * 2``: that number.
        labels: as they were given.
        ops: what `v._op` says.
        symbols: the same of nodes of the op table, whatever name was assigned to `_op`; "" of others.
        kinds: "leaf", "number", "op", "partials" (local_grads were given), "closure" (a `_backward`
            was assigned) or "custom" (neither, so that it contributes nothing).
        values, grads: `.data` and `.grad`, as floats.
        operands: indices of the operands.
        slopes: the local derivative by each operand; None where only a `_backward` knows.
        outdated: of nodes whose operands' data has changed since, or whose own has, what the op gives now;
            None for all others.
        missing: how many operands were left out.
        cut: whether that is all of them.
    """

    def __init__(
        self,
        order: Sequence[Any],
        operands: list[tuple[int, ...]],
        spellings: Mapping[int, Spelling] | None = None,
        labels: Mapping[int, str] | None = None,
    ) -> None:
        """spellings: of nodes that are to be shown as something else than they are.
        labels: of Values without one, by their ids."""
        numbers = inspection.stand_for_numbers(order, operands)
        self.operands = operands
        given = labels or {}
        self.labels: list[str] = [v.label or given.get(id(v), "") for v in order]
        self.ops: list[str] = [v._op for v in order]
        self.symbols: list[str] = [inspection.symbol(v) for v in order]
        self.values: list[float] = [v.data for v in order]
        self.grads: list[float] = [inspection.grad_of(v) for v in order]
        forms = [inspection.form(v) for v in order]
        self.kinds = [
            "number" if form == "leaf" and is_number and not label else form
            for form, is_number, label in zip(forms, numbers, self.labels, strict=True)
        ]
        self.slopes = [
            _slopes(v, form, len(read)) if read else ()
            for v, form, read in zip(order, forms, self.operands, strict=True)
        ]
        for i, spelt in (spellings or {}).items():
            self.ops[i] = self.symbols[i] = spelt.symbol
            self.kinds[i], self.slopes[i] = "op", spelt.slopes
        self.outdated = [inspection.outdated(v) for v in order]
        self.missing = [0] * len(order)
        self.cut = [False] * len(order)
        self.names = self._name_all()

    def __len__(self) -> int:
        return len(self.names)

    def _name_all(self) -> list[str]:
        wanted = [shortened(visible(label.strip()), _NAME_LENGTH) for label in self.labels]
        taken = set(wanted)
        unnamed = sum(
            not name and kind != "number" for name, kind in zip(wanted, self.kinds, strict=True)
        )
        letters = [letter for letter in ascii_lowercase if letter not in taken]
        fresh = iter(letters) if unnamed <= len(letters) else _numbered("v", taken)
        again: dict[str, Iterator[str]] = {}
        names = []
        for i, label in enumerate(wanted):
            if self.kinds[i] == "number":
                names.append(number(self.values[i]))
            elif not label:
                names.append(next(fresh))
            elif label in again:
                names.append(next(again[label]))
            else:
                names.append(label)
                again[label] = _numbered(f"{label}_", taken, first=2)
        return names

    def note_on_data(self) -> list[str]:
        """That slopes and values do not belong together, if so: one sentence, or none."""
        changed = [(i, now) for i, now in enumerate(self.outdated) if now is not None]
        if not changed:
            return []
        few = [
            f"{self.names[i]} = {self.expression(i)} holds {number(self.values[i])}, "
            f"which is {number(now)} now"
            for i, now in changed[:3]
        ]
        more = f", and {len(changed) - 3:,} more" if len(changed) > 3 else ""
        return [
            f"Outdated: {'; '.join(few)}{more}. A .data was assigned after the graph had been made; slopes "
            "are taken from the data of now. Compute the graph again."
        ]

    def counts(self) -> dict[str, int]:
        """How often each op occurs, most frequent first; leaves and numbers under these words."""
        plain = {"leaf": "leaves", "number": "numbers"}
        found = Counter(
            plain.get(kind) or self.op_text(i) or kind for i, kind in enumerate(self.kinds)
        )
        return dict(found.most_common())

    def op_text(self, i: int) -> str:
        """What the op of node i is called, fit to be shown."""
        return shortened(visible(self.ops[i]), _NAME_LENGTH)

    def expression(self, i: int, names: Sequence[str] | None = None) -> str:
        """How node i is computed, over the names of its operands; "" for a leaf.

        names: what nodes are called there, other than by `self.names`.

        >>> from pygrad import Value
        >>> snapshot, _ = read((Value(2.0, label="x") + 1.0) * Value(3.0, label="y"))
        >>> [snapshot.expression(i) for i in range(len(snapshot))]
        ['', '', 'x + 1', '', 'a * y']
        """
        operands = [(names or self.names)[o] for o in self.operands[i]]
        if self.symbols[i] and self.symbols[i] != self.ops[i]:  # a name that stands for no other op
            return f"{self.op_text(i) or 'op'}({', '.join(_elided(operands, self.missing[i]))})"
        if self.cut[i]:
            return expression(self.op_text(i) or "op", ["…"] * min(self.missing[i], 2))
        if not operands:
            return ""
        if self.symbols[i] == "dot" and not self.missing[i]:
            return _dot_text(operands)
        return expression(self.op_text(i) or "op", _elided(operands, self.missing[i]))

    def whole(self) -> str:
        """How the last node is computed from leaves, in one line, or from inner nodes; "" for a leaf.

        >>> from pygrad import Value
        >>> x, y = Value(2.0, label="x"), Value(3.0, label="y")
        >>> read((x + y) * (x + 1.0).tanh())[0].whole()
        '(x + y) * tanh(x + 1)'
        """
        names = [bound(name) for name in self.names]
        parts, whole = names, ""
        # Each time one level deeper; what gets too long is a name again
        for _ in range(_MOST_LEVELS):
            found = [self._nested(i, parts) if o else parts[i] for i, o in enumerate(self.operands)]
            parts = [
                part if len(part[0]) <= _LONGEST else name
                for part, name in zip(found, names, strict=True)
            ]
            if self.operands[-1] and len(whole) < len(found[-1][0]) <= _LONGEST:
                whole = found[-1][0]
        return whole or self.expression(len(self) - 1)

    def _nested(self, i: int, parts: Sequence[Written]) -> Written:
        operands, op = self.operands[i], self.ops[i]
        if op == self.symbols[i] != "dot" and 0 < len(operands) <= _MOST_WRITTEN:
            return nested(op, [parts[o] for o in operands])
        return bound(self.expression(i, [text for text, _ in parts]))

    def rules(self, i: int) -> tuple[str, ...]:
        """The slope of node i by each operand in ordinary mathematics; "" where no rule is known.

        >>> from pygrad import Value
        >>> snapshot, _ = read(Value(2.0, label="x") / Value(3.0, label="y"))
        >>> snapshot.rules(2)
        ('1 / y', '-a / y')
        """
        operands, symbol = self.operands[i], self.symbols[i]
        nothing = ("",) * len(operands)
        if self.kinds[i] != "op" or not operands:
            return nothing
        if symbol == "sum":
            return ("1",) * len(operands)
        if symbol == "dot":
            return nothing if self.missing[i] else _dot_rules([self.names[o] for o in operands])
        op = op_of(symbol)
        if op is None:
            return nothing
        names = dict(zip("XYW", map(self._operand, operands), strict=False))
        names["Z"] = self.names[i]
        if op.has_constant:
            names["K"] = float(symbol[2:])
        return tuple(formula(rule, names, op.name) for rule in op.slopes)

    def _operand(self, i: int) -> str | float:
        return self.values[i] if self.kinds[i] == "number" else self.names[i]


def _numbered(start: str, taken: set[str], first: int = 1) -> Iterator[str]:
    i = first
    while True:
        name = f"{start}{i}"
        if name not in taken:
            taken.add(name)
            yield name
        i += 1


def _elided(items: list[str], missing: int = 0) -> list[str]:
    """At most a few of the items, and how many more there are."""
    if len(items) + missing <= _MOST_WRITTEN:
        return items
    first = items[: _MOST_WRITTEN - 2]
    return [*first, f"… {len(items) + missing - len(first)} more"]


def _dot_text(operands: list[str]) -> str:
    n = len(operands) // 2
    products = [expression("*", pair) for pair in zip(operands[:n], operands[n:], strict=False)]
    return " + ".join(_elided(operands[2 * n :] + products))


def _dot_rules(operands: list[str]) -> tuple[str, ...]:
    n = len(operands) // 2
    return (*operands[n : 2 * n], *operands[:n], *["1"] * (len(operands) - 2 * n))


def _slopes(v: Any, form: str, count: int) -> tuple[float | None, ...]:
    if form not in {"op", "partials"}:
        return (None,) * count
    return inspection.first_slopes(v, count)


# -- what explain, draw and explore have in common ------------------------------------------------


def checked_limit(limit: int | None) -> int | None:
    """The limit on what is shown: a whole number from 1 on, or None for no limit."""
    if limit is None:
        return None
    whole = operator.index(limit)
    if whole < 1:
        raise ValueError(f"limit must be at least 1, or None for no limit, not {limit!r}")
    return whole


class _Done(Exception):
    """Ends a sweep that is to be undone."""


def undone(v: Any, action: Callable[[], object]) -> None:
    """Do it with every grad that it writes put back, those of Values outside the graph of v included.

    That is what backward() does when a `_backward` raises.
    """

    def act_and_leave() -> None:
        action()
        raise _Done

    probe = inspection.base_class(v)(0.0)
    probe._backward = act_and_leave
    try:
        probe.backward()
    except _Done:
        pass
    finally:
        probe._backward = None  # it refers to the probe's class and to the action: no cycle is left


# -- walks ----------------------------------------------------------------------------------------


def walk(root: Any, most: int | None = None) -> list[Any] | None:
    """All that root was computed from in the order of a sweep: operands first, in order, root last.

    None if these are more than `most` nodes; then the walk has stopped there. It is iterative.
    """
    inspection.base_class(root)
    seen = {id(root)}
    order: list[Any] = []
    stack: list[tuple[Any, Iterator[Any]]] = []
    new = root
    while True:
        if new is not None:
            if most is not None and (
                len(seen) > most or inspection.first_operands(new, 0)[0] > most
            ):
                return None
            stack.append((new, iter(new._children)))
            new = None
        for operand in stack[-1][1]:
            if id(operand) not in seen:
                seen.add(id(operand))
                new = operand
                break
        else:
            order.append(stack.pop()[0])
            if not stack:
                return order


def read(
    root: Any,
    most: int | None = None,
    spelled_out: bool = False,
    labels: Mapping[int, str] | None = None,
) -> tuple[Snapshot, list[Any]] | None:
    """The whole graph of root, and its Values in the same order; None above `most` nodes.

    spelled_out: dot products as products and sums, among Values that are made for it. labels: of Values
    without one, by their ids.

    >>> from pygrad import Value
    >>> a, b = Value(2.0), Value(-3.0)
    >>> snapshot, values = read(a * b)
    >>> snapshot.names, snapshot.slopes[2], values[0] is a
    (['a', 'b', 'c'], (-3.0, 2.0), True)
    """
    order = walk(root, most)
    if order is None:
        return None
    index = {id(v): i for i, v in enumerate(order)}
    operands = [tuple([index[id(o)] for o in v._children]) for v in order]
    if spelled_out:
        order, operands, spellings = spelling.spelled_out(order, operands)
        return Snapshot(order, operands, spellings, labels), order
    return Snapshot(order, operands, labels=labels), order


def read_near(root: Any, most: int) -> Snapshot:
    """The `most` nodes nearest to root, and the operands of these as far as they are not too many."""
    inspection.base_class(root)
    values, operands, missing = _nearest(root, most)
    snapshot = Snapshot(values, operands)
    snapshot.missing = missing
    snapshot.cut = [m > 0 and not o for m, o in zip(missing, operands, strict=True)]
    return snapshot


def _nearest(root: Any, most: int) -> tuple[list[Any], list[tuple[int, ...]], list[int]]:
    """Values with operands before their users, indices of the operands, and how many were left out."""
    # In the order in which they are met, level by level.
    met, index = [root], {id(root): 0}
    operands: list[list[int]] = []
    missing: list[int] = []
    while len(operands) < min(most, len(met)):
        count, children = inspection.first_operands(met[len(operands)], MOST_OPERANDS)
        missing.append(count - len(children))
        for operand in children:
            if id(operand) not in index:
                index[id(operand)] = len(met)
                met.append(operand)
        operands.append([index[id(operand)] for operand in children])
    for v in met[len(operands) :]:
        missing.append(inspection.first_operands(v, 0)[0])
        operands.append([])
    order = _operands_first(operands)
    place = {i: new for new, i in enumerate(order)}
    return (
        [met[i] for i in order],
        [tuple([place[o] for o in operands[i]]) for i in order],
        [missing[i] for i in order],
    )


def _operands_first(operands: list[list[int]]) -> list[int]:
    """The nodes 0 ... in an order in which operands come before their users, and 0 last."""
    state = [0] * len(operands)  # how many operands were looked at
    seen = {0}
    order = []
    stack = [0]
    while stack:
        i = stack[-1]
        if state[i] == len(operands[i]):
            order.append(stack.pop())
            continue
        operand = operands[i][state[i]]
        state[i] += 1
        if operand not in seen:
            seen.add(operand)
            stack.append(operand)
    return order
