"""`solve_ivp`: differential equations by SciPy's methods, with sensitivities.

Numbers are SciPy's. Where the equation, the initial state or a time depends on Values the results do, too:
the derivatives of a state at a time are the sensitivities S = dy/dp there, which solve

    dS/dt = df/dy S + df/dp,    S(t0) = dy0/dp,

integrated along with y by the same method (forward sensitivities: Hairer, Norsett and Wanner, Solving
Ordinary Differential Equations I, II.15). They are computed where a derivative is asked for, from the same
function, so theirs are, in turn. A state moves with its time by f, and the time of an event where g(t, y)
is 0 by the implicit function theorem.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from pygrad.core import implementation
from pygrad.core.callables import function_name
from pygrad.core.implementation import Value, dot, sum, trace_active
from pygrad.core.recording import on_numbers, without_program
from pygrad.core.structure import array_of, values_in
from pygrad.rules.applied import Applied, At
from pygrad.rules.outside import outside_of
from pygrad.scipy.functions import Function, items, scipys


@on_numbers
def solve_ivp(
    fun: Function,
    t_span: Any,
    y0: Any,
    method: Any = "RK45",
    t_eval: Any = None,
    dense_output: bool = False,
    events: Any = None,
    vectorized: bool = False,
    args: Any = None,
    **options: Any,
) -> Any:
    """`scipy.integrate.solve_ivp` with the exact Jacobian, and a solution that can be differentiated.

    The solution depends on what it was made of: Values in y0, args, t_span and t_eval, and those that fun
    or an event uses from outside. Derivatives, of any order, go through `y`, `t`, `t_events`, `y_events`
    and `sol`. They are integrated along with it, by the same method and tolerances, where they are asked
    for: n * p equations more for the derivatives of n numbers by p. Calls and rows of compiled and mapped
    functions that come here run without a program: `pygrad.odeint` is one.

    Args:
        fun: ``fun(t, y, *args)`` returns dy/dt. For derivatives it is called with an array of Values.
        events: functions ``g(t, y, *args)`` with the attributes ``terminal`` and ``direction``, as SciPy
            takes them.
        method, t_eval, dense_output, vectorized, options: as SciPy takes them. Radau, BDF and LSODA get the
            exact Jacobian, unless there is a ``jac``.

    Returns:
        SciPy's OdeResult.

    Raises:
        ImportError: SciPy is missing.
        RuntimeError: when a derivative is asked for, fun or an event reads something else than before, a
            variable that was assigned since, say.

    >>> import numpy as np
    >>> from pygrad import grad
    >>> def fall(drag):
    ...     ground = lambda t, y: y[0]
    ...     ground.terminal = True
    ...     return solve_ivp(lambda t, y: [y[1], -9.81 - drag * y[1]], (0.0, 10.0), [20.0, 0.0],
    ...                      events=ground, rtol=1e-8).t_events[0][0]
    >>> f"{fall(0.0):.6f} {grad(fall)(0.0):.6f}"
    '2.019275 0.679579'
    """
    scipys("integrate")
    for name, option in options.items():
        if values_in(option):
            raise TypeError(
                f"solve_ivp() has no derivative by {name}: give numbers, stop_gradient(v).data"
            )
    given = tuple(args or ())
    equation = _Function(fun, given)
    conditions = [_Function(g, given) for g in _as_list(events)]
    settings = {"method": method, "vectorized": vectorized, **options}
    if callable(options.get("jac")):
        settings["jac"] = _Function(options["jac"], given)
    trajectory = _Trajectory(equation, t_span[0], items(y0), t_span[1], settings)
    times = None if t_eval is None else items(t_eval)
    live = bool(values_in([*t_span, *trajectory.y0, *(times or ()), *given]))
    found = trajectory.solve(times, dense_output or live, conditions)
    if not live and not any(f.gave_values for f in (equation, *conditions)):
        return found
    if trace_active():
        without_program("solve_ivp")
    if not (live or dense_output):
        trajectory.solve(times, True, conditions)
    return _differentiable(trajectory, times, conditions, dense_output)


def _as_list(events: Any) -> list[Any]:
    return [] if events is None else [events] if callable(events) else list(events)


def _number(x: Any) -> Any:
    return implementation.stated.number_in(x) if isinstance(x, Value) else x


class _Function:
    """A function of t and y, for SciPy, which may depend on Values from outside besides."""

    def __init__(self, f: Function, args: tuple[Any, ...] = ()) -> None:
        self.f, self.args = f, args
        self.gave_values = False
        for name in ("terminal", "direction"):  # of events
            if hasattr(f, name):
                setattr(self, name, getattr(f, name))

    def __call__(self, t: Any, y: Any) -> Any:
        """What it returns for floats, without derivatives."""
        found = self.f(t, y, *self.args)
        if not values_in(found):
            return found
        self.gave_values = True
        import numpy as np

        return np.reshape(list(map(_number, items(found))), np.shape(found))

    def numbers(self, t: float, y: list[float]) -> list[float]:
        """What it returns for floats, as a list."""
        import numpy as np

        return list(map(float, items(self(t, np.array(y)))))

    def values(self, t: Any, y: Sequence[Any]) -> list[Any]:
        return items(self.f(t, array_of(y, (len(y),)), *self.args))

    def slopes(self, t: Any, y: Sequence[Any], by: Sequence[Any] = ()) -> list[list[Any]]:
        """For each of its numbers that and its derivatives by t, y and others, as Values, none through
        another one of these."""
        points = [v if isinstance(v, Value) else Value(v) for v in (t, *y)]
        by = (*points, *by)
        one = (Value(1.0),)
        return [
            [
                v,
                *(
                    implementation.stated.rule_way(True, (v,), by, by, one)
                    if isinstance(v, Value)
                    else [0.0] * len(by)
                ),
            ]
            for v in self.values(points[0], points[1:])
        ]

    def outside(self, where: Iterable[tuple[float, list[float]]]) -> list[Any]:
        """The Values from outside that it depends on at some t and y."""
        known: list[Any] = []
        for t, y in where if self.gave_values else ():
            with implementation.Recorded() as recorded:
                inputs = recorded.begin((t, *y))
                since = implementation.stated.births()
                outputs = tuple(values_in(self.values(inputs[0], list(inputs[1:]))))
                if outputs:
                    known = outside_of(outputs, inputs, since, known)
        return known


class _Seen(NamedTuple):
    """What a function gave at some t and y."""

    f: _Function
    t: float
    y: list[float]
    numbers: list[float]


def _alike(ones: list[float], others: list[float]) -> bool:
    """Whether numbers are the same; nan is nan."""
    return len(ones) == len(others) and all(
        a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(ones, others, strict=True)
    )


class _Trajectory:
    """The solution from a state on, with numbers by SciPy."""

    def __init__(
        self, equation: _Function, t0: Any, y0: list[Any], end: Any, settings: dict[str, Any]
    ) -> None:
        self.equation, self.t0, self.y0, self.end, self.settings = equation, t0, y0, end, settings
        self.outside: list[Any] = []  # what else it depends on
        self.seen: list[_Seen] = []  # what the user's functions gave
        self.found: Any = None  # what SciPy has found, and
        self.sol: Any = None  # its states at any time

    def solve(
        self, times: Sequence[Any] | None, dense_output: bool, conditions: Sequence[_Function] = ()
    ) -> Any:
        options = self.settings
        if self.takes_jacobian() and options.get("jac") is None:
            options = {**options, "jac": self.jacobian}
        self.found = scipys("integrate").solve_ivp(
            self.equation,
            (_number(self.t0), _number(self.end)),
            list(map(_number, self.y0)),
            t_eval=None if times is None else list(map(_number, times)),
            dense_output=dense_output,
            events=list(conditions) or None,
            **options,
        )
        self.sol = self.found.sol
        return self.found

    def takes_jacobian(self) -> bool:
        method = self.settings["method"]
        return getattr(method, "__name__", method) in {"Radau", "BDF", "LSODA"}

    def jacobian(self, t: float, y: Any) -> Any:
        """df/dy of floats."""
        return [list(map(_number, row[2:])) for row in self.equation.slopes(t, list(y))]

    def depends_on(self, functions: Iterable[_Function]) -> None:
        """Notes the Values from outside that functions of its states depend on."""
        ts = self.sol.ts
        where = list(zip(ts.tolist(), self.sol(ts).T.tolist(), strict=True))
        found = {id(v): v for function in functions for v in function.outside(where)}
        self.outside = list(found.values())
        self.seen = [_Seen(f, t, y, f.numbers(t, y)) for f in functions for t, y in where]

    def check_unchanged(self) -> None:
        """RuntimeError if a function of the user's gives something else than it has given, so that
        sensitivities would be those of another solution."""
        for f, t, y, numbers in self.seen:
            if not _alike(f.numbers(t, y), numbers):
                raise RuntimeError(
                    f"{function_name(f.f)}() gives something else now than when solve_ivp() solved it, at "
                    f"t = {t:g}: something that it reads, a variable or an attribute, has changed, and a "
                    "derivative would be that of another solution. Take it before the change, or hand what "
                    "changes over by args"
                )

    def origin(self) -> list[Any]:
        """What it depends on: its start, and what is outside."""
        return [self.t0, *self.y0, *self.outside]

    def again(self, origin: Sequence[Any]) -> _Trajectory:
        """The same one, from Values with the same numbers."""
        n = len(self.y0)
        other = _Trajectory(
            self.equation, origin[0], list(origin[1 : n + 1]), self.end, self.settings
        )
        other.sol, other.outside, other.seen = self.sol, self.outside, self.seen
        return other

    def at(self, times: Sequence[Any]) -> list[list[Any]]:
        """The states at some times."""
        import numpy as np

        if not len(times):
            return []
        numbers = self.sol(np.array(list(map(_number, times)))).T.ravel().tolist()
        return _rows(_ruled(_States(self, times), numbers), len(self.y0))

    def moved(self, times: Sequence[Any], by: Sequence[Any]) -> list[list[Any]]:
        """The tangents of the states at some times that stay, given those of the origin."""
        n, given = len(self.y0), [tangent for tangent in by if tangent is not None]
        if not given:
            return [[None] * n for _ in times]
        states = self._with_sensitivities([tangent is not None for tangent in by]).at(times)
        return [[dot(given, state[n + i :: n]) for i in range(n)] for state in states]

    def _with_sensitivities(self, wanted: Sequence[bool]) -> _Trajectory:
        """The solution for the state y, and after it dy/dp for each p of the origin that is wanted."""
        n, directions = len(self.y0), [k for k, want in enumerate(wanted) if want]
        by = [self.outside[k - 1 - n] for k in directions if k > n]
        columns: list[Any] = []
        for k in directions:  # as t0 grows, what was reached at t0 is where the solution was before
            before = self.equation.values(self.t0, self.y0) if k == 0 else None
            columns += (
                [-slope for slope in before] if before else [float(k == i + 1) for i in range(n)]
            )

        def together(t: Any, state: Any) -> Any:
            rows = self.equation.slopes(t, list(state[:n]), by)
            found = [row[0] for row in rows]
            of_others = iter(range(n + 2, n + 2 + len(by)))
            for k, part in zip(directions, _rows(list(state[n:]), n), strict=True):
                moved = [dot(row[2 : n + 2], part) for row in rows]
                at = next(of_others) if k > n else None
                found += (
                    moved
                    if at is None
                    else [m + row[at] for m, row in zip(moved, rows, strict=True)]
                )
            return found

        count = 1 + len(directions)
        settings = {**self.settings, "vectorized": False}
        if self.takes_jacobian():
            settings["jac"] = self._blocks(count)
        if hasattr(settings.get("atol"), "__len__"):
            settings["atol"] = [*settings["atol"]] * count
        both = _Trajectory(_Function(together), self.t0, self.y0 + columns, self.end, settings)
        both.solve(None, True)
        both.outside, both.seen = self.outside, self.seen
        return both

    def _blocks(self, count: int) -> Any:
        """df/dy for the state and for each of its derivatives: with this much Newton's method converges."""
        import numpy as np

        n, given = len(self.y0), self.settings.get("jac")
        if given is None:
            given = self.jacobian
        if not callable(given):
            return np.kron(np.eye(count), given)
        return lambda t, state: np.kron(np.eye(count), given(t, state[:n]))


