"""Values among NumPy's scalars and arrays."""

from __future__ import annotations

import math

import numpy as np
import pytest

SCALARS = [
    np.float64(2.5), np.float32(2.5), np.float16(2.5), np.longdouble(2.5), np.int8(-3), np.int64(3),
    np.uint8(200), np.bool_(True),
]  # fmt: skip
SCALAR_IDS = [type(s).__name__ for s in SCALARS]


@pytest.mark.parametrize("scalar", SCALARS, ids=SCALAR_IDS)
def test_numpy_scalars_are_numbers_on_either_side(impl, scalar):
    number = float(scalar)
    a = impl.Value(2.0)
    for v, data in [
        (scalar + a, number + 2),
        (a + scalar, 2 + number),
        (scalar - a, number - 2),
        (a - scalar, 2 - number),
        (scalar * a, number * 2),
        (a * scalar, 2 * number),
        (scalar / a, number / 2),
        (a / scalar, 2 / number),
        (a**scalar, 2.0**number),
    ]:
        assert type(v) is impl.Value
        assert v.data == data
    (scalar * a).backward()
    assert a.grad == number


@pytest.mark.parametrize("scalar", SCALARS, ids=SCALAR_IDS)
def test_numpy_scalars_are_accepted_as_data_grad_and_seed(impl, scalar):
    v = impl.Value(scalar)
    assert (type(v.data), v.data) == (float, float(scalar))
    v.grad = scalar
    assert (type(v.grad), v.grad) == (float, float(scalar))
    v.grad = 0.0
    v.backward(scalar)
    assert v.grad == float(scalar)


def test_zero_dimensional_arrays_are_numbers(impl):
    a, two = impl.Value(3.0), np.array(2)
    assert impl.Value(two).data == 2.0
    for v, data in [(a * two, 6.0), (two * a, 6.0), (two - a, -1.0), (a**two, 9.0)]:
        assert type(v) is impl.Value
        assert v.data == data
    assert impl.dot([a], [two]).data == 6.0
    assert (a > two, a == np.array(3.0)) == (True, True)


def test_the_exponent_shows_a_numpy_int_as_written(impl):
    a = impl.Value(3.0)
    assert ((a ** np.int64(2))._op, (a ** np.float64(2))._op) == ("**2", "**2.0")


@pytest.mark.parametrize(
    "other", [np.array(1j), np.complex128(1), np.array("x"), np.datetime64("2020-01-01")]
)
def test_numpy_things_that_are_no_real_number_are_refused(impl, other):
    a = impl.Value(2.0)
    with pytest.raises(TypeError):
        a + other
    with pytest.raises(TypeError):
        other * a
    with pytest.raises(TypeError):
        impl.Value(other)


def test_comparison_with_numpy_scalars(impl):
    a = impl.Value(2.0)
    assert a == np.float64(2) and np.float64(2) == a
    assert a > np.int64(1) and np.float32(3) > a
    assert a != np.float64(3)


# -- arrays -------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["value first", "array first"])
@pytest.mark.parametrize("op", ["+", "-", "*", "/", "//", "%"])
def test_an_array_operand_gives_an_object_array_of_values(impl, op, order):
    array, a = np.array([1.0, 2.5, -3.0]), impl.Value(2.0)
    text = f"a {op} x" if order == "value first" else f"x {op} a"
    result = eval(text, {"a": a, "x": array})
    assert result.dtype == object
    assert [type(v) for v in result] == [impl.Value] * 3
    assert [v.data for v in result] == [eval(text, {"a": 2.0, "x": float(x)}) for x in array]


def test_an_array_of_exponents_gives_an_array_of_powers(impl):
    a = impl.Value(2.0)
    assert [v.data for v in a ** np.array([1, 2, 3])] == [2.0, 4.0, 8.0]
    with pytest.raises(TypeError, match=r"pygrad\.math\.pow"):
        np.array([1.0, 2.0]) ** a


def test_comparison_with_an_array_is_elementwise(impl):
    a, array = impl.Value(2.0), np.array([1.0, 2.0, 3.0])
    assert list(a == array) == [False, True, False]
    assert list(a < array) == [False, False, True]
    assert list(array >= a) == [False, True, True]


def test_matrix_product_of_values_and_numbers(impl):
    w = np.array([[impl.Value(1.0), impl.Value(2.0)], [impl.Value(3.0), impl.Value(4.0)]])
    y = w @ np.array([10.0, 100.0])
    assert [v.data for v in y] == [210.0, 430.0]
    (y[0] + y[1] * 2).backward()
    assert [[v.grad for v in row] for row in w] == [[10.0, 100.0], [20.0, 200.0]]


