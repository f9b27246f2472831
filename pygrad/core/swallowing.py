"""Which exceptions the block of a `with` does not let through, by the class of its context manager.

>>> import contextlib
>>> swallowed_by(contextlib.suppress(ValueError)), swallowed_by(contextlib.nullcontext())
((<class 'ValueError'>,), ())
"""

from __future__ import annotations

import contextlib
import dis
from types import CodeType, FunctionType
from typing import Any

_NAMES = ("PUSH_EXC_INFO", "SETUP_FINALLY", "SETUP_WITH", "SETUP_ASYNC_WITH")
_HANDLERS = {dis.opmap[name] for name in _NAMES if name in dis.opmap}


def has_handlers(code: CodeType) -> bool:
    """Whether code has a `try` or a `with`."""
    return not _HANDLERS.isdisjoint(code.co_code[::2])


def swallowed_by(manager: Any) -> tuple[type, ...] | None:
    """The classes of exceptions that end where its block does; None: perhaps all."""
    if isinstance(manager, contextlib.suppress):
        return _flat(manager._exceptions)  # type: ignore[attr-defined]
    made_by: Any = getattr(manager, "gen", None)
    if isinstance(manager, contextlib.AbstractContextManager) and hasattr(made_by, "gi_code"):
        return None if has_handlers(made_by.gi_code) else ()
    if hasattr(made_by, "ag_code"):
        return None if has_handlers(made_by.ag_code) else ()
    return swallowed_by_kind(type(manager))


def swallowed_by_kind(kind: type) -> tuple[type, ...] | None:
    """The same of any manager of a class."""
    for name in ("__exit__", "__aexit__"):
        leave = getattr(kind, name, None)
        if isinstance(leave, FunctionType) and not _gives_nothing(leave.__code__):
            return None
    return ()


def _flat(classes: Any) -> tuple[type, ...]:
    if isinstance(classes, tuple):
        return tuple([each for part in classes for each in _flat(part)])
    return (classes,)


def _gives_nothing(code: CodeType) -> bool:
    """Whether all that a function returns is None or False, as its code says."""
    before = None  # what has put on the stack what is returned; None: that depends on the way
    for i in dis.get_instructions(code):
        if i.is_jump_target:
            before = None
        if i.opname == "RETURN_VALUE":
            if (
                before is None
                or before.opname != "LOAD_CONST"
                or before.argval not in (None, False)
            ):
                return False
        elif i.opname == "RETURN_CONST" and i.argval not in (None, False):
            return False
        if i.opname not in {"NOP", "CACHE", "POP_TOP", "SWAP", "POP_EXCEPT"}:
            before = i
    return True
