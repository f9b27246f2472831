"""`pygrad check FILE:FUNC`: the derivatives of a function of the user's, compared with differences."""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING, Any

from pygrad.command_line import user_code
from pygrad.command_line.arguments import add_json, assignments, positive, up_to
from pygrad.command_line.outcome import FAILED, OK, Failure
from pygrad.command_line.output import print_json

if TYPE_CHECKING:
    from pygrad.checking.check import GradientCheck

NAME = "check"
HELP = "compare the derivatives of a function of yours with differences"
MORE = (
    "The file is run. Inputs without a value get the function's defaults, or some number. "
    "Exit code 1 if a derivative is wrong, or is that of the steps in which the function goes."
)


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("function", metavar="FILE:FUNC", help="such as model.py:loss")
    parser.add_argument(
        "inputs",
        nargs="*",
        metavar="NAME=VALUE",
        help="where to check: x=0.5, w=[1,2], p=\"{'rate': 2}\", m=array([[1,2],[3,4]])",
    )
    parser.add_argument(
        "--order", type=positive, default=1, metavar="N", help="up to this order (%(default)s)"
    )
    parser.add_argument(
        "--rtol",
        type=up_to(0.5, "relative error"),
        default=1e-6,
        metavar="R",
        help="relative error that is still ok (%(default)s)",
    )
    parser.add_argument(
        "--exact", action="store_true", help="compare with 50 digits instead (needs mpmath)"
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="exit code 1 also where there is no derivative or no telling",
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from pygrad.checking import check as checking

    path = list(sys.path)
    try:
        report = _report(arguments)
    finally:
        sys.path[:] = path
    if arguments.json:
        print_json(
            {"verdict": report.verdict, "function": arguments.function, "derivatives": report.rows}
        )
    else:
        print(report)
    passing = {checking.OK}
    if not arguments.strict:
        passing |= {checking.NOT_DIFFERENTIABLE, checking.INCONCLUSIVE}
    return OK if report.verdict in passing else FAILED


def _report(arguments: argparse.Namespace) -> GradientCheck:
    """The user's function checked at the point that was given."""
    from pygrad.checking.check import GradientCheck, check_grad

    sides = assignments(arguments.inputs)
    values = {name: user_code.value(side) for name, side in sides.items()}
    function = user_code.attempt(lambda: user_code.load(arguments.function))
    inputs, fixed, made_up = user_code.point(function, values)
    if made_up:
        chosen = ", ".join(f"{name} = {inputs[name]:g}" for name in made_up)
        print(f"no value was given, so it is checked at {chosen}", file=sys.stderr)

    def check() -> GradientCheck:
        def f(x: Any) -> Any:
            return user_code.call(function, x, fixed)

        return check_grad(
            f, inputs, order=arguments.order, rtol=arguments.rtol, exact=arguments.exact
        )

    try:
        found = user_code.attempt(check)
    except Failure as problem:
        if not made_up:
            raise
        wanted = " ".join(f"{name}=VALUE" for name in made_up)
        raise Failure(f"{problem}\ngive the point yourself: {wanted}") from None
    return GradientCheck([row._replace(name=_without_x(row.name)) for row in found.rows])


def _without_x(name: str) -> str:
    """The inputs' own names: x['rate'][0] is rate[0]."""
    return re.sub(r"x\['(\w+)'\]", r"\1", name)
