"""Rules of one's own: custom_jvp and custom_vjp, with JAX's names and protocol.

>>> import math
>>> from pygrad import Value, custom_jvp, grad
>>> @custom_jvp
... def log1pexp(x):
...     return (1 + x.exp()).log() if isinstance(x, Value) else math.log1p(math.exp(x))
>>> @log1pexp.defjvp
... def rule(primals, tangents):
...     (x,), (t,) = primals, tangents
...     return log1pexp(x), t * (1 - 1 / (1 + x.exp()))
>>> grad(log1pexp)(0.0), grad(grad(log1pexp))(0.0)
(0.5, 0.25)
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from pygrad.core import implementation
from pygrad.core.callables import MethodOf, P, R, function_name
from pygrad.core.structure import RESULT, flatten_part
from pygrad.rules.applied import Applied, At, call
from pygrad.rules.described import described, named
from pygrad.rules.reads import Reads, reads_of

_Rule = TypeVar("_Rule", bound=Callable[..., Any])


class WithRule(MethodOf[P, R], Generic[P, R]):
    """A function with a rule of its own."""

    __slots__ = ("_reads", "_signature", "without")
    by_tangents = False
    needs_results = False

    def __init__(self, f: Callable[..., Any], without: Sequence[int]) -> None:
        super().__init__(f)
        self.without = frozenset(without)
        self._signature: inspect.Signature | None = None
        self._reads: Reads | None = None

    @property
    def stated(self) -> Callable[..., Any]:
        """What the user has written that is at work."""
        raise NotImplementedError

    def parts(self) -> tuple[Callable[..., Any], ...]:
        """All functions of the rule."""
        return (self.stated,)

    def reads(self) -> Reads | None:
        self._reads = reads_of(self.parts(), self._reads)
        return self._reads

    def check(self) -> None:
        """TypeError if the rule is missing."""
        raise NotImplementedError

    def back(self, applied: Applied, at: At, seeds: list[Any]) -> list[Any]:
        raise NotImplementedError

    def along(self, applied: Applied, at: At, tangents: list[Any]) -> list[Any]:
        raise NotImplementedError

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        found: R = call(self, self._positional(args, kwargs), self.without)
        return found

    def compute(self, *args: Any) -> Any:
        """What the function gives of Values, or of none."""
        return self.f(*args)

    def _positional(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Sequence[Any]:
        """All arguments by position, defaults included, as rules get them."""
        if self._signature is None:
            try:
                self._signature = inspect.signature(self.f)
            except (TypeError, ValueError):
                self._signature = inspect.Signature(
                    [inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL)]
                )
        if not kwargs and len(args) >= len(self._signature.parameters):
            return args
        bound = self._signature.bind(*args, **kwargs)
        if bound.kwargs:
            raise TypeError(
                f"{function_name(self)}() has a rule, which gets arguments by position: "
                f"{', '.join(bound.kwargs)} can be given by name only"
            )
        bound.apply_defaults()
        for i in self.without:
            if i >= len(bound.args):
                raise TypeError(
                    f"nondiff_argnums has {i}, but {function_name(self)}() was called with "
                    f"{len(bound.args)} arguments"
                )
        return bound.args


def positions(f: Any, nondiff_argnums: Any, name: str) -> tuple[int, ...]:
    """nondiff_argnums, checked when the function is decorated."""
    if not callable(f):
        raise TypeError(f"{name}() takes a function, not {type(f).__name__}")
    found = (nondiff_argnums,) if isinstance(nondiff_argnums, int) else tuple(nondiff_argnums)
    for i in found:
        if not isinstance(i, int) or isinstance(i, bool) or i < 0:
            raise TypeError(
                f"nondiff_argnums of {name}() must be positions, 0 or more, not {nondiff_argnums!r}"
            )
    return found


class CustomJvp(WithRule[P, R]):
    """What custom_jvp() returns."""

    __slots__ = ("_jvp",)
    by_tangents = True

    def __init__(
        self, f: Callable[..., Any], nondiff_argnums: Sequence[int] = (), jvp: Any = None
    ) -> None:
        super().__init__(f, nondiff_argnums)
        self._jvp = jvp

    def made_from(self) -> tuple[Any, ...]:
        return self.f, tuple(sorted(self.without)), self._jvp

    @property
    def stated(self) -> Callable[..., Any]:
        return self._jvp  # type: ignore[no-any-return]

    def check(self) -> None:
        if self._jvp is None:
            raise TypeError(
                f"{function_name(self)}() is a custom_jvp without a rule: state it by "
                f"{function_name(self)}.defjvp(rule)"
            )

    def defjvp(self, jvp: _Rule) -> _Rule:
        """States the rule: ``jvp(primals, tangents)``, which returns ``(result, tangent of it)``.

        Arguments of nondiff_argnums come first, each by itself. Tangents are arranged as the arguments
        are, and the tangent of the result as the result is; it has to be linear in the tangents.
        """
        if not callable(jvp):
            raise TypeError(f"defjvp() takes a function, not {type(jvp).__name__}")
        self._jvp = jvp
        return jvp

    def defjvps(self, *jvps: Callable[..., Any] | None) -> None:
        """States the rule argument by argument: each ``jvp(tangent, result, *arguments)`` gives what its
        argument's tangent adds to that of the result; None for 0."""
        if self.without:
            raise TypeError("defjvps() does not go with nondiff_argnums; use defjvp()")

        function: Callable[..., Any] = self

        def rule(primals: Any, tangents: Any) -> Any:
            result = function(*primals)
            if len(jvps) != len(primals):
                raise TypeError(f"defjvps() got {len(jvps)} rules for {len(primals)} arguments")
            terms = [jvp(t, result, *primals) for jvp, t in zip(jvps, tangents, strict=True) if jvp]
            return result, _summed(terms, result)

        self._jvp = rule

    def along(self, applied: Applied, at: At, tangents: list[Any]) -> list[Any]:
        arguments = applied.arguments
        zeros = [implementation.Value(0.0) if t is None else t for t in tangents]
        pair = self._jvp(*arguments.without, arguments.primals(at.xs), arguments.tangents(zeros))
        what = described(self._jvp, self.f)
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise TypeError(f"{what}, must return a pair: the result, and its tangent")
        applied.result.check(pair[0], f"the result that {what}, returned")
        return applied.items_of_result(pair[1], f"the tangent that {what}, returned")


