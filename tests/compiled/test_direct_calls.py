"""Calls that C does from arguments to result are what Python's would be; what is not for C is left."""

from __future__ import annotations

import collections
import contextlib
import copy
import functools
import gc
import inspect
import operator
import pickle
import struct
import sys
import types
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import pygrad
from pygrad import TraceError, Value, _native, compile, grad, hessian, math, no_grad, value_and_grad
from pygrad._core import lib
from pygrad.compiled.function import Compiled


class Left:
    """A compiled function, and how many of its calls C has left to Python."""

    def __init__(self, f: Callable[..., Any], **options: Any) -> None:
        self.compiled = compile(f, **options)
        self.count = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        before = Compiled._by_python

        def counted(compiled: Any, /, *args: Any, **kwargs: Any) -> Any:
            self.count += compiled is self.compiled
            return before(compiled, *args, **kwargs)

        Compiled._by_python = counted  # type: ignore[method-assign]
        try:
            return self.compiled(*args, **kwargs)
        finally:
            Compiled._by_python = before  # type: ignore[method-assign]


def bits(x: Any) -> Any:
    """What a result is, in things that compare by their bits; arrays with what they own."""
    kind = type(x).__name__
    if isinstance(x, float):
        return kind, "nan" if x != x else struct.pack("d", x)
    if isinstance(x, np.ndarray):
        flags = x.flags.owndata, x.flags.writeable, x.flags.c_contiguous
        return kind, x.dtype.str, x.shape, flags, [bits(item) for item in x.ravel().tolist()]
    if isinstance(x, dict):
        return kind, [(repr(key), bits(part)) for key, part in x.items()]
    if isinstance(x, list | tuple):
        return kind, [bits(part) for part in x]
    return kind, repr(x.data if isinstance(x, Value) else x)


def outcome(f: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    try:
        return bits(f(*args))
    except Exception as error:
        return type(error), str(error)


def numbers_in(x: Any) -> list[Any]:
    if isinstance(x, dict):
        return numbers_in(list(x.values()))
    if isinstance(x, list | tuple):
        return [number for part in x for number in numbers_in(part)]
    if isinstance(x, np.ndarray):
        return list(x.ravel().tolist())
    return [] if x is None or isinstance(x, str | bytes) else [x]


def weighed(*args: Any) -> Any:
    """A function of all numbers, whose results have all kinds of parts."""
    numbers = numbers_in(args)
    total = sum((number * (i + 1.5) for i, number in enumerate(numbers)), 0.0)
    if total > 5.0:
        total = total * total
    return {"total": total, "all": numbers, "more": (total > 1.0, "text", None, [(total,)])}


def line() -> Any:
    return np.array([1.0, -2.0, 3.0, 0.5])


def unaligned() -> Any:
    array = np.zeros(33, np.uint8)[1:].view(np.float64)
    array[:] = line()
    return array


def frozen(array: Any) -> Any:
    array.flags.writeable = False
    return array


class Subclass(np.ndarray):
    pass


Pair = collections.namedtuple("Pair", "a b")  # noqa: PYI024  as users have them

# Arguments with others of the same structure, which C does after one call of Python's.
SAME: dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]] = {
    "nothing": ((), ()),
    "floats": ((1.5, -0.0), (float("nan"), float("inf"))),
    "ints": ((1.5, 2.0), (2, 2**53 + 1)),
    "NumPy's numbers": ((1.5, 2.0), (np.float64(2.5), 3)),
    "an array": ((line(),), (line() * 0.3,)),
    "a line turned round": ((line(),), (line()[::-1],)),
    "every other item": ((line(),), (np.repeat(line(), 2)[::2],)),
    "an array that is not aligned": ((line(),), (unaligned(),)),
    "an array that is not to be written": ((line(),), (frozen(line()),)),
    "one number for all": ((line(),), (np.broadcast_to(2.5, (4,)),)),
    "a matrix": ((line().reshape(2, 2),), (np.asfortranarray(line().reshape(2, 2)),)),
    "a matrix, transposed": ((np.ones((2, 3)), 1.0), (np.arange(6.0).reshape(3, 2).T, 2.0)),
    "no numbers": ((np.ones((0, 2)), [], 1.0), (np.zeros((0, 2)), [], 2.0)),
    "a list": (([1.0, 2.0],), ([3.0, -4.5],)),
    "a list of numbers of all kinds": (
        ([1.0, 2.0, 3.0, 4.0],),
        ([3, 2, np.float64(0.5), -1.0],),
    ),
    "a tuple": (((1.0, 2.0), 3.0), ((3, 2), 4.5)),
    "lists in lists": (([[1.0, 2.0], [3.0]],), ([[0.5, 2], [-3.0]],)),
    "rows": (([(1.0, 2.0), (3.0, 4.0)],), ([(0.5, 2), (np.float64(-3.0), 0.0)],)),
    "rows of three": ((([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]),), (([0.5, 2, -0.0], [1.0, 2.0, 3.0]),)),
    "a dict": (({"w": [1.0, 2.0], "b": 3.0},), ({"w": [0.5, 2.5], "b": -1},)),
    "a dict in a tuple in a list": (
        ([({"a": line(), 1: 2.0}, 1.0), 2.0],),
        ([({"a": line() + 1, 1: 3.0}, 0.0), 1.5],),
    ),
    "what is no number": (("relu", None, True, 2.0), ("".join(["re", "lu"]), None, True, 3.0)),
    "None in a list": (([None, 2.0, (None, 1.0)],), ([None, 3.0, (None, 1.5)],)),
}


