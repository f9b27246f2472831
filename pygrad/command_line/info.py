"""`pygrad info`: what a bug report needs to say of this installation."""

from __future__ import annotations

import argparse

from pygrad.command_line.arguments import add_json
from pygrad.command_line.outcome import OK
from pygrad.command_line.output import print_json

NAME = "info"
HELP = "what a bug report needs: versions, compiler, processor, paths"
MORE = ""


def add(parser: argparse.ArgumentParser) -> None:
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from pygrad.command_line import installation

    facts = installation.collect()
    if arguments.json:
        print_json(facts)
    else:
        print(installation.table(facts))
    return OK
