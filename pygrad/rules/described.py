"""What errors say of a rule: whose it is, and where it is written."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from pygrad.core import hints
from pygrad.core.callables import function_name


def described(rule: Callable[..., Any], f: Callable[..., Any]) -> str:
    """A rule in an error's words: exp_rule(), the rule of exp() (model.py, line 12)."""
    code = getattr(rule, "__code__", None)
    where = "" if code is None else f" ({code.co_filename}, line {code.co_firstlineno})"
    return f"{function_name(rule)}(), a rule of {function_name(f)}(){where}"


@contextlib.contextmanager
def named(rule: Callable[..., Any], f: Callable[..., Any]) -> Iterator[None]:
    """What is raised within says in its message whose rule it was; in a rule within a rule, the inner's."""
    try:
        yield
    except Exception as error:
        if "a rule of " not in str(error):
            hints.add(error, f"raised in {described(rule, f)}")
        raise
