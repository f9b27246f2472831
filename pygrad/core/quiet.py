"""NumPy's arithmetic without its warnings, for the rooms above."""

from pygrad.arrays.quiet import quietly

__all__ = ["quietly"]
