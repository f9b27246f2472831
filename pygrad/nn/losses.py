"""Losses: how far what a model says is from what it is to say, one number that is to become small.

Predictions and targets are numbers or Values, or lists, tuples and arrays of these that have the same
shape. Of plain numbers a loss is a float. All of them are stable: no score is so large that its loss or
its slope is lost.

>>> from pygrad import Value
>>> from pygrad.nn import cross_entropy
>>> scores = [Value(1000.0), Value(0.0)]
>>> loss = cross_entropy(scores, 1)
>>> loss.backward()
>>> loss.data, scores[0].grad
(1000.0, 1.0)
"""

from __future__ import annotations

import functools
import math
import numbers
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pygrad.core.implementation import FUNCTIONS, Value
from pygrad.core.implementation import sum as sum_of

__all__ = ["binary_cross_entropy", "cross_entropy", "hinge", "mse"]

_REDUCE = ("mean", "sum")
_ADDED_UP = 1e-6  # how far the sum of probabilities may be from 1

_log, _log1p, _relu, _softplus, _where = (
    FUNCTIONS[name] for name in ("log", "log1p", "relu", "softplus", "where")
)


def mse(predictions: Any, targets: Any, *, reduce: str = "mean") -> Any:
    """The mean of the squared differences, or with reduce="sum" their sum.

    Raises:
        ValueError: predictions and targets differ in shape or are empty; reduce is unknown.
        TypeError: an item is not a number or a Value.

    >>> mse([1.0, 2.0], [1.0, 4.0])
    2.0
    """
    return _reduced(reduce, _square, predictions, targets)


def _square(prediction: Any, target: Any) -> Any:
    difference = prediction - target
    return difference * difference


def hinge(scores: Any, targets: Any, margin: float = 1.0, *, reduce: str = "mean") -> Any:
    """The mean of max(0, margin - target * score), for targets -1 and 1: it asks that scores have the sign
    of their targets, and are no smaller than the margin.

    Raises:
        ValueError: a target is another number; shapes differ or are empty; reduce is unknown.
        TypeError: an item is not a number or a Value.

    >>> hinge([0.5, -3.0], [1, -1])
    0.25
    """
    if not isinstance(margin, numbers.Real | Value):
        raise TypeError(f"margin is a number, not {margin!r}")

    def loss(score: Any, target: Any) -> Any:
        if not isinstance(target, Value) and target not in (-1, 1):
            raise ValueError(
                f"a target of hinge is -1 or 1, not {target:g}; a y of 0 or 1 is 2 * y - 1"
            )
        return _relu(margin - target * score)

    return _reduced(reduce, loss, scores, targets)


def binary_cross_entropy(
    outputs: Any, targets: Any, *, logits: bool = False, reduce: str = "mean"
) -> Any:
    """The mean of -log of the probability that the outputs give to the targets, each 0, 1 or between.

    Args:
        outputs: probabilities of 1, as a sigmoid gives them; or with logits=True the scores before the
            sigmoid, which lose no digits where a probability would be very near to 0 or 1.
        targets: what is true, or how probable it is.
        logits: whether outputs are scores.
        reduce: "mean" or "sum".

    Raises:
        ValueError: a target or a probability is not between 0 and 1; a probability is 0 of what is true,
            so that its loss has no bound; shapes differ or are empty; reduce is unknown.
        TypeError: an item is not a number or a Value.

    >>> round(binary_cross_entropy([0.9, 0.2], [1, 0]), 6)
    0.164252
    >>> binary_cross_entropy([800.0], [0], logits=True)
    800.0
    """
    return _reduced(reduce, _by_score if logits else _by_probability, outputs, targets)


def _by_score(score: Any, target: Any) -> Any:
    _check_probable(target)
    if isinstance(target, Value) or 0 < target < 1:
        return target * _softplus(-score) + (1 - target) * _softplus(score)
    return _softplus(-score if target else score)


