"""A truth in a structure: what a comparison gives, which a program has as a number.

>>> Truth().arrange([1.0]), Truth().arrange([0.0])
(True, False)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class Truth(NamedTuple):
    """True or False: what a comparison gives, which a program has as 1 or 0."""

    size: int = 1

    @property
    def shape(self) -> tuple[int, ...]:
        return ()

    def arrange(self, items: Sequence[Any]) -> Any:
        return items[0] != 0

    def as_argument(self, items: Sequence[Any]) -> Any:
        return items[0] != 0

    def from_array(self, numbers: Any) -> bool:
        return bool(numbers[0] != 0)

    def map(self, function: Callable[[Any, int], Any], start: int = 0) -> Any:
        return function(self, start)

    def __str__(self) -> str:
        return "a number"
