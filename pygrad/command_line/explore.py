"""`pygrad explore EXPRESSION`: a page on which an expression is computed, differentiated and moved."""

from __future__ import annotations

import argparse
import sys
import webbrowser

from pygrad.command_line.arguments import add_expression, expression_of
from pygrad.command_line.files import PAGES, place, write_graph
from pygrad.command_line.outcome import OK

NAME = "explore"
HELP = "write a page that plays an expression forward and backward"
MORE = "It is one file, which needs no network; sliders move the inputs."


def add(parser: argparse.ArgumentParser) -> None:
    add_expression(parser)
    parser.add_argument(
        "--out", default="explore.html", metavar="FILE", help="the page's file (%(default)s)"
    )
    parser.add_argument("--open", action="store_true", help="open it in a browser")


def run(arguments: argparse.Namespace) -> int:
    path = place(arguments.out, PAGES)
    expression, inputs = expression_of(arguments)
    v, _ = expression.graph(inputs)
    write_graph(v, path, ".html")
    if arguments.open and not webbrowser.open(path.resolve().as_uri()):
        print(f"no browser was found here; open {path} in one", file=sys.stderr)
    return OK