@pytest.mark.parametrize("name", SAME)
def test_arguments_of_the_same_structure(name: str) -> None:
    first, second = SAME[name]
    f, by_python = Left(weighed), compile(weighed)
    for i, args in enumerate((first, second, first, second)):
        expected = outcome(by_python._by_python, args)
        assert outcome(f, args) == expected
        if i == 1:
            f.count = 0  # it may take another path
    assert f.count == 0


ROWS = [(1.0, 2.0), (3.0, 4.0)]
ARRAYS = (np.ones(3), [1.0, 2.0], {"a": 1.0}, (1.0, 2.0), ROWS)
# Others in their place: results or errors of their own.
OTHERS = [
    *(1.0, 1, True, None, "text", 1 + 2j, np.float32(1.5), np.int64(2), 10**400, Value(2.0)),
    *(
        [1.0, 2.0],
        [1.0, 2.0, 3.0],
        [1, 10**400],
        [1.0, None],
        [1.0, "2"],
        [[1.0], 2.0],
        [Value(1.0), 2.0],
    ),
    *(
        (1.0, 2.0),
        (1.0,),
        {"a": 1.0},
        {"b": 1.0},
        {"a": [1.0]},
        {"a": 1.0, "b": 2.0},
        Pair(1.0, 2.0),
    ),
    *(
        np.ones(3),
        np.ones(2),
        np.ones((3, 1)),
        np.array(2.0),
        np.ones(3, np.float32),
        np.ones(3, int),
    ),
    *(
        np.ones(3, ">f8"),
        np.ones(3, bool),
        np.ones(3, object),
        np.ma.array(np.ones(3)),
        np.ones(3).view(Subclass),
    ),
    *(
        ROWS,
        *([ROWS[0], other] for other in ((3.0,), [3.0, 4.0], Pair(3.0, 4.0), (3.0, None), None)),
        [ROWS[0], (3.0, 10**400)],
    ),
    *(
        collections.OrderedDict(a=1.0),
        collections.UserList([1.0, 2.0]),
        range(2),
        np.ones(3, complex),
    ),
]


@pytest.mark.parametrize("first", ARRAYS, ids=["array", "list", "dict", "tuple", "rows"])
def test_arguments_of_another_structure(first: Any) -> None:
    c = compile(weighed)
    for other in OTHERS:
        expected = outcome(compile(weighed)._by_python, (other, 2.0))
        for args in ((first, 2.0), (other, 2.0), (other, 2.0)):
            found = outcome(c, args)
        assert found == expected


def test_more_structures_than_are_kept() -> None:
    f = Left(sum)
    for _ in range(3):
        for size in range(1, 20):
            assert f([0.5] * size) == 0.5 * size
    f.count = 0
    for size in [1, 2, 3, 4] * 3:
        assert f([0.5] * size) == 0.5 * size
    assert f.count == 4


def test_static_arguments_are_told_apart() -> None:
    f = Left(lambda x, n: x * n if isinstance(n, int) and n is not True else -x, static_argnums=1)
    for _ in range(3):
        found = [f(2.0, 3), f(2.0, 3.0), f(2.0, True), f(2.0, 1), f(2.0, 10**30)]
        assert found == [6.0, -2.0, -2.0, 2.0, 2.0 * 10**30]


