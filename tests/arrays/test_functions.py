"""NumPy's functions of arrays of Values: numbers are NumPy's, slopes are those of differences."""

from __future__ import annotations

import numpy as np
import pytest
from numpy import linalg as la

import pygrad
import pygrad.numpy
from pygrad import TraceError, Value, compile, grad, lift, value_and_grad, vmap
from pygrad.arrays.array import ValueArray

X = np.array([0.3, 1.7, 0.9, 2.2])
W = np.array([0.3, -1.2, 0.7, 0.5])
b = np.array([1.0, 2.0, 3.0])
M = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 5.0]])
ROWS = np.abs(np.random.default_rng(3).normal(size=(12, 4))) * 1.2 + 0.05


def mat(x):
    return M + x[0] * np.outer(b, b) * 0.1 + np.diag(x[1:])


def after(change, y, result):
    """What a function gives once something is done to an array in its place."""
    change(y)
    return result(y)


FUNCTIONS = {
    "exp_where": lambda x: np.sum(np.exp(np.where(x > 1, x, 0.0))),
    "atan2a": lambda x: np.sum(np.arctan2(1.0, x)),
    "atan2b": lambda x: np.sum(np.arctan2(x, 1.0)),
    "atan2s": lambda x: np.arctan2(1.0, x[0]) + np.arctan2(x[0], 2.0),
    "max": lambda x: np.max(x) * np.min(x),
    "maximum": lambda x: np.sum(np.maximum(x, 1.0) * np.minimum(1.0, x) * W),
    "clip": lambda x: np.sum(np.clip(x, 0.5, 2.0) * W),
    "clipm": lambda x: (x.clip(0.5, 2.0) * W).sum(),
    "clip1": lambda x: (np.clip(x, None, 2.0) * W).sum(),
    "clips": lambda x: np.clip(x[0], 0.0, 1.0),
    "var": np.var,
    "std": np.std,
    "std1": lambda x: np.std(x, ddof=1),
    "varm": lambda x: x.var(),
    "stdm": lambda x: x.std(),
    "mean": np.mean,
    "meanm": lambda x: x.mean(),
    "average": lambda x: np.average(x, weights=[1, 2, 3, 4]),
    "averagex": lambda x: np.average(W, weights=x),
    "median": lambda x: np.median(x),
    "median3": lambda x: np.median(x[:3]),
    "percentile": lambda x: np.percentile(x, 30),
    "percs": lambda x: np.sum(np.percentile(x, [10, 30])),
    "quantile": lambda x: np.quantile(x, 0.7),
    "interp": lambda x: np.sum(np.interp(x, [0, 1, 2, 3], [1, 3, 2, 5.0])),
    "interpf": lambda x: np.sum(np.interp([0.5, 1.5], [0, 1, 2, 3.0], x)),
    "interps": lambda x: np.interp(x[0], [0, 1.0], [0, 2.0]),
    "interpxp": lambda x: np.interp(0.5, np.sort(x), W),
    "polyval": lambda x: np.polyval(x, 1.3),
    "polyval2": lambda x: np.sum(np.polyval([1, 2.0, 3], x)),
    "polyfit": lambda x: np.sum(np.polyfit([0, 1, 2, 3.0], x, 2)),
    "polyfitx": lambda x: np.sum(np.polyfit(x, W, 1)),
    "gradient": lambda x: np.sum(np.gradient(x) * W),
    "gradientd": lambda x: np.sum(np.gradient(x, 0.5) * W),
    "gradx": lambda x: np.sum(np.gradient(W, np.cumsum(x)) * W),
    "diff": lambda x: np.sum(np.diff(x) ** 2),
    "cumsum": lambda x: np.sum(np.cumsum(x) * W),
    "cumprod": lambda x: np.sum(np.cumprod(x) * W),
    "dot": lambda x: np.dot(x, W),
    "dot2": lambda x: np.dot(W, x),
    "at": lambda x: W @ x,
    "inner": lambda x: np.inner(x, x),
    "outer": lambda x: np.sum(np.outer(x, W) ** 2),
    "tensordot": lambda x: np.tensordot(x.reshape(2, 2), W.reshape(2, 2)),
    "einsum": lambda x: np.einsum("i,i->", x, W),
    "einsum2": lambda x: np.sum(np.einsum("ij,jk->ik", x.reshape(2, 2), W.reshape(2, 2))),
    "vdot": lambda x: np.vdot(x, W),
    "kron": lambda x: np.sum(np.kron(x, W) ** 2),
    "trapezoid": lambda x: np.trapezoid(x),
    "trapezoidx": lambda x: np.trapezoid(W, x),
    "convolve": lambda x: np.sum(np.convolve(x, W) ** 2),
    "correlate": lambda x: np.sum(np.correlate(x, W, "full") ** 2),
    "cross": lambda x: np.sum(np.cross(x[:3], b) ** 2),
    "prod": np.prod,
    "ptp": np.ptp,
    "norm": la.norm,
    "norm1": lambda x: la.norm(x, 1),
    "norminf": lambda x: la.norm(x, np.inf),
    "normax": lambda x: np.sum(la.norm(x.reshape(2, 2), axis=1)),
    "norm3": lambda x: la.norm(x, 3),
    "fro": lambda x: la.norm(x.reshape(2, 2)),
    "solve": lambda x: np.sum(la.solve(mat(x), b)),
    "inv": lambda x: np.sum(la.inv(mat(x)) * M),
    "det": lambda x: la.det(mat(x)),
    "slogdet": lambda x: la.slogdet(mat(x))[1],
    "slogdet2": lambda x: la.slogdet(mat(x)).logabsdet,
    "chol": lambda x: np.sum(la.cholesky(mat(x))),
    "lstsq": lambda x: np.sum(la.lstsq(np.vander(x, 2), W, rcond=None)[0]),
    "mpow": lambda x: np.sum(la.matrix_power(mat(x), 3)),
    "mpow-": lambda x: np.sum(la.matrix_power(mat(x), -1)),
    "multi_dot": lambda x: la.multi_dot([mat(x), mat(x), b])[0],
    "trace": lambda x: np.trace(mat(x)),
    "pinv": lambda x: np.sum(la.pinv(mat(x))),
    "sort": lambda x: np.sum(np.sort(x) * W),
    "argsort": lambda x: np.sum(x[np.argsort(x)] * W),
    "concat": lambda x: np.sum(np.exp(np.concatenate([x, [1.0, 2.0]]))),
    "stack": lambda x: np.sum(np.exp(np.stack([x[0], 1.0]))),
    "hstack": lambda x: np.sum(np.exp(np.hstack([x[0], 1.0]))),
    "vstack": lambda x: np.sum(np.exp(np.vstack([x, W]))),
    "append": lambda x: np.sum(np.exp(np.append(x, 1.0))),
    "insert": lambda x: np.sum(np.exp(np.insert(x, 0, 1.0))),
    "pad": lambda x: np.sum(np.exp(np.pad(x, 2))),
    "roll": lambda x: np.sum(np.roll(x, 1) * W),
    "flip": lambda x: np.sum(np.flip(x) * W),
    "tile": lambda x: np.sum(np.tile(x, 2)),
    "repeat": lambda x: np.sum(np.repeat(x, 2)),
    "block": lambda x: np.sum(np.exp(np.block([[x], [W]]))),
    "column_stack": lambda x: np.sum(np.exp(np.column_stack([x, W]))),
    "r_": lambda x: np.sum(np.exp(np.r_[x, 1.0])),
    "c_": lambda x: np.sum(np.exp(np.c_[x, W])),
    "meshgrid": lambda x: np.sum(np.meshgrid(x, W)[0] ** 2),
    "diag": lambda x: np.sum(np.exp(np.diag(x))),
    "tril": lambda x: np.sum(np.exp(np.tril(x.reshape(2, 2)))),
    "eye*": lambda x: np.sum(np.exp(np.eye(4) * x)),
    "select": lambda x: np.sum(np.exp(np.select([x < 1, x < 2], [x, x**2], 0.0))),
    "piecewise": lambda x: np.sum(
        np.piecewise(x, [x < 1, x >= 1], [lambda t: t**2, lambda t: 3 * t])
    ),
    "choose": lambda x: np.sum(np.choose([0, 1, 0, 1], [x, W])),
    "linspace": lambda x: np.sum(np.linspace(0, x[0], 5) ** 2),
    "linspace2": lambda x: np.sum(np.linspace(x[0], 1, 5) ** 2),
    "logspace": lambda x: np.sum(np.logspace(0, x[0], 3)),
    "geomspace": lambda x: np.sum(np.geomspace(1.0, x[0], 3)),
    "zeros_like": lambda x: (
        after(lambda y: y.__setitem__(0, x[0]), np.zeros_like(x), np.sum) + x[1]
    ),
    "full": lambda x: np.sum(np.full(3, x[0])),
    "full_like": lambda x: np.sum(np.full_like(x, x[0])),
    "ones_like": lambda x: np.sum(np.exp(np.ones_like(x) * x)),
    "nan_to_num": lambda x: np.sum(np.nan_to_num(x)),
    "nansum": lambda x: np.nansum(x**2),
    "nanmean": lambda x: np.nanmean(x**2),
    "nanmax": lambda x: np.nanmax(x**2),
    "nanstd": lambda x: np.nanstd(x**2),
    "sinc": lambda x: np.sum(np.sinc(x)),
    "unwrap": lambda x: np.sum(np.unwrap(x * 3)),
    "heaviside": lambda x: np.sum(np.heaviside(x - 1, 0.5) * x),
    "angle": lambda x: np.sum(np.angle(x)),
    "real": lambda x: np.sum(np.real(x) ** 2),
    "round": lambda x: np.sum(np.round(x, 1)),
    "around": lambda x: np.sum(x.round() * x),
    "fix": lambda x: np.sum(np.fix(x) * x),
    "isclose": lambda x: np.sum(np.where(np.isclose(x, 0.3), x, 2 * x)),
    "allclose": lambda x: x[0] if np.allclose(x, x) else x[1],
    "array_equal": lambda x: x[0] if np.array_equal(x, x) else x[1],
    "any": lambda x: x[0] if np.any(x > 2) else x[1],
    "isnan": lambda x: np.sum(x[~np.isnan(x)]),
    "mask": lambda x: np.sum(x[x > 1]),
    "isfinite_s": lambda x: x[0] if np.isfinite(x[0]) else 0.0,
    "cov": lambda x: np.cov(x, W)[0, 1],
    "corrcoef": lambda x: np.corrcoef(x, W)[0, 1],
    "covm": lambda x: np.sum(np.cov(np.vstack([x, W]))),
    "apply": lambda x: np.sum(np.apply_along_axis(np.sum, 0, x.reshape(2, 2))),
    "vectorize": lambda x: np.sum(np.vectorize(lambda t: t**2)(x)),
    "searchsorted": lambda x: W[np.searchsorted([0.0, 1.0, 2.0, 3], x) - 1] @ x,
    "digitize": lambda x: W[np.digitize(x, [1.0, 2.0])] @ x,
    "bincount": lambda x: np.sum(np.bincount([0, 1, 1, 0], weights=x) ** 2),
    "add.at": lambda x: after(
        lambda y: np.add.at(y, [0, 0, 1, 1], x), np.zeros(2, dtype=object), lambda y: np.sum(y**2)
    ),
    "add.reduceat": lambda x: np.sum(np.add.reduceat(x, [0, 2]) ** 2),
    "outerm": lambda x: np.sum(np.multiply.outer(x, x)),
    "logaddexp.reduce": lambda x: np.logaddexp.reduce(x),
    "hypot": lambda x: np.sum(np.hypot(x, 1.0)),
    "hypot2": lambda x: np.sum(np.hypot(1.0, x)),
    "pow": lambda x: np.sum(np.power(x, 2)),
    "float_power": lambda x: np.sum(np.float_power(2.0, x)),
    "fmod": lambda x: np.sum(np.fmod(x, 0.7) * W),
    "modf": lambda x: np.sum(np.modf(x)[0] * x),
    "divmod": lambda x: np.sum(np.divmod(x, 0.7)[1] * x),
    "copysign": lambda x: np.sum(np.copysign(x, W)),
    "square": lambda x: np.sum(np.square(x)),
    "cbrt": lambda x: np.sum(np.cbrt(x)),
    "deg2rad": lambda x: np.sum(np.deg2rad(x) ** 2),
    "logaddexp": lambda x: np.sum(np.logaddexp(x, 1.0)),
    "logaddexp2": lambda x: np.sum(np.logaddexp2(1.0, x)),
    "max2d": lambda x: np.max(x.reshape(2, 2)),
    "maxax": lambda x: np.sum(np.max(x.reshape(2, 2), axis=0)),
    "argmax": lambda x: x[np.argmax(x)],
    "iadd": lambda x: after(lambda y: y.__iadd__(W), x.copy(), lambda y: np.sum(y**2)),
    "asarray": lambda x: np.sum(np.exp(np.asarray(x))),
    "array": lambda x: np.sum(np.exp(np.array([x[0], x[1]]))),
    "poly1d": lambda x: np.poly1d(x)(1.3),
    "Poly": lambda x: np.polynomial.Polynomial(x)(1.3),
    "polypolyval": lambda x: np.polynomial.polynomial.polyval(1.3, x),
    "polyder": lambda x: np.polyval(np.polyder(x), 1.2),
    "polyint": lambda x: np.polyval(np.polyint(x), 1.2),
    "polymul": lambda x: np.sum(np.polymul(x, W)),
    "count_nonzero": lambda x: x[0] * np.count_nonzero(x),
    "nonzero": lambda x: np.sum(x[np.nonzero(x - 5.0)]),
    "unique": lambda x: np.sum(np.unique(x) * W),
    "lexsort": lambda x: np.sum(x[np.lexsort((x,))] * W),
    "partition": lambda x: np.partition(x, 1)[0],
    "take": lambda x: np.sum(np.take(x, [0, 1]) ** 2),
    "compress": lambda x: np.sum(np.compress([1, 0, 1, 0], x)),
    "extract": lambda x: np.sum(np.extract(x > 1, x)),
    "place": lambda x: after(
        lambda y: np.place(y, y > 1, 0.0), x.copy(), lambda y: np.sum(np.exp(y))
    ),
    "putmask": lambda x: after(
        lambda y: np.putmask(y, [True, False, False, False], 0.0),
        x.copy(),
        lambda y: np.sum(np.exp(y)),
    ),
    "nditer": lambda x: sum(a**2 for a in x.flat),
    "moveaxis": lambda x: np.sum(np.moveaxis(x.reshape(2, 2), 0, 1) @ b[:2]),
    "T": lambda x: np.sum(x.reshape(2, 2).T @ b[:2]),
    "swap": lambda x: np.sum(np.swapaxes(x.reshape(2, 2), 0, 1) @ b[:2]),
    "expand": lambda x: np.sum(np.expand_dims(x, 0)),
    "split": lambda x: np.sum(np.split(x, 2)[0]),
    "broadcast_to": lambda x: np.sum(np.broadcast_to(x, (2, 4))),
    "trim": lambda x: np.sum(np.triu(x.reshape(2, 2))),
    "rot90": lambda x: np.sum(np.rot90(x.reshape(2, 2)) @ b[:2]),
    "fmax": lambda x: np.sum(np.fmax(x, 1.0)),
    "ldexp": lambda x: np.sum(np.ldexp(x, 2)),
    "frexp": lambda x: np.sum(np.frexp(x)[0]),
    "tolist": lambda x: sum(x.tolist()),
    "min_s": lambda x: min(x),
    "npmaxs": lambda x: np.maximum(x[0], x[1]),
    "sum_list": lambda x: np.sum([x[0], x[1]]),
    "mean_list": lambda x: np.mean([x[0], x[1], 1.0]),
    "std_list": lambda x: np.std([x[0], x[1], 1.0]),
    "max_list": lambda x: np.max([x[0], x[1], 1.0]),
    "norm_list": lambda x: la.norm([x[0], x[1], 1.0]),
    "dot_list": lambda x: np.dot([x[0], x[1], 1.0], [1.0, 2, 3]),
    "where_s": lambda x: np.where(x[0] > 0, x[0], 1.0),
    "where_s2": lambda x: np.where(x[0] > 0, x[0], 1.0) * 2.0,
    "matrix_norm": lambda x: la.matrix_norm(mat(x)),
    "vector_norm": lambda x: la.vector_norm(x),
    "linalg.cross": lambda x: np.sum(la.cross(x[:3], b) ** 2),
    "linalg.outer": lambda x: np.sum(la.outer(x, x)),
    "diagonal": lambda x: np.sum(la.diagonal(mat(x))),
    "ediff1d": lambda x: np.sum(np.ediff1d(x) ** 2),
    "nancumsum": lambda x: np.sum(np.nancumsum(x)),
    "amax": np.amax,
    "spacing": lambda x: np.sum(np.spacing(x)),
    "rms": lambda x: np.sqrt(np.mean(np.square(x))),
}


