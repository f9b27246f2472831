"""Code written for micrograd, and for the dialects that came of it, runs with only the import changed."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import micrograd.engine
import pytest

ISOLATED = Path(__file__).resolve().parents[1] / "isolated"
IMPLEMENTATIONS = ["compiled", "reference"]


@pytest.fixture
def with_pygrad(tmp_path):
    """A copy of one of our micrograd programs in which only the import lines are changed."""

    def changed(name: str) -> Path:
        before = (ISOLATED / name).read_text(encoding="utf-8")
        after = before.replace("from micrograd", "from pygrad")
        lines = zip(before.splitlines(), after.splitlines(), strict=True)
        differing = [old for old, new in lines if old != new]
        assert differing
        assert all(line.startswith("from micrograd") for line in differing)
        copy = tmp_path / f"with_pygrad_{name}"
        copy.write_text(after, encoding="utf-8")
        return copy

    return changed


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize(
    "name",
    ["micrograd_tests.py", "micrograd_trace_graph.py", "micrograd_demo.py", "micrograd_habits.py"],
)
def test_a_micrograd_program_prints_the_same_with_only_its_imports_changed(
    run_isolated, with_pygrad, name, implementation
):
    original = run_isolated(name).stdout
    changed = run_isolated(with_pygrad(name), env={"PYGRAD_IMPL": implementation}).stdout
    assert original.strip()
    assert changed == original


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("sweep", ["by backward", "by hand"])
def test_a_microgpt_prints_the_same_as_with_its_own_value_class(
    run_isolated, implementation, sweep
):
    own = run_isolated("microgpt_step.py", "own").stdout
    ours = run_isolated("microgpt_step.py", "pygrad", sweep, env={"PYGRAD_IMPL": implementation})
    assert len(own.splitlines()) == 3
    assert ours.stdout == own


# -- the same checks inside this process, on each implementation ---------------------------------


def test_sanity_check_has_its_exact_numbers(impl):
    x = impl.Value(-4.0)
    z = 2 * x + 2 + x
    q = z.relu() + z * x
    h = (z * z).relu()
    y = h + q + q * x
    y.backward()
    assert (y.data, x.grad) == (-20.0, 46.0)


def test_more_ops_have_their_exact_numbers(impl):
    a, b = impl.Value(-4.0), impl.Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    # By hand: c = -1, d = 6, e = -7, f = 49; dg/df = 1/2 - 10/f**2, df/de = 2e.
    f_slope = Fraction(1, 2) - Fraction(10, 49**2)
    e_slope = f_slope * -14
    # d grows by factors 3 and 4, and by the two relus, of which only that of b - a is open.
    a_slope = e_slope * ((2 * 2 - 1) - (12 * 2 - 1))
    b_slope = e_slope * (4 - (12 * (-4 + 3 * 2**2) + 1))
    expected = [Fraction(49, 2) + Fraction(10, 49), a_slope, b_slope]
    for found, exact in zip((g.data, a.grad, b.grad), expected, strict=True):
        assert abs(Fraction(found) / exact - 1) <= Fraction(4, 2**52)


def test_gradients_equal_micrograds_on_random_polynomials(impl):
    rng = random.Random(13)
    slopes = set()
    for _ in range(50):
        seeds = [float(rng.randint(-3, 3)) for _ in range(3)]
        choices = [rng.random() for _ in range(25)]

        def program(Value, seeds=seeds, choices=choices):
            values = leaves = [Value(x) for x in seeds]
            for c in choices:
                # The indices come from the same stream for both engines.
                x, y = values[int(c * 1e3) % len(values)], values[int(c * 1e6) % len(values)]
                new = [x + y, x - y, x * 0.5, -x, (x + 1).relu(), x * y * 0.125, x**2 * 0.25]
                values = [*values, new[int(c * 1e9) % 7]]
            root = sum(values)
            root.backward()
            return root.data, [v.grad for v in leaves]

        # Small binary fractions throughout: both engines are exact here, so order does not matter.
        ours = program(impl.Value)
        assert ours == program(micrograd.engine.Value)
        slopes.update(ours[1])
    assert len(slopes) > 50


def test_an_mlp_has_micrograds_parameter_count_and_trains(package):
    random.seed(1)
    model = package.nn.MLP(3, [4, 4, 1])
    assert len(model.parameters()) == 41
    xs = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]
    ys = [1.0, -1.0, -1.0, 1.0]
    losses = []
    for _ in range(30):
        loss = sum((model(x) - y) ** 2 for x, y in zip(xs, ys, strict=True))
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data += -0.01 * p.grad
        losses.append(loss.data)
    assert losses[-1] < 0.5 * losses[0]


def test_differences_from_micrograd_are_the_documented_ones(impl):
    # A second backward is right; micrograd compounds the stale grads of inner nodes.
    def twice(Value):
        x = Value(3.0)
        y = x * x
        z = y * 2
        z.backward()
        z.backward()
        return x.grad

    assert twice(impl.Value) == 24.0
    assert twice(micrograd.engine.Value) == 36.0
    # Division and subtraction are one node each, and data is always a float.
    a, b = impl.Value(1), impl.Value(3)
    assert [len((a / b)._prev), len((a - b)._prev)] == [2, 2]
    assert ((a / b)._op, (a - b)._op) == ("/", "-")
    assert type(a.data) is float
    # x**0 at 0 raises in micrograd's backward.
    x = impl.Value(0.0)
    (x**0).backward()
    assert x.grad == 0.0
