"""Expressions such as ``a*b + (a+b)`` as text: parsed by an allow-list, never evaluated as Python code.

What is allowed: numbers, names, ``+ - * / // % **``, comparisons, ``and or not``, ``a if b else c``, the
constants pi, e, tau, inf and nan, the functions of pygrad.math that have derivatives, ``max`` and ``min``.
Parts may be given names: ``c = a*b; d = a+b; c + d``. Everything else is refused, with its place.

Whole numbers become floats at once and the text is short, so nothing typed can take long: ``9**9**9`` is an
OverflowError.

>>> from pygrad.command_line.expressions import parse
>>> expression = parse("a*b + (a+b)")
>>> expression.names
('a', 'b')
>>> v, inputs = expression.graph({"a": 2.0, "b": -3.0})
>>> v.backward()
>>> v.data, inputs["a"].grad, inputs["b"].grad
(-7.0, -2.0, 3.0)
"""

from __future__ import annotations

import ast
import difflib
import inspect
import keyword
import math as standard
import operator
import re
import unicodedata
import warnings
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any

from pygrad import math
from pygrad.core.implementation import FUNCTIONS, Value

__all__ = ["EvaluationError", "Expression", "ExpressionError", "number", "parse"]

MOST_CHARACTERS = 2000
DEEPEST = 100  # brackets and calls inside each other; a long sum is not deep

