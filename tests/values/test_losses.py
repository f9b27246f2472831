"""Losses: numbers beyond those of PyTorch, programs and rows, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pygrad import Value, check_grad, compile, grad, hessian, vmap
from pygrad.nn import binary_cross_entropy, cross_entropy, hinge, mse

RNG = np.random.default_rng(4)
S = RNG.normal(size=(6, 3))
K = np.array([0, 2, 1, 1, 0, 2])
Y = (K > 0).astype(float)
P = 1 / (1 + np.exp(-S[:, 0]))
INF, NAN = math.inf, math.nan


def by_score(score, target):
    return binary_cross_entropy(score, target, logits=True)


CASES = {
    "mse": (mse, S[:, 0], Y),
    "hinge": (hinge, S[:, 0], 2 * Y - 1),
    "binary_cross_entropy": (binary_cross_entropy, P, Y),
    "of scores": (by_score, S[:, 0], Y),
    "cross_entropy": (cross_entropy, S, K),
    "of probabilities": (cross_entropy, S, np.exp(S) / np.exp(S).sum(1, keepdims=True)),
}


@pytest.mark.parametrize("name", CASES)
def test_rows_and_programs_have_the_numbers_of_a_loop(name):
    loss, predictions, targets = CASES[name]
    whole = loss(predictions, targets)
    assert type(whole) is float
    assert vmap(loss, reduce="mean")(predictions, targets) == pytest.approx(whole, rel=1e-14)
    assert compile(loss)(predictions, targets) == pytest.approx(whole, rel=1e-14)
    assert loss(predictions.tolist(), targets.tolist()) == whole
    slopes = grad(loss)(predictions, targets)
    rows = vmap(grad(loss))(predictions, targets) / len(targets)
    assert slopes == pytest.approx(rows, rel=1e-13)
    assert compile(grad(loss))(predictions, targets) == pytest.approx(slopes, rel=1e-13)


@pytest.mark.parametrize("name", CASES)
def test_derivatives_to_second_order(name):
    loss, predictions, targets = CASES[name]
    check = check_grad(lambda p: loss(p, targets[:2]), predictions[:2], order=2)
    assert check, str(check)


def test_the_sum_is_the_mean_times_the_count():
    assert mse([1.0, 2.0], [0.0, 0.0], reduce="sum") == 5.0
    assert hinge([0.0, 0.5], [1, 1], margin=2.0, reduce="sum") == 3.5
    assert cross_entropy(S, K, reduce="sum") == pytest.approx(6 * cross_entropy(S, K))


def test_no_digit_is_lost_where_a_model_is_sure():
    """log(sum(exp)) - score has none left; PyTorch's losses are 0 there, slopes too."""
    tail = 1.3832290902125294e-43  # (1 + e) * exp(-100)
    assert cross_entropy([100.0, 0.0, 1.0], 0) == pytest.approx(tail, rel=1e-15)
    slopes = grad(lambda z: cross_entropy(z, 0))([100.0, 0.0, 1.0])
    assert slopes == pytest.approx([-tail, math.exp(-100.0), math.exp(-99.0)], rel=1e-14)
    assert cross_entropy([800.0, 0.0], 1) == 800.0
    assert by_score(-800.0, 1) == 800.0
    assert by_score(700.0, 1) == pytest.approx(math.exp(-700.0), rel=1e-14)
    assert binary_cross_entropy(1e-300, 0) == 1e-300
    assert grad(binary_cross_entropy)(1e-300, 0) == 1.0


def test_classes_that_cannot_be_have_scores_of_minus_infinity():
    assert cross_entropy([-INF, 1.0, -INF], 1) == 0.0
    assert cross_entropy([-INF, 1.0, 1.0], [0.0, 0.5, 0.5]) == pytest.approx(math.log(2))
    f = grad(lambda z: cross_entropy([-INF, z[0], -INF, z[1]], 1))
    assert f([1.0, 2.0]) == pytest.approx(
        grad(lambda z: cross_entropy(z, 0))([1.0, 2.0]), rel=1e-15
    )


def test_an_index_may_be_a_value_and_one_without_a_class_gives_nan():
    assert cross_entropy([1.0, 2.0, 0.5], Value(1.0)) == cross_entropy([1.0, 2.0, 0.5], 1)
    assert math.isnan(cross_entropy([1.0, 2.0], Value(2.0)))
    with pytest.warns(RuntimeWarning, match="nan"):
        assert np.isnan(vmap(cross_entropy)(S, K + 5)).all()
    for k in (0, 1):
        found = hessian(lambda z, k=k: cross_entropy(z, Value(float(k))))([3.0, 0.0, 1.0])
        expected = hessian(lambda z, k=k: cross_entropy(z, k))([3.0, 0.0, 1.0])
        assert np.array(found) == pytest.approx(np.array(expected), rel=1e-14)


