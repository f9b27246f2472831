"""Each kind of loop, branch and state by `autograph`, in a map, against plain Python row by row."""

from __future__ import annotations

import contextlib
import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from autographed import differences, in_a_program

from pygrad import autograph, compile, grad, math, vmap

ROWS = [0.1, 0.5, 3.0, 5.0, 9.0, 60.0]
total = 0.0


class Tank:
    made = 0

    def __init__(self, level: Any) -> None:
        self.level, self.seen = level, [0.0, 0.0]

    def fill(self, flow: Any) -> None:
        self.level += flow
        if self.level > 2.0:
            self.level = 2.0
        elif self.level < 0.0:
            self.level = 0.0
        self.seen[0] = flow

    @property
    def is_full(self) -> Any:
        return self.level >= 2.0


class Slotted:
    __slots__ = ("__private", "a")

    def __init__(self, a: Any) -> None:
        self.a = a
        self.__private = 0.0

    def halve(self) -> None:
        while self.a > 1.0:
            self.a = self.a / 2
            self.__private += 1.0

    def both(self) -> Any:
        return self.a + self.__private


class Child(Tank):
    def fill(self, flow: Any) -> None:
        if flow > 1.0:
            super().fill(0.5 * flow)
        else:
            super().fill(flow)


@dataclass
class Ball:
    height: Any
    bounces: Any = 0


def while_with_an_if(x: Any) -> Any:
    low, high = 0.0, 1.0 + x
    while high - low > 1e-3 * x:
        m = 0.5 * (low + high)
        if m * m < x:
            low = m
        else:
            high = m
    return low


def breaks_and_continues(x: Any) -> Any:
    found = 0.0
    for i in range(3):
        for j in range(3):
            if i * j * x > 4:
                break
            k = 0
            while k < x and found < 50:
                k += 1
                if k % 3 == 0:
                    continue
                found += k * 0.5
        else:
            found += 100
            continue
        found += 0.25
    return found


def returns_within_loops(x: Any) -> Any:
    for i in range(5):
        y = x
        while y > 1:
            if y > 50:
                return -1.0
            y = y / 3
            if y < 1.2:
                break
        else:
            y = y + i
        if y > 4:
            continue
        x = x + y
    return x


def runs_until_it_breaks(x: Any) -> Any:
    y = x
    while True:
        new = 0.5 * (y + x / y)
        if abs(new - y) <= 1e-6 * abs(y):
            break
        y = new
    return new


def else_of_a_while(x: Any) -> Any:
    n = 0
    while n < 4:
        if n > x:
            break
        n += 1
    else:
        return 100.0 + n
    return n


def over_a_list(x: Any) -> Any:
    for i, limit in enumerate([1.0, 4.0, 8.0]):
        if limit > x:
            return i
    return -1


def over_pairs(x: Any) -> Any:
    y = 0.0
    for a, b in zip([1.0, 2.0, 3.0], (x, 0.5, x), strict=True):
        y = y * a + b if b > a else y - a
    return y


def a_range_of_values(x: Any) -> Any:
    y, n = 0.0, 0
    while n < x and n < 7:
        n += 1
    for i in range(n, -2, -2):
        y = 0.5 * y + i
        if y > 10:
            break
    return y


def an_early_return_in_each_branch(x: Any) -> Any:
    if x > 4:
        if x > 8:
            return x
        y = 2.0 * x
    elif x > 1:
        return -x
    else:
        y = 0.5
    y = y + 1
    if y > 6:
        return y
    return y * y


def truths(x: Any) -> Any:
    s = 0
    if (0 < x < 5 and x != 3) or x in (9, 60):
        s = 1
    if all([x > 0, x < 10]) and any([x > 8, x < 1]):
        s += 2
    found = x > 1 and not x > 4
    if found or s == 0:
        s += 4
    return s + bool(x > 2) + min(x, 3.0) + max(1, x, 2)


def numbers_from_or(x: Any) -> Any:
    a = 0 * x
    return (a or x) + (x and 2.0) + (x - x and 5.0)


def assigned_in_one_branch(x: Any) -> Any:
    if x > 2:
        a = x * 2
    b = 1.0
    if x > 2:
        return a + b
    return b


def read_in_the_next_trip(x: Any) -> Any:
    y, i = 0.0, 0
    while i < x and i < 6:
        if i > 0:
            y += last  # noqa: F821
        last = x * i  # noqa: F841
        i += 1
    return y


def the_best_so_far(x: Any) -> Any:
    best = None
    for c in [1.0, 5.0, 3.0]:
        d = abs(c - x)
        if best is None or d < best:
            best = d
    return best


def containers(x: Any) -> Any:
    d = {"u": x, "v": [1.0, 2.0]}
    a, (b, c) = x, (1.0, 2.0)
    ball = Ball(x)
    grid = np.array([x, x])
    while d["u"] > 1:
        d["u"] = d["u"] / 2
        d["v"][1] += 1  # type: ignore[index]
        a, b = b, a + c
        ball.height = 0.5 * ball.height
        ball.bounces += 1
        grid[0] = 0.25 * grid[0]
    return a + b + d["u"] + d["v"][1] + ball.height + ball.bounces + grid[0] + grid[1]  # type: ignore[index]


