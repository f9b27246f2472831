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
import difflib
import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Protocol

import pygrad
from pygrad.command_line import bench, check, demo, explain, explore, info, sweep
from pygrad.command_line.arguments import takes_expression
from pygrad.command_line.expressions import EvaluationError, ExpressionError
from pygrad.command_line.outcome import FAILED, MISUNDERSTOOD, Failure, UsageError


class Command(Protocol):
    """A module of this folder. It imports what its work needs as it runs, so that the others start fast."""

    @property
    def NAME(self) -> str: ...
    @property
    def HELP(self) -> str: ...  # one line, for the list of commands
    @property
    def MORE(self) -> str: ...  # what its own help says beyond that
    def add(self, parser: argparse.ArgumentParser, /) -> None:
        """Add its arguments."""

    def run(self, arguments: argparse.Namespace, /) -> int:
        """Do the work; returns the exit code."""


COMMANDS: tuple[Command, ...] = (demo, explain, explore, check, sweep, bench, info)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; `argv` is without the program's name. Returns the exit code."""
    parser, commands = _parsers()
    argv = sys.argv[1:] if argv is None else argv
    try:
        _check_command(parser, argv, commands)
        arguments, rest = parser.parse_known_args(_expressions_kept(argv, commands))
        _take_late_inputs(commands[arguments.command], arguments, rest)
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


def _parsers() -> tuple[argparse.ArgumentParser, Mapping[str, argparse.ArgumentParser]]:
    """The parser of all, and each command's by its name."""
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
    for command in COMMANDS:
        its_parser = commands.add_parser(
            command.NAME,
            help=command.HELP,
            description=f"{command.HELP[0].upper()}{command.HELP[1:]}. {command.MORE}".strip(),
            allow_abbrev=False,
        )
        its_parser.set_defaults(run=command.run)
        command.add(its_parser)
    return parser, commands.choices


def _check_command(
    parser: argparse.ArgumentParser,
    argv: Sequence[str],
    commands: Mapping[str, argparse.ArgumentParser],
) -> None:
    """What argparse would say of a word that is no command, and which one may be meant."""
    if argv and not argv[0].startswith("-") and argv[0] not in commands:
        near = difflib.get_close_matches(argv[0].lower(), commands, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(commands)}"
        parser.error(f"unknown command {argv[0]!r}, {hint}")


def _expressions_kept(
    argv: Sequence[str], commands: Mapping[str, argparse.ArgumentParser]
) -> list[str]:
    """The arguments; an expression that begins with a minus is told from an option by a blank."""
    expected = len(argv) > 0 and argv[0] in commands and takes_expression(commands[argv[0]])
    is_expression = re.compile(r"-[^-]|--?[\d.(]").match
    return [
        f" {word}" if expected and is_expression(word) and word != "-h" else word for word in argv
    ]


def _take_late_inputs(
    parser: argparse.ArgumentParser, arguments: argparse.Namespace, rest: Sequence[str]
) -> None:
    """NAME=VALUE after an option, which argparse leaves over. The command's parser complains of what is
    left then, and of inputs that were meant as options."""
    late = [word for word in rest if "inputs" in arguments and re.match(r"[^-].*=", word)]
    if late:
        arguments.inputs += late
    unknown = [word for word in rest if word not in late]
    unknown += [word[1:] for word in getattr(arguments, "inputs", ()) if word.startswith(" -")]
    if unknown:
        hint = _known_like(parser, unknown[0])
        parser.error(f"unrecognized arguments: {' '.join(unknown)}; {hint}")


def _known_like(parser: argparse.ArgumentParser, word: str) -> str:
    """Which option may be meant, or all that there are."""
    options = re.findall(r"(?<=\[)--?[a-z][a-z-]*", parser.format_usage())
    near = difflib.get_close_matches(word.lower(), options, 1)
    return f"did you mean {near[0]}?" if near else f"the options are {', '.join(options)}"
