"""What math.floor() and its like give in lifted code computes as an int does."""

import builtins
import itertools
import linecache
import math

import numpy as np
import pytest

from pygrad import Value, compile, grad, lift, vmap

POINTS = [-3.5, -2.0, -0.5, -0.0, 0.0, 0.25, 1.0, 2.5, 7.0]
OF_I = [
    *("-i", "+i", "abs(i)", "~i", "i + 1", "1 + i", "i - 1", "1 - i", "i * 2", "-2 * i", "i * -1"),
    *("i // 2", "7 // (i + 10)", "i % 3", "i % -3", "7 % (i + 10)", "i ** 2", "i ** 0", "i / 2"),
    *("i + 1.0", "i * 1.0", "1.5 * i", "float(i)", "i + j", "i - j", "i * j", "i * i - j"),
    *("sum([i, j, 1])", "max(i, j)", "min(i, 2)", "divmod(i, 3)[0]", "divmod(i, 3)[1]", "i & 255"),
    *("round(i * 2)", "math.floor(i)", "i * True", "i * x", "x - i", "int(i) + 1", "-(i * 0)"),
    *("math.copysign(1.0, -i)", "math.atan2(0.0, -i)", "1.0 / (i * 2 + 1)", "(i - i) * -3"),
]
TEXTS = [
    "{}",
    "isinstance({}, int)",
    "isinstance({}, float)",
    "type({}) is int",
    "str({})",
    "f'{{{}}}'",
]


def function(text):
    source = f"def f(x):\n    i, j = math.floor(x), math.ceil(x)\n    return {text}\n"
    name, space = f"<ints: {text}>", {"math": math}
    linecache.cache[name] = len(source), None, source.splitlines(True), name
    exec(builtins.compile(source, name, "exec"), space)
    return space["f"]


def bits(x):
    return x if isinstance(x, str) else (bool(x), float(x), math.copysign(1.0, x))


@pytest.mark.parametrize("text", OF_I)
def test_as_ints(text):
    for form in TEXTS:
        f = function(form.format(text))
        lifted = lift(f)
        for x in POINTS:
            found = lifted(Value(x))
            found = found.data if isinstance(found, Value) else found
            assert bits(found) == bits(f(x)), (form, x)
        if form[0] != "{":
            continue
        program = compile(lifted)
        assert [bits(program(x)) for x in POINTS] == [bits(f(x)) for x in POINTS]


@pytest.mark.parametrize("text", ["i // 0", "i % 0", "1 // (i - i)", "1 % (i - i)"])
def test_division_by_zero_has_the_words_for_ints(text):
    f = function(text)
    with pytest.raises(ZeroDivisionError) as plain:
        f(2.5)
    with pytest.raises(ZeroDivisionError) as lifted:
        lift(f)(Value(2.5))
    assert lifted.value.args == plain.value.args


def test_derivatives():
    @lift
    def f(x):
        i = math.floor(x) + 1
        return i * x * x if isinstance(i, int) else x

    assert grad(f)(2.5) == 15.0
    assert compile(grad(f))(2.5) == 15.0


def test_kinds_by_all_that_gives_ints():
    @lift
    def f(x):
        made = [math.floor(x), math.ceil(x), math.trunc(x), round(x), int(x)]
        return sum(isinstance(a + b, int) for a, b in itertools.product(made, made))

    assert f(Value(2.5)) == 25


def test_tables_are_read_by_sums_of_ints():
    @lift
    def f(x):
        table = [1.0, 2.0, 4.0, 8.0, 16.0]
        i = math.floor(x)
        return table[i + 1] * table[-i - 1] + table[2 * i] + sum(range(i))

    plain = f.__wrapped__
    assert [f(Value(x)) for x in (0.5, 1.5, 2.5)] == [plain(x) for x in (0.5, 1.5, 2.5)]
    assert [compile(f)(x) for x in (0.5, 1.5, 2.5)] == [plain(x) for x in (0.5, 1.5, 2.5)]


COUNTS = [
    lambda a: ~(a > 0).sum() * a[0],
    lambda a: a[0] * ~sum(x > 0 for x in a),
    lambda a: a[0] * (~(a > 0)).sum(),
]


@pytest.mark.parametrize("f", COUNTS)
def test_complements_of_counts(f):
    a = np.array([1.5, -2.0, 3.0])
    for g in (f, lift(f)):
        assert compile(g)(a) == vmap(g)(a[None])[0] == f(a)
        assert compile(grad(g))(a).tolist() == grad(f)(a).tolist()
    with pytest.raises(TypeError, match="unary ~"):
        compile(lambda x: ~x)(1.5)
    with pytest.raises(TypeError, match="unary ~"):
        ~Value(2.0)


def test_they_are_indices_with_numpys_ints():
    table = np.arange(256)[::-1]

    def f(x):
        i = math.floor(x)
        k = table[(table[i & 255] + i) & 255] & 14
        return x * float(k) * (table[3] * i) ** table[-3]

    for x in (1.5, 7.25):
        assert lift(f)(x) == f(x)
        assert compile(lift(f))(x) == f(x)
        assert grad(lift(f))(x) == f(x) / x
