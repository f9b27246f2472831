"""exec, eval and compile of lifted code: what they run is lifted, too."""

from __future__ import annotations
import __future__

import ast
import builtins
import copy
import functools
import operator
import sys
from types import CodeType, FrameType
from typing import Any

from pygrad.core import implementation
from pygrad.core.callers import warn_once
from pygrad.core.reading import codes_within
from pygrad.core.texts import reads_in_texts
from pygrad.lifting.builtin import MARK
from pygrad.lifting.rewriting import in_place

FUTURE = functools.reduce(
    operator.or_, [getattr(__future__, name).compiler_flag for name in __future__.all_feature_names]
)


def evaluate(source: Any, /, globals: Any = None, locals: Any = None) -> Any:
    """eval(source, globals, locals)"""
    if isinstance(source, str):
        source = source.lstrip(" \t")
    frame = sys._getframe(1)
    code, *spaces = _prepared(source, "eval", globals, locals, frame)
    return builtins.eval(code, *spaces)


def execute(source: Any, /, globals: Any = None, locals: Any = None, **named: Any) -> None:
    """exec(source, globals, locals)"""
    frame = sys._getframe(1)
    code, *spaces = _prepared(source, "exec", globals, locals, frame)
    builtins.exec(code, *spaces, **named)


def compiled(
    source: Any,
    filename: Any,
    mode: str,
    flags: int = 0,
    dont_inherit: bool = False,
    optimize: int = -1,
    **named: Any,
) -> Any:
    """compile(source, filename, mode, ...)"""
    if not dont_inherit:
        flags |= sys._getframe(1).f_code.co_flags & FUTURE
    if flags & ast.PyCF_ONLY_AST:
        return builtins.compile(source, filename, mode, flags, True, optimize, **named)
    if isinstance(source, ast.AST):
        tree = copy.deepcopy(source)
    else:
        tree = builtins.compile(
            source, filename, mode, flags | ast.PyCF_ONLY_AST, True, optimize, **named
        )
        _tell_of_numbers(tree)
    return builtins.compile(in_place(tree, True), filename, mode, flags, True, optimize, **named)


def _prepared(source: Any, mode: str, space: Any, own: Any, frame: FrameType) -> list[Any]:
    """Code, globals and locals as the builtin would take them from the frame that calls it."""
    if space is None:
        space, own = frame.f_globals, frame.f_locals if own is None else own
    elif isinstance(space, dict):
        space.setdefault("__builtins__", frame.f_builtins)
        space.setdefault(MARK, True)
    if not isinstance(source, CodeType):
        flags = frame.f_code.co_flags & FUTURE
        source = compiled(source, "<string>", mode, flags, True)
    for name in {name for part in codes_within(source) for name in part.co_names}:
        if name.startswith("__lifted_"):
            if space["__builtins__"] is not frame.f_builtins:
                space.setdefault(name, frame.f_builtins[name])
        elif type(space) is not dict and hasattr(space, "find"):
            space.find(name)
    return [source, space] if own is None else [source, space, own]


def _tell_of_numbers(tree: ast.AST) -> None:
    """Warns where a function that is differentiated runs code that has the number of a Value in it."""
    reads = list(implementation.noted_reads() or reads_in_texts())
    if not reads:
        return
    written = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    for v, line in reads:
        number = abs(implementation.stated.number_in(v))
        if any(type(item) in {float, int} and item == number for item in written):
            warn_once(
                "a text was made here of a Value, and is run as code with the number of the Value in it: "
                "what that computes has no derivative by it. Compute with the Value itself, or give it a "
                "name in the code, eval('f(x)', {'x': v})",
                line,
            )


RUNNING = {"eval": evaluate, "exec": execute, "compile": compiled}
