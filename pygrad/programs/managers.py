"""Which exceptions the blocks of `with` around a frame do not let through, as their source tells.

The managers are on the frame's stack, where Python shows them to nobody: they are looked up by the names
that the statement has.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import linecache
from types import FrameType, FunctionType, ModuleType
from typing import Any

from pygrad.core.swallowing import has_handlers, swallowed_by, swallowed_by_kind

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def swallowed(frame: FrameType, kinds: list[type]) -> str:
    """The name of the first of these exceptions that such a block ends; "" where none is known to."""
    for expression in _managers(frame):
        classes = _swallowed_by(expression, frame)
        for kind in kinds:
            if classes is None or any(each is None or issubclass(kind, each) for each in classes):
                return kind.__name__
    return ""


def _managers(frame: FrameType) -> list[ast.expr]:
    """The expressions of the managers whose blocks a frame is in."""
    lines = linecache.getlines(frame.f_code.co_filename, frame.f_globals)
    if not any("with" in line for line in lines):
        return []
    return _managers_at("".join(lines), frame.f_code.co_name, frame.f_lineno)


@functools.lru_cache(64)
def _managers_at(source: str, function: str, line: int) -> list[ast.expr]:
    try:
        node: ast.AST = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return []
    found: list[ast.expr] = []
    inner: ast.AST | None = node
    while inner is not None:
        node, inner = inner, None
        for child in ast.iter_child_nodes(node):
            first = min([child, *getattr(child, "decorator_list", ())], key=_line)
            if _line(first) <= line <= (getattr(child, "end_lineno", None) or 0):
                inner = child
        if isinstance(inner, _FUNCTIONS):
            found = []  # the blocks that it was made in are left
        if isinstance(inner, ast.With | ast.AsyncWith) and inner.body[0].lineno <= line:
            found += [item.context_expr for item in inner.items]
    return found


def _line(node: ast.AST) -> int:
    return getattr(node, "lineno", 0) or 1 << 60


def _swallowed_by(expression: ast.expr, frame: FrameType) -> tuple[Any, ...] | None:
    """As `swallowed_by` says; () where it cannot be known."""
    if not isinstance(expression, ast.Call):
        manager = _meant(expression, frame)
        return () if manager is None else swallowed_by(manager)
    made_by = _meant(expression.func, frame)
    if made_by is contextlib.suppress:
        return tuple([each for arg in expression.args for each in _classes(arg, frame)])
    generator = getattr(made_by, "__wrapped__", None)
    if isinstance(made_by, FunctionType) and isinstance(generator, FunctionType):
        return None if has_handlers(generator.__code__) else ()
    return swallowed_by_kind(made_by) if isinstance(made_by, type) else ()


def _classes(expression: ast.expr, frame: FrameType) -> list[Any]:
    """The classes of exceptions that an expression names; None for what it is not plain of."""
    if isinstance(expression, ast.Tuple):
        return [each for item in expression.elts for each in _classes(item, frame)]
    return _flat(_meant(expression, frame))


def _flat(found: Any) -> list[Any]:
    if isinstance(found, tuple):
        return [each for part in found for each in _flat(part)]
    return [found if isinstance(found, type) and issubclass(found, BaseException) else None]


def _meant(expression: ast.expr, frame: FrameType) -> Any:
    """What a name stands for, or one in a module or a class; None if it is something else."""
    if isinstance(expression, ast.Name):
        for space in (frame.f_locals, frame.f_globals, frame.f_builtins):
            if expression.id in space:
                return space[expression.id]
    if isinstance(expression, ast.Attribute):
        holder = _meant(expression.value, frame)
        if isinstance(holder, ModuleType | type):
            return getattr(holder, expression.attr, None)
    return None
