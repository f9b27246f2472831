"""Kinds of code in packages that were tried: types in variables, signatures, float32, packages of no file."""

# ruff: noqa: E501  the sources of packages

from __future__ import annotations

import importlib
import inspect
import linecache
import math
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pygrad
from pygrad import compile, grad, lift, value_and_grad, vmap

SOURCE = """
import inspect
import numpy as np

DEFAULT = np.linalg.pinv and inspect.signature(np.linalg.pinv).parameters["rcond"].default
FLOAT = getattr(np, "float64")

def as_number(x, dtype=None):
    dtype = FLOAT if dtype is None else dtype
    return dtype(x)
def by_variable(x):
    a = np.asarray([x, 2.0 * x])
    return as_number(x) * x + a.dtype.type(0.5) * x + np.sum(as_number(a)) + as_number(x, float)
def of_ints(x, dtype=np.int64): return dtype(3) * x * dtype(2.0)
def in_single(x): return np.array([x * x, 1.0], dtype=np.float32)[0]
def single(x): return np.float32(x) * x
def with_an_axis(x):
    return np.concatenate([part[..., np.newaxis] for part in (np.square(x), np.multiply(2.0, x))], axis=-1)[0] + np.multiply(x, 3.0)[None][0]
def category(x):
    value = np.asarray(x)
    return np.array([1.0, 2.0, 5.0])[np.digitize(value, [1.0, 2.0])] * x + np.searchsorted([1.0, 2.0], value)
def between(x): return np.interp(np.asarray(x), [0.0, 1.0, 3.0], [0.0, 2.0, 3.0])
REGISTERED = {}
exec(compile('''
import numpy as np
def pieces(x):
    t = np.asarray([x, 2.0 * x])
    out = np.full_like(t, np.nan, dtype=float)
    low = t < 2.0
    out[low] = 3.0 * t[low]
    out[~low] = t[~low] ** 2
    return out[0] + out[1]
''', "registered", "exec"), REGISTERED)
pieces = REGISTERED["pieces"]
def boxes(x):
    one, other = np.asarray(x), np.asarray(2.0 * x)
    return np.sum(np.array([one, other, 1.0]) ** 2)
def iterated(x):
    return np.fromiter((k * x for k in (1.0, 2.0)), np.float64, count=2).sum() + np.fromiter(iter([1, 2]), int)[1]
def filled(x):
    flows = np.full_like(np.arange(3.0), x)
    flows[-1] += 2.0 * x
    return np.sum(np.full((2, 2), x, dtype=float)) + flows[-1] + np.full(2, 7.9 * x, dtype=int)[0]
def flattened(x):
    a, b = map(lambda v: v.flatten(), [np.asarray(x) * 2.0, np.asarray([x])])
    return (a[0] + b[0] + np.asarray(x * x).ravel()[0] + (np.float64(1.0) * x).reshape(-1, 1)[0, 0])
def near(x):
    steps = 0
    while not np.isclose(x, 1.0) and steps < 60:
        x, steps = 0.5 * (x + 1.0), steps + 1
    return x + (1.0 if np.allclose([x, 1.0], [1.0, x]) else 0.0) + np.isclose(x, [1.0, 5.0], rtol=0.1).sum()
class Proxy:
    @property
    def __annotations__(self): return {}
"""


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, Any]]:
    (tmp_path / "tried_kinds.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield importlib.import_module("tried_kinds"), lift("tried_kinds")
    sys.modules.pop("tried_kinds")


@pytest.mark.parametrize(
    ("name", "slope"),
    [
        ("by_variable", 2 * 1.5 + 0.5 + 3.0 + 1.0),
        ("of_ints", 6.0),
        ("with_an_axis", 2 * 1.5 + 3.0),
        ("category", 2.0),
        ("between", 0.5),
        ("boxes", 2 * 1.5 * 5.0),
        ("pieces", 3.0 + 8.0 * 1.5),
        ("iterated", 3.0),
        ("filled", 7.0),
        ("flattened", 4.0 + 2.0 * 1.5),
        ("near", 2.0**-16),
    ],
)
def test_they_run_and_are_right(packages: tuple[Any, Any], name: str, slope: float) -> None:
    plain, lifted = (getattr(package, name) for package in packages)
    value, found = value_and_grad(lifted)(1.5)
    assert (value, found) == (plain(1.5), slope)
    assert lifted(1.5) == plain(1.5) and type(lifted(1.5)) is type(plain(1.5))
    assert compile(grad(lifted))(1.5) == slope
    assert vmap(lifted)([1.25, 1.5]).tolist() == [plain(1.25), plain(1.5)]


@pytest.mark.parametrize(("name", "slope"), [("in_single", 3.0), ("single", 3.0)])
def test_single_precision_is_told_of_and_is_double(
    packages: tuple[Any, Any], name: str, slope: float
) -> None:
    plain, lifted = (getattr(package, name) for package in packages)
    with pytest.warns(RuntimeWarning, match=r"asked for as float32 has the digits of float64"):
        assert grad(lifted)(1.5) == slope
    assert type(lifted(1.5)) is type(plain(1.5))


def test_functions_that_stand_for_others_have_signatures(packages: tuple[Any, Any]) -> None:
    lifted = packages[1]
    assert [*inspect.signature(lifted.np.linalg.pinv).parameters][:2] == ["a", "rcond"]
    for name in ("clip", "sum", "median", "where", "array", "zeros_like", "quantile"):
        function, original = getattr(lifted.np, name), getattr(np, name)
        try:
            expected = [*inspect.signature(original).parameters]
        except ValueError:
            continue
        assert [*inspect.signature(function).parameters] == expected, name
    standing = lift("math")
    for name in ("floor", "ceil", "trunc", "sin", "fsum"):
        assert len(inspect.signature(getattr(standing, name)).parameters) == 1, name
    assert len(inspect.signature(pygrad.math.floor).parameters) == 1
    assert lifted.np.median.__doc__ == np.median.__doc__


@pytest.mark.parametrize("asked", [False, True])
def test_packages_without_a_file_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: bool
) -> None:
    """Namespace packages: what is lifted of one does not show in it."""
    top = f"tried_folder{asked}"
    (tmp_path / top / "inner").mkdir(parents=True)
    (tmp_path / top / "part.py").write_text("def power(x): return 10 ** x\n")
    (tmp_path / top / "inner" / "deep.py").write_text(
        "import math\nfrom .. import part\ndef root(x): return math.sqrt(part.power(x))\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    original = importlib.import_module(f"{top}.inner.deep")
    if asked:
        f = lift(f"{top}.inner.deep").root
    else:
        space: dict[str, Any] = {}
        exec(f"def f(x):\n    from {top}.inner import deep\n    return deep.root(x)\n", space)
        f = lift(space["f"])
    assert grad(f)(2.0) == pytest.approx(10 * math.log(10) / 2)
    package = sys.modules[top]
    assert package.inner.deep is original and original.root(2.0) == 10.0
    with pytest.raises(TypeError, match="exponent"):
        grad(package.part.power)(2.0)


def test_what_stands_for_a_ufunc_is_one(packages: tuple[Any, Any]) -> None:
    lifted = packages[1].np
    assert isinstance(lifted.sin, np.ufunc) and isinstance(lifted.add, lifted.ufunc)
    assert not isinstance(lifted.where, np.ufunc)


def test_compiled_code_that_refuses_values_is_named() -> None:
    def strict(x: Any) -> Any:
        raise TypeError("float object expected; got pygrad.Value")

    for call in (grad(strict), compile(strict)):
        with pytest.raises(TypeError, match=r"got pygrad\.Value: this is compiled code"):
            call(1.0)


@pytest.mark.parametrize(
    ("expression", "cure"),
    [
        ("scipy.signal.lfilter([x], [1.0, -0.5], [1.0, 1.0])[0]", "this is compiled code"),
        ("scipy.ndimage.correlate1d(np.array([x, 1.0]), [1.0])", "this is compiled code"),
        ("scipy.sparse.csr_matrix(np.array([[x, 1.0]]))", "sparse matrices .* plain numbers"),
        ("pd.Series([x, 1.0]).mean()", "pandas asks its columns of objects for floats"),
    ],
)
def test_packages_of_compiled_code_that_refuse_values_get_a_cure(
    expression: str, cure: str
) -> None:
    for name in ("scipy.signal", "scipy.sparse", "scipy.ndimage"):
        pytest.importorskip(name)
    space = {"scipy": sys.modules["scipy"], "np": np, "pd": pytest.importorskip("pandas")}
    f = eval(f"lambda x: {expression}", space)
    for call in (grad(f), grad(lift(f))):
        with pytest.raises((TypeError, ValueError, RuntimeError), match=cure):
            call(1.0)


SYSTEMS = {
    "one": "fsolve(lambda x: x**3 - a * b, 1.3)[0]",
    "two": "np.prod(fsolve(lambda z, k: [z[0] * z[0] + z[1] * z[1] - a * k, z[0] - b * z[1]], [1.0, 1.0], args=(2.0,)))",
    "reported": "fsolve(lambda x, k: np.cos(x) - k * x + b, x0=0.5, args=a, full_output=True)[0][0]",
    "with_slopes": "fsolve(lambda x: x * x - a * b, [1.0], fprime=lambda x: [[2.0 * x[0]]])[0]",
    "by_root": "root(lambda z: np.array([z[0] ** 2 - a, z[1] * z[0] - b]), np.array([1.0, 1.0])).x[1]",
    "and_slopes": "root(lambda z: ([z[0] ** 2 - a * b], [[2.0 * z[0]]]), [1.0], jac=True).x[0]",
    "bracketed": "root_scalar(lambda x: x**3 - a * b, bracket=[0.5, 3.0], method='brentq').root",
    "newton": "root_scalar(lambda x: (x**3 - a * b, 3.0 * x * x), x0=1.2, fprime=True, method='newton').root",
    "secant": "root_scalar(lambda x, k: x**3 - k * b, args=(a,), x0=1.2, x1=1.5).root",
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_solvers_of_systems(name: str) -> None:
    pytest.importorskip("scipy")
    space: dict[str, Any] = {}
    source = f"def f(a, b):\n    return {SYSTEMS[name]}\n"
    exec(
        f"import numpy as np\nfrom scipy.optimize import fsolve, root, root_scalar\n{source}", space
    )
    plain, f = space["f"], lift(space["f"])
    point, h = (2.0, 0.5), 1e-5
    value, slopes = value_and_grad(f, (0, 1))(*point)
    assert value == plain(*point) == f(*point)
    assert slopes[0] == pytest.approx((plain(2 + h, 0.5) - plain(2 - h, 0.5)) / (2 * h), rel=1e-7)
    assert slopes[1] == pytest.approx((plain(2, 0.5 + h) - plain(2, 0.5 - h)) / (2 * h), rel=1e-7)
    second = (grad(f)(2 + h, 0.5) - grad(f)(2 - h, 0.5)) / (2 * h)
    assert grad(grad(f))(*point) == pytest.approx(second, rel=1e-6, abs=1e-9)
    assert compile(value_and_grad(f))(*point) == pytest.approx((value, slopes[0]))
    assert vmap(f)([2.0, 2.2], [0.5, 0.6]) == pytest.approx([value, plain(2.2, 0.6)], rel=1e-7)


def test_a_system_without_a_solution_is_an_error_in_a_program() -> None:
    pytest.importorskip("scipy")

    @lift
    def nowhere(a: Any) -> Any:
        from scipy.optimize import fsolve

        return fsolve(lambda x: x * x + a, 1.0)[0]

    with warnings.catch_warnings(), pytest.raises(RuntimeError, match="no root was found"):
        warnings.simplefilter("ignore")
        compile(nowhere)(2.0)


@pytest.mark.parametrize("made", ["np.zeros((4, 4))", "zeros((4, 4))", "1.0 * ones_like(GRID)"])
def test_a_cell_of_a_notebook_does_not_say_where_numpy_comes_from(made: str) -> None:
    source = f"def f(x):\n    t = {made}\n    t[0, :] = x\n    t[1:, 0] += x * t[0, 1:]\n    return t.sum()\n"
    name = f"<cell {made}>"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    space: dict[str, Any] = {
        "np": np,
        "zeros": np.zeros,
        "ones_like": np.ones_like,
        "__name__": "__main__",
    }
    space["GRID"] = np.zeros((4, 4))
    exec(__builtins__["compile"](source, name, "exec"), space)  # type: ignore[index]
    lifted = lift(space["f"])
    assert lifted(1.5) == space["f"](1.5)
    assert grad(lifted)(1.5) == 4.0 + 3.0 * 2.0 * 1.5
    assert compile(lifted)(1.5) == space["f"](1.5)