LATER = {
    "einsum",
    "einsum2",
    "slogdet2",
    "trapezoid",
    "trapezoidx",
    "matrix_norm",
    "vector_norm",
    "linalg.cross",
    "linalg.outer",
    "diagonal",
}


def quotients(f, x, h=1e-6):
    made = np.zeros(len(x))
    for i, step in enumerate(h * np.eye(len(x))):
        made[i] = (float(f(x + step)) - float(f(x - step))) / (2 * h)
    return made


@pytest.mark.filterwarnings("ignore:numpy.fix is deprecated:DeprecationWarning")
@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_of_an_array(name):
    f = FUNCTIONS[name]
    if name in LATER and not hasattr(np, "trapezoid"):
        pytest.skip("NumPy 1 has no such function")
    value, slope = value_and_grad(f)(X)
    assert value == pytest.approx(float(f(X)), rel=1e-12)
    assert slope == pytest.approx(quotients(f, X), rel=1e-5, abs=1e-6)
    compiled = compile(value_and_grad(f))(X)
    assert compiled[0] == pytest.approx(value, rel=1e-13)
    assert compiled[1] == pytest.approx(slope, rel=1e-12, abs=1e-12)
    assert vmap(f)(ROWS) == pytest.approx([float(f(row)) for row in ROWS], rel=1e-12)


