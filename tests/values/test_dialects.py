"""The ways in which existing code makes, reads and extends Values."""

from __future__ import annotations

import contextlib
import gc
from collections import Counter
from fractions import Fraction

import pytest

# -- making Values ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "expected"),
    [(2, 2.0), (-3.5, -3.5), (True, 1.0), (Fraction(1, 4), 0.25), (2**60, 2.0**60)],
)
def test_data_is_kept_as_float(impl, number, expected):
    data = impl.Value(number).data
    assert type(data) is float
    assert data == expected


def test_new_leaf_has_grad_zero_and_nothing_else(impl):
    x = impl.Value(3)
    assert (type(x.grad), x.grad) == (float, 0.0)
    assert (x.label, x._op, x._children, x._local_grads) == ("", "", (), ())
    assert x._prev == set()
    assert x.local_derivatives == ()


def test_data_and_grad_can_be_assigned_any_number_and_stay_float(impl):
    x = impl.Value(1.0)
    x.data = Fraction(1, 2)
    x.grad = 3
    assert (type(x.data), x.data) == (float, 0.5)
    assert (type(x.grad), x.grad) == (float, 3.0)
    x.data += 1
    x.grad -= 0.5
    assert (x.data, x.grad) == (1.5, 2.5)


def test_assigning_data_leaves_results_alone_but_moves_their_slopes(impl):
    x, y = impl.Value(2.0), impl.Value(5.0)
    z = x * y
    y.data = 7.0
    assert z.data == 10.0
    assert z.local_derivatives == (7.0, 2.0)
    z.backward()
    assert (x.grad, y.grad) == (7.0, 2.0)


def test_third_positional_string_is_the_op_name(impl):
    a = impl.Value(1.0)
    v = impl.Value(2.0, (a,), "double")
    assert v._op == "double"
    assert v._children == (a,)


@pytest.mark.parametrize("sequence", [tuple, list, iter])
def test_third_positional_sequence_is_local_grads(impl, sequence):
    a, b = impl.Value(1.0), impl.Value(2.0)
    v = impl.Value(3.0, (a, b), sequence([4, 0.5]))
    assert v._op == ""
    assert v._local_grads == v.local_derivatives == (4.0, 0.5)
    v.backward()
    assert (a.grad, b.grad) == (4.0, 0.5)


def test_microgpts_leaf_arguments_make_a_leaf(impl):
    v = impl.Value(3.0, (), ())
    v.backward()
    assert v.grad == 1.0
    assert v._children == v._local_grads == ()


@pytest.mark.parametrize("name", ["_children", "children"])
def test_children_have_two_spellings(impl, name):
    a = impl.Value(1.0)
    assert impl.Value(2.0, **{name: [a]})._children == (a,)


def test_keywords_name_every_argument(impl):
    a = impl.Value(1.0)
    v = impl.Value(data=2.0, children=(a,), _op="twice", label="v", local_grads=[2])
    assert (v.data, v._children, v._op, v.label) == (2.0, (a,), "twice", "v")
    assert v.local_derivatives == (2.0,)


def test_label_is_given_by_keyword_or_fourth_position(impl):
    assert impl.Value(1.0, label="x").label == "x"
    assert impl.Value(1.0, (), "", "x").label == "x"


def test_children_from_a_generator_keep_their_order(impl):
    values = [impl.Value(i) for i in range(5)]
    v = impl.Value(0.0, (x for x in values), "many")
    assert all(x is y for x, y in zip(v._children, values, strict=True))


# -- reading the graph --------------------------------------------------------------------------


def test_children_are_the_operands_themselves_in_order(impl):
    a, b = impl.Value(2.0), impl.Value(3.0)
    v = a - b
    assert v._children[0] is a
    assert v._children[1] is b
    assert v._prev == {a, b}
    assert type(v._prev) is set


