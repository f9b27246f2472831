"""The explorer's page in a notebook, joined with Python both ways: ``pip install 'pygrad-core[notebook]'``.

A slider that is moved in the page sets `leaf.data` here; numbers that Python has set are in the page after
`refresh()`. `pygrad.explore` makes the same page as a file, which knows nothing of Python.

    from pygrad import Value
    from pygrad.notebook import explore

    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    page = explore(a * b + a)
    page                        # the last line of a cell shows it
    a.data = 4.0
    page.refresh()              # and now the page has 4, too
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pygrad.core.distribution import install

if TYPE_CHECKING:
    from pygrad.notebook.widget import ExplorerWidget

__all__ = ["explore"]


def explore(
    v: Any, *, limit: int | None = 500, spelled_out: bool = False, model: Any = None
) -> ExplorerWidget:
    """The page of `pygrad.explore`, as a widget whose sliders are the leaves of v.

    Args:
        v, limit, spelled_out, model: as of `pygrad.explore`. Of a graph above the limit the page is a
            summary without sliders.

    Raises:
        ImportError: anywidget is not installed; or the extension, which has the op table, is not built.
        TypeError: v is no Value.
        ValueError: the limit is below 1.
    """
    try:
        from pygrad.notebook.widget import ExplorerWidget
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in {"anywidget", "traitlets"}:
            raise
        raise ImportError(f"pygrad.notebook needs anywidget: {install('notebook')}") from error
    from pygrad.seeing.explorer import explored

    return ExplorerWidget(*explored(v, limit, spelled_out, model))