def test_probabilities_of_0_and_1_are_right_where_they_are_true():
    for p, y in [(1.0, 1.0), (0.0, 0.0)]:
        assert binary_cross_entropy(p, y) == 0.0
        assert binary_cross_entropy(Value(p), Value(y)).data == 0.0
    ends, truth = np.array([1.0, 0.0, 0.5]), np.array([1.0, 0.0, 1.0])
    assert vmap(binary_cross_entropy)(ends, truth) == pytest.approx([0.0, 0.0, math.log(2)])
    assert vmap(grad(binary_cross_entropy))(ends, truth) == pytest.approx([-1.0, 1.0, -2.0])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: mse([1.0], [1.0, 2.0]), ValueError, "a list of 1 and a list of 2"),
        (lambda: mse(1.0, [1.0]), ValueError, "same shape"),
        (lambda: mse([[1.0], [2.0]], [1.0, 2.0]), ValueError, "same shape"),
        (lambda: mse([], []), ValueError, "empty"),
        (lambda: mse("ab", [1]), TypeError, "'ab'"),
        (lambda: mse({"a": 1}, [1]), TypeError, "lists of them"),
        (lambda: mse([None], [1]), TypeError, "None"),
        (lambda: mse(1j, 1.0), TypeError, "1j"),
        (lambda: mse(1.0, 2.0, reduce="none"), ValueError, "'mean' or 'sum'"),
        (lambda: hinge([1.0], [0]), ValueError, r"2 \* y - 1"),
        (lambda: hinge([1.0], [1], margin="wide"), TypeError, "margin"),
        (lambda: binary_cross_entropy([0.4], [-1]), ValueError, r"\(y \+ 1\) / 2"),
        (lambda: binary_cross_entropy([1.2], [1]), ValueError, "logits=True"),
        (lambda: binary_cross_entropy(Value(-0.2), 0), ValueError, "logits=True"),
        (lambda: binary_cross_entropy([0.0], [1]), ValueError, "without bound"),
        (lambda: binary_cross_entropy([1.0], [0.5]), ValueError, "without bound"),
        (lambda: compile(binary_cross_entropy)(1.5, 1.0), ValueError, "logits=True"),
        (lambda: cross_entropy([1.0, 2.0], 2), IndexError, "no class 2"),
        (lambda: cross_entropy([1.0, 2.0], -1), IndexError, "no class -1"),
        (lambda: cross_entropy([1.0, 2.0], 0.5), ValueError, "index of a class"),
        (lambda: cross_entropy([1.0, 2.0], NAN), ValueError, "index of a class"),
        (lambda: cross_entropy([1.0, 2.0], [1, 0, 0]), ValueError, "3 probabilities"),
        (lambda: cross_entropy([1.0, 2.0], [1, 1]), ValueError, "binary_cross_entropy"),
        (lambda: cross_entropy([1.0, 2.0], [-0.5, 1.5]), ValueError, "not negative"),
        (lambda: cross_entropy([1.0], 0), ValueError, "binary_cross_entropy"),
        (lambda: cross_entropy(1.0, 0), TypeError, "for each class"),
        (lambda: cross_entropy([[1.0, 2.0]], 0), ValueError, "one for each row"),
        (lambda: cross_entropy([[1.0, 2.0]], [0, 1]), ValueError, "one for each row"),
        (lambda: cross_entropy([[1.0, 2.0], 3.0], [0, 1]), ValueError, "no rows"),
        (lambda: cross_entropy([1.0, 2.0], "a"), TypeError, "'a'"),
    ],
)
def test_what_is_no_loss_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_numbers_of_any_kind_and_iterables():
    assert mse(np.array(2.0), np.float32(1)) == 1.0
    assert mse((x for x in [1.0, 3.0]), (2, True)) == 2.5
    assert cross_entropy((1.0, 2.0), np.array(1)) == cross_entropy([1.0, 2.0], 1.0)
    assert cross_entropy(np.array([[1, 2]]), [True]) == cross_entropy([1.0, 2.0], 1)


@pytest.mark.filterwarnings("error")
def test_whole_numbers_and_short_floats_of_numpy_have_no_range_of_their_own():
    small = np.array([2], np.uint8)
    assert mse(small, np.array([5], np.uint8)) == mse([2], [5]) == 9.0
    assert mse(np.array([2**62]), np.array([-(2**62)])) == 2.0**126
    assert mse(np.array([300], np.float16), [0]) == 9e4
    assert mse(np.array(100, np.int8), np.array(-100, np.int8)) == 4e4
    assert hinge(np.array([100], np.int8), np.array([-1], np.int8), 100) == 200.0
    assert by_score(small, np.array([1], np.uint8)) == by_score([2.0], [1.0])
    assert by_score(np.array([-128], np.int8), [1]) == 128.0
    assert cross_entropy(np.array([127, -128], np.int8), 1) == 255.0
    assert cross_entropy(np.array([1, 255], np.uint8), np.uint8(0)) == 254.0
    for loss in (mse([1], [4]), mse([True], [False]), mse(np.float32([1]), [0]), hinge([0], [1])):
        assert type(loss) is float


def test_sets_have_no_order():
    with pytest.raises(TypeError, match="numbers or Values, or lists of them"):
        mse({1.0, 2.0}, [1.0, 2.0])
