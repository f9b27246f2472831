"""pygrad.linalg, and numpy.linalg of Values: numbers as NumPy's, derivatives as their formulas."""

from __future__ import annotations

import numpy as np
import pytest
from numpy import linalg as numpys

import pygrad
from pygrad import compile, fori_loop, grad, hessian, jacobian, linalg, vmap

SIZES = (1, 2, 3, 7, 15)
rng = np.random.default_rng(5)


def matrix(n, *stack):
    return rng.normal(size=(*stack, n, n))


def positive(n, *stack):
    root = matrix(n, *stack)
    return root @ np.swapaxes(root, -1, -2) + 0.5 * np.eye(n)


def close(found, expected, tolerance=1e-9):
    assert np.asarray(found).shape == np.asarray(expected).shape
    scale = np.max(np.abs(expected), initial=0.0)
    assert np.max(np.abs(np.asarray(found) - expected), initial=0.0) <= tolerance * max(
        scale, 1e-300
    )


def of_values(impl, array):
    return np.stack([impl.Value(x) for x in array.ravel()]).reshape(array.shape)


def numbers(array):
    flat = [
        x.data if hasattr(x, "grad") else x
        for x in np.asarray(array, dtype=object).ravel().tolist()
    ]
    return np.array(flat).reshape(np.shape(array))


def grads(array):
    return np.array([v.grad for v in array.ravel()]).reshape(array.shape)


# -- numbers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", SIZES)
def test_numbers_are_those_of_numpy(impl, n):
    a, b, c, s = matrix(n), rng.normal(size=n), rng.normal(size=(n, 3)), positive(n)
    va, vs = of_values(impl, a), of_values(impl, s)
    close(numbers(linalg.solve(va, b)), numpys.solve(a, b))
    close(numbers(linalg.solve(va, c)), numpys.solve(a, c))
    close(numbers(linalg.solve(a, of_values(impl, b))), numpys.solve(a, b))
    close(numbers(linalg.inv(va)), numpys.inv(a))
    close(linalg.det(va).data, numpys.det(a))
    sign, size = linalg.slogdet(va)
    assert getattr(sign, "data", sign) == numpys.slogdet(a)[0]
    close(size.data, numpys.slogdet(a)[1])
    close(numbers(linalg.cholesky(vs)), numpys.cholesky(s))
    close(numbers(linalg.cholesky(vs, upper=True)), numpys.cholesky(s).T)
    close(numbers(linalg.matrix_power(va, 3)), numpys.matrix_power(a, 3))
    close(numbers(linalg.matrix_power(va, -2)), numpys.matrix_power(a, -2))


@pytest.mark.parametrize(("m", "n"), [(5, 3), (3, 3), (3, 5), (1, 4), (4, 1)])
def test_least_squares_of_full_rank(impl, m, n):
    a, b, c = rng.normal(size=(m, n)), rng.normal(size=m), rng.normal(size=(m, 2))
    for right in (b, c):
        x, rest, rank, singular = linalg.lstsq(of_values(impl, a), right)
        expected = numpys.lstsq(a, right, rcond=None)
        close(numbers(x), expected[0])
        close(numbers(rest), expected[1])
        assert (rank, singular) == (expected[2], None)
    close(numbers(linalg.pinv(of_values(impl, a))), numpys.pinv(a))


def test_stacks_of_matrices_and_right_sides(impl):
    a, b = matrix(3, 2, 4), rng.normal(size=3)
    va = of_values(impl, a)
    close(numbers(linalg.solve(va, b)), numpys.solve(a, b[:, None])[..., 0])
    close(numbers(linalg.solve(va, a)), numpys.solve(a, a))
    close(numbers(linalg.solve(va[0, 0], a)), numpys.solve(a[0, 0], a))
    close(numbers(linalg.inv(va)), numpys.inv(a))
    close(numbers(linalg.det(va)), numpys.det(a))
    for found, expected in zip(linalg.slogdet(va), numpys.slogdet(a), strict=True):
        close(numbers(found), expected)
    s = positive(3, 2)
    close(numbers(linalg.cholesky(of_values(impl, s))), numpys.cholesky(s))


def test_lists_and_plain_numbers(impl):
    v = impl.Value(2.0)
    assert linalg.det([[v, 1], [0, 3]]).data == 6.0
    assert linalg.solve([[v, 0], [0, 4]], [1, 2])[1] == 0.5
    found = linalg.solve([[2.0, 0.0], [0.0, 4.0]], [1.0, 2.0])
    assert found.dtype == float and type(linalg.det(np.eye(2))) is np.float64
    assert linalg.lstsq(np.eye(2), np.ones(2), None)[3] is not None
    with pytest.raises(linalg.LinAlgError):
        linalg.inv([[1.0, 1.0], [1.0, 1.0]])


