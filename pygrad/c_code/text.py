"""Compiled functions as C: see Compiled.to_c() in compiled/function.py.

>>> from pygrad import compile
>>> text = compile(lambda x, y: 2.0 * x + y).to_c(2.0, 3.0, name="f")
>>> print(text[text.index("{\\n    out") :], end="")
{
    out[0] = in[1] + in[0] * 2.0;
    return 0;
}
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from pygrad.c_code.blocks import (
    Blocks,
    Both,
    Branch,
    Check,
    Next,
    Pool,
    Run,
    Step,
    Write,
    computes,
    uses_of,
)
from pygrad.c_code.comment import About, checked_name, comment, own_name, prototype
from pygrad.c_code.functions import (
    CONTRACTED,
    PARTNERS,
    SELDOM,
    apart,
    apart_defined,
    decides,
    definitions,
    expression,
    is_defined,
)
from pygrad.c_code.loops import Body, Known, Loop, levels
from pygrad.c_code.tables import FUNCTIONS as TABLE_FUNCTIONS
from pygrad.c_code.trips import FEW, Called, Rolled, back, forward
from pygrad.core.structure import key_of
from pygrad.programs.paths import Path, Paths

_ONE_FUNCTION = 5000  # steps; past this the time that C compilers take grows with the square
_PART = 200  # values in each of several functions
_LONG = 300  # characters of an expression that becomes a variable
_WIDTH = 96  # of a line
# Comparisons in a row; past this, inlined, compilers take time that grows with the square
_MANY = 100

# -- expressions -----------------------------------------------------------------------------------

_SUM, _PRODUCT, _MINUS, _ATOM = 1, 2, 3, 4
_INFIX = {
    "add": (" + ", _SUM),
    "sub": (" - ", _SUM),
    "mul": (" * ", _PRODUCT),
    "div": (" / ", _PRODUCT),
}


def _number(x: float) -> str:
    """A constant, exactly."""
    if math.isfinite(x):
        return repr(x)
    return "(double)NAN" if math.isnan(x) else f"{'-' if x < 0 else ''}(double)INFINITY"


class _Text:
    """The text of one block."""

    def __init__(self, function: _Function, number: int) -> None:
        self.function, self.number = function, number
        self.blocks, self.pool = function.blocks, function.blocks.pool
        self.steps = self.blocks.all[number]
        self.inline: dict[int, tuple[str, int]] = {}  # values that stand where they are used
        self.here: set[int] = set()  # values that have a variable in this block
        self.uses: dict[int, int] = {}
        for step in self.steps:
            for v in uses_of(self.pool, step):
                self.uses[v] = self.uses.get(v, 0) + 1
        self.lines: list[str] = []
        for step in self.steps:
            self._write(step)
        self.lines = _in_rows(self.lines)

    def _operand(self, v: int, binding: int = 0) -> str:
        """The text of a value, in brackets if it binds less tightly than is needed."""
        if v in self.inline:
            text, own = self.inline[v]
        else:
            text = self.function.place(v, v in self.here)
            own = _MINUS if text.startswith("-") else _ATOM
        return text if own >= binding else f"({text})"

    def _expression(self, v: int) -> tuple[str, int]:
        """What a value is computed by, and how tightly that binds."""
        op, operands = self.pool.ops[v], self.pool.operands[v]
        if op in _INFIX:
            sign, binding = _INFIX[op]
            left, right = operands
            if op == "add" and right in self.inline and self.inline[right][1] == _SUM:
                left, right = right, left
            # The right operand of equal binding needs its brackets: floats are not associative.
            return self._operand(left, binding) + sign + self._operand(right, binding + 1), binding
        if op == "neg":
            return "-" + self._operand(operands[0], _ATOM), _MINUS
        if op in CONTRACTED:
            return self.function.call(op, ", ".join(map(self._operand, operands))), _ATOM
        if op in TABLE_FUNCTIONS:
            x, *items = operands
            arguments = f"{self._operand(x)}, {self._table(f't{v}', items)}, {len(items)}"
            return self.function.call(op, arguments), _ATOM
        texts = dict(zip("xyw", map(self._operand, operands), strict=False))
        form = expression(op)
        if form is None:
            return self.function.call(op, ", ".join(texts.values())), _ATOM
        called_name, _, arguments = form.partition("(")
        filled = re.sub(r"\b[xyw]\b", lambda m: texts[m[0]], arguments.removesuffix(")"))
        return self.function.call(called_name, filled), _ATOM

    def _table(self, name: str, items: Sequence[int]) -> str:
        """An array of these values: where they stand in a row, or a table of the file if they are
        constants, or one of that name.
        """
        texts = tuple(map(self._operand, items))
        if all(self.function.is_constant(item) for item in items):
            return self.function.file.table(texts)
        if row := _row(texts):
            return row
        self._line(f"const double {name}[] = {{{', '.join(texts)}}};")
        self.function.on_stack += len(items)
        return name

    def _write(self, step: Step) -> None:
        if isinstance(step, int):
            self._write_value(step)
        elif isinstance(step, Both):
            self._write_both(*step)
        elif isinstance(step, Run):
            self._write_run(step)
        elif isinstance(step, Write):
            self._line(f"out[{step.output}] = {self._operand(step.value)};")
        elif isinstance(step, Branch):
            a, b = self._operand(step.guard.a), self._operand(step.guard.b)
            condition = f"{a} {step.guard.compare} {b}"
            condition = f"!({condition})" if step.guard.outcome else condition
            self._leave(condition, step.target)
        elif isinstance(step, Check):
            self._leave(f"!isfinite({self._operand(step.value)})", step.target, careful=True)
        elif isinstance(step, Next):
            self._line(f"return {step.target or 0};")

    def _leave(self, condition: str, target: int | None, careful: bool = False) -> None:
        self._line(f"if ({condition})")
        self.lines.append(f"    {self.function.leave(target, careful)}")

    def _write_value(self, v: int) -> None:
        op = self.pool.ops[v]
        text, binding = self._expression(v)
        alone = self.uses.get(v) == 1 and not self._is_shared(v)
        if alone and (op in _INFIX or op == "neg") and len(text) <= _LONG:
            self.inline[v] = text, binding
        else:
            self._define(v, text)

    def _write_both(self, first: int, second: int) -> None:
        op = self.pool.ops[first]
        operand = self._operand(self.pool.operands[first][0])
        both = self.function.call(f"{op}_and_{PARTNERS[op]}", operand)
        self._line(f"const struct {self.function.file.prefix}pair p{first} = {both};")
        self._define(first, f"p{first}.first")
        self._define(second, f"p{first}.second")

    def _write_run(self, step: Run) -> None:
        first = step.items[0]
        numbers, columns = step.loop.apart(self.pool.operands[first])
        name = self.function.loop(step.loop, numbers[step.loop.state])
        given = ", ".join(map(self._operand, numbers))
        arrays = [self._table(f"t{first}_{k}", items) for k, items in enumerate(columns)]
        self._line(f"const double a{first}[] = {{{given}}};")
        if columns:
            self._line(f"const double *const c{first}[] = {{{', '.join(arrays)}}};")
        self._line(f"double r{first}[{len(step.items)}];")
        self._line(f"if ({name}(a{first}, {f'c{first}, ' if columns else ''}r{first}))")
        self.lines.append(f"    return {-2 if self.function.in_parts else 2};")
        self.function.on_stack += len(numbers) + len(columns) + len(step.items)
        for i, v in enumerate(step.items):
            if self._is_shared(v):
                self._line(f"{self.function.place(v, False)} = r{first}[{i}];")
            if self.function.in_parts or not self._is_shared(v):
                self.inline[v] = f"r{first}[{i}]", _ATOM

    def _is_shared(self, v: int) -> bool:
        """Whether a value that is computed here has a place that other blocks read."""
        last = self.blocks.last.get(v, -1)
        if self.function.in_parts:
            return last > self.number
        return last >= 0 and self.number not in self.function.alone

    def _define(self, v: int, text: str) -> None:
        """A variable for a value, and its place among those that other blocks read."""
        used, shared = v in self.uses, self._is_shared(v)
        if used and not (shared and not self.function.in_parts):
            self._line(f"const double {self.function.place(v, True)} = {text};")
            text = self.function.place(v, True)
        self.here.add(v)
        if shared:
            self._line(f"{self.function.place(v, False)} = {text};")

    def _line(self, text: str) -> None:
        self.lines += _wrapped(text)


# -- the function ----------------------------------------------------------------------------------


class _File:
    """What functions in one text share: other functions, tables, loops."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix  # of all that stands at file scope
        self.tables: dict[tuple[str, ...], str] = {}  # names of arrays, by the text of their items
        self.functions: list[_Function] = []
        self.texts: list[str] = []  # functions, each after those that it calls
        self.bodies: dict[Body, Called] = {}
        self.loops: dict[Any, Called] = {}

    def add(self, function: _Function) -> None:
        self.functions.append(function)
        self.texts.append(function.text())

    def loop(self, loop: Loop, most: float) -> Called:
        """The function of a loop that makes no more trips."""
        kept = None if loop.back is None else levels(len(loop.kept), most)
        if (loop, kept) not in self.loops:
            body = self._body(loop.body)
            way = None if loop.back is None else self._body(loop.back)
            name = f"{self.prefix}loop_{len(self.loops)}"
            tables = [self.table(tuple(map(_number, x))) if x else "" for x in loop.tables]
            rolled = Rolled(loop, _number(loop.most), body, tables)
            if way is None or kept is None:
                text, stack = forward(name, rolled)
            else:
                text, stack = back(name, rolled, way, kept)
            self.texts.append(text)
            self.loops[loop, kept] = Called(name, True, stack)
        return self.loops[loop, kept]

    def _body(self, body: Body) -> Called:
        if body not in self.bodies:
            name = f"{self.prefix}body_{len(self.bodies)}"
            self.bodies[body] = Called(name, False, 0)  # the name is taken
            function = _Function(name, _blocks(body, Known()), True, self)
            self.add(function)
            self.bodies[body] = Called(name, bool(function.blocks.runs), function.stack)
        return self.bodies[body]

    def table(self, items: tuple[str, ...]) -> str:
        """The name of an array of constants."""
        return self.tables.setdefault(items, f"{self.prefix}table_{len(self.tables)}")

    def text(self) -> str:
        """All that stands at file scope."""
        careful = any(f.careful for f in self.functions)
        names = set[str]().union(*(f.called for f in self.functions))
        many = {name for f in self.functions for name, n in f.called.items() if n > _MANY}
        seldom = frozenset(names & set(SELDOM.values()) | set(filter(decides, many)))
        apart = careful or bool(seldom) or any(f.in_parts for f in self.functions)
        texts = [
            apart_defined(self.prefix) if apart else "",
            definitions(names, self.prefix, seldom),
            self._tables(),
            *self.texts,
        ]
        return "\n".join(filter(None, texts))

    def _tables(self) -> str:
        """Arrays of constants that functions read from."""
        lines: list[str] = []
        for items, name in self.tables.items():
            numbers = "0.0" if set(items) == {"0.0"} else ", ".join(items)
            lines += _wrapped(f"static const double {name}[{len(items)}] = {{{numbers}}};")
        return "\n".join([*lines, ""]) if lines else ""


