"""Arguments that several commands take: an expression with its inputs, --json, and kinds of numbers."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable, Sequence

from pygrad.command_line.expressions import (
    Expression,
    ExpressionError,
    assignment,
    missing,
    number,
    parse,
)
from pygrad.command_line.outcome import UsageError


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(text)


def up_to(most: float, what: str) -> Callable[[str], float]:
    """The type of an argument that is above 0 and at most so much."""

    def read(text: str) -> float:
        try:
            found = float(text)
        except ValueError:
            found = math.nan
        if not 0 < found <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no {what} above 0 and up to {most:g}")
        return found

    return read


# -- expressions -------------------------------------------------------------------------------------


def add_expression(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "expression",
        metavar="EXPRESSION",
        help="numbers, names, + - * / // %% **, comparisons, `x if c else y`, functions of pygrad.math; "
        "parts may have names: 'c = a*b; c + 1'",
    )
    parser.add_argument(
        "inputs", nargs="*", metavar="NAME=NUMBER", help="a value for each name, such as x=pi/2"
    )
    parser.set_defaults(takes_expression=True)


def takes_expression(parser: argparse.ArgumentParser) -> bool:
    return bool(parser.get_default("takes_expression"))


def assignments(texts: Sequence[str]) -> dict[str, str]:
    """What stands behind each NAME=."""
    sides: dict[str, str] = {}
    for text in texts:
        name, side = assignment(text)
        if name in sides:
            raise UsageError(f"{name} is given twice")
        sides[name] = side
    return sides


def expression_of(arguments: argparse.Namespace) -> tuple[Expression, dict[str, float]]:
    """The expression and the values of its names, which fit each other."""
    inputs = {name: number(side) for name, side in assignments(arguments.inputs).items()}
    expression = parse(arguments.expression, inputs)
    for name in expression.names:
        if name not in inputs:
            start = re.search(rf"\b{re.escape(name)}\b", expression.text)
            place = (start.start(), start.end()) if start else (0, 0)
            raise ExpressionError(missing(name), expression.text, *place)
    for name in inputs:
        if name not in expression.names:
            raise UsageError(f"{name} is not in the expression {expression.text}")
    return expression, inputs
