"""Syntax trees: what nodes consist of, where they stand in the source, and functions made anew.

>>> import ast
>>> [type(part).__name__ for part in parts(ast.parse("a = b + 1").body[0])]
['Name', 'BinOp']
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

LOAD, STORE = ast.Load(), ast.Store()
AG = "ag__"  # the name by which converted code knows what it calls
# Fields of operators, names and the like: no node that matters stands there.
_PLAIN = {"ctx", "op", "ops", "id", "attr", "arg", "kind", "level", "module", "asname"}
_fields: dict[type, tuple[str, ...]] = {ast.Constant: ()}


def fields_of(kind: type) -> tuple[str, ...]:
    """The fields of a kind of nodes in which others stand."""
    found = _fields.get(kind)
    if found is None:
        every: tuple[str, ...] = kind._fields  # type: ignore[attr-defined]
        found = _fields[kind] = tuple([name for name in every if name not in _PLAIN])
    return found


def parts(node: ast.AST, without: str = "") -> list[Any]:
    """What a node consists of: the nodes right below, but for operators and those of one field."""
    found = []
    for name in fields_of(type(node)):
        part = getattr(node, name, None) if name != without else None
        if isinstance(part, ast.AST):
            found.append(part)
        elif type(part) is list:
            found += [each for each in part if isinstance(each, ast.AST)]
    return found


def placed(made: Any, at: Any) -> Any:
    """A new tree, whose nodes stand in the source where a node does: down to those that have a place."""
    new = [made]
    for node in new:
        if "lineno" in node._attributes:
            if hasattr(node, "lineno"):
                continue
            node.lineno, node.col_offset = at.lineno, at.col_offset
            node.end_lineno, node.end_col_offset = at.end_lineno, at.end_col_offset
        new += parts(node)
    return made


def parameters(args: ast.arguments) -> list[str]:
    """The names of a function's parameters."""
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs]
    return [arg.arg for arg in (*every, args.vararg, args.kwarg) if arg is not None]


def mangled(name: str, owner: str) -> str:
    """What a name in a class of that name is: another one if it is private."""
    owner = owner.lstrip("_")
    return f"_{owner}{name}" if owner and name.startswith("__") and name[-2:] != "__" else name


def new_function(name: str, parameters: Iterable[str], body: list[ast.stmt]) -> Any:
    """def name(parameters): body"""
    args = ast.arguments(
        posonlyargs=[],
        args=[ast.arg(each) for each in parameters],
        kwonlyargs=[],
        kw_defaults=[],
        defaults=[],
    )
    made: Any = ast.FunctionDef(name, args, body, [])
    if "type_params" in ast.FunctionDef._fields:  # from Python 3.12 on
        made.type_params = []
    return made


def enclosed(definition: Any, variables: Iterable[str], owner: str = "") -> ast.Module:
    """A module with a definition that has these variables, and no others, from around it. owner: the
    class that it is a method of, whose private names Python then makes of those in it."""
    names = set(variables)
    if owner:
        method = ast.ClassDef(owner, [], [], [definition], [])
        if "type_params" in ast.ClassDef._fields:  # from Python 3.12 on
            method.type_params = []  # type: ignore[attr-defined]
        around = new_function(f"{AG}around", sorted(names), [method])
    else:
        own: list[ast.stmt] = [] if definition.name in names else [ast.Global([definition.name])]
        around = new_function(f"{AG}around", sorted(names), [*own, definition])
    return ast.Module([placed(around, definition)], [])