def _rows(items: list[Any], n: int) -> list[list[Any]]:
    return [items[i : i + n] for i in range(0, len(items), n)]


# -- rules ----------------------------------------------------------------------------------------


class _Rule:
    """What the derivatives of some numbers are that a trajectory has."""

    by_tangents, needs_results = True, False

    def __init__(self, trajectory: _Trajectory, points: Sequence[Any]) -> None:
        """points: what the numbers depend on beside the origin."""
        self.trajectory, self.points = trajectory, list(points)
        self.stated = self.f = trajectory.equation.f
        self.items = [*trajectory.origin(), *self.points]
        self.places = [i for i, item in enumerate(self.items) if isinstance(item, Value)]

    def values(self) -> tuple[Any, ...]:
        return tuple([self.items[i] for i in self.places])

    def check(self) -> None:
        """It is there."""

    def back(self, applied: Any, at: At, seeds: list[Any]) -> list[Any]:
        raise NotImplementedError("the way back is made of along()")

    def along(self, applied: Any, at: At, tangents: list[Any]) -> list[Any]:
        self.trajectory.check_unchanged()
        items, moved = list(self.items), [None] * len(self.items)
        for i, x, tangent in zip(self.places, at.xs, tangents, strict=True):
            items[i], moved[i] = x, tangent
        n = len(items) - len(self.points)
        return self.tangents(self.trajectory.again(items[:n]), items[n:], moved[:n], moved[n:])

    def tangents(
        self, trajectory: _Trajectory, points: list[Any], by: list[Any], of_points: list[Any]
    ) -> list[Any]:
        raise NotImplementedError


