"""Tables as plain text, Markdown and HTML, in which the text of a cell is shown and does nothing."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence

__all__ = [
    "code",
    "columns",
    "html_line",
    "html_result",
    "html_table",
    "markdown_table",
    "text_table",
]

Rows = Sequence[Sequence[str]]  # the first is the head


def columns(text: str) -> int:
    """How many columns a terminal gives to text: two for an East Asian character, none for an accent.

    >>> columns("abc"), columns("\u6e29\u5ea6")
    (3, 4)
    """
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def text_table(rows: Rows) -> str:
    """Columns side by side, two blanks apart.

    >>> print(text_table([["x", "slope"], ["0.25", "2"]]))
    x     slope
    0.25  2
    """
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell + " " * (w - columns(cell)) for cell, w in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    )


def code(text: str) -> str:
    """A code span of Markdown, in which nothing has a meaning.

    >>> code("a * b"), code("tick ` tock")
    ('`a * b`', '``tick ` tock``')
    """
    if not text:
        return ""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    ticks = "`" * (longest + 1)
    blank = " " if text[0] in "` " or text[-1] in "` " else ""
    return ticks + blank + text + blank + ticks


def markdown_table(rows: Rows) -> str:
    """A table as GitHub and notebooks read it."""
    head, *body = rows
    lines = [head, ["---"] * len(head), *([_cell(text) for text in row] for row in body)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    # In a table, and only there, a | ends the cell even within code.
    return code(text).replace("|", r"\|")


_CELL = "text-align:left;vertical-align:top;padding:0.15em 0.9em 0.15em 0;white-space:nowrap"
_TABLE = "font-family:monospace;border-collapse:collapse;margin:0.4em 0"


def html_table(rows: Rows) -> str:
    """A table in the colours of the page around it; where it is too wide it scrolls, by keyboard, too."""
    head, *body = rows
    return (
        f'<div style="overflow-x:auto" tabindex="0"><table style="{_TABLE}">'
        f"<thead>{_html_row('th', head)}</thead>"
        f"<tbody>{''.join(_html_row('td', row) for row in body)}</tbody></table></div>"
    )


def _html_row(tag: str, cells: Sequence[str]) -> str:
    start = f'<{tag} style="{_CELL}">'
    return f"<tr>{''.join(f'{start}{html.escape(cell)}</{tag}>' for cell in cells)}</tr>"


def html_line(text: str) -> str:
    """A line of text in the tables' style."""
    return f'<div style="font-family:monospace">{html.escape(text)}</div>'


def html_result(said: str, rows: Rows, more: str = "") -> str:
    """What a notebook shows of a result: a line that says it in words, and a table; a line behind it."""
    return html_line(said) + html_table(rows) + (html_line(more) if more else "")
