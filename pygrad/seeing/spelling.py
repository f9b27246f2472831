"""A dot product shown as what it stands for: products, added up one after the other."""

from __future__ import annotations

from typing import Any, NamedTuple

from pygrad.seeing import inspection

__all__ = ["Spelling", "spelled_out"]

_Operands = list[tuple[int, ...]]


class Spelling(NamedTuple):
    """How a node is said to be computed, in the place of what it says itself."""

    symbol: str
    slopes: tuple[float, ...]


def spelled_out(
    order: list[Any], operands: _Operands
) -> tuple[list[Any], _Operands, dict[int, Spelling]]:
    """A graph with each dot product as products and sums: Values, operands as indices, spellings by index.

    The last sum is the Value of the product itself; those before it are new Values without a graph, which
    have their numbers and grads. The given list is emptied, so that nothing refers to its Values.

    >>> from pygrad import Value, dot
    >>> w, x = [Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)]
    >>> y = dot(w, x, 1.0)
    >>> order = [*y._children, y]
    >>> order, operands, spellings = spelled_out(order, [(), (), (), (), (), (0, 1, 2, 3, 4)])
    >>> [v.data for v in order[5:]], operands[5:], [one.symbol for one in spellings.values()]
    ([10.0, 11.0, 21.0, 32.0], [(0, 2), (4, 5), (1, 3), (6, 7)], ['*', '+', '*', '+'])
    """
    made = _Spelled()
    for i, own in enumerate(operands):
        v, known = order[i], [made.place[o] for o in own]
        if inspection.form(v) == "op" and inspection.symbol(v) == "dot" and len(known) > 1:
            made.add_dot(v, known)
        else:
            made.add(v, tuple(known))
        made.place.append(len(made.order) - 1)
    order.clear()
    return made.order, made.operands, made.spellings


class _Spelled:
    def __init__(self) -> None:
        self.order: list[Any] = []
        self.operands: _Operands = []
        self.spellings: dict[int, Spelling] = {}
        self.place: list[int] = []  # of the nodes that were there before

    def add(self, v: Any, operands: tuple[int, ...]) -> int:
        self.order.append(v)
        self.operands.append(operands)
        return len(self.order) - 1

    def add_dot(self, v: Any, known: list[int]) -> None:
        n = len(known) // 2
        total = known[2 * n] if len(known) % 2 else None
        pairs = list(zip(known[:n], known[n : 2 * n], strict=True))
        for k, (w, x) in enumerate(pairs, start=1):
            a, b = self.order[w].data, self.order[x].data
            product = Spelling("*", (b, a))
            if total is None and k == n:
                self._step(v, (w, x), product, v)
                return
            new = self._step(v, (w, x), product, a * b)
            if total is None:
                total = new
                continue
            ends = v if k == n else self.order[total].data + a * b
            total = self._step(v, (total, new), Spelling("+", (1.0, 1.0)), ends)

    def _step(self, v: Any, operands: tuple[int, ...], spelling: Spelling, result: Any) -> int:
        """A product or sum on the way to v; result: its number, or v itself."""
        if isinstance(result, float):
            step = inspection.base_class(v)(result)
            step.grad = inspection.grad_of(v)  # the slope of v by each of them is 1
            result = step
        self.spellings[len(self.order)] = spelling
        return self.add(result, operands)
