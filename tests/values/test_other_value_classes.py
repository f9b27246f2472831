"""What programs ask of the Value classes that came of micrograd, and of PyTorch's tensors."""

from __future__ import annotations

import copy
import pickle

import pytest

# -- construction -------------------------------------------------------------------------------


@pytest.mark.parametrize("children", ["_children", "children", "_prev", "prev"])
@pytest.mark.parametrize("op", ["_op", "op"])
def test_children_and_op_by_the_names_that_people_give_them(impl, children, op):
    a, b = impl.Value(2.0), impl.Value(3.0)
    v = impl.Value(6.0, **{children: (a, b), op: "area"}, label="v")
    assert (v._children, v._prev, v._op, v.label) == ((a, b), {a, b}, "area", "v")


@pytest.mark.parametrize(
    "named",
    [
        {"prev": (), "_prev": ()},
        {"children": (), "prev": ()},
        {"op": "a", "_op": "b"},
        {"op": (), "local_grads": ()},
        {"data": 2.0},
    ],
)
def test_an_argument_under_two_names_is_a_type_error(impl, named):
    with pytest.raises(TypeError, match="under two names"):
        impl.Value(1.0, **named)


def test_other_keywords_are_attributes(impl):
    v = impl.Value(1.0, color="red", shape="box", name="w", is_weight=True, grad=0.5)
    assert (v.color, v.shape, v.name, v.is_weight, v.grad) == ("red", "box", "w", True, 0.5)
    (v * 2).backward()
    assert v.grad == 2.5


def test_a_closure_may_be_given_as_a_keyword(impl):
    x = impl.Value(3.0)

    def rule():
        x.grad += 10 * y.grad

    y = impl.Value(9.0, (x,), "mine", _backward=rule)
    y.backward()
    assert x.grad == 10.0


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("lable", "label"),
        ("local_grad", "local_grads"),
        ("childrens", "children"),
        ("require_grad", "requires_grad"),
    ],
)
def test_a_misspelt_argument_is_no_attribute(impl, name, meant):
    with pytest.raises(TypeError, match=f"{name}.*{meant}"):
        impl.Value(1.0, **{name: ()})


@pytest.mark.parametrize("name", ["exp", "backward", "zero_grad"])
def test_a_methods_name_is_no_attribute(impl, name):
    with pytest.raises(TypeError, match=f"{name}.*method"):
        impl.Value(1.0, **{name: 3.0})


def test_subclasses_take_attributes_too(impl):
    class Parameter(impl.Value):
        def __init__(self, data, **named):
            super().__init__(data, **named)

    p = Parameter(1.0, label="p", color="blue")
    assert (p.label, p.color) == ("p", "blue")


# -- attributes of all nodes ---------------------------------------------------------------------


def test_defaults_and_methods_given_to_the_class_are_all_nodes(impl, monkeypatch):
    monkeypatch.setattr(impl.Value, "color", None, raising=False)
    monkeypatch.setattr(
        impl.Value, "paint", lambda self, c: setattr(self, "color", c) or self, raising=False
    )
    a = impl.Value(2.0, color="red")
    b = (a * 3).paint("green")
    c = b + 1
    assert (a.color, b.color, c.color, c._children[1].color) == ("red", "green", None, None)


# -- the name of an op ---------------------------------------------------------------------------


def test_op_can_be_assigned_and_what_is_computed_stays(impl):
    a, b = impl.Value(2.0), impl.Value(3.0)
    v = a * b
    v._op = "area"
    v.backward()
    assert (v._op, v.local_derivatives, a.grad) == ("area", (3.0, 2.0), 3.0)
    a._op = "input"
    assert (a._op, a._children, copy.copy(a)._op) == ("input", (), "input")
    for made in (copy.copy(v), copy.deepcopy(v)):
        assert (made._op, made.local_derivatives) == ("area", (3.0, 2.0))
    assert pickle.loads(pickle.dumps(a))._op == "input"