def _summed(terms: Sequence[Any], result: Any) -> Any:
    """Terms of a tangent, all arranged as the result is."""
    items, structure = flatten_part(result, "the result", RESULT)
    total: list[Any] = [0.0] * len(items)
    for term in terms:
        found, _ = flatten_part(term, "a tangent", RESULT)
        total = [a + b for a, b in zip(total, found, strict=True)]
    return structure.arrange(total)


class CustomVjp(WithRule[P, R]):
    """What custom_vjp() returns."""

    __slots__ = ("_bwd", "_fwd")

    def __init__(
        self,
        f: Callable[..., Any],
        nondiff_argnums: Sequence[int] = (),
        fwd: Any = None,
        bwd: Any = None,
    ) -> None:
        super().__init__(f, nondiff_argnums)
        self._fwd, self._bwd = fwd, bwd

    def made_from(self) -> tuple[Any, ...]:
        return self.f, tuple(sorted(self.without)), self._fwd, self._bwd

    @property
    def stated(self) -> Callable[..., Any]:
        return self._bwd  # type: ignore[no-any-return]

    def parts(self) -> tuple[Callable[..., Any], ...]:
        return self._fwd, self._bwd

    def check(self) -> None:
        if self._bwd is None:
            raise TypeError(
                f"{function_name(self)}() is a custom_vjp without a rule: state it by "
                f"{function_name(self)}.defvjp(fwd, bwd)"
            )

    def defvjp(self, fwd: Callable[..., Any], bwd: Callable[..., Any]) -> None:
        """States the rule, in two functions.

        ``fwd(*args)`` returns ``(result, residuals)``, and ``bwd(residuals, cotangent)`` a tuple with a
        cotangent for each argument, arranged as that is; None is 0. Residuals are what bwd needs, of any
        kind. Arguments of nondiff_argnums are handed to fwd where they stand, and to bwd first.
        """
        for name, rule in (("fwd", fwd), ("bwd", bwd)):
            if not callable(rule):
                raise TypeError(f"{name} of defvjp() must be a function, not {type(rule).__name__}")
        self._fwd, self._bwd = fwd, bwd

    def _forward(self, applied: Applied, xs: list[Any]) -> Any:
        """What fwd keeps for bwd."""
        what = described(self._fwd, self.f)
        with named(self._fwd, self.f):
            pair = self._fwd(*applied.arguments.whole(xs))
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise TypeError(f"{what}, must return a pair: the result, and what bwd needs")
        applied.result.check(pair[0], f"the result that {what}, returned")
        return pair[1]

    def _backward(self, applied: Applied, residuals: Any, seeds: list[Any]) -> list[Any]:
        arguments = applied.arguments
        what = described(self._bwd, self.f)
        found = self._bwd(*arguments.without, residuals, applied.of_result(seeds))
        return cotangents_of(applied, found, what)

    def back(self, applied: Applied, at: At, seeds: list[Any]) -> list[Any]:
        return self._backward(applied, self._forward(applied, at.xs), seeds)

    def along(self, applied: Applied, at: At, tangents: list[Any]) -> list[Any]:
        """The way forward has no rule: a row of the Jacobian for each result, by the way back."""
        residuals = self._forward(applied, at.xs)
        return by_rows(applied, tangents, lambda seeds: self._backward(applied, residuals, seeds))