def test_an_operand_used_twice_is_two_children_and_one_member_of_prev(impl):
    a = impl.Value(2.0)
    v = a * a
    assert len(v._children) == 2
    assert v._prev == {a}
    v.backward()
    assert a.grad == 4.0


def test_a_number_operand_becomes_a_leaf_in_its_place(impl):
    a = impl.Value(2.0)
    left, right = (7 - a)._children
    assert (left.data, left._children) == (7.0, ())
    assert right is a


def test_inner_nodes_keep_identity_and_id_while_the_graph_lives(impl):
    a = impl.Value(2.0)
    v = a.exp() * a.tanh()  # neither factor has a name in Python
    first, second = v._children
    ids = [id(first), id(second)]
    del first, second
    gc.collect()
    assert [id(child) for child in v._children] == ids
    assert v._children[0] is v._children[0]


def test_a_label_outlives_the_python_name_of_its_node(impl):
    a = impl.Value(2.0)
    b = a * 3
    b.label = "b"
    c = b + 1
    del b
    gc.collect()
    assert c._children[0].label == "b"


def test_an_attribute_outlives_the_python_name_of_its_node(impl):
    a = impl.Value(2.0)
    b = a * 3
    b.note = ["kept"]
    c = b + 1
    del b
    gc.collect()
    assert c._children[0].note == ["kept"]


def test_repr_shows_data_and_grad_as_floats(impl):
    x = impl.Value(2, label="x")
    x.grad = -1
    assert repr(x) == str(x) == "Value(data=2.0, grad=-1.0)"


def test_format_spec_formats_data(impl):
    x = impl.Value(2.0 / 3.0)
    assert f"{x:.4f}|{x:>8.2e}|{x}" == f"0.6667|6.67e-01|{x!r}"
    assert "%.3f" % x.data == "0.667"  # noqa: UP031  as draw_dot does


# -- equality, order, hash ----------------------------------------------------------------------


def test_values_are_equal_by_identity_and_hash_so(impl):
    a, b = impl.Value(2.0), impl.Value(2.0)
    same = a
    assert (a == b, a != b, a == same, a != same) == (False, True, True, False)
    assert len({a, b, a}) == 2
    table = {a: "a", b: "b"}
    a.data = 5.0
    assert (table[a], table[b]) == ("a", "b")


def test_a_value_equals_a_number_by_value(impl):
    a = impl.Value(2.0)
    assert a == 2
    assert a == Fraction(2)
    assert not a != 2.0
    assert 2 == a
    assert a != 3
    assert impl.Value(float("nan")) != float("nan")
    assert impl.Value(0.0) == -0.0


@pytest.mark.parametrize("other", [None, "2.0", [2.0], 2j, object()])
def test_a_value_is_unequal_to_what_is_no_number(impl, other):
    a = impl.Value(2.0)
    assert not a == other
    assert a != other


def test_order_compares_data_with_values_and_numbers(impl):
    a, b = impl.Value(1.0), impl.Value(2.0)
    assert (a < b, a <= b, a > b, a >= b) == (True, True, False, False)
    assert (a < 1, a <= 1, a > 1, a >= 1) == (False, True, False, True)
    assert (0 < a, 2 <= a, Fraction(1, 2) > a) == (True, False, False)
    nan = impl.Value(float("nan"))
    assert not (nan < a or nan <= a or nan > a or nan >= a)


def test_max_min_and_sorted_return_the_objects_themselves(impl):
    values = [impl.Value(x) for x in (3.0, -1.0, 2.0)]
    assert max(values) is values[0]
    assert min(values) is values[1]
    assert sorted(values)[1] is values[2]
    m = max(values)
    (m * 2).backward()
    assert [v.grad for v in values] == [2.0, 0.0, 0.0]


@pytest.mark.parametrize("data", [0.0, -0.0, 5e-324, -1.0, float("nan")])
def test_a_value_is_true_as_other_objects_are(impl, data):
    warned = pytest.warns(RuntimeWarning) if data == 0 else contextlib.nullcontext()
    with warned:
        assert bool(impl.Value(data)) is True