class _States(_Rule):
    """States at times."""

    def tangents(
        self, trajectory: _Trajectory, points: list[Any], by: list[Any], of_points: list[Any]
    ) -> list[Any]:
        found: list[Any] = []
        states = trajectory.at(points)
        for time, y, moved, of_time in zip(
            points, states, trajectory.moved(points, by), of_points, strict=True
        ):
            if of_time is None:
                found += moved
                continue
            slopes = trajectory.equation.values(time, y)
            found += [_sum(m, slope * of_time) for m, slope in zip(moved, slopes, strict=True)]
        return found


class _EventTime(_Rule):
    """The time of an event, where a condition of t and y is 0."""

    def __init__(self, trajectory: _Trajectory, condition: _Function, time: float) -> None:
        super().__init__(trajectory, ())
        self.condition, self.time = condition, time

    def tangents(
        self, trajectory: _Trajectory, points: list[Any], by: list[Any], of_points: list[Any]
    ) -> list[Any]:
        (time,) = _ruled(_EventTime(trajectory, self.condition, self.time), [self.time])
        (y,) = trajectory.at([time])
        (moved,) = trajectory.moved([time], by)
        n = len(y)
        ((_, of_time, *slopes),) = self.condition.slopes(time, y, trajectory.outside)
        others = zip(slopes[n:], by[1 + n :], strict=True)
        terms = [slope * m for slope, m in zip(slopes[:n], moved, strict=True) if m is not None]
        terms += [slope * tangent for slope, tangent in others if tangent is not None]
        if not terms:
            return [None]
        return [-sum(terms) / (of_time + dot(slopes[:n], trajectory.equation.values(time, y)))]


