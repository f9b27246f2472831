"""Code of lifted modules: calls of types that Values cannot stand in for call pygrad's functions instead.

>>> import ast
>>> print(ast.unparse(rewritten("y = float(x) if type(x) is not float else x")))
y = __lifted_as_float__(x) if __lifted_kind_of__(x) != float else x
>>> print(ast.unparse(rewritten("sorted(xs, key=float)")))
sorted(xs, key=__lifted_Float__)

Where such a type is named and not called, as a key or in a table, one stands for it that lets Values
through (kinds.py); not in annotations, comparisons, the arguments of isinstance() and the bases of classes.
What a function puts into an array of its own, `a[i] = v`, makes that an array of objects if v is a Value
(storing.py).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from pygrad.lifting.builtin import (
    ATTRIBUTES,
    BASE,
    BITS,
    CALLS,
    CLASS,
    CONSTRUCTORS,
    DECORATOR,
    INDEX,
    ITEM,
    METHODS,
    RAISED,
    SHOWN,
    SUPER,
    TEXT,
    TYPED,
    WHOLE,
    is_callable_as,
)
from pygrad.lifting.kinds import KINDS, OPERATORS
from pygrad.lifting.storing import slice_of, stored

_WHOLE = ("floor", "ceil", "trunc", "round", "rint")
_FOUND = ("bisect", "bisect_left", "bisect_right", "searchsorted", "digitize")
_NAMED = "|".join(
    [
        *CALLS,
        *METHODS,
        "_?dtype",
        *_WHOLE,
        *_FOUND,
        "super",
        "__class__",
        "raise",
        "dataclass",
        "attrs?",
    ]
)
_NEEDED = re.compile(rf"\b(?:{_NAMED})\b|[\"'][\s)]*%|[&|^]|<<|>>")
# A notebook's cell, and a module that has it from another one, do not say where np comes from.
_ARRAYS = re.compile(r"\b(?:numpy|np)\b|\b(?:array|asarray|empty|full|ones|zeros)(?:_like)?\(")
_INDEX, _ITEM, _PART = "__lifted_index__", "__lifted_item__", "__lifted_part__"
_OF_BITS = (ast.BitAnd, ast.BitOr, ast.BitXor, ast.LShift, ast.RShift)


class _Rewriter(ast.NodeTransformer):
    def __init__(self, arrays: bool) -> None:
        self.arrays = arrays  # whether there may be any
        self.own: set[str] = set()  # names that are the function's own
        self.whole: set[str] = set()  # of these, what floor() and its like, or bisect(), have given
        self.taken: set[str] = set()  # names of types that mean something else here
        self.exceptions: set[str] = set()  # classes of them
        self.texts = False  # whether what is visited makes an exception, whose texts show numbers

    # -- exceptions ------------------------------------------------------------------------------

    def visit_Raise(self, node: ast.Raise) -> Any:
        outer, self.texts = self.texts, True
        made = isinstance(node.exc, ast.Call) and _is_a_type(node.exc.func)
        self.generic_visit(node)
        self.texts = outer
        if made and isinstance(node.exc, ast.Call):
            kind = node.exc.func
            node.exc.func = ast.copy_location(ast.Call(_called(RAISED, kind), [kind], []), kind)
        return node

    def visit_FormattedValue(self, node: ast.FormattedValue) -> Any:
        self.generic_visit(node)
        if self.texts:
            node.value = _shown(node.value)
        return node

    # -- calls -----------------------------------------------------------------------------------

    def visit_Call(self, node: ast.Call) -> Any:
        function, name = node.func, _last(node.func)
        if name in {"isinstance", "issubclass"}:
            node.args[:1] = [self.visit(item) for item in node.args[:1]]
            return node
        kept = isinstance(function, ast.Name)
        if kept and name == "super" and node.args:
            node.func = _called(SUPER, node)
        if kept and name == "range":
            node.args = [self._as_index(item) for item in node.args]
        outer, self.texts = self.texts, self.texts or name in _TELLING
        typed = _holds_a_type(function)
        self.generic_visit(node)
        self.texts = outer
        if self.texts and name == "__init__" and _is_a_type(function):
            base: Any = function.value  # type: ignore[attr-defined]
            function.value = ast.copy_location(ast.Call(_called(BASE, base), [base], []), base)  # type: ignore[attr-defined]
        if self.texts and (name in {"str", "repr"} if kept else name == "format"):
            node.args = [
                item if isinstance(item, ast.Starred) else _shown(item) for item in node.args
            ]
            for keyword in node.keywords:
                keyword.value = _shown(keyword.value)
        if kept and name in CALLS and name not in self.taken:
            node.func = _called(CALLS[name], node)
        elif name in METHODS and (not kept or name in CONSTRUCTORS):
            node.args.insert(0, function if name in CONSTRUCTORS else function.value)  # type: ignore[attr-defined]
            node.func = _called(METHODS[name], node)
        elif typed:
            node.args.insert(0, node.func)
            node.func = _called(TYPED, node)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        if not isinstance(node.value, ast.Name) or node.attr in {*METHODS, *OPERATORS, "__new__"}:
            self.generic_visit(node)
        if self.arrays and node.attr in ATTRIBUTES and isinstance(node.ctx, ast.Load):
            call = ast.Call(_called(ATTRIBUTES[node.attr], node), [node.value], [])
            return ast.copy_location(call, node)
        if node.attr == "__class__" and isinstance(node.ctx, ast.Load):
            return ast.copy_location(ast.Call(_called(CLASS, node), [node.value], []), node)
        return node

    # -- names of types, and where one is meant as itself ------------------------------------------

    def visit_Name(self, node: ast.Name) -> Any:
        if node.id in KINDS and node.id not in self.taken and isinstance(node.ctx, ast.Load):
            return _called(KINDS[node.id], node)
        return node

    def visit_Compare(self, node: ast.Compare) -> Any:
        sides = [node.left, *node.comparators]
        if any(_asks_for_a_type(side) for side in sides):
            same = {ast.Is: ast.Eq, ast.IsNot: ast.NotEq}
            node.ops = [same.get(type(op), type(op))() for op in node.ops]
        node.left, *node.comparators = map(self._unless_a_type, sides)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        if _is_a_type(node):
            return node
        self.generic_visit(node)
        if isinstance(node.op, ast.Mod) and _is_text(node.left):
            if self.texts:
                node.right = _shown(node.right)
            return ast.copy_location(
                ast.Call(_called(TEXT, node), [node.left, node.right], []), node
            )
        if isinstance(node.op, _OF_BITS):
            node.left, node.right = map(_as_bits, (node.left, node.right))
        return node

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        node.value = self.visit(node.value)
        if self._is_whole(node.slice):
            index = self.visit(node.slice)
            if isinstance(node.ctx, ast.Load):
                return ast.copy_location(
                    ast.Call(_called(ITEM, node), [node.value, index], []), node
                )
            node.slice = self._as_index(index, True)
        elif self.arrays and _is_whole_array(node):
            call = ast.Call(_called(WHOLE, node), [node.value, node.slice], [])
            return ast.copy_location(call, node)
        else:
            node.slice = self._unless_a_type(node.slice)
        return node

    def _as_index(self, node: Any, is_whole: bool = False) -> Any:
        if not (is_whole or self._is_whole(node)):
            return node
        return ast.copy_location(ast.Call(_called(INDEX, node), [node], []), node)

    def _is_whole(self, node: ast.AST) -> bool:
        """Whether it is made of what floor() and its like have given."""
        if isinstance(node, ast.BinOp):
            sides = [node.left, node.right]
            plain = [isinstance(side, ast.Constant) for side in sides]
            return not all(plain) and all(
                p or self._is_whole(s) for p, s in zip(plain, sides, strict=True)
            )
        if isinstance(node, ast.Call) and _last(node.func) in {"min", "max"}:
            return any(map(self._is_whole, node.args))
        return (isinstance(node, ast.Name) and node.id in self.whole) or _gives_whole(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        bases, node.bases = list(map(self._unless_a_type, node.bases)), []
        decorators: list[ast.expr] = [
            ast.copy_location(ast.Call(_called(DECORATOR, each), [self.visit(each)], []), each)
            for each in node.decorator_list
        ]
        node.decorator_list = []
        outer, self.own, texts = self.own, set(), self.texts
        self.texts = any(map(self._is_exception, map(_last, bases)))
        if self.texts:
            self.exceptions.add(node.name)
        self.generic_visit(node)
        node.bases, self.own, self.texts = bases, outer, texts
        node.decorator_list = decorators
        return node

    def _is_exception(self, name: str) -> bool:
        return name.endswith(("Error", "Exception", "Warning")) or name in self.exceptions

    def visit_arg(self, node: ast.arg) -> Any:
        return node  # nothing but an annotation

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        node.value = node.value and self.visit(node.value)
        return node

    def _unless_a_type(self, node: ast.expr) -> Any:
        return node if _is_a_type(node) else self.visit(node)

    # -- items of arrays ---------------------------------------------------------------------------

    def visit_FunctionDef(self, node: Any) -> Any:
        returns, node.returns = node.returns, None
        outer = self.own, self.taken, self.whole
        self.own = set(_own_names(node))
        self.whole = set(_whole_names(node))
        self.taken = self.taken | self.own & _TYPES
        self.generic_visit(node)
        self.own, self.taken, self.whole = outer
        node.returns = returns
        return node

    def visit_Module(self, node: ast.Module) -> Any:
        self.taken = set(_own_names(node)) & _TYPES
        return self.generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Assign(self, node: ast.Assign) -> Any:
        target = node.targets[0]
        several = len(node.targets) > 1 and any(map(self._is_item, node.targets))
        if self.arrays and (several or any(map(self._has_items, node.targets))):
            return self._one_by_one(node)
        self.generic_visit(node)
        if len(node.targets) > 1 or not (self.arrays and self._is_item(target)):
            return node
        return _storing(node, target, node.value, ast.Assign([target], _name(_ITEM)), "")

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        self.generic_visit(node)
        target = node.target
        if not self.arrays or not (
            self._is_item(target) or (isinstance(target, ast.Name) and target.id in self.own)
        ):
            return node
        plain = ast.AugAssign(target, node.op, _name(_ITEM))
        return _storing(node, target, node.value, plain, type(node.op).__name__)

    def _has_items(self, target: ast.expr) -> bool:
        return isinstance(target, ast.Tuple) and any(map(self._is_item, target.elts))

    def _one_by_one(self, node: ast.Assign) -> Any:
        """Of several targets, `a[0], b[1] = ...`, each by itself."""
        statements: list[ast.stmt] = [ast.Assign([ast.Name(_PART, ast.Store())], node.value)]
        used = [_PART]
        for target in node.targets:
            if not isinstance(target, ast.Tuple) or not self._has_items(target):
                statements.append(ast.Assign([target], _name(_PART)))
                continue
            names = [f"{_PART}{i}" for i in range(len(target.elts))]
            used += names
            parts: list[ast.expr] = [ast.Name(name, ast.Store()) for name in names]
            for i, part in enumerate(target.elts):
                if isinstance(part, ast.Starred):
                    parts[i], target.elts[i] = ast.Starred(parts[i], ast.Store()), part.value
            statements.append(ast.Assign([ast.Tuple(parts, ast.Store())], _name(_PART)))
            statements += [
                ast.Assign([part], _name(name))
                for part, name in zip(target.elts, names, strict=True)
            ]
        deleted: list[ast.expr] = [ast.Name(name, ast.Del()) for name in dict.fromkeys(used)]
        statements.append(ast.Delete(deleted))
        made: list[Any] = []
        for statement in statements:
            visited = self.visit(ast.fix_missing_locations(ast.copy_location(statement, node)))
            made += visited if isinstance(visited, list) else [visited]
        return made

    def _is_item(self, target: ast.expr) -> bool:
        array = target.value if isinstance(target, ast.Subscript) else None
        return isinstance(array, ast.Name) and array.id in self.own


def _storing(node: ast.stmt, target: Any, item: ast.expr, plain: ast.stmt, operator: str) -> Any:
    """A statement that puts something into an array, and what to do after a TypeError: Values may do."""
    statements: list[ast.stmt] = [ast.Assign([ast.Name(_ITEM, ast.Store())], item)]
    index: ast.expr = ast.Constant(...)
    array = target
    if isinstance(target, ast.Subscript):
        statements.append(ast.Assign([ast.Name(_INDEX, ast.Store())], _as_index(target.slice)))
        target.slice, index, array = _name(_INDEX), _name(_INDEX), target.value
    arguments = [_name(array.id), index, _name(_ITEM), ast.Constant(operator)]
    call = ast.Call(_name(is_callable_as(stored)), arguments, [])
    instead = ast.Assign([ast.Name(array.id, ast.Store())], call)
    handler = ast.ExceptHandler(_name("TypeError"), None, [instead])
    statements.append(ast.Try([plain], [handler], [], []))
    return [ast.fix_missing_locations(ast.copy_location(each, node)) for each in statements]


def _as_index(node: ast.expr) -> ast.expr:
    """What stands between brackets, as an expression."""
    if isinstance(node, ast.Slice):
        ends = [end or ast.Constant(None) for end in (node.lower, node.upper, node.step)]
        return ast.Call(_name(is_callable_as(slice_of)), ends, [])
    if isinstance(node, ast.Tuple):
        return ast.Tuple([_as_index(item) for item in node.elts], ast.Load())
    return node


_TYPES = {*CALLS, *KINDS}


def _own_names(function: Any) -> list[str]:
    """The arguments of a function, and the names that it or a module assigns."""
    arguments = ast.walk(function.args) if hasattr(function, "args") else ()
    names = [node.arg for node in arguments if isinstance(node, ast.arg)]
    waiting = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.append(node.id)
        elif isinstance(node, ast.alias):
            names.append(node.asname or node.name)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.append(node.name)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            waiting += ast.iter_child_nodes(node)
    return names


def _gives_whole(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and _last(node.func) in {*_WHOLE, *_FOUND}


def _is_about_whole(node: ast.AST) -> bool:
    """Whether it is what floor() or its like gives, more or less."""
    if isinstance(node, ast.BinOp):
        return _is_about_whole(node.left) or _is_about_whole(node.right)
    if isinstance(node, ast.Call) and _last(node.func) in {"min", "max"}:
        return any(map(_is_about_whole, node.args))
    return _gives_whole(node)


def _whole_names(function: Any) -> Iterator[str]:
    """Names that a function assigns the result of floor() or its like, or a sum with one."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.NamedExpr) and _is_about_whole(node.value):
            for target in getattr(node, "targets", None) or [node.target]:  # type: ignore[union-attr]
                if isinstance(target, ast.Name):
                    yield target.id


