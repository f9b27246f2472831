"""`odeint`: the solution of an ordinary differential equation, differentiable by all that it depends on.

>>> from pygrad import grad, odeint
>>> decay = lambda y, t, rate: -rate * y
>>> ys = odeint(decay, 1.0, [0.0, 1.0, 2.0], 0.5)
>>> [f"{y:.8f}" for y in ys]
['1.00000000', '0.60653066', '0.36787944']
>>> slope = grad(lambda rate: odeint(decay, 1.0, [0.0, 2.0], rate)[1])(0.5)
>>> f"{slope:.7f}"
'-0.7357589'

The method is the pair of Dormand and Prince (1980) of orders 5 and 4 with the control of step sizes of
Hairer, Norsett and Wanner (Solving Ordinary Differential Equations I, 1993, II.4): the step grows by
error ** -0.17 * before ** 0.04, a PI controller. Between steps is the polynomial of order 4 of Shampine
(1986).

Derivatives are those of the steps as they were taken, whose sizes count as constants: exact for the numbers
that come out, and as near to the derivatives of the solution as these numbers are to the solution.
"""

from __future__ import annotations

import functools
import itertools
import math
import numbers
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from pygrad.control.bodies import checked_trips
from pygrad.control.loops import bounded_while, while_loop
from pygrad.control.scanning import scan
from pygrad.control.state import State
from pygrad.core import implementation
from pygrad.core.callables import function_name
from pygrad.core.implementation import FUNCTIONS, Value, dot, sum, trace_active
from pygrad.core.keys import in_order_of

__all__ = ["odeint"]

Numbers = list[Any]
Slopes = Callable[[Numbers, Any], Numbers]

_stop, _maximum, _minimum = (FUNCTIONS[n] for n in ("stop_gradient", "maximum", "minimum"))
_sqrt, _exp, _log, _where = (FUNCTIONS[n] for n in ("sqrt", "exp", "log", "where"))

# Where in the step each stage is, and how much of the stages before it has; _END is of order 5, and _ERROR
# what the pair's other formula, of order 4, differs by: Dormand and Prince (1980).
_AT = (1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0)
_STAGES = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
)
_END = (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84)
_ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)
_HALF = (  # what y has grown by at half of a step: Shampine (1986)
    6025192743 / 30085553152 / 2,
    0.0,
    51252292925 / 65400821598 / 2,
    -2691868925 / 45128329728 / 2,
    187940372067 / 1594534317056 / 2,
    -1776094331 / 19743644256 / 2,
    11237099 / 235043384 / 2,
)
_LEAST, _MOST, _SAFETY = 0.2, 10.0, 0.9  # how many times the last step a step is
_AFTER, _GROWTH = 0.04, 0.2 - 0.75 * 0.04
_LEAST_ERROR = 1e-4
_LOG_LEAST_ERROR = math.log(_LEAST_ERROR)
_ULP = 2.0**-52