class _Function:
    """A C function, in one piece or in parts that share an array w."""

    def __init__(self, name: str, blocks: Blocks, freeze: bool, file: _File) -> None:
        """The function of the name that the file's begin with is the one that is called from outside."""
        self.name, self.blocks, self.freeze, self.file = name, blocks, freeze, file
        self.is_inner = f"{name}_" != file.prefix
        self.pool = blocks.pool
        self.in_parts = blocks.most is not None
        self.careful = blocks.careful
        self.called: Counter[str] = Counter()
        self.below = 0  # bytes on the stack of what it calls
        self.on_stack = 0  # numbers in its own arrays but for w
        # Blocks that are functions of their own, and share no variable with the others.
        self.alone = set() if self.in_parts else self.careful
        self.slots, self.width = _slots(blocks) if self.in_parts else ({}, 0)
        self.bodies = [_Text(self, i).lines for i in range(len(blocks.all))]

    @property
    def stack(self) -> int:
        """Bytes that arrays take on the stack, also of what it calls."""
        return 8 * (self.width + self.on_stack) + self.below

    def loop(self, loop: Loop, control: int) -> str:
        """The name of a loop's function. control: how many trips there are, or whether it begins."""
        most = loop.most
        if loop.counts and (count := self._constant(control)) is not None:
            most = min(most, count) if count > 0.0 else 0.0
        called = self.file.loop(loop, most)
        self.below = max(self.below, called.stack)
        return called.name

    def place(self, v: int, here: bool) -> str:
        """Where a value stands, for a block that has a variable for it or not."""
        number = self._constant(v)
        if number is not None:
            return _number(number)
        if self.pool.is_leaf(v):
            return f"{self.pool.ops[v]}[{self.pool.operands[v][0]}]"
        return f"v{v}" if here or not self.in_parts else f"w[{self.slots[v]}]"

    def is_constant(self, v: int) -> bool:
        """Whether a value stands as a number in the text."""
        return self._constant(v) is not None

    def _constant(self, v: int) -> float | None:
        """The number as which a value stands in the text."""
        kind, operands = self.pool.ops[v], self.pool.operands[v]
        if kind == "constant":
            return operands[0]  # type: ignore[no-any-return]
        if kind == "captured" and self.freeze:
            return self.pool.values[operands[0]].data  # type: ignore[no-any-return]
        return None

    def call(self, function: str, arguments: str) -> str:
        # What is careful is seldom run, and would cost the rest registers and the compiler time.
        function = SELDOM.get(function, function) if self.careful else function
        self.called[function] += 1
        prefix = self.file.prefix if is_defined(function) else ""
        return f"{prefix}{function}({arguments})"

    def leave(self, target: int | None, careful: bool) -> str:
        """The statement that goes on in another block, or gives up."""
        if self.in_parts:
            return f"return {-1 if target is None else target};"
        if careful:
            return f"return {self.name}_careful_{target}({', '.join(self._arrays())});"
        return "return 1;" if target is None else f"goto path_{target};"

    def text(self) -> str:
        return self._parts() if self.in_parts else self._one()

    def _head(self) -> str:
        return ("static " if self.is_inner else "") + prototype(self.name, self.freeze)

    def _arrays(self) -> list[str]:
        return ["in", "out"] if self.freeze else ["in", "captured", "out"]

    def _defined(self, head: str, lines: Sequence[str], arrays: Sequence[str]) -> str:
        """A function's text; what keeps a compiler from complaining of arguments that are not used."""
        body = "\n".join(lines)
        unused = [f"(void){array};" for array in arrays if not re.search(rf"\b{array}\b", body)]
        indented = (x if x.startswith("path_") else f"    {x}" for x in [*unused, *lines])
        return "\n".join([head, "{", *indented, "}", ""])

    def _one(self) -> str:
        """One function, whose blocks begin at labels, and one for each careful block."""
        careful = sorted(self.careful)
        main = [i for i in range(len(self.bodies)) if i not in careful]
        text = []
        for i in careful:
            head = prototype(f"{self.name}_careful_{i}", self.freeze)
            text.append(
                apart(
                    self._defined(f"static {head}", self.bodies[i], self._arrays()),
                    self.file.prefix,
                )
            )
        lines = []
        if self.blocks.last:
            lines += _wrapped(
                "double " + ", ".join(f"v{v}" for v in sorted(self.blocks.last)) + ";"
            )
        for i in main:
            if len(main) == 1:
                lines += self.bodies[i]
                continue
            # Braces: C++ lets no jump pass the beginning of a variable that it could see.
            lines += [f"path_{i}:"] if i else []
            lines += ["{", *(f"    {line}" for line in self.bodies[i]), "}"]
        text.append(self._defined(self._head(), lines, self._arrays()))
        return "\n".join(text)

    def _parts(self) -> str:
        """A function for each block, which returns the number of the next, and one that calls them."""
        arrays = [*self._arrays(), "w"]
        text = []
        for i, block in enumerate(self.bodies):
            head = f"static {prototype(f'{self.name}_part_{i}', self.freeze)[:-1]}, double *w)"
            text.append(apart(self._defined(head, block, arrays), self.file.prefix))
        lines = [
            f"double w[{max(self.width, 1)}];",
            "int next = 0;",
            "do {",
            "    switch (next) {",
            *(
                f"    case {i}: next = {self.name}_part_{i}({', '.join(arrays)}); break;"
                for i in range(len(self.bodies))
            ),
            "    }",
            "} while (next > 0);",
            "return -next;",
        ]
        return "\n".join([*text, self._defined(self._head(), lines, arrays)])


