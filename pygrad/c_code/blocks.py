"""Traced paths as blocks of values: what a C function computes, in which order, and where it branches.

All paths of a function share one pool of values, in which the same op on the same operands is one
value. A path is laid out up to its end: at each guard the values that its sides need, then the guard;
at last the outputs. Paths that branch off at a guard go on from there, with what was computed before.

Products in which an exact 0 wins over inf and nan (see ops.def) cost a branch each. Where a path has
many, they are computed as plain products, and one sum says at the end whether the numbers that could
have made the difference are finite. Where it is not, a block that branches off computes the rest again.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from pygrad.c_code.functions import PARTNERS
from pygrad.c_code.loops import Body, Known, Loop
from pygrad.core.library import ffi, lib
from pygrad.programs.paths import Path

_COMPARISONS = ("<", "<=", "==", "!=", ">", ">=")  # as pg_comparison counts them
_FEW = 16  # absorbing products that are no reason for a second version
_SHARED = 2  # products of which a factor is checked in their place
_PAIRED = {*PARTNERS, *PARTNERS.values()}
_LEAVES = {"in", "captured", "constant"}
_PASSES_NAN = {"add", "sub", "mul", "div", "neg", "fma"}  # nan in, nan out
_PLAIN = {"mul0": "mul", "fma0": "fma"}  # what is meant where no factor is 0

# -- values ----------------------------------------------------------------------------------------


class Pool:
    """Values by number: an op with operands, which have lower numbers, or a leaf.

    Leaves are ("in", i), ("captured", i) and ("constant", its number); i and the number stand in the
    place of operands. ("item", operands) is a result of a loop on these operands; all of them have numbers
    in a row.
    """

    def __init__(self, known: Known | None = None) -> None:
        self.known = known or Known()
        self.loops: dict[int, tuple[Loop, int]] = {}  # of items: the loop, and its first item
        self.ops: list[str] = []
        self.operands: list[tuple[Any, ...]] = []
        self.uses: list[tuple[int, ...]] = []  # operands; none of leaves
        self.numbers: dict[Any, int] = {}
        self.captured: dict[int, int] = {}  # by id of a Value: its number among those captured
        self.values: list[Any] = []  # those Values

    def add(self, op: str, *operands: int) -> int:
        """The value of an op on values."""
        if op in _PLAIN and (self._is_harmless(operands[0]) or self._is_harmless(operands[1])):
            op = _PLAIN[op]
        found = self.numbers.get((op, operands))
        if found is None and op in {"add", "mul", "mul0"}:
            found = self.numbers.get((op, operands[::-1]))
        return self._new((op, operands), op, operands) if found is None else found

    def _is_harmless(self, v: int) -> bool:
        """Whether v is a constant by which a product is nan only if the other factor is."""
        return (
            self.ops[v] == "constant"
            and self.operands[v][0] != 0
            and math.isfinite(self.operands[v][0])
        )

    def leaf(self, kind: str, item: Any) -> int:
        key = (kind, struct.pack("d", item) if kind == "constant" else item)  # 0.0 is not -0.0
        return self.numbers[key] if key in self.numbers else self._new(key, kind, (item,))

    def items(self, loop: Loop, operands: tuple[int, ...]) -> range:
        """The results of a loop."""
        key = (loop, operands)
        if key not in self.numbers:
            first = len(self.ops)
            for i in range(loop.results):
                v = self._new(("item", first, i), "item", operands)
                self.loops[v] = loop, first
                if i:  # the first stands for all, or as many times as many would be looked at
                    self.uses[v] = (first,)
            self.numbers[key] = first
        return range(self.numbers[key], self.numbers[key] + loop.results)

    def captured_value(self, value: Any) -> int:
        """A Value that the function has captured."""
        if id(value) not in self.captured:
            self.captured[id(value)] = len(self.values)
            self.values.append(value)
        return self.leaf("captured", self.captured[id(value)])

    def _new(self, key: Any, op: str, operands: tuple[Any, ...]) -> int:
        self.numbers[key] = number = len(self.ops)
        self.ops.append(op)
        self.operands.append(operands)
        self.uses.append(operands if op not in _LEAVES else ())
        return number

    def is_leaf(self, v: int) -> bool:
        return not self.uses[v]

    def cone(self, roots: Iterable[int]) -> list[int]:
        """All values that the roots are computed from, themselves included, in order."""
        found = set(roots)
        stack = list(found)
        while stack:
            for v in self.uses[stack.pop()]:
                if v not in found:
                    found.add(v)
                    stack.append(v)
        return sorted(found)

    def items_before(self, roots: Iterable[int]) -> list[int]:
        """The results of loops that the roots are computed from, or are."""
        return [v for v in self.cone(roots) if v in self.loops] if self.loops else []

    def pair(self, v: int) -> tuple[int, int] | None:
        """v and its partner as PARTNERS have them, or None if it has none."""
        if self.ops[v] not in _PAIRED:
            return None
        for first, second in PARTNERS.items():
            if self.ops[v] in (first, second):
                one = self.numbers.get((first, self.operands[v]))
                other = self.numbers.get((second, self.operands[v]))
                return None if one is None or other is None else (one, other)
        return None

    def sum(self, values: Sequence[int]) -> int:
        """The sum of values, added up in groups so that no chain is long."""
        while len(values) > 1:
            groups = [values[i : i + 8] for i in range(0, len(values), 8)]
            values = [self._sum_of_few(group) for group in groups]
        return values[0]

    def _sum_of_few(self, values: Sequence[int]) -> int:
        total = values[0]
        for v in values[1:]:
            total = self.add("add", total, v)
        return total


class Guard(NamedTuple):
    """A comparison of two values whose outcome a path needs."""

    compare: str
    outcome: bool
    a: int
    b: int


class _Traced(NamedTuple):
    """A path in the terms of a pool."""

    guards: list[Guard]
    outputs: list[int]


def _read(path: Path | Body, pool: Pool) -> _Traced:
    """What csrc/program/evaluate.c's pg_program_run_once does, as values."""
    p = path.program
    slots: dict[int, int] = {i: pool.captured_value(v) for i, v in enumerate(path.lives)}
    for i in range(p.constants):
        slots[p.lives + i] = pool.leaf("constant", p.constant_values[i])
    for i in range(p.inputs):
        if p.input_slots[i] != lib.PG_NO_SLOT:
            slots[p.input_slots[i]] = pool.leaf("in", i)
    names: dict[int, str] = {}
    guards = []
    for i in range(p.once):
        line = p.code[i]
        code = line.code
        if code not in names:
            names[code] = ffi.string(lib.pg_code_name(code)).decode()  # type: ignore[union-attr]
        if names[code] == "loop":
            loop = pool.known.loop(p.loops[line.a])
            given = (slots[p.terms[line.first + k].a] for k in range(loop.operands))
            slots.update(enumerate(pool.items(loop, tuple(given)), line.out))
            continue
        operands = [slots[s] for s in (line.a, line.b, line.c) if s != lib.PG_NO_SLOT]
        if names[code] == "guard":
            compare = _COMPARISONS[line.expected // 2]
            guards.append(Guard(compare, bool(line.expected & 1), *operands))
        elif names[code] in {"fused", "contracted"}:
            add = _added if names[code] == "fused" else _contracted
            slots[line.out] = _read_sum(p, line, operands[0], slots, pool, add)
        elif names[code] in {"search", "take"}:
            rule = line.expected if names[code] == "search" else ""
            places = _places_of_items(p, line)
            slots[line.out] = pool.add(
                f"{names[code]}{rule}", operands[0], *(slots[s] for s in places)
            )
        else:
            slots[line.out] = pool.add(names[code], *operands)
    return _Traced(guards, [slots[p.result_slots[i]] for i in range(p.outputs)])


def _places_of_items(p: Any, line: Any) -> list[int]:
    """The slots of a table's items."""
    if line.b != lib.PG_NO_SLOT:
        return list(range(line.b, line.b + line.count))
    return [p.terms[i].a for i in range(line.first, line.first + line.count)]


def _added(pool: Pool, total: int | None, term: Any, slots: dict[int, int]) -> int:
    """A sum, unless there is none yet, with one more term.

    Where an exact 0 may win the sign is that of a factor, as 0 is 0.0 then.
    """
    signed = bool(term.subtracted and (term.absorbing or total is None))
    added = pool.add("neg", slots[term.a]) if signed else slots[term.a]
    if term.b != lib.PG_NO_SLOT:
        added = pool.add("mul0" if term.absorbing else "mul", added, slots[term.b])
    if total is None:
        return added
    return pool.add("sub" if term.subtracted and not signed else "add", total, added)


def _contracted(pool: Pool, total: int | None, term: Any, slots: dict[int, int]) -> int:
    """The same, a product and the sum rounded once."""
    added = pool.add("neg", slots[term.a]) if term.subtracted else slots[term.a]
    if term.b == lib.PG_NO_SLOT:
        return added if total is None else pool.add("add", total, added)
    if total is None:
        return pool.add("mul0" if term.absorbing else "mul", added, slots[term.b])
    return pool.add("fma0" if term.absorbing else "fma", added, slots[term.b], total)


def _read_sum(
    p: Any,
    line: Any,
    start: int,
    slots: dict[int, int],
    pool: Pool,
    add: Callable[[Pool, int | None, Any, dict[int, int]], int],
) -> int:
    """start + terms, from left to right."""
    total: int | None = start
    if pool.ops[start] == "constant" and str(pool.operands[start][0]) == "-0.0":
        total = None  # changes no bit of what is added to it
    for i in range(line.first, line.first + line.count):
        total = add(pool, total, p.terms[i], slots)
    return start if total is None else total


# -- products in which a 0 wins --------------------------------------------------------------------


def _plain(pool: Pool, traced: _Traced) -> tuple[list[int], int] | None:
    """The outputs with plain products, and a value that is finite only if they are right.

    None if there is little to gain. Products that guards and loops depend on stay as they are.
    """
    asked = [v for guard in traced.guards for v in (guard.a, guard.b)]
    kept = set(pool.cone([*asked, *pool.items_before(traced.outputs)]))
    cone = [v for v in pool.cone(traced.outputs) if v not in kept]
    if sum(pool.ops[v] in _PLAIN for v in cone) <= _FEW:
        return None
    now: dict[int, int] = {}
    products = []
    for v in cone:
        if not pool.is_leaf(v):
            op, operands = pool.ops[v], [now.get(u, u) for u in pool.operands[v]]
            now[v] = pool.add(_PLAIN.get(op, op), *operands)
            if op in _PLAIN:
                products.append(now[v])
    outputs = [now.get(v, v) for v in traced.outputs]
    return outputs, pool.sum(_to_check(pool, outputs, products))


def _to_check(pool: Pool, outputs: list[int], products: list[int]) -> list[int]:
    """Values of which one is not finite if a product is nan.

    A product that is nan shows in what is computed from it. Of those that nothing else shows, either
    the product is checked, or both factors, which is less work where many products share them.
    """
    unseen = set(products)
    shows: set[int] = set()  # nan in these leads to one in a product that is checked
    to_see = []
    for v in reversed(pool.cone(outputs)):
        if v in unseen and v not in shows:
            to_see.append(v)
            shows.add(v)
        if v in shows and pool.ops[v] in _PASSES_NAN:
            shows.update(pool.uses[v])
    count: dict[int, int] = {}
    for v in to_see:
        for factor in set(pool.uses[v]):
            count[factor] = count.get(factor, 0) + 1
    checked: set[int] = set()
    for v in to_see:
        factors = set(pool.uses[v])
        numbers = {f for f in factors if pool.ops[f] == "constant"}
        finite = all(math.isfinite(pool.operands[f][0]) for f in numbers)
        if finite and all(count[f] >= _SHARED for f in factors - numbers):
            checked |= factors - numbers
        else:
            checked.add(v)
    return sorted(checked)


# -- blocks ----------------------------------------------------------------------------------------


class Both(NamedTuple):
    """Compute two values that are partners."""

    first: int
    second: int


class Run(NamedTuple):
    """Run a loop, whose results are values in a row."""

    loop: Loop
    items: range


class Branch(NamedTuple):
    """Leave the block if a guard does not come out as expected: for another, or (None) the function."""

    guard: Guard
    target: int | None


class Check(NamedTuple):
    """Leave the block for another if a value is not finite."""

    value: int
    target: int


class Write(NamedTuple):
    """Write an output."""

    output: int
    value: int


class Next(NamedTuple):
    """Go on with another block, or (None) be done."""

    target: int | None


Step = int | Both | Run | Branch | Check | Write | Next  # an int: compute that value


def uses_of(pool: Pool, step: Step) -> Sequence[int]:
    """The values that a step needs."""
    if isinstance(step, int):
        return pool.uses[step]
    if isinstance(step, Both):
        return pool.uses[step.first]
    if isinstance(step, Run):
        return pool.uses[step.items[0]]
    if isinstance(step, Branch):
        return (step.guard.a, step.guard.b)
    return (step.value,) if isinstance(step, Check | Write) else ()


def computes(step: Step) -> tuple[int, ...]:
    """The values that a step computes."""
    if isinstance(step, int):
        return (step,)
    if isinstance(step, Run):
        return tuple(step.items)
    return tuple(step) if isinstance(step, Both) else ()


class _Fork(NamedTuple):
    """Where something branches off: how much is computed there, and which step leads away."""

    computed: int
    block: int
    step: int
    path: Path | None
    guard: int  # of the path, to go on with
    outputs: list[int]  # what to do in the place of a path


class Blocks:
    """The blocks of a function; the first is where it begins, and each leads only to later ones."""

    def __init__(self, pool: Pool, root: Path | Body, most: int | None) -> None:
        """most: values in a block, after which the next one begins."""
        self.pool, self.most = pool, most
        self.all: list[list[Step]] = []
        self.last: dict[int, int] = {}  # for values that later blocks use, too, the last of these
        self._home: dict[int, int] = {}  # of values computed on this path, the block that did
        self._log: list[int] = []  # those values, in order
        self._traced: dict[int, _Traced] = {}
        self._forks: list[_Fork] = []  # still to be followed; the last one has the most computed
        self._begin()
        self._lay(root, 0)
        while self._forks:
            self._follow(self._forks.pop())

    @property
    def runs(self) -> list[Run]:
        """The loops that it has."""
        return [step for block in self.all for step in block if isinstance(step, Run)]

    @property
    def careful(self) -> set[int]:
        """The blocks that a check leads to."""
        return {step.target for block in self.all for step in block if isinstance(step, Check)}

    def _begin(self) -> int:
        self.all.append([])
        self._count = 0
        return len(self.all) - 1

    def _step(self, step: Step) -> None:
        block, home = len(self.all) - 1, self._home
        for v in uses_of(self.pool, step):
            if v in home and home[v] != block:
                self.last[v] = block
        self.all[-1].append(step)

    def _compute(self, v: int) -> None:
        if self.most is not None and self._count >= self.most:
            self.all[-1].append(Next(len(self.all)))
            self._begin()
        pair = self.pool.pair(v)
        step: Step
        # On this path the partner may be there already, from before the two met in the pool.
        step = v if pair is None or not self._home.keys().isdisjoint(pair) else Both(*pair)
        if v in self.pool.loops:
            loop, first = self.pool.loops[v]
            step = Run(loop, range(first, first + loop.results))
        self._step(step)
        for u in computes(step):
            self._home[u] = len(self.all) - 1
            self._log.append(u)
        self._count += 1

    def _need(self, roots: Iterable[int]) -> None:
        """Computes values, and before them what they are computed from."""
        missing = {v for v in roots if v not in self._home}
        stack = list(missing)
        while stack:
            for v in self.pool.uses[stack.pop()]:
                if v not in missing and v not in self._home:
                    missing.add(v)
                    stack.append(v)
        for v in sorted(missing):
            if v not in self._home and not self.pool.is_leaf(v):
                self._compute(v)

    def _read(self, path: Path | Body) -> _Traced:
        if id(path) not in self._traced:
            self._traced[id(path)] = _read(path, self.pool)
        return self._traced[id(path)]

    def _lay(self, path: Path | Body, first: int) -> None:
        """The rest of a path, from a guard on; what branches off is left for later."""
        traced = self._read(path)
        for i, guard in enumerate(traced.guards[first:], first):
            self._need((guard.a, guard.b))
            self._step(Branch(guard, None))
            if i in path.branches:
                branch = path.branches[i]
                self._fork(branch, self._in_common(traced, self._read(branch), i), [])
        outputs = traced.outputs
        plain = _plain(self.pool, traced)
        if plain is not None:
            outputs, check = plain
            self._need([check])
            self._step(Check(check, 0))
            self._fork(None, 0, traced.outputs)
        self._write(outputs)

    def _fork(self, path: Path | None, guard: int, outputs: list[int]) -> None:
        """Notes what branches off at the last step."""
        block, step = len(self.all) - 1, len(self.all[-1]) - 1
        self._forks.append(_Fork(len(self._log), block, step, path, guard, outputs))

    @staticmethod
    def _in_common(one: _Traced, other: _Traced, guard: int) -> int:
        """The guard of the other path to go on with when one path was left at a guard."""
        a, b = one.guards[guard], other.guards[guard : guard + 1]
        alike = one.guards[:guard] == other.guards[:guard] and b == [
            a._replace(outcome=not a.outcome)
        ]
        return guard + 1 if alike else 0

    def _follow(self, fork: _Fork) -> None:
        """What branches off, in blocks of its own, from what was computed there."""
        for v in self._log[fork.computed :]:
            del self._home[v]
        del self._log[fork.computed :]
        target = self._begin()
        step: Any = self.all[fork.block][fork.step]
        self.all[fork.block][fork.step] = step._replace(target=target)
        if fork.path is not None:
            self._lay(fork.path, fork.guard)
        elif self.most is not None:
            self._write(fork.outputs)
        else:  # begins anew, as a function of its own: what it needs would be kept along the other
            kept = self._home, self._log
            self._home, self._log = {}, []
            self._write(fork.outputs)
            self._home, self._log = kept

    def _write(self, outputs: list[int]) -> None:
        order = range(len(outputs))
        self._need(self.pool.items_before(outputs))  # which may fail: then nothing is written
        if self.most is None:
            self._need(outputs)
        for i in order if self.most is None else sorted(order, key=outputs.__getitem__):
            self._need([outputs[i]])
            self._step(Write(i, outputs[i]))
        self._step(Next(None))
