"""Solvers in compiled and mapped functions: solved at each call and each row, on plain numbers or by a
loop of the program."""

from __future__ import annotations

import math as plain
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pygrad import (
    TraceError,
    Value,
    autograph,
    check_grad,
    compile,
    cond,
    custom_root,
    gauss_newton,
    grad,
    gradient_descent,
    jacobian,
    load,
    math,
    newton,
    scan,
    value_and_grad,
    vmap,
    while_loop,
)

ROWS = np.array([1.0, 2.0, 4.0, 9.0])


def text_of(error: BaseException) -> str:
    return "\n".join([str(error), *getattr(error, "__notes__", ())])


def by_newton(a: Any) -> Any:
    return newton(lambda y: y * y - a, 1.0).x


def by_gauss_newton(a: Any) -> Any:
    return gauss_newton(lambda y: [y * y - a, 0.1 * (y - 1.0)], 1.0).x


def by_descent(a: Any) -> Any:
    return gradient_descent(lambda y: (y - a) ** 2 + math.cos(y), a, rate=0.4, tol=1e-12).x


@custom_root(lambda y, a: y + math.exp(y) - a)
def by_bisection(a: Any) -> Any:
    low, high = -50.0, 50.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if middle + plain.exp(middle) < a else (low, middle)
    return high


def by_brentq(a: Any) -> Any:
    from pygrad.scipy import brentq

    return brentq(lambda y: y * y - a, 0.0, 20.0, xtol=1e-14)


@custom_root(lambda y, a: y * y - a)
def by_scipys_brentq(a: Any) -> Any:
    from scipy.optimize import brentq

    return brentq(lambda y: y * y - a, 0.0, 20.0, xtol=1e-14)


@custom_root(lambda y, a: [y[0] * y[0] + y[1] - a, y[1] - 0.1 * a * y[0]])
def two_by_scipys_root(a: Any) -> Any:
    from scipy.optimize import root

    return root(lambda y: [y[0] ** 2 + y[1] - a, y[1] - 0.1 * a * y[0]], [1.0, 1.0], tol=1e-14).x


def by_scipys_root(a: Any) -> Any:
    return two_by_scipys_root(a)[1]


def by_minimize(a: Any) -> Any:
    from pygrad.scipy import minimize

    return minimize(lambda x: (x[0] - a) ** 2 + x[0] ** 4, [a], bounds=[(0.0, 1.1)]).x[0]


def by_root(a: Any) -> Any:
    from pygrad.scipy import root

    return root(lambda x: [x[0] ** 3 + x[1] - a, x[1] - a * x[0]], [1.0, 1.0]).x[1]


def by_least_squares(a: Any) -> Any:
    from pygrad.scipy import least_squares

    return least_squares(lambda x: [x[0] - a, 0.5 * x[0] ** 2 - 1.0], [1.0], loss="soft_l1").x[0]


def by_curve_fit(a: Any) -> Any:
    from pygrad.scipy import curve_fit

    return curve_fit(lambda t, b: a * np.exp(-b * t), [0.0, 1.0, 2.0], [1.0, 0.5, 0.3], [0.5])[0][0]


def by_solve_ivp(a: Any) -> Any:
    from pygrad.scipy import solve_ivp

    return solve_ivp(lambda t, y: -a * y, (0.0, 0.3), [1.0]).y[0, -1]


@custom_root(lambda y, a: y * y - a)
def by_plain_sqrt(a: Any) -> Any:
    return plain.sqrt(a)


def by_newton_of_two(a: Any) -> Any:
    def f(p: Any) -> Any:
        return {"u": p["x"] ** 2 + p["y"] ** 2 - 4.0 * a, "v": p["x"] * p["y"] - a}

    return newton(f, {"x": 2.0, "y": 1.0}).x["x"]


def by_fitting_two(a: Any) -> Any:
    data = [(0.0, 8.0), (1.0, 4.0), (2.0, 2.2), (3.0, 1.0)]
    residuals = lambda p: [p[0] * math.exp(-p[1] * t) - y * a for t, y in data]  # noqa: E731
    return gauss_newton(residuals, [7.0, 0.5]).x[1] * a


SCIPYS = [
    by_brentq,
    by_scipys_brentq,
    by_scipys_root,
    by_minimize,
    by_root,
    by_least_squares,
    by_curve_fit,
]
OURS = [
    by_newton,
    by_gauss_newton,
    by_descent,
    by_bisection,
    by_plain_sqrt,
    by_newton_of_two,
    by_fitting_two,
]


