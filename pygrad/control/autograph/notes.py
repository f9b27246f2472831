"""What code does, noted at its syntax tree: which names statements assign and read, and how they may leave.

A function is read once, its parts before the whole, so that nothing is walked again for what stands around
it. Functions within are read with it, each as a scope of its own.

>>> import ast
>>> scope = Scope(ast.parse("def f(xs):\\n for i in xs: a = [b for b in i]; c = d").body[0])
>>> sorted(scope.stored), sorted(scope.reads)
(['a', 'c', 'i'], ['b', 'd', 'i', 'xs'])
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

from pygrad.control.autograph.dividing import as_comparisons
from pygrad.control.autograph.trees import parts

# How a statement may leave: the function; a loop around it, or a trip of that.
RETURNS, BREAKS = 1, 2
# What evaluating an expression may do: assign, or wait; change anything.
ASSIGNS, CHANGES = 1, 2
_NO_EFFECT = (
    ast.Name, ast.Constant, ast.BinOp, ast.UnaryOp, ast.Attribute, ast.Compare, ast.Tuple, ast.IfExp,
    ast.BoolOp, ast.Subscript,
)  # fmt: skip
# These see a function's variables by name; the latter two without an argument.
_SEEING = {"locals", "eval", "exec", "vars", "dir"}
_OF_ANOTHER = {"vars", "dir"}


class Notes:
    """Of a statement, with all that stands in it."""

    __slots__ = ("ends", "leaves", "reads", "stored")

    def __init__(self) -> None:
        self.stored: set[str] = set()  # names that it assigns, in its own scope
        self.reads: dict[str, int] = {}  # how often it reads names; in functions in it, too
        self.leaves = 0  # RETURNS, BREAKS, both or neither
        self.ends = False  # whether what stands after it is never reached

    def read(self, name: str) -> None:
        self.reads[name] = self.reads.get(name, 0) + 1

    def add(self, other: Notes) -> None:
        self.stored |= other.stored
        self.leaves |= other.leaves
        self.add_reads(other.reads)

    def add_reads(self, reads: dict[str, int]) -> None:
        mine = self.reads
        for name, count in reads.items():
            mine[name] = mine.get(name, 0) + count


class Scope:
    """Of a function's body, or of a class's."""

    def __init__(self, node: Any = None) -> None:
        self.stored: set[str] = set()
        self.reads: dict[str, int] = {}
        self.globals: set[str] = set()
        self.nonlocals: set[str] = set()
        self.changed: set[str] = set()  # names that branches and loops assign, or functions in it
        self.rebound: set[str] = set()  # names after nonlocal, also of functions in it
        self.inner: set[str] = set()  # names that functions and classes in it read
        self.waits = isinstance(node, ast.AsyncFunctionDef)  # whether a call does not run it
        self.seeing: tuple[str, int] | None = None  # who sees its variables by name, in which line
        if node is not None:
            notes = Notes()
            reader = _Reader(self, notes)
            for each in node.body if isinstance(node.body, list) else [node.body]:
                reader.visit(each)
            self.stored, self.reads = notes.stored, notes.reads
            self.changed |= self.rebound


def scope_of(function: Any) -> Scope:
    """A function's scope, which is read once."""
    if not hasattr(function, "scope"):
        function.scope = Scope(function)
    return function.scope  # type: ignore[no-any-return]


def notes_of(statement: Any) -> Notes:
    """A statement's notes; made here for one that the conversion has made."""
    if not hasattr(statement, "notes"):
        _Reader(Scope(), Notes()).visit(statement)
    return statement.notes  # type: ignore[no-any-return]


def stored(statements: Iterable[ast.stmt]) -> set[str]:
    """The names that statements assign in their own scope: all but those of functions, classes and
    comprehensions in them."""
    found: set[str] = set()
    for each in statements:
        found |= notes_of(each).stored
    return found


def ends(statements: Iterable[ast.stmt]) -> bool:
    """Whether what stands after these statements is never reached."""
    return any(notes_of(each).ends for each in statements)


def may(effect: int, expressions: Iterable[Any]) -> bool:
    """Whether evaluating one of these ASSIGNS, or CHANGES anything."""
    for each in expressions:
        if not hasattr(each, "effects"):
            _Reader(Scope(), Notes()).visit(each)
        if each.effects & effect:
            return True
    return False