def _sum(a: Any, b: Any) -> Any:
    return b if a is None else a + b


def _ruled(rule: _Rule, numbers: list[float]) -> list[Any]:
    """Numbers, as Values with a rule if they depend on Values."""
    values = rule.values()
    if not values:
        return numbers
    return Applied.to(rule, numbers).values("solve_ivp", values)


# -- results --------------------------------------------------------------------------------------


def _differentiable(
    trajectory: _Trajectory, times: list[Any] | None, conditions: Sequence[_Function], dense: bool
) -> Any:
    """What SciPy has found, with Values that can be differentiated in the place of its numbers."""
    trajectory.depends_on((trajectory.equation, *conditions))
    found, trajectory.found = trajectory.found, None  # what it gets holds the trajectory: no circle
    if found.t_events is not None:
        found.t_events = [
            [_ruled(_EventTime(trajectory, condition, t), [t])[0] for t in each.tolist()]
            for condition, each in zip(conditions, found.t_events, strict=True)
        ]
        found.y_events = [_array(trajectory.at(each)) for each in found.t_events]
    if times is None:
        times = [trajectory.t0, *found.t[1:-1].tolist(), _last(trajectory, found)]
    else:
        times = times[: len(found.t)]
    found.t, found.y = _array(times), _array(trajectory.at(times)).T
    if found.t_events is not None:
        found.t_events = list(map(_array, found.t_events))
    found.sol = _Dense(trajectory, found.sol) if dense else None
    return found


def _last(trajectory: _Trajectory, found: Any) -> Any:
    """The time at which the solution ends, which may be that of an event."""
    last = found.t[-1]
    if found.status == 1:
        return next(t for each in found.t_events for t in each if _number(t) == last)
    return trajectory.end if last == _number(trajectory.end) else float(last)


def _array(items: list[Any]) -> Any:
    """Numbers and Values, or rows of them, as an array."""
    if items and isinstance(items[0], list):
        return array_of([item for row in items for item in row], (len(items), len(items[0])))
    return array_of(items, (len(items),))


class _Dense:
    """The solution at any time: SciPy's OdeSolution, of Values."""

    def __init__(self, trajectory: _Trajectory, original: Any) -> None:
        self._trajectory, self._original = trajectory, original

    def __call__(self, t: Any) -> Any:
        states = _array(self._trajectory.at(items(t)))
        return states.T if hasattr(t, "__len__") and getattr(t, "ndim", 1) > 0 else states[0]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)
