"""The commands of `pygrad`: what they take, what they print, and how they end.

Results go to stdout and talk to stderr. The exit code is 0 when all went well, 1 when the work failed or a
gradient is wrong, 2 when the command was not understood. With ``--json`` stdout is one JSON object; numbers
that JSON has not are the texts "nan", "inf" and "-inf".

>>> from pygrad.command_line.main import main
>>> main(["sweep", "sine(x)", "x=1"])  # on stderr: unknown name 'sine', did you mean 'sin'?
2
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import math
import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import pygrad
from pygrad.command_line.expressions import (
    EvaluationError,
    Expression,
    ExpressionError,
    assignment,
    missing,
    number,
    parse,
)
from pygrad.core.distribution import install

OK, FAILED, MISUNDERSTOOD = 0, 1, 2

_Commands = Any  # argparse's subparsers


class UsageError(Exception):
    """The command cannot be understood as it stands."""


class Failure(Exception):
    """The work could not be done."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; `argv` is without the program's name. Returns the exit code."""
    parser = _parser()
    try:
        arguments, rest = parser.parse_known_args(
            _expressions_kept(sys.argv[1:] if argv is None else argv)
        )
        _take_late_inputs(parser, arguments, rest)
    except SystemExit as stop:  # argparse has printed its help or its complaint
        return stop.code if isinstance(stop.code, int) else MISUNDERSTOOD
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
        return code
    except (UsageError, ExpressionError, Failure, OSError) as problem:
        if isinstance(problem, BrokenPipeError):
            # The reader (`| head`) has gone; Python's own flush at exit must not complain again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return FAILED
        print(f"pygrad {arguments.command}: {problem}", file=sys.stderr)
        if isinstance(problem, ExpressionError) and problem.marked():
            print(problem.marked(), file=sys.stderr)
        understood = isinstance(problem, (Failure, OSError, EvaluationError))
        return FAILED if understood else MISUNDERSTOOD
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return FAILED


def _expressions_kept(argv: Sequence[str]) -> list[str]:
    """The arguments; an expression that begins with a minus is told from an option by a blank."""
    takes_expression = len(argv) > 0 and argv[0] in {"explain", "sweep"}
    is_expression = re.compile(r"-[^-]|--?[\d.(]").match
    return [
        f" {word}" if takes_expression and is_expression(word) and word != "-h" else word
        for word in argv
    ]


def _take_late_inputs(
    parser: argparse.ArgumentParser, arguments: argparse.Namespace, rest: Sequence[str]
) -> None:
    """NAME=VALUE after an option, which argparse leaves over. It complains of what is left then."""
    late = [word for word in rest if hasattr(arguments, "inputs") and re.match(r"[^-].*=", word)]
    if late:
        arguments.inputs += late
    unknown = [word for word in rest if word not in late]
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pygrad",
        description="Scalar automatic differentiation, compiled.",
        epilog="Exit codes: 0 all well, 1 failed or a gradient is wrong, 2 not understood. "
        "`pygrad COMMAND --help` says more.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"pygrad {pygrad.__version__}")
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True, dest="command"
    )
    for add in COMMANDS:
        add(commands)
    return parser


