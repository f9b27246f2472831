"""`pygrad bench`: how fast this installation is."""

from __future__ import annotations

import argparse
import os
import sys

from pygrad.command_line.arguments import add_json, up_to
from pygrad.command_line.outcome import OK, Failure
from pygrad.command_line.output import print_json

NAME = "bench"
HELP = "measure the speed of this installation"
MORE = "Let nothing else run on the machine."


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seconds",
        type=up_to(60, "number of seconds"),
        default=0.3,
        metavar="S",
        help="time for each figure (%(default)s)",
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from pygrad.command_line import speed
    from pygrad.command_line.installation import processor

    print(f"{processor()}, {os.cpu_count()} cores", file=sys.stderr)
    try:
        figures = speed.measure(arguments.seconds)
    except (RuntimeError, ImportError) as problem:
        raise Failure(str(problem)) from None
    if arguments.json:
        measured = [figure for figure in figures if isinstance(figure, speed.Figure)]
        rows = [{**figure._asdict(), "ratio": figure.ratio} for figure in measured]
        skipped = [figure for figure in figures if isinstance(figure, speed.Skipped)]
        print_json({"processor": processor(), "figures": rows, "skipped": skipped})
    else:
        print(speed.table(figures))
    return OK
