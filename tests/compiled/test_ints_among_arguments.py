"""An int among the arguments of a program is what it is elsewhere, or an error says what to write."""

import functools
import math
import numbers
import pickle

import numpy as np
import pytest

from pygrad import Value, compile, grad, lift, load, value_and_grad, vmap

KINDS = (int, bool)


def helper(n):
    return isinstance(n, int)


@functools.singledispatch
def kind(n):
    return 3.0


@kind.register
def _(n: int):
    return 2.0


def match_int(x, n):
    match n:
        case int():
            return 5 * x
        case _:
            return 3 * x


def match_number(x, n):
    match n:
        case 2:
            return 7 * x
        case int(k) if k > 2:
            return 5 * x
        case _:
            return 3 * x


ASK = [
    lambda x, n: x * 2 if isinstance(n, int) else x * 3,
    lambda x, n: x * 2 if isinstance(n, (int, np.integer)) else x * 3,
    lambda x, n: x * 2 if isinstance(n, numbers.Integral) else x * 3,
    lambda x, n: x * 2 if not isinstance(n, bool) and isinstance(n, int) else x * 3,
    lambda x, n: x * 2 if isinstance(n, KINDS) else x * 3,
    lambda x, n: x * 2 if type(n) is int else x * 3,
    lambda x, n: x * 2 if type(n) == int else x * 3,  # noqa: E721
    lambda x, n: x * 2 if type(n) in (int, bool) else x * 3,
    lambda x, n: x * 2 if n.__class__ is int else x * 3,
    lambda x, n: x * 2 if issubclass(type(n), int) else x * 3,
    lambda x, n: x * 2 if helper(n) else x * 3,
    lambda x, n: x * kind(n),
    lambda x, n: x * 2 if hasattr(n, "bit_length") else x * 3,
    lambda x, n: x * 2 if n in {2, 3} else x * 3,
    lambda x, n: sum(x**k for k in range(n)) if isinstance(n, int) else x * 3,
    match_int,
    match_number,
]


@pytest.mark.parametrize("f", ASK)
def test_what_asks_for_ints_is_told(f):
    compiled, rows = compile(f), vmap(f, in_axes=(0, None))
    compiled_rows = compile(rows)
    for _ in range(3):  # from the second one on C does the calls
        for n in (2, 2.5, 3, 4, 7.0, 2**40 + 1, True):
            if f is ASK[-3] and n == 2**40 + 1:
                continue
            expected = f(1.5, n)
            assert compiled(1.5, n) == pytest.approx(expected, rel=1e-15), n
            assert rows(np.array([1.5]), n)[0] == pytest.approx(expected, rel=1e-15), n
            assert compiled_rows(np.array([1.5]), n)[0] == pytest.approx(expected, rel=1e-15), n


@pytest.mark.parametrize("first", [2, 2.5])
def test_whatever_was_first(first):
    f = compile(ASK[0])
    f(1.0, first)
    assert [f(1.0, 2), f(1.0, 2.0), f(1.0, n=2), f(x=1.0, n=2.0)] == [2.0, 3.0, 2.0, 3.0]


def test_many_ints_are_told_of():
    f = compile(ASK[0])
    with pytest.warns(RuntimeWarning, match=r"traced for 32 ints .* float\(n\)"):
        for n in range(40):
            f(1.5, n)
    assert len({f(1.5, float(n)) for n in range(40)}) == 1
    g = compile(ASK[0], static_argnums=-1)
    assert [g(1.5, n) for n in range(40)] == [3.0] * 40


def test_bits_of_ints():
    f = compile(lambda x, n: x * n.bit_length())
    assert [f(1.5, 5), f(1.5, 1024)] == [4.5, 16.5]


def test_derivatives_by_ints_are_those_of_numbers():
    def f(x):
        return x**2 if isinstance(x, (int, Value)) else x

    assert compile(grad(f))(3) == grad(f)(3) == 6.0
    g = grad(ASK[0], 1)
    for derivative in (g, compile(g)):
        with pytest.warns(RuntimeWarning, match=r"differentiated by an int, .* by a float"):
            assert derivative(1.5, 2) == 0.0
    assert compile(grad(ASK[0]))(1.5, 2) == 2.0
    assert compile(grad(ASK[0]))(1.5, 2.0) == 3.0


def test_who_does_not_ask_has_one_program_for_all():
    f = compile(lambda x, n: x * n if not isinstance(x, list) else int(n))
    for n in range(20):
        assert f(1.5, n) == 1.5 * n
    assert len(f.programs) == 1


KEYS = [
    lambda x, n: x * {2: 5.0, 3: 7.0}[n],
    lambda x, n: x * {2: 5.0, 3: 7.0}.get(n, 11.0),
    lambda x, n: x * 2 if n in {2: 5.0} else x * 3,
    lambda x, n: x * len({n, 2}),
    lambda x, n: x * len(dict.fromkeys([n, 2])),
    lambda x, n: x * 2 if n in set(range(4)) else x * 3,
]