# -- what differs from NumPy's functions by its arguments -----------------------------------------------


def numbers(result):
    return [x.data if isinstance(x, Value) else x for x in np.ravel(result).tolist()]


@pytest.mark.parametrize(
    "options", [{}, {"axis": 0}, {"axis": 1}, {"axis": -1, "edge_order": 2}, {"edge_order": 2}]
)
@pytest.mark.parametrize("steps", [(), (0.5,), (0.5, 2.0), ([0.0, 1.0, 3.0], [0.0, 0.5, 2.0, 2.5])])
def test_gradients_of_tables(options, steps):
    if "axis" in options:
        steps = steps[: 1 if len(steps) < 2 else 0]
    table = np.random.default_rng(1).normal(size=(3, 4))
    expected = np.gradient(table, *steps, **options)
    found = np.gradient(Value(1.0) * table, *steps, **options)
    for part, truth in zip(found, expected, strict=True):
        assert numbers(part) == pytest.approx(np.ravel(truth).tolist(), rel=1e-12)


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("keepdims", [False, True])
def test_quantiles_along_axes(axis, keepdims):
    table = np.random.default_rng(1).normal(size=(3, 4))
    of_values = table * Value(1.0)
    options = {"axis": axis, "keepdims": keepdims}
    for function, more in [
        (np.median, ()), (np.quantile, (0.3,)), (np.percentile, ([10, 50, 100],)),
        (np.quantile, ([[0.1, 1.0]],)),
    ]:  # fmt: skip
        expected = function(table, *more, **options)
        found = function(of_values, *more, **options)
        assert np.shape(found) == np.shape(expected)
        assert numbers(found) == pytest.approx(np.ravel(expected).tolist(), rel=1e-12)


