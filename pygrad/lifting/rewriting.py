"""Code of lifted modules: calls of types that Values cannot stand in for call pygrad's functions instead.

>>> import ast
>>> print(ast.unparse(rewritten(ast.parse("y = float(x) if type(x) is not float else x"))))
y = __lifted_as_float__(x) if __lifted_kind_of__(x) is not float else x
"""

from __future__ import annotations

import ast
import re
from typing import Any

from pygrad.lifting.builtin import CALLS, is_callable_as

_NEEDED = re.compile(rf"\b(?:{'|'.join(CALLS)})\s*\(|\bmap\s*\(")


class _Rewriter(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> Any:
        self.generic_visit(node)
        node.func = _counterpart(node.func)
        if isinstance(node.func, ast.Name) and node.func.id == "map" and node.args:
            node.args[0] = _counterpart(node.args[0])
        return node


def _counterpart(function: ast.expr) -> ast.expr:
    if isinstance(function, ast.Name) and function.id in CALLS:
        return ast.copy_location(ast.Name(is_callable_as(CALLS[function.id]), ast.Load()), function)
    return function


def is_needed(source: str) -> bool:
    """Whether there is anything to rewrite."""
    return _NEEDED.search(source) is not None


def rewritten(tree: ast.Module) -> ast.Module:
    """The tree, changed in place: lines and columns stay."""
    _Rewriter().visit(tree)
    return tree