def _by_probability(probability: Any, target: Any) -> Any:
    _check_probable(target)
    if probability < 0 or probability > 1:
        raise ValueError(
            f"a probability is between 0 and 1, not {probability}; scores are told by logits=True"
        )
    if isinstance(target, Value):
        true = _wherever(target > 0, lambda: -target * _log(probability))
        return true + _wherever(target < 1, lambda: (target - 1) * _log1p(-probability))
    if (target > 0 and probability <= 0) or (target < 1 and probability >= 1):
        raise ValueError(
            f"a probability of {probability} where {target:g} is true has a loss without bound: give "
            "the scores before the sigmoid, and logits=True"
        )
    if 0 < target < 1:
        return -target * _log(probability) + (target - 1) * _log1p(-probability)
    return -_log(probability) if target else -_log1p(-probability)


def _wherever(condition: Any, number: Callable[[], Any]) -> Any:
    """A number where it is asked for, 0 elsewhere: in a trace by an op, as the condition is none that is
    known.
    """
    if type(condition) is bool:
        return number() if condition else 0.0
    return _where(condition, number(), 0.0)


def _check_probable(target: Any) -> None:
    if not isinstance(target, Value) and not 0 <= target <= 1:
        raise ValueError(
            f"a target of binary_cross_entropy is between 0 and 1, not {target:g}; a y of -1 or 1 is "
            "(y + 1) / 2"
        )


def cross_entropy(scores: Any, targets: Any, *, reduce: str = "mean") -> Any:
    """-log of the probability that softmax of the scores gives to the target.

    Args:
        scores: one for each class; or rows of them.
        targets: which class is the true one, as its index, or the probabilities of all classes; or one of
            these for each row.
        reduce: the "mean" or the "sum" over rows.

    Raises:
        ValueError: there are fewer than two classes; probabilities do not add up to 1; shapes differ or are
            empty; reduce is unknown.
        IndexError: there is no class of that index.
        TypeError: an item is not a number or a Value.

    >>> round(cross_entropy([2.0, 1.0, 0.1], 0), 6)
    0.41703
    >>> round(cross_entropy([[2.0, 1.0], [0.0, 3.0]], [0, 1]), 6)
    0.180925
    >>> round(cross_entropy([2.0, 1.0], [0.5, 0.5]), 6)
    0.813262
    """
    _check_reduce(reduce)
    rows = _items(scores, "scores")
    if rows is None:
        raise TypeError(f"scores are a list of a number for each class, not {scores!r}")
    if _items(rows[0], "scores") is None:
        return _of_class(rows, targets)
    wanted = _items(targets, "targets")
    if wanted is None or len(wanted) != len(rows):
        count = "one number" if wanted is None else f"a list of {len(wanted)}"
        raise ValueError(f"targets are one for each row of scores: {len(rows)}, not {count}")
    losses = []
    for row, target in zip(rows, wanted, strict=True):
        of_row = _items(row, "scores")
        if of_row is None:
            raise ValueError("scores are rows of the same length, or one row; some are no rows")
        losses.append(_of_class(of_row, target))
    return _total(losses, reduce)


def _of_class(scores: list[Any], target: Any) -> Any:
    """The loss of one row."""
    scores = [_number(score, "scores") for score in scores]
    if len(scores) < 2:
        raise ValueError(
            "scores are of at least two classes; for one score of a yes or no there is binary_cross_entropy"
        )
    probabilities = _items(target, "targets")
    if probabilities is not None:
        return _of_probabilities(scores, probabilities)
    target = _number(target, "targets")
    if isinstance(target, Value):
        return _of_value(scores, target)
    if not math.isfinite(target) or target != int(target):
        raise ValueError(
            f"a target is the index of a class, or a list of probabilities, not {target}"
        )
    k = int(target)
    if not 0 <= k < len(scores):
        raise IndexError(f"there is no class {k}: there are {len(scores)}, from 0 on")
    # Not log(sum(exp)) - score, of which nothing is left where the score is much the largest.
    return _softplus(_log_sum_exp(scores[:k] + scores[k + 1 :]) - scores[k])