def test_quantiles_where_there_is_a_nan():
    for function in (np.median, lambda x: np.quantile(x, 0.5)):
        assert np.isnan(value_and_grad(function)(np.array([1.0, np.nan, 2.0]))[0])


@pytest.mark.parametrize(
    "options", [{}, {"num": 1}, {"num": 0}, {"endpoint": False}, {"retstep": True}, {"axis": -1}]
)
@pytest.mark.parametrize("ends", [(0.5, 3.0), (2.0, [1.0, 5.0]), ([[1.0, 2.0]], 0.0)])
def test_numbers_between_two(ends, options):
    first, last = ends
    options = {"num": 5, **options}
    expected = np.linspace(first, last, **options)
    found = np.linspace(Value(1.0) * np.array(first), last, **options)
    for part, truth in zip(
        *((x if options.get("retstep") else (x,)) for x in (found, expected)), strict=True
    ):
        assert np.shape(part) == np.shape(truth)
        assert numbers(part) == pytest.approx(np.ravel(truth).tolist(), rel=1e-14, nan_ok=True)


@pytest.mark.parametrize("options", [{}, {"left": -1.0}, {"right": -2.0}, {"period": 2.5}])
def test_interpolation_beyond_the_ends_and_on_circles(options):
    places, heights = [0.0, 1.0, 2.0], [1.0, 3.0, 2.0]
    for x in (-0.7, 0.0, 0.3, 1.0, 1.9, 2.0, 2.2, 7.1):
        expected = np.interp(x, places, heights, **options)
        assert np.interp(Value(x), places, heights, **options).data == pytest.approx(
            expected, rel=1e-12
        )
        of_values = np.stack([Value(y) for y in heights])
        assert numbers(np.interp(x, places, of_values, **options)) == pytest.approx(
            [expected], rel=1e-12
        )


