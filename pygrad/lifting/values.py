"""Whether there are Values in something."""

from pygrad.arrays.engines import has_values as holds_values
from pygrad.arrays.engines import is_array_with_values as is_of_values

__all__ = ["holds_values", "is_of_values"]