NORMS = [
    ((4,), {}), ((4,), {"ord": 1}), ((4,), {"ord": 3}), ((4,), {"ord": np.inf}), ((4,), {"ord": -np.inf}),
    ((4,), {"ord": 2.5}), ((4,), {"ord": 0}), ((4,), {"ord": 2, "keepdims": True}), ((3, 4), {}),
    ((3, 4), {"ord": "fro"}), ((3, 4), {"ord": 1}), ((3, 4), {"ord": -1}), ((3, 4), {"ord": np.inf}),
    ((3, 4), {"ord": -np.inf}), ((3, 4), {"axis": 0}), ((3, 4), {"axis": 1, "ord": 1, "keepdims": True}),
    ((2, 3, 4), {"axis": (0, 2), "ord": 1}), ((2, 3, 4), {"axis": (2, 0), "ord": np.inf, "keepdims": True}),
    ((2, 3, 4), {"axis": -1}), ((2, 3, 4), {}), ((2, 3, 4), {"keepdims": True}),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "options"), NORMS)
def test_norms(impl, shape, options):
    a = rng.normal(size=shape)
    for norm in (linalg.norm, numpys.norm):
        close(numbers(norm(of_values(impl, a), **options)), numpys.norm(a, **options))


# -- derivatives ------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", SIZES)
def test_first_derivatives_are_those_of_the_adjoint_system(impl, n):
    a, b, w = matrix(n), rng.normal(size=n), rng.normal(size=n)
    va, vb = of_values(impl, a), of_values(impl, b)
    impl.dot(linalg.solve(va, vb).tolist(), w.tolist()).backward()
    x, adjoint = numpys.solve(a, b), numpys.solve(a.T, w)
    close(grads(vb), adjoint)
    close(grads(va), -np.outer(adjoint, x))

    va = of_values(impl, a)
    linalg.det(va).backward()
    close(grads(va), numpys.det(a) * numpys.inv(a).T)

    va = of_values(impl, a)
    linalg.slogdet(va).logabsdet.backward()
    close(grads(va), numpys.inv(a).T)

    va, weights = of_values(impl, a), matrix(n)
    np.sum(linalg.inv(va) * weights).backward()
    close(grads(va), -(numpys.inv(a).T @ weights @ numpys.inv(a).T))


@pytest.mark.parametrize("n", [1, 2, 5])
def test_second_derivatives_of_a_solution(n):
    """d2(w x)/da_ij da_kl = adj_i c_jk x_l + adj_k c_li x_j, where c is the inverse."""
    a, b, w = matrix(n), rng.normal(size=n), rng.normal(size=n)
    x, adjoint, c = numpys.solve(a, b), numpys.solve(a.T, w), numpys.inv(a)
    expected = np.einsum("i,jk,l->ijkl", adjoint, c, x) + np.einsum("k,li,j->ijkl", adjoint, c, x)
    f = lambda m: np.sum(np.linalg.solve(m, b) * w)  # noqa: E731
    close(hessian(f)(a), expected)
    close(compile(hessian(f))(a), expected)


@pytest.mark.parametrize("n", [1, 2, 4])
def test_second_derivatives_of_determinants(n):
    a = matrix(n)
    c = numpys.inv(a)
    of_log = -np.einsum("jk,li->ijkl", c, c)
    close(hessian(lambda m: linalg.slogdet(m)[1])(a), of_log)
    whole = numpys.det(a) * (np.einsum("ji,lk->ijkl", c, c) + of_log)
    close(hessian(linalg.det)(a), whole)


def test_a_singular_matrix_has_a_determinant_with_derivatives():
    a = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 0.0, 1.0]])
    cofactors = np.array(
        [
            [(-1) ** (i + j) * numpys.det(np.delete(np.delete(a, i, 0), j, 1)) for j in range(3)]
            for i in range(3)
        ]
    )
    for of in (grad(linalg.det), compile(grad(linalg.det))):
        close(of(a), cofactors)
    zeros = np.zeros((3, 3))
    assert np.all(grad(np.linalg.det)(zeros) == 0.0)
    third = hessian(grad(linalg.det))(zeros)
    assert third[0, 0, 1, 1, 2, 2] == 1.0 and np.sum(np.abs(third)) == 36.0
    large = np.ones((13, 13))
    with pytest.raises(linalg.LinAlgError, match="no derivative"):
        grad(linalg.det)(large)


def test_derivatives_of_a_cholesky_factor():
    """Against those of the factor of a + t d, by its equation: L^-1 d L^-T = P + P^T with P = L^-1 dL."""
    n = 5
    a, d = positive(n), rng.normal(size=(n, n))
    d = d + d.T
    lower = numpys.cholesky(a)
    inner = numpys.solve(lower, numpys.solve(lower, d).T)
    expected = lower @ (np.tril(inner, -1) + np.diag(np.diag(inner)) / 2)
    _, found = pygrad.jvp(lambda m: linalg.cholesky(m), (a,), (d,))
    close(found, expected)
    _, compiled = compile(lambda m: pygrad.jvp(lambda m: linalg.cholesky(m), (m,), (d,)))(a)
    close(compiled, expected)


