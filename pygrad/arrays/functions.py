"""NumPy's functions of arrays with Values, where NumPy's own do not do."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from pygrad.arrays import algebra, tables
from pygrad.arrays.array import array_of_values, as_objects
from pygrad.arrays.conditions import (
    Conditions,
    are_narrow,
    are_truths,
    are_whole,
    as_conditions,
    as_wholes,
    known,
    negated,
    objects,
    truth_of,
)
from pygrad.arrays.engines import engine_of, has_values, is_value
from pygrad.arrays.quiet import quietly
from pygrad.arrays.sorting import (
    argpartition,
    argsort,
    array_equal,
    array_equiv,
    in_an_array,
    partition,
    sort,
)
from pygrad.arrays.tables import digitize, interp, searchsorted


def where(condition: Any, *ways: Any) -> Any:
    """numpy.where; where the condition has Values it is asked item by item, by pygrad.where."""
    if len(ways) != 2 or not has_values(condition):
        return _plainly(np.where, known(condition), *ways)
    if are_whole((condition, *ways)) and are_narrow(ways):
        return np.where(known(condition), *map(known, ways))
    items = objects(condition)
    if are_truths(ways):
        return as_conditions(_CHOSEN_TRUTHS(items, *map(objects, ways)))
    choose = engine_of(items.ravel().tolist()).functions["where"]
    made = np.frompyfunc(choose, 3, 1)(*map(as_objects, (items, *ways)))
    return as_wholes(made) if are_whole((condition, *ways)) else made


def _chosen_truth(condition: Any, one: Any, other: Any) -> Any:
    holds = truth_of(condition)
    return (holds & truth_of(one)) | (negated(holds) & truth_of(other))


_CHOSEN_TRUTHS = np.frompyfunc(_chosen_truth, 3, 1)


def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """numpy.select, whose conditions may be comparisons in a trace: the first that holds chooses."""
    if len(condlist) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    if len(condlist) == 0:
        raise ValueError("select with an empty condition list is not possible")
    if not has_values(condlist):
        return _plainly(np.select, condlist, choicelist, default)
    found = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        found = where(condition, choice, found)
    return found


def _plainly(function: Any, *args: Any, **kwargs: Any) -> Any:
    """What a function of NumPy itself does, without asking its arguments."""
    return function._implementation(*args, **kwargs)


# -- where numbers are 0, and where not -----------------------------------------------------------


def nonzero(a: Any) -> Any:
    """numpy.nonzero, by the numbers of Values, whatever the truth of these is."""
    return np.nonzero(np.asarray(objects(a) != 0, dtype=bool))


def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """numpy.count_nonzero, likewise; in a trace a sum of conditions."""
    if type(a) is Conditions:
        return a.sum(axis, keepdims=keepdims)
    return np.count_nonzero(array_of_values(objects(a)) != 0, axis, keepdims=keepdims)


# -- sums and others ---------------------------------------------------------------------------------


def take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    """numpy.take; where indices are Values, items of the flat array by pygrad.take."""
    if has_values(indices) and axis is None and out is None and mode == "raise":
        return tables.take(np.asarray(a).ravel(), indices)
    return _plainly(np.take, a, indices, axis, out, mode)


def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """numpy.bincount, of weights that are Values."""
    if weights is None or has_values(x):
        raise TypeError("numpy.bincount counts whole numbers; only its weights may be Values")
    made = np.zeros(max(len(np.bincount(x)), minlength), dtype=object)
    np.add.at(made, x, np.asarray(weights, dtype=object))
    return made


def sinc(x: Any) -> Any:
    """numpy.sinc, with its derivatives at 0."""
    if np.ndim(x):
        return np.frompyfunc(sinc, 1, 1)(x)
    angle = math.pi * x
    if not is_value(x):
        return np.sinc(x)
    return 1.0 - angle * angle / 6.0 if x == 0 else angle.sin() / angle


# -- order ----------------------------------------------------------------------------------------


def median(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False
) -> Any:
    """numpy.median."""
    array, axis = _along_one_axis(a, axis)
    n = array.shape[axis]
    if n == 0:
        return math.nan
    ordered = _sorted(array, axis)
    low, high = (np.take(ordered, [i], axis=axis) for i in ((n - 1) // 2, n // 2))
    middle = high if n % 2 else (low + high) / 2.0
    return _shaped(middle, a, axis, keepdims, out)


def quantile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
    interpolation: Any = None,
) -> Any:
    """numpy.quantile, by straight lines between neighbours."""
    if method != "linear" or weights is not None or interpolation is not None:
        raise TypeError("quantiles of Values are those of method='linear', without weights")
    if has_values(q):
        raise TypeError("where a quantile is taken must be a plain number, not a Value")
    array, axis = _along_one_axis(a, axis)
    ordered = _sorted(array, axis)
    places = np.asarray(q, dtype=float)
    if not np.all((places >= 0) & (places <= 1)):
        raise ValueError("Quantiles must be in the range [0, 1]")
    made = []
    for place in (places.ravel() * (array.shape[axis] - 1)).tolist():
        i = min(int(place), array.shape[axis] - 1)
        low = np.take(ordered, [i], axis=axis)
        high = np.take(ordered, [min(i + 1, array.shape[axis] - 1)], axis=axis)
        made.append(_shaped(low + (high - low) * (place - i), a, axis, keepdims, None))
    if places.ndim == 0:
        return made[0]
    return np.stack(made).reshape(places.shape + np.shape(made[0]))


def percentile(a: Any, q: Any, *args: Any, **kwargs: Any) -> Any:
    """numpy.percentile, likewise."""
    if has_values(q):
        raise TypeError("where a percentile is taken must be a plain number, not a Value")
    places = np.asarray(q, dtype=float) / 100
    if not np.all((places >= 0) & (places <= 1)):
        raise ValueError("Percentiles must be in the range [0, 100]")
    return quantile(a, places, *args, **kwargs)


def nanquantile(a: Any, q: Any, axis: Any = None) -> Any:
    """numpy.nanquantile: of what is not nan."""
    return _of_the_others(lambda row: quantile(row, q), a, axis, np.shape(q))


def nanmedian(a: Any, axis: Any = None) -> Any:
    """numpy.nanmedian, likewise."""
    return _of_the_others(median, a, axis, ())


def nanpercentile(a: Any, q: Any, axis: Any = None) -> Any:
    """numpy.nanpercentile, likewise."""
    return nanquantile(a, np.asarray(q, dtype=float) / 100, axis)


def _of_the_others(function: Any, a: Any, axis: Any, shape: tuple[int, ...]) -> Any:
    """What a function, of results of a shape, gives along an axis of what is not nan there."""
    array, axis = _along_one_axis(a, axis)
    rows = np.moveaxis(array, axis, -1)
    found = []
    for row in rows.reshape(-1, rows.shape[-1]):
        kept = [item for item in row.tolist() if not np.isnan(item)]
        found.append(np.asarray(function(kept or [math.nan]), dtype=object))
    return array_of_values(np.stack(found, -1).reshape(shape + rows.shape[:-1]))[()]


def nan_to_num(
    x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    """numpy.nan_to_num."""
    array, largest = array_of_values(as_objects(x)), np.finfo(float).max
    found = np.where(np.isnan(array), nan, array)
    found = np.where(found == math.inf, largest if posinf is None else posinf, found)
    found = np.where(found == -math.inf, -largest if neginf is None else neginf, found)
    if not copy and isinstance(x, np.ndarray):
        x[...] = found
        return x
    return found[()] if is_value(x) and isinstance(found, np.ndarray) else found


def isclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Any:
    """numpy.isclose, whose own asks what a comparison of two numbers gives for an item."""
    x, y, rtol, atol = (
        array_of_values(as_objects(v)) if np.ndim(v) and has_values(v) else in_an_array(v)
        for v in (a, b, rtol, atol)
    )
    near = np.less_equal(np.abs(x - y), atol + rtol * np.abs(y)) & np.isfinite(y)
    found = near | np.equal(x, y)
    return found | (np.isnan(x) & np.isnan(y)) if equal_nan else found


def allclose(a: Any, b: Any, *args: Any, **named: Any) -> Any:
    """numpy.allclose; in a trace a condition."""
    found = np.all(isclose(a, b, *args, **named))
    return found if is_value(found) else bool(found)


def _along_one_axis(a: Any, axis: Any) -> tuple[Any, int]:
    array = array_of_values(as_objects(a))
    if axis is None:
        return array.ravel(), 0
    if isinstance(axis, tuple):
        raise TypeError("quantiles of Values are along one axis, or of all items")
    return array, axis % array.ndim


def _sorted(array: Any, axis: int) -> Any:
    """Sorted along an axis; where one is nan all are."""
    ordered = np.sort(array, axis=axis)
    last = np.take(ordered, [-1], axis=axis)
    is_nan = np.isnan(last)
    return ordered + np.where(is_nan, last, 0.0) if np.any(is_nan) else ordered


def _shaped(found: Any, a: Any, axis: int, keepdims: bool, out: Any) -> Any:
    if out is not None:
        raise TypeError("the result of Values goes into no array that is given by out=")
    if keepdims:
        return found.reshape((1,) * np.ndim(a)) if found.ndim != np.ndim(a) else found
    return np.squeeze(found, axis=axis)


# -- lines and slopes -----------------------------------------------------------------------------


def polyfit(
    x: Any, y: Any, deg: Any, rcond: Any = None, full: bool = False, w: Any = None, cov: Any = False
) -> Any:
    """numpy.polyfit: coefficients, and with cov their covariances."""
    if full:
        raise TypeError("polyfit(full=True) gives singular values, which have no derivatives here")
    order = int(deg) + 1
    places, heights = (array_of_values(as_objects(item)) for item in (x, y))
    if order < 1:
        raise ValueError("expected deg >= 0")
    if places.ndim != 1:
        raise TypeError("expected 1D vector for x")
    if places.size == 0:
        raise TypeError("expected non-empty vector for x")
    if heights.ndim not in {1, 2}:
        raise TypeError("expected 1D or 2D array for y")
    if len(places) != len(heights):
        raise TypeError("expected x and y to have same length")
    powers = np.stack([places**i if i else places * 0.0 + 1.0 for i in reversed(range(order))], 1)
    sides = heights
    if w is not None:
        weights = np.asarray(w)
        powers = powers * weights[:, None]
        sides = heights * (weights[:, None] if heights.ndim == 2 else weights)
    size = np.sqrt(np.sum(powers * powers, axis=0))
    small = len(places) * np.finfo(float).eps if rcond is None else rcond
    found, rests, *_ = algebra.lstsq(powers / size, sides, small)
    coefficients = found / (size[:, None] if found.ndim == 2 else size)
    if not cov:
        return coefficients
    base = algebra.inv(np.dot((powers / size).T, powers / size)) / np.outer(size, size)
    if cov == "unscaled":
        return coefficients, base
    if len(places) <= order:
        raise ValueError(
            "the number of data points must exceed order to scale the covariance matrix"
        )
    spread = rests / (len(places) - order)
    return coefficients, base * spread if heights.ndim == 1 else base[:, :, None] * spread


def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """numpy.gradient."""
    array = array_of_values(as_objects(f))
    axes = range(array.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    steps = list(varargs) or [1.0]
    if len(steps) == 1 and np.ndim(steps[0]) == 0:
        steps *= len(axes)
    if len(steps) != len(axes):
        raise TypeError("invalid number of arguments")
    if edge_order not in {1, 2}:
        raise ValueError("'edge_order' greater than 2 not supported")
    found = [
        np.moveaxis(_slopes(np.moveaxis(array, i, 0), step, edge_order), 0, i)
        for i, step in zip(axes, steps, strict=True)
    ]
    return found[0] if len(found) == 1 else tuple(found)


def _slopes(f: Any, step: Any, edge_order: int) -> Any:
    """Slopes along the first axis."""
    n = len(f)
    if n < edge_order + 1:
        raise ValueError(
            "Shape of array too small to calculate a numerical gradient, at least "
            "(edge_order + 1) elements are required."
        )
    even = np.ndim(step) == 0
    if not even and len(step) != n:
        raise ValueError("when 1d, distances must match the length of the corresponding dimension")
    gaps = [step] * (n - 1) if even else list(np.diff(step))
    made = []
    for i in range(1, n - 1):
        a, b = gaps[i - 1], gaps[i]
        if even:
            made.append((f[i + 1] - f[i - 1]) / (2.0 * step))
        else:
            made.append(
                f[i - 1] * (-b / (a * (a + b)))
                + f[i] * ((b - a) / (a * b))
                + f[i + 1] * (a / (b * (a + b)))
            )
    if edge_order == 1:
        ends = ((f[1] - f[0]) / gaps[0], (f[-1] - f[-2]) / gaps[-1])
    else:
        ends = (_end(f[0], f[1], f[2], *gaps[:2]), -_end(f[-1], f[-2], f[-3], *gaps[:-3:-1]))
    return np.stack([ends[0], *made, ends[1]])


def _end(first: Any, second: Any, third: Any, a: Any, b: Any) -> Any:
    """The slope at the first of three points, from the parabola through them."""
    return (
        first * (-(2.0 * a + b) / (a * (a + b)))
        + second * ((a + b) / (a * b))
        + third * (-a / (b * (a + b)))
    )


def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """numpy.linspace."""
    if num < 0:
        raise ValueError(f"Number of samples, {num}, must be non-negative.")
    gaps = num - 1 if endpoint else num
    first, apart = np.asanyarray(start) * 1.0, np.asanyarray(stop) - start
    if gaps > 0:
        step = apart / gaps
        made = first + np.arange(num, dtype=float).reshape((-1, *[1] * np.ndim(apart))) * step
    else:
        step, made = math.nan, np.stack([np.broadcast_to(first, np.shape(apart))])[:num]
    if endpoint and num > 1:
        made[-1] = stop
    made = np.moveaxis(made, 0, axis) if axis else made
    return (made, step) if retstep else made


def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """numpy.logspace."""
    return np.float_power(base, np.linspace(start, stop, num, endpoint, axis=axis))


def geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    """numpy.geomspace, of positive ends."""
    ends = (np.log(start), np.log(stop))
    return np.exp(np.linspace(*ends, num, endpoint, axis=axis))


def cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: Any = None,
    fweights: Any = None, aweights: Any = None, *, dtype: Any = None,
) -> Any:  # fmt: skip
    """numpy.cov, without weights."""
    if fweights is not None or aweights is not None:
        raise TypeError("numpy.cov of Values takes no weights")
    parts = [np.atleast_2d(part) for part in (m, y) if part is not None]
    if not rowvar:
        parts = [
            part.T if np.ndim(given) == 2 else part
            for part, given in zip(parts, (m, y), strict=False)
        ]
    rows = np.concatenate(parts) if len(parts) > 1 else parts[0]
    apart = rows - np.mean(rows, axis=1, keepdims=True)
    freedom = rows.shape[1] - (ddof if ddof is not None else 0 if bias else 1)
    return np.squeeze(np.dot(apart, apart.T) / freedom)


def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    """numpy.copyto."""
    takes_values = has_values(src) or type(where) is Conditions
    if takes_values and isinstance(dst, np.ndarray) and dst.dtype != object:
        raise TypeError(
            "an array of floats holds no Values, and is to take some: make it with dtype=object"
        )
    if type(where) is Conditions and np.shape(where) == np.shape(dst):
        src, where = np.where(where, src, dst), True
    _plainly(np.copyto, dst, known(src), casting, known(where))


def corrcoef(x: Any, y: Any = None, rowvar: bool = True, **kwargs: Any) -> Any:
    """numpy.corrcoef: covariances over the roots of both variances."""
    c = cov(x, y, rowvar)
    if np.ndim(c) == 0:
        return c / c
    deviations = np.sqrt(np.diag(c))
    return np.clip(c / deviations[:, None] / deviations[None, :], -1.0, 1.0)


def clip(a: Any, *args: Any, **named: Any) -> Any:
    """numpy.clip of a Value is the op, where NumPy compares it, as any object: nan stays nan."""
    short = {name.removeprefix("a_"): bound for name, bound in named.items()}
    bounds: dict[str, Any] = dict(zip(("min", "max"), args, strict=False)) | short
    if not is_value(a) or len(args) > 2 or not bounds.keys() <= {"min", "max"}:
        return _plainly(np.clip, in_an_array(a), *args, **named)
    low: Any = bounds.get("min")
    high: Any = bounds.get("max")
    if np.ndim(low) == np.ndim(high) == 0:
        return a.clip(low, high)
    low, high = -math.inf if low is None else low, math.inf if high is None else high
    limited = np.frompyfunc(engine_of([a]).functions["clip"], 3, 1)
    return quietly(limited, *map(as_objects, (a, low, high)))


# NumPy compares the items of a list, and takes what no comparison holds for, nan, for the smaller one.
_COMPARING = {"amax", "amin", "max", "min", "ptp", "unique"}


def result_type(*arrays_and_dtypes: Any) -> Any:
    """numpy.result_type; a Value has the one that numpy.asarray gives an array of it."""
    return _plainly(
        np.result_type, *[np.dtype(object) if is_value(x) else x for x in arrays_and_dtypes]
    )


def _of_an_array(function: Any) -> Callable[..., Any]:
    """A function of NumPy's that asks the first argument, which is made one that can be asked."""

    def of_array(a: Any, *args: Any, **named: Any) -> Any:
        return _plainly(function, in_an_array(a), *args, **named)

    return of_array


def _by_numpys_functions() -> Iterator[tuple[Any, Callable[..., Any]]]:
    own = (
        where,
        select,
        nonzero,
        count_nonzero,
        interp,
        searchsorted,
        digitize,
        take,
        bincount,
        sinc,
        median,
        quantile,
        percentile,
        nanmedian,
        nanquantile,
        nanpercentile,
        nan_to_num,
        isclose,
        allclose,
        polyfit,
        clip,
        argpartition,
        argsort,
        array_equal,
        array_equiv,
        partition,
        sort,
    )
    for name in _COMPARING & vars(np).keys():
        yield getattr(np, name), _of_an_array(getattr(np, name))
    for function in (
        *own,
        gradient,
        linspace,
        logspace,
        geomspace,
        cov,
        corrcoef,
        copyto,
        result_type,
    ):
        yield getattr(np, function.__name__), function
    for name, function in algebra.FUNCTIONS.items():
        if hasattr(np.linalg, name):
            yield getattr(np.linalg, name), function


FUNCTIONS: dict[Any, Callable[..., Any]] = dict(_by_numpys_functions())
# Who takes arrays of conditions as they are.
OF_CONDITIONS = frozenset({where, select, nonzero, count_nonzero, copyto})
