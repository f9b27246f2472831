"""A function in a user's file, as ``FILE:FUNC`` names it, and the point at which it is checked.

The file is run, as ``python FILE`` would run it, but not as ``__main__``.
"""

from __future__ import annotations

import ast
import contextlib
import difflib
import importlib.machinery
import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pygrad.command_line import expressions
from pygrad.command_line.outcome import Failure, UsageError
from pygrad.core.callers import is_pygrads
from pygrad.core.structure import flatten

Result = TypeVar("Result")

# Where an input has no value yet: a different one for each, and none at which functions have kinks.
_GENERIC = (0.6, 1.1, 1.7, 0.8, 1.3, 2.1, 0.9, 1.9)


def attempt(call: Callable[[], Result]) -> Result:
    """Runs code of the user. What it prints goes to stderr, and what it raises ends the command.

    Raises:
        Failure: the code raised something, or ended the program.
        UsageError: from `load`, as it is.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):
            return call()
    except UsageError:
        raise
    except Exception as error:
        raise Failure(_told(error)) from error
    except SystemExit as stop:
        raise Failure(f"the file has ended the program with {stop.code!r}") from None


def _told(error: Exception) -> str:
    """What was raised, and where in the user's code: the last lines of it that ran."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not is_pygrads(frame.filename) and frame.filename[0] != "<"
    ]
    if not frames and not isinstance(error, SyntaxError):  # it was raised by pygrad
        return str(error)
    where = "".join(traceback.format_list(frames[-3:])).rstrip()
    what = "".join(traceback.format_exception_only(error)).rstrip()
    return f"the function could not be run\n{where}\n{what}"


# -- functions ---------------------------------------------------------------------------------------


def load(place: str) -> Callable[..., Any]:
    """The function that ``FILE:FUNC`` names; FUNC may be dotted, ``Class.method``.

    Raises:
        UsageError: there is no such file or function.
        Whatever the file raises when it is run.
    """
    path, colon, name = place.rpartition(":")
    if not colon or not path or not name:
        raise UsageError(f"{place!r} is not of the form FILE:FUNC, such as model.py:loss")
    if not os.path.isfile(path):
        raise UsageError(f"there is no file {path}")
    module = _module(path)
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            offered = [n for n in vars(found) if callable(getattr(found, n)) and n[0] != "_"]
            near = difflib.get_close_matches(part, offered, 1)
            hint = f", did you mean {near[0]!r}?" if near else ""
            raise UsageError(f"{path} has no function {name!r}{hint}")
        found = getattr(found, part)
    if not callable(found):
        raise UsageError(f"{name} in {path} is no function, but {type(found).__name__}")
    function: Callable[..., Any] = found
    return function


def _module(path: str) -> Any:
    """The file as a module, with its folder first on the import path, as for a program."""
    folder, file = os.path.split(os.path.abspath(path))
    name = f"pygrad_check_{os.path.splitext(file)[0]}"
    loader = importlib.machinery.SourceFileLoader(name, os.path.join(folder, file))
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, folder)
    sys.modules[name] = module  # where dataclasses and pickle look for it
    loader.exec_module(module)
    return module


# -- points -----------------------------------------------------------------------------------------


def point(
    function: Callable[..., Any], given: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """Inputs to differentiate by, arguments that are fixed, and the names of inputs that were made up.

    Values come from ``given``, then from the function's own defaults; a parameter without either gets a
    number. What is no number, array or container of numbers is fixed, and so is bool.

    Raises:
        UsageError: the function takes no such argument, or none at all.

    >>> def f(x, y=2.0, mode="fast"): ...
    >>> point(f, {"x": 3.0})
    ({'x': 3.0, 'y': 2.0}, {'mode': 'fast'}, [])
    """
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        raise UsageError("the arguments of this function are not known to Python") from None
    names = [
        name for name, p in parameters.items() if p.kind not in {p.VAR_POSITIONAL, p.VAR_KEYWORD}
    ]
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    for name in given:
        if name not in names and not takes_any:
            near = difflib.get_close_matches(name, names, 1)
            hint = f", did you mean {near[0]!r}?" if near else f"; it takes {', '.join(names)}"
            raise UsageError(f"the function takes no {name!r}{hint}")
    inputs: dict[str, Any] = {}
    fixed: dict[str, Any] = {}
    made_up: list[str] = []
    for name in dict.fromkeys([*names, *given]):
        default = parameters[name].default if name in parameters else inspect.Parameter.empty
        if name in given:
            value = given[name]
        elif default is not inspect.Parameter.empty:
            value = default
        else:
            value = _GENERIC[len(made_up) % len(_GENERIC)]
            made_up.append(name)
        (inputs if _is_numeric(value) else fixed)[name] = value
    if not inputs:
        raise UsageError("the function has no argument to differentiate by")
    return inputs, fixed, made_up


def _is_numeric(value: Any) -> bool:
    try:
        items, _ = flatten(value, "")
    except TypeError:
        return False
    return bool(items) and not isinstance(value, bool)


def call(function: Callable[..., Any], inputs: Mapping[str, Any], fixed: Mapping[str, Any]) -> Any:
    """The function with these arguments, in their places."""
    given = {**inputs, **fixed}
    parameters = inspect.signature(function).parameters
    positional = [given.pop(name) for name, p in parameters.items() if p.kind is p.POSITIONAL_ONLY]
    return function(*positional, **given)


def value(text: str) -> Any:
    """What stands behind ``x=``: a number, a list, tuple or dict of values, or ``array([...])``; a text in
    quotes, True, False and None for arguments that are no numbers.

    Raises:
        ExpressionError: it is something else.

    >>> value("[1, 2*pi, {'rate': -3}]")
    [1.0, 6.283185307179586, {'rate': -3.0}]
    """
    if len(text) > expressions.MOST_CHARACTERS:
        raise expressions.ExpressionError("this is too long for the command line")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return expressions.number(text)  # which says what is wrong
    return _value(tree, text.strip())


def _value(node: ast.expr, text: str) -> Any:
    if isinstance(node, ast.List):
        return [_value(item, text) for item in node.elts]
    if isinstance(node, ast.Tuple):
        return tuple(_value(item, text) for item in node.elts)
    if isinstance(node, ast.Dict) and all(isinstance(key, ast.Constant) for key in node.keys):
        keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
        return dict(zip(keys, [_value(item, text) for item in node.values], strict=True))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "array":
        if len(node.args) != 1 or node.keywords:
            raise expressions.ExpressionError("array takes one list: array([1, 2])")
        import numpy as np

        try:
            return np.array(_value(node.args[0], text), dtype=float)
        except (TypeError, ValueError):
            raise expressions.ExpressionError("the rows of an array have the same length") from None
    if isinstance(node, ast.Constant) and isinstance(node.value, (str, bool, type(None))):
        return node.value
    return expressions.number(ast.get_source_segment(text, node) or "")