_ITEM = re.compile(r"(\w+)\[(\d+)\]")
_ASSIGNED = re.compile(rf"{_ITEM.pattern} = ([^\[\]]*?){_ITEM.pattern}([^\[\]]*);")


def _row(texts: Sequence[str]) -> str:
    """Where an array begins whose items these are, one after the other; "" if there is none."""
    found = _ITEM.fullmatch(texts[0])
    if found is None:
        return ""
    array, at = found[1], int(found[2])
    if any(text != f"{array}[{at + i}]" for i, text in enumerate(texts)):
        return ""
    return f"{array} + {at}" if at else array


def _in_rows(lines: Sequence[str]) -> list[str]:
    """The same statements; where some in a row do the same for items in their order they are a loop."""
    found: list[str] = []
    i = 0
    while i < len(lines):
        one = _ASSIGNED.fullmatch(lines[i])
        count = 1
        if one is not None:
            to, first, before, source, begin, after = one.groups()
            at, where = int(first), int(begin)
            while lines[i + count : i + count + 1] == [
                f"{to}[{at + count}] = {before}{source}[{where + count}]{after};"
            ]:
                count += 1
        if one is not None and count >= FEW:
            places = [f"k + {start}" if start else "k" for start in (at, where)]
            found += [
                f"for (int k = 0; k < {count}; k++)",
                f"    {to}[{places[0]}] = {before}{source}[{places[1]}]{after};",
            ]
        else:
            found += lines[i : i + count]
        i += count
    return found


