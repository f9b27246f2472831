"""copy.copy, copy.deepcopy and pickle of leaves, nodes and graphs."""

from __future__ import annotations

import copy
import pickle

import pytest


def leaf(impl):
    v = impl.Value(2.5, label="w")
    v.grad = -3.0
    v.note = ["n"]
    return v


PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


# -- copy.copy ----------------------------------------------------------------------------------


def test_copy_of_a_leaf_is_a_new_leaf_with_all_it_had(impl):
    v = leaf(impl)
    w = copy.copy(v)
    assert w is not v
    assert (w.data, w.grad, w.label, w._children) == (2.5, -3.0, "w", ())
    assert w.note is v.note
    w.data, w.grad, w.label = 1.0, 0.0, "x"
    assert (v.data, v.grad, v.label) == (2.5, -3.0, "w")
    w.other = 1
    assert not hasattr(v, "other")


def nodes_of_each_kind(impl, a, b):
    f = impl.FUNCTIONS
    return [
        a + b, a * b, a / b, a**2, a**2.5, -a, a.tanh(), a.relu(), a.atan2(b), a.clip(0, b),
        f["where"](a, b, 2.0),
        impl.sum([a, b, a]), impl.dot([a, a], [b, 2.0], b), impl.Value(3.0, (a, b), (0.5, 4.0)),
        impl.Value(3.0, (a, b), "opaque"), 3 - a, f["pow"](a, b), impl.sum([], a),
    ]  # fmt: skip


def test_copy_of_an_inner_node_is_a_new_node_with_the_same_op_and_operands(impl):
    a, b = impl.Value(1.5), impl.Value(0.5)
    for v in nodes_of_each_kind(impl, a, b):
        v.grad, v.label = 7.0, "v"
        w = copy.copy(v)
        assert w is not v
        assert (w.data, w.grad, w.label, w._op) == (v.data, 7.0, "v", v._op)
        assert len(w._children) == len(v._children)
        assert all(p is q for p, q in zip(w._children, v._children, strict=True))
        if v._op != "opaque":
            assert w.local_derivatives == v.local_derivatives
        impl.zero_grad([a, b])
        v.backward()
        expected = (a.grad, b.grad)
        impl.zero_grad([a, b])
        w.backward()
        assert (a.grad, b.grad) == expected


def test_copy_keeps_the_class_of_a_leaf_and_of_a_declared_node(impl):
    class Parameter(impl.Value):
        pass

    p = Parameter(2.0)
    p.note = 1
    q = copy.copy(p)
    assert (type(q), q.data, q.note) == (Parameter, 2.0, 1)
    inner = copy.copy(Parameter(3.0, (p,), (2.0,)))
    assert (type(inner), inner._children, inner.local_derivatives) == (Parameter, (p,), (2.0,))


# -- copy.deepcopy ------------------------------------------------------------------------------


def test_deepcopy_of_a_leaf_is_independent(impl):
    v = leaf(impl)
    w = copy.deepcopy(v)
    assert (w.data, w.grad, w.label, w.note) == (2.5, -3.0, "w", ["n"])
    assert w.note is not v.note


def test_deepcopy_of_a_graph_copies_nodes_and_keeps_sharing(impl):
    a, b = impl.Value(2.0, label="a"), impl.Value(3.0, label="b")
    c = a * b
    root = (c + a) * c
    clone = copy.deepcopy(root)
    (sum_, c1) = clone._children
    c2, a2 = sum_._children
    assert c1 is c2
    assert c1._children[0] is a2
    assert (a2.label, c1._children[1].label) == ("a", "b")
    assert {a2, c1, sum_, clone}.isdisjoint({a, b, c, root})
    clone.backward()
    assert (a.grad, b.grad) == (0.0, 0.0)
    root.backward()
    assert (a.grad, b.grad) == (a2.grad, c1._children[1].grad) == (14.0 * 3.0 + 6.0, 14.0 * 2.0)


def test_deepcopy_of_each_kind_of_node_gives_the_same_gradients(impl):
    a, b = impl.Value(1.5), impl.Value(0.5)
    for v in nodes_of_each_kind(impl, a, b):
        impl.zero_grad([a, b])
        (a2, b2), w = copy.deepcopy(([a, b], v))
        assert (w.data, w._op, len(w._children)) == (v.data, v._op, len(v._children))
        v.backward()
        w.backward()
        assert (a2.grad, b2.grad) == (a.grad, b.grad)


def test_deepcopy_keeps_grads_and_then_lives_on_its_own(impl):
    a = impl.Value(2.0)
    v = a * a
    v.backward()
    w = copy.deepcopy(v)
    assert (w.grad, w._children[0].grad) == (1.0, 4.0)
    w._children[0].data = 100.0
    assert a.data == 2.0


