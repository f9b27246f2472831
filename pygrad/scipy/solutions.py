"""What the solution of a solver depends on in a function that is differentiated, and within which limits.

A solution is where an equation gives zeros: the function of `root`, the gradient of `minimize`. Limits that
it has reached, bounds or constraints c(x) >= 0, belong to it with a multiplier each: zero is then the
gradient less the sum of multiplier times gradient of c, and so is each c. That system of Karush, Kuhn and
Tucker is differentiated by the implicit function theorem, so a coordinate at a bound moves as its bound
does, and the free ones solve what is left. It holds where each limit that was reached is pressed against,
and no two say the same.

Source: Fiacco and McCormick, Nonlinear Programming (1968); Nocedal and Wright, Numerical Optimization
(2006), theorem 12.1 and section 12.4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pygrad.core import implementation
from pygrad.core.implementation import sum, trace_active
from pygrad.core.structure import array_of
from pygrad.rules.implied import implied, recorded
from pygrad.scipy.functions import Function, as_numbers, exact_jacobian, items
from pygrad.scipy.limits import Limit
from pygrad.transform import grad

_NEAR = 1e-5  # of the size of x
_CLEARLY = 10.0  # times


def differentiable(
    result: Any,
    fun: Function,
    equation: Function,
    limits: Callable[[Any], list[Limit]] = lambda _: [],
) -> bool:
    """Lets the x of a solver's result depend on what fun and the limits depend on, in a function that is
    differentiated: whether there is such a function.

    equation: gives a zero at x for each of its numbers, where there are no limits; limits: those at x.
    """
    if trace_active() or not implementation.stated.any_active():
        return False
    shape, at = result.x.shape, result.x.ravel().tolist()
    known = limits(result.x)

    def all_of_them(ys: list[Any]) -> list[Any]:
        x = array_of(ys, shape)
        return [*items(equation(x)), *[limit.of(x) for limit in known]]

    if recorded(all_of_them, at) is None:
        return False
    held, multipliers = _held(equation, known, result.x)

    def stationary(ys: list[Any]) -> list[Any]:
        x, weights = array_of(ys[: len(at)], shape), ys[len(at) :]
        slopes = items(equation(x))
        if not held:
            return slopes
        pull = items(grad(lambda t: _weighted(weights, [limit.of(t) for limit in held]))(x))
        rest = [slope - p for slope, p in zip(slopes, pull, strict=True)]
        return [*rest, *[limit.of(x) for limit in held]]

    ys = [*at, *multipliers]
    reached = result.success or _is_near(stationary, ys, len(at))
    found = implied(stationary, ys, fun, failed="" if reached else result.message)
    result.x = array_of(found[: len(at)], shape)
    return True


def _weighted(weights: Sequence[Any], values: Sequence[Any]) -> Any:
    return sum([w * value for w, value in zip(weights, values, strict=True)])


def _held(equation: Function, limits: Sequence[Limit], x: Any) -> tuple[list[Limit], list[float]]:
    """The limits that x has reached, and their multipliers.

    ValueError where one is reached and not pressed against: on one side x moves with it and on the other
    it does not; or where gradients depend on each other, so that nobody knows what presses.
    """
    import numpy as np

    gaps = np.array([float(as_numbers(limit.of(x))) for limit in limits])
    slopes = np.array([as_numbers(grad(limit.of)(x)).ravel() for limit in limits])
    size = max(float(np.linalg.norm(x)), _NEAR)
    steep = np.linalg.norm(slopes, axis=1) if len(limits) else np.zeros(0)
    reached = [
        i for i, limit in enumerate(limits) if limit.equal or gaps[i] <= _NEAR * size * steep[i]
    ]
    if not reached:
        return [], []
    units = slopes[reached] / np.where(steep[reached] == 0.0, 1.0, steep[reached])[:, None]
    left = np.array(items(as_numbers(equation(x))), dtype=float)
    bends = exact_jacobian(equation)(x).reshape(left.size, left.size)

    def forces(of: Sequence[int]) -> Any:
        rows = units[list(of)]
        if np.linalg.matrix_rank(rows, tol=_NEAR) < len(rows):
            names = ", ".join(limits[reached[i]].name for i in of)
            raise ValueError(
                f"the solution has no derivative that could be told: {names} depend on each other where "
                "they are reached, so nothing says which of them holds it. Leave out what follows from "
                "others"
            )
        return np.linalg.lstsq(rows.T, left, rcond=None)[0]

    kept = []
    for i, force in enumerate(forces(range(len(reached)))):
        limit, gap = limits[reached[i]], gaps[reached[i]] / steep[reached[i]]
        bend = abs(float(units[i] @ bends @ units[i]))
        # How far from the limit the solution would go if it were not there; straight on if nothing bends.
        beyond = force / bend if bend else np.copysign(np.inf, force) if force else 0.0
        if limit.equal or beyond >= max(_NEAR * size, _CLEARLY * abs(gap)):
            kept.append(i)
        elif gap <= _CLEARLY * abs(beyond) or abs(beyond) >= _NEAR * size:
            raise ValueError(
                f"the solution has no derivative: it has reached {limit.name}, but is not pressed "
                "against it, so that it moves with the limit to one side, and without it to the other. "
                "Move the limit, or leave it out"
            )
    found = forces(kept) / steep[[reached[i] for i in kept]] if kept else np.zeros(0)
    return [limits[reached[i]] for i in kept], found.tolist()


def _is_near(equation: Callable[[list[Any]], list[Any]], ys: list[float], count: int) -> bool:
    """Whether a step of Newton's method goes nowhere from the first numbers, as many as count: solvers that
    are asked for more digits than there are say that they have failed."""
    import numpy as np

    left = np.array(as_numbers(equation(ys)), dtype=float)
    rows = exact_jacobian(lambda y: equation(y.tolist()))(np.array(ys))
    step = np.linalg.lstsq(rows.reshape(left.size, len(ys)), left, rcond=None)[0]
    size = max(float(np.linalg.norm(ys[:count])), _NEAR)
    return float(np.linalg.norm(step[:count])) <= _NEAR * size