def test_reductions_of_object_arrays(impl):
    values = [impl.Value(x) for x in (1.0, -2.0, 4.0)]
    array = np.array(values)
    assert array.dtype == object
    assert array.sum().data == 3.0
    assert array.prod().data == -8.0
    assert array.mean().data == 1.0
    assert array.max() is values[2]
    assert array.argmin() == 1
    array.sum().backward()
    assert [v.grad for v in values] == [1.0, 1.0, 1.0]


UFUNCS = [
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "sin", "cos", "tan",
    "arcsin", "arctan", "sinh", "cosh", "tanh", "arcsinh", "absolute", "fabs", "rint", "floor", "ceil",
    "trunc", "negative", "square", "reciprocal",
]  # fmt: skip


@pytest.mark.parametrize("name", UFUNCS)
def test_ufuncs_work_on_object_arrays_and_single_values(impl, name):
    ufunc = getattr(np, name)
    x = np.array([0.25, 0.75])
    values = np.array([impl.Value(number) for number in x])
    result = ufunc(values)
    assert [type(v) for v in result] == [impl.Value] * 2
    assert [v.data for v in result] == pytest.approx(list(ufunc(x)), rel=1e-15, abs=0)
    assert ufunc(impl.Value(0.25)).data == result[0].data


@pytest.mark.parametrize(
    ("name", "method"), [("arccos", "acos"), ("arccosh", "acosh"), ("arctanh", "atanh")]
)
def test_ufuncs_with_numpys_own_names(impl, name, method):
    x = 1.5 if name == "arccosh" else 0.5
    v = getattr(np, name)(impl.Value(x))
    assert (v.data, v._op) == (getattr(math, method)(x), method)


@pytest.mark.parametrize(
    ("name", "data"),
    [("arctan2", math.atan2(3, 4)), ("hypot", 5.0), ("maximum", 4.0), ("minimum", 3.0)],
)
def test_binary_ufuncs(impl, name, data):
    a, b = impl.Value(3.0), impl.Value(4.0)
    assert getattr(np, name)(a, b).data == data
    (v,) = getattr(np, name)(np.array([a]), np.array([b]))
    assert v.data == data


def test_arithmetic_ufuncs(impl):
    a = impl.Value(3.0)
    found = [
        np.add(a, 1),
        np.subtract(1, a),
        np.multiply(a, 2.0),
        np.divide(a, 2),
        np.power(a, 2),
        np.mod(a, 2),
    ]
    assert [v.data for v in found] == [4.0, -2.0, 6.0, 1.5, 9.0, 1.0]


def test_a_value_is_a_scalar_to_numpy(impl):
    v = impl.Value(2.0)
    array = np.array(v)
    assert (array.shape, array.dtype) == ((), object)
    assert array.item() is v


def test_turning_values_into_floats_behind_their_back_is_refused(impl):
    v = impl.Value(2.0)
    for attempt in (
        lambda: np.float64(v),
        lambda: np.array([v, v], dtype=float),
        lambda: np.array([v]).astype(float),
        lambda: np.zeros(2).__setitem__(0, v),
    ):
        with pytest.raises(TypeError):
            attempt()


def test_rows_of_numpy_scalars_go_through_an_mlp_as_in_micrograds_demo(package):
    model = package.nn.MLP(2, [4, 1])
    rows = np.array([[0.5, -1.0], [2.0, 0.25]])
    scores = [model(list(map(package.engine.Value, row))) for row in rows]
    direct = [model(row) for row in rows]
    plain = [model([float(x) for x in row]) for row in rows]
    assert [s.data for s in scores] == [s.data for s in direct] == [s.data for s in plain]
    labels = np.array([1, -1])
    loss = sum((1 + -y * s).relu() for y, s in zip(labels, scores, strict=True)) * (
        1.0 / len(scores)
    )
    loss.backward()
    assert type(loss) is package.engine.Value


def test_what_numpy_picks_is_a_value_or_a_number_of_numpy_s(impl):
    """It asks nobody which: a number that was picked depends on no Value, and its derivative is 0."""
    x, y = impl.Value(1.0), impl.Value(5.0)
    picked = np.median(np.array([x, 3.0, 2.0], dtype=object))
    assert isinstance(picked, np.float64) and isinstance(picked.data, memoryview)
    assert (picked + 0 * x).data == 2.0
    assert np.median(np.array([x, 3.0, y, 2.0], dtype=object)) == 2.5
    assert np.median(np.array([x, y, 0.0], dtype=object)).data == 1.0
