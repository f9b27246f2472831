"""A mode ends with the block that is in it, at whatever bytecode Ctrl-C comes: once the exception has left,
no_grad, debug_nans, recordings and traces are over, though what it kept from running has not run."""

from __future__ import annotations

import _thread
import contextlib
import ctypes
import gc
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

import numpy as np
import pytest
from interrupts import at_every_bytecode, of_pygrad_and_tests

from pygrad import (
    Value,
    _native,
    check_grad,
    compile,
    debug_nans,
    grad,
    gradients,
    hessian,
    jvp,
    load,
    no_grad,
    vjp,
    vmap,
)
from pygrad.compiled.saved import to_bytes


def cube(x: Any) -> Any:
    return x * x * x


def of_pygrad(code: CodeType) -> bool:
    return "/pygrad/" in code.co_filename.replace("\\", "/")


def of_modes(code: CodeType) -> bool:
    """Whether it is code that enters and leaves modes, or runs in one: of these files, and of tests."""
    path = code.co_filename.replace("\\", "/")
    return "/tests/" in path or path.endswith(
        ("core/recording.py", "programs/paths.py", "pygrad/value.py", "pygrad/debugging.py")
    )


def require_no_mode() -> None:
    x = Value(2.0)
    assert (x * 2)._children
    assert not _native.in_no_grad()
    assert _native.watching() == []
    assert not _native.any_active()
    assert not _native.trace_active()
    assert type(grad(cube)(2.0)) is float
    assert type(vmap(cube)([2.0])) is np.ndarray
    assert compile(cube)(2.0) == 8.0


# -- no_grad, of both implementations --------------------------------------------------------------


def uses_of_no_grad(impl: Any) -> dict[str, Callable[[], Any]]:
    x, again = impl.Value(2.0), impl.no_grad()

    @impl.no_grad()
    def decorated(v: Any, depth: int) -> Any:
        return v * 2 if depth == 0 else decorated(v, depth - 1)

    def block() -> None:
        with impl.no_grad():
            x * 2

    def empty() -> None:
        with impl.no_grad():
            pass

    def one_object() -> None:
        with again:
            x * 2
            with again:
                x * 2

    def loop() -> None:
        for _ in range(3):
            with impl.no_grad():
                if x.data > 3:
                    continue

    def left_early() -> Any:
        for _ in range(3):
            with impl.no_grad() as block:
                return block

    def raises() -> None:
        with contextlib.suppress(ValueError), impl.no_grad():
            raise ValueError

    def rows() -> Iterator[Any]:
        with impl.no_grad():
            yield x * 2
            yield x * 3

    def generator() -> None:
        for _ in rows():
            pass

    def stack() -> None:
        with contextlib.ExitStack() as blocks:
            blocks.enter_context(impl.no_grad())
            blocks.enter_context(impl.no_grad())
            x * 2

    def by_hand() -> None:
        block = impl.no_grad()
        block.__enter__()
        x * 2
        block.__exit__(None, None, None)

    def in_a_transform() -> None:
        with impl.Recorded() as recorded:
            (v,) = recorded.begin((2.0,))
            with impl.no_grad():
                v * 2

    return {name: use for name, use in locals().items() if callable(use) and name != "rows"}


USES = [
    "block",
    "empty",
    "one_object",
    "loop",
    "left_early",
    "raises",
    "generator",
    "by_hand",
    "in_a_transform",
]


@pytest.mark.parametrize("use", USES)
def test_no_grad_is_over_wherever_an_interrupt_came(impl, use):
    x = impl.Value(2.0)
    count = 0
    for place in at_every_bytecode(uses_of_no_grad(impl)[use]):
        count += 1
        assert (x * 2)._children != (), place
        assert not impl.in_no_grad(), place
    assert count > 5


def test_a_decorated_function_leaves_no_grad_wherever_an_interrupt_came(impl):
    x = impl.Value(2.0)
    decorated = uses_of_no_grad(impl)["decorated"]
    for place in at_every_bytecode(lambda: decorated(x, 2)):
        assert (x * 2)._children != (), place


def test_what_an_exit_stack_lost_to_an_interrupt_goes_with_the_rubbish(impl):
    """Its code is Python's, and its frames hold the block in a cycle with the exception."""
    x = impl.Value(2.0)
    stack = uses_of_no_grad(impl)["stack"]
    for place in at_every_bytecode(
        stack, lambda code: of_pygrad_and_tests(code) or "contextlib" in code.co_filename
    ):
        gc.collect()
        assert (x * 2)._children != (), place


def test_an_interrupt_that_is_kept_with_its_frames_keeps_no_mode(impl):
    x = impl.Value(2.0)
    block = uses_of_no_grad(impl)["block"]
    kept = []

    def keeping() -> None:
        try:
            block()
        except KeyboardInterrupt as error:
            kept.append(error)
            raise

    for place in at_every_bytecode(keeping):
        assert (x * 2)._children != (), place
    assert kept
    assert kept[-1].__traceback__ is not None


