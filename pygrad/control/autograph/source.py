"""A function's source, converted and compiled: with its globals, variables, defaults and lines as before.

>>> from pygrad.control.autograph.source import converted
"""

from __future__ import annotations

import ast
import copy
import functools
import linecache
import weakref
from collections.abc import Callable, Iterator
from types import CellType, CodeType, FunctionType
from typing import Any, NamedTuple

from pygrad.control.autograph.calls import Callee
from pygrad.control.autograph.errors import AutographError
from pygrad.control.autograph.expressions import AG
from pygrad.control.autograph.names import arguments
from pygrad.control.autograph.places import take_for_own
from pygrad.control.autograph.runtime import Runtime
from pygrad.control.autograph.statements import Info, converted, is_generator
from pygrad.core.callables import original_module
from pygrad.core.callers import is_pygrads
from pygrad.core.reading import codes_within

_FUTURES = 0x1000000 | 0x100000  # annotations, generator_stop
# What is done with a source before it is converted, by a mark among a function's globals.
PREPARED: dict[str, Callable[[str], ast.Module]] = {}
# Under this name a function has another one that makes the same of a changed function within.
CHANGED = "__pygrad_changed__"
_FUNCTION = f"{AG}function"
_made: weakref.WeakKeyDictionary[FunctionType, Any] = weakref.WeakKeyDictionary()


def convert(f: FunctionType, strict: bool = False) -> Any:
    """The function converted; itself where there is nothing to convert. strict: that is an error.

    Raises:
        AutographError: its source is not at hand, or cannot be converted.
    """
    changed = f.__dict__.get(CHANGED)
    if f not in _made and changed is not None:
        _made[f] = changed(lambda g: convert(g, strict))
    if f not in _made or (strict and _made[f] is f):
        _made[f] = _converted(f, strict)
    return _made[f]


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


class _File(NamedTuple):
    tree: ast.Module
    codes: list[CodeType]


@functools.lru_cache(maxsize=16)
def _file(filename: str, source: str, mark: str, flags: int) -> _File:
    tree = PREPARED[mark](source) if mark else ast.parse(source)
    code = compile(tree, filename, "exec", flags, dont_inherit=True)
    return _File(tree, list(codes_within(code)))


@functools.lru_cache(maxsize=4096)
def _code(code: CodeType, mark: str, module: str) -> tuple[CodeType | None, list[Info]]:
    """The code of a converted function, and what is known of its constructs; None for a generator."""
    name, filename = code.co_name, code.co_filename
    where = f"{name}() of {filename}, line {code.co_firstlineno}, cannot be converted"
    source = "".join(linecache.getlines(filename))
    if not source:
        raise AutographError(
            f"{where}: its source is not at hand. Define it in a file or a notebook"
        )
    flags = code.co_flags & _FUTURES
    try:
        file = _file(filename, source, mark, flags)
    except (SyntaxError, ValueError) as error:
        raise AutographError(f"{where}: {error}") from None
    same = [each for each in file.codes if _is_place(each, code)]
    if not same or not any(set(each.co_names) <= set(code.co_names) for each in same):
        raise AutographError(f"{where}: its source is another by now")
    found = list(_definitions(file.tree, code, ""))
    if len(found) > 1:
        found = [each for each in found if _stands_at(each[0], code)]
    if len(found) != 1:
        raise AutographError(f"{where}: there are several functions in the line")
    node, owner = copy.deepcopy(found[0][0]), found[0][1]
    if isinstance(node, ast.Lambda):
        body: Any = ast.copy_location(ast.Return(node.body), node.body)
        made: Any = ast.FunctionDef(_FUNCTION, node.args, [body], [])
        if "type_params" in ast.FunctionDef._fields:
            made.type_params = []
        node = ast.copy_location(made, node)
    if is_generator(node):
        return None, []
    try:
        return _compiled(node, owner, code, flags)
    except AutographError as error:
        raise AutographError(f"{where}: {error}") from None


def _compiled(node: Any, owner: str, code: CodeType, flags: int) -> tuple[CodeType, list[Info]]:
    node.decorator_list = []
    node.args.defaults = [_nothing(each) for each in node.args.defaults]
    node.args.kw_defaults = [each and _nothing(each) for each in node.args.kw_defaults]
    node.returns = None
    for argument in ast.walk(node.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    node.name = _FUNCTION  # or a function of its own name would be one of its variables
    node, infos = converted(node, owner)
    # A function around it has the variables that it has from around it.
    free = sorted({*code.co_freevars, AG})
    around = ast.parse(f"def {AG}around({', '.join(free)}): pass").body[0]
    assert isinstance(around, ast.FunctionDef)
    around.body = [node]
    module = ast.fix_missing_locations(ast.Module([around], []))
    whole = compile(module, code.co_filename, "exec", flags, dont_inherit=True)
    made = next(each for each in codes_within(whole) if each.co_name == _FUNCTION)
    names = {"co_name": code.co_name, "co_firstlineno": code.co_firstlineno}
    if hasattr(code, "co_qualname"):
        names["co_qualname"] = code.co_qualname
    return made.replace(**names), infos  # type: ignore[arg-type]


def _nothing(node: ast.expr) -> ast.expr:
    return ast.copy_location(ast.Constant(None), node)


def _is_place(part: CodeType, code: CodeType) -> bool:
    return all(
        getattr(part, name) == getattr(code, name)
        for name in ("co_name", "co_firstlineno", "co_freevars", "co_argcount", "co_kwonlyargcount")
    )


def _definitions(tree: ast.AST, code: CodeType, owner: str) -> Iterator[tuple[Any, str]]:
    """The definitions that code may come from, and the class that each is a method of."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            if node.name == code.co_name and first == code.co_firstlineno:
                yield node, owner
        elif isinstance(node, ast.Lambda) and code.co_name == "<lambda>" and _takes(node, code):
            yield node, owner
        yield from _definitions(node, code, node.name if isinstance(node, ast.ClassDef) else owner)


def _takes(node: ast.Lambda, code: CodeType) -> bool:
    names = arguments(node.args)
    return node.lineno == code.co_firstlineno and tuple(names) == code.co_varnames[: len(names)]


def _stands_at(node: Any, code: CodeType) -> bool:
    """Whether the code of a lambda is that of a definition, by columns."""
    if not hasattr(code, "co_positions") or not isinstance(node, ast.Lambda):
        return False
    body = node.body
    columns = [
        (line, column)
        for line, _, column, _ in code.co_positions()
        if line is not None and column is not None and column > 0
    ]
    begin, end = (body.lineno, body.col_offset), (body.end_lineno, body.end_col_offset)
    return bool(columns) and all(begin <= each <= end for each in columns)
