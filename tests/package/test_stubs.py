"""The stubs say what is there at run time, and a program passes a strict type checker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# pygrad._native is no file of its own: pygrad.value loads it out of pygrad._core's shared object.
STUBTEST = """
import sys
import pygrad.value
from mypy.stubtest import parse_options, test_stubs
sys.exit(test_stubs(parse_options(sys.argv[1:])))
"""

# Where a stub says on purpose something else than the run-time object does.
ALLOWED = """
# The run-time signature shows one of the three ways to call the constructor; the stub states all.
pygrad._native.Value.__init__
# It is there, as CPython gives it to every type with a power slot, but only to raise TypeError.
pygrad._native.Value.__rpow__
# It is there for what floor and its like have made, and else to raise TypeError with the cause.
pygrad._native.Value.__index__
# It depends on the version of Python; without it the stub exports the same names.
pygrad.math.__all__
"""

MODULES = ["pygrad._core", "pygrad._native", "pygrad.math"]

PROGRAM = """
from fractions import Fraction

import pygrad
from pygrad import Value, engine, math, nn, no_grad, optim
from pygrad.engine import Value as EngineValue


def f(x: Value, y: Value) -> Value:
    z = (x * y + 2.0 - 3 / y) ** 2 // 1 % Fraction(7, 2)
    z += abs(-x).relu() + math.tanh(x) * math.maximum(x, 0.0) + math.clip(x, None, 1.0)
    return sum([z, x.clip(-1.0, y)], Value(0.0)) + pygrad.dot([x, y], [1.0, 2.0], bias=x)


a, b = Value(2.0, label="a"), EngineValue(3)
f(a, b).backward()
slope: float = a.grad
a.data = 1
number: float = math.exp(1.0) + math.hypot(3.0, 4.0)
whole: int = math.floor(2.5)
node: Value = math.exp(a) + math.log(a, 2.0) + math.hypot(a, b) + math.where(a > b, a, 0.0)
partials: tuple[float, ...] = node.local_derivatives


def cube(x: Value) -> Value:
    out = Value(x.data**3, (x,), "cube")

    def backward() -> None:
        x.grad += 3 * x.data**2 * out.grad

    out._backward = backward
    return out


stated: Value = Value(8.0, (a,), [12.0]) + Value(8.0, children=(a,), local_grads=(12.0,))


@no_grad()
def evaluate(model: nn.MLP, x: list[float]) -> float:
    score: Value = model(x)
    return score.data


model = nn.MLP(2, [4, 1])
optimizer = optim.Adam(model.parameters(), lr=0.01)
with no_grad():
    evaluate(model, [1.0, 2.0])
optimizer.step()
pygrad.zero_grad(model.parameters())
pygrad.zero_grad(node)

try:
    a**b  # type: ignore[operator]
    2**a  # type: ignore[operator]
    a + "b"  # type: ignore[operator]
    float(a)  # type: ignore[arg-type]
    Value("2.0")  # type: ignore[call-overload]
    math.sin("x")  # type: ignore[call-overload]
except TypeError:
    pass
"""

TRANSFORMS = """
from typing import Any

import numpy as np
from typing_extensions import assert_type

import pygrad
from pygrad import compile, grad, hessian, jacobian, value_and_grad, vmap
from pygrad.compiled import Compiled


def f(x: float, n: int = 2) -> float:
    return x * x * n


@compile
def cube(x: float) -> float:
    return x**3


@compile(verify=True)
def power(x: float, n: float, *, scale: float = 1.0) -> list[float]:
    return [scale * x * n]


assert_type(compile(f)(2.0, 3), float)
assert_type(cube(2.0), float)
assert_type(power(2.0, 3.0, scale=2.0), list[float])
taken: Compiled[[float], float] = cube
taken.backward(np.array([1.0]))
sizes: list[dict[str, int]] = cube.programs
slope: float = grad(cube)(2.0)
assert_type(value_and_grad(f)(2.0, n=3), tuple[Any, Any])
compiled: Compiled[[float, int], Any] = compile(grad(f))
second: float = hessian(cube)(2.0)
matrix = compile(jacobian(f, argnums=0))(2.0, 3)
rows: np.ndarray[Any, Any] = vmap(f, in_axes=(0, None))(np.arange(3.0), 2, out=None)
mean: float = compile(vmap(f, reduce="mean"))(np.arange(3.0), np.arange(3))


class Line:
    rise = 2.0

    @compile
    def at(self, x: float) -> float:
        return self.rise * x


assert_type(Line().at(1.0), float)
assert_type(Line.at(Line(), 1.0), float)
Line.at.programs

try:
    cube("2.0")  # type: ignore[arg-type]
    cube(2.0, 3.0)  # type: ignore[call-arg]
    power(2.0)  # type: ignore[call-arg]
    grad(cube)(y=2.0)  # type: ignore[call-arg]
    Line().at("1.0")  # type: ignore[arg-type]
    compile(3)  # type: ignore[call-overload]
except TypeError:
    pass
"""


def run(arguments: list[str], folder: Path) -> None:
    """A Python of its own, which cannot see the checkout; its output is shown if it fails."""
    done = subprocess.run(
        [sys.executable, "-I", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.long
def test_stubs_agree_with_the_modules(tmp_path: Path) -> None:
    allowed = tmp_path / "allowed.txt"
    allowed.write_text(ALLOWED)
    run(["-c", STUBTEST, "--concise", "--allowlist", str(allowed), *MODULES], tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("text", [PROGRAM, TRANSFORMS])
def test_a_program_passes_the_strict_checker_and_runs(text: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(text)
    cache = tmp_path / "cache"
    run(["-m", "mypy", "--strict", f"--cache-dir={cache}", str(program)], tmp_path)
    run(["-W", "error", str(program)], tmp_path)