@pytest.mark.parametrize("f", KEYS)
def test_keys_are_an_error_that_names_the_cure(f):
    with pytest.raises(TypeError, match=r"no key of a dict or a set.*static_argnums=1"):
        compile(f)(1.5, 2)
    for n in (2, np.array([2, 3])):
        axes = (0, None) if isinstance(n, int) else 0
        with pytest.raises(TypeError, match=r"no key of a dict or a set.*closing over it"):
            vmap(f, in_axes=axes)(np.array([1.5, 2.5]), n)
    with pytest.raises(TypeError, match="no key"):
        vmap(f)([1.5, 2.5], [2, 3])
    assert compile(f, static_argnums=1)(1.5, 2) == f(1.5, 2)
    assert vmap(lambda x: f(x, 2))(np.array([1.5]))[0] == f(1.5, 2)


def test_inputs_that_were_floats_are_keys_by_identity():
    def counted(x, y):
        seen = {x: 1.0}
        return y * seen[x]

    assert compile(counted)(2.0, 3.0) == 3.0


def first_is_true(flags, x):
    return 2 * x if flags[0] is True else 3 * x


@pytest.mark.parametrize("kind", [list, tuple])
def test_bools_in_lists_that_are_asked_by_identity(kind):
    f, rows = compile(first_is_true), vmap(first_is_true, in_axes=(None, 0))
    for _ in range(3):
        for flags in ([True, False], [False, True], [1.0, 0.0], [1, False]):
            expected = first_is_true(flags, 1.5)
            assert f(kind(flags), 1.5) == expected
            assert compile(grad(first_is_true, 1))(kind(flags), 1.5) == expected / 1.5
    nested = compile(lambda flags, x: x if flags[0][1] is False else -x)
    assert [nested([[1.0, False]], 2.0), nested([[1.0, 0.0]], 2.0)] == [2.0, -2.0]
    assert rows([0.5, 0.25], np.array([1.5]))[0] == 4.5


@pytest.mark.parametrize("kind", [list, tuple])
@pytest.mark.parametrize("through", [lambda f: f, compile], ids=["plain", "compiled"])
def test_bools_in_lists_that_rows_share_and_that_are_asked_by_identity(kind, through):
    x = np.array([1.5, 2.5])
    f = through(vmap(first_is_true, in_axes=(None, 0)))
    slopes = through(vmap(grad(first_is_true, 1), in_axes=(None, 0)))
    nested = through(vmap(lambda p, x: first_is_true(p[0], x), in_axes=([None, 0], 0)))
    for _ in range(3):  # there are plans for calls that come again
        for flags in ([True, False], [False, True], [1.0, 0.0], [1, False], [np.True_, 1.0]):
            expected = [first_is_true(flags, v) for v in x.tolist()]
            assert f(kind(flags), x).tolist() == expected
            assert (slopes(kind(flags), x) * x).tolist() == expected
            assert nested([kind(flags), x], x).tolist() == expected


@pytest.mark.parametrize(
    ("flags", "ask"),
    [([2, 1.5], lambda a: isinstance(a, int)), ([True, 1.5], lambda a: a is True)],
    ids=["int", "bool"],
)
def test_derivatives_by_what_rows_share_are_by_floats_whatever_is_asked(flags, ask):
    def f(flags, x):
        return x * flags[1] * (3 if ask(flags[0]) else flags[0] * 6)

    total = vmap(f, in_axes=(None, 0), reduce="sum")
    by_flags, x = compile(value_and_grad(total)), np.array([1.0, 2.0])
    for _ in range(3):
        value, slopes = by_flags(flags, x)
        assert value == 27.0 * flags[0] and slopes == [27.0, 18.0 * flags[0]]
        assert list(map(type, slopes)) == [float, float]


def test_bools_are_numbers_where_nobody_asks():
    f = compile(lambda flags, x: flags[0] * x)
    assert [f([True], 1.5), f([False], 1.5), f([0.5], 1.5)] == [1.5, 0.0, 0.75]
    assert len(f.programs) == 1


def test_files_and_pickles_know_ints(tmp_path):
    f = compile(lambda x, n: x**n if isinstance(n, int) else x * 3)
    expected = [f(1.5, 2), f(1.5, 3), f(1.5, 2.0)]
    f.save(tmp_path / "f.pygrad")
    for again in (load(tmp_path / "f.pygrad"), pickle.loads(pickle.dumps(f))):
        assert [again(1.5, 2), again(1.5, 3), again(1.5, 2.0)] == expected == [2.25, 3.375, 4.5]


def test_lifted_code_that_asks():
    f = compile(lift(lambda x, n: math.sin(x) if type(n) is int else math.cos(x)))
    assert f(0.5, 1) == pytest.approx(math.sin(0.5))
    assert f(0.5, 1.0) == pytest.approx(math.cos(0.5))


def test_to_c_takes_an_example():
    f = compile(ASK[0])
    assert "2.0" in f.to_c(1.0, 2)
    assert "3.0" in f.to_c(1.0, 2.0)