@pytest.mark.parametrize("options", [{}, {"w": [1.0, 2.0, 1.0, 0.5]}])
def test_polynomials_that_fit(options):
    x, y = np.array([0.0, 1.0, 2.0, 4.0]), np.array([1.0, 0.0, 2.0, 5.0])
    for sides in (y, np.stack([y, y**2], axis=1)):
        found = np.polyfit(x, sides * Value(1.0), 2, **options)
        assert numbers(found) == pytest.approx(np.polyfit(x, sides, 2, **options).ravel().tolist())
    found, spread = np.polyfit(x, y * Value(1.0), 1, cov=True, **options)
    expected, truth = np.polyfit(x, y, 1, cov=True, **options)
    assert numbers(found) == pytest.approx(expected.tolist())
    assert numbers(spread) == pytest.approx(truth.ravel().tolist())
    with pytest.raises(TypeError, match="singular values"):
        np.polyfit(x, y * Value(1.0), 1, full=True)


def test_sinc_has_its_second_derivative_at_0():
    assert pygrad.hessian(np.sinc)(0.0) == pytest.approx(-(np.pi**2) / 3)
    assert pygrad.hessian(np.sinc)(1e-3) == pytest.approx(-(np.pi**2) / 3, rel=1e-4)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: la.eigvalsh(mat(x)),
        lambda x: la.svd(mat(x)),
        lambda x: np.fft.fft(x),
        lambda x: np.roots(x),
        lambda x: np.histogram(x),
        lambda x: np.i0(x),
        lambda x: np.quantile(x, 0.5, method="hazen"),
        lambda x: np.quantile(W, x[0]),
        lambda x: np.bincount(x),
        lambda x: np.cov(x, aweights=W),
    ],
)
def test_what_cannot_be_is_a_type_error_with_a_reason(call):
    with pytest.raises((TypeError, TraceError), match=r"Value|weights|histogram"):
        grad(lambda x: np.sum(call(x)[0]))(X)


