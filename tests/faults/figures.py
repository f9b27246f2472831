"""What the scripts of this folder print, and what tools/faults.py reads: figures, each with its limit."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any


class Figures:
    """Figures under a title; ok() says whether all of them keep to their limits."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.figures: list[dict[str, Any]] = []

    def add(self, what: str, value: Any, limit: str = "", ok: bool = True) -> None:
        self.figures.append({"what": what, "value": value, "limit": limit, "ok": bool(ok)})

    def none_of(self, what: str, count: int) -> None:
        """A count of what must not be."""
        self.add(what, count, "0", count == 0)

    def ok(self) -> bool:
        return all(figure["ok"] for figure in self.figures)

    def finish(self, file: Path | None) -> int:
        """Prints them, writes them, and gives the exit code."""
        print(self.title)
        width = max(len(figure["what"]) for figure in self.figures)
        for f in self.figures:
            value = f"{f['value']:,}" if isinstance(f["value"], int) else str(f["value"])
            limit = f"   (limit {f['limit']})" if f["limit"] else ""
            print(f"  {f['what']:<{width}}  {value:>14}{limit}{'' if f['ok'] else '   FAILED'}")
        if file is not None:
            text = json.dumps({"title": self.title, "figures": self.figures}, indent=1)
            file.write_text(text + "\n", encoding="utf-8")
        return 0 if self.ok() else 1


def parser(description: str) -> argparse.ArgumentParser:
    """With the options that all of the scripts take."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--json", type=Path, metavar="FILE", help="writes the figures there")
    made.add_argument("--share", action="store_true", help="a share of it, in 40 seconds")
    made.add_argument("--jobs", type=int, default=2, help="processes at a time (%(default)s)")
    return made
