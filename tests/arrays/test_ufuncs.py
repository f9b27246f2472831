"""NumPy's ufuncs of Values: every one of the installed NumPy has its place."""

from __future__ import annotations

import math
import pickle
import warnings

import numpy as np
import pytest

from pygrad import TraceError, compile, grad, vmap
from pygrad.arrays.array import ValueArray

UFUNCS = {item.__name__: item for item in vars(np).values() if isinstance(item, np.ufunc)}

# What floats have none of, either.
REFUSED = {
    "bitwise_and", "bitwise_count", "bitwise_or", "bitwise_xor", "gcd", "invert", "isnat", "lcm",
    "left_shift", "right_shift",
}  # fmt: skip
PRODUCTS = {"matmul", "matvec", "vecmat", "vecdot"}
# Whose slopes are 0, or are not those of a difference quotient at the points below.
STEPS = {"floor_divide", "heaviside", "spacing", "frexp", "ldexp", "nextafter"}
POINTS = {"arccosh": (1.5, 2.5), "power": (1.5, 2.0)}
SUPPORTED = sorted(set(UFUNCS) - REFUSED - PRODUCTS)


def points(name):
    return POINTS.get(name, (0.25, 0.75))


def second_of(name, x):
    """A second operand: a whole number where the first is a power or is to be scaled."""
    return 2 if name in {"power", "ldexp"} else x


def close(found, expected):
    assert found == pytest.approx(expected, rel=1e-14, abs=1e-300, nan_ok=True)


def data(result):
    """Numbers of what a ufunc gives, be it one of several or a tuple of such."""
    if isinstance(result, tuple):
        return [number for part in result for number in data(part)]
    flat = np.asarray(result, dtype=object).ravel().tolist()
    return [
        getattr(item, "data", item) if not isinstance(item, np.generic) else item for item in flat
    ]


def test_a_ufunc_is_refused_with_its_cure_or_takes_values(impl):
    v = impl.Value(2.0)
    for name in REFUSED & set(UFUNCS):
        with pytest.raises(TypeError, match=rf"numpy\.{name} .*(int\(v\)|v\.data)"):
            UFUNCS[name](*[v] * UFUNCS[name].nin)
    for name in PRODUCTS & set(UFUNCS):
        assert UFUNCS[name].signature


@pytest.mark.parametrize("name", SUPPORTED)
def test_a_value_an_array_and_a_mixture(impl, name):
    ufunc = UFUNCS[name]
    x, y = points(name)
    second = (second_of(name, y),) * (ufunc.nin - 1)
    expected = [ufunc(x, *second), ufunc(y, *second)]
    values = [impl.Value(x), impl.Value(y)]
    for v, number in zip(values, expected, strict=True):
        close(data(ufunc(v, *second)), data(number))
    whole = [ufunc(np.array([x, y]), *second)]
    for array in (
        np.stack(values),
        np.where([True, True], np.stack(values), 0.0),
        np.where([True, False], np.stack(values), y),
    ):
        assert type(array) is ValueArray
        result = ufunc(array, *second)
        close(data(result), data(whole[0]))
        for part in result if isinstance(result, tuple) else (result,):
            assert part.dtype == (
                bool if whole[0] is not result and _is_answer(whole[0]) else object
            )
    if ufunc.nin == 2 and name not in {"power", "ldexp"}:
        close(data(ufunc(x, np.stack(values))), data(ufunc(x, np.array([x, y]))))
        close(data(ufunc(x, values[1])), data(ufunc(x, y)))
        close(data(ufunc(np.array([x, y]), values[1])), data(ufunc(np.array([x, y]), y)))


def _is_answer(result):
    return not isinstance(result, tuple) and result.dtype == bool


@pytest.mark.parametrize("name", [n for n in SUPPORTED if n not in STEPS])
def test_slopes_in_each_way_of_running(name):
    ufunc = UFUNCS[name]
    x, y = points(name)

    def f(a):
        result = ufunc(*[a, second_of(name, 0.4)][: ufunc.nin])
        return np.sum((result[-1] if isinstance(result, tuple) else result) * 1.0) + 0.0 * a[0]

    at = np.array([x + 0.02, y + 0.06])
    step = 1e-6  # no multiple of 0.4 is as near
    quotients = [
        (float(f(at + step * unit)) - float(f(at - step * unit))) / (2 * step) for unit in np.eye(2)
    ]
    assert grad(f)(at) == pytest.approx(quotients, rel=1e-7, abs=1e-7)
    assert compile(grad(f))(at) == pytest.approx(grad(f)(at), rel=1e-13, abs=1e-13)
    rows = np.array([at, at + 0.01, at + 0.03])
    found = vmap(f)(rows)
    assert found == pytest.approx([float(f(row)) for row in rows], rel=1e-13)


