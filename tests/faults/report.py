"""How the parts of the fault programme tell their figures: printed, and as JSON for tools/faults.py."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path


def options(about: str | None, *flags: str) -> argparse.Namespace:
    """What every part takes on its command line, and flags of its own."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go")
    parser.add_argument("--share", action="store_true", help="a smaller run, for each change")
    for flag in flags:
        parser.add_argument(flag, action="store_true")
    return parser.parse_args()


class Figures:
    """The figures of one part.

    >>> figures = Figures("Balance")
    >>> figures.at_most("kilograms too many", 3, 0)
    >>> figures.items
    [{'what': 'kilograms too many', 'value': 3, 'limit': '0', 'ok': False}]
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self.items: list[dict[str, object]] = []

    def add(self, what: str, value: object, limit: str = "", ok: bool = True) -> None:
        """A figure; what it is held to, if it is."""
        self.items.append({"what": what, "value": value, "limit": limit, "ok": ok})

    def at_most(self, what: str, value: float, limit: float) -> None:
        self.add(what, value, str(limit), value <= limit)

    def missing(self, what: str, tool: str) -> None:
        """A figure that could not be made: it is not left out in silence."""
        self.add(what, f"not measured: no {tool}", ok=False)

    def write(self, options: argparse.Namespace) -> None:
        """Prints them, writes them where options say, and ends the process: with 1 if one is not ok."""
        for item in self.items:
            limit = f" ({item['limit']})" if item["limit"] else ""
            print(f"{'ok' if item['ok'] else 'NOT OK':<7}{item['what']}: {item['value']}{limit}")
        if options.json:
            text = json.dumps({"title": self.title, "figures": self.items}, indent=1)
            options.json.write_text(text + "\n", encoding="utf-8")
        sys.exit(not all(item["ok"] for item in self.items))
