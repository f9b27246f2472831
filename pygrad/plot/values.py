"""Values as matplotlib's data.

Axes that are handed objects ask a converter for their numbers (matplotlib.units). A picture is where a
number ends, so no derivative is lost by it; everywhere else `float(v)` refuses.
"""

from __future__ import annotations

from typing import Any

from pygrad.core.distribution import install
from pygrad.core.implementation import Value
from pygrad.plot.axes import as_float

__all__ = ["register_values"]


def register_values() -> None:
    """Let matplotlib's own functions draw Values, lists and arrays of them, by their numbers: `.data`.

    Of a list that mixes both the first item tells matplotlib what it is: if that is a plain number, the
    Values after it are refused.

    Raises:
        ImportError: matplotlib is not installed.

    >>> import matplotlib.figure
    >>> from pygrad import Value
    >>> register_values()
    >>> (line,) = matplotlib.figure.Figure().add_subplot().plot([Value(1.0), Value(2.0)])
    >>> line.get_ydata(orig=False).tolist()
    [1.0, 2.0]
    """
    try:
        from matplotlib import units
    except ImportError as error:
        raise ImportError(f"pygrad.plot needs matplotlib: {install('plot')}") from error
    import numpy as np

    class Numbers(units.ConversionInterface):
        @staticmethod
        def convert(value: Any, unit: Any, axis: Any) -> Any:
            return np.vectorize(as_float, otypes=[float])(np.asarray(value, dtype=object))[()]

    units.registry[Value] = Numbers()
