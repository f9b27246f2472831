"""`pygrad explain EXPRESSION`: the derivatives of an expression, worked out step by step."""

from __future__ import annotations

import argparse

from pygrad.command_line.arguments import add_expression, add_json, expression_of
from pygrad.command_line.files import GRAPHS, PAGES, place, write_graph
from pygrad.command_line.outcome import OK
from pygrad.command_line.output import print_json

NAME = "explain"
HELP = "work out the derivatives of an expression step by step"
MORE = ""


def add(parser: argparse.ArgumentParser) -> None:
    add_expression(parser)
    parser.add_argument("--html", metavar="FILE", help="also write a page to play with")
    parser.add_argument(
        "--svg", metavar="FILE", help="also draw the graph: .svg, .png, .pdf or .dot, as FILE ends"
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from pygrad.seeing.explanation import explain

    files = [
        (place(name, endings), endings[0])
        for name, endings in ((arguments.svg, GRAPHS), (arguments.html, PAGES))
        if name
    ]
    expression, inputs = expression_of(arguments)
    v, leaves = expression.graph(inputs)
    explanation = explain(v)
    v.backward()
    if arguments.json:
        print_json(
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
    for path, otherwise in files:
        write_graph(v, path, otherwise)
    return OK