def test_every_path() -> None:
    def steps(x: Any) -> Any:
        n = 0
        while x > n:
            n += 1
        return [x] * n if n < 3 else (x, n)

    f = Left(steps)
    numbers = [0.5, 5.5, 2.5, 7.5, -1.0]
    expected = [[0.5], (5.5, 6), [2.5, 2.5, 2.5], (7.5, 8), []]
    expected[2] = (2.5, 3)
    for _ in range(3):
        assert [f(x) for x in numbers] == expected
    assert f.count == len(numbers)


def test_a_path_with_a_result_that_c_does_not_make_is_pythons() -> None:
    def f(x: Any) -> Any:
        return x * 2.0 if x > 0 else [x, np.array([x]) > 0]  # an array of truths

    left = Left(f)
    for _ in range(4):
        assert left(1.0) == 2.0
        number, truths = left(-1.0)
        assert number == -1.0 and truths.tolist() == [False]
    assert left.count == 5


def test_singular_derivatives_tell_at_each_call() -> None:
    f = compile(hessian(lambda x: math.sqrt(x[0] * x[0] + x[1] * x[1]) ** 2))
    for _ in range(3):
        assert bits(f(np.ones(2))) == bits(f(np.ones(2)))
        with pytest.warns(pygrad.SingularDerivativeWarning):
            f(np.zeros(2))


def test_captured_values_and_modes() -> None:
    w = Value(3.0)
    f = Left(lambda x: w * x)
    f(2.0)
    for number in (4.0, 5.0):
        w.data = number
        assert f(2.0) == 2.0 * number
    with no_grad():
        assert f(2.0) == 10.0
    assert f.count == 1
    # Within a transform that is by w, the result depends on it.
    assert grad(lambda v: compiled_within(v)(2.0))(3.0) == 2.0
    assert grad(lambda x: f(x) * f(2.0))(3.0) == 5.0 * 10.0
    assert compile(lambda x: f(x) + f(2.0))(1.0) == 15.0


def compiled_within(v: Any) -> Any:
    f = compile(lambda x: v * x)
    f(1.0), f(1.0)
    return f


def test_values_are_given_to_the_function_itself() -> None:
    f = Left(lambda x, y: x * y[0])
    v = Value(3.0)
    results = [f(v, [2.0]) for _ in range(3)]
    assert f.count == 1
    results[-1].backward()
    assert v.grad == 2.0
    assert isinstance(f(2.0, [v]), Value) and isinstance(f(2.0, (v, 1.0)), Value)
    assert f(2.0, [3.0]) == f(2.0, np.array([3.0])) == 6.0
    with pytest.raises(TypeError):
        f(v)
    chosen = compile(lambda x, w: x * w, static_argnums=1)  # a captured Value then
    assert [chosen(2.0, v), chosen(3.0, v), chosen(2.0, v)] == [6.0, 9.0, 6.0]


def test_a_method_that_was_put_into_an_object_is_bound_to_another() -> None:
    class Model:
        def __init__(self, k: float) -> None:
            self.k = k

        def scaled(self, x: Any) -> Any:
            return self.k * x

    model, other = Model(2.0), Model(3.0)
    f = compile(lambda x: model.scaled(x))
    assert f(1.0) == f(1.0) == 2.0
    model.scaled = other.scaled  # type: ignore[method-assign]
    assert f(1.0) == f(1.0) == 3.0
    model.scaled = types.MethodType(Model.scaled, model)  # type: ignore[method-assign]
    assert f(1.0) == 2.0


class Asked:
    """What is captured runs Python's code when it is asked for."""

    rate = 2.0

    def __init__(self, code: Callable[[], Any]) -> None:
        self.code = code

    def __getattribute__(self, name: str) -> Any:
        if name == "rate":
            object.__getattribute__(self, "code")()
        return object.__getattribute__(self, name)


def asking(f: Any, asked: Asked) -> None:
    """Has calls of f ask, which does not look at such a class by itself."""
    captures = f.store.captures
    captures.places += (asked, "rate", 2.0)
    captures.names = [*captures.names, "asked.rate"]
    f._calls.forget()