def test_builtin_sum_works_on_values(impl):
    values = [impl.Value(i) for i in (1, 2, 3)]
    total = sum(values)
    total.backward()
    assert total.data == 6.0
    assert [v.grad for v in values] == [1.0, 1.0, 1.0]


def test_augmented_assignment_rebinds_and_leaves_the_old_node_alone(impl):
    w = old = impl.Value(1.0)
    w += 2
    assert w is not old
    assert (old.data, w.data) == (1.0, 3.0)
    w *= w
    w -= 1
    w /= 2
    w **= 2
    w.backward()
    assert w.data == 16.0
    assert old.grad == 2 * 4.0 * 0.5 * 2 * 3.0


# -- ops of users -------------------------------------------------------------------------------


def test_given_local_grads_take_part_in_the_sweep(impl):
    x = impl.Value(2.0)
    y = x * 3
    cube = impl.Value(y.data**3, (y,), (3 * y.data**2,))
    (cube + x).backward()
    assert x.grad == 3 * 3 * 36.0 + 1


def test_given_local_grads_may_be_values_and_come_back_as_given(impl):
    x, slope = impl.Value(2.0), impl.Value(5.0)
    v = impl.Value(10.0, (x, x), (slope, 1.5))
    assert v._local_grads[0] is slope
    assert v._local_grads[1] == 1.5
    assert v.local_derivatives == (5.0, 1.5)
    v.backward()
    assert (x.grad, slope.grad) == (6.5, 0.0)


def test_given_local_grads_are_fixed_when_given(impl):
    x, slope = impl.Value(2.0), impl.Value(5.0)
    v = impl.Value(10.0, (x,), (slope,))
    slope.data = 100.0
    x.data = 50.0
    v.backward()
    assert x.grad == 5.0


def test_an_assigned_closure_is_called_in_its_turn(impl):
    x = impl.Value(3.0)
    y = x * 2
    square = impl.Value(y.data**2, (y,), "square")
    seen = []

    def chain():
        seen.append(square.grad)
        y.grad += 2 * y.data * square.grad

    square._backward = chain
    z = square * 5
    z.backward()
    assert seen == [5.0]
    assert (y.grad, x.grad) == (60.0, 120.0)
    assert square._backward is chain


def test_a_closure_may_have_many_operands(impl):
    xs = [impl.Value(i) for i in range(1, 6)]
    product = impl.Value(120.0, xs, "prod")

    def chain():
        for x in xs:
            x.grad += product.grad * product.data / x.data

    product._backward = chain
    (product * 2).backward()
    assert [x.grad for x in xs] == [240.0, 120.0, 80.0, 60.0, 48.0]


def test_none_as_closure_stops_the_gradient(impl):
    x = impl.Value(3.0)
    y = x * 2
    y._backward = None
    (y * 5).backward()
    assert (y.grad, x.grad) == (5.0, 0.0)
    y._backward()  # still callable


def test_a_declared_node_without_a_rule_adds_nothing(impl):
    x = impl.Value(3.0)
    y = impl.Value(6.0, (x,), "opaque")
    (y * 5).backward()
    assert (y.grad, x.grad) == (5.0, 0.0)


def test_backward_of_a_builtin_node_adds_its_contributions_once_per_call(impl):
    a, b = impl.Value(2.0), impl.Value(-3.0)
    c = a * b
    c.grad = 10.0
    c._backward()
    assert (a.grad, b.grad) == (-30.0, 20.0)
    c._backward()
    assert (a.grad, b.grad) == (-60.0, 40.0)


def test_backward_of_a_leaf_is_callable_and_adds_nothing(impl):
    a = impl.Value(2.0)
    a.grad = 1.0
    a._backward()
    assert a.grad == 1.0