def test_no_grad_is_over_in_the_handler_of_the_same_frame(impl):
    """The frame is alive, but not the block."""
    x = impl.Value(2.0)
    seen = []

    def handled() -> None:
        again = impl.no_grad()
        try:
            with again:
                x * 2
        except KeyboardInterrupt:
            seen.append((x * 2)._children)
            raise

    for _ in at_every_bytecode(handled):
        pass
    assert seen
    assert all(children != () for children in seen)


# -- all modes of the compiled implementation ------------------------------------------------------


def debugged() -> None:
    block = debug_nans()
    with block, debug_nans():
        Value(2.0) * 2


def numbers_within_no_grad() -> None:
    with no_grad():
        grad(cube)(2.0)


def of_values() -> None:
    x = Value(2.0)
    gradients(cube(x), x)
    grad(cube)(x)


MODES: dict[str, Callable[[], Any]] = {
    "debug_nans": debugged,
    "grad": lambda: grad(cube)(2.0),
    "grad of grad": lambda: grad(grad(cube))(2.0),
    "grad within no_grad": numbers_within_no_grad,
    "of Values": of_values,
    "jvp": lambda: jvp(cube, (2.0,), (1.0,)),
    "vjp": lambda: vjp(cube, 2.0)[1](1.0),
    "hessian": lambda: hessian(lambda x: x[0] * x[1])([2.0, 3.0]),
    "compile": lambda: compile(cube)(2.0),
    "compile of grad": lambda: compile(grad(cube))(2.0),
    "vmap": lambda: vmap(cube)([2.0, 3.0]),
    "vmap of grad, two paths": lambda: vmap(grad(lambda x: x * x if x > 0 else -x))([1.0, -1.0]),
    "check_grad": lambda: check_grad(cube, 2.0),
}


# An interrupt in the last steps of a generator expression is Python's to report.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("what", MODES)
def test_every_mode_is_over_wherever_an_interrupt_came(what, step):
    count = 0
    for place in at_every_bytecode(MODES[what], of_modes, step=step):
        count += 1
        try:
            require_no_mode()
        except AssertionError as error:
            raise AssertionError(f"after an interrupt at {place}") from error
    assert count * step > 20


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("step", [199, pytest.param(12, marks=pytest.mark.long)])
def test_the_same_call_works_after_every_interrupt(step):
    f = compile(grad(lambda x: x * x if x > 0 else -x * x * x))
    fresh: list[Any] = []

    def call() -> None:
        fresh.append(compile(grad(lambda x: x * x if x > 0 else -x * x * x)))
        f(2.0)
        fresh[-1](3.0)
        fresh[-1](-2.0)

    for place in at_every_bytecode(call, of_pygrad, step=step):
        assert (f(2.0), f(-2.0)) == (4.0, -12.0), place
        assert (fresh[-1](2.0), fresh[-1](-2.0)) == (4.0, -12.0), place


def test_a_value_of_an_interrupted_trace_is_refused_afterwards():
    kept: list[Any] = []

    def f(x: Any) -> Any:
        kept.append(x * 2)
        return kept[-1] * x

    for place in at_every_bytecode(lambda: compile(f)(2.0), of_modes):
        for v in kept:
            with pytest.raises(RuntimeError, match="used after that"):
                v * 2
        kept.clear()
        assert compile(cube)(2.0) == 8.0, place
        kept.clear()


# -- what a stay in a mode belongs to --------------------------------------------------------------


def test_a_generator_that_is_suspended_in_no_grad_keeps_its_thread_there(impl):
    x = impl.Value(2.0)

    def rows() -> Iterator[int]:
        with impl.no_grad():
            yield 1
            yield 2

    running = rows()
    next(running)
    assert (x * 2)._children == ()
    del running
    gc.collect()
    assert (x * 2)._children != ()


def test_a_generator_that_another_thread_ends_takes_its_mode_along(impl):
    x = impl.Value(2.0)

    def rows() -> Iterator[int]:
        with impl.no_grad():
            yield 1

    running = [rows()]
    next(running[0])
    seen = []

    def end() -> None:
        running[0].close()
        seen.append((x * 2)._children)

    thread = threading.Thread(target=end)
    thread.start()
    thread.join()
    assert seen[0] != ()
    assert (x * 2)._children != ()


def test_no_grad_within_a_recording_holds_though_the_block_around_it_was_left(impl):
    def rows() -> Iterator[int]:
        with impl.no_grad():
            yield 1

    running = rows()
    next(running)
    with impl.Recorded() as recorded:
        (v,) = recorded.begin((2.0,))
        assert (v * 2)._children != ()
        running.close()
        assert (v * 2)._children != ()
        with impl.no_grad():
            assert (v * 2)._children == ()
    assert (impl.Value(2.0) * 2)._children != ()


def test_no_grad_entered_by_hand_lasts_as_long_as_its_object(impl):
    x = impl.Value(2.0)
    block = impl.no_grad()
    assert block.__enter__() is block
    with block:
        pass
    assert (x * 2)._children == ()
    del block
    gc.collect()
    assert (x * 2)._children != ()