def cotangents_of(applied: Applied, found: Any, what: str) -> list[Any]:
    """The derivatives by Values in what a rule for the way back, which what describes, has returned."""
    arguments = applied.arguments
    if not isinstance(found, (tuple, list)) or len(found) != len(arguments.parts):
        count = len(arguments.parts)
        given = f"{len(found)}" if isinstance(found, (tuple, list)) else type(found).__name__
        raise TypeError(
            f"{what}, must return a tuple with a cotangent for each argument, {count}, not {given}"
        )
    items: list[Any] = []
    for i, (part, tree) in enumerate(zip(arguments.parts, found, strict=True)):
        cotangent = f"cotangent {i} that {what}, returned"
        place = f"argument {arguments.places[i]}"
        items += applied.items_of_argument(part, tree, cotangent, place)
    return items


def by_rows(
    applied: Applied, tangents: list[Any], back: Callable[[list[Any]], list[Any]]
) -> list[Any]:
    """The tangents of the results, by what a rule for the way back makes of seeds."""
    count, found = len(applied.result.items), []
    for k in range(count):
        row = back([implementation.Value(float(i == k)) for i in range(count)])
        pairs = [(d, t) for d, t in zip(row, tangents, strict=True) if None not in (d, t)]
        found.append(implementation.sum([d * t for d, t in pairs]) if pairs else None)
    return found


def custom_jvp(f: Callable[P, R], nondiff_argnums: int | Sequence[int] = ()) -> CustomJvp[P, R]:
    """f with a rule for the way forward, which ``defjvp`` states; derivatives of all kinds follow from it.

    Where f is called with Values it computes its result as ever, and a derivative is what the rule says,
    in eager code, in transforms, and in programs, which the rule is traced into. The rule runs on Values:
    so what it computes is differentiated in turn, to any order.

    Args:
        f: a function of numbers, arrays and containers of them; what is no number is handed on.
        nondiff_argnums: positions of arguments without derivative, which the rule gets first.

    Raises:
        TypeError: f uses a Value that is no argument; the rule is missing, or does not give a pair, or
            gives a number where the tangent has to be a Value. ValueError: it gives another structure,
            nan, or what is not linear in the tangents. All name the rule.

    >>> from pygrad import custom_jvp, grad
    >>> @custom_jvp
    ... def square(x):
    ...     return x * x
    >>> @square.defjvp
    ... def square_rule(primals, tangents):
    ...     (x,), (t,) = primals, tangents
    ...     return square(x), 2 * x * t
    >>> grad(square)(3.0), grad(grad(square))(3.0)
    (6.0, 2.0)
    """
    return CustomJvp(f, positions(f, nondiff_argnums, "custom_jvp"))


def custom_vjp(f: Callable[P, R], nondiff_argnums: int | Sequence[int] = ()) -> CustomVjp[P, R]:
    """f with a rule for the way back, which ``defvjp`` states.

    The same as custom_jvp, for a rule that is known the other way round. Forward transforms (jvp, jacfwd)
    make a way back for each result.

    >>> from pygrad import custom_vjp, grad
    >>> @custom_vjp
    ... def clipped(x):  # whose gradient is not larger than 1
    ...     return x * x
    >>> def forward(x):
    ...     return clipped(x), x
    >>> def back(x, cotangent):
    ...     return ((2 * x * cotangent).clip(-1, 1),)
    >>> clipped.defvjp(forward, back)
    >>> grad(clipped)(0.25), grad(clipped)(3.0)
    (0.5, 1.0)
    """
    return CustomVjp(f, positions(f, nondiff_argnums, "custom_vjp"))
