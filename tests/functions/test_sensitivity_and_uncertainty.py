"""What an input's influence and its error do to a result."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from pygrad import math as pm
from pygrad.applications.models import propagate, sensitivity

# -- sensitivity ----------------------------------------------------------------------------------


def beam(p):
    """Deflection of a cantilever at its end."""
    return p["force"] * p["length"] ** 3 / (3 * p["modulus"] * p["inertia"])


BEAM = {"force": 1000.0, "modulus": 210e9, "inertia": 1e-6, "length": 2.0}


def test_elasticities_of_a_product_of_powers_are_its_exponents():
    table = sensitivity(beam, BEAM)
    assert [row.name for row in table] == ["length", "force", "modulus", "inertia"]
    assert [row.elasticity for row in table] == pytest.approx([3.0, 1.0, -1.0, -1.0], rel=1e-14)
    y = beam(BEAM)
    assert table.value == pytest.approx(y, rel=1e-15)
    assert table["length"].derivative == pytest.approx(3 * y / 2, rel=1e-14)
    assert table["inertia"].derivative == pytest.approx(-y / 1e-6, rel=1e-14)
    assert table["force"].x == 1000.0
    assert table.by == "relative"


def test_absolute_influence_ranks_by_the_derivative():
    table = sensitivity(beam, BEAM, by="absolute")
    assert [row.name for row in table] == ["inertia", "length", "force", "modulus"]
    assert table[0].name == "inertia"
    assert len(table) == 4


def test_inputs_without_names_are_called_by_their_place():
    f = lambda x: x[0] * x[1] ** 2  # noqa: E731
    for x in ([3.0, 2.0], (3.0, 2.0), np.array([3.0, 2.0])):
        assert [(row.name, row.derivative) for row in sensitivity(f, x)] == [
            ("x[1]", 12.0),
            ("x[0]", 4.0),
        ]
    matrix = sensitivity(lambda x: x[0, 0] + 4 * x[1, 0], np.array([[1.0], [1.0]]))
    assert [row.name for row in matrix] == ["x[1, 0]", "x[0, 0]"]
    assert sensitivity(lambda x: x * x, 3.0)["x"].elasticity == 2.0
    nested = sensitivity(lambda p: p["w"][1] * p["x"]["b"], {"w": [1.0, 2.0], "x": {"b": 1.0}})
    assert [row.name for row in nested] == ["w[1]", "x.b", "w[0]"]


def test_of_equal_influence_the_first_input_comes_first():
    table = sensitivity(lambda p: sum(p), [1.0] * 5)
    assert [row.name for row in table] == [f"x[{i}]" for i in range(5)]


def test_where_f_is_zero_the_ranking_is_absolute():
    table = sensitivity(lambda p: p[0] - 2 * p[1], [2.0, 1.0])
    assert table.by == "absolute"
    assert [row.derivative for row in table] == [-2.0, 1.0]
    assert all(math.isnan(row.elasticity) for row in table)
    with pytest.raises(ValueError, match="no relative influence; use by='absolute'"):
        sensitivity(lambda p: p[0] - 2 * p[1], [2.0, 1.0], by="relative")


def test_an_input_of_zero_has_no_relative_influence():
    table = sensitivity(lambda p: 1.0 + p[0] + pm.sqrt(p[1]), [0.5, 0.0])
    assert [row.name for row in table] == ["x[0]", "x[1]"]
    assert (table[1].derivative, table[1].elasticity) == (math.inf, 0.0)


def test_an_input_that_f_ignores_comes_last():
    table = sensitivity(lambda p: p["a"] ** 2, {"unused": 100.0, "a": 1.0})
    assert [(row.name, row.derivative) for row in table] == [("a", 2.0), ("unused", 0.0)]


def test_the_table_prints_in_columns():
    assert str(sensitivity(beam, BEAM)).splitlines() == [
        "f = 0.0126984, by relative influence",
        "input          x         df/dx  elasticity",
        "length         2     0.0190476           3",
        "force       1000   1.26984e-05           1",
        "modulus  2.1e+11  -6.04686e-14          -1",
        "inertia    1e-06      -12698.4          -1",
    ]


def test_sensitivity_refuses_what_it_cannot_answer():
    with pytest.raises(TypeError, match=r"one number.*sensitivity\(lambda x: f\(x\)\[0\], x\)"):
        sensitivity(lambda x: [x, x], 1.0)
    with pytest.raises(ValueError, match="by may be 'relative' or 'absolute', not 'size'"):
        sensitivity(lambda x: x, 1.0, by="size")
    with pytest.raises(ValueError, match=r"f\(x\) is inf"):
        sensitivity(lambda x: x * 1e308 * 10, 1.0)
    with pytest.raises(KeyError, match="no input is called 'mass'; there are length"):
        sensitivity(beam, BEAM)["mass"]


# -- uncertainty ----------------------------------------------------------------------------------


def test_independent_errors_add_in_quadrature():
    total = propagate(lambda p: p[0] + p[1], [1.0, 2.0], [0.09, 0.16])
    assert total.value == 3.0
    assert total.std == pytest.approx(0.5, rel=1e-15)
    assert total.cov == pytest.approx(0.25, rel=1e-15)
    # relative errors of a product add in quadrature: g = 4 pi^2 L / T^2
    g = propagate(
        lambda p: 4 * math.pi**2 * p["L"] / p["T"] ** 2,
        {"L": 1.0, "T": 2.0},
        {"T": 0.01**2, "L": 0.002**2},
    )
    assert g.std / g.value == pytest.approx(math.hypot(0.002, 2 * 0.005), rel=1e-14)
    assert str(total) == "3 +/- 0.5"


def test_one_input_with_one_variance():
    for x, cov in [(3.0, 0.25), ([3.0], 0.25), ([3.0], [0.25]), (3.0, [[0.25]]), ([3.0], [[0.25]])]:
        found = propagate(lambda x: (x[0] if isinstance(x, list) else x) ** 2, x, cov)
        assert (found.value, found.std, found.cov) == (9.0, 3.0, 9.0)


def physics(p):
    a, b, c = p
    return [a * pm.exp(-b) + c**2, pm.sin(a * c) / b, pm.atan2(b, a) - pm.sqrt(c)]


def random_covariance(rng, n, scale):
    factor = rng.normal(size=(n, n)) * scale
    return factor @ factor.T


@pytest.mark.parametrize("seed", range(5))
def test_correlated_inputs_agree_with_the_uncertainties_package(seed):
    uncertainties = pytest.importorskip("uncertainties")
    from uncertainties import umath

    rng = np.random.default_rng(seed)
    x, cov = rng.uniform(0.5, 2.0, size=3), random_covariance(rng, 3, 0.01)
    a, b, c = uncertainties.correlated_values(x, cov)
    theirs = [
        a * umath.exp(-b) + c**2,
        umath.sin(a * c) / b,
        umath.atan2(b, a) - umath.sqrt(c),
    ]
    ours = propagate(physics, x, cov)
    assert type(ours.value) is list
    assert ours.value == pytest.approx([v.nominal_value for v in theirs], rel=1e-14)
    assert ours.std == pytest.approx([v.std_dev for v in theirs], rel=1e-9)
    expected = np.array(uncertainties.covariance_matrix(theirs))
    assert ours.cov == pytest.approx(expected, rel=1e-9, abs=1e-9 * expected.max())
    assert (ours.cov == ours.cov.T).all()
    one = propagate(lambda p: physics(p)[1], x, cov)
    assert one.cov == pytest.approx(expected[1, 1], rel=1e-9)


def test_independent_inputs_agree_with_the_uncertainties_package():
    uncertainties = pytest.importorskip("uncertainties")
    x, deviations = [1.3, 0.7, 2.1], [0.02, 0.01, 0.05]
    a, b, c = (uncertainties.ufloat(v, s) for v, s in zip(x, deviations, strict=True))
    theirs = a * b / c - a**2
    ours = propagate(lambda p: p[0] * p[1] / p[2] - p[0] ** 2, x, [s * s for s in deviations])
    assert ours.std == pytest.approx(theirs.std_dev, rel=1e-14)


def test_propagation_is_exact_for_linear_functions():
    rng = np.random.default_rng(7)
    A, cov = rng.normal(size=(4, 3)), random_covariance(rng, 3, 1.0)
    found = propagate(lambda x: A @ x, np.array([1.0, 2.0, 3.0]), cov)
    assert found.value == pytest.approx(A @ [1.0, 2.0, 3.0], rel=1e-14)
    assert found.cov == pytest.approx(A @ cov @ A.T, rel=1e-13)
    assert found.std == pytest.approx(np.sqrt(np.diag(A @ cov @ A.T)), rel=1e-13)
    assert isinstance(found.std, np.ndarray)


def test_propagation_agrees_with_simulation_where_f_is_nearly_linear():
    rng = np.random.default_rng(3)
    x, cov = np.array([1.0, 2.0, 0.5]), random_covariance(rng, 3, 2e-3)
    found = propagate(physics, x, cov)
    a, b, c = rng.multivariate_normal(x, cov, size=200_000).T
    samples = np.array([a * np.exp(-b) + c**2, np.sin(a * c) / b, np.arctan2(b, a) - np.sqrt(c)])
    assert np.cov(samples) == pytest.approx(found.cov, rel=0.02, abs=0.02 * found.cov.max())


def test_perfectly_correlated_inputs_cancel_to_no_uncertainty_at_all():
    found = propagate(lambda p: p[0] - p[1], [5.0, 2.0], [[0.01, 0.01], [0.01, 0.01]])
    assert (found.std, found.cov) == (0.0, 0.0)
    # and where rounding would leave a variance of -1e-18
    cov = np.outer([0.1, 0.3, 0.7], [0.1, 0.3, 0.7])
    found = propagate(lambda p: p[0] / 0.1 + p[1] / 0.3 - 2 * p[2] / 0.7, [1.0, 1.0, 1.0], cov)
    assert 0.0 <= found.std < 1e-7
    rng = random.Random(6)
    for _ in range(200):
        s = [rng.uniform(0.1, 1) for _ in range(3)]
        a, b = rng.uniform(-1, 1), rng.uniform(-1, 1)
        c = -(a * s[0] + b * s[1]) / s[2]
        f = lambda p, a=a, b=b, c=c: a * p[0] + b * p[1] + c * p[2]  # noqa: E731
        assert 0.0 <= propagate(f, [1.0, 1.0, 1.0], np.outer(s, s)).std < 1e-7


def test_a_matrix_symmetric_but_for_rounding_is_made_symmetric():
    found = propagate(lambda p: p[0] + p[1], [1.0, 2.0], [[1.0, 0.5], [0.5 + 4e-9, 1.0]])
    assert found.cov == pytest.approx(3.0 + 4e-9, rel=1e-15)


def test_the_structures_of_results_are_those_of_f():
    found = propagate(lambda x: {"double": 2 * x, "square": x * x}, 3.0, 0.01)
    assert found.value == {"double": 6.0, "square": 9.0}
    assert found.std == pytest.approx({"double": 0.2, "square": 0.6}, rel=1e-14)
    assert found.cov == pytest.approx(np.array([[0.04, 0.12], [0.12, 0.36]]), rel=1e-14)
    assert str(found) == "{double: 6, square: 9} +/- {double: 0.2, square: 0.6}"


def test_variances_of_a_square_of_numbers_are_not_taken_for_a_matrix():
    x = [[1.0, 2.0], [3.0, 4.0]]
    found = propagate(lambda p: p[0][0] + p[1][1], x, [[0.09, 5.0], [7.0, 0.16]])
    assert found.std == pytest.approx(0.5, rel=1e-15)


@pytest.mark.parametrize(
    ("cov", "message"),
    [
        ([0.1], r"cov must be variances in the structure of x, a list of 2 .*or a 2 by 2 matrix"),
        ([0.1, 0.1, 0.1], "or a 2 by 2 matrix"),
        ({"a": 0.1, "b": 0.1}, "or a 2 by 2 matrix"),
        (np.eye(3), "or a 2 by 2 matrix, not an array of shape"),
        ([[0.1, 0.0]], "or a 2 by 2 matrix"),
        ([0.1, -0.1], r"the variance of x\[1\] must not be negative, got -0.1"),
        (
            [[1.0, 0.5], [0.4, 1.0]],
            r"cov is not symmetric: cov\[1\]\[0\] is 0.4, cov\[0\]\[1\] is 0.5",
        ),
        ([[1.0, 1.5], [1.5, 1.0]], r"x\[1\] and x\[0\] are correlated by more than 1"),
        ([[0.0, 0.5], [0.5, 1.0]], "correlated by more than 1"),
        ([[1.0, math.nan], [0.0, 1.0]], r"cov\[0\]\[1\] must be finite"),
    ],
)
def test_what_is_no_covariance_is_an_error(cov, message):
    with pytest.raises(ValueError, match=message):
        propagate(lambda p: p[0] + p[1], [1.0, 2.0], cov)


def test_a_matrix_that_gives_a_negative_variance_is_an_error():
    # each pair is possible, all three together are not
    cov = [[1.0, -0.9, -0.9], [-0.9, 1.0, -0.9], [-0.9, -0.9, 1.0]]
    with pytest.raises(ValueError, match="gives f a variance below 0"):
        propagate(lambda p: p[0] + p[1] + p[2], [1.0, 2.0, 3.0], cov)


def test_there_is_no_first_order_where_the_slope_is_infinite():
    with pytest.raises(ValueError, match="slope inf by x: there is no first order"):
        propagate(lambda x: pm.sqrt(x), 0.0, 0.01)
    with pytest.raises(ValueError, match="f is inf at x"):
        propagate(lambda x: x * 1e308 * 10, 1.0, 0.01)