def test_deepcopy_of_a_list_shares_what_was_shared(impl):
    a = impl.Value(2.0)
    values = [a, a * 2, a * 3]
    a2, b2, c2 = copy.deepcopy(values)
    assert b2._children[0] is c2._children[0] is a2
    assert a2 is not a


def test_deepcopy_of_given_local_grads_copies_the_values_among_them(impl):
    a, slope = impl.Value(2.0), impl.Value(5.0)
    v = impl.Value(10.0, (a,), (slope,))
    w = copy.deepcopy(v)
    (slope2,) = w._local_grads
    assert slope2 is not slope
    assert slope2.data == 5.0
    assert w.local_derivatives == (5.0,)


def test_deepcopy_copies_attributes_deeply_and_with_their_sharing(impl):
    a = impl.Value(2.0)
    b = a * 2
    a.notes = b.notes = ["shared"]
    b.operand = a
    c = copy.deepcopy(b)
    assert c.notes == ["shared"]
    assert c.notes is not b.notes
    assert c.notes is c._children[0].notes
    assert c.operand is c._children[0]


def test_deepcopy_of_a_long_chain_does_not_recurse(impl):
    x = v = impl.Value(1.0)
    n = 20_000
    for _ in range(n):
        v = v + x
    w = copy.deepcopy(v)
    w.backward()
    assert w.data == n + 1
    assert x.grad == 0.0


def test_deepcopy_keeps_the_class(impl):
    class Parameter(impl.Value):
        pass

    p = Parameter(2.0)
    q = copy.deepcopy(p * 3)._children[0]
    assert type(q) is Parameter
    assert q is not p


# -- closures -----------------------------------------------------------------------------------


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
@pytest.mark.parametrize("kind", ["leaf", "inner", "builtin"])
def test_a_node_with_a_closure_is_never_copied_without_it(impl, duplicate, kind):
    a = impl.Value(2.0)
    v = {"leaf": impl.Value(1.0), "inner": impl.Value(1.0, (a,), "op"), "builtin": a * 2}[kind]
    v._backward = lambda: None
    with pytest.raises(TypeError):
        duplicate(v)


def test_deepcopy_finds_a_closure_deep_in_the_graph_and_names_the_node(impl):
    a = impl.Value(2.0)
    v = impl.Value(4.0, (a,), "square")
    v._backward = lambda: None
    with pytest.raises(TypeError, match="_backward"):
        copy.deepcopy(v * 3 + 1)


# -- pickle -------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_leaf_pickles_by_value(impl, protocol):
    v = leaf(impl)
    w = pickle.loads(pickle.dumps(v, protocol))
    assert w is not v
    assert type(w) is impl.Value
    assert (w.data, w.grad, w.label, w.note) == (2.5, -3.0, "w", ["n"])
    (w * w).backward()
    assert w.grad == -3.0 + 5.0


@pytest.mark.parametrize("data", [float("inf"), -0.0, 5e-324, 0.1])
def test_pickling_keeps_every_bit(impl, data):
    assert pickle.loads(pickle.dumps(impl.Value(data))).data.hex() == data.hex()


def test_a_list_of_leaves_pickles_with_its_sharing(impl):
    a, b = impl.Value(1.0), impl.Value(2.0)
    x, y, z = pickle.loads(pickle.dumps([a, b, a]))
    assert x is z
    assert (x.data, y.data) == (1.0, 2.0)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_inner_node_refuses_to_pickle_and_says_what_to_do(impl, protocol):
    v = impl.Value(2.0) * 3
    with pytest.raises(TypeError, match=r"leaves.*data"):
        pickle.dumps(v, protocol)


def test_a_model_of_leaves_pickles(package, impl):
    class Holder:
        pass

    model = package.nn.MLP(2, [3, 1])
    numbers = [p.data for p in model.parameters()]
    parameters = pickle.loads(pickle.dumps(model.parameters()))
    assert [p.data for p in parameters] == numbers


def test_deepcopy_of_a_model_is_another_model(package):
    model = package.nn.MLP(2, [3, 1])
    twin = copy.deepcopy(model)
    assert twin([0.5, -1.0]).data == model([0.5, -1.0]).data
    twin([0.5, -1.0]).backward()
    assert any(p.grad != 0.0 for p in twin.parameters())
    assert all(p.grad == 0.0 for p in model.parameters())


def test_deepcopy_of_a_long_chain_of_given_partials_takes_linear_time(impl):
    v = impl.Value(1.0)
    for _ in range(3_000):
        v = impl.Value(1.0, (v,), (v * 2.0,))
    copied = copy.deepcopy(v)
    assert copied is not v
    assert copied._local_grads[0] is not v._local_grads[0]
    assert copied.local_derivatives == v.local_derivatives
