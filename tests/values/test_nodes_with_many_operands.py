"""sum, dot and nodes with given local gradients: one node, many operands."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest

# -- sum ----------------------------------------------------------------------------------------


def test_sum_is_one_node_over_its_values_in_order(impl):
    values = [impl.Value(x) for x in (1.0, 2.0, 4.0)]
    total = impl.sum(values)
    assert (total.data, total._op) == (7.0, "sum")
    assert all(a is b for a, b in zip(total._children, values, strict=True))
    assert total.local_derivatives == total._local_grads == (1.0, 1.0, 1.0)
    (total * 3).backward()
    assert [v.grad for v in values] == [3.0, 3.0, 3.0]


def test_sum_adds_from_left_to_right_from_its_start(impl):
    numbers = [1e16, 1.0, -1e16, 1.0]
    left_to_right, exact = 0.0, math.fsum(numbers)
    for x in numbers:
        left_to_right += x
    assert left_to_right != exact  # so the test can tell
    assert impl.sum([impl.Value(x) for x in numbers]).data == left_to_right
    assert impl.sum([impl.Value(x) for x in numbers[1:]], 1e16).data == left_to_right
    assert impl.sum([impl.Value(x) for x in numbers[1:]], impl.Value(1e16)).data == left_to_right


def test_sum_takes_numbers_among_values_as_constant_leaves(impl):
    a = impl.Value(1.0)
    total = impl.sum([2, a, Fraction(1, 2)])
    assert total.data == 3.5
    assert [v.data for v in total._children] == [2.0, 1.0, 0.5]
    assert total._children[1] is a
    total.backward()
    assert a.grad == 1.0


def test_a_start_value_is_the_last_child_and_a_start_number_is_none(impl):
    a, start = impl.Value(1.0), impl.Value(10.0)
    total = impl.sum([a, a], start)
    assert total._children == (a, a, start)
    total.backward()
    assert (total.data, a.grad, start.grad) == (12.0, 2.0, 1.0)
    total = impl.sum([a, a], start=0.5)
    assert (total.data, total._children) == (2.5, (a, a))


def test_sum_of_plain_numbers_is_a_float(impl):
    for args, expected in [
        (([],), 0.0),
        (([1, 2],), 3.0),
        (([], 5), 5.0),
        (([1], Fraction(1, 2)), 1.5),
    ]:
        found = impl.sum(*args)
        assert type(found) is float
        assert found == expected


def test_sum_of_nothing_from_a_value_is_a_node(impl):
    start = impl.Value(3.0)
    total = impl.sum([], start)
    total.backward()
    assert (total.data, start.grad) == (3.0, 1.0)


def test_sum_of_one_value_is_a_new_node(impl):
    a = impl.Value(3.0)
    total = impl.sum([a])
    assert total is not a
    assert total._children == (a,)


def test_sum_takes_any_iterable(impl):
    values = [impl.Value(float(i)) for i in range(200)]
    for iterable in (
        values,
        tuple(values),
        iter(values),
        (v for v in values),
        dict.fromkeys(values),
    ):
        total = impl.sum(iterable)
        assert total.data == 19900.0
        assert len(total._children) == 200


def test_sum_keeps_the_sign_of_zero_as_its_start_says(impl):
    minus = impl.Value(-0.0)
    assert math.copysign(1.0, impl.sum([minus]).data) == 1.0  # 0.0 + -0.0
    assert math.copysign(1.0, impl.sum([minus], -0.0).data) == -1.0


def test_a_value_repeated_in_a_sum_gets_a_contribution_each_time(impl):
    a = impl.Value(3.0)
    total = impl.sum([a] * 50)
    total.backward()
    assert (total.data, a.grad) == (150.0, 50.0)


# -- dot ----------------------------------------------------------------------------------------


def test_dot_is_one_node_over_weights_inputs_and_bias(impl):
    ws, xs = [impl.Value(w) for w in (2.0, 3.0)], [impl.Value(x) for x in (5.0, 7.0)]
    b = impl.Value(1.0)
    v = impl.dot(ws, xs, b)
    assert (v.data, v._op) == (32.0, "dot")
    assert all(p is q for p, q in zip(v._children, (*ws, *xs, b), strict=True))
    assert v.local_derivatives == v._local_grads == (5.0, 7.0, 2.0, 3.0, 1.0)
    (v * 10).backward()
    assert [p.grad for p in (*ws, *xs, b)] == [50.0, 70.0, 20.0, 30.0, 10.0]


def test_dot_reads_its_operands_at_backward_time(impl):
    w, x = impl.Value(2.0), impl.Value(3.0)
    v = impl.dot([w], [x])
    x.data = 100.0
    v.backward()
    assert (v.data, w.grad, x.grad) == (6.0, 100.0, 2.0)


def test_dot_adds_from_left_to_right_from_its_bias(impl):
    rng = random.Random(4)
    differ = 0
    for _ in range(200):
        ws, xs = ([rng.uniform(-1, 1) for _ in range(9)] for _ in range(2))
        bias = rng.uniform(-1, 1)
        expected, bias_last = bias, 0.0
        for w, x in zip(ws, xs, strict=True):
            expected += w * x
            bias_last += w * x
        found = impl.dot([impl.Value(w) for w in ws], [impl.Value(x) for x in xs], impl.Value(bias))
        assert found.data == expected
        differ += expected != bias_last + bias
    assert differ > 0  # so the test can tell the order


def test_dot_mixes_values_and_numbers_anywhere(impl):
    a = impl.Value(2.0)
    assert impl.dot([a, 3], [4, Fraction(1, 2)], 1).data == 10.5
    assert impl.dot([1, 2], [3, a]).data == 7.0
    v = impl.dot([1.0], [2.0], a)
    v.backward()
    assert (v.data, a.grad) == (4.0, 1.0)


def test_dot_bias_may_be_named_or_none(impl):
    a = impl.Value(2.0)
    assert impl.dot([a], [3.0], bias=4.0).data == 10.0
    v = impl.dot([a], [3.0], bias=None)
    assert (v.data, len(v._children)) == (6.0, 2)


def test_dot_of_plain_numbers_is_a_float(impl):
    for args, expected in [(([], []), 0.0), (([1, 2], [3, 4]), 11.0), (([2], [3], 4), 10.0)]:
        found = impl.dot(*args)
        assert type(found) is float
        assert found == expected


def test_dot_of_a_vector_with_itself_has_twice_the_slope(impl):
    xs = [impl.Value(x) for x in (1.0, -2.0, 3.0)]
    v = impl.dot(xs, xs)
    v.backward()
    assert v.data == 14.0
    assert [x.grad for x in xs] == [2.0, -4.0, 6.0]


def test_zero_wins_over_inf_in_dot(impl):
    w, x = impl.Value(0.0), impl.Value(5.0)
    v = impl.dot([w], [x])
    x.data = math.inf
    (v * 0.0).backward()
    assert (w.grad, x.grad) == (0.0, 0.0)


def test_dot_takes_iterables_of_any_length(impl):
    n = 300  # past what fits on the C stack
    ws = [impl.Value(float(i)) for i in range(n)]
    v = impl.dot(iter(ws), (2.0 for _ in range(n)), impl.Value(0.5))
    assert v.data == n * (n - 1) + 0.5
    v.backward()
    assert {w.grad for w in ws} == {2.0}


@pytest.mark.parametrize("n", [0, 1, 2, 127, 128, 129, 300])
@pytest.mark.parametrize("with_bias", [False, True])
def test_dot_is_the_same_wherever_its_operands_stand(impl, n, with_bias):
    rng = random.Random(n)
    numbers = [rng.uniform(-1, 1) for _ in range(2 * n + 1)]
    results = []
    for kind in (list, tuple, iter, with_a_label):
        values = [impl.Value(x) for x in numbers]
        ws, xs, bias = values[:n], values[n : 2 * n], values[-1] if with_bias else None
        v = impl.dot(kind(ws), kind(xs), bias)
        if n == 0 and not with_bias:
            assert type(v) is float
            continue
        assert all(a is b for a, b in zip(v._children, values, strict=False))
        v.backward()
        results.append((v.data, [x.grad for x in values]))
    assert all(found == results[0] for found in results)


def with_a_label(values):
    """The same, the last of which a node made of them has to keep."""
    for v in values[-1:]:
        v.label = "last"
    return values


def test_dot_refuses_lists_of_values_of_two_lengths(impl):
    ws = [impl.Value(1.0), impl.Value(2.0)]
    for xs in (ws[:1], [*ws, ws[0]], []):
        for a, b in ((ws, xs), (tuple(ws), tuple(xs))):
            with pytest.raises(ValueError, match=f"got 2 weights but {len(xs)} inputs"):
                impl.dot(a, b)


# -- against the same expression out of binary nodes --------------------------------------------


def test_sum_and_dot_agree_with_binary_nodes_bit_for_bit(impl):
    rng = random.Random(5)
    for _ in range(20):
        numbers = [[rng.gauss(0, 1) for _ in range(6)] for _ in range(2)]
        bias = rng.gauss(0, 1)

        def build(n_ary, numbers=numbers, bias=bias):
            (ws, xs), b = ([[impl.Value(x) for x in row] for row in numbers]), impl.Value(bias)
            if n_ary:
                act = impl.dot(ws, xs, b)
            else:
                act = b
                for w, x in zip(ws, xs, strict=True):
                    act = act + w * x
            hidden = [act.tanh(), act.exp(), ws[0] * xs[0]]
            root = impl.sum(hidden) if n_ary else 0.0 + hidden[0] + hidden[1] + hidden[2]
            root.backward()
            return root.data, [v.grad for v in (*ws, *xs, b)]

        (data, grads), (plain_data, plain_grads) = build(True), build(False)
        assert data == plain_data
        assert grads == pytest.approx(plain_grads, rel=1e-14, abs=0)


# -- given local gradients ----------------------------------------------------------------------


def test_a_node_with_many_given_local_gradients(impl):
    n = 500
    values = [impl.Value(float(i)) for i in range(n)]
    v = impl.Value(1.0, values, [i / 8 for i in range(n)])
    assert v.local_derivatives == tuple(i / 8 for i in range(n))
    (v * 8).backward()
    assert [x.grad for x in values] == [float(i) for i in range(n)]


def test_given_local_gradients_are_coerced_to_float(impl):
    a = impl.Value(1.0)
    v = impl.Value(1.0, (a, a, a), (1, True, Fraction(1, 4)))
    assert v._local_grads == (1.0, 1.0, 0.25)
    assert {type(g) for g in v._local_grads} == {float}


def test_the_callers_list_of_local_gradients_is_copied(impl):
    a = impl.Value(1.0)
    children, grads = [a], [2.0]
    v = impl.Value(1.0, children, grads)
    grads[0], children[0] = 100.0, impl.Value(7.0)
    v.backward()
    assert (a.grad, v.local_derivatives) == (2.0, (2.0,))


def test_zero_wins_over_infinite_given_gradients(impl):
    a = impl.Value(1.0)
    v = impl.Value(1.0, (a,), (math.inf,))
    (v * 0).backward()
    assert a.grad == 0.0
    v.backward()
    assert a.grad == math.inf
