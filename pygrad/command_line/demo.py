"""`pygrad demo`: a network learns two moons; its steps are timed, and what it learnt is drawn."""

from __future__ import annotations

import argparse

from pygrad.command_line.arguments import positive
from pygrad.command_line.outcome import OK

NAME = "demo"
HELP = "train a network on two moons, time it, draw it"
MORE = "A training step is timed three ways: by the pure-Python reference, by Values, and compiled."


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--steps", type=positive, default=200, metavar="N", help="training steps (%(default)s)"
    )
    parser.add_argument(
        "--out",
        default="decision_boundary.svg",
        metavar="FILE",
        help="the picture's file: .svg, .png or .pdf; .html is a page on which it learns (%(default)s)",
    )
    parser.add_argument(
        "--seed", type=int, default=1337, metavar="S", help="of data and weights (%(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    from pygrad.command_line.two_moons import demonstrate

    demonstrate(arguments.steps, arguments.out, arguments.seed)
    return OK
