"""What all pictures of pygrad.plot have in common: Axes, colours, a legend that covers nothing.

Matplotlib is imported only when something is drawn.
"""

from __future__ import annotations

from typing import Any

from pygrad.core.distribution import install
from pygrad.core.implementation import Value
from pygrad.seeing.palette import BLUE, GREEN, INK, MARKS, ORANGE, PURPLE, SKY, VERMILION

SERIES = [BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, INK]
MARKERS = [*MARKS, "^", "D", "v", "P", "X"]
LINES = ["-", "--", "-.", ":"]

Axes = Any  # matplotlib.axes.Axes

_MARGIN = 5  # points that a legend keeps from data


def axes(ax: Axes | None, size: tuple[float, float] | None = None) -> Axes:
    """ax, or the Axes of a new figure of that size in inches.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: ax is something else.
    """
    try:
        from matplotlib import pyplot
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(f"pygrad.plot needs matplotlib: {install('plot')}") from error
    if ax is not None:
        if not hasattr(ax, "plot") or not hasattr(ax, "figure"):
            raise TypeError(f"ax must be matplotlib Axes, not {type(ax).__name__}")
        return ax
    try:
        figure: Any = pyplot.figure(figsize=size, layout="constrained")
    except ImportError:  # the backend that was chosen needs a display
        figure = Figure(figsize=size, layout="constrained")
    return figure.add_subplot()


def as_float(number: Any) -> float:
    """A number or Value as a float."""
    return float(number.data if isinstance(number, Value) else number)


def dress(ax: Axes, x: str, y: str, title: str = "") -> Axes:
    """Names of both axes and of the whole, a light grid, no box."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, color="#dddddd", linewidth=0.6)
    ax.set_axisbelow(True)
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    if title:
        ax.set_title(title, loc="left", fontsize="medium", wrap=True)
    return ax


def legend(ax: Axes, title: str = "") -> Axes:
    """A legend where it covers no data; if there is no such place, above them, in room made for it."""
    look: dict[str, Any] = {"framealpha": 0.9, "title": title, "title_fontsize": "small"}
    made = _legend(ax, fontsize="small", **look)
    _lay_out(ax)
    if not _covers(ax, made.get_window_extent().padded(_MARGIN * ax.figure.dpi / 72)):
        return ax
    look |= {"loc": "upper center", "handlelength": 1.5, "columnspacing": 1.0}
    for size, columns in ("small", 2), ("x-small", 2), ("x-small", 1):
        box = _legend(ax, fontsize=size, ncols=columns, **look).get_window_extent()
        if box.width < 0.98 * ax.bbox.width:
            break
    share = min(box.height / ax.bbox.height + 0.06, 0.7)
    scale = ax.yaxis.get_transform()
    bottom, top = scale.transform(ax.get_ylim())
    ax.set_ylim(*scale.inverted().transform([bottom, bottom + (top - bottom) / (1 - share)]))
    return ax


def _lay_out(ax: Axes) -> None:
    """Put Axes where they will be when the figure is drawn."""
    figure = ax.figure.figure  # of a subfigure the whole one
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
    ax.apply_aspect()
    ax.get_xlim(), ax.get_ylim()  # so that pending limits are set


def _legend(ax: Axes, **look: Any) -> Any:
    made = ax.legend(**look)
    made.set_in_layout(False)  # it stands inside the Axes, which must not shrink for it
    return made


def confine(ax: Axes) -> None:
    """Let the lines end where the picture ends now, also if a legend is given room above."""
    from matplotlib.transforms import Bbox, TransformedBbox

    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    window = TransformedBbox(Bbox.from_extents(left, bottom, right, top), ax.transData)
    for line in ax.lines:
        line.set_clip_box(window)


def _covers(ax: Axes, box: Any) -> bool:
    """Whether a box, in pixels, lies over a line or a point of the data."""
    lines = [line.get_transform().transform_path(line.get_path()) for line in ax.lines]
    points = [line.vertices for line in lines]
    points += [
        ax.transData.transform(many.get_offsets())
        for many in ax.collections
        if len(many.get_offsets()) > 1
    ]
    return any(line.intersects_bbox(box, filled=False) for line in lines if len(line)) or any(
        box.contains(x, y) for xy in points for x, y in xy
    )