# -- arrays that NumPy makes, and pygrad.numpy ----------------------------------------------------------


def mixed(np, x):
    """A function that puts numbers and Values into arrays as NumPy's users do."""
    turn = np.array([[np.cos(x), -np.sin(x)], [np.sin(x), 2.0]])
    spread = np.exp(np.array([x, 1.0])) @ np.asarray([1.0, 2.0])
    return np.linalg.det(turn) + spread + np.interp(0.5, [0.0, 1.0], [x, 3.0]) + np.var([x, 1.0])


def test_pygrad_numpy_takes_values_in_all_of_them():
    expected = float(mixed(np, 0.7))
    value, slope = value_and_grad(lambda x: mixed(pygrad.numpy, x))(0.7)
    assert value == pytest.approx(expected, rel=1e-14)
    assert slope == pytest.approx(
        quotients(lambda x: mixed(np, x[0]), np.array([0.7]))[0], rel=1e-8
    )
    lifted = lift(lambda x: mixed(np, x))
    assert value_and_grad(lifted)(0.7) == (value, slope)
    assert compile(value_and_grad(lambda x: mixed(pygrad.numpy, x)))(0.7) == pytest.approx(
        (value, slope)
    )
    assert grad(lambda x: pygrad.numpy.sum(pygrad.numpy.power([2.0, 3.0], x)))(
        1.0
    ) == pytest.approx(2 * np.log(2) + 3 * np.log(3))


