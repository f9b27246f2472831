"""The definition that a function's code was compiled from: a syntax tree of its own, for each who asks.

Where a `def` stands whole in its own lines, they are all that is parsed. The whole file is, once, for
lambdas, for code with names that are private to a class, and for sources that are prepared before.

>>> import ast
>>> def half(x):
...     return x / 2
>>> ast.unparse(definition(half.__code__)[0].body)
'return x / 2'
"""

from __future__ import annotations

import ast
import dis
import functools
import linecache
import pickle
import re
from collections import defaultdict
from collections.abc import Callable
from types import CodeType
from typing import Any, NamedTuple

from pygrad.control.autograph.errors import AutographError
from pygrad.control.autograph.trees import enclosed, mangled, parameters, parts
from pygrad.core.reading import codes_within

# What is done with a source before it is converted, by a mark among a function's globals.
PREPARED: dict[str, Callable[[str], ast.Module]] = {}
_FUTURES = 0x1000000 | 0x100000  # annotations, generator_stop
PRIVATE = re.compile(r"\b__\w+(?<!__)\b")  # a name of a class's own
_Key = tuple[str, int]  # a function's name, and its first line


def definition(code: CodeType, mark: str = "") -> tuple[Any, str]:
    """The definition, and the class that the function is a method of, if that matters.

    Raises:
        AutographError: its source is not at hand, or is another by now.
    """
    lines = linecache.getlines(code.co_filename)
    if not lines:
        raise AutographError("its source is not at hand. Define it in a file or a notebook")
    try:
        return _definition(code, lines, mark)
    except AutographError:  # of lines that were read before the module was loaded anew, maybe
        linecache.checkcache(code.co_filename)
        now = linecache.getlines(code.co_filename)
        if not now or now == lines:
            raise
    return _definition(code, now, mark)


def _definition(code: CodeType, lines: list[str], mark: str) -> tuple[Any, str]:
    node = None if mark else in_its_lines(code, lines)
    return (node, "") if node is not None else in_the_file(code, "".join(lines), mark)


def compiled(tree: ast.Module, code: CodeType) -> CodeType:
    """A module of the file that code is of."""
    flags = code.co_flags & _FUTURES
    return compile(tree, code.co_filename, "exec", flags, dont_inherit=True)


# -- of the function's own lines -------------------------------------------------------------------


def in_its_lines(code: CodeType, lines: list[str]) -> Any:
    """None where the whole file is to be asked."""
    text = block(code, lines)
    if PRIVATE.search(text):
        return None
    # In a line of its own number, and in a block where it is indented.
    before = code.co_firstlineno - 1
    source = "\n" * (before - 1) + "if 1:\n" + text if text[:1].isspace() else "\n" * before + text
    try:
        found: list[Any] = ast.parse(source).body
        if text[:1].isspace():
            found = found[0].body
        if len(found) != 1 or _key(found[0]) != _key_of(code):
            return None
        made = compiled(enclosed(found[0], code.co_freevars), code)
    except (SyntaxError, ValueError):
        return None
    is_same = any(_is_source(each, code) for each in codes_within(made))
    return found[0] if is_same else None


def block(code: CodeType, lines: list[str]) -> str:
    """The lines of code, and those below that belong to its last statement or are further to the right."""
    first = code.co_firstlineno - 1
    end = max([line or 0 for each in codes_within(code) for _, _, line in each.co_lines()])
    margin = _margin(lines[first]) if first < len(lines) else 0
    while end < len(lines):
        text = lines[end].lstrip()
        if text and text[0] not in "#)]}" and _margin(lines[end]) <= margin:
            break
        end += 1
    return "".join(lines[first:end])


def _margin(line: str) -> int:
    return len(line) - len(line.lstrip())


# -- of the whole file -----------------------------------------------------------------------------


class _File(NamedTuple):
    definitions: dict[_Key, list[tuple[Any, str]]]
    codes: dict[_Key, list[CodeType]]


def in_the_file(code: CodeType, source: str, mark: str) -> tuple[Any, str]:
    try:
        file = _file(code.co_filename, source, mark, code.co_flags & _FUTURES)
    except (SyntaxError, ValueError) as error:
        raise AutographError(str(error)) from None
    key = _key_of(code)
    if not any(_is_source(each, code) for each in file.codes.get(key, ())):
        raise AutographError("its source is another by now")
    found = [each for each in file.definitions.get(key, ()) if _takes(*each, code)]
    if len(found) > 1:
        found = [each for each in found if _stands_at(each[0], code)]
    if len(found) != 1:
        raise AutographError("there are several functions in the line")
    node, owner = found[0]
    return pickle.loads(pickle.dumps(node, -1)), owner  # some times as fast as deepcopy()


@functools.lru_cache(maxsize=16)
def _file(filename: str, source: str, mark: str, flags: int) -> _File:
    tree = PREPARED[mark](source) if mark else ast.parse(source)
    file = _File(defaultdict(list), defaultdict(list))
    flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT  # as cells of notebooks have
    for code in codes_within(compile(tree, filename, "exec", flags, dont_inherit=True)):
        file.codes[_key_of(code)].append(code)
    waiting: list[tuple[Any, str]] = [(tree, "")]
    while waiting:
        node, owner = waiting.pop()
        key = _key(node)
        if key is not None:
            file.definitions[key].append((node, owner))
        within = node.name if isinstance(node, ast.ClassDef) else owner
        waiting += [(part, within) for part in parts(node)]
    return file


# -- whether it is the one -------------------------------------------------------------------------


def _key_of(code: CodeType) -> _Key:
    return code.co_name, code.co_firstlineno


def _key(node: Any) -> _Key | None:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return node.name, min([node.lineno, *[each.lineno for each in node.decorator_list]])
    return ("<lambda>", node.lineno) if isinstance(node, ast.Lambda) else None


def _is_source(found: CodeType, code: CodeType) -> bool:
    """Whether code found in a source may be that which runs, where others may have added to it."""
    return (
        set(found.co_names) <= set(code.co_names)
        and all(getattr(found, name) == getattr(code, name) for name in _OF_A_DEFINITION)
        and all(map(_computes_as, codes_within(found), codes_within(code)))
    )


_OF_A_DEFINITION = (
    "co_name",
    "co_firstlineno",
    "co_freevars",
    "co_argcount",
    "co_kwonlyargcount",
)


def _computes_as(found: CodeType, code: CodeType) -> bool:
    """Whether constants and operators are the same, unless others have added names: what is added is
    made otherwise, too. Bytes alone may be another release's, which Python keeps beside the file."""
    if found.co_names != code.co_names:
        return True
    if _constants(found) != _constants(code):
        return False
    return found.co_code == code.co_code or _operators(found) == _operators(code)


def _constants(code: CodeType) -> list[Any]:
    """All but code, and the names by which functions and classes know where they stand."""
    return [
        each
        for each in code.co_consts
        if not isinstance(each, CodeType) and not (isinstance(each, str) and "<locals>" in each)
    ]


def _operators(code: CodeType) -> list[str]:
    return [
        f"{each.opname} {each.argrepr or each.arg}"
        for each in dis.get_instructions(code)
        if each.opname.startswith(_OPERATORS)
    ]


# Numbers that are no constants are here, too: from Python 3.14 on
_OPERATORS = ("BINARY_", "COMPARE_", "CONTAINS_", "INPLACE_", "IS_", "LOAD_SMALL_", "UNARY_")


def _takes(node: Any, owner: str, code: CodeType) -> bool:
    names = [mangled(name, owner) for name in parameters(node.args)]
    return tuple(names) == code.co_varnames[: len(names)]


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
