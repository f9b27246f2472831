"""What a node asks for its derivatives where no op of the table says them."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Protocol


class NodeRule(Protocol):
    """The rule of nodes that `rule_made` of the implementation makes."""

    @abstractmethod
    def __call__(
        self,
        reverse: int,
        numbers: int,
        node: Any,
        xs: tuple[Any, ...],
        seeds: tuple[Any, ...],
        wanted: tuple[bool, ...],
    ) -> tuple[Any, ...]:
        """Derivatives by the inputs where reverse is not 0, else of the results, None for 0.

        numbers: whether they will be used as numbers, and not be differentiated again.
        node: what rule_results() has the results of.
        xs: the inputs.
        seeds: what has arrived at the results, or the tangents of the inputs, None for 0.
        wanted: of each input, whether derivatives by it are asked for.
        """