def test_pygrad_numpy_of_numbers_is_numpy():
    ours = pygrad.numpy
    assert set(np.__all__) - set(ours.__all__) == set()
    assert ours.exp([1.0, 2.0]).tolist() == np.exp([1.0, 2.0]).tolist()
    assert type(ours.array([1.0])) is np.ndarray and ours.pi == np.pi and ours.float64 is np.float64
    assert ours.add.reduce([1.0, 2.0]) == 3.0 and ours.fft is np.fft
    made = ours.array([Value(1.0), 2.0])
    assert type(made) is ValueArray and {type(x) for x in made} == {Value}


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(np.exp(np.array([x, 1.0]))),
        lambda x: la.det(np.array([[x, 1.0], [1.0, 2.0]])),
        lambda x: la.solve(np.array([[x, 1.0], [1.0, 2.0]]), np.ones(2))[0],
        lambda x: np.interp(0.5, [0.0, 1.0], np.array([x, 1.0])),
        lambda x: np.sum(np.isnan(np.array([x, 1.0]))),
    ],
)
@pytest.mark.parametrize("way", [grad, compile, vmap])
def test_numpys_own_errors_get_a_cure(f, way):
    with pytest.raises(TypeError, match=r"import pygrad\.numpy as np.*pygrad\.lift") as caught:
        way(f)(np.array([1.0]) if way is vmap else 1.0)
    assert isinstance(caught.value.__cause__, TypeError)


def test_correlations_of_lists():
    lifted = lift(lambda x: np.corrcoef([x, 1.0, 3.0], [1.0, 2.0, x])[0, 1])
    assert grad(lifted)(2.5) == pytest.approx(
        quotients(lambda x: np.corrcoef([x[0], 1.0, 3.0], [1.0, 2.0, x[0]])[0, 1], np.array([2.5]))[
            0
        ],
        rel=1e-8,
    )


def test_the_type_of_results_is_that_of_objects():
    v = Value(2.0)
    for given in ((v,), (v, float), (np.ones(2), v), (pygrad.numpy.array([v]), 1.0)):
        assert np.result_type(*given).kind == "O"
    f = lift(lambda x: np.asarray([x, 2.0 * x], dtype=np.result_type(x, float)).sum())
    assert (f(1.5), grad(f)(1.5)) == (4.5, 3.0)


def test_so_does_what_it_asks_of_an_average():
    with pytest.raises(AttributeError, match=r"no attribute 'shape'.*import pygrad\.numpy as np"):
        grad(lambda x: np.cov([x, 1.0, 3.0]))(1.0)
    with pytest.raises(AttributeError, match=r"no attribute 'shape'$"):
        grad(lambda x: (1.0).shape)(1.0)


def test_classes_with_rules_of_their_own_go_first():
    class Other:
        def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
            return "theirs"

        def __array_function__(self, func, types, args, kwargs):
            return "theirs"

    v, array = Value(1.0), np.stack([Value(1.0), 2.0])
    for one in (v, array):
        assert np.add(one, Other()) == np.add(Other(), one) == "theirs"
        assert np.stack([one, Other()]) == "theirs"


def test_a_trace_has_no_warnings_of_numpys_own():
    f = vmap(lambda x: np.log(x * 1e308) + np.isnan(x * np.inf), errors="ignore")
    assert np.isnan(f(np.array([[-1.0, 1.0], [0.0, 10.0]]))[0, 0])
    assert not np.any(np.isnan(np.stack([Value(np.nan), 1.0]))[1:])


@pytest.mark.parametrize(
    "bounds", [(-1.0, 1.0), (None, 1), (-1, None), (np.array([-1.0, 0.5]), None)]
)
def test_clip_of_one_value_is_the_op(bounds):
    """nan stays nan, and the program is one."""
    row = compile(lambda x: np.sum(np.clip(x, *bounds) * 2.0))
    x = Value(0.75)
    np.sum(np.clip(x, *bounds)).backward()
    assert x.grad == np.size(bounds[0])
    for number in (0.25, 3.0, -3.0, np.nan):
        expected = np.clip(number, *bounds)
        found = np.ravel(np.clip(Value(number), *bounds))
        assert np.array_equal([v.data for v in found], np.ravel(expected), equal_nan=True)
        assert np.array_equal(row(number), np.sum(expected * 2.0), equal_nan=True)
    assert len(row.programs) == 1
    if bounds[1] is not None:
        assert np.clip(Value(2.0), a_min=bounds[0], a_max=bounds[1]).data == 1.0