def odeint(
    func: Callable[..., Any],
    y0: Any,
    t: Sequence[Any],
    *args: Any,
    rtol: float = 1.4e-8,
    atol: float = 1.4e-8,
    mxstep: int | None = None,
    hmax: float = math.inf,
) -> Any:
    """The solution at each of the times t of dy/dt = func(y, t, *args), which is y0 at t[0].

    Names and meanings are those of JAX's and SciPy's `odeint`. It can be differentiated by y0, t, args and
    all that func depends on, to any order, forward and back, and is one loop in compiled and mapped
    functions. Step sizes are constants for derivatives.

    Args:
        func: called as func(y, t, *args); returns dy/dt with as many numbers, in the structure of y.
        y0: a number, or a list, tuple, dict, dataclass or array of numbers.
        t: times, growing or falling. The steps are not bound to them.
        args: what func is called with besides.
        rtol: relative and
        atol: absolute error of a step: it is taken where the root of the mean square of
            error / (atol + rtol * abs(y)) is at most 1.
        mxstep: how many steps there may be between two times; as many as it takes, if not given.
        hmax: the longest step.

    Returns:
        The structure of y0, with an axis more: an array of shape (len(t),) for each number.

    Where a step would be shorter than t can show, as before a singularity, the rest of the solution is nan.

    Raises:
        ValueError: t is no sequence of finite times, or these neither grow nor fall; rtol, atol, hmax or
            mxstep is not positive.
        TypeError: y0 does not consist of numbers, or func does not return one for each of these.
        RuntimeError: mxstep steps were not enough; of a map it names the row.

    >>> from pygrad import jacobian
    >>> def prey_and_predator(y, t, a, b):
    ...     return [y[0] * (a - b * y[1]), y[1] * (0.5 * y[0] - 0.8)]
    >>> prey, predators = odeint(prey_and_predator, [2.0, 1.0], [0.0, 5.0], 1.1, 0.4)
    >>> f"{prey[1]:.6f} {predators[1]:.6f}"
    '0.514739 1.884146'
    """
    times = _checked_times(t)
    for name, number in (("rtol", rtol), ("atol", atol), ("hmax", hmax)):
        if isinstance(number, Value) or not isinstance(number, numbers.Real) or not number > 0:
            raise ValueError(f"{name} of odeint() must be a positive number, not {number!r}")
    whole = isinstance(mxstep, numbers.Integral) and not isinstance(mxstep, bool)
    if mxstep is not None and not (whole and mxstep > 0):
        raise ValueError(
            f"mxstep of odeint() must be a whole number of steps, 1 or more, not {mxstep!r}"
        )
    state = State.of(y0, "y0")
    if not state.items:
        raise TypeError(f"y0 of odeint() must be numbers, not {y0!r}")
    state = state._replace(truths=(False,) * len(state.items))  # True is 1.0
    toward = _where(times[-1] < times[0], -1.0, 1.0)  # back in time the equation runs in -t
    ends = [toward * (time - times[0]) for time in times]
    moving = any(isinstance(time, Value) for time in times)
    if moving and trace_active():  # of what rows have nobody knows yet
        ends = _in_order(ends)

    def slopes(y: Numbers, elapsed: Any) -> Numbers:
        found = func(state.arrange(y), times[0] + toward * elapsed, *args)
        what = f"the result of {function_name(func)}()"
        items, structure, _ = State.of(found, what)
        if len(items) != len(y):
            raise TypeError(
                f"{function_name(func)}() of odeint() must return dy/dt, {len(y)} numbers as y0 has, not "
                f"{len(items)}"
            )
        items = in_order_of(items, structure, state.structure, what, "y0")
        return [toward * item for item in items]

    steps = _Steps(slopes, _Tolerances(rtol, atol), hmax, _stop(ends[-1]), mxstep and int(mxstep))

    first = steps.first(list(map(_one, state.items)))

    def reach(step: _Step, end: Any) -> tuple[_Step, Any]:
        step = steps.until(step, end)
        found = step.between(end)
        if moving:
            found = steps.from_nothing(first, end, found)
        return step, state.arrange(found)

    return scan(reach, first, ends)[1]


def _one(number: Any) -> Any:
    """A number of any kind as a float, or a Value."""
    return 1.0 * number if isinstance(number, Value) else float(1.0 * number)


def _in_order(ends: list[Any]) -> list[Any]:
    """The times, nan in the place of those that are before another one that comes first."""
    latest, found = ends[0], [ends[0]]
    for end in ends[1:]:
        found.append(_where(end >= latest, end, math.nan))
        latest = _maximum(latest, _stop(end))
    return found