@pytest.mark.parametrize("bad", [3, None, ("+",)])
def test_op_is_a_str(impl, bad):
    v = impl.Value(2.0) * 3
    with pytest.raises(TypeError, match="_op"):
        v._op = bad
    with pytest.raises(AttributeError, match="_op"):
        del v._op
    assert v._op == "*"


def test_pictures_do_not_take_a_name_for_an_op(impl):
    from pygrad import draw, explain

    v = impl.Value(2.0, label="a") * impl.Value(3.0, label="b")
    v._op = "+"
    assert "+(a, b)" in str(draw(v))
    (step,) = explain(v).steps
    assert (step.op, step.expression) == ("+", "+(a, b)")
    assert [c.rule for c in step.contributions] == ["b", "a"]


def test_exact_checks_go_by_the_op_and_not_by_its_name():
    from pygrad import check_grad

    def f(x):
        y = x * x
        y._op = "cube"
        return y

    assert check_grad(f, 3.0, exact=True)


# -- going backward ------------------------------------------------------------------------------


@pytest.mark.parametrize("retain", [True, False, None])
def test_retain_graph_changes_nothing(impl, retain):
    x = impl.Value(3.0)
    y = x * x
    y.backward(retain_graph=retain)
    y.backward(retain_graph=retain)
    assert x.grad == 12.0


def test_the_seed_has_pytorchs_name_too(impl):
    x = impl.Value(3.0)
    (x * x).backward(gradient=0.5)
    assert x.grad == 3.0
    with pytest.raises(TypeError, match="gradient"):
        (x * x).backward(2.0, gradient=0.5)
    with pytest.raises(TypeError, match="seed"):
        (x * x).backward(gradient="1")
    (x * x).backward(True)
    assert x.grad == 9.0


def test_zero_grad_of_a_value_is_that_of_its_graph(impl):
    x = impl.Value(3.0)
    y = x * x
    z = y + x
    z.backward()
    assert y.zero_grad() is None
    assert (x.grad, y.grad, z.grad) == (0.0, 0.0, 1.0)
    for p in (x, z):
        p.zero_grad()
    assert z.grad == 0.0


def test_none_as_grad_is_zero(impl):
    x = impl.Value(3.0)
    (x * x).backward()
    x.grad = None
    assert (type(x.grad), x.grad) == (float, 0.0)
    (x * x).backward()
    assert x.grad == 6.0


def test_a_closure_may_zero_grads_and_a_failed_sweep_puts_them_back(impl):
    x = impl.Value(3.0)
    x.grad = 5.0
    y = x * x

    def fails():
        x.grad = None
        raise ValueError

    y._backward = fails
    with pytest.raises(ValueError):
        y.backward()
    assert x.grad == 5.0


# -- detach, item, no_grad -----------------------------------------------------------------------


@pytest.mark.parametrize("number", [2.5, -0.0, float("inf")])
def test_detach_gives_a_leaf(impl, number):
    x = impl.Value(number)
    y = +x * 1
    d = y.detach()
    assert (str(d.data), d._prev, d._op, d is y) == (str(y.data), set(), "", False)
    e = d * x
    if number == 2.5:
        e.backward()
        assert (x.grad, d.grad) == (2.5, 2.5)
        x.data = 9.0
        assert d.data == 2.5


def test_detach_does_not_hold_the_graph(impl):
    import gc
    import weakref

    x = impl.Value(2.0)
    x.note = "seen by the collector"
    seen = weakref.ref(x)
    d = (x * x).detach()
    del x
    gc.collect()
    assert seen() is None
    assert d.data == 4.0


def test_in_programs_and_transforms_detach_is_no_frozen_number():
    from pygrad import compile, grad, vmap

    def f(x):
        return x.detach() * x

    assert grad(f)(3.0) == 3.0
    compiled = compile(f)
    assert [compiled(3.0), compiled(4.0)] == [9.0, 16.0]
    assert vmap(grad(f))([1.0, 2.0]).tolist() == [1.0, 2.0]