def objects(x: Any) -> Any:
    tank = Tank(0.5)
    slotted, child = Slotted(x), Child(0.25)
    slotted.halve()
    n = 0
    while not tank.is_full and n < 8:
        tank.fill(0.1 * x - 0.125)
        child.fill(0.5 * x)
        n += 1
    return tank.level + tank.seen[0] + n + slotted.both() + child.level


def an_object_of_a_branch(x: Any) -> Any:
    one, other = Tank(x), Tank(1.0)
    tank = one if x > 2 else other
    tank.level = tank.level + 5.0
    return 10.0 * one.level + other.level


def two_names_of_one_list(x: Any) -> Any:
    i = 0
    while i < x and i < 4:
        a = [x, 1.0]
        b = a
        if x > i:
            b[0] = 7.0
        i += 1
        x = x - a[0] * 0.1
    return x


def a_list_is_chosen(x: Any) -> Any:
    xs, ys = [x, 2.0], [5.0, 6.0]
    zs = xs if x > 1 else ys
    zs[0] = 100.0
    return xs[0] + ys[0]


def rebinds_nonlocals(x: Any) -> Any:
    n = 0

    def count(v: Any) -> None:
        nonlocal n
        if v > 1:
            n += 1

    while x > 0.5:
        count(x)
        x = 0.5 * x
    return n


def functions_within(x: Any) -> Any:
    def halvings(v: Any) -> Any:
        n = 0.0
        while v > 1:
            v, n = v / 2, n + 1
        return n

    return sum(map(halvings, [x, x * 2])) + (lambda v: 1.0 if v > 2 else 2.0)(x)  # noqa: PLC3002


def a_gradient_within(x: Any) -> Any:
    def power(v: Any) -> Any:
        y = 1.0
        while v > 1:
            v = v / 2
            y = y * v
        return y

    return grad(power)(x)


def walruses(x: Any) -> Any:
    n = 0
    while (y := x / 2) > 1:
        x = y
        n += 1
    return y + n if (z := y * 2) > 1 and z < 1.5 else z


def blocks(x: Any) -> Any:
    with contextlib.nullcontext():
        if x > 20:
            return x
        for i in range(3):
            if x * i > 0.9:
                return i
    return -1


def handlers(x: Any) -> Any:
    try:
        if x > 5:
            raise KeyError(5)
        y = 1 / (x - 0.5)
    except KeyError:
        y = 7.0
    except ZeroDivisionError:
        y = 8.0
    else:
        y = y + 1.0
    finally:
        x = 2 * x
    return y + x


def raised_by_what_it_calls(x: Any) -> Any:
    def checked(v: Any) -> Any:
        if v > 4:
            raise ValueError("large")
        return v

    y = x
    while y < 3:
        y = y * 2
    try:
        return checked(y)
    except ValueError:
        return -1.0


def calls_itself(x: Any) -> Any:
    return 1.0 if x <= 1 else 0.5 * calls_itself(0.25 * x)


def matched(x: Any) -> Any:
    y = x
    match y > 4:
        case True:
            while y > 4:
                y = y - 1.5
        case _:
            y = -y
    return y


def deleted(x: Any) -> Any:
    t = x
    if x > 2:
        del t
        t = 1.0
    return t


def annotated(x: Any) -> Any:
    tank: Tank = Tank(x)
    y: NoSuchType = x  # type: ignore[name-defined]  # noqa: F821
    z: float
    while y > 1:
        half: float = y / 2
        y = half
        tank.level: float = tank.level + y  # type: ignore[misc]
    if y > 0.5:
        z = y
        tank.level = z + 1
    else:
        z = tank.level
    return z + tank.level


FUNCTIONS = [
    f
    for f in list(globals().values())
    if callable(f) and getattr(f, "__module__", "") == __name__ and not isinstance(f, type)
]


@pytest.mark.filterwarnings("ignore:All comparisons")  # `case True:` asks for that itself
@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_as_in_plain_python(f: Callable[[Any], Any]) -> None:
    assert differences(f, ROWS, slopes=False) == ""


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:All comparisons")
@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_slopes(f: Callable[[Any], Any]) -> None:
    assert differences(f, [x + 0.03125 for x in ROWS]) == ""


@pytest.mark.parametrize(
    "f", [over_a_list, over_pairs, an_early_return_in_each_branch, truths, handlers]
)
def test_branches_are_no_paths(f: Callable[[Any], Any]) -> None:
    rows = [x + 0.25 for x in ROWS]
    most = 3 if f is handlers else 1
    assert in_a_program(f, rows)[1] <= most


def test_globals() -> None:
    def halvings(x: Any) -> Any:
        global total  # noqa: PLW0603
        total = 0.0
        while x > 0.5:
            x = x * 0.5
            total += 1.0
        return total

    assert vmap(autograph(halvings))(np.array(ROWS)).tolist() == [halvings(x) for x in ROWS]