def _wrapped(text: str) -> list[str]:
    """A statement in lines of no more than the width."""
    lines = []
    while len(text) > _WIDTH and (cut := text.rfind(" ", 12, _WIDTH)) > 0:
        lines.append(text[:cut])
        text = "    " + text[cut + 1 :]
    return [*lines, text]


def _slots(blocks: Blocks) -> tuple[dict[int, int], int]:
    """Places in w for the values that blocks share, used again after the last block that needs them."""
    slots: dict[int, int] = {}
    free: list[int] = []
    ends: dict[int, list[int]] = {}
    for v, last in blocks.last.items():
        ends.setdefault(last, []).append(v)
    width = 0
    for number, block in enumerate(blocks.all):
        for v in (v for step in block for v in computes(step)):
            if v in blocks.last and v not in slots:
                if not free:
                    free.append(width)
                    width += 1
                slots[v] = free.pop()
        free += [slots[v] for v in ends.get(number, ())]
    return slots, width


# -- the whole -------------------------------------------------------------------------------------


def _blocks(root: Path | Body, known: Known) -> Blocks:
    """Blocks for one function, or for parts if that would be too long."""
    if root.instructions <= _ONE_FUNCTION:
        blocks = Blocks(Pool(known), root, None)
        if sum(map(len, blocks.all)) <= _ONE_FUNCTION:
            return blocks
    return Blocks(Pool(known), root, _PART)


