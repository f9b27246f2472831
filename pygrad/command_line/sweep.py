"""`pygrad sweep EXPRESSION`: the error of a difference quotient for each step, as a table or drawn."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pygrad.command_line.arguments import add_expression, add_json, expression_of
from pygrad.command_line.expressions import EvaluationError, Expression
from pygrad.command_line.files import PICTURES, place
from pygrad.command_line.outcome import OK, Failure, UsageError
from pygrad.command_line.output import print_json, print_written
from pygrad.core.distribution import install

if TYPE_CHECKING:
    from pygrad.numeric import StepSweep

NAME = "sweep"
HELP = "show how the error of a difference quotient depends on its step"
MORE = "It is compared with the exact derivative, by the one input or by the one that --by names."


def add(parser: argparse.ArgumentParser) -> None:
    add_expression(parser)
    parser.add_argument("--by", metavar="NAME", help="the input to differentiate by")
    parser.add_argument(
        "--method", choices=("central", "forward"), default="central", help="(%(default)s)"
    )
    parser.add_argument(
        "--plot", metavar="FILE", help="also draw the U: .svg, .png or .pdf (needs matplotlib)"
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from pygrad.numeric import step_sweep

    path = place(arguments.plot, PICTURES) if arguments.plot else None
    expression, inputs = expression_of(arguments)
    by = _input(expression, arguments.by)
    try:
        sweep = step_sweep(_along(expression, inputs, by), inputs[by], method=arguments.method)
    except EvaluationError:
        raise
    except ValueError as problem:
        raise Failure(str(problem)) from None
    if arguments.json:
        print_json(
            {
                "expression": expression.text,
                "by": by,
                "at": sweep.x,
                "method": sweep.method,
                "exact": sweep.exact,
                "best": sweep.best,
                "rows": list(sweep),
            }
        )
    else:
        print(sweep)
    if path is not None:
        _save_plot(sweep, path)
        print_written(arguments.plot)
    return OK


def _input(expression: Expression, named: str | None) -> str:
    """The input to differentiate by: the one that was named, or the only one."""
    if not expression.names:
        raise UsageError(f"{expression.text} has no input to differentiate by")
    by = named or expression.names[0]
    if by not in expression.names:
        raise UsageError(f"{by} is not in the expression {expression.text}")
    if len(expression.names) > 1 and not named:
        raise UsageError(f"say which input to differentiate by: --by {by}, say")
    return by


def _along(expression: Expression, inputs: dict[str, float], by: str) -> Callable[[Any], Any]:
    """The expression as a function of one of its inputs."""
    return lambda x: expression(*({**inputs, by: x}[name] for name in expression.names))


def _save_plot(sweep: StepSweep, path: Path) -> None:
    from pygrad import plot

    try:
        from matplotlib.figure import Figure  # which needs no display

        figure = Figure(layout="constrained")
        plot.step_sweep(sweep, ax=figure.add_subplot())
        figure.savefig(path, format=path.suffix.lower()[1:] or "png")
    except ImportError:
        raise Failure(f"--plot needs matplotlib: {install('plot')}") from None