def _checked_times(t: Any) -> list[Any]:
    """The times as a list; those whose numbers are known are finite, and grow or fall."""
    times = list(t) if hasattr(t, "__len__") else []
    if not times or any(hasattr(time, "__len__") for time in times):
        raise ValueError(f"t of odeint() must be a sequence of times, that of y0 first, not {t!r}")
    times = list(map(_one, times))
    known = [
        implementation.stated.number_in(time) if isinstance(time, Value) else time
        for time in times
        if not (isinstance(time, Value) and trace_active())
    ]
    if not all(map(math.isfinite, known)):
        raise ValueError(f"the times t of odeint() must be finite, not {t!r}")
    rises = [later - earlier for earlier, later in itertools.pairwise(known)]
    if not (all(rise >= 0.0 for rise in rises) or all(rise <= 0.0 for rise in rises)):
        raise ValueError(f"the times t of odeint() must all grow or all fall, not {t!r}")
    return times


class _Step(NamedTuple):
    """The last step, and what the next one begins with. Times are counted from t[0]."""

    begun: Any  # when it began; nan once there is no way on
    length: Any
    before: Numbers  # y where it began
    slopes_before: Numbers
    half: Numbers  # what y had grown by at half of it
    ended: Any
    y: Numbers  # at its end
    slopes: Numbers
    size: Any  # of the next step
    log_error: Any  # of the last that was taken; 0 is the most there may be

    def between(self, time: Any) -> Numbers:
        """The solution at a time within the step, by the polynomial that has its values at both ends and at
        half, and its slopes at both ends."""
        part = (time - self.begun) / self.length
        found = []
        for y, half, end, slope, last in zip(
            self.before, self.half, self.y, self.slopes_before, self.slopes, strict=True
        ):
            grown, k0, k1 = end - y, self.length * slope, self.length * last
            a = 2.0 * (k1 - k0) + 16.0 * half - 8.0 * grown
            b = 5.0 * k0 - 3.0 * k1 + 14.0 * grown - 32.0 * half
            c = k1 - 4.0 * k0 - 5.0 * grown + 16.0 * half
            found.append(y + part * (k0 + part * (c + part * (b + part * a))))
        return found


class _Tolerances(NamedTuple):
    """How large errors may be."""

    relative: float
    absolute: float

    def square(self, errors: Numbers, *ys: Numbers) -> Any:
        """The mean square of errors, each as a multiple of what it may be where y is the largest of these.
        A constant for derivatives."""
        found = []
        for error, *sizes in zip(errors, *ys, strict=True):
            size = functools.reduce(_maximum, [abs(_stop(y)) for y in sizes])
            part = _stop(error) / (self.absolute + self.relative * size)
            found.append(part * part)
        return sum(found) / len(found)


