"""The command line: `pygrad demo`, `pygrad --version`.

Results go to stdout and talk to stderr. The exit code is 0 when all went well, 1 when the work
failed, 2 when the command was not understood.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

import pygrad


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; `argv` is without the program's name. Returns the exit code."""
    parser = _parser()
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as stop:  # argparse has printed its help or its complaint
        return stop.code if isinstance(stop.code, int) else 2
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader (`| head`) has gone; Python's own flush at exit must not complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pygrad", description="Scalar automatic differentiation, compiled."
    )
    parser.add_argument("--version", action="version", version=f"pygrad {pygrad.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in COMMANDS:
        add(commands)
    return parser


# One function a command: it adds the command's own parser, and says with `run` what it does.
# What a command needs is imported when it runs, so that the others start without it.


def _add_demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "demo",
        help="train a network on two moons, time it, draw it",
        description="Train an MLP on two moons, time a step beside the pure-Python reference, "
        "and draw the decision boundary.",
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
    parser.set_defaults(run=_run_demo)


def _run_demo(arguments: argparse.Namespace) -> int:
    from pygrad import demo

    return demo.run(steps=arguments.steps, out=arguments.out, seed=arguments.seed)


COMMANDS: list[Callable[[argparse._SubParsersAction[argparse.ArgumentParser]], None]] = [_add_demo]


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