@pytest.mark.parametrize("f", [*OURS, *SCIPYS])
def test_each_call_and_each_row_is_solved(f: Any) -> None:
    if f in SCIPYS:
        pytest.importorskip("scipy")
    values, slopes, second = (
        pytest.approx([g(a) for a in ROWS.tolist()], rel=1e-13)  # lanes have an exp of their own
        for g in (f, grad(f), grad(grad(f)))
    )
    assert len({f(a) for a in ROWS.tolist()}) > 2
    compiled, derived = compile(f), compile(value_and_grad(f))
    for call in range(2):  # the first is where a trace would be
        assert [compiled(a) for a in ROWS] == values, call
        assert [derived(a)[0] for a in ROWS] == values, call
        assert [derived(a)[1] for a in ROWS] == slopes, call
    rows, of_rows = compile(vmap(f)), compile(vmap(grad(f)))
    for call in range(2):
        assert rows(ROWS).tolist() == vmap(f)(ROWS).tolist() == values, call
        assert of_rows(ROWS).tolist() == vmap(grad(f))(ROWS).tolist() == slopes, call
    assert rows(ROWS[::-1])[::-1].tolist() == values
    assert vmap(grad(grad(f)))(ROWS).tolist() == second
    total = vmap(lambda w, a: w * f(a), in_axes=(None, 0), reduce="mean")
    assert grad(total)(2.0, ROWS) == pytest.approx(np.mean([f(a) for a in ROWS]), rel=1e-13)
    of_scaled = grad(lambda w: vmap(lambda a: f(w * a))(ROWS).sum())(1.0)
    expected = sum(a * grad(f)(a) for a in ROWS)
    assert of_scaled == pytest.approx(expected, rel=1e-12)


def test_trajectories_of_scipy() -> None:
    pytest.importorskip("scipy")
    values, slopes = (
        pytest.approx([f(a) for a in ROWS[:2]], rel=1e-14)
        for f in (by_solve_ivp, grad(by_solve_ivp))
    )
    compiled = compile(by_solve_ivp)
    for _ in range(2):
        assert [compiled(a) for a in ROWS[:2]] == values
        assert vmap(grad(by_solve_ivp))(ROWS[:2]).tolist() == slopes


def test_programs_that_solve_pass_check_grad() -> None:
    for f in (compile(by_newton), compile(by_bisection)):
        assert check_grad(f, 2.0, order=2)


def test_what_the_solver_reads_from_elsewhere_is_read_anew() -> None:
    w = Value(1.0)

    class Model:
        shift = 0.0

        def solve(self, a: Any) -> Any:
            return newton(lambda y: y * y - a * w - self.shift, 1.0).x

    model = Model()
    compiled = compile(model.solve)
    assert compiled(4.0) == 2.0
    w.data = 4.0
    assert compiled(4.0) == 4.0
    model.shift = 9.0
    assert compiled(4.0) == 5.0


def test_one_on_plain_numbers_reads_what_a_program_would_not_see() -> None:
    settings = {"factor": 1.0}
    compiled = compile(lambda a: settings["factor"] * by_plain_sqrt(a))
    assert compiled(4.0) == 2.0
    settings["factor"] = 2.0
    assert compiled(4.0) == 4.0


def test_a_solver_of_constants_is_part_of_the_program() -> None:
    compiled = compile(lambda a: a * newton(lambda y: y * y - 2.0, 1.0).x)
    assert [compiled(3.0), compiled(5.0)] == pytest.approx([3.0 * 2**0.5, 5.0 * 2**0.5])
    assert len(compiled.programs) == 1


def either(a: Any) -> Any:
    return by_plain_sqrt(a) if a > 3.0 else a * a


def test_paths_without_a_solver_stay_programs() -> None:
    expected = [1.0, 4.0, 2.0, 3.0]
    compiled, rows = compile(either), compile(vmap(either))
    for call in range(2):
        assert [compiled(a) for a in ROWS] == expected, call
        assert rows(ROWS).tolist() == expected, call
        assert vmap(either)(ROWS[::-1]).tolist() == expected[::-1], call
        assert vmap(grad(either))(ROWS).tolist() == [2.0, 4.0, 0.25, 1 / 6], call
    assert len(compiled.programs) == 1
    many = np.concatenate([np.linspace(0.0, 3.0, 500), [4.0]])
    assert rows(many).tolist() == [*(many[:500] ** 2), 2.0]