def test_a_method() -> None:
    class Halving:
        limit = 1.0

        @autograph
        def run(self, x: Any) -> Any:
            """Docs."""
            while x > self.limit:
                x = x / 2
            return x

    assert Halving.run.__doc__ == "Docs."
    halving = Halving()
    assert vmap(halving.run)(np.array([5.0, 0.5])).tolist() == [0.625, 0.5]
    assert halving.run(5.0) == 0.625


def test_compile_with_autograph() -> None:
    from pygrad import value_and_grad

    def f(x: Any, *, k: float = 2.0) -> Any:
        if x > 0:
            return k * math.sqrt(x)
        return x

    call = compile(f, autograph=True)
    assert (call(4.0), call(-4.0), len(call.programs)) == (4.0, -4.0, 1)
    rows = compile(vmap(value_and_grad(f)), autograph=True)
    values, slopes = rows(np.array([4.0, -4.0]))
    assert (values.tolist(), slopes.tolist()) == ([4.0, -4.0], [0.5, 1.0])
    assert len(rows.programs) == 1

    @compile(autograph=True)
    def g(x: Any) -> Any:
        return x if x > 0 else -x

    assert (g(2.0), g(-2.0), len(g.programs)) == (2.0, 2.0, 1)


def test_rows_that_do_not_take_a_branch_are_not_touched() -> None:
    def f(x: Any) -> Any:
        y = 0.0 * x
        if x > 0:
            y = math.log(x) / x
            if y > 0.1:
                y = math.sqrt(y - 0.1)
        return y

    rows = [0.0, -1.0, 1.0, 2.0]
    assert differences(f, rows) == ""
    assert in_a_program(f, rows)[1] == 1


def test_lines_of_tracebacks_are_those_of_the_source() -> None:
    def f(x: Any) -> Any:
        while x > 1:
            x = x / 2
        return x.no_such_thing

    with pytest.raises(AttributeError) as caught:
        compile(autograph(f))(3.0)
    last = caught.traceback[-1]
    assert (last.path.name, last.lineno) == ("test_constructs.py", f.__code__.co_firstlineno + 2)


def test_defaults_and_names_stay() -> None:
    k = 3.0

    def f(x: Any, y: float = 2.0, *more: Any, z: float = k, **named: Any) -> Any:
        return x * y * z * k + sum(more) + sum(named.values()) if x > 0 else x

    wrapped = autograph(f)
    assert wrapped.__name__ == "f"
    assert autograph(wrapped) is wrapped
    assert compile(lambda x: wrapped(x, 2.0, 1.0, w=2.0))(1.0) == f(1.0, 2.0, 1.0, w=2.0)


def test_trips_are_bounded() -> None:
    @autograph(max_trips=20)
    def f(x: Any) -> Any:
        while x > 0:
            x = x + 1.0
        return x

    call = compile(f)
    assert call(-1.0) == -1.0
    with pytest.raises(RuntimeError, match="20"):
        call(1.0)
    assert f(-2.0) == -2.0
    with pytest.raises(ValueError, match="max_trips of autograph"):
        autograph(max_trips=-1)


def test_loops_by_name_in_converted_code() -> None:
    from pygrad import cond, fori_loop, while_loop

    def f(x: Any) -> Any:
        def trip(i: Any, y: Any) -> Any:
            if y > 4:
                return y - i
            return y * 2

        y = fori_loop(0, 5, trip, x)
        if y > 3:
            y = while_loop(lambda y: y > 3, lambda y: y - 1.5 if y > 5 else y - 1, y)
        return cond(y > 2, lambda: y if y < 2.5 else -y, lambda: 0.0 * y)

    assert differences(f, ROWS) == ""
    assert in_a_program(f, ROWS)[1] == 1


def test_what_asks_for_truths_elsewhere_is_done_trip_by_trip() -> None:
    def f(x: Any) -> Any:
        for _ in range(70):
            x = sorted([0.5 * x, 1.0])[0] + 0.25
        return x

    rows = [0.25, 3.0]
    call = compile(vmap(autograph(f)))
    assert call(np.array(rows)).tolist() == [f(x) for x in rows]


def test_long_ranges_are_one_body() -> None:
    def f(x: Any) -> Any:
        for i in range(1, 3000):
            x = x + 1.0 / i - 0.5 * x
            if x > 2:
                break
            elif x > 1.5:
                continue
            x = x + 0.125
        return x + i

    assert differences(f, [0.5, 1.75, -3.0]) == ""
    call = compile(autograph(f))
    call(0.5)
    assert call.programs[0]["instructions"] < 50


@autograph
def halved(x: Any) -> Any:
    while x > 1:
        x = x / 2
    return x


def test_pickles() -> None:
    assert pickle.loads(pickle.dumps(halved)) is halved
    call = pickle.loads(pickle.dumps(compile(autograph(while_with_an_if))))
    assert call(2.0) == while_with_an_if(2.0)
    assert copy.deepcopy(halved) is halved


def test_threads() -> None:
    f = compile(vmap(autograph(breaks_and_continues)))
    rows = np.array(ROWS)
    expected = [breaks_and_continues(x) for x in ROWS]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: f(rows).tolist(), range(8)))
    assert found == [expected] * 8