@pytest.mark.parametrize("name", sorted(set(UFUNCS) & set(SUPPORTED)))
def test_plain_arrays_of_objects_as_numpy_loops_over_them(impl, name):
    """NumPy asks nobody there; where it has a loop, that calls a method of its name."""
    ufunc = UFUNCS[name]
    if not any("O" in kinds for kinds in ufunc.types) or name in {"logical_and", "logical_or"}:
        return  # NumPy has no loop over objects, or one that gives what Python's own word gives
    values = np.array([impl.Value(x) for x in points(name)])
    assert type(values) is np.ndarray
    second = (np.array([second_of(name, 0.5)] * 2, dtype=object),) * (ufunc.nin - 1)
    close(
        data(ufunc(values, *second)),
        data(ufunc(np.array(points(name)), *(s.astype(float) for s in second))),
    )


# -- what is made of them ---------------------------------------------------------------------------


def test_reductions_and_their_like(impl):
    values = [impl.Value(x) for x in (1.0, -2.0, 4.0, 0.5)]
    array = np.stack(values)
    numbers = np.array([1.0, -2.0, 4.0, 0.5])
    grid, plain = array.reshape(2, 2), numbers.reshape(2, 2)
    for found, expected in [
        (np.maximum.reduce(array), 4.0),
        (grid.max(), 4.0),
        (grid.max(axis=1), plain.max(axis=1)),
        (grid.sum(), 3.5),
        (grid.sum(axis=0), plain.sum(axis=0)),
        (np.add.accumulate(array), np.cumsum(numbers)),
        (np.logaddexp.reduce(array), np.logaddexp.reduce(numbers)),
        (np.multiply.outer(array, numbers), np.multiply.outer(numbers, numbers)),
        (np.hypot.outer(numbers, array), np.hypot.outer(numbers, numbers)),
        (np.add.reduceat(array, [0, 2]), np.add.reduceat(numbers, [0, 2])),
        (np.min(grid, axis=0, keepdims=True), plain.min(axis=0, keepdims=True)),
        (np.sum(grid, where=[[True, False], [True, True]]), 5.5),
        (np.sum(grid, initial=1.0), 4.5),
    ]:
        close(data(found), data(expected))
    assert np.any(array > 3) and not np.all(array > 3)


def test_the_truth_that_numpy_asks_for_is_the_number_s(impl):
    array = np.stack([impl.Value(0.0), impl.Value(2.0)])
    assert np.any(array) and not np.all(array)
    assert np.count_nonzero(array) == 1
    assert [list(part) for part in np.nonzero(array)] == [[1]]
    assert list(np.logical_and(array, 1.0)) == [False, True]
    assert list(np.logical_not(array)) == [True, False]
    assert list(np.logical_xor(array, [1.0, 1.0])) == [True, False]


def test_ties_share_the_slope():
    assert list(grad(lambda x: np.maximum(x[0], x[1]))(np.array([1.0, 1.0]))) == [0.5, 0.5]
    assert list(grad(np.max)(np.array([1.0, 3.0]))) == [0.0, 1.0]


def test_the_largest_takes_no_path_of_its_own():
    f = compile(np.max)
    for row in ([1.0, 2.0, 3.0], [3.0, 1.0, 2.0], [2.0, 3.0, 1.0]):
        assert f(np.array(row)) == 3.0
    assert len(f.programs) == 1


def test_numpys_numbers_of_each_kind_beside_a_value(impl):
    v = impl.Value(2.0)
    for kind in (np.float64, np.float32, np.float16, np.longdouble, np.int8, np.uint64, np.bool_):
        one = kind(1)
        for made in (
            one * v,
            np.multiply(one, v),
            np.arctan2(one, v) * 0.0 + 2.0,
            np.array(one) * v,
        ):
            assert (type(made), made.data) == (impl.Value, 2.0)
        assert (one == v) is False or (one == v) == np.False_