def test_handlers_do_not_take_the_refusal_for_an_error() -> None:
    def handled(a: Any) -> Any:
        try:
            return by_newton(a)
        except Exception:
            return 0.0 * a

    assert compile(handled)(4.0) == 2.0
    assert vmap(handled)(ROWS) == pytest.approx(np.sqrt(ROWS))


def in_a_while_loop(a: Any) -> Any:
    return while_loop(lambda y: y > 1.5, lambda y: newton(lambda z: z * z - y, 1.0).x, a)


def in_a_branch(a: Any) -> Any:
    return cond(a > 3.0, by_newton, lambda a: a * a, a)


def in_a_scan(a: Any) -> Any:
    return scan(lambda c, x: (c + by_newton(a + x), c), 0.0 * a, [0.0, 1.0, 2.0])[0]


@autograph
def converted(a: Any) -> Any:
    while a > 1.5:
        a = newton(lambda z: z * z - a, 1.0).x
    return a


@pytest.mark.parametrize("f", [in_a_while_loop, in_a_branch, in_a_scan, converted])
def test_within_loops_and_branches(f: Any) -> None:
    compiled = compile(f)
    for _ in range(2):
        for a in ROWS.tolist():
            assert compiled(a) == f(a)
            assert compile(grad(f))(a) == grad(f)(a)
    assert vmap(f)(ROWS).tolist() == [f(a) for a in ROWS.tolist()]


def test_training_and_gradients_of_means() -> None:
    w = Value(2.0)

    @compile
    def loss(a: Any) -> Any:
        return newton(lambda y: y * y - w * a, 1.0).x

    assert loss.backward(ROWS) == pytest.approx(np.sqrt(2.0 * ROWS).mean())
    assert w.grad == pytest.approx((0.5 * np.sqrt(ROWS / 2.0)).mean())


def test_there_is_nothing_to_save_and_no_c(tmp_path: Path) -> None:
    compiled = compile(by_plain_sqrt)
    compiled(4.0)
    with pytest.raises(ValueError, match=r"cannot be saved: by_plain_sqrt\(\) was called"):
        compiled.save(tmp_path / "f.pgx")
    with pytest.raises(TraceError, match=r"by_plain_sqrt\(\) was called.*plain numbers"):
        compiled.to_c(4.0)
    with pytest.raises(TraceError, match=r"by_plain_sqrt\(\) was called"):
        compiled.buffer(4.0)()
    assert pickle.loads(pickle.dumps(compiled))(9.0) == 3.0
    mixed = compile(vmap(either))
    mixed(ROWS)
    with pytest.raises(ValueError, match="cannot be saved"):
        mixed.save(tmp_path / "f.pgx")


def test_a_pattern_is_read_off_a_program() -> None:
    pytest.importorskip("scipy")
    with pytest.raises(TraceError, match=r"by_plain_sqrt\(\) was called.*pattern"):
        jacobian(lambda x: [by_plain_sqrt(x[0]), x[1]], sparse=True)(np.array([4.0, 2.0]))
    dense = compile(jacobian(lambda x: [by_plain_sqrt(x[0]), x[1]]))
    for _ in range(2):
        assert dense(np.array([4.0, 2.0])).tolist() == [[0.25, 0.0], [0.0, 1.0]]


def test_a_row_raises_what_the_solver_raises() -> None:
    pytest.importorskip("scipy")
    with pytest.raises(ValueError, match="different signs"):
        compile(by_brentq)(-1.0)
    with pytest.raises(ValueError, match="different signs") as caught:
        vmap(by_brentq)(np.array([4.0, -1.0]))
    assert "row 1 of a map of by_brentq()" in text_of(caught.value)
    with pytest.raises(RuntimeError, match="not reached"):
        compile(grad(lambda a: newton(lambda y: y * y - a, 1e-8, steps=2).x))(4.0)


# -- those that are loops of the program -----------------------------------------------------------