def test_item_is_the_number_and_in_a_trace_an_error():
    from pygrad import TraceError, compile

    with pytest.raises(TraceError):
        compile(lambda x: x * x.item())(2.0)


def test_item_is_a_float(impl):
    v = impl.Value(2)
    assert (type(v.item()), (v * v).item()) == (float, 4.0)


def test_no_grad_is_found_at_the_class(impl):
    x = impl.Value(3.0)
    with impl.Value.no_grad():
        y = x * x
    assert y._children == ()

    @impl.Value.no_grad()
    def predicted(x):
        return x * x

    assert predicted(x)._children == ()
    assert (x * x)._children != ()


# -- requires_grad -------------------------------------------------------------------------------


def test_what_requires_no_grad_gets_none(impl):
    x, c = impl.Value(3.0, requires_grad=True), impl.Value(4.0, requires_grad=False)
    y = x * c + c
    y.backward()
    y.backward()
    assert (x.grad, c.grad) == (8.0, 0.0)
    assert (x.requires_grad, c.requires_grad, y.requires_grad) == (True, False, True)
    assert ((c * 2 + 1).requires_grad, impl.Value(1.0).requires_grad) == (False, True)


def test_a_constant_has_no_grad_in_the_other_ways_back_either(impl):
    c = impl.Value(4.0, requires_grad=False)
    x = impl.Value(3.0)
    custom = impl.Value(12.0, (c, x), local_grads=(3.0, 4.0))
    mine = impl.Value(7.0, (c, x), "mine")

    def rule():
        c.grad += mine.grad
        x.grad += mine.grad

    mine._backward = rule
    (custom + mine + impl.dot([c, c], [x, 2.0]) + impl.sum([c, x])).backward()
    assert (c.grad, x.grad) == (0.0, 4.0 + 1.0 + 4.0 + 1.0)
    c.backward()
    assert c.grad == 0.0


def test_a_grad_that_was_assigned_to_a_constant_stays(impl):
    c = impl.Value(4.0, requires_grad=False)
    c.grad = 2.0
    (c * c).backward()
    assert c.grad == 2.0


def test_requires_grad_can_be_changed(impl):
    x = impl.Value(3.0)
    (x * x).backward()
    x.requires_grad = False
    assert x.grad == 0.0
    (x * x).backward()
    assert x.grad == 0.0
    x.requires_grad = True
    (x * x).backward()
    assert x.grad == 6.0


def test_a_computed_value_has_what_its_leaves_have(impl):
    x = impl.Value(3.0)
    c = impl.Value(3.0, requires_grad=False)
    y = impl.Value(9.0, (x,), "mine", requires_grad=True)
    z = impl.Value(9.0, (c,), "mine", requires_grad=c.requires_grad)
    assert (y.requires_grad, z.requires_grad) == (True, False)
    with pytest.raises(RuntimeError, match="detach"):
        y.requires_grad = False
    with pytest.raises(RuntimeError, match="leaves"):
        z.requires_grad = True


def test_optimisers_leave_constants_alone(package):
    Value = package.engine.Value
    x, c = Value(3.0), Value(4.0, requires_grad=False)
    for make in (package.optim.SGD, package.optim.Adam):
        optimiser = make([c, x], lr=0.1, weight_decay=0.5)
        (x * c).backward()
        optimiser.step()
        optimiser.zero_grad()
    assert c.data == 4.0
    assert x.data < 3.0


def test_copies_and_pickles_of_a_constant_are_constants(impl):
    c = impl.Value(4.0, label="c", requires_grad=False)
    for made in (copy.copy(c), copy.deepcopy(c), pickle.loads(pickle.dumps(c))):
        assert (made.data, made.label, made.requires_grad) == (4.0, "c", False)
    y = copy.deepcopy(c * 2)
    assert not y._children[0].requires_grad


