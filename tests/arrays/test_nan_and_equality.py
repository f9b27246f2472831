"""Arrays of Values are compared by number and sorted with nan last, as arrays of floats are."""

import math

import numpy as np
import pytest

import pygrad.numpy as pnp
from pygrad import Value, compile, grad, lift, value_and_grad, vmap

POINT = np.array([1.0, -2.0, -3.0])


def positive(a, np=np):
    return np.where(a > 0, a, 0.0)


EQUALITIES = [
    lambda a: (positive(a) == positive(a)).sum() * a.sum(),
    lambda a: (positive(a) != positive(a)).sum() * a.sum(),
    lambda a: np.equal(positive(a), positive(a))[1] * a.sum(),
    lambda a: a.sum() * (2 if np.array_equal(positive(a), positive(a)) else 3),
    lambda a: a.sum() * (2 if np.array_equal(positive(a), positive(a)[:2]) else 3),
    lambda a: a.sum() * (2 if np.array_equiv(positive(a)[1:], positive(a)[:1]) else 3),
    lambda a: a.sum() * (2 if np.array_equiv(positive(a)[1:], positive(a)[1]) else 3),
    lambda a: a.sum() * np.unique(positive(a)).size,
    lambda a: a.sum() * (2 if np.array_equal(a * np.nan, a * np.nan) else 3),
    lambda a: a.sum() * (2 if np.array_equal(a * np.nan, a * np.nan, equal_nan=True) else 3),
]


@pytest.mark.parametrize("f", EQUALITIES)
def test_numbers_in_arrays_are_equal_by_number(f):
    expected = f(POINT)
    slope = expected / POINT.sum()
    for g in (f, lift(f)):
        value, gradient = value_and_grad(g)(POINT)
        assert value == compile(g)(POINT) == expected
        assert gradient.tolist() == compile(grad(g))(POINT).tolist() == [slope] * 3
        assert vmap(grad(g))(POINT[None]).tolist() == [[slope] * 3]


def test_arrays_that_users_make():
    a, b = pnp.array([Value(1.0), 2.0]), pnp.array([Value(1.0), 2.0])
    assert (a == b).tolist() == [True, True]
    assert (a != b).tolist() == [False, False]
    assert pnp.array_equal(a, b)
    assert pnp.array_equal([Value(1.0), 2.0], [1.0, 2.0])


ORDERS = [
    lambda a, np: np.sort(a)[1],
    lambda a, np: np.sort(a)[::-1][1],
    lambda a, np: np.sort(np.stack([a, 2 * a]), axis=0)[1, 3],
    lambda a, np: np.sort(np.stack([a, 2 * a]), axis=None)[2],
    lambda a, np: np.argsort(a)[3] * a[3],
    lambda a, np: a.argsort()[0] * a[3],
    lambda a, np: np.partition(a, 1)[1],
    lambda a, np: np.argpartition(a, 1)[1] * a[3],
    lambda a, np: np.unique(a)[0],
    lambda a, np: sorted_in_place(a)[0],
    lambda a, np: np.max(a),
    lambda a, np: np.min(a),
    lambda a, np: np.max(list(a)) if np is pnp else a.max(),
    lambda a, np: np.clip(a, 0.0, 1.5)[0],
    lambda a, np: np.median(a),
    lambda a, np: np.percentile(a, 30.0),
]


def sorted_in_place(a):
    a = a.copy()
    a.sort()
    return a


@pytest.mark.parametrize("f", ORDERS)
def test_nan_is_last_and_is_what_stays(f):
    by_values = lambda a: f(a, pnp)  # noqa: E731
    compiled, gradient = compile(by_values), compile(grad(by_values))
    for point in ([2.0, 3.0, 0.5, 7.0], [math.nan, 3.0, 0.5, 1.1], [0.5, 3.0, math.nan, 1.1]):
        a = np.array(point)
        expected = float(f(a, np))
        value, slopes = value_and_grad(by_values)(a)
        assert np.array_equal([value, compiled(a)], [expected] * 2, equal_nan=True), point
        assert np.array_equal(slopes, gradient(a), equal_nan=True), point
        if not math.isnan(expected):
            step = 1e-6 * np.eye(4)
            central = [(f(a + h, np) - f(a - h, np)) / 2e-6 for h in step]
            known = ~np.isnan(a)
            assert np.asarray(slopes)[known] == pytest.approx(np.array(central)[known], abs=1e-6)