def test_a_loop_of_the_program_is_saved_written_in_c_and_read_a_pattern_off(tmp_path: Path) -> None:
    compiled, derived = compile(by_newton), compile(value_and_grad(by_newton))
    assert (compiled(4.0), derived(4.0)) == (2.0, (2.0, 0.25))
    for f in (compiled, derived):
        f.save(tmp_path / "f.pgx")
        assert load(tmp_path / "f.pgx")(9.0) == f(9.0)
        assert "while" in f.to_c(4.0) or "for" in f.to_c(4.0)
    assert compiled.buffer(4.0)() == 2.0
    pytest.importorskip("scipy")
    sparse = jacobian(lambda x: [by_newton(x[0]), x[1]], sparse=True)(np.array([4.0, 2.0]))
    assert sparse.toarray().tolist() == [[0.25, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize(
    "f",
    [
        lambda a: newton(lambda y: y * y - a, 1.0),
        lambda a: newton(lambda y: y**3 + y - a, 0.0, steps=20, tol=1e-9),
        lambda a: gauss_newton(lambda y: [y * y - a, y - 1.0], 2.0),
        lambda a: gradient_descent(lambda y: (y - a) ** 2 * (1.0 + 1.0 / a), a / 2.0, 0.02),
    ],
)
def test_results_and_steps_are_those_outside(f: Any) -> None:
    rows = np.geomspace(0.1, 50.0, 40)

    def whole(a: Any) -> Any:
        result = f(a)
        return [result.x, result.value, result.steps, 1.0 * result.converged]

    found = np.array(vmap(whole)(rows)).T.tolist()
    assert found == [pytest.approx(whole(a), rel=1e-15, abs=1e-15) for a in rows.tolist()]
    assert len({steps for _, _, steps, _ in found}) > 1


def test_rows_that_come_to_no_solution_do_what_they_do_outside() -> None:
    def steps(a: Any) -> Any:
        result = newton(lambda y: y * y + a, 1.0, steps=30)
        return result.steps if result.converged else -1.0

    rows = np.array([-4.0, 3.0, -9.0, 7.0])
    expected = [steps(a) for a in rows.tolist()]
    assert expected.count(-1.0) == 2
    for f in (steps, compile(steps)):
        assert vmap(f)(rows).tolist() == expected

    def slope(a: Any) -> Any:
        return grad(lambda a: newton(lambda y: y * y + a, 1.0, steps=30).x)(a)

    with pytest.raises(RuntimeError, match="no derivative of a solution that was not") as caught:
        vmap(slope)(rows)
    assert "row 1 of a map of slope()" in text_of(caught.value)

    def flat(a: Any) -> Any:
        return newton(lambda y: [y[0] + a * y[1] - 1.0, y[0] + y[1]], [0.0, 0.0]).x[1]

    assert vmap(flat)(ROWS[1:]).tolist() == pytest.approx(1.0 / (ROWS[1:] - 1.0), rel=1e-14)
    with pytest.raises(ValueError, match="Jacobian is singular at the start") as caught_:
        vmap(flat)(ROWS[::-1])
    assert "row 3 of a map of flat()" in text_of(caught_.value)
    same = lambda a: gauss_newton(lambda y: [a * y[0] + y[1], y[0] + y[1], y[0]], [1.0, 2.0]).x  # noqa: E731
    assert np.allclose(vmap(same)(ROWS), 0.0, atol=1e-15)
    alike = lambda a: gauss_newton(lambda y: [a * (y[0] + y[1]) - 1.0] * 2, [1.0, 2.0]).x  # noqa: E731
    with pytest.raises(ValueError, match="of rank 1 and not 2"):
        vmap(alike)(ROWS)


@pytest.mark.parametrize(
    "f",
    [
        lambda a: newton(lambda y: y * y - a if y > 0 else y - 1.0, 3.0).x,  # asks for a truth
        lambda a: newton(lambda y: y * y - a, 3.0, callback=lambda *_: None).x,
        lambda a: newton(lambda y: [v * v - a for v in y], [3.0] * 20).x[7],
    ],
)
def test_what_no_loop_can_be_of_runs_without_a_program(f: Any, tmp_path: Path) -> None:
    compiled = compile(vmap(f))
    for _ in range(2):
        assert compiled(ROWS) == pytest.approx(np.sqrt(ROWS), rel=1e-15)
        assert vmap(grad(f))(ROWS) == pytest.approx(0.5 / np.sqrt(ROWS), rel=1e-15)
    with pytest.raises(ValueError, match="cannot be saved"):
        compiled.save(tmp_path / "f.pgx")


def test_a_solution_that_was_not_reached_may_be_looked_at() -> None:
    def best(a: Any) -> Any:
        result = newton(lambda y: y * y - a, 1.0, steps=2)
        return result.x if result.converged else a**0.5

    assert best(1.0) == 1.0
    for transform in (grad, lambda f: lambda a: vmap(grad(f))(np.array([a]))[0]):
        assert transform(best)(9.0) == pytest.approx(1.0 / 6.0)
