"""Truncated power series, and how each op makes the series of its result from those of its operands.

A series is a list of terms, from the one of order 0 on; a term is a Value, or a number where nothing that
is differentiated is in it. Sums, products and quotients have the rules of polynomials. Any other op z
follows from its slopes in the op table: z' = s x' says of the terms

    k z_k = sum of j x_j s_(k - j) over j = 1 ... k

and s, a rule in words that are ops, is a series by the same rules, of which one term less is needed. So
`exp`, whose slope is itself, has the recurrence of the books, `sin` and `cos` have theirs together, and an
op that joins the table has one without a line here.

A series of order n costs some n**2 / 2 products for each op, and some n**3 / 6 where slopes lead to ever
new ops, as those of `x ** 2.5` and `polygamma` do; derivatives of derivatives cost 2**n.

As in sweeps, a product of which a factor is exactly 0 is 0, so a branch that was not taken stays silent.

Source: Griewank and Walther, Evaluating Derivatives (2nd ed., 2008), chapter 13.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from pygrad import _native
from pygrad.core.ops import Op, ops
from pygrad.core.words import Tree, parse

__all__ = ["Expansion", "Series", "scaled"]

Term = Any  # a Value or a float

# Whole powers up to this are products, as few of them as they have; others go by their slopes.
_LARGEST_PRODUCT = 4


@functools.cache
def _lines() -> dict[str, Op]:
    """The lines of the op table, by the names of ops and their second ones."""
    return {name: op for op in ops() for name in (op.name, *op.aliases)}


@functools.cache
def _word(name: str) -> Callable[..., Term]:
    """An op as rules compute it: a float of floats, else a Value. It never raises."""
    return functools.partial(_native.word, ops().index(_lines()[name]))


# -- terms -----------------------------------------------------------------------------------------


def _is(term: Term, number: float) -> bool:
    """Whether it is this number, whatever the inputs are."""
    return type(term) is float and term == number


def _times(a: Term, b: Term) -> Term:
    """The product in which 0 wins; trivial ones make no Value."""
    if type(b) is float:
        a, b = b, a
    if type(a) is float:
        if a == 0.0:
            return a
        if a == 1.0:
            return b
        if a == -1.0:
            return _word("neg")(b)
    return _word("mul0")(a, b)


def _plus(a: Term, b: Term) -> Term:
    if _is(a, 0.0):
        return b
    return a if _is(b, 0.0) else _word("add")(a, b)


def _over(a: Term, b: Term) -> Term:
    return a if _is(a, 0.0) or _is(b, 1.0) else _word("div0")(a, b)


def scaled(term: Term, factor: float) -> Term:
    """The term times a number."""
    return _times(factor, term)


# -- series ----------------------------------------------------------------------------------------


class Series:
    """Terms that are given; those beyond are 0."""

    def __init__(self, terms: Sequence[Term]) -> None:
        self.terms = list(terms)
        self._slopes: list[Term] = [0.0]

    def __getitem__(self, k: int) -> Term:
        return self.terms[k] if k < len(self.terms) else 0.0

    def slope(self, k: int) -> Term:
        """k times the term k: that of x' of order k - 1."""
        while len(self._slopes) <= k:
            order = len(self._slopes)
            self._slopes.append(scaled(self[order], float(order)))
        return self._slopes[k]

    @property
    def number(self) -> float | None:
        """What it is, if that is a number and no more."""
        first: Term = self[0]
        return first if type(first) is float and type(self) is Series and self._ends() else None

    def _ends(self) -> bool:
        return all(_is(term, 0.0) for term in self.terms[1:])


class _Result(Series):
    """The series of what an op has made, computed as far as it is asked for."""

    def __init__(self, first: Term, more: Callable[[Series, int], Term]) -> None:
        super().__init__([first])
        self._more = more

    def __getitem__(self, k: int) -> Term:
        while len(self.terms) <= k:
            self.terms.append(self._more(self, len(self.terms)))
        return self.terms[k]

    def end(self) -> None:
        """There will be no more terms, and nothing is held that those would need."""
        del self._more


