"""What `statistics` has for floats, of Values: it computes with fractions, which would lose derivatives.

>>> from pygrad import Value
>>> mean([Value(1.0), Value(4.0)]), variance([Value(1.0), 3.0])
(Value(data=2.5, grad=0.0), Value(data=2.0, grad=0.0))
"""

from __future__ import annotations

import functools
import statistics
from collections.abc import Callable
from typing import Any

from pygrad import math
from pygrad.lifting.values import holds_values


def mean(data: Any) -> Any:
    """The arithmetic mean."""
    return math.fsum(data) / len(data)


def _squares(data: Any, center: Any) -> Any:
    middle = mean(data) if center is None else center
    return math.fsum([(x - middle) * (x - middle) for x in data])


def variance(data: Any, xbar: Any = None) -> Any:
    """The variance of a sample."""
    return _squares(data, xbar) / (len(data) - 1)


def pvariance(data: Any, mu: Any = None) -> Any:
    """The variance of all there is."""
    return _squares(data, mu) / len(data)


def stdev(data: Any, xbar: Any = None) -> Any:
    """The root of variance()."""
    return math.sqrt(variance(data, xbar))


def pstdev(data: Any, mu: Any = None) -> Any:
    """The root of pvariance()."""
    return math.sqrt(pvariance(data, mu))


def _mean_stdev(data: Any) -> Any:
    """Both, as NormalDist.from_samples() asks for them."""
    return mean(data), stdev(data)


def geometric_mean(data: Any) -> Any:
    """exp of the mean of logs."""
    return math.exp(mean(list(map(math.log, data))))


def harmonic_mean(data: Any, weights: Any = None) -> Any:
    """The reciprocal of the mean of reciprocals."""
    if any(x < 0 for x in data):
        raise statistics.StatisticsError("harmonic mean does not support negative values")
    if any(x == 0 for x in data):
        return 0.0
    shares = [1] * len(data) if weights is None else list(weights)
    return sum(shares) / math.fsum([w / x for w, x in zip(shares, data, strict=True)])


def _counted(data: Any) -> list[list[Any]]:
    """The numbers in data, each once, and how often each is there: by comparisons, which make paths."""
    found: list[list[Any]] = []
    for x in data:
        entry = next((entry for entry in found if x <= entry[0] and x >= entry[0]), None)
        if entry is None:
            found.append([x, 1])
        else:
            entry[1] += 1
    return found


def mode(data: Any) -> Any:
    """The number that is there most often, the first of several."""
    return multimode(data)[0]


def multimode(data: Any) -> Any:
    """All numbers that are there most often."""
    found = _counted(data)
    most = max(count for _, count in found)
    return [x for x, count in found if count == most]


_LEAST = {"variance": 2, "stdev": 2, "_mean_stdev": 2}
AVERAGES = (
    mean,
    variance,
    pvariance,
    stdev,
    pstdev,
    geometric_mean,
    harmonic_mean,
    mode,
    multimode,
    _mean_stdev,
)


def taking_values(standard: Callable[..., Any], own: Callable[..., Any]) -> Callable[..., Any]:
    """A function of statistics; own for data with Values, of which there are enough."""

    @functools.wraps(standard)
    def choose(data: Any, *args: Any, **named: Any) -> Any:
        items = list(data) if iter(data) is data else data
        given = [*args, *named.values()]
        enough = len(items) >= _LEAST.get(standard.__name__, 1)
        if enough and (holds_values(list(items)) or any(map(holds_values, given))):
            return own(items, *args, **named)
        return standard(items, *args, **named)

    return choose


def complete(module: Any) -> None:
    """Puts them into a lifted statistics."""
    for own in AVERAGES:
        standard = getattr(module, own.__name__, None)  # Python 3.10 has one less
        if standard is not None:
            setattr(module, own.__name__, taking_values(standard, own))