def _add(
    commands: _Commands, run: Callable[[argparse.Namespace], int], help: str, more: str = ""
) -> argparse.ArgumentParser:
    """A command's parser. It is named by the function that runs it, `_run_NAME`."""
    parser: argparse.ArgumentParser = commands.add_parser(
        run.__name__.removeprefix("_run_"),
        help=help,
        description=f"{help[0].upper()}{help[1:]}. {more}".strip(),
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    return parser


# -- what several commands need ----------------------------------------------------------------------


def _print_json(facts: dict[str, Any]) -> None:
    print(json.dumps(_in_json(facts), indent=2, allow_nan=False))


def _in_json(item: Any) -> Any:
    if isinstance(item, float):
        return float(item) if math.isfinite(item) else str(float(item))
    if isinstance(item, dict):
        return {str(key): _in_json(part) for key, part in item.items()}
    if hasattr(item, "_asdict"):
        return _in_json(item._asdict())
    return [_in_json(part) for part in item] if isinstance(item, (list, tuple)) else item


def _add_expression(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "expression",
        metavar="EXPRESSION",
        help="numbers, names, + - * / // %% **, comparisons, `x if c else y`, functions of pygrad.math; "
        "parts may have names: 'c = a*b; c + 1'",
    )
    parser.add_argument(
        "inputs", nargs="*", metavar="NAME=NUMBER", help="a value for each name, such as x=pi/2"
    )


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _assignments(texts: Sequence[str]) -> dict[str, str]:
    """What stands behind each NAME=."""
    sides: dict[str, str] = {}
    for text in texts:
        name, side = assignment(text)
        if name in sides:
            raise UsageError(f"{name} is given twice")
        sides[name] = side
    return sides


def _expression(arguments: argparse.Namespace) -> tuple[Expression, dict[str, float]]:
    """The expression and the values of its names, which fit each other."""
    inputs = {name: number(side) for name, side in _assignments(arguments.inputs).items()}
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


# -- demo --------------------------------------------------------------------------------------------
# What a command needs beyond that is imported when it runs, so that the others start without it.


def _add_demo(commands: _Commands) -> None:
    parser = _add(
        commands,
        _run_demo,
        "train a network on two moons, time it, draw it",
        "A training step is timed beside the pure-Python reference.",
    )
    parser.add_argument(
        "--steps", type=_positive, default=200, metavar="N", help="training steps (%(default)s)"
    )
    parser.add_argument(
        "--out",
        default="decision_boundary.svg",
        metavar="FILE",
        help="the picture's file (%(default)s)",
    )
    parser.add_argument(
        "--seed", type=int, default=1337, metavar="S", help="of data and weights (%(default)s)"
    )


def _run_demo(arguments: argparse.Namespace) -> int:
    from pygrad.command_line import demo

    return demo.run(steps=arguments.steps, out=arguments.out, seed=arguments.seed)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(text)


def _between(text: str, most: float, what: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 < found <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is no {what} above 0 and up to {most:g}")
    return found


# -- explain -----------------------------------------------------------------------------------------


def _add_explain(commands: _Commands) -> None:
    parser = _add(commands, _run_explain, "work out the derivatives of an expression step by step")
    _add_expression(parser)
    parser.add_argument("--html", metavar="FILE", help="also write a page to play with")
    parser.add_argument("--svg", metavar="FILE", help="also draw the graph")
    _add_json(parser)


def _run_explain(arguments: argparse.Namespace) -> int:
    from pygrad.seeing.explanation import explain

    expression, inputs = _expression(arguments)
    v, leaves = expression.graph(inputs)
    explanation = explain(v)
    v.backward()
    if arguments.json:
        _print_json(
            {
                "expression": expression.text,
                "value": v.data,
                "inputs": {
                    name: {"value": leaf.data, "gradient": leaf.grad}
                    for name, leaf in leaves.items()
                },
                "steps": explanation.steps,
            }
        )
    else:
        print(explanation)
    if arguments.svg:
        from pygrad.seeing.drawing import draw

        picture = draw(v).to_svg()
        with open(arguments.svg, "w", encoding="utf-8", newline="\n") as file:
            file.write(picture)
        print(f"written: {arguments.svg}", file=sys.stderr)
    if arguments.html:
        from pygrad.seeing.explorer import explore

        explore(v, arguments.html)
        print(f"written: {arguments.html}", file=sys.stderr)
    return OK


# -- check -------------------------------------------------------------------------------------------


def _add_check(commands: _Commands) -> None:
    parser = _add(
        commands,
        _run_check,
        "compare the derivatives of a function of yours with differences",
        "The file is run. Inputs without a value get the function's defaults, or some number. "
        "Exit code 1 if a derivative is wrong.",
    )
    parser.add_argument("function", metavar="FILE:FUNC", help="such as model.py:loss")
    parser.add_argument(
        "inputs",
        nargs="*",
        metavar="NAME=VALUE",
        help="where to check: x=0.5, w=[1,2], p=\"{'rate': 2}\", m=array([[1,2],[3,4]])",
    )
    parser.add_argument(
        "--order", type=_positive, default=1, metavar="N", help="up to this order (%(default)s)"
    )
    parser.add_argument(
        "--rtol",
        type=_tolerance,
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
    _add_json(parser)


def _run_check(arguments: argparse.Namespace) -> int:
    from pygrad.checking import check as checking
    from pygrad.command_line import user_code

    path = list(sys.path)
    try:
        report = _check(arguments)
    except user_code.UserCodeError as problem:
        raise UsageError(str(problem)) from None
    finally:
        sys.path[:] = path
    if arguments.json:
        _print_json(
            {"verdict": report.verdict, "function": arguments.function, "derivatives": report.rows}
        )
    else:
        print(report)
    passing = {checking.OK}
    if not arguments.strict:
        passing |= {checking.NOT_DIFFERENTIABLE, checking.INCONCLUSIVE}
    return OK if report.verdict in passing else FAILED


def _check(arguments: argparse.Namespace) -> Any:
    """The user's function checked at the point that was given: a GradientCheck."""
    from pygrad.checking import check as checking
    from pygrad.command_line import user_code

    sides = _assignments(arguments.inputs)
    values = {name: user_code.value(side) for name, side in sides.items()}
    function = _users(lambda: user_code.load(arguments.function))
    inputs, fixed, made_up = user_code.point(function, values)
    if made_up:
        chosen = ", ".join(f"{name} = {inputs[name]:g}" for name in made_up)
        print(f"no value was given, so it is checked at {chosen}", file=sys.stderr)
    check = functools.partial(
        checking.check_grad, order=arguments.order, rtol=arguments.rtol, exact=arguments.exact
    )
    try:
        found = _users(lambda: check(lambda x: user_code.call(function, x, fixed), inputs))
    except Failure as problem:
        if not made_up:
            raise
        wanted = " ".join(f"{name}=VALUE" for name in made_up)
        raise Failure(f"{problem}\ngive the point yourself: {wanted}") from None
    return checking.GradientCheck([row._replace(name=_without_x(row.name)) for row in found.rows])


def _tolerance(text: str) -> float:
    return _between(text, 0.5, "relative error")


def _without_x(name: str) -> str:
    """The inputs' own names: x['rate'][0] is rate[0]."""
    return re.sub(r"x\['(\w+)'\]", r"\1", name)


def _users(call: Callable[[], Any]) -> Any:
    """Runs code of the user. What it prints goes to stderr, and what it raises ends the command."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            return call()
    except Exception as error:
        if type(error).__module__ == "pygrad.command_line.user_code":
            raise
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if not frame.filename.startswith(_PACKAGE) and frame.filename[0] != "<"
        ]
        if not frames and not isinstance(error, SyntaxError):  # it was raised by pygrad
            raise Failure(str(error)) from error
        where = "".join(traceback.format_list(frames[-3:])).rstrip()
        what = "".join(traceback.format_exception_only(error)).rstrip()
        raise Failure(f"the function could not be run\n{where}\n{what}") from error
    except SystemExit as stop:
        raise Failure(f"the file has ended the program with {stop.code!r}") from None


_PACKAGE = os.path.dirname(os.path.abspath(pygrad.__file__)) + os.sep


# -- sweep -------------------------------------------------------------------------------------------


def _add_sweep(commands: _Commands) -> None:
    parser = _add(
        commands,
        _run_sweep,
        "show how the error of a difference quotient depends on its step",
        "It is compared with the exact derivative, by the one input or by the one that --by names.",
    )
    _add_expression(parser)
    parser.add_argument("--by", metavar="NAME", help="the input to differentiate by")
    parser.add_argument(
        "--method", choices=("central", "forward"), default="central", help="(%(default)s)"
    )
    parser.add_argument("--plot", metavar="FILE", help="also draw the U (needs matplotlib)")
    _add_json(parser)


def _run_sweep(arguments: argparse.Namespace) -> int:
    from pygrad.numeric import step_sweep

    expression, inputs = _expression(arguments)
    by = arguments.by or next(iter(expression.names), "")
    if not expression.names:
        raise UsageError(f"{expression.text} has no input to differentiate by")
    if by not in expression.names:
        raise UsageError(f"{by} is not in the expression {expression.text}")
    if len(expression.names) > 1 and not arguments.by:
        raise UsageError(f"say which input to differentiate by: --by {by}, say")

    def f(x: Any) -> Any:
        return expression(*({**inputs, by: x}[name] for name in expression.names))

    try:
        sweep = step_sweep(f, inputs[by], method=arguments.method)
    except EvaluationError:
        raise
    except ValueError as problem:
        raise Failure(str(problem)) from None
    if arguments.json:
        _print_json(
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
    if arguments.plot:
        _save_plot(sweep, arguments.plot)
        print(f"written: {arguments.plot}", file=sys.stderr)
    return OK


def _save_plot(sweep: Any, path: str) -> None:
    from pygrad import plot

    try:
        from matplotlib.figure import Figure  # which needs no display

        figure = Figure(layout="constrained")
        plot.step_sweep(sweep, ax=figure.add_subplot())
        figure.savefig(path)
    except ImportError:
        raise Failure(f"--plot needs matplotlib: {install('plot')}") from None
    except ValueError as problem:  # a format that matplotlib does not write
        raise Failure(str(problem)) from None


# -- bench -------------------------------------------------------------------------------------------


def _add_bench(commands: _Commands) -> None:
    parser = _add(
        commands,
        _run_bench,
        "measure the speed of this installation",
        "Let nothing else run on the machine.",
    )
    parser.add_argument(
        "--seconds",
        type=_seconds,
        default=0.3,
        metavar="S",
        help="time for each figure (%(default)s)",
    )
    _add_json(parser)


def _run_bench(arguments: argparse.Namespace) -> int:
    from pygrad.command_line import bench, info

    print(f"{info.processor()}, {os.cpu_count()} cores", file=sys.stderr)
    try:
        figures = bench.run(arguments.seconds)
    except (RuntimeError, ImportError) as problem:
        raise Failure(str(problem)) from None
    if arguments.json:
        measured = [figure for figure in figures if isinstance(figure, bench.Figure)]
        rows = [{**figure._asdict(), "ratio": figure.ratio} for figure in measured]
        skipped = [figure for figure in figures if isinstance(figure, bench.Skipped)]
        _print_json({"processor": info.processor(), "figures": rows, "skipped": skipped})
    else:
        print(bench.table(figures))
    return OK


def _seconds(text: str) -> float:
    return _between(text, 60, "number of seconds")


# -- info --------------------------------------------------------------------------------------------


def _add_info(commands: _Commands) -> None:
    parser = _add(
        commands, _run_info, "what a bug report needs: versions, compiler, processor, paths"
    )
    _add_json(parser)


def _run_info(arguments: argparse.Namespace) -> int:
    from pygrad.command_line import info

    facts = info.collect()
    if arguments.json:
        _print_json(facts)
    else:
        print(info.table(facts))
    return OK


COMMANDS: list[Callable[[_Commands], None]] = [
    _add_demo,
    _add_explain,
    _add_check,
    _add_sweep,
    _add_bench,
    _add_info,
]
