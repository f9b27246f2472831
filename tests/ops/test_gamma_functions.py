"""erfc, lgamma and digamma: errors, limits, programs, and derivatives of an order that no rule names."""

from __future__ import annotations

import math
import threading
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from truth import mp, ulps

from pygrad import Value, compile, grad, vmap
from pygrad import math as pm

INF, NAN = math.inf, math.nan
POLES = [0.0, -0.0, -1.0, -2.0, -171.0, -(2.0**52), -1e300]


@pytest.mark.parametrize("x", POLES)
def test_poles_are_refused_as_math_does(impl: ModuleType, x: float) -> None:
    with pytest.raises(ValueError, match=r"math domain error|expected a noninteger"):
        math.lgamma(x)
    for name in ("lgamma", "digamma"):
        with pytest.raises(ValueError, match="math domain error"):
            getattr(impl.Value(x), name)()


def test_what_is_too_large_overflows_as_in_math(impl: ModuleType) -> None:
    with pytest.raises(OverflowError):
        math.lgamma(1e306)
    with pytest.raises(OverflowError):
        impl.Value(1e306).lgamma()
    for x in (1e-320, -1e-320):
        with pytest.raises(OverflowError):
            impl.Value(x).digamma()
    assert impl.Value(2.5e305).lgamma().data == pytest.approx(math.lgamma(2.5e305), rel=1e-15)


def test_infinities(impl: ModuleType) -> None:
    assert impl.Value(-INF).lgamma().data == math.lgamma(-INF) == INF
    with pytest.raises(ValueError, match="math domain error"):
        impl.Value(-INF).digamma()
    assert [impl.Value(x).erfc().data for x in (INF, -INF)] == [0.0, 2.0]


def test_derivatives_of_gamma_at_infinity_are_infinite() -> None:
    f = pm.gamma
    for order in (1, 2, 3, 4):
        f = grad(f)
        assert f(INF) == INF, order
        exact = mp.diff(mp.gamma, mp.mpf(2.5), order)
        assert f(2.5) == pytest.approx(float(exact), rel=1e-12)


def test_plain_numbers_get_what_math_gives() -> None:
    for x in (0.3, 1.0, 2.5, -0.7, 30.0, 1e100):
        assert pm.lgamma(x) == math.lgamma(x)
        assert pm.erfc(x) == math.erfc(x)
    assert pm.digamma(1.0) == -0.5772156649015329
    for name in ("lgamma", "digamma"):
        with pytest.raises(ValueError, match=r"math domain error|expected a noninteger"):
            getattr(pm, name)(0.0)


def test_programs_give_c99_s_infinities() -> None:
    x = np.array([*POLES, INF, -INF, NAN])
    lgamma, digamma = (
        vmap(getattr(pm, name), errors="ignore")(x) for name in ("lgamma", "digamma")
    )
    np.testing.assert_array_equal(lgamma, [INF] * len(POLES) + [INF, INF, NAN])
    np.testing.assert_array_equal(digamma, [-INF, INF] + [NAN] * 5 + [INF, NAN, NAN])
    slopes = vmap(grad(pm.digamma), errors="ignore")(x)
    np.testing.assert_array_equal(slopes, [INF, INF] + [NAN] * 5 + [0.0, NAN, NAN])


@pytest.mark.parametrize("order", range(1, 13))
def test_digamma_differentiates_to_any_order(order: int) -> None:
    f: Any = pm.digamma
    for _ in range(order):
        f = grad(f)
    compiled = compile(f)
    mp.prec = 300
    for x in (0.01, 0.6, 1.0, 1.4616321449683622, 3.7, 12.0, 250.0, 1e5):
        truth = mp.psi(order, mp.mpf(x))
        for given in (f(x), compiled(x)):
            assert ulps(given, truth) <= 4 + order, x
    for x in (-0.3, -1.2, -7.9, -100.6):
        truth = mp.diff(mp.digamma, mp.mpf(x), order) if order < 4 else mp.psi(order, mp.mpf(x))
        assert f(x) == pytest.approx(float(truth), rel=1e-13, abs=1e-13)


def test_the_recurrences_hold() -> None:
    for x in np.linspace(-4.9, 30.0, 200).tolist():
        if x != math.floor(x):
            lgamma = Value(x + 1).lgamma().data - Value(x).lgamma().data
            assert lgamma == pytest.approx(math.log(abs(x)), rel=1e-13, abs=1e-13)
            digamma = Value(x + 1).digamma().data - Value(x).digamma().data
            assert digamma == pytest.approx(1 / x, rel=1e-12, abs=1e-13)


def test_threads_share_nothing() -> None:
    """libm's lgamma writes the sign of gamma to a global."""
    f = vmap(pm.lgamma)
    x = np.linspace(-9.7, 40.3, 5_000)
    expected, found = f(x), [np.empty(0)] * 4

    def run(i: int) -> None:
        found[i] = f(x)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in found:
        np.testing.assert_array_equal(result, expected)