def _of_value(scores: list[Any], target: Value) -> Any:
    """The same where the index is known when a program runs; nan where there is no such class."""
    own: Any = math.nan
    others = []
    for k, score in enumerate(scores):
        own = _where(target == k, score, own)
        others.append(_where(target == k, -math.inf, score))
    return _softplus(_log_sum_exp(others) - own)


def _of_probabilities(scores: list[Any], probabilities: list[Any]) -> Any:
    if len(probabilities) != len(scores):
        raise ValueError(f"there are {len(scores)} scores and {len(probabilities)} probabilities")
    probabilities = [_number(p, "targets") for p in probabilities]
    plain = [p for p in probabilities if not isinstance(p, Value)]
    if any(not p >= 0 for p in plain) or (
        len(plain) == len(scores) and abs(sum(plain) - 1) > _ADDED_UP
    ):
        raise ValueError(
            f"probabilities of classes are not negative and add up to 1, not {probabilities}; a score for "
            "each row, and not for each class, is one for binary_cross_entropy"
        )
    whole = _log_sum_exp(scores)
    terms = [
        p * (whole - score)
        for p, score in zip(probabilities, scores, strict=True)
        if isinstance(p, Value) or p  # a class that cannot be may have a score of -inf
    ]
    return sum_of(terms)


def _log_sum_exp(scores: Sequence[Any]) -> Any:
    return functools.reduce(FUNCTIONS["logaddexp"], scores)


# -- predictions and targets, one after the other ----------------------------------------------------


def _check_reduce(reduce: Any) -> None:
    if reduce not in _REDUCE:
        raise ValueError(f"reduce is 'mean' or 'sum', not {reduce!r}")


def _reduced(reduce: str, loss: Callable[[Any, Any], Any], predictions: Any, targets: Any) -> Any:
    _check_reduce(reduce)
    return _total([loss(p, t) for p, t in _pairs(predictions, targets)], reduce)


def _total(losses: list[Any], reduce: str) -> Any:
    if len(losses) == 1:
        return losses[0]
    total = sum_of(losses)
    return total if reduce == "sum" else total / len(losses)


def _pairs(predictions: Any, targets: Any) -> Iterator[tuple[Any, Any]]:
    """Each prediction with its target."""
    these, those = _items(predictions, "predictions"), _items(targets, "targets")
    if these is None and those is None:
        yield _number(predictions, "predictions"), _number(targets, "targets")
        return
    if these is None or those is None or len(these) != len(those):
        counts = ["one number" if x is None else f"a list of {len(x)}" for x in (these, those)]
        raise ValueError(
            f"predictions and targets have the same shape: here are {counts[0]} and {counts[1]}"
        )
    for this, that in zip(these, those, strict=True):
        yield from _pairs(this, that)


def _items(x: Any, what: str) -> list[Any] | None:
    """The items of a list or array; None for what may be a number."""
    if isinstance(x, Value | numbers.Real):
        return None
    axes = getattr(x, "ndim", None)
    if axes == 0:
        return None
    if axes is None and (
        isinstance(x, str | bytes | dict | set | frozenset) or not hasattr(x, "__iter__")
    ):
        raise TypeError(f"{what} are numbers or Values, or lists of them, not {x!r}")
    items = list(x)
    if not items:
        raise ValueError(f"there are no {what}: the list is empty")
    return items


def _number(x: Any, what: str) -> Any:
    """A number or a Value; TypeError for anything else. Whole numbers, which have a range of their own in
    NumPy, and NumPy's short ones are floats from here on."""
    if getattr(x, "ndim", None) == 0 and not isinstance(x, Value):
        x = x.item()  # NumPy's, or an array of no axes
    if type(x) is int or type(x) is bool:
        return float(x)
    if not isinstance(x, Value | numbers.Real):
        raise TypeError(f"{what} are numbers or Values, or lists of them, not {x!r}")
    return x