@pytest.mark.parametrize(("m", "n"), [(6, 3), (3, 6)])
def test_derivatives_of_least_squares_are_those_of_its_normal_equations(m, n):
    a, b, w = rng.normal(size=(m, n)), rng.normal(size=m), rng.normal(size=n)

    def by_equations(a, b):
        if m >= n:
            return np.sum(linalg.solve(a.T @ a, a.T @ b) * w)
        return np.sum((a.T @ linalg.solve(a @ a.T, b)) * w)

    def direct(a, b):
        return np.sum(linalg.lstsq(a, b)[0] * w)

    for found, expected in zip(
        grad(direct, (0, 1))(a, b), grad(by_equations, (0, 1))(a, b), strict=True
    ):
        close(found, expected)
    close(hessian(direct)(a, b), hessian(by_equations)(a, b), 1e-8)


def test_ill_conditioned_systems_are_as_good_as_their_condition():
    mpmath = pytest.importorskip("mpmath")
    n = 8
    a = np.array([[1.0 / (i + j + 1) for j in range(n)] for i in range(n)])
    b = np.ones(n)
    condition = numpys.cond(a)
    with mpmath.workdps(60):
        exact_a = mpmath.matrix(a.tolist())
        x = mpmath.lu_solve(exact_a, mpmath.matrix(b.tolist()))
        y = mpmath.lu_solve(exact_a.T, mpmath.matrix(b.tolist()))
        expected = np.array([[float(-y[i] * x[j]) for j in range(n)] for i in range(n)])
    found = grad(lambda a: np.sum(linalg.solve(a, b)))(a)
    close(found, expected, condition * 1e-15)


# -- programs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 5, 12])
def test_one_program_serves_rows_whatever_their_pivots(n):
    a, b = matrix(n, 40), rng.normal(size=(40, n))
    f = compile(lambda a, b: np.sum(np.linalg.solve(a, b)))
    solved = [f(*row) for row in zip(a, b, strict=True)]
    close(solved, numpys.solve(a, b[..., None]).sum(axis=(1, 2)), 1e-8)
    assert len(f.programs) == 1
    slopes = vmap(grad(lambda a, b: np.sum(np.linalg.solve(a, b))))(a, b)
    x = numpys.solve(a, b[..., None])[..., 0]
    adjoint = numpys.solve(np.swapaxes(a, 1, 2), np.ones((40, n, 1)))[..., 0]
    close(slopes, -adjoint[:, :, None] * x[:, None, :], 1e-7)
    close(vmap(linalg.det)(a), numpys.det(a), 1e-8)
    close(vmap(linalg.inv)(a), numpys.inv(a), 1e-7)
    for found, expected in zip(vmap(linalg.slogdet)(a), numpys.slogdet(a), strict=True):
        close(found, expected)


def test_determinants_and_least_squares_in_the_body_of_a_loop():
    """Trips and rows of singular matrices among others, which no guard tells apart there."""
    points = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 0.0]])

    def of_many_pivots(m):
        def trip(i, total):
            a = [[m[0] + i, m[1], 1.0], [m[1], m[2], m[0]], [1.0, m[0] * m[1], m[2] - i]]
            return total + linalg.det(a)

        return fori_loop(0, 3, trip, 0.0 * m[0])

    def singular(m):
        a = [m, m, [2.0 * m[2], m[0], m[1]]]
        return fori_loop(1, 3, lambda i, total: total + i * linalg.det(a), 0.0 * m[0])

    def fitted(m):
        def trip(i, total):
            return total + linalg.lstsq([[m[0] + 2.0, i], [1.0, 1.0], [m[1], 3.0]], m)[0][1]

        return fori_loop(0, 3, trip, 0.0 * m[0])

    for f in (of_many_pivots, singular, fitted):
        for derivative in (f, grad(f), hessian(f)):
            close(vmap(derivative)(points), np.array([derivative(m) for m in points]), 1e-13)


def test_thirty_rows_compiled():
    a, b = matrix(30), rng.normal(size=30)
    value, (by_a, by_b) = compile(
        pygrad.value_and_grad(lambda a, b: np.sum(linalg.solve(a, b)), (0, 1))
    )(a, b)
    x, adjoint = numpys.solve(a, b), numpys.solve(a.T, np.ones(30))
    close(value, np.sum(x))
    close(by_a, -np.outer(adjoint, x))
    close(by_b, adjoint)