def test_a_builtin_rule_can_be_wrapped(impl):
    a, b = impl.Value(2.0), impl.Value(-3.0)
    c = a * b
    rule, seen = c._backward, []

    def clipped():
        seen.append(c.grad)
        c.grad = max(-1.0, min(1.0, c.grad))
        rule()

    c._backward = clipped
    (c * 10).backward()
    assert seen == [10.0]
    assert (a.grad, b.grad) == (-3.0, 2.0)


def test_a_builtin_rule_can_be_replaced(impl):
    x = impl.Value(-2.0)
    y = x.relu()

    def straight_through():
        x.grad += y.grad

    y._backward = straight_through
    (y * 3).backward()
    assert x.grad == 3.0


# -- user code that walks the graph --------------------------------------------------------------


def expression(Value):
    leaves = [Value(x) for x in (0.5, -1.25, 2.0)]
    a, b, c = leaves
    d = (a * b + c).tanh()
    e = (d * d + a.exp()) * c**3
    return leaves, (e + d).relu() * 0.5 + b * d


def test_a_graph_driven_by_hand_through_backward_gives_the_sweeps_bits(impl):
    leaves, root = expression(impl.Value)
    root.backward()
    expected = [v.grad for v in leaves]

    leaves, root = expression(impl.Value)
    order, seen = [], set()

    def build(v):  # micrograd's own sort, over tuples
        if v not in seen:
            seen.add(v)
            for child in v._children:
                build(child)
            order.append(v)

    build(root)
    root.grad = 1
    for v in reversed(order):
        v._backward()
    assert [v.grad for v in leaves] == expected


def test_a_sort_by_id_over_children_and_local_grads_gives_the_sweeps_bits(impl):
    leaves, root = expression(impl.Value)
    root.backward()
    expected = [v.grad for v in leaves]

    leaves, root = expression(impl.Value)
    order, seen = [], set()

    def build(v):  # microgpt's dialect
        if id(v) not in seen:
            seen.add(id(v))
            for child in v._children:
                build(child)
            order.append(v)

    build(root)
    root.grad = 1
    for v in reversed(order):
        for child, local_grad in zip(v._children, v._local_grads, strict=True):
            child.grad += local_grad * v.grad
    assert [v.grad for v in leaves] == expected


def test_a_walk_over_prev_meets_every_node_once_by_identity(impl):
    _, root = expression(impl.Value)
    nodes, edges, todo = set(), set(), [root]
    while todo:
        v = todo.pop()
        if v not in nodes:
            nodes.add(v)
            for child in v._prev:
                edges.add((child, v))
                todo.append(child)
    counts = Counter(v._op for v in nodes)
    assert counts == {"": 4, "*": 5, "**3": 1, "+": 4, "ReLU": 1, "exp": 1, "tanh": 1}
    assert len(edges) == sum(len(v._prev) for v in nodes) == 21


# -- Python class habits ------------------------------------------------------------------------


def test_a_second_backward_is_right_too(impl):
    x = impl.Value(3.0)
    y = x * x
    z = y * 2
    z.backward()
    z.backward()
    assert x.grad == 24.0  # leaves accumulate
    assert (y.grad, z.grad) == (2.0, 1.0)  # inner nodes show this sweep's adjoint


def test_backward_takes_a_seed(impl):
    x = impl.Value(3.0)
    y = x * x
    y.backward(0.5)
    assert (x.grad, y.grad) == (3.0, 0.5)
    y.backward(seed=2)
    assert (x.grad, y.grad) == (15.0, 2.0)


def test_backward_of_a_leaf_gives_it_the_seed(impl):
    x = impl.Value(3.0)
    x.grad = 5.0
    x.backward()
    assert x.grad == 1.0
    x.backward(0.5)
    assert x.grad == 0.5


def test_backward_returns_none(impl):
    assert impl.Value(3.0).backward() is None
