"""A function's source, converted and compiled: with its globals, variables, defaults and lines as before.

>>> from pygrad.control.autograph.source import converted
"""

from __future__ import annotations

import ast
import functools
import linecache
import operator
import weakref
from collections.abc import Callable
from types import CellType, CodeType, FunctionType
from typing import Any

from pygrad.control.autograph.calls import Callee
from pygrad.control.autograph.definitions import PREPARED, compiled, definition
from pygrad.control.autograph.errors import AutographError
from pygrad.control.autograph.notes import scope_of
from pygrad.control.autograph.places import take_for_own
from pygrad.control.autograph.runtime import Runtime
from pygrad.control.autograph.statements import Info, converted
from pygrad.control.autograph.trees import AG, enclosed, new_function
from pygrad.core.callables import original_module
from pygrad.core.callers import is_pygrads
from pygrad.core.reading import codes_within

# Under this name a function has another one that makes the same of a changed function within.
CHANGED = "__pygrad_changed__"
_FUNCTION = f"{AG}function"
_Of = tuple[Any, ...]
# What was made of functions, each with what it was made of: tools that reload modules exchange that.
_made: weakref.WeakKeyDictionary[FunctionType, tuple[_Of, Any]] = weakref.WeakKeyDictionary()


def convert(f: FunctionType, strict: bool = False) -> Any:
    """The function converted; itself where there is nothing to convert. strict: that is an error.

    Raises:
        AutographError: its source is not at hand, or cannot be converted.
    """
    of = (f.__code__, f.__defaults__, f.__kwdefaults__)
    known = _made.get(f)
    if (
        known is not None
        and all(map(operator.is_, known[0], of))
        and not (strict and known[1] is f)
    ):
        return known[1]
    changed = f.__dict__.get(CHANGED)
    made = None if changed is None else changed(lambda g: convert(g, strict))
    if made is None or (strict and made is f):
        made = _converted(f, strict)
    _made[f] = (of, made)
    return made


def _converted(f: FunctionType, strict: bool) -> Any:
    linecache.getlines(f.__code__.co_filename, f.__globals__)  # a loader may have it
    try:
        code, infos = _code(f.__code__, _mark(f), f.__globals__.get("__name__", ""))
    except AutographError:
        if strict:
            raise
        return f
    if code is None:
        if strict:
            raise AutographError(
                f"{f.__qualname__}() of {f.__code__.co_filename}, line {f.__code__.co_firstlineno}, is a "
                "generator or a coroutine: a call does not run it, so there is nothing to convert"
            )
        return f
    take_for_own(original_module(f.__module__))
    runtime = Runtime(
        f.__name__, f.__code__.co_filename, f.__code__, infos, Callee(convert, _scope(f))
    )
    cells = dict(zip(f.__code__.co_freevars, f.__closure__ or (), strict=True))
    cells[AG] = CellType(runtime)
    closure = tuple(cells[name] for name in code.co_freevars)
    made = FunctionType(code, f.__globals__, f.__name__, f.__defaults__, closure)
    made.__kwdefaults__ = f.__kwdefaults__
    made.__qualname__, made.__module__ = f.__qualname__, f.__module__
    made.__dict__.update(f.__dict__)
    return made


def _scope(f: FunctionType) -> Callable[[FunctionType], bool]:
    """Which functions are converted with f: those of its module; of a lifted one, those of its package."""
    space, mark = f.__globals__, _mark(f)
    top = str(space.get("__package__") or space.get("__name__", "")).partition(".")[0]

    def is_in(g: Any) -> bool:
        if not isinstance(g, FunctionType) or is_pygrads(g.__code__.co_filename):
            return False
        if g.__globals__ is space:
            return True
        theirs = g.__globals__
        name = str(theirs.get("__package__") or theirs.get("__name__", "")).partition(".")[0]
        return bool(mark) and mark in theirs and name == top

    return is_in


def _mark(f: FunctionType) -> str:
    return next((mark for mark in PREPARED if mark in f.__globals__), "")


@functools.lru_cache(maxsize=4096)
def _code(code: CodeType, mark: str, module: str) -> tuple[CodeType | None, list[Info]]:
    """The code of a converted function, and what is known of its constructs; None for a generator."""
    try:
        node, owner = definition(code, mark)
        node = _as_function(node)
        return (None, []) if scope_of(node).waits else _converted_code(node, owner, code)
    except AutographError as error:
        why = str(error)
    except RecursionError:
        why = "its blocks stand too deep in others; what follows an `if` that returns stands in one, too"
    raise AutographError(
        f"{code.co_name}() of {code.co_filename}, line {code.co_firstlineno}, cannot be converted: {why}"
    )


def _as_function(node: Any) -> Any:
    """A definition without what a function has already: a name, decorators, defaults and annotations."""
    if isinstance(node, ast.Lambda):
        body = ast.copy_location(ast.Return(node.body), node.body)
        args, made = node.args, new_function(_FUNCTION, [], [body])
        made.args = args
        node = ast.copy_location(made, node)
    args = node.args
    args.defaults = [_nothing(each) for each in args.defaults]
    args.kw_defaults = [each and _nothing(each) for each in args.kw_defaults]
    for each in (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg):
        if each is not None:
            each.annotation = None
    node.decorator_list, node.returns = [], None
    node.name = _FUNCTION  # or a function of its own name would be one of its variables
    return node


def _nothing(node: ast.expr) -> ast.expr:
    return ast.copy_location(ast.Constant(None), node)


def _converted_code(node: Any, owner: str, code: CodeType) -> tuple[CodeType, list[Info]]:
    node, infos = converted(node, owner)
    whole = compiled(enclosed(node, [*code.co_freevars, AG], owner), code)
    made = next(each for each in codes_within(whole) if each.co_name == _FUNCTION)
    names = {"co_name": code.co_name, "co_firstlineno": code.co_firstlineno}
    if hasattr(code, "co_qualname"):
        names["co_qualname"] = code.co_qualname
    return made.replace(**names), infos  # type: ignore[arg-type]