class _Steps(NamedTuple):
    """The steps for an equation."""

    equation: Slopes
    tolerances: _Tolerances
    longest: float
    end: Any  # of all steps
    most: int | None

    def first(self, y: Numbers) -> _Step:
        """No step yet, and how long the first is to be: Hairer, Norsett and Wanner, II.4, with the roots of
        mean squares."""
        zero = 0.0 * self.end
        slopes = self.equation(y, zero)
        d0, d1 = (_sqrt(self.tolerances.square(of, y)) for of in (y, slopes))
        trial = _where(_minimum(d0, d1) > 1e-5, 0.01 * d0 / _maximum(d1, 1e-5), 1e-6)
        trial = _minimum(trial, self.end)
        there = self.equation(_moved(y, trial, [(1.0, slopes)]), trial)
        change = [later - slope for later, slope in zip(there, slopes, strict=True)]
        d2 = _sqrt(self.tolerances.square(change, y)) / _maximum(trial, 1e-300)
        steepest = _maximum(_maximum(d1, d2), 1e-15)
        size = _where(
            steepest > 1e-15, _exp(0.2 * _log(0.01 / steepest)), _maximum(1e-6, 1e-3 * trial)
        )
        size = _minimum(_minimum(100.0 * trial, size), self.longest)
        still = [0.0 * item for item in y]
        return _Step(
            zero, zero + 1.0, y, slopes, still, zero, y, slopes, size, zero + _LOG_LEAST_ERROR
        )

    def until(self, step: _Step, time: Any) -> _Step:
        """The step that ends at this time or later."""
        most = checked_trips(self.most, "odeint")
        return bounded_while(lambda step: step.ended < time, self.next, step, most, self._excess)

    def _excess(self) -> RuntimeError:
        return RuntimeError(
            f"odeint() has not come to the next time after {self.most} steps, which is mxstep: give a "
            "larger mxstep, or wider tolerances rtol and atol; stiff equations want pygrad.scipy.solve_ivp"
        )

    def from_nothing(self, first: _Step, time: Any, found: Numbers) -> Numbers:
        """What was found for a time, or where none has passed one step that long, from the start: this has
        the derivatives by the time, which what is there before all steps has not."""

        def step(last: tuple[Any, Numbers]) -> tuple[Any, Numbers]:
            _, stages = self._step(first.y, first.slopes, 0.0 * time, time)
            changes = [_moved(slopes, -1.0, [(1.0, first.slopes)]) for slopes in stages[1:]]
            straight = _moved(first.y, time, [(1.0, first.slopes)])
            return 0.0 * last[0], _moved(straight, time, zip(_END[1:], changes, strict=True))

        left = _where(time == 0.0, 1.0, 0.0)
        return while_loop(lambda last: last[0] > 0.5, step, (left, found))[1]  # type: ignore[no-any-return]

    def _step(
        self, y: Numbers, slopes: Numbers, begun: Any, length: Any
    ) -> tuple[Numbers, list[Numbers]]:
        """Where a step ends, and the slopes on the way there."""
        stages = [slopes]
        for at, weights in zip(_AT, _STAGES, strict=True):
            there = _moved(y, length, zip(weights, stages, strict=True))
            stages.append(self.equation(there, begun + at * length))
        return _moved(y, length, zip(_END, stages, strict=True)), stages

    def next(self, last: _Step) -> _Step:
        """The next step, which begins once more where the last one did if its error is too large."""
        begun, rest = last.ended, self.end - last.ended
        is_last = last.size * (1.0 + 1e-9) >= rest
        length = _where(is_last, rest, last.size)
        end, stages = self._step(last.y, last.slopes, begun, length)
        stages.append(self.equation(end, begun + length))
        zeros = [0.0] * len(end)
        errors = _moved(zeros, length, zip(_ERROR, stages, strict=True))
        half = _moved(zeros, length, zip(_HALF, stages, strict=True))
        square = self.tolerances.square(errors, last.y, end)
        taken = square <= 1.0
        square = _where(square < math.inf, _maximum(square, _LEAST_ERROR**2), 1.0 / _LEAST_ERROR)
        log_error = 0.5 * _log(square)
        growth = _where(taken, _AFTER * last.log_error, 0.0) - _GROWTH * log_error
        size = length * _maximum(_LEAST, _minimum(_MOST, _SAFETY * _exp(growth)))
        too_short = size <= 10.0 * _ULP * _maximum(begun, _ULP * self.end)
        return _Step(
            _where(too_short, math.nan, begun),
            length,
            last.y,
            last.slopes,
            half,
            _where(
                too_short, math.inf, _where(taken, _where(is_last, self.end, begun + length), begun)
            ),
            _chosen(taken, end, last.y),
            _chosen(taken, stages[-1], last.slopes),
            _minimum(size, self.longest),
            _where(taken, log_error, last.log_error),
        )


def _moved(y: Numbers, length: Any, parts: Iterable[tuple[float, Numbers]]) -> Numbers:
    """y after a time, at the weighted sum of these slopes."""
    weights, slopes = zip(*[(weight, slope) for weight, slope in parts if weight], strict=True)
    return [
        item + length * dot(weights, each)
        for item, each in zip(y, zip(*slopes, strict=True), strict=True)
    ]


def _chosen(condition: Any, ones: Numbers, others: Numbers) -> Numbers:
    return [_where(condition, one, other) for one, other in zip(ones, others, strict=True)]
