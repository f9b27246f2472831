"""Which names a function's code assigns and reads, scope by scope.

>>> import ast
>>> tree = ast.parse("for i in xs: a = [b for b in i]; c = d")
>>> sorted(stored(tree.body)), sorted(loaded(tree.body))
(['a', 'c', 'i'], ['b', 'd', 'i', 'xs'])
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Any

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SCOPES = (*FUNCTIONS, ast.ClassDef)


def stored(nodes: Iterable[ast.AST]) -> set[str]:
    """The names that code assigns in its own scope: all but those of functions, classes and comprehensions
    in it."""
    return set(_stored(nodes))


def _stored(nodes: Iterable[ast.AST], inner: bool = False) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
            yield from _stored([*node.decorator_list, *_defaults(node)], inner)
        elif isinstance(node, ast.Lambda):
            yield from _stored(_defaults(node), inner)
        elif isinstance(node, _COMPREHENSIONS):
            yield from _stored(ast.iter_child_nodes(node), True)
        elif isinstance(node, ast.NamedExpr):
            yield from _stored([node.target], False)
            yield from _stored([node.value], inner)
        else:
            yield from _named(node, inner)
            yield from _stored(ast.iter_child_nodes(node), inner)


def _named(node: ast.AST, inner: bool) -> Iterator[str]:
    if isinstance(node, ast.Name):
        if not inner and not isinstance(node.ctx, ast.Load):
            yield node.id
    elif isinstance(node, ast.alias):
        yield (node.asname or node.name).partition(".")[0]
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
        if node.name:
            yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest


def _defaults(node: Any) -> list[ast.expr]:
    if isinstance(node, ast.ClassDef):
        return [*node.bases, *[keyword.value for keyword in node.keywords]]
    return [d for d in (*node.args.defaults, *node.args.kw_defaults) if d is not None]


def arguments(args: ast.arguments) -> list[str]:
    """The names of a function's parameters."""
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs]
    return [arg.arg for arg in (*every, args.vararg, args.kwarg) if arg is not None]


def loaded(nodes: Iterable[ast.AST]) -> set[str]:
    """The names that code reads, in functions in it, too; what is added to or deleted is read."""
    found = set()
    for root in nodes:
        for node in ast.walk(root):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store):
                found.add(node.id)
            elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                found.add(node.target.id)
    return found


def declared(nodes: Iterable[ast.AST], kind: type) -> set[str]:
    """The names after `global` or `nonlocal` in the code's own scope."""
    found: list[Any] = [node for node in own(nodes) if isinstance(node, kind)]
    return {name for node in found for name in node.names}


def own(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """All nodes of a scope, without what is in functions and classes in it."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _SCOPES):
            waiting += ast.iter_child_nodes(node)


def rebound_within(nodes: Iterable[ast.AST]) -> set[str]:
    """The names that functions in the code rebind by `nonlocal`."""
    return {
        name
        for root in nodes
        for node in ast.walk(root)
        if isinstance(node, ast.Nonlocal)
        for name in node.names
    }


def exits(nodes: Iterable[ast.AST], loops: bool = False) -> bool:
    """Whether code may leave what it stands in: by return, or by break or continue of a loop around it."""
    for node in nodes:
        if isinstance(node, ast.Return) or (
            not loops and isinstance(node, ast.Break | ast.Continue)
        ):
            return True
        if isinstance(node, _SCOPES):
            continue
        if isinstance(node, ast.While | ast.For | ast.AsyncFor):
            if exits(node.body, True) or exits(node.orelse, loops):
                return True
        elif exits(ast.iter_child_nodes(node), loops):
            return True
    return False


def returns(node: ast.AST) -> bool:
    """Whether there is a return in it, of the function that it is in."""
    return any(isinstance(each, ast.Return) for each in own([node]))


def ends(statements: list[ast.stmt]) -> bool:
    """Whether what stands after these statements is never reached."""
    for node in statements:
        if isinstance(node, ast.Return | ast.Break | ast.Continue | ast.Raise):
            return True
        if isinstance(node, ast.If) and ends(node.body) and ends(node.orelse):
            return True
    return False