class Expansion:
    """The series of a recording's Values, and those of the words of their rules, each there once."""

    def __init__(self) -> None:
        self._of: dict[int, Series] = {}
        self._kept: list[Any] = []  # so that an id stays that of one Value
        self._made: dict[tuple[Any, ...], _Result] = {}
        self._numbers: dict[float, Series] = {}

    def __enter__(self) -> Expansion:
        return self

    def __exit__(self, *_: object) -> None:
        """A series and what computes it hold each other: nothing of that is left for the collector."""
        for series in self._made.values():
            series.end()

    def give(self, v: Any, terms: Sequence[Term]) -> None:
        """The series of an input."""
        self._keep(v, Series([v, *terms]))

    def of(self, v: Any) -> Series:
        """The series of a Value; one that nothing was said of is a constant."""
        found = self._of.get(id(v))
        return self._keep(v, Series([v])) if found is None else found

    def follow(self, v: Any, name: str, operands: Sequence[Any], order: int) -> None:
        """Computes the series of a Value to an order, from what the native `ops_between` says of it."""
        parts = [Series([x]) if isinstance(x, float) else self.of(x) for x in operands]
        self._keep(v, self._made_by(name, parts, v))[order]

    def _keep(self, v: Any, series: Series) -> Series:
        self._kept.append(v)
        self._of[id(v)] = series
        return series

    def _number(self, number: float) -> Series:
        return self._numbers.setdefault(number, Series([number]))

    def _made_by(self, name: str, parts: Sequence[Series], first: Term = None) -> Series:
        """The series of an op; first: its term of order 0, if that is there already."""
        numbers = [part.number for part in parts]
        key = name, *(id(x) if n is None else n for x, n in zip(parts, numbers, strict=True))
        if key not in self._made:
            if first is None:
                first = _word(name)(*(part[0] for part in parts))
            if None not in numbers and type(first) is float:
                return self._number(first)
            self._made[key] = _Result(first, self._recurrence(name, parts))
        return self._made[key]

    # -- recurrences ---------------------------------------------------------------------------------

    def _recurrence(self, name: str, parts: Sequence[Series]) -> Callable[[Series, int], Term]:
        """From the series so far and an order, the term of that order."""
        if name in _OF_POLYNOMIALS:
            return functools.partial(_OF_POLYNOMIALS[name], parts)
        if name in {"pown", "power", "pow"}:
            product = self._as_product(parts[0], parts[1].number)
            if product is not None:
                return lambda _, k: product[k]
        return self._by_slopes(_lines()[name], parts)

    def _as_product(self, x: Series, exponent: float | None) -> Series | None:
        """x to a small whole power."""
        if exponent == -1.0:
            return self._made_by("div", [self._number(1.0), x])
        if exponent is None or exponent not in range(1, _LARGEST_PRODUCT + 1):
            return None
        power = x
        for bit in f"{int(exponent):b}"[1:]:
            power = self._made_by("mul", [power, power])
            power = self._made_by("mul", [power, x]) if bit == "1" else power
        return power

    def _by_slopes(self, op: Op, parts: Sequence[Series]) -> Callable[[Series, int], Term]:
        made: dict[int, Series] = {}

        def slope(i: int, z: Series) -> Series:
            if i not in made:
                letters = dict(zip("XK" if op.has_constant else "XYW", parts, strict=False), Z=z)
                made[i] = self._of_rule(parse(op.slopes[i]), letters)
            return made[i]

        def term(z: Series, k: int) -> Term:
            total: Term = 0.0
            for i in range(op.arity):
                for j in range(1, k + 1):
                    inner = parts[i].slope(j)
                    if not _is(inner, 0.0):
                        total = _plus(total, _times(inner, slope(i, z)[k - j]))
            return _over(total, float(k))

        return term

    def _of_rule(self, tree: Tree, letters: dict[str, Series]) -> Series:
        """The series of a rule. It calls itself along the rule, not along a graph."""
        if tree.word in letters:
            return letters[tree.word]
        if not tree.operands:
            return self._number(float(tree.word))
        parts = [self._of_rule(operand, letters) for operand in tree.operands]
        return self._made_by(_lines()[tree.word.lower()].name, parts)


# -- the rules of polynomials ----------------------------------------------------------------------


def _sum(parts: Sequence[Series], _: Series, k: int) -> Term:
    return functools.reduce(_plus, (part[k] for part in parts), 0.0)


def _difference(parts: Sequence[Series], _: Series, k: int) -> Term:
    return _plus(parts[0][k], scaled(parts[1][k], -1.0))


def _negation(parts: Sequence[Series], _: Series, k: int) -> Term:
    return scaled(parts[0][k], -1.0)


def _convolution(a: Series, b: Series, k: int, start: int = 0) -> Term:
    """The sum of a_j b_(k - j) over j from start on; of a square every second is there already."""
    last = k
    middle: Term = 0.0
    if a is b and start == 0:
        last = (k + 1) // 2 - 1
        middle = _times(a[k // 2], a[k // 2]) if k % 2 == 0 else 0.0
    total = functools.reduce(_plus, (_times(a[j], b[k - j]) for j in range(start, last + 1)), 0.0)
    return total if last == k else _plus(scaled(total, 2.0), middle)


def _product(parts: Sequence[Series], _: Series, k: int) -> Term:
    return _convolution(parts[0], parts[1], k)


def _quotient(parts: Sequence[Series], z: Series, k: int) -> Term:
    x, y = parts
    return _over(_plus(x[k], scaled(_convolution(y, z, k, start=1), -1.0)), y[0])


def _dot(parts: Sequence[Series], _: Series, k: int) -> Term:
    half = len(parts) // 2
    pairs = zip(parts[:half], parts[half : 2 * half], strict=True)
    products = [_convolution(w, x, k) for w, x in pairs]
    return functools.reduce(_plus, products, parts[-1][k] if len(parts) % 2 else 0.0)


_OF_POLYNOMIALS: dict[str, Callable[[Sequence[Series], Series, int], Term]] = {
    "add": _sum,
    "sum": _sum,
    "sub": _difference,
    "neg": _negation,
    "mul": _product,
    "mul0": _product,
    "div": _quotient,
    "div0": _quotient,
    "dot": _dot,
}
