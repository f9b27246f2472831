"""no_grad stops recording; zero_grad clears grads."""

from __future__ import annotations

import threading

import pytest

# -- no_grad ------------------------------------------------------------------------------------


def operations(impl, a, b):
    f = impl.FUNCTIONS
    return [
        a + b, 1 - a, a * 2, a / b, a % b, a // b, a**2, -a, abs(a), round(a),
        a.exp(), a.atan2(b), a.clip(0, 1),
        f["where"](a, b, 1.0), f["pow"](a, b), impl.sum([a, b]), impl.sum([], a), impl.dot([a], [b], a),
        impl.Value(3.0, (a, b), "op"), impl.Value(3.0, (a, b), (1.0, 2.0)),
    ]  # fmt: skip


def test_inside_no_grad_every_result_is_a_leaf_with_the_same_number(impl):
    a, b = impl.Value(2.0), impl.Value(3.0)
    recorded = operations(impl, a, b)
    with impl.no_grad():
        detached = operations(impl, a, b)
    assert [v.data for v in detached] == [v.data for v in recorded]
    for v in detached:
        assert type(v) is impl.Value
        assert (v._children, v.local_derivatives, v._op) == ((), (), "")
        v.backward()
    assert (a.grad, b.grad) == (0.0, 0.0)
    assert all(v._children for v in recorded)


def test_unary_plus_inside_no_grad_is_still_the_object_itself(impl):
    a = impl.Value(2.0)
    with impl.no_grad():
        assert +a is a


def test_recording_goes_on_after_no_grad(impl):
    a = impl.Value(2.0)
    with impl.no_grad():
        pass
    assert (a * a)._children == (a, a)


def test_no_grad_nests(impl):
    a = impl.Value(2.0)
    with impl.no_grad():
        with impl.no_grad():
            pass
        assert (a * 2)._children == ()
    assert (a * 2)._children != ()


def test_no_grad_ends_when_an_exception_leaves_it(impl):
    a = impl.Value(2.0)
    with pytest.raises(KeyError), impl.no_grad():
        raise KeyError
    assert (a * 2)._children != ()


def test_an_op_that_raises_inside_no_grad_leaves_the_mode_as_it_is(impl):
    a = impl.Value(0.0)
    with impl.no_grad():
        with pytest.raises(ZeroDivisionError):
            1 / a
        assert (a + 1)._children == ()


def test_one_no_grad_object_can_be_used_again(impl):
    a, off = impl.Value(2.0), impl.no_grad()
    for _ in range(2):
        with off:
            assert (a * 2)._children == ()
        assert (a * 2)._children != ()


def test_no_grad_is_a_decorator_that_keeps_name_arguments_and_result(impl):
    @impl.no_grad()
    def predict(x, *, scale=1):
        """Docs."""
        return x * scale

    a = impl.Value(2.0)
    v = predict(a, scale=3)
    assert (v.data, v._children) == (6.0, ())
    assert (predict.__name__, predict.__doc__) == ("predict", "Docs.")
    assert (a * 2)._children != ()


def test_a_recursive_decorated_function_works(impl):
    @impl.no_grad()
    def power(x, n):
        return x if n == 1 else power(x, n - 1) * x

    assert power(impl.Value(2.0), 5).data == 32.0


def test_no_grad_concerns_only_the_thread_that_entered_it(impl):
    a = impl.Value(2.0)
    inside, checked = threading.Event(), threading.Event()
    seen = {}

    def silent():
        with impl.no_grad():
            inside.set()
            assert checked.wait(10)
            seen["silent"] = (a * 2)._children

    thread = threading.Thread(target=silent)
    thread.start()
    assert inside.wait(10)
    seen["recording"] = (a * 2)._children
    checked.set()
    thread.join()
    assert seen["silent"] == ()
    assert len(seen["recording"]) == 2


def test_backward_works_inside_no_grad(impl):
    a = impl.Value(3.0)
    v = a * a
    with impl.no_grad():
        v.backward()
    assert a.grad == 6.0


# -- zero_grad ----------------------------------------------------------------------------------


def test_zero_grad_of_a_root_clears_all_it_was_computed_from(impl):
    a, b, other = impl.Value(2.0), impl.Value(3.0), impl.Value(5.0)
    c = a * b
    d = c + a
    user = d * other
    user.backward()
    impl.zero_grad(d)
    assert [v.grad for v in (a, b, c, d)] == [0.0] * 4
    assert (other.grad, user.grad) == (8.0, 1.0)


@pytest.mark.parametrize("kind", [list, tuple, iter, set])
def test_zero_grad_of_an_iterable_clears_just_these(impl, kind):
    a, b = impl.Value(2.0), impl.Value(3.0)
    c = a * b
    (c * 2).backward()
    impl.zero_grad(kind([a, c]))
    assert (a.grad, c.grad, b.grad) == (0.0, 0.0, 4.0)


def test_zero_grad_of_nothing_is_fine(impl):
    assert impl.zero_grad([]) is None


def test_zero_grad_leaves_plus_zero(impl):
    a = impl.Value(2.0)
    a.grad = -1.0
    impl.zero_grad(a)
    assert repr(a.grad) == "0.0"


def test_zero_grad_of_a_long_chain_does_not_recurse(impl):
    x = v = impl.Value(1.0)
    for _ in range(20_000):
        v = v + 0.0
    v.backward()
    assert x.grad == 1.0
    impl.zero_grad(v)
    assert (x.grad, v.grad) == (0.0, 0.0)


@pytest.mark.parametrize("bad", ["second", None, 3.0])
def test_zero_grad_looks_at_all_before_it_changes_one(impl, bad):
    a = impl.Value(2.0)
    a.grad = 7.0
    with pytest.raises(TypeError):
        impl.zero_grad([a, bad])
    assert a.grad == 7.0


def test_zero_grad_inside_a_failing_backward_is_undone(impl):
    a, other = impl.Value(2.0), impl.Value(1.0)
    a.grad, other.grad = 5.0, 6.0
    v = impl.Value(2.0, (a,), "op")

    def fail():
        impl.zero_grad([a, other])
        raise KeyError

    v._backward = fail
    with pytest.raises(KeyError):
        v.backward()
    assert (a.grad, other.grad) == (5.0, 6.0)