def test_a_function_of_objects_made_by_numpy(impl):
    double = np.frompyfunc(lambda x: x * 2, 1, 1)
    assert double(impl.Value(2.0)).data == 4.0
    assert [v.data for v in double(np.stack([impl.Value(2.0), 3.0]))] == [4.0, 6.0]


def test_scipys_ufuncs(impl):
    special = pytest.importorskip("scipy.special")
    v = impl.Value(0.4)
    names = ("erf", "erfc", "erfcx", "erfinv", "ndtr", "log_ndtr", "ndtri", "gamma", "gammaln")
    for name in (*names, "digamma", "psi", "expit"):
        assert getattr(special, name)(v).data == pytest.approx(
            getattr(special, name)(0.4), rel=1e-14
        )
    with pytest.raises(TypeError, match=r"'i0'.*Value\(data, children, local_grads\)"):
        special.i0(v)


# -- what cannot be -------------------------------------------------------------------------------


def test_an_array_of_floats_takes_no_values_and_says_so(impl):
    a, v = np.zeros(2), impl.Value(1.0)
    with pytest.raises(TypeError, match="dtype=object"):
        a += v
    with pytest.raises(TypeError, match="dtype=object"):
        a *= np.stack([v, v])
    with pytest.raises(TypeError, match="dtype=object"):
        np.exp(v, out=a)
    with pytest.raises(TypeError, match="dtype=object"):
        np.copyto(a, np.stack([v, v]))
    with pytest.raises(TypeError, match="dtype=object"):
        a[0] = v
    with pytest.raises(TypeError, match="dtype=object"):
        a[0] += v
    assert list(a) == [0.0, 0.0]
    b = np.zeros(2, dtype=object)
    b += v
    b[0] += v
    assert [x.data for x in b] == [2.0, 1.0]


def test_powers_with_an_exponent_that_is_a_value():
    with pytest.raises(TypeError, match=r"pygrad\.math\.pow"):
        grad(lambda x: np.sum(2.0**x))(np.array([1.0, 2.0]))
    found = grad(lambda x: np.sum(np.float_power(2.0, x)))(np.array([1.0, 2.0]))
    assert found == pytest.approx([2 * math.log(2), 4 * math.log(2)])


def test_domain_errors_are_those_of_values_in_eager_code_and_numpys_in_maps(impl):
    with pytest.raises(ValueError, match="domain"):
        np.log(np.stack([impl.Value(-1.0), 1.0]))
    with pytest.raises(ValueError, match="domain"):
        np.fmod(impl.Value(1.0), 0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = vmap(lambda x: np.log(x))(np.array([[-1.0, 1.0], [1.0, math.e]]))
    assert np.isnan(found[0, 0]) and found[1, 1] == 1.0


def test_numbers_of_a_trace_do_not_leave_it():
    def f(x):
        return np.zeros(2) + np.array(x, dtype=float)

    with pytest.raises((TypeError, TraceError), match="float"):
        compile(f)(np.array([1.0, 2.0]))


# -- arrays as objects ------------------------------------------------------------------------------


def test_arrays_of_values_stay_such(impl):
    array = np.zeros(3) + impl.Value(1.0)
    assert type(array) is ValueArray
    for part in (array[1:], array.reshape(3, 1), array.copy(), -array, array.T, np.ravel(array)):
        assert type(part) is ValueArray
    assert type(array[0]) is impl.Value
    assert [x is y for x, y in zip(array, array.tolist(), strict=True)] == [True] * 3
    rows = list(array.reshape(3, 1))
    assert [row.shape for row in rows] == [(1,)] * 3
    again = pickle.loads(pickle.dumps(np.stack([impl.Value(1.0), impl.Value(2.0)])))
    assert type(again) is ValueArray and again[0].data == 1.0
    assert type(array > 0) is np.ndarray and (array > 0).dtype == bool


def test_what_combines_values_and_numbers_holds_values(impl):
    v = impl.Value(2.0)
    array = np.stack([v, v])
    for made in (
        np.where([True, False], array, 0.0),
        np.concatenate([array, [1.0]]),
        np.append(array, 1.0),
        np.insert(array, 0, 1),
        np.pad(array, 1),
        np.hstack([v, 1.0]),
        np.r_[array, 1.0],
        np.select([[True, False]], [array], 3.0),
        np.diag(array),
    ):
        assert {type(item) for item in made.ravel().tolist()} == {impl.Value}
    assert np.where(True, v, 0.0) is v or np.where(True, v, 0.0).data == 2.0
