"""Pictures of a function and its derivatives."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pygrad.checking.check import (
    DEPENDS,
    INCONCLUSIVE,
    NOT_DIFFERENTIABLE,
    OK,
    WRONG,
    GradientCheck,
)
from pygrad.checking.differences import scalar_function
from pygrad.core.recording import plain
from pygrad.numeric import StepSweep
from pygrad.numeric import nudge as nudge_of
from pygrad.plot.axes import (
    LINES,
    MARKERS,
    SERIES,
    Axes,
    as_float,
    axes,
    confine,
    dress,
    legend,
)
from pygrad.seeing.palette import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SKY, VERMILION
from pygrad.transform import value_and_grad

__all__ = [
    "gradient_check",
    "nudge",
    "step_sweep",
    "tangent",
    "training_curve",
]

_SAMPLES = 401  # of a function across the picture

_Interval = tuple[float, float]


# -- a function -------------------------------------------------------------------------------------


def tangent(
    f: Callable[[Any], Any],
    x: float,
    over: _Interval | None = None,
    secants: Sequence[float] | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """f, its tangent at x, and secants that close on the tangent as their step shrinks.

    Args:
        f: a function of one number.
        x: where the tangent touches.
        over: the ends of the interval that is drawn; None takes 2 max(|x|, 1) to either side.
        secants: steps h of the secants through (x, f(x)) and (x + h, f(x + h)), in the units of x; None
            takes three that fit into the interval, () none.
        ax: where to draw; None makes a new figure.

    Raises:
        ValueError: the interval is empty or x is not in it; a step is 0 or not finite.
        ImportError: matplotlib is not installed.
        Whatever f raises at x. Elsewhere the curve has gaps where f raises or is not finite.

    >>> from pygrad import plot
    >>> ax = plot.tangent(lambda x: 3 * x**2 - 4 * x + 5, 3.0, over=(-5, 5))
    >>> [line.get_label() for line in ax.get_lines() if "slope" in line.get_label()][-2:]
    ['secant h = 0.5: slope 15.5', 'tangent: slope 14']
    """
    x = float(x)
    low, high = _interval(over, x, 2 * max(abs(x), 1.0))
    y, slope = _touch(f, x)
    g = scalar_function(f)
    steps = _closing(low, high, x) if secants is None else [float(h) for h in secants]
    for h in steps:
        if h == 0 or not math.isfinite(h):
            raise ValueError(f"a secant needs a step that is finite and not 0, not {h}")
    ax = axes(ax)
    xs, ys = _sampled(g, low, high)
    bottom, top = _window([*ys, y])
    ax.set_xlim(low, high)
    ax.set_ylim(bottom, top)
    for h, shade in zip(steps, _shades(len(steps)), strict=True):
        there = _or_nan(g, x + h)
        secant = (there - y) / h
        if not math.isnan(secant):
            label = f"secant h = {h:g}: slope {secant:.4g}"
            _line(ax, x, y, secant, color=shade, linewidth=1.2, label=label)
            ax.plot([x + h], [there], "o", color=shade, markersize=5)
    label = f"tangent: slope {slope:.4g}"
    _line(ax, x, y, slope, color=VERMILION, linewidth=2, linestyle="--", label=label)
    ax.plot(*_broken(xs, ys, bottom, top), color=BLUE, linewidth=2, label="f")
    ax.plot([x], [y], "o", color=INK, markersize=6, zorder=5)
    confine(ax)
    dress(ax, "x", "f(x)", f"f({x:.4g}) = {y:.4g}, f'({x:.4g}) = {slope:.4g}")
    return legend(ax)


def nudge(f: Callable[[Any], Any], x: float, h: float, *, ax: Axes | None = None) -> Axes:
    """What the derivative predicts for a nudge of x by h, what f does, and by how much they differ.

    Args:
        f: a function of one number.
        x: where from.
        h: how far, in the units of x; not 0.
        ax: where to draw; None makes a new figure.

    Raises:
        ValueError: h is 0 or not finite.
        ImportError: matplotlib is not installed.
        Whatever f raises at x or x + h.

    >>> from pygrad import plot
    >>> ax = plot.nudge(lambda x: x**2, 2.0, 1.0)
    >>> ax.get_lines()[-2].get_label()
    'miss 1'
    """
    x, h = float(x), float(h)
    if h == 0 or not math.isfinite(h):
        raise ValueError(f"h must be finite and not 0, not {h}")
    found = nudge_of(f, x, h)
    y, slope = _touch(f, x)
    ax = axes(ax)
    low, high = sorted([x - 0.35 * h, x + 1.35 * h])
    xs, ys = _sampled(scalar_function(f), low, high)
    end, predicted, actual = x + h, y + found.prediction, y + found.actual
    bottom, top = _window([*ys, y, predicted, actual])
    ax.set_xlim(low, high)
    ax.set_ylim(bottom, top)
    ax.plot(*_broken(xs, ys, bottom, top), color=BLUE, linewidth=2.5, label="f")
    _line(ax, x, y, slope, color=VERMILION, linewidth=1.5, linestyle="--", label="tangent")
    ax.plot([x, end], [y, y], color=GREY, linewidth=1, linestyle=":")
    bar = {"solid_capstyle": "butt", "linewidth": 3.5}
    aside = 0.025 * h  # side by side, so that the shorter of the two is seen too
    text = f"prediction f'(x) h = {found.prediction:.6g}"
    ax.plot([end - aside] * 2, [y, predicted], color=ORANGE, label=text, **bar)
    text = f"actual f(x + h) - f(x) = {found.actual:.6g}"
    ax.plot([end + aside] * 2, [y, actual], color=GREEN, label=text, **bar)
    text = f"miss {found.miss:.3g}"
    ax.plot([end] * 2, [predicted, actual], "_-", color=PURPLE, linewidth=2, label=text, ms=9)
    ax.plot([x, end], [y, actual], "o", color=INK, markersize=6, zorder=5)
    confine(ax)
    dress(ax, "x", "f(x)", f"x = {x:.4g} nudged by h = {h:.4g}")
    return legend(ax)


def _line(ax: Axes, x: float, y: float, slope: float, **look: Any) -> None:
    """A straight line through (x, y), from one end of the picture to the other."""
    ends = ax.get_xlim()
    if math.isinf(slope):
        ax.plot([x, x], ax.get_ylim(), **look)
    else:
        ax.plot(ends, [y + slope * (t - x) for t in ends], **look)


def _touch(f: Callable[[Any], Any], x: float) -> tuple[float, float]:
    """f and its slope at x; a plain number where f does not use x."""
    y, slope = plain(value_and_grad(f)(x), "f", "a picture shows plain numbers")
    return float(y), float(slope)


def _interval(over: _Interval | None, x: float, reach: float) -> _Interval:
    if not math.isfinite(x):
        raise ValueError(f"x must be finite, not {x}")
    low, high = (x - reach, x + reach) if over is None else (float(end) for end in over)
    if not (low < high and math.isfinite(high - low)):
        raise ValueError(f"over must be two finite numbers, the smaller first, not {over}")
    if not low <= x <= high:
        raise ValueError(f"x = {x:g} is not between {low:g} and {high:g}")
    return low, high


def _closing(low: float, high: float, x: float) -> list[float]:
    """Three steps, each half of the one before, towards the side with more room if right has little."""
    width = high - low
    room = high - x if high - x >= width / 8 else x - low
    step = min(width / 4, room)
    step = float(f"{step:.2g}") if float(f"{step:.2g}") <= room else step
    if room != high - x:
        step = -step
    return [step, step / 2, step / 4]


def _or_nan(g: Callable[[float], float], x: float) -> float:
    try:
        y = g(x)
    except (ArithmeticError, ValueError):
        return math.nan
    return y if math.isfinite(y) else math.nan


def _sampled(
    g: Callable[[float], float], low: float, high: float
) -> tuple[list[float], list[float]]:
    """g at evenly spaced points, nan where it has no value."""
    xs = [low + (high - low) * k / (_SAMPLES - 1) for k in range(_SAMPLES)]
    return xs, [_or_nan(g, x) for x in xs]


def _window(ys: Sequence[float]) -> _Interval:
    """From where to where the picture goes: all of ys, but for the far ends of poles."""
    known = sorted(y for y in ys if not math.isnan(y))
    if not known:
        return -1.0, 1.0
    low, high = known[0], known[-1]
    near, far = known[len(known) // 20], known[-1 - len(known) // 20]
    if high - low > 10 * (far - near) > 0:
        low, high = max(low, 2 * near - far), min(high, 2 * far - near)
    margin = 0.06 * (high - low) or 0.5 * abs(high) or 1.0
    return low - margin, high + margin


def _broken(
    xs: Sequence[float], ys: Sequence[float], bottom: float, top: float
) -> tuple[list[float], list[float]]:
    """The curve without the strokes that would join the two sides of a pole."""
    curve: list[tuple[float, float]] = []
    before = math.nan
    for x, y in zip(xs, ys, strict=True):
        if min(before, y) < bottom and max(before, y) > top:
            curve.append((x, math.nan))
        curve.append((x, y))
        before = y
    return [x for x, _ in curve], [y for _, y in curve]


def _shades(count: int) -> list[str]:
    """Greys from light to dark."""
    levels = [0.72 - 0.4 * k / max(count - 1, 1) for k in range(count)]
    return [f"#{round(255 * level):02x}" + f"{round(255 * level):02x}" * 2 for level in levels]


# -- differences ------------------------------------------------------------------------------------


def step_sweep(sweep: StepSweep, *more: StepSweep, ax: Axes | None = None) -> Axes:
    """The U of a step sweep: the error of difference quotients over their step, on logarithmic axes.

    Args:
        sweep, more: what pygrad.numeric.step_sweep returns, one or several.
        ax: where to draw; None makes a new figure.

    Points are measured errors; the dashed line is the truncation expected, the dotted one the round-off;
    a star marks the step of least expected error. An error of exactly 0 has no place on a logarithmic axis:
    it is a triangle at the bottom.

    Raises:
        TypeError: something else than a StepSweep.
        ImportError: matplotlib is not installed.

    >>> from pygrad import math, numeric, plot
    >>> ax = plot.step_sweep(numeric.step_sweep(math.exp, 1.0))
    >>> ax.get_xlabel(), ax.get_xscale(), ax.get_yscale()
    ('step h', 'log', 'log')
    """
    sweeps = (sweep, *more)
    for one in sweeps:
        if not isinstance(one, StepSweep):
            raise TypeError(
                "step_sweep takes what pygrad.numeric.step_sweep(f, x) returns, not "
                f"{type(one).__name__}"
            )
    ax = axes(ax)
    errors = [row.error for one in sweeps for row in one if row.error > 0]
    low, high = min(errors, default=1e-16), max(errors, default=1.0)
    bottom, top = low / 3, high * 3
    for k, one in enumerate(sweeps):
        colour, marker = SERIES[k % 7], MARKERS[k % 7]
        rows = [row for row in one if not math.isnan(row.error)]
        name = f"{one.method}: " if more else ""
        hs = [row.h for row in rows if row.error > 0]
        ys = [row.error for row in rows if row.error > 0]
        ax.plot(hs, ys, marker=marker, markersize=4, color=colour, label=f"{name}error")
        for what, style in (("truncation", "--"), ("roundoff", ":")):
            expected = [getattr(row, what) for row in rows]
            label = "" if more and k else f"{what.replace('roundoff', 'round-off')}, expected"
            ax.plot(
                [row.h for row in rows], expected, style, color=GREY, linewidth=1.2, label=label
            )
        exact = [row.h for row in rows if row.error == 0]
        if exact:
            ax.plot(exact, [bottom * 1.5] * len(exact), "v", color=colour, label=f"{name}error 0")
        if rows:
            best = one.best
            at = max(best.error, bottom * 1.5)
            label = f"{name}best step, h = {best.h:.2g}"
            ax.plot(
                [best.h], [at], "*", color=ORANGE, markersize=14, mec=INK, label=label, zorder=5
            )
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_ylim(bottom, top)
    confine(ax)
    x = ", ".join(dict.fromkeys(f"{one.x:.4g}" for one in sweeps))
    title = f"Differences at x = {x}, exact derivative {sweep.exact:.6g}"
    dress(ax, "step h", "|estimate - exact|", title)
    return legend(ax)


_LOOKS = {
    OK: (BLUE, "o"),
    WRONG: (VERMILION, "X"),
    NOT_DIFFERENTIABLE: (PURPLE, "D"),
    DEPENDS: (SKY, "P"),
    INCONCLUSIVE: (ORANGE, "s"),
}


def gradient_check(check: GradientCheck, *, ax: Axes | None = None) -> Axes:
    """A gradient check: each derivative as pygrad has it, beside what differences say, with error bars.

    Args:
        check: what pygrad.check_grad returns.
        ax: where to draw; None makes a new figure, as high as the rows need.

    Each derivative has a row: a black stroke where the exact derivative is, and the numerical one, whose
    colour and shape are the verdict's. At the right is their relative error. Where there are more rows than
    room those that are not ok come first, and the title says how many are left out.

    Raises:
        TypeError: something else than a GradientCheck.
        ImportError: matplotlib is not installed.

    >>> from pygrad import check_grad, plot
    >>> ax = plot.gradient_check(check_grad(lambda v: v[0] * v[1], [2.0, -3.0]))
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['x[0]', 'x[1]']
    """
    if not isinstance(check, GradientCheck):
        raise TypeError(f"gradient_check takes what check_grad returns, not {type(check).__name__}")
    most = 40
    ax = axes(ax, (6.4, 1.6 + 0.3 * min(len(check.rows), most)))
    shown = list(check.rows)
    room = max(3, min(most, int(ax.get_window_extent().height / ax.figure.dpi * 72 / 14)))
    if len(shown) > room:
        shown = sorted(shown, key=lambda row: row.verdict == OK)[:room]
    numbers = [
        abs(v) for row in shown for v in (row.exact, row.numerical) if v and math.isfinite(v)
    ]
    for verdict, (colour, marker) in _LOOKS.items():
        rows = [(k, row) for k, row in enumerate(shown) if row.verdict == verdict]
        if not rows:
            continue
        places = [row.exact if math.isnan(row.numerical) else row.numerical for _, row in rows]
        bars = [_bar(row) for _, row in rows]
        ax.errorbar(
            places,
            [k for k, _ in rows],
            xerr=bars,
            fmt=marker,
            color=colour,
            markersize=7,
            capsize=4,
            label=verdict,
        )
    exact = [row.exact for row in shown]
    ax.plot(
        exact, range(len(shown)), "|", color=INK, markersize=15, mew=1.5, label="exact", zorder=5
    )
    if numbers and max(numbers) > 1e3 * min(numbers):
        threshold = 10.0 ** math.floor(math.log10(min(numbers)))
        decades = math.log10(max(numbers) / threshold)
        ax.set_xscale("symlog", linthresh=threshold, linscale=max(decades / 8, 0.5))
        ax.xaxis.get_major_locator().set_params(numticks=5)
    ax.set_ylim(len(shown) - 0.4, -0.6)
    ax.set_yticks(range(len(shown)), [row.name for row in shown], fontsize="small")
    errors = ax.secondary_yaxis("right")
    errors.set_yticks(range(len(shown)), [_difference(row) for row in shown], fontsize="small")
    errors.tick_params(length=0)
    errors.spines["right"].set_visible(False)
    errors.set_ylabel("relative error")
    left_out = len(check.rows) - len(shown)
    title = f"Gradient check: {check.verdict}" + (f" ({left_out} more)" if left_out else "")
    dress(ax, "derivative", "", title)
    return legend(ax)


def _bar(row: Any) -> float:
    """The error bar in the units of the derivative."""
    size = max(abs(row.exact), abs(row.numerical))
    bar = row.error_bar * size
    return bar if math.isfinite(bar) else 0.0


def _difference(row: Any) -> str:
    if not math.isnan(row.relative_error):
        return f"{row.relative_error:.1e}"
    return row.note.partition(":")[0] if row.verdict == NOT_DIFFERENTIABLE else "unknown"


# -- training ---------------------------------------------------------------------------------------


def training_curve(
    losses: Sequence[Any] | Mapping[str, Sequence[Any]],
    *,
    smooth: int = 1,
    log: bool | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Loss over the steps of a training.

    Args:
        losses: a number or Value for each step, or a dict of such lists by name ("training", "test").
        smooth: above 1 the mean of so many steps is drawn, over the single ones in a pale tone.
        log: whether the loss has a logarithmic axis; None decides for it if the losses are positive and
            span more than a factor of 100.
        ax: where to draw; None makes a new figure.

    Steps whose loss is nan or inf are gaps; the legend says at which step the first was.

    Raises:
        ValueError: there are no losses; smooth is no positive whole number.
        ImportError: matplotlib is not installed.

    >>> from pygrad import plot
    >>> ax = plot.training_curve({"training": [3.0, 1.0, 0.5], "test": [3.1, 1.4, 0.9]})
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('step', 'loss')
    """
    curves = dict(losses) if isinstance(losses, Mapping) else {"loss": losses}
    numbers = {name: [as_float(v) for v in curve] for name, curve in curves.items()}
    if not numbers or not all(numbers.values()):
        raise ValueError("there are no losses to draw")
    if isinstance(smooth, bool) or not isinstance(smooth, int) or smooth < 1:
        raise ValueError(f"smooth must be a positive whole number of steps, not {smooth!r}")
    ax = axes(ax)
    from matplotlib.ticker import MaxNLocator

    known = [y for curve in numbers.values() for y in curve if math.isfinite(y)]
    if log is None:
        log = bool(known) and min(known) > 0 and max(known) > 100 * min(known)
    for k, (name, curve) in enumerate(numbers.items()):
        ys = [y if math.isfinite(y) else math.nan for y in curve]
        steps = range(1, len(ys) + 1)
        look = {"color": SERIES[k % 7], "linestyle": LINES[k % 4]}
        gap = next((i for i, y in zip(steps, ys, strict=True) if math.isnan(y)), None)
        label = f"{name}" + (f" (not finite at step {gap})" if gap else "")
        marker = "o" if len(ys) == 1 else None
        if smooth > 1:
            ax.plot(steps, ys, color=SERIES[k % 7], alpha=0.3, linewidth=0.8)
            ys = _moving_mean(ys, smooth)
        ax.plot(steps, ys, linewidth=1.8, label=label, marker=marker, **look)
    if log:
        ax.set_yscale("log")
    longest = max(map(len, numbers.values()))
    if longest > 1:
        ax.set_xlim(1, longest)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    everything = all(math.isfinite(y) for curve in numbers.values() for y in curve)
    dress(ax, "step", "loss")
    return legend(ax) if len(numbers) > 1 or not everything else ax


def _moving_mean(ys: Sequence[float], width: int) -> list[float]:
    """The mean of the last `width` numbers at each place, nan where none is known."""
    means = []
    for i in range(len(ys)):
        last = [y for y in ys[max(0, i - width + 1) : i + 1] if not math.isnan(y)]
        means.append(math.fsum(last) / len(last) if last else math.nan)
    return means
