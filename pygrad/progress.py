"""Progress of long work: a bar where a terminal is there, a callback, or nothing.

The bar is tqdm's if tqdm is installed (``pip install 'pygrad-core[progress]'``), which in a notebook is a
widget if ipywidgets is there; else it is a plain line. On a terminal it stands on stderr, comes up only
after a moment, and is gone when the work is done, so that what a program prints is the same with and
without it.

>>> from pygrad.progress import progress
>>> seen = []
>>> with progress(3, "counting", lambda done, total: seen.append(f"{done} of {total}")) as bar:
...     for _ in range(3):
...         bar.advance()
>>> seen
['1 of 3', '2 of 3', '3 of 3']
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
import time
from collections.abc import Callable
from sys import modules
from typing import Any

__all__ = ["Progress", "Report", "progress"]

# True: a bar on a terminal and in a notebook. False or None: nothing. A function: called with what is done
# and the total.
Report = Callable[[int, int], object] | bool | None

_DELAY = 0.3  # seconds before a bar comes up: short work shows none
_INTERVAL = 0.05  # seconds between two redrawings of the plain line


def progress(total: int, what: str, report: Report = True) -> Progress:
    """Progress towards ``total`` units of the work named ``what``, for a ``with`` statement.

    ``report`` says how it is shown: True draws a bar on a terminal and in a notebook, False and None show
    nothing, a function is called with (done, total) at each advance, in the thread that advances. An
    exception that it raises ends the work.

    Raises:
        TypeError: report is something else.
    """
    if report is None or report is False:
        return Progress(total)
    if callable(report):
        return _Callback(total, report)
    if report is not True:
        raise TypeError(f"progress must be a function, True, False or None, not {report!r}")
    notebook = _is_notebook()
    if not (notebook or _is_terminal(sys.stderr)):
        return Progress(total)
    try:
        from tqdm import tqdm
    except ImportError:
        return _Line(total, what)
    if notebook and (widget := _widget()) is not None:
        return _Tqdm(total, what, widget)
    # Its size is given, as tqdm shows nothing on a terminal that does not know its own.
    return _Tqdm(total, what, tqdm, file=sys.stderr, ncols=_width(), nrows=20)


class Progress:
    """How far some work is. This one shows nothing."""

    def __init__(self, total: int) -> None:
        self.total, self.done = total, 0

    def advance(self, n: int = 1, note: str = "") -> None:
        """n more units are done; a bar shows the note behind it."""
        self.done += n
        self._show(note)

    def say(self, text: str) -> None:
        """Print a line to stdout without tearing a bar that may stand on the same terminal."""
        print(text, flush=True)

    def _show(self, note: str) -> None:
        pass

    def _close(self) -> None:
        pass

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._close()


class _Callback(Progress):
    """Tells a function."""

    def __init__(self, total: int, report: Callable[[int, int], object]) -> None:
        super().__init__(total)
        self._report = report

    def _show(self, note: str) -> None:
        self._report(self.done, self.total)


class _Tqdm(Progress):
    """tqdm's bar."""

    def __init__(self, total: int, what: str, tqdm: Any, **look: Any) -> None:
        super().__init__(total)
        # tqdm's watchman is a thread that would outlive the bar.
        kind = type("Bar", (tqdm,), {"monitor_interval": 0})
        self._bar = kind(total=total, desc=what, leave=False, delay=_DELAY, **look)

    def _show(self, note: str) -> None:
        if note:
            self._bar.set_postfix_str(note, refresh=False)
        self._bar.update(self.done - self._bar.n)

    def say(self, text: str) -> None:
        self._bar.clear()
        super().say(text)

    def _close(self) -> None:
        self._bar.close()


class _Line(Progress):
    """A line on stderr, rewritten in place."""

    def __init__(self, total: int, what: str) -> None:
        super().__init__(total)
        self._what, self._width = what, 0
        self._next = time.monotonic() + _DELAY

    def _show(self, note: str) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _INTERVAL
        share = self.done / self.total if self.total else 1.0
        text = f"{self._what}  {self.done}/{self.total}  {share:4.0%}  {note}".rstrip()
        self._write(text[: _width()])

    def say(self, text: str) -> None:
        self._write("")
        super().say(text)

    def _close(self) -> None:
        self._write("")

    def _write(self, text: str) -> None:
        """The text in the place of the last one, whose rest is covered with blanks."""
        if text or self._width:
            blanks = " " * (self._width - len(text))
            print(f"\r{text}{blanks}", end="" if text else "\r", file=sys.stderr, flush=True)
        self._width = len(text)


def _width() -> int:
    """Columns to write into; the last one stays free, as some terminals would begin a new line."""
    return max(shutil.get_terminal_size().columns - 1, 10)


def _is_notebook() -> bool:
    """Whether this is a kernel, whose stderr is shown in a page."""
    ipython = modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return type(shell).__name__ == "ZMQInteractiveShell"


def _widget() -> Any:
    """The bar that tqdm.auto takes there; None without ipywidgets, of which that would warn."""
    if importlib.util.find_spec("ipywidgets") is None:
        return None
    try:
        from tqdm.notebook import tqdm_notebook
    except ImportError:
        return None
    return tqdm_notebook


def _is_terminal(stream: Any) -> bool:
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):  # there is none, or it is closed
        return False