def c_function(f: Any, title: str, key: Any, paths: Paths, name: str | None, freeze: bool) -> str:
    """C for the traced paths of a function that was compiled for one structure of arguments.

    Raises:
        ValueError: the name is not fit for C; or paths return what differs in structure.
    """
    name = own_name(title) if name is None else checked_name(name)
    results = {key_of(path.result.structure): path.result.structure for path in paths.all}
    if len(results) > 1:
        raise ValueError(
            f"{title}() returns {' on one path through it, and '.join(map(str, results.values()))} on "
            "another; a C function has the same outputs on every path"
        )
    assert paths.root is not None
    blocks = _blocks(paths.root, Known())
    branches = any(isinstance(step, Branch) for block in blocks.all for step in block)
    file = _File(f"{name}_")
    function = _Function(name, blocks, freeze, file)
    file.add(function)
    about = About(name, f, title, key, next(iter(results)), freeze)
    return (
        comment(about, blocks, len(paths.all) if branches else 0, function.stack)
        + f"\n#include <math.h>\n\n{_declared(prototype(name, freeze))}\n"
        + file.text()
    )


def _declared(head: str) -> str:
    return f'#ifdef __cplusplus\nextern "C" {{\n#endif\n{head};\n#ifdef __cplusplus\n}}\n#endif\n'
