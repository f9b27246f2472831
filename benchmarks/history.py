"""The figures of each release, a line each, read off the tables of docs/speed.md: history.csv.

`run.py --write` renews the lines of the release that it has measured, and leaves those of others.
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).with_suffix(".csv")


class Line(NamedTuple):
    """What came out for one row of a table: the ratio, or the figure where nothing stands beside it."""

    release: str
    table: str
    what: str
    other: str
    result: str


def lines_of(page: str) -> list[Line]:
    """Those of the tables in a page, in their order.

    Raises:
        ValueError: a table does not say which release it is of.
    """
    found: list[Line] = []
    marked = re.compile(r"^<!-- measured: (\w+) -->\n(.*?)^<!-- measured: end -->", re.M | re.S)
    for table, text in marked.findall(page):
        release = re.search(r"^- versions: .*?\bpygrad(?:-core)? (\d[\w.]*)", text, re.M)
        if release is None:
            raise ValueError(f"the table {table!r} names no release of pygrad")
        for row in re.findall(r"^\| (.*) \|$", text, re.M)[2:]:
            what, ours, other, ratio, _ = (cell.strip() for cell in row.split(" | "))
            result = re.sub(" +", " ", ratio or ours)
            found.append(Line(release[1], table, what, other.partition(":")[0], result))
    return found


def renewed(history: str, page: str) -> str:
    """The history with the lines of a page's tables in the place of those of the same releases."""
    lines = lines_of(page)
    new = {(line.release, line.table) for line in lines}
    kept = [line for line in read(history) if (line.release, line.table) not in new]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([Line._fields, *kept, *lines])
    return text.getvalue()


def read(history: str) -> list[Line]:
    """The lines of a history, which may be empty."""
    return [Line(*row) for row in csv.reader(io.StringIO(history))][1:]


def write(page: str) -> None:
    """Renew the file from a page."""
    before = FILE.read_text(encoding="utf-8") if FILE.exists() else ""
    FILE.write_text(renewed(before, page), encoding="utf-8")
