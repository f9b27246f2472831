"""Ints in lists, dicts, tuples and records among arguments are what they are elsewhere, or one is told."""

import collections
import dataclasses
import functools
import pickle
import typing

import numpy as np
import pytest

from pygrad import Value, compile, grad, jacobian, lift, load, value_and_grad, vmap


class Pair(typing.NamedTuple):
    a: float
    n: float


@dataclasses.dataclass
class Params:
    a: float
    n: float


class Config(dict):
    pass


Plain = collections.namedtuple("Plain", "a n")


def factor(n):
    return 2.0 if isinstance(n, int) else 3.0


KINDS = [
    (lambda p, x: x * factor(p[1]) * p[0], lambda n: [1.5, n]),
    (lambda p, x: x * factor(p[1]) * p[0], lambda n: (1.5, n)),
    (lambda p, x: x * factor(p[0]), lambda n: [n]),
    (lambda p, x: x * factor(p[0]), lambda n: (n,)),
    (lambda p, x: x * factor(p["n"]) * p["a"], lambda n: {"a": 1.5, "n": n}),
    (lambda p, x: x * factor(p["n"]) * p["a"], lambda n: Config(a=1.5, n=n)),
    (lambda p, x: x * factor(p.n) * p.a, lambda n: Plain(1.5, n)),
    (lambda p, x: x * factor(p.n) * p.a, lambda n: Pair(1.5, n)),
    (lambda p, x: x * factor(p.n) * p.a, lambda n: Params(1.5, n)),
    (
        lambda p, x: x * factor(p["q"][0][1]) * p["q"][1].a,
        lambda n: {"q": [[1.0, n], Pair(1.5, n)]},
    ),
    (lambda p, x: x * sum(range(p[1])) if type(p[1]) is int else x, lambda n: [1.5, n]),
    (lambda p, x: x * {2: 5.0}.get(p[1], 7.0) if type(p[1]) is int else x, lambda n: [1.5, n]),
    (lambda p, x: x * [3.0, 5.0, 7.0, 9.0][p[1]] if type(p[1]) is int else x, lambda n: (1.5, n)),
]


@pytest.mark.parametrize(("f", "given"), KINDS)
def test_ints_within_arguments_stay_ints(f, given):
    rows = vmap(f, in_axes=(None, 0))
    points = np.array([1.25, 2.0])
    slope, slopes = compile(grad(f, 1)), vmap(grad(f, 1), in_axes=(None, 0))
    compiled, compiled_rows, lifted = compile(f), compile(rows), compile(lift(f))
    for _ in range(3):  # from the second one on C does the calls
        for n in (2, 2.0, 3, 3.5, True):
            expected = f(given(n), 1.25)
            assert compiled(given(n), 1.25) == expected, n
            assert compiled(x=1.25, p=given(n)) == expected, n
            assert lifted(given(n), 1.25) == expected, n
            assert rows(given(n), points)[0] == compiled_rows(given(n), points)[0] == expected, n
            assert slope(given(n), 1.25) == pytest.approx(expected / 1.25, rel=1e-15), n
            assert slopes(given(n), points)[0] == pytest.approx(expected / 1.25, rel=1e-15), n


@pytest.mark.parametrize("first", [2, 2.0])
def test_whatever_was_first_in_a_list(first):
    f = compile(KINDS[0][0])
    f([1.5, first], 1.0)
    assert [f([1.5, 2], 1.0), f([1.5, 2.0], 1.0), f([2, 2.0], 1.0)] == [3.0, 4.5, 6.0]


def test_ints_of_numpy():
    def f(x, n):
        return 2 * x if isinstance(n, np.integer) else 3 * x

    compiled, rows = compile(f), vmap(f, in_axes=(0, None))
    for n in (np.int64(2), 2, 2.0, np.float64(2.0), np.int32(2)):
        assert compiled(1.5, n) == rows(np.array([1.5]), n)[0] == f(1.5, n)
    nested = compile(lambda p, x: f(x, p[0]))
    assert [nested([np.int64(2)], 1.5), nested([2], 1.5), nested([2.0], 1.5)] == [3.0, 4.5, 4.5]


def test_lists_of_ints_are_numbers_where_nobody_asks():
    f = compile(lambda p, x: p[0] * x + p[1])
    for n in range(20):
        assert f([n, 2], 1.5) == n * 1.5 + 2
    assert len(f.programs) == 1


def test_many_lists_of_ints_are_told_of():
    f = compile(KINDS[0][0])
    with pytest.warns(RuntimeWarning, match=r"traced for 32 ints .* float\(n\)"):
        for n in range(40):
            f([1.5, n], 1.5)


def test_derivatives_by_a_list_with_ints_are_those_of_numbers():
    f = KINDS[0][0]
    for derivative in (grad(f), compile(grad(f)), jacobian(f)):
        with pytest.warns(RuntimeWarning, match="asks whether a number is an int"):
            assert derivative([1.5, 2], 1.0) == [3.0, 0.0]
    with pytest.warns(RuntimeWarning, match="asks whether a number is an int"):
        assert value_and_grad(f)([1.5, 2], 1.0)[0] == f([1.5, 2.0], 1.0)


def test_who_means_any_number_is_not_told():
    f = lambda x: x * x if isinstance(x, (int, float, Value)) else x  # noqa: E731
    assert grad(f)(3) == compile(grad(f))(3) == 6.0
    assert grad(lambda x: np.sin(x) + np.sum([x, x]))(0) == 3.0


def test_rows_of_ints_are_told_of():
    f = lambda x, n: x * factor(n)  # noqa: E731
    with pytest.warns(
        RuntimeWarning, match=r"argument 1 of <lambda>\(\) has rows of ints, .*floats"
    ):
        assert vmap(f)([1.0, 2.0], [3, 4]).tolist() == [3.0, 6.0]
    assert vmap(f)(np.ones(2), np.array([3, 4])).tolist() == [3.0, 3.0]  # none of NumPy's is an int
    with pytest.warns(RuntimeWarning, match="has rows of ints"):
        vmap(lambda x, n: x * 2 if isinstance(n, np.integer) else x)(np.ones(2), np.array([3, 4]))


def test_a_buffer_has_no_place_for_such_ints():
    f = compile(KINDS[0][0])
    assert f.buffer([1.5, 2.0], 1.0)() == 4.5
    with pytest.raises(TypeError, match="no static arguments"):
        f.buffer([1.5, 2], 1.0)


def test_files_know_ints_within_arguments(tmp_path):
    for k, (f, given) in enumerate([KINDS[0], KINDS[2], KINDS[4]]):
        compiled = compile(f)
        cases = [given(2), given(3), given(2.0)]
        expected = [compiled(case, 1.25) for case in cases]
        compiled.save(tmp_path / f"{k}.pygrad")
        loaded = load(tmp_path / f"{k}.pygrad")
        assert [loaded(case, 1.25) for case in cases] == expected
    again = pickle.loads(pickle.dumps(compile(functools.partial(operator_of, 2.0))))
    assert [again([1.0, 2]), again([1.0, 2.0])] == [4.0, 6.0]


def operator_of(x, p):
    return x * factor(p[1]) * p[0]