def test_what_a_trace_does_without_comparisons_is_eager_codes_arithmetic():
    a, b = matrix(6), rng.normal(size=6)
    eager = numbers(linalg.solve(of_values(pygrad, a), b))
    assert list(compile(lambda a: linalg.solve(a, b))(a)) == list(eager)


def test_saved_programs_and_c(tmp_path):
    f = compile(lambda a: np.sum(linalg.solve(a, np.array([1.0, 2.0, 3.0]))))
    a = matrix(3)
    expected = f(a)
    f.save(tmp_path / "solve.pygrad")
    assert pygrad.load(tmp_path / "solve.pygrad")(a) == expected
    assert "double" in f.to_c()


# -- errors -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda v: linalg.solve([[v, 1.0], [2.0, 2.0]], [1.0, 2.0]), "Singular matrix"),
        (lambda v: linalg.inv([[v, 1.0], [2.0, 2.0]]), "Singular matrix"),
        (lambda v: linalg.slogdet([[v, 1.0], [2.0, 2.0]]), "Singular matrix"),
        (lambda v: linalg.cholesky([[-v, 0.0], [0.0, 1.0]]), "not positive definite"),
        (lambda v: linalg.lstsq([[v, 1.0], [2.0, 2.0], [1.0, 1.0]], [1.0, 2.0, 3.0]), "full rank"),
        (lambda v: linalg.solve([[v, 1.0]], [1.0]), "must be square"),
        (lambda v: linalg.det([v, 1.0]), "at least two-dimensional"),
        (lambda v: linalg.matrix_power([[v, 1.0], [2.0, 2.0]], -1), "Singular matrix"),
    ],
)
def test_errors_are_numpys(impl, call, error):
    with pytest.raises(numpys.LinAlgError, match=error):
        call(impl.Value(1.0))
    with pytest.raises(numpys.LinAlgError, match=error):
        compile(call)(1.0)


def test_matrices_of_no_rows(impl):
    none = linalg.inv([[impl.Value(2.0)]])[:0, :0]
    for name in ("inv", "cholesky"):
        assert getattr(numpys, name)(none).shape == (0, 0)
    assert numpys.solve(none, np.ones((0, 3))).shape == (0, 3)
    assert numpys.solve(none, np.ones(0)).shape == (0,)
    assert (numpys.det(none), *numpys.slogdet(none)) == (1.0, 1.0, 0.0)


def test_arguments_that_do_not_fit(impl):
    v = impl.Value(1.0)
    with pytest.raises(ValueError, match="2 rows"):
        linalg.solve([[v, 1.0], [2.0, 3.0]], [1.0])
    for other in (1j, "1.0", None):
        with pytest.raises(TypeError, match="real numbers"):
            linalg.det([[v, other], [1.0, 2.0]])
    with pytest.raises(TypeError, match="singular values"):
        linalg.norm([[v, 1.0], [2.0, 3.0]], 2)
    with pytest.raises(ValueError, match="norm order"):
        linalg.norm([v, 1.0], "fro")
    for name in ("eigvalsh", "svd", "eigh", "qr"):
        with pytest.raises(TypeError, match=r"local_grads|float by itself"):
            getattr(numpys, name)(np.stack([v, 2.0]).reshape(1, 2) * np.ones((2, 1)))


def test_a_band_takes_no_products_by_its_zeros():
    n = 40

    def band(x):
        return [
            [2.0 * x if i == j else -x if abs(i - j) == 1 else 0.0 for j in range(n)]
            for i in range(n)
        ]

    f = compile(lambda x: linalg.solve(band(x), np.ones(n))[0])
    for x in (2.0, -3.0):
        assert f(x) == pytest.approx(numpys.solve(np.array(band(x)), np.ones(n))[0])
        assert f(x) == pytest.approx(linalg.solve(band(pygrad.Value(x)), np.ones(n))[0].data)
        close(compile(linalg.det)(np.array(band(x))[:4, :4]), numpys.det(np.array(band(x))[:4, :4]))
    assert f.programs[0]["instructions"] < 60 * n


@pytest.mark.parametrize(
    "zeros", [[(0, 0)], [(0, 0), (0, 1), (3, 2)], [(1, 0), (2, 0), (0, 3), (2, 3)]]
)
def test_signs_of_determinants_with_plain_zeros(zeros):
    """In a trace rows with a plain 0 in the column stand aside, and the sign of the order knows."""
    for _ in range(6):
        a = matrix(4)
        for place in zeros:
            a[place] = 0.0

        def f(x, a=a):
            return linalg.det(
                [[0.0 if item == 0 else item * x for item in row] for row in a.tolist()]
            )

        assert compile(f)(1.5) == pytest.approx(numpys.det(1.5 * a))


def test_a_jacobian_of_the_inverse_by_its_entries():
    a = matrix(3)
    c = numpys.inv(a)
    close(jacobian(linalg.inv)(a), -np.einsum("ik,lj->ijkl", c, c))