def test_leaving_what_was_not_entered_is_an_error(impl):
    block = impl.no_grad()
    with pytest.raises(RuntimeError, match=r"no_grad.* had not been entered"):
        block.__exit__(None, None, None)
    with block, pytest.raises(RuntimeError, match=r"no_grad.* had not been entered"):
        type(block).__exit__(block, None, None, None)
    assert (impl.Value(2.0) * 2)._children != ()


def test_a_class_may_have_an_exit_of_its_own(impl):
    class Quiet(impl.no_grad):
        def __exit__(self, *exc_info: object) -> None:
            super().__exit__(*exc_info)

    x = impl.Value(2.0)
    with Quiet():
        assert (x * 2)._children == ()
    assert (x * 2)._children != ()


def test_a_block_that_many_threads_share_is_each_threads_own(impl):
    block, wrong = impl.no_grad(), []
    x = impl.Value(2.0)

    def work() -> None:
        for _ in range(300):
            with block:
                if (x * 2)._children != ():
                    wrong.append("within")
            if (x * 2)._children == ():
                wrong.append("after")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# -- real interrupts -------------------------------------------------------------------------------


def test_no_mode_outlives_thousands_of_signals(run_isolated):
    assert run_isolated("interrupted_modes.py").stdout == "no mode was left on\n"


def test_an_exception_from_another_thread_leaves_no_mode_on():
    gc.disable()  # an exception that lands in a callback of Hypothesis's is lost
    try:
        exceptions_from_another_thread()
    finally:
        gc.enable()


def exceptions_from_another_thread() -> None:
    found: list[Any] = []
    rounds = 100

    def work() -> None:
        for _ in range(rounds):
            try:
                while True:
                    with no_grad():
                        Value(2.0) * 2
                    grad(cube)(2.0)
            except KeyboardInterrupt:
                found.append((_native.in_no_grad(), _native.any_active()))

    thread = threading.Thread(target=work)
    thread.start()
    end = time.monotonic() + 30
    while thread.is_alive() and time.monotonic() < end:
        before = len(found)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident or 0), ctypes.py_object(KeyboardInterrupt)
        )
        while len(found) == before and thread.is_alive() and time.monotonic() < end:
            time.sleep(0)
    thread.join(1)
    assert len(found) == rounds
    assert set(found) == {(False, False)}


@pytest.fixture
def only_our_callbacks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Hypothesis has a callback of its own, in Python; yields what the collector swallows."""
    swallowed: list[Any] = []
    monkeypatch.setattr("sys.unraisablehook", swallowed.append)
    before = gc.callbacks[:]
    gc.callbacks[:] = [c for c in before if "pygrad" in str(getattr(c, "__module__", c))]
    assert gc.callbacks
    old = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield swallowed
    signal.signal(signal.SIGINT, old)
    gc.callbacks[:] = before


def test_an_interrupt_that_comes_while_rubbish_is_collected_is_not_swallowed(only_our_callbacks):
    """What pygrad does before a full collection runs no bytecode, in which Python would drop it."""
    one_after_the_other = [iter(_thread.interrupt_main, 0), iter(gc.collect, -1)]
    with pytest.raises(KeyboardInterrupt):
        list(map(next, one_after_the_other))  # all of it in C
        time.sleep(0.01)
    assert only_our_callbacks == []


# -- what else is entered and left, or changed in steps --------------------------------------------


@pytest.mark.skipif(int(np.__version__.split(".")[0]) < 2, reason="NumPy 1 keeps it by thread")
def test_numpys_warnings_are_as_they_were_wherever_an_interrupt_came():
    xs = np.linspace(1.0, 2.0, 3000)
    total = vmap(lambda x: x * x if x > 1.5 else x, reduce="sum")
    before = np.geterr()
    for place in at_every_bytecode(
        lambda: total(xs),
        lambda code: code.co_filename.endswith(
            ("batch.py", "mapped.py", "quiet.py", "_ufunc_config.py")
        ),
    ):
        assert np.geterr() == before, place


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.long)])
def test_paths_are_all_listed_wherever_an_interrupt_came(tmp_path, step):
    """A file of what was traced has them all, in an order in which each follows the one that it leaves."""

    def f(x: Any) -> Any:
        return x * 2 if x > 2 else x * 3 if x > 1 else x * 5

    made: list[Any] = []

    def call() -> None:
        made[:] = [compile(f)]
        for x in (3.0, 0.5, 1.5):
            made[0](x)

    of_paths = lambda code: code.co_filename.endswith("paths.py")  # noqa: E731
    for place in at_every_bytecode(call, of_paths, step=step):
        g = made[0]
        assert [g(x) for x in (3.0, 0.5, 1.5)] == [6.0, 2.5, 4.5], place
        assert len(g.programs) == 3, place
        (tmp_path / "f.pygrad").write_bytes(to_bytes(g.store))
        loaded = load(tmp_path / "f.pygrad")
        assert [loaded(x) for x in (3.0, 0.5, 1.5)] == [6.0, 2.5, 4.5], place
