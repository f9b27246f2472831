"""What all applications have in common: examples that run, solvers in no_grad, NumPy where it is needed."""

from __future__ import annotations

import contextlib
import doctest
import math
import subprocess
import sys

import pytest

import pygrad
import pygrad.applications.models
import pygrad.applications.solvers
from pygrad.applications import gradient_descent, newton, quadratic_model


def test_the_examples_in_the_docstrings_run():
    results = [
        doctest.testmod(module)
        for module in (pygrad.applications.models, pygrad.applications.solvers)
    ]
    assert sum(result.failed for result in results) == 0
    assert all(result.attempted > 5 for result in results)


@pytest.mark.parametrize("suspended", [False, True])
def test_solvers_work_within_no_grad(suspended):
    with pygrad.no_grad() if suspended else contextlib.nullcontext():
        assert newton(lambda x: x * x - 2.0, 1.0).x == pytest.approx(math.sqrt(2))
        assert gradient_descent(lambda x: (x - 1.0) ** 2, 0.0).converged
        assert quadratic_model(lambda x: x**3, 2.0).hessian == 12.0


def test_numpy_is_imported_for_systems_only(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        """
import sys
sys.modules["numpy"] = None  # importing it raises ImportError
from pygrad import math
from pygrad.applications import *

print(newton(lambda x: x * x - 2, 1.0))
print(gradient_descent(lambda p: (p["a"] - 1) ** 2, {"a": 0.0}).converged)
print(sensitivity(lambda p: p[0] * p[1] ** 2, [1.0, 2.0])[0].name)
print(propagate(lambda p: p[0] + p[1], [1.0, 2.0], [0.09, 0.16]))
print(linear_model(lambda p: [p[0] * p[1], p[1]], [1.0, 2.0])([0.5, 0.0]))
print(quadratic_model(lambda p: p[0] * p[1], (1.0, 2.0)).hessian)
"""
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", str(program)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "converged after 6 steps: x = 1.41421, value = -4.44089e-16",
        "True",
        "x[1]",
        "3 +/- 0.5",
        "[3.0, 2.0]",
        "((0.0, 1.0), (1.0, 0.0))",
    ]
