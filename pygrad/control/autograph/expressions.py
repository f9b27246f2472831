"""Expressions of converted code: those that ask for a truth ask the run time, and calls may be of others.

`a if t else b`, `and`, `or`, `not` and chains of comparisons become calls of ag__, with what may be
evaluated in functions of their own. A name that may be unassigned is read by ag__.ld().
"""

from __future__ import annotations

import ast
from typing import Any

from pygrad.control.autograph.names import arguments

AG = "ag__"
_NO_EFFECT = (
    ast.Name, ast.Constant, ast.BinOp, ast.UnaryOp, ast.Attribute, ast.Compare, ast.Load, ast.operator,
    ast.unaryop, ast.cmpop, ast.Tuple, ast.IfExp, ast.BoolOp, ast.boolop, ast.Subscript,
)  # fmt: skip
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
    return ast.Call(ast.Attribute(ast.Name(AG, ast.Load()), name, ast.Load()), list(args), [])


def thunk(body: ast.expr) -> ast.Lambda:
    nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    return ast.Lambda(nothing, body)


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

    # -- names -----------------------------------------------------------------------------------

    def mangled(self, name: str) -> str:
        if self.owner and name.startswith("__") and not name.endswith("__"):
            return f"_{self.owner.lstrip('_')}{name}"
        return name

    def visit_Name(self, node: ast.Name) -> Any:
        node.id = self.mangled(node.id)
        if isinstance(node.ctx, ast.Load) and node.id in self.checked:
            return ast.copy_location(call("ld", node, ast.Constant(node.id)), node)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        node.attr = self.mangled(node.attr)
        return self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        self.generic_visit(node)
        if not isinstance(node.ctx, ast.Load) or isinstance(node.slice, ast.Slice | ast.Constant):
            return node
        return ast.copy_location(
            call("item", self.number_of(node), node.value, _index(node.slice)), node
        )

    # -- truths ----------------------------------------------------------------------------------

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        if assigns(node.body) or assigns(node.orelse):
            return self._as_it_is(node)
        number = self.number_of(node, pure=_is_pure(node.body) and _is_pure(node.orelse))
        self.generic_visit(node)
        made = call("choose", number, node.test, thunk(node.body), thunk(node.orelse))
        return ast.copy_location(made, node)

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        if any(map(assigns, node.values[1:])):
            return self._as_it_is(node)
        number = self.number_of(node, pure=all(map(_is_pure, node.values[1:])))
        self.generic_visit(node)
        name = "and_" if isinstance(node.op, ast.And) else "or_"
        first, *others = node.values
        return ast.copy_location(call(name, number, first, *map(thunk, others)), node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Not):
            return node
        return ast.copy_location(call("not_", node.operand), node)

    def visit_Compare(self, node: ast.Compare) -> Any:
        names = [type(op).__name__ for op in node.ops]
        if len(node.ops) == 1 and not isinstance(node.ops[0], ast.In | ast.NotIn):
            return self.generic_visit(node)
        if any(map(assigns, node.comparators)):
            return self._as_it_is(node)
        number = self.number_of(node, pure=all(map(_is_pure, node.comparators)))
        self.generic_visit(node)
        others = map(thunk, node.comparators[1:])
        made = call(
            "compared",
            number,
            ast.Constant(" ".join(names)),
            node.left,
            node.comparators[0],
            *others,
        )
        return ast.copy_location(made, node)

    def _as_it_is(self, node: ast.expr) -> Any:
        """With names and calls converted only: there is an assignment in what may not be evaluated."""
        return self.generic_visit(node)

    # -- calls and functions ---------------------------------------------------------------------

    def visit_Call(self, node: ast.Call) -> Any:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        self.generic_visit(node)
        if name == "super" and not node.args and self.first is not None:
            node.args = [ast.Name("__class__", ast.Load()), ast.Name(self.first, ast.Load())]
            return ast.fix_missing_locations(ast.copy_location(node, node))
        if name in _KEPT:
            return node
        node.func = ast.copy_location(call("call", self.number_of(node), node.func), node.func)
        return node

    def visit_Lambda(self, node: ast.Lambda) -> Any:
        inner = set(arguments(node.args))
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
        return ast.Tuple([_index(item) for item in node.elts], ast.Load())
    return node


def assigns(node: ast.AST) -> bool:
    """Whether evaluating it assigns, or waits: a function of its own does that for itself alone."""
    return any(isinstance(each, ast.NamedExpr | ast.Yield | ast.Await) for each in ast.walk(node))


def _is_pure(node: ast.AST) -> bool:
    """Whether evaluating it changes nothing."""
    return all(isinstance(each, _NO_EFFECT) for each in ast.walk(node))