def test_rows_of_a_map_with_and_without_nan():
    rows = np.array([[2.0, 1.0, 3.0], [math.nan, 1.0, 3.0], [2.0, 1.0, math.nan]])
    assert np.array_equal(vmap(lambda a: pnp.sort(a))(rows), np.sort(rows), equal_nan=True)
    assert vmap(lambda a: pnp.argsort(a) * 1.0)(rows).tolist() == np.argsort(rows).tolist()


@pytest.mark.parametrize(
    "f",
    [
        lambda a: np.sort(a),
        lambda a: np.argsort(a),
        lambda a: np.median(a),
        lambda a: np.partition(a, 1),
        lambda a: np.unique(a),
        lambda a: np.digitize(a, [1.5, 2.5]),
    ],
)
@pytest.mark.parametrize("made", [list, np.array])
def test_numpys_own_order_of_nan_among_values_is_told_of(f, made):
    """Outside transforms and lifted code nobody asks the Values but by <."""
    values = made([Value(3.0), Value(math.nan), Value(1.0), Value(2.0)])
    with pytest.warns(RuntimeWarning, match=r"nan among Values .*`import pygrad\.numpy as np`"):
        f(values)


def test_nan_among_values_is_no_news_elsewhere():
    values = [Value(3.0), Value(math.nan), Value(1.0)]
    assert len(sorted(values)) == 3 and min(values) is values[2]
    assert not values[0] < values[1] and not values[1] >= values[0]
    assert np.sort([Value(3.0), Value(1.0)])[0].data == 1.0
    array = pnp.array(values)
    assert math.isnan(pnp.sort(array)[2].data) and math.isnan(pnp.median(array).data)
    assert grad(lift(lambda a: np.sort(a * np.array([1.0, np.nan, 1.0]))[0]))(
        np.array([1.0, 2.0, 3.0])
    ).tolist() == [1.0, 0.0, 0.0]


HOLES = np.array([[3.0, np.nan, 1.0], [2.0, 4.0, 0.5]])
OF_HOLES = [
    *(lambda a, np, name=name: getattr(np, name)(a) for name in ("nansum", "nanmean", "nanprod")),
    *(lambda a, np, name=name: getattr(np, name)(a) for name in ("nanstd", "nanvar", "nancumsum")),
    *(lambda a, np, name=name: getattr(np, name)(a, axis=1) for name in ("nanmax", "nanmin")),
    lambda a, np: np.nanmedian(a),
    lambda a, np: np.nanargmin(a),
]
OF_HOLES_BY_PYGRAD = [
    lambda a, np: np.nanmedian(a, axis=0),
    lambda a, np: np.nan_to_num((a - 2.5) * 1e308 * 1e10),
    lambda a, np: np.nan_to_num((a - 2.5) * 1e308 * 1e10, nan=1.0, posinf=7.0, neginf=5.0),
    lambda a, np: np.nanpercentile(a, 30),
    lambda a, np: np.nanquantile(a, [0.2, 0.5], axis=1),
    lambda a, np: np.nanpercentile(a, [20], axis=0),
]


def numbers(found):
    flat = np.array(found, dtype=object).ravel().tolist()
    return np.shape(found), [v.data if isinstance(v, Value) else v for v in flat]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("f", [*OF_HOLES, *OF_HOLES_BY_PYGRAD])
def test_what_leaves_nan_out_sees_it_among_values(f):
    if f in OF_HOLES_BY_PYGRAD:  # NumPy's own ask v != v, which is of numbers in transforms alone
        values = pnp.array([[Value(x) for x in row] for row in HOLES])
        (shape, expected), (found_shape, found) = numbers(f(HOLES, np)), numbers(f(values, pnp))
        assert found_shape == shape
        assert found == pytest.approx(expected, rel=1e-14)
    for g in (grad, lambda h: compile(grad(h)), lambda h: lambda x: vmap(grad(h))(x[None])[0]):
        slopes = g(lambda a: np.sum(f(a, np) * 1.0))(HOLES)
        assert math.isfinite(slopes[1, 2])


def test_nan_to_num_of_one_value_and_in_place():
    assert pnp.nan_to_num(Value(math.nan)).data == 0.0
    assert grad(lambda x: np.nan_to_num(x * x))(3.0) == 6.0
    assert grad(lambda x: np.nan_to_num(np.log(x)))(0.5) == 2.0
    array = pnp.array([Value(math.nan), Value(2.0)])
    assert np.nan_to_num(array, copy=False) is array
    assert [v.data for v in array] == [0.0, 2.0]
