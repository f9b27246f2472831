"""Whether code compares with True or False by `is`, which nothing that stands for a bool can answer.

>>> asks_for_bools(lambda x: (x > 0) is True), asks_for_bools(lambda x: x > 0)
(True, False)
"""

from __future__ import annotations

import dis
import functools
import itertools
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, MethodType
from typing import Any

from pygrad.core.callables import FunctionOf
from pygrad.core.callers import is_pygrads
from pygrad.core.jacobians import JacobianOf

_MOST = 10_000  # codes that are remembered
_FAR = 100  # functions that are looked at for one
_IGNORED = {"CACHE", "EXTENDED_ARG", "NOP"}
_CALL = "__call__"
_IS = dis.opmap["IS_OP"]
_codes: dict[CodeType, bool] = {}
_functions: dict[CodeType, bool] = {}  # with those that they call by name


def asks_for_bools(f: Callable[..., Any]) -> bool:
    """Whether the function, or one that it reaches by names, has `is True` or `is False` in it."""
    return any(map(_asks, _functions_in(f)))


def _asks(start: FunctionType) -> bool:
    found = _functions.get(start.__code__)
    if found is None:
        found = any(_compares(function.__code__) for function in _reached(start))
        _remember(_functions, start.__code__, found)
    return found


def _remember(known: dict[CodeType, bool], code: CodeType, found: bool) -> None:
    if len(known) > _MOST:
        known.clear()
    known[code] = found


def _functions_in(f: Any) -> Iterator[FunctionType]:
    """Python's functions in a method, in what functions were made into, in an object that is called."""
    if isinstance(f, FunctionType):
        yield f
    elif isinstance(f, MethodType):
        yield from _functions_in(f.__func__)
    elif isinstance(f, functools.partial):
        for part in (f.func, *f.args, *f.keywords.values()):
            yield from _functions_in(part)
    elif isinstance(f, FunctionOf | JacobianOf):
        yield from _functions_in(f.f)
    elif isinstance(call := getattr(type(f), _CALL, None), FunctionType):
        yield call


def _reached(start: FunctionType) -> Iterator[FunctionType]:
    """The function, and those that it has by name: globals, and variables of functions around it."""
    seen, queue = {start.__code__}, [start]
    for function in queue:  # which grows
        yield function
        cells = [_content(cell) for cell in function.__closure__ or ()]
        names = {name for code in _within(function.__code__) for name in code.co_names}
        for item in [*cells, *(function.__globals__.get(name) for name in names)]:
            other = item.__func__ if isinstance(item, MethodType) else item
            if not isinstance(other, FunctionType) or other.__code__ in seen:
                continue
            if len(queue) < _FAR and not is_pygrads(other.__code__.co_filename):
                seen.add(other.__code__)
                queue.append(other)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it has none yet
        return None


def _within(code: CodeType) -> Iterator[CodeType]:
    """The code, and that of functions in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _within(constant)


def _compares(code: CodeType) -> bool:
    found = _codes.get(code)
    if found is None:
        found = any(map(_compares_itself, _within(code)))
        _remember(_codes, code, found)
    return found


def _compares_itself(code: CodeType) -> bool:
    """Whether it has True or False, and an `is` whose right side is not None: that may be one of them."""
    if not any(constant is True or constant is False for constant in code.co_consts):
        return False
    if _IS not in code.co_code[::2]:
        return False
    steps = [step for step in dis.get_instructions(code) if step.opname not in _IGNORED]
    return any(
        step.opname == "IS_OP" and not (before.opname == "LOAD_CONST" and before.argval is None)
        for before, step in itertools.pairwise(steps)
    )