CONSTANTS = {name: getattr(standard, name) for name in ("pi", "e", "tau", "inf", "nan")}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(math, name) for name in FUNCTIONS},
    **{name: getattr(math, name) for name in ("degrees", "radians", "fmod", "copysign")},
    "max": max,
    "min": min,
}
_OPERATORS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARISONS: dict[type[ast.AST], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


class ExpressionError(ValueError):
    """The text is no expression that is allowed; start and end say where in it."""

    def __init__(self, message: str, text: str = "", start: int = 0, end: int = 0) -> None:
        super().__init__(message)
        self.text, self.start, self.end = text, start, max(end, start + 1)

    def marked(self) -> str:
        """The text with what is wrong underlined; "" if it is empty or too long for that."""
        first = max(0, self.start - 30)
        shown = self.text[first : first + 76]
        if not shown.isprintable() or not shown.strip():
            return ""
        length = min(self.end - first, len(shown) + 1) - (self.start - first)
        return f"  {shown}\n  {' ' * (self.start - first)}{'^' * max(length, 1)}"


class EvaluationError(ExpressionError):
    """The expression has no value there: a logarithm of 0, a division by 0, an overflow."""


class Expression:
    """A parsed expression: ``names`` are its inputs, in the order in which they come up."""

    def __init__(self, text: str, parts: list[tuple[str, ast.expr]], names: Iterable[str]) -> None:
        self.text, self.names = text, tuple(names)
        self._parts = parts

    def __repr__(self) -> str:
        return f"<Expression {self.text}>"

    def __call__(self, *inputs: Any) -> Any:
        """Its value, given numbers or Values for its names, in their order.

        Raises:
            EvaluationError: it has none there.
        """
        return self._evaluate(dict(zip(self.names, inputs, strict=True)))

    def graph(self, inputs: Mapping[str, float]) -> tuple[Value, dict[str, Value]]:
        """The expression as a Value, and the leaves it was computed from; labels are the names.

        Raises:
            EvaluationError: it has no value there.
        """
        leaves = {name: Value(inputs[name], label=name) for name in self.names}
        result = self._evaluate(dict(leaves))
        return result if isinstance(result, Value) else Value(result), leaves

    def _evaluate(self, scope: dict[str, Any]) -> Any:
        result: Any = 0.0
        for name, node in self._parts:
            result = self._value(node, scope)
            if name:
                scope[name] = result
                if isinstance(result, Value) and not result.label:
                    result.label = name
        return result

    # One case for each construct that is allowed; parse() has let no other through.
    def _value(self, node: ast.expr, scope: Mapping[str, Any]) -> Any:
        if isinstance(node, ast.Constant):
            return float(node.value)  # type: ignore[arg-type]
        if isinstance(node, ast.Name):
            return scope[node.id] if node.id in scope else CONSTANTS[node.id]
        if isinstance(node, ast.UnaryOp):
            operand = self._value(node.operand, scope)
            if isinstance(node.op, ast.Not):
                return not _truth(operand)
            return -operand if isinstance(node.op, ast.USub) else +operand
        if isinstance(node, ast.BinOp):
            return self._chain(node, scope)
        if isinstance(node, ast.Call):
            arguments = [self._value(argument, scope) for argument in node.args]
            return self._apply(node, _FUNCTIONS[_name(node.func)], *arguments)
        if isinstance(node, ast.IfExp):
            branch = node.body if _truth(self._value(node.test, scope)) else node.orelse
            return self._value(branch, scope)
        if isinstance(node, ast.BoolOp):
            for operand in node.values:
                result = self._value(operand, scope)
                if _truth(result) == isinstance(node.op, ast.Or):
                    break
            return result
        assert isinstance(node, ast.Compare)
        left = _data(self._value(node.left, scope))
        for comparison, right_node in zip(node.ops, node.comparators, strict=True):
            right = _data(self._value(right_node, scope))
            if not _COMPARISONS[type(comparison)](left, right):
                return False
            left = right
        return True

    def _chain(self, node: ast.BinOp, scope: Mapping[str, Any]) -> Any:
        """a + b + c + ...: walked from its left end, so that long sums need no deep recursion."""
        chain = [node]
        while isinstance(chain[-1].left, ast.BinOp):
            chain.append(chain[-1].left)
        result = self._value(chain[-1].left, scope)
        for link in reversed(chain):
            function = _OPERATORS.get(type(link.op), _power)
            right = _written(link.right) if function is _power else None
            if right is None:
                right = self._value(link.right, scope)
            result = self._apply(link, function, result, right)
        return result

    def _apply(self, node: ast.expr, function: Callable[..., Any], *operands: Any) -> Any:
        try:
            return function(*operands)
        except (ArithmeticError, ValueError, TypeError) as error:
            start, end = _place(node, self.text)
            values = ", ".join(f"{_data(x):g}" for x in operands)
            message = f"{self.text[start:end]} has no value for {values}: {error}"
            raise EvaluationError(message, self.text, start, end) from error


def _truth(x: Any) -> bool:
    """Of the number: an expression is written for floats."""
    return bool(x != 0)


def _data(x: Any) -> float:
    return float(x.data if isinstance(x, Value) else x)


def _written(exponent: ast.expr) -> Any:
    """An exponent that is written as a number; an int stays one, as nodes show their exponents."""
    if isinstance(exponent, ast.Constant):
        return exponent.value
    if isinstance(exponent, ast.UnaryOp) and isinstance(exponent.op, ast.USub):
        found = _written(exponent.operand)
        return None if found is None else -found
    return None


def _power(x: Any, y: Any) -> Any:
    if isinstance(y, Value):
        return math.pow(x, y)
    if isinstance(x, Value):
        return x**y
    return (Value(x) ** y).data  # where floats would turn complex, Values raise


# -- parsing ----------------------------------------------------------------------------------------


def parse(text: str, inputs: Iterable[str] = ()) -> Expression:
    """The expression that the text states. Names among the given inputs are no constants: e may be one.

    Raises:
        ExpressionError: it states none, or uses what is not allowed.

    >>> parse("sine(a) + 1")
    Traceback (most recent call last):
        ...
    pygrad.command_line.expressions.ExpressionError: unknown name 'sine', did you mean 'sin'?
    """
    if len(text) > MOST_CHARACTERS:
        raise ExpressionError(
            f"the expression has {len(text)} characters; {MOST_CHARACTERS} is the limit"
        )
    text = re.sub(r"\s", " ", text).strip()  # so that it has one line
    for i, character in enumerate(text):
        if character in "#\\" or not character.isprintable():
            raise ExpressionError(f"{character!r} has no meaning here", text, i)
    statements = _statements(text)
    constants = CONSTANTS.keys() - set(inputs)
    names: dict[str, None] = {}
    parts: list[tuple[str, ast.expr]] = []
    for i, statement in enumerate(statements):
        target = ""
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = _name(statement.targets[0])
        elif not isinstance(statement, ast.Expr):
            raise _refusal(statement, text)
        elif i + 1 < len(statements):
            raise _error("a part before the last one needs a name: c = a*b; c + 1", statement, text)
        elif isinstance(statement.value, ast.Tuple):
            raise _error("one expression, please: not several with commas", statement, text)
        defined = {name for name, _ in parts}
        if isinstance(statement, ast.Assign) and (not target or target in {*defined, *names}):
            what = f"{target} is used before it is named" if target else "that is not a name"
            raise _error(what, statement.targets[0], text)
        for name in _checked(statement.value, constants, text):
            if name not in defined:
                names[name] = None
        if target in names:
            raise _error(f"{target} is defined by itself", statement, text)
        parts.append((target, statement.value))
    return Expression(text, parts, names)


def _statements(text: str) -> list[ast.stmt]:
    if not text:
        raise ExpressionError("the expression is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of numbers that run into words, say
            statements = ast.parse(text).body
    except SyntaxError as error:
        message = (error.msg or "this cannot be read").partition(". ")[0]
        if re.search(r"(\d|\))\s*(?=[A-Za-z(])(?![eE][-+]?\d)", text):
            message += "; multiplication is written with *"
        raise ExpressionError(message, text, min((error.offset or 1) - 1, len(text))) from None
    except ValueError:  # characters that are half of one
        raise ExpressionError("the expression is no text") from None
    except (RecursionError, MemoryError):
        raise ExpressionError("the expression is nested too deep") from None
    if not statements:
        raise ExpressionError("the expression is empty")
    return statements


def _checked(root: ast.expr, constants: Container[str], text: str) -> list[str]:
    """The names of inputs in a tree, in order; raises for what is not allowed."""
    names = []
    pending = [(root, 0)]
    while pending:
        node, depth = pending.pop()
        if depth > DEEPEST:
            raise _error(f"this is nested deeper than {DEEPEST} levels", node, text)
        operands: list[ast.expr] = []
        if isinstance(node, ast.Constant):
            _check_number(node, text)
        elif isinstance(node, ast.Name):
            if node.id not in constants:
                names.append(node.id)
        elif isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Invert):
            operands = [node.operand]
        elif isinstance(node, ast.BinOp) and type(node.op) in {*_OPERATORS, ast.Pow}:
            operands = [node.left, node.right]
        elif isinstance(node, ast.Compare) and all(type(op) in _COMPARISONS for op in node.ops):
            operands = [node.left, *node.comparators]
        elif isinstance(node, ast.BoolOp):
            operands = node.values
        elif isinstance(node, ast.IfExp):
            operands = [node.body, node.test, node.orelse]
        elif isinstance(node, ast.Call):
            _check_call(node, text)
            operands = node.args
        else:
            raise _refusal(node, text)
        for operand in reversed(operands):
            same = isinstance(node, ast.BinOp) and operand is node.left
            pending.append((operand, depth if same else depth + 1))
    return names


def _check_number(node: ast.Constant, text: str) -> None:
    if isinstance(node.value, bool) or not isinstance(node.value, (int, float)):
        raise _refusal(node, text)
    try:
        float(node.value)
    except OverflowError:
        raise _error("this number is too large for a float", node, text) from None


def _check_call(node: ast.Call, text: str) -> None:
    name = _name(node.func)
    if isinstance(node.func, ast.Attribute):
        raise _refusal(node.func, text)
    if not name:
        raise _error("this is no function; multiplication is written with *", node.func, text)
    if name not in _FUNCTIONS:
        message = _unknown(name, _FUNCTIONS)
        if "did you mean" not in message:
            message = f"there is no function {name!r}; multiplication is written with *"
        raise _error(message, node.func, text)
    if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
        raise _error(f"the arguments of {name} are given in order, without names", node, text)
    if name in {"max", "min"}:
        least, most = 2, MOST_CHARACTERS
    else:
        parameters = inspect.signature(_FUNCTIONS[name]).parameters.values()
        open_end = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        least = sum(p.default is p.empty and p.kind is not p.VAR_POSITIONAL for p in parameters)
        most = MOST_CHARACTERS if open_end else len(parameters)
        if name in {"log", "hypot"}:
            least, most = 1, 2 if name == "log" else most
    if not least <= len(node.args) <= most:
        count = (
            f"{least}"
            if least == most
            else f"{least} or more"
            if most > 9
            else f"{least} to {most}"
        )
        noun = "argument" if least == most == 1 else "arguments"
        raise _error(f"{name} takes {count} {noun}, not {len(node.args)}", node, text)


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _unknown(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"unknown name {name!r}" + (f", did you mean {near[0]!r}?" if near else "")


def missing(name: str) -> str:
    """What to say of a name that has no value.

    >>> missing("pie"), missing("exp")
    ("unknown name 'pie', did you mean 'pi'?", 'exp is a function: write exp(x)')
    >>> missing("b")
    'b has no value: add b=1.0, say'
    """
    if name in _FUNCTIONS:
        return f"{name} is a function: write {name}(x)"
    known = [known for known in (*CONSTANTS, *_FUNCTIONS) if len(known) > 1]
    near = difflib.get_close_matches(name, known, 1, 0.75) if len(name) > 2 else []
    return _unknown(name, near) if near else f"{name} has no value: add {name}=1.0, say"


_REFUSALS: dict[type[ast.AST], str] = {
    ast.Attribute: "a dot has no meaning here: write tanh(a), not a.tanh() or math.tanh(a)",
    ast.Subscript: "there are no lists here, only numbers",
    ast.NamedExpr: "a part is named by a statement of its own: c = a*b; c + 1",
}


def _refusal(node: ast.AST, text: str) -> ExpressionError:
    message = _REFUSALS.get(type(node), "")
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitXor):
        message = "powers are written with **"
    if isinstance(node, ast.Assign):
        message = "that is not a name"
    if not message:
        message = (
            "only numbers, names, operators, comparisons and functions of pygrad.math may be used"
        )
    return _error(message, node, text)


def _error(message: str, node: ast.AST, text: str) -> ExpressionError:
    return ExpressionError(message, text, *_place(node, text))


def _place(node: ast.AST, text: str) -> tuple[int, int]:
    """Where a node begins and ends in the text; its own numbers are bytes of UTF-8."""
    offsets = getattr(node, "col_offset", 0), getattr(node, "end_col_offset", 0)
    start, end = (len(text.encode()[:offset].decode()) for offset in offsets)
    return start, end


# -- inputs -----------------------------------------------------------------------------------------


def number(text: str) -> float:
    """A number that is written as an expression without names.

    Raises:
        ExpressionError: it is none.

    >>> number("pi / 2"), number("-3")
    (1.5707963267948966, -3.0)
    """
    expression = parse(text)
    for name in expression.names:
        raise ExpressionError(missing(name).split(":")[0], text, text.find(name))
    return _data(expression())


def assignment(text: str) -> tuple[str, str]:
    """The two sides of NAME=VALUE.

    Raises:
        ExpressionError: it is not of this form.

    >>> assignment("a=2")
    ('a', '2')
    """
    name, sign, value = (part.strip() for part in text.partition("="))
    name = unicodedata.normalize("NFKC", name)  # as the parser does
    if not sign or not value or not name.isidentifier() or keyword.iskeyword(name):
        raise ExpressionError(f"{text!r} is not of the form NAME=NUMBER, such as a=2")
    return name, value