class _Reader(ast.NodeVisitor):
    """Reads the statements of one scope. What visits give are the effects of expressions."""

    def __init__(self, scope: Scope, notes: Notes) -> None:
        self.scope, self.notes = scope, notes
        self.comprehends = 0  # how many comprehensions it is in, whose targets are their own

    def visit(self, node: Any) -> int:
        read = getattr(self, f"visit_{type(node).__name__}", self.parts)
        if not isinstance(node, ast.stmt):
            node.effects = effects = read(node)
            return effects  # type: ignore[no-any-return]
        notes = getattr(node, "notes", None)
        if notes is None:
            around, self.notes = self.notes, Notes()
            read(node)
            notes, self.notes = self.notes, around
            node.notes = notes  # type: ignore[attr-defined]
        self.notes.add(notes)
        return CHANGES

    def parts(self, node: ast.AST, without: str = "") -> int:
        effects = 0 if isinstance(node, _NO_EFFECT) else CHANGES
        for part in parts(node, without):
            effects |= self.visit(part)
        return effects

    # -- names -----------------------------------------------------------------------------------

    def visit_Constant(self, node: ast.Constant) -> int:
        return 0

    def visit_Name(self, node: ast.Name) -> int:
        if not isinstance(node.ctx, ast.Store):
            self.notes.read(node.id)
        if not isinstance(node.ctx, ast.Load) and not self.comprehends:
            self.notes.stored.add(node.id)
        return 0

    def visit_NamedExpr(self, node: ast.NamedExpr) -> int:
        self.notes.stored.add(node.target.id)
        self.visit(node.value)
        return ASSIGNS | CHANGES

    def visit_AugAssign(self, node: ast.AugAssign) -> int:
        if isinstance(node.target, ast.Name):
            self.notes.read(node.target.id)
        return self.parts(node)

    def visit_alias(self, node: ast.alias) -> int:
        self.notes.stored.add((node.asname or node.name).partition(".")[0])
        return CHANGES

    def _named(self, node: Any) -> int:
        if node.name:
            self.notes.stored.add(node.name)
        return self.parts(node)

    visit_ExceptHandler = visit_MatchAs = visit_MatchStar = _named

    def visit_MatchMapping(self, node: Any) -> int:
        if node.rest:
            self.notes.stored.add(node.rest)
        return self.parts(node)

    def visit_Global(self, node: ast.Global) -> int:
        self.scope.globals.update(node.names)
        return CHANGES

    def visit_Nonlocal(self, node: ast.Nonlocal) -> int:
        self.scope.nonlocals.update(node.names)
        self.scope.rebound.update(node.names)
        return CHANGES

    # -- statements that may leave, and those that may be left -----------------------------------

    def visit_Return(self, node: ast.Return) -> int:
        self.notes.leaves, self.notes.ends = RETURNS, True
        return self.parts(node)

    def visit_Raise(self, node: ast.Raise) -> int:
        self.notes.ends = True
        return self.parts(node)

    def _break(self, node: ast.stmt) -> int:
        self.notes.leaves, self.notes.ends = BREAKS, True
        return CHANGES

    visit_Break = visit_Continue = _break

    def _loop(self, node: Any) -> int:
        self.parts(node, "orelse")
        self.notes.leaves &= RETURNS
        for each in node.orelse:
            self.visit(each)
        return self._branch()

    def _branch(self) -> int:
        self.scope.changed |= self.notes.stored
        return CHANGES

    visit_While = visit_For = visit_AsyncFor = _loop

    def visit_If(self, node: ast.If) -> int:
        self.parts(node)
        self.notes.ends = ends(node.body) and ends(node.orelse)
        return self._branch()

    def visit_Try(self, node: ast.Try) -> int:
        self.parts(node)
        return CHANGES if as_comparisons(node) is None else self._branch()

    # -- expressions -----------------------------------------------------------------------------

    def visit_Call(self, node: ast.Call) -> int:
        name = getattr(node.func, "id", "")
        if name in _SEEING and not (name in _OF_ANOTHER and node.args):
            self.scope.seeing = self.scope.seeing or (name, node.lineno)
        return self.parts(node)

    def _wait(self, node: ast.expr) -> int:
        self.scope.waits = True
        return self.parts(node) | ASSIGNS

    visit_Yield = visit_YieldFrom = visit_Await = _wait

    def _comprehension(self, node: ast.expr) -> int:
        self.comprehends += 1
        effects = self.parts(node)
        self.comprehends -= 1
        return effects

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    # -- functions and classes -------------------------------------------------------------------

    def _function(self, node: Any) -> int:
        if not isinstance(node, ast.Lambda):
            self.notes.stored.add(node.name)
        effects = self.parts(node, "body")
        node.scope = inner = Scope(node)
        self.notes.add_reads(inner.reads)
        self.scope.inner.update(inner.reads)
        self.scope.rebound |= inner.rebound
        return effects | CHANGES

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = visit_Lambda = _function