def test_what_is_asked_may_call_again() -> None:
    asked: list[int] = []

    def again() -> None:
        asked.append(1)
        if len(asked) % 3 == 1:
            assert f(10.0) == f(-10.0) == 20.0
        if len(asked) % 5 == 0:
            f._calls.forget()
            gc.collect()

    f = compile(lambda x: x * 2.0 if x > 0 else x * -2.0)
    assert [f(1.0), f(-1.0)] == [2.0, 2.0]
    asking(f, Asked(again))
    for x in (1.0, -2.0, 3.0, -4.0) * 20:
        assert f(x) == 2.0 * abs(x)
    assert len(asked) > 100


def test_arguments_may_change_while_captures_are_asked() -> None:
    numbers = [1.0, 2.0]
    f = compile(lambda x: x[0] * x[1] if x[0] > 0 else -x[1])
    assert f(numbers) == 2.0 and f([-1.0, 2.0]) == -2.0

    def change() -> None:
        numbers[:] = [float(len(numbers))] * 1000
        numbers[:] = [1.0, 2.0] if numbers[0] == 2.0 else [1.0]

    asking(f, Asked(change))
    assert [f(numbers) for _ in range(4)] == [2.0] * 4


def test_numbers_that_are_equal_and_others_at_each_call() -> None:
    n = 1000
    f = Left(lambda x: x * n)
    f(2.0)
    direct = next(iter(f.compiled.store.calls)).direct
    for _ in range(3):
        n = int("1000")
        assert f(2.0) == f(2.0) == 2000.0
    assert f.count == 4 and next(iter(f.compiled.store.calls)).direct is direct
    with pytest.raises(TypeError):
        direct.places = None


def test_functions_die_with_what_they_hold() -> None:
    class Held(list[Any]):
        pass

    def made() -> list[weakref.ref[Any]]:
        held = Held()
        w = Value(2.0)

        def f(x: Any) -> Any:
            return (x * w, held) if x > 0 else (-x, None)

        f.held = held  # type: ignore[attr-defined]
        c = compile(lambda x: x * w if x > 0 else -x)
        held += [f, c]
        c.held = held  # type: ignore[attr-defined]
        c(1.0), c(1.0), c(-1.0), c(-1.0)
        bound = c.buffer(1.0)
        bound.held = held  # type: ignore[attr-defined]
        held.append(bound)
        bound(), bound()
        return [weakref.ref(x) for x in (held, c, bound, w)]

    found = [ref for _ in range(3) for ref in made()]
    gc.collect()
    assert [ref() for ref in found] == [None] * len(found)


IMMORTAL = 1 << 30


def test_nothing_is_lost_by_calls() -> None:
    w, x = Value(2.0), line()
    f = compile(weighed)
    g = compile(lambda x: w * x if x > 0 else -x)
    slopes = compile(value_and_grad(lambda x: x[0] * x[1] + x[2]))
    bound = compile(lambda x: x[0] if x[0] > 0 else x[1] * x[0]).buffer(x)
    held: list[Any] = [{"a": [1.0, 2.0]}, x, x[::-1], [1.0, 10**400], "relu", None, w]

    def all_calls() -> None:
        for part in held:
            with contextlib.suppress(OverflowError):
                f(part, 1.0)
        g(1.5), g(-1.5), g(2), slopes(x), slopes([1.0, 2.0, 3.0])
        bound(), operator.imul(x, -1.0), bound()

    def counted() -> list[int]:
        gc.collect()
        # from 3.12 on None's is whatever extensions have left it at
        counts = [min(sys.getrefcount(item), IMMORTAL) for item in held]
        return [sys.getallocatedblocks(), lib.pg_live_nodes(), *counts]

    for _ in range(50):
        all_calls()
    before = counted()
    for _ in range(500):
        all_calls()
    after = counted()
    assert after[0] - before[0] < 100
    assert max(abs(a - b) for a, b in zip(after[1:], before[1:], strict=True)) < 50


def test_threads_share_one() -> None:
    f = compile(lambda x, y: (x * y if x > y else x - y, [x, y]))
    long = compile(lambda x: sum(item * item + 1.0 for item in x))  # others run meanwhile
    many = np.linspace(0.0, 1.0, 3000)
    expected = long._by_python(many)
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def check(seed: int) -> bool:
        pairs = np.random.default_rng(seed).normal(size=(100, 2)).tolist()
        short = all(f(x, y) == (x * y if x > y else x - y, [x, y]) for x, y in pairs)
        return short and all(long(many) == long(many.tolist()) == expected for _ in range(5))

    try:
        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(check, range(16)))
    finally:
        sys.setswitchinterval(switch)


