"""The adaptive step and the barrier of loops_elsewhere.py as kernels of Warp: plain loops, of one row each.

Warp goes back through loops whose number of trips is known when they begin, and through what they leave in
arrays: a name that each trip assigns anew has no derivative of its own. So where slopes are asked for,
states are noted in an array; the pendulum's loop is run by `while` first, and once more on the way back,
by `for`. A way back reads arrays as they stand, and does not redo what the way forward has put there: so
the first state is noted, too, without which the first trip would have the derivatives that it has at 0.
"""

from collections.abc import Callable
from typing import Any

import harness
import numpy as np
import warp as wp

wp.config.kernel_cache_dir = harness.scratch()
wp.config.log_level = 30  # warnings
wp.init()

F = wp.float64
Numbers = wp.array(dtype=wp.float64)
Table = wp.array2d(dtype=wp.float64)
States = wp.array2d(dtype=wp.vec4d)
Counts = wp.array(dtype=wp.int32)
MOST = 2000  # trips whose states find room

forward_only = wp.kernel(enable_backward=False, module="unique")
differentiable = wp.kernel(module="unique")


@differentiable
def squares(x: Numbers, y: Numbers):
    i = wp.tid()
    y[i] = x[i] * x[i]


@forward_only
def barriers(volatility: Numbers, draws: Table, y: Numbers):
    i = wp.tid()
    v = volatility[i]
    price = F(1.0)
    most = F(1.0)
    for k in range(draws.shape[1]):
        price = price * wp.exp(F(0.05) * v * draws[i, k] - F(0.00125) * v * v)
        most = wp.max(most, price)
    y[i] = wp.where(most > F(1.5), F(0.0), wp.max(price - F(1.0), F(0.0)))


@differentiable
def barriers_noted(volatility: Numbers, draws: Table, prices: Table, highest: Table, y: Numbers):
    i = wp.tid()
    v = volatility[i]
    trips = draws.shape[1]
    for k in range(trips):
        price = prices[i, k] * wp.exp(F(0.05) * v * draws[i, k] - F(0.00125) * v * v)
        prices[i, k + 1] = price
        highest[i, k + 1] = wp.max(highest[i, k], price)
    payoff = wp.max(prices[i, trips] - F(1.0), F(0.0))
    y[i] = wp.where(highest[i, trips] > F(1.5), F(0.0), payoff)


@wp.func
def trip(s: wp.vec4d) -> wp.vec4d:
    """Of time, step, angle and speed."""
    t = s[0]
    step = wp.min(s[1], F(10.0) - t)
    angle = s[2]
    speed = s[3]
    a1 = speed
    b1 = -wp.sin(angle)
    a2 = speed + F(0.5) * step * b1
    b2 = -wp.sin(angle + F(0.5) * step * a1)
    a3 = speed + F(0.75) * step * b2
    b3 = -wp.sin(angle + F(0.75) * step * a2)
    new = angle + step * (F(2.0) * a1 + F(3.0) * a2 + F(4.0) * a3) / F(9.0)
    new_speed = speed + step * (F(2.0) * b1 + F(3.0) * b2 + F(4.0) * b3) / F(9.0)
    change = F(-5.0) * a1 / F(72.0) + a2 / F(12.0) + a3 / F(9.0) - new_speed / F(8.0)
    error = wp.abs(step * change)
    factor = wp.exp(wp.log(F(1e-8) / (error + F(1e-30))) / F(3.0))
    factor = wp.min(F(5.0), wp.max(F(0.2), F(0.9) * factor))
    if error <= F(1e-8):
        return wp.vec4d(t + step, step * factor, new, new_speed)
    return wp.vec4d(t, step * factor, angle, speed)


@forward_only
def pendulums(angle: Numbers, y: Numbers):
    i = wp.tid()
    s = wp.vec4d(F(0.0), F(0.25), angle[i], F(0.0))
    while s[0] < F(10.0):
        s = trip(s)
    y[i] = s[2]


@forward_only
def pendulums_noted(angle: Numbers, states: States, trips: Counts, y: Numbers):
    i = wp.tid()
    s = wp.vec4d(F(0.0), F(0.25), angle[i], F(0.0))
    states[i, 0] = s
    k = wp.int32(0)
    while s[0] < F(10.0) and k + 1 < states.shape[1]:
        s = trip(s)
        k += 1
        states[i, k] = s
    trips[i] = k
    y[i] = s[2]


@differentiable
def pendulums_known(angle: Numbers, states: States, trips: Counts, y: Numbers):
    i = wp.tid()
    states[i, 0] = wp.vec4d(F(0.0), F(0.25), angle[i], F(0.0))
    for k in range(trips[i]):
        states[i, k + 1] = trip(states[i, k])
    y[i] = states[i, trips[i]][2]


# -- their calls ----------------------------------------------------------------------------------------


def _numbers(of: Any, slopes: bool = False) -> Any:
    return wp.array(np.ascontiguousarray(of), dtype=wp.float64, requires_grad=slopes)


def _of_values(kernel: Any, given: list[Any], y: Any) -> Callable[[], Any]:
    def call() -> Any:
        wp.launch(kernel, y.size, given, [y])
        return (y.numpy().copy(),)

    return call


def _with_slopes(run: Callable[[Any], None], x: Any, y: Any) -> Callable[[], Any]:
    """The slopes by x of y, which run computes and leaves on a tape."""
    ones = _numbers(np.ones(y.size))

    def call() -> Any:
        tape = wp.Tape()
        with tape:
            run(tape)
        tape.backward(grads={y: ones})
        result = y.numpy().copy(), x.grad.numpy().copy()
        tape.zero()
        return result

    return call


def _slopes_of(kernel: Any, given: list[Any], y: Any) -> Callable[[], Any]:
    return _with_slopes(lambda _: wp.launch(kernel, y.size, given, [y]), given[0], y)


def square(slopes: bool, x: Any) -> Callable[[], Any]:
    make = _slopes_of if slopes else _of_values
    return make(squares, [_numbers(x, True)], _numbers(0.0 * x, True))


def barrier(slopes: bool, volatility: Any, draws: Any) -> Callable[[], Any]:
    given = [_numbers(volatility, slopes), _numbers(draws)]
    y = _numbers(0.0 * volatility, slopes)
    if not slopes:
        return _of_values(barriers, given, y)
    ones = np.ones((draws.shape[0], draws.shape[1] + 1))
    return _slopes_of(barriers_noted, [*given, _numbers(ones, True), _numbers(ones, True)], y)


def pendulum(slopes: bool, angle: Any) -> Callable[[], Any]:
    x, y = _numbers(angle, slopes), _numbers(0.0 * angle, slopes)
    if not slopes:
        return _of_values(pendulums, [x], y)
    states = wp.zeros((angle.size, MOST), dtype=wp.vec4d, requires_grad=True)
    trips = wp.zeros(angle.size, dtype=wp.int32)
    given = [x, states, trips]

    def back() -> None:
        slots = {"adj_inputs": [x.grad, states.grad, None], "adj_outputs": [y.grad]}
        wp.launch(pendulums_known, angle.size, given, [y], adjoint=True, **slots)

    def run(tape: Any) -> None:
        wp.launch(pendulums_noted, angle.size, given, [y], record_tape=False)
        tape.record_func(back, [x, states, y])

    return _with_slopes(run, x, y)
