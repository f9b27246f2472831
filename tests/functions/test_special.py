"""pygrad.special: values and derivatives against mpmath, edges against SciPy, programs without guards."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest

from pygrad import Value, check_grad, compile, grad, hessian, special, vmap

mp = mpmath.mp.clone()
mp.dps = 50
inf, nan = math.inf, math.nan

TRUTH: dict[str, Any] = {
    "erf": mp.erf,
    "erfc": mp.erfc,
    "erfcx": lambda x: mp.exp(x * x) * mp.erfc(x),
    "erfinv": mp.erfinv,
    "ndtr": lambda x: mp.erfc(-x / mp.sqrt(2)) / 2,
    "log_ndtr": lambda x: mp.log(mp.erfc(-x / mp.sqrt(2)) / 2),
    "ndtri": lambda y: mp.sqrt(2) * mp.erfinv(2 * y - 1),
    "gamma": mp.gamma,
    "gammaln": lambda x: mp.log(abs(mp.gamma(x))),
    "digamma": lambda x: mp.psi(0, x),
    "expit": lambda x: 1 / (1 + mp.exp(-x)),
    "log_expit": lambda x: -mp.log1p(mp.exp(-x)),
    "logit": lambda p: mp.log(p / (1 - p)),
    "entr": lambda x: -x * mp.log(x),
    "cbrt": mp.cbrt,
    "exprel": lambda x: mp.expm1(x) / x,
    "sinc": lambda x: mp.sin(mp.pi * x) / (mp.pi * x),
}
POINTS: dict[str, tuple[float, ...]] = {
    "erfcx": (-3.0, 0.2, 1.0, 30.0, 1e3),
    "erfinv": (-0.999, 0.2, 0.9),
    "ndtr": (-10.0, -2.0, 0.2, 3.0),
    "log_ndtr": (-10.0, -2.0, 0.2, 3.0, 10.0),
    "ndtri": (1e-10, 0.02, 0.3, 0.999),
    "gamma": (0.3, -2.3, 20.0),
    "gammaln": (0.3, -2.3, 200.0),
    "digamma": (0.3, -2.3, 200.0),
    "expit": (-40.0, 0.3, 40.0),
    "log_expit": (-40.0, 0.3, 40.0),
    "logit": (1e-10, 0.2, 0.5001, 0.9),
    "entr": (1e-10, 0.3, 5.0),
    "cbrt": (0.3, 20.0),
    "exprel": (-3.0, 1e-9, 0.3, 0.99, 1.01, 20.0),
    "sinc": (1e-9, 0.3, 0.49, 0.51, 2.7),
}


@pytest.mark.parametrize("name", TRUTH)
def test_values_and_three_derivatives(name: str) -> None:
    f = getattr(special, name)
    for x in POINTS.get(name, (-2.0, 0.2, 1.5)):
        derivative = f
        with mp.workdps(100 if name in {"ndtr", "log_ndtr"} else 50):  # of which tails take most
            exactly = mp.taylor(TRUTH[name], mp.mpf(x), 3)
        for order in range(4):
            expected = float(exactly[order]) * math.factorial(order)
            assert derivative(x) == pytest.approx(expected, rel=3e-13, abs=1e-300), (x, order)
            derivative = grad(derivative)


BETAS = [(0.3, 30.0), (2.5, 3.5), (0.4, 1e6), (90.0, 100.0), (100.0, 100.0), (1.0, 1e300)]


@pytest.mark.parametrize(("a", "b"), BETAS)
def test_betaln_where_logarithms_cancel(a: float, b: float) -> None:
    def exactly(a: Any, b: Any) -> Any:
        with mp.workdps(400):
            return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(mp.mpf(a) + b)

    assert special.betaln(a, b) == pytest.approx(float(exactly(a, b)), rel=2e-14)
    assert special.betaln(b, a) == pytest.approx(float(exactly(a, b)), rel=2e-14)
    slope = grad(special.betaln)(a, b)
    assert slope == pytest.approx(float(mp.psi(0, a) - mp.psi(0, mp.mpf(a) + b)), rel=1e-12)
    assert special.beta(a, b) == pytest.approx(float(mp.exp(exactly(a, b))), rel=2e-12, abs=1e-320)
    curve = hessian(lambda v: special.betaln(v[0], v[1]))([a, b])
    assert curve[0][1] == pytest.approx(float(-mp.psi(1, mp.mpf(a) + b)), rel=1e-9, abs=1e-300)


def test_polygamma_of_any_order() -> None:
    for n in range(4):
        assert special.polygamma(n, 1.3) == pytest.approx(float(mp.psi(n, 1.3)), rel=1e-14)
        slope = grad(lambda x, n=n: special.polygamma(n, x))(1.3)
        assert slope == pytest.approx(float(mp.psi(n + 1, 1.3)), rel=1e-14)
    program = compile(lambda x: special.polygamma(2, x))
    assert program(1.3) == pytest.approx(float(mp.psi(2, 1.3)), rel=1e-14)
    with pytest.raises(ValueError, match="n >= 0"):
        special.polygamma(-1, 1.3)
    with pytest.raises(TypeError):
        special.polygamma(Value(1.5), 1.3)


EDGES = (0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 3.0, 40.0, -40.0, 300.0, 1e300, -1e300, inf, -inf, nan)


@pytest.mark.parametrize("name", sorted(TRUTH.keys() - {"sinc"}))
def test_plain_numbers_at_edges_as_scipy(name: str) -> None:
    scipy = pytest.importorskip("scipy.special")
    for x in EDGES[: -2 if name == "gammaln" else None]:  # at -inf it is math.lgamma's
        expected = float(getattr(scipy, name)(x))
        given = getattr(special, name)(x)
        assert given == pytest.approx(expected, rel=1e-13, abs=0, nan_ok=True), x


@pytest.mark.parametrize("name", ["beta", "betaln"])
def test_beta_at_poles_as_scipy(name: str) -> None:
    scipy = pytest.importorskip("scipy.special")
    for a in (0.0, -1.0, -2.0, -3.0, -1.5, -0.5, 1e-320, 5e-309, -1e-320):
        for b in (1.0, 1.5, 2.0, 3.0, -0.5, -1.0):
            for x, y in ((a, b), (b, a)):
                found, expected = getattr(special, name)(x, y), float(getattr(scipy, name)(x, y))
                assert found == pytest.approx(expected, rel=1e-13), (name, x, y)


def test_polygamma_and_others_at_poles_as_scipy() -> None:
    scipy = pytest.importorskip("scipy.special")
    for n in range(4):
        for x in (0.0, -0.0, -1.0, 1e-320, -math.inf):
            expected = float(scipy.polygamma(n, x))
            assert special.polygamma(n, x) == pytest.approx(expected, nan_ok=True), (n, x)
    assert special.digamma(1e-320) == special.entr(1e308) == special.entr(inf) == -inf
    assert math.isnan(special.sinc(inf)) and math.isnan(special.sinc(-inf))


@pytest.mark.parametrize("name", ["xlogy", "xlog1py"])
def test_products_with_logarithms_at_edges_as_scipy(name: str) -> None:
    scipy = pytest.importorskip("scipy.special")
    for x in EDGES:
        for y in EDGES:
            expected = float(getattr(scipy, name)(x, y))
            given = getattr(special, name)(x, y)
            assert given == pytest.approx(expected, rel=1e-13, abs=0, nan_ok=True), (x, y)


def test_a_weight_of_0_has_no_logarithm() -> None:
    x, y = Value(0.0), Value(0.0)
    z = special.xlogy(x, y)
    z.backward()
    assert (z.data, x.grad, y.grad) == (0.0, -inf, 0.0)
    with pytest.raises(ValueError, match="xlogy needs x = 0 or y > 0, not x = 2"):
        special.xlogy(Value(2.0), 0.0)


def test_slopes_of_products_with_logarithms_at_corners() -> None:
    for f, corner in ((special.xlogy, 0.0), (special.xlog1py, -1.0)):
        slopes = vmap(grad(f, (0, 1)), errors="ignore")(
            np.array([0.0, 2.0, 0.0]), np.array([corner, corner - 1.0, corner - 1.0])
        )
        assert np.isneginf(slopes[0][0]) and np.isnan(slopes[0][1:]).all()
        assert slopes[1][0] == 0.0 and np.isnan(slopes[1][1]) and slopes[1][2] == 0.0


def test_all_derivatives_are_0_at_infinity() -> None:
    for f in (special.ndtr, special.log_ndtr, special.erfcx):
        derivative = f
        for _ in range(4):
            derivative = grad(derivative)
            assert derivative(inf) == 0.0


def test_sums_of_exponentials_along_axes() -> None:
    scipy = pytest.importorskip("scipy.special")
    a = np.array([[1.0, 900.0, -3.0], [0.5, -inf, 2.0]])
    b = np.array([[1.0, 2.0, 0.0], [1.0, 1.0, 0.5]])
    for axis in (None, 0, 1, -1, (0, 1)):
        for keepdims in (False, True):
            expected = scipy.logsumexp(a, axis=axis, b=b, keepdims=keepdims)
            given = special.logsumexp(a, axis=axis, b=b, keepdims=keepdims)
            assert np.shape(given) == np.shape(expected)
            assert np.allclose(given, expected, rtol=1e-14)
        assert np.allclose(special.softmax(a, axis=axis), scipy.softmax(a, axis=axis), rtol=1e-14)
        log_softmax = special.log_softmax(a, axis=axis)
        assert np.allclose(log_softmax, scipy.log_softmax(a, axis=axis), rtol=1e-13)
    assert special.logsumexp([-inf, -inf]) == -inf
    assert special.logsumexp([1.0, inf]) == inf
    with pytest.raises(IndexError):
        special.softmax(a, axis=2)


def test_slopes_of_beta_keep_their_digits_where_two_digammas_come_near_each_other() -> None:
    for a, b in [(2.0**-60, 2.5), (0.3, 70.0), (49.0, 1.25), (700.0, 2.5), (1e8, 3.0), (-1.3, 0.4)]:
        rise = [mp.psi(0, mp.mpf(a) + b) - mp.psi(0, mp.mpf(v)) for v in (a, b)]
        assert grad(special.betaln, (0, 1))(a, b) == pytest.approx(
            [float(-r) for r in rise], rel=1e-15
        )
        assert vmap(grad(special.betaln))(np.array([a]), np.array([b]))[0] == pytest.approx(
            float(-rise[0]), rel=1e-15
        )
        second = mp.psi(1, mp.mpf(a)) - mp.psi(1, mp.mpf(a) + b)
        found = grad(grad(special.betaln))(a, b)
        assert found == pytest.approx(float(second), rel=2e-15)
        if abs(a) < 50.0:
            slope = float(-rise[0] * mp.beta(a, b))
            assert grad(special.beta)(a, b) == pytest.approx(
                slope, rel=3e-14 if b > 50.0 else 2e-15
            )


@pytest.mark.parametrize("mapped", [False, True])
def test_slopes_of_softmax_near_1_and_by_the_others(mapped: bool) -> None:
    for x in ([20.0, 0.25, -1.5], [3.0, 40.5, 2.25], [0.5, 0.25, 0.0], [2.0, 2.0]):
        exact = [mp.exp(mp.mpf(v)) for v in x]
        parts = [e / mp.fsum(exact) for e in exact]
        for i, part in enumerate(parts):
            slopes = grad(lambda v, i=i: special.softmax(v)[i])
            found = vmap(slopes)(np.array([x]))[0] if mapped else slopes(x)
            others = [mp.fsum(p for j, p in enumerate(parts) if j != k) for k in range(len(x))]
            truth = [part * (others[k] if k == i else -parts[k]) for k in range(len(x))]
            assert found == pytest.approx([float(t) for t in truth], rel=4e-15, abs=0.0)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (1.0, inf), (-0.5, inf), (-1.5, inf), (2.0, -inf), (-1.0, nan), (nan, 700.0),
        (700.0, nan), (nan, 0.5), (1e-320, nan), (1e-300, 1e-300), (1e-300, 30.0), (-0.5, 1e300),
        (-1e-8, 1e300), (-2.5, 1e300), (-2.5, 3000.0), (-3.5, 90.25), (-0.7, 79.0),
    ],
)  # fmt: skip
def test_beta_where_arguments_are_far_apart_infinite_or_nan(a: float, b: float) -> None:
    scipy = pytest.importorskip("scipy.special")
    for name in ("beta", "betaln"):
        f, expected = getattr(special, name), getattr(scipy, name)(a, b)
        for x, y in ((a, b), (b, a)):
            assert f(x, y) == pytest.approx(expected, rel=1e-11, nan_ok=True)
            if abs(expected) < inf:
                found = vmap(f)(np.array([x]), np.array([y]))[0]
                assert found == pytest.approx(expected, rel=1e-11)


def test_arrays_of_plain_numbers_are_silent_at_poles_as_scipy_is() -> None:
    assert special.ndtri(np.array([1.0, 2.0, 0.5])).tolist() == pytest.approx(
        [inf, nan, 0.0], nan_ok=True
    )
    assert special.logit([True, 0.5]).tolist() == [inf, 0.0]
    assert special.gamma(np.array([0.0, -1.0])).tolist() == pytest.approx([inf, nan], nan_ok=True)


@pytest.mark.parametrize("name", ["digamma", "gamma", "entr", "log_ndtr"])
def test_an_int_that_no_float_can_hold_is_an_overflowerror(name: str) -> None:
    with pytest.raises(OverflowError):
        getattr(special, name)(10**400)


def test_gammaln_beside_its_zeros_is_right_for_plain_numbers_too() -> None:
    for x in (0.999999, 1.0 - 2.0**-53, 1.0000001, 1.9999999, 2.000001):
        truth = float(mp.loggamma(mp.mpf(x)))
        assert (
            special.gammaln(x) == special.gammaln(Value(x)).data == pytest.approx(truth, rel=1e-15)
        )
    assert special.gamma(-5e-324) == -inf
    assert math.copysign(1.0, special.entr(0.0)) == 1.0


def test_softmax_of_infinities_is_scipys() -> None:
    scipy = pytest.importorskip("scipy.special")
    for x in ([inf, 0.0], [-inf, -inf], [-inf, 0.0], [nan, 1.0], [1e308, -1e308], [0.0]):
        with np.errstate(invalid="ignore", over="ignore"):
            expected = scipy.softmax(x)
        assert np.array_equal(special.softmax(x), expected, equal_nan=True)
        mapped = vmap(lambda v: special.softmax(v), errors="ignore")(np.array([x]))[0]
        assert np.array_equal(mapped, expected, equal_nan=True)


def test_the_gradient_of_logsumexp_is_softmax_and_its_hessian_that_of_softmax() -> None:
    x = np.array([1.0, 2.0, 700.0, 700.5])
    p = special.softmax(x)
    assert np.allclose(grad(special.logsumexp)(x), p, rtol=1e-14)
    assert np.allclose(hessian(special.logsumexp)(x), np.diag(p) - np.outer(p, p), atol=1e-15)
    assert grad(lambda x: special.logsumexp(x))([-inf, 0.0]) == [0.0, 1.0]
    assert np.allclose(compile(grad(special.logsumexp))(x), p, rtol=1e-14)


ONE_PATH = {
    **{name: ((0.3,), (0.9,)) for name in TRUTH},
    **{name: ((0.3, 2.0), (90.0, 100.0), (2.0, 0.3)) for name in ("beta", "betaln")},
    **{name: ((0.0, 2.0), (1.5, 2.0), (0.0, 0.5)) for name in ("xlogy", "xlog1py")},
}


@pytest.mark.parametrize("name", ONE_PATH)
def test_programs_have_one_path(name: str) -> None:
    f = getattr(special, name)
    points = ONE_PATH[name]
    program = compile(f)
    mapped = vmap(grad(f))(*map(np.array, zip(*points, strict=True)))
    for point, slope in zip(points, mapped, strict=True):
        assert program(*point) == pytest.approx(f(*point), rel=1e-14)
        assert slope == pytest.approx(grad(f)(*point), rel=1e-13, abs=1e-15)
    (paths,) = [p.paths for p in program.store.calls if p is not None]
    assert len(paths.all) == 1


@pytest.mark.parametrize("name", ONE_PATH)
def test_derivatives_are_checked(name: str) -> None:
    f = getattr(special, name)
    assert check_grad(lambda x: f(*x), [*ONE_PATH[name][1]], order=2).verdict == "ok"


def test_arrays_item_by_item() -> None:
    plain = special.ndtr(np.array([[0.0, 1.0], [-1.0, 2.0]]))
    assert plain.dtype == float and plain.shape == (2, 2)
    values = special.xlogy(np.array([Value(1.0), Value(2.0)]), 3.0)
    assert [v.data for v in values] == [math.log(3.0), 2.0 * math.log(3.0)]
    assert special.expit([0.0, Value(0.0)])[1].data == 0.5