# -- nodes ---------------------------------------------------------------------------------------


def _name(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _holds_a_type(function: ast.expr) -> bool:
    """Whether what is called is named as variables are that hold a type of numbers: dtype, x.dtype.type."""
    if isinstance(function, ast.Attribute) and function.attr == "type":
        return _last(function.value) == "dtype"
    return _last(function).strip("_") == "dtype"


def _called(function: Any, place: ast.AST) -> Any:
    return ast.copy_location(_name(is_callable_as(function)), place)


def _last(function: ast.expr) -> str:
    """The name by which something is called, without that of what it belongs to."""
    return getattr(function, "attr", "") or getattr(function, "id", "")


# What texts are given to that nobody reads numbers from.
_TELLING = {
    "print",
    "warn",
    "warning",
    "debug",
    "info",
    "error",
    "exception",
    "critical",
    "log_message",
}
_NO_TYPES = {"__class__", *ATTRIBUTES}


def _is_a_type(node: ast.AST) -> bool:
    """Whether it may be a type, or several: it is made of names."""
    if isinstance(node, ast.Attribute):
        return node.attr not in _NO_TYPES and _is_a_type(node.value)
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return all(map(_is_a_type, node.elts))
    if isinstance(node, ast.BinOp):
        either = isinstance(node.op, ast.BitOr)
        return either and _is_a_type(node.left) and _is_a_type(node.right)
    if isinstance(node, ast.Subscript):
        return _is_a_type(node.value) and _is_a_type(node.slice)
    return isinstance(node, ast.Name) or (isinstance(node, ast.Constant) and node.value is None)


def _shown(node: ast.expr) -> ast.expr:
    return ast.copy_location(ast.Call(_called(SHOWN, node), [node], []), node)


def _is_whole_array(node: ast.Subscript) -> bool:
    """Whether it is `x[()]`, `x[...]`, `x[..., None]` or the like: what a number of NumPy's can do, too."""
    index = node.slice
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    return isinstance(node.ctx, ast.Load) and all(map(_is_axis_or_all, parts))


def _is_axis_or_all(part: ast.expr) -> bool:
    if isinstance(part, ast.Constant):
        return part.value is ... or part.value is None
    return _last(part) == "newaxis"


def _as_bits(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Constant | ast.Set | ast.Dict | ast.Compare):
        return node
    return ast.copy_location(ast.Call(_called(BITS, node), [node], []), node)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _asks_for_a_type(node: ast.expr) -> bool:
    name = _last(node.func) if isinstance(node, ast.Call) else _last(node)
    return name in {"type", "__class__", *KINDS}


def is_needed(source: str) -> bool:
    """Whether there is anything to rewrite."""
    return _NEEDED.search(source) is not None or _ARRAYS.search(source) is not None


def rewritten(source: str) -> ast.Module:
    """A source's tree, changed: lines and columns stay."""
    return in_place(ast.parse(source), _ARRAYS.search(source) is not None)


def in_place(tree: Any, arrays: bool = False) -> Any:
    """A tree, changed in place."""
    return _Rewriter(arrays).visit(tree)
