"""`try: y = a / b` with a handler of ZeroDivisionError, as the `if b == 0` that it means.

In the body of a loop that stands in the program once operations do not raise, so that the handler would not
be run; the comparison is.

>>> import ast
>>> node = ast.parse("try: y = a / b\\nexcept ZeroDivisionError: y = 0.0").body[0]
>>> print(*map(ast.unparse, as_comparisons(node)))
if b == 0:
    y = 0.0
else:
    y = a / b
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from typing import Any

_MOST = 4  # statements of such a block, for each of which the handler is repeated
_HARMLESS = frozenset({"abs", "float", "max", "min"})  # builtins that do not divide


class _Other(Exception):
    """What may raise ZeroDivisionError otherwise, or is not to be computed twice."""


def as_comparisons(node: ast.AST) -> list[ast.stmt] | None:
    """What a statement does, with comparisons in the place of its handler; None if it is no such one."""
    if not isinstance(node, ast.Try) or node.orelse or node.finalbody or len(node.handlers) != 1:
        return None
    handler = node.handlers[0]
    caught = getattr(handler.type, "id", "")
    if caught != "ZeroDivisionError" or handler.name or len(node.body) > _MOST:
        return None
    if _leaves(handler.body):
        return None
    try:
        made = _compared(node.body, handler.body)
    except _Other:
        return None
    return made if any(isinstance(each, ast.If) for each in made) else None


def _leaves(statements: list[ast.stmt]) -> bool:
    """Whether a handler does more than to compute: it leaves, raises, or has blocks of its own."""
    simple = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Pass)
    return not all(isinstance(each, simple) for each in statements)


def _compared(body: list[ast.stmt], handled: list[ast.stmt]) -> list[ast.stmt]:
    """The statements one by one; before each that divides whether it can."""
    if not body:
        return []
    first, rest = body[0], _compared(body[1:], handled)
    divisors = list(_divisors(_computed(first)))
    if isinstance(first, ast.AugAssign) and isinstance(first.op, ast.Div | ast.FloorDiv | ast.Mod):
        divisors.append(first.value)
    if not divisors:
        return [first, *rest]
    tests: list[ast.expr] = [
        ast.Compare(copy.deepcopy(each), [ast.Eq()], [ast.Constant(0)]) for each in divisors
    ]
    test = tests[0] if len(tests) == 1 else ast.BoolOp(ast.Or(), tests)
    made = ast.If(test, copy.deepcopy(handled), [first, *rest])
    return [ast.fix_missing_locations(ast.copy_location(made, first))]


def _computed(node: ast.stmt) -> ast.expr:
    """The expression of a statement that assigns to variables alone."""
    if isinstance(node, ast.Assign) and all(
        isinstance(target, ast.Name) for target in node.targets
    ):
        return node.value
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        if isinstance(node.op, ast.Pow):
            raise _Other
        return node.value
    raise _Other


def _divisors(node: Any) -> Iterator[ast.expr]:
    """What an expression divides by, in the order in which it does."""
    if isinstance(node, ast.Constant | ast.Name):
        return
    if isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not):
        yield from _divisors(node.operand)
    elif isinstance(node, ast.Attribute):
        yield from _divisors(node.value)
    elif isinstance(node, ast.Subscript):
        yield from _divisors(node.value)
        yield from _divisors(node.slice)
    elif isinstance(node, ast.BinOp):
        yield from _divisors(node.left)
        yield from _divisors(node.right)
        if isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod):
            yield node.right
        elif isinstance(node.op, ast.Pow):
            exponent = node.right
            if isinstance(exponent, ast.UnaryOp) and isinstance(exponent.op, ast.USub):
                yield node.left
                exponent = exponent.operand
            if not isinstance(exponent, ast.Constant):
                raise _Other
    elif isinstance(node, ast.Call) and not node.keywords and _is_harmless(node.func):
        for each in node.args:
            yield from _divisors(each)
    else:
        raise _Other


def _is_harmless(function: ast.expr) -> bool:
    """Whether a call raises no ZeroDivisionError of its own."""
    if isinstance(function, ast.Attribute):
        return isinstance(function.value, ast.Name) and function.value.id == "math"
    return isinstance(function, ast.Name) and function.id in _HARMLESS
