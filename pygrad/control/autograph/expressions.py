"""Expressions of converted code: those that ask for a truth ask the run time, and calls may be of others.

`a if t else b`, `and`, `or`, `not` and chains of comparisons become calls of ag__, with what may be
evaluated in functions of their own. A name that may be unassigned is read by ag__.ld().
"""

from __future__ import annotations

import ast
from typing import Any

from pygrad.control.autograph.notes import ASSIGNS, CHANGES, may
from pygrad.control.autograph.trees import (
    AG,
    LOAD,
    fields_of,
    mangled,
    new_function,
    parameters,
    placed,
)

_NO_PARAMETERS = new_function("none", [], []).args
# Of these what they are called by says what they do; calls of others go by the run time.
_KEPT = {
    "super",
    "locals",
    "vars",
    "dir",
    "globals",
    "isinstance",
    "len",
    "type",
    "print",
    "getattr",
}


def call(name: str, *args: ast.expr) -> ast.Call:
    """ag__.name(*args)"""
    return ast.Call(of_run_time(name), list(args), [])


def of_run_time(name: str) -> ast.expr:
    """ag__.name"""
    return ast.Attribute(ast.Name(AG, LOAD), name, LOAD)


def thunk(body: ast.expr) -> ast.Lambda:
    return ast.Lambda(_NO_PARAMETERS, body)


class Expressions(ast.NodeTransformer):
    """Converts expressions in place. checked: names that are read by ag__.ld()."""

    checked: set[str]
    first: str | None = None  # the function's first parameter, for super()
    owner: str = ""  # the class that a method is of: __names are its own

    def number_of(self, node: ast.AST, **facts: Any) -> ast.Constant:
        """A construct's number, under which the run time knows its line."""
        raise NotImplementedError

    def nested_function(self, node: Any) -> Any:
        raise NotImplementedError

    def visit(self, node: Any) -> Any:
        made = getattr(self, f"visit_{type(node).__name__}", self.generic_visit)(node)
        return made if made is node else placed(made, node)

    def generic_visit(self, node: ast.AST) -> Any:
        for name in fields_of(type(node)):
            part = getattr(node, name, None)
            if isinstance(part, ast.AST):
                setattr(node, name, self.visit(part))
            elif type(part) is list:
                part[:] = [self.visit(x) if isinstance(x, ast.AST) else x for x in part]
        return node

    # -- names -----------------------------------------------------------------------------------

    def mangled(self, name: str) -> str:
        return mangled(name, self.owner)

    def visit_Name(self, node: ast.Name) -> Any:
        node.id = self.mangled(node.id)
        if isinstance(node.ctx, ast.Load) and node.id in self.checked:
            return call("ld", node, ast.Constant(node.id))
        return node

    def visit_Constant(self, node: ast.Constant) -> Any:
        return node

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        node.attr = self.mangled(node.attr)
        return self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        self.generic_visit(node)
        if not isinstance(node.ctx, ast.Load) or isinstance(node.slice, ast.Slice | ast.Constant):
            return node
        return call("item", self.number_of(node), node.value, _index(node.slice))

    # -- truths ----------------------------------------------------------------------------------

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        if may(ASSIGNS, (node.body, node.orelse)):
            return self._as_it_is(node)
        number = self.number_of(node, pure=not may(CHANGES, (node.body, node.orelse)))
        self.generic_visit(node)
        return call("choose", number, node.test, thunk(node.body), thunk(node.orelse))

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        if may(ASSIGNS, node.values[1:]):
            return self._as_it_is(node)
        number = self.number_of(node, pure=not may(CHANGES, node.values[1:]))
        self.generic_visit(node)
        name = "and_" if isinstance(node.op, ast.And) else "or_"
        first, *others = node.values
        return call(name, number, first, *map(thunk, others))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Not):
            return node
        return call("not_", node.operand)

    def visit_Compare(self, node: ast.Compare) -> Any:
        names = [type(op).__name__ for op in node.ops]
        if len(node.ops) == 1 and not isinstance(node.ops[0], ast.In | ast.NotIn):
            return self.generic_visit(node)
        if may(ASSIGNS, node.comparators):
            return self._as_it_is(node)
        number = self.number_of(node, pure=not may(CHANGES, node.comparators))
        self.generic_visit(node)
        ops, (second, *others) = ast.Constant(" ".join(names)), node.comparators
        return call("compared", number, ops, node.left, second, *map(thunk, others))

    def _as_it_is(self, node: ast.expr) -> Any:
        """With names and calls converted only: there is an assignment in what may not be evaluated."""
        return self.generic_visit(node)

    # -- calls and functions ---------------------------------------------------------------------

    def visit_Call(self, node: ast.Call) -> Any:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        self.generic_visit(node)
        if name == "super" and not node.args and self.first is not None:
            names = ("__class__", self.first)
            node.args = [placed(ast.Name(each, LOAD), node) for each in names]
            return node
        if name in _KEPT:
            return node
        node.func = placed(call("call", self.number_of(node), node.func), node.func)
        return node

    def visit_Lambda(self, node: ast.Lambda) -> Any:
        inner = set(parameters(node.args))
        node.args.defaults = [self.visit(each) for each in node.args.defaults]
        node.args.kw_defaults = [each and self.visit(each) for each in node.args.kw_defaults]
        checked, self.checked = self.checked, self.checked - inner
        node.body = self.visit(node.body)
        self.checked = checked
        return node

    def _comprehension(self, node: Any) -> Any:
        own = {
            each.id
            for generator in node.generators
            for each in ast.walk(generator.target)
            if isinstance(each, ast.Name)
        }
        checked, self.checked = self.checked, self.checked - own
        node = self.generic_visit(node)
        self.checked = checked
        return node

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        return self.nested_function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> Any:
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        return node  # its methods are converted when they are called


def _index(node: ast.expr) -> ast.expr:
    """What stands between brackets, as an expression."""
    if isinstance(node, ast.Slice):
        ends = [end or ast.Constant(None) for end in (node.lower, node.upper, node.step)]
        return call("slice", *ends)
    if isinstance(node, ast.Tuple):
        return ast.Tuple([_index(item) for item in node.elts], LOAD)
    return node
