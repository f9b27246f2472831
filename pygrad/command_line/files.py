"""Files that commands write: the ending of a name says what goes into one, whatever the option."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pygrad.command_line.outcome import Failure, UsageError
from pygrad.command_line.output import print_written

PAGES = (".html", ".htm")
PICTURES = (".svg", ".png", ".pdf")
GRAPHS = (*PICTURES, ".dot", ".gv")  # what a drawing of a graph is saved as


def place(text: str, endings: tuple[str, ...]) -> Path:
    """The file of that name, which has one of the endings, or none.

    Raises:
        UsageError: it has another one.
        Failure: it is a folder, or in one that does not exist. Both are said before the work, not after it.
    """
    path = Path(text)
    if path.suffix and path.suffix.lower() not in endings:
        raise UsageError(
            f"{text}: the ending has to be one of {', '.join(endings)}, not {path.suffix}"
        )
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else "is in a folder that does not exist"
        raise Failure(f"{text} {what}; choose another file")
    return path


def write_graph(v: Any, path: Path, otherwise: str) -> None:
    """The graph of v as a page to play with, or as a picture; otherwise: the ending where there is none."""
    ending = path.suffix.lower() or otherwise
    if ending in PAGES:
        from pygrad.seeing.explorer import explore

        explore(v, path)
    else:
        from pygrad.seeing.drawing import draw

        try:
            path.write_bytes(draw(v).pipe(ending[1:]))
        except RuntimeError as problem:  # of what a PNG or PDF needs
            raise Failure(str(problem)) from None
    print_written(os.fspath(path))


def write_picture(svg: str, path: Path) -> None:
    """A picture in SVG as what the ending says."""
    kind = path.suffix.lower()[1:] or "svg"
    if kind == "svg":
        path.write_bytes(svg.encode())
        return
    from pygrad.seeing.converted import NEEDED, converted

    made = converted(svg, kind)
    if made is None:
        raise Failure(f"a {kind.upper()} needs {NEEDED}; a .svg needs nothing")
    path.write_bytes(made)