def test_they_look_like_functions() -> None:
    def f(x: Any, y: float = 2.0) -> Any:
        "Multiplies."
        return x * y

    c = compile(f)
    assert c(3.0) == c(3.0) == c(3.0, y=2.0) == c.__call__(3.0) == 6.0
    assert str(inspect.signature(c)) == str(inspect.signature(f))
    assert callable(c) and copy.copy(c) is c and copy.deepcopy(c) is c

    @functools.wraps(c)
    def around(*args: Any) -> Any:
        return c(*args)

    assert around(3.0) == 6.0 and around.__doc__ == "Multiplies."
    assert functools.partial(c, 3.0)(5.0) == 15.0 and list(map(c, [1.0, 2.0])) == [2.0, 4.0]
    loaded = pickle.loads(pickle.dumps(c))
    assert loaded(4.0) == loaded(4.0) == loaded(4) == 8.0
    with pytest.raises(TypeError):
        c()
    with pytest.raises(TypeError):
        c(1.0, 2.0, 3.0)
    verified = compile(f, verify=True)
    assert verified(3.0) == verified(3.0) == 6.0 and verified._calls is not None

    class Model:
        k = 2.0

        @compile
        def scaled(self, x: Any) -> Any:
            return self.k * x

    model = Model()
    assert model.scaled(3.0) == model.scaled(3.0) == Model.scaled(model, 3.0) == 6.0
    model.k = 4.0
    assert model.scaled(3.0) == 12.0


def test_functions_of_too_many_paths_are_left_to_python() -> None:
    def f(x: Any) -> Any:
        n = 0
        while x > n:
            n += 1
        return x * n

    left = Left(f)
    with pytest.warns(RuntimeWarning, match="different paths"):
        for x in range(300):
            assert left(float(x)) == float(x * x)
    left.count = 0
    assert left(2.0) == 4.0 and left.count == 1


def test_buffers() -> None:
    w, rate = Value(2.0), 3.0
    x = np.array([1.0, 5.0, 2.0])
    bound = compile(lambda x, y: [w * x[0] * rate if x[0] > 0 else -x[0], y * x[2]]).buffer(x, 2.0)
    found = []
    for number, data in ((1.0, 2.0), (-1.0, 2.0), (3.0, 2.5), (-2.0, 1.0), (4.0, 0.5)):
        x[0], w.data = number, data
        found.append([float(part) for part in bound()])
    assert found == [[6.0, 4.0], [1.0, 4.0], [22.5, 4.0], [2.0, 4.0], [6.0, 4.0]]
    rate = 10.0
    assert float(bound()[0]) == 20.0 and bound() is bound.result
    bound.inputs[1][...] = 7.0
    assert float(bound()[1]) == 14.0
    with pytest.raises(TypeError):
        bound(1.0)  # type: ignore[call-arg]
    with pytest.raises(TraceError):
        compile(lambda y: y * float(bound()[0]))(1.0)


def test_buffers_are_called_by_c() -> None:
    x = np.array([1.0, 2.0])
    bound = compile(lambda x: x[1] if x[0] > 0 else x[0]).buffer(x)
    bound._paths = None  # type: ignore[assignment]  # Python's call would fail
    assert float(bound()) == 2.0
    x[0] = -1.0
    with pytest.raises(AttributeError):
        bound()


def test_c_refuses_what_is_none_of_its_arguments() -> None:
    f = compile(lambda x: x * x)
    f(1.0)
    path = next(iter(f.store.calls)).paths.root
    number = (0, None, 0)
    for arguments in (
        number,
        (4, None, 1),
        (4, None, ((9, None, 0),)),
        (4, None, (number, number)),
        1,
    ):
        with pytest.raises((TypeError, ValueError)):
            _native.Direct(arguments, (), path, 0, number)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        _native.Calls().add(f)  # type: ignore[arg-type]
    array = np.zeros((2, 2))
    module = sys.modules.get("numpy._core._multiarray_umath") or np.core._multiarray_umath
    known = (array, array.dtype, 8, array.shape, array.strides, array.flags.num, module._ARRAY_API)
    assert _native.know_arrays(*known) is False  # it does not stand there