def test_grads_that_are_values_leave_constants_out():
    from pygrad import Value

    x, c = Value(3.0), Value(4.0, requires_grad=False)
    (x * x * c).backward(create_graph=True)
    assert (c.grad, x.grad.data) == (0.0, 24.0)
    x.grad.backward()
    assert c.grad == 0.0


def test_who_names_what_to_differentiate_by_is_not_refused():
    from pygrad import Value, grad, gradients

    c = Value(4.0, requires_grad=False)
    assert gradients(c * c, [c])[0].data == 8.0
    assert grad(lambda x: x * x)(c) == 8.0


def test_a_compiled_loss_leaves_constants_out():
    import numpy as np

    from pygrad import Value, compile

    w, c = Value(2.0), Value(3.0, requires_grad=False)
    compile(lambda x: (w * x + c) ** 2).backward(np.array([1.0]))
    assert (w.grad, c.grad) == (10.0, 0.0)


# -- a network that is drawn as micrograd's -------------------------------------------------------


def test_a_neuron_can_be_spelled_out(package):
    import random
    from collections import Counter

    nn = package.nn
    random.seed(3)
    model = nn.MLP(3, [4, 1], spelled_out=True)
    random.seed(3)
    other = nn.MLP(3, [4, 1])
    x = [2.0, 3.0, -1.0]
    y, z = model(x), other(x)
    y.backward(), z.backward()
    assert y.data == z.data
    assert [p.grad for p in model.parameters()] == [p.grad for p in other.parameters()]
    seen, todo = set(), [y]
    while todo:
        v = todo.pop()
        if v not in seen:
            seen.add(v)
            todo += v._children
    assert Counter(v._op for v in seen if v._op) == {"*": 16, "+": 16, "ReLU": 4}


def test_all_neurons_can_be_told_at_once(package, monkeypatch):
    nn = package.nn
    monkeypatch.setattr(nn.Neuron, "spelled_out", True)
    assert nn.MLP(2, [1])([1.0, 2.0])._op == "+"
    assert nn.Neuron(2, nonlin=False, spelled_out=False)([1.0, 2.0])._op == "dot"


@pytest.mark.parametrize("bias", [None, 0.5])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_pictures_open_a_dot_product(impl, size, bias):
    from pygrad import draw, explain

    w = [impl.Value(1.5 + i, label=f"w{i}") for i in range(size)]
    x = [impl.Value(-0.5 * i, label=f"x{i}") for i in range(size)]
    whole = impl.dot(w, x, bias).tanh()
    parts = w[0] * x[0] if bias is None else bias + w[0] * x[0]
    for a, b in zip(w[1:], x[1:], strict=True):
        parts = parts + a * b
    shown = draw(whole, spelled_out=True).snapshot
    expected = draw(parts.tanh()).snapshot
    assert sorted(shown.ops) == sorted(expected.ops)
    assert sorted(shown.values) == sorted(expected.values)
    found = {leaf.leaf: leaf.gradient for leaf in explain(whole, spelled_out=True).leaves}
    assert found == {leaf.leaf: leaf.gradient for leaf in explain(whole).leaves}
    whole.backward()
    opened = draw(whole, spelled_out=True).snapshot
    (last,) = [o for o in opened.operands[-1]]
    assert {opened.grads[i] for i, op in enumerate(opened.ops) if op in "*+" and op} == {
        opened.grads[last]
    }
    assert "dot" in draw(whole).snapshot.ops


def test_a_page_opens_a_dot_product():
    from pygrad import Value, dot, explore

    y = dot([Value(2.0)] * 2, [Value(3.0), Value(4.0)], 1.0)
    assert '"form":"dot"' in explore(y).html
    assert '"form":"dot"' not in explore(y, spelled_out=True).html
