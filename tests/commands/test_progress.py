"""Progress of long work: a callback is told, a bar stands on terminals only, and all else is silent."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import math
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import pygrad
from pygrad import progress as module
from pygrad.command_line import speed, two_moons
from pygrad.progress import Progress, progress

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch):
    """stderr is a terminal for pygrad.progress, and bars come up at once."""
    stream = Terminal()
    monkeypatch.setattr(module, "sys", SimpleNamespace(stderr=stream))
    monkeypatch.setattr(module, "_DELAY", 0.0)
    monkeypatch.setattr(module, "_INTERVAL", 0.0)
    return stream


@pytest.fixture(params=["tqdm", "plain line"])
def bar_on(request, terminal, monkeypatch):
    """Both kinds of bar; the stream they are drawn on."""
    if request.param == "tqdm":
        tqdm = pytest.importorskip("tqdm", reason="tqdm is an optional extra")
        monkeypatch.setattr(tqdm.tqdm, "__init__", _eager(tqdm.tqdm.__init__))
    else:
        monkeypatch.setitem(sys.modules, "tqdm", None)
    return terminal


def _eager(init):
    def with_every_step_shown(self, *args, **kwargs):
        init(self, *args, **{**kwargs, "mininterval": 0, "miniters": 1})

    return with_every_step_shown


def left_on(text: str) -> str:
    """What stands on a terminal's line after this text: later characters cover earlier ones."""
    line = ""
    for part in text.rsplit("\n", 1)[-1].split("\r"):
        line = part + line[len(part) :]
    return line.strip()


def work(steps: int, report=True) -> None:
    with progress(steps, "working", report) as bar:
        for k in range(steps):
            bar.advance(note=f"step {k + 1}")
            if k == 1:
                bar.say("a result")


# -- bars --------------------------------------------------------------------------------------------


def test_a_bar_shows_what_is_done_and_is_gone_at_the_end(bar_on):
    work(4)
    text = bar_on.getvalue()
    assert "working" in text
    assert "3/4" in text
    assert "step 3" in text
    assert left_on(text) == ""


def test_results_are_printed_apart_from_the_bar(bar_on, capsys):
    work(4)
    assert capsys.readouterr().out == "a result\n"
    assert "4/4" in bar_on.getvalue()
    assert "a result" not in bar_on.getvalue()


def test_a_bar_is_cleared_before_a_line_is_printed(bar_on, monkeypatch):
    monkeypatch.setattr(sys, "stdout", bar_on)  # as on a real terminal
    work(4)
    before, _, _ = bar_on.getvalue().partition("a result")
    assert "2/4" in before
    assert left_on(before) == ""
    assert "4/4" in bar_on.getvalue()


def test_a_bar_is_cleared_when_the_work_fails(bar_on):
    with pytest.raises(KeyError), progress(3, "working") as bar:
        bar.advance()
        raise KeyError
    assert left_on(bar_on.getvalue()) == ""


def test_no_bar_is_wider_than_the_terminal(bar_on, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    with progress(3, "working", True) as bar:
        bar.advance(note="a long remark " * 10)
        bar.advance()
    assert 20 < max(map(len, bar_on.getvalue().replace("\n", "\r").split("\r"))) < 40


def test_short_work_shows_no_bar(monkeypatch):
    for missing in (True, False):
        stream = Terminal()
        with monkeypatch.context() as patch:
            patch.setattr(module, "sys", SimpleNamespace(stderr=stream))
            if missing:
                patch.setitem(sys.modules, "tqdm", None)
            with progress(3, "working") as bar:
                bar.advance(3)
        assert stream.getvalue().strip() == ""


def test_tqdm_leaves_no_thread_behind(terminal):
    pytest.importorskip("tqdm", reason="tqdm is an optional extra")
    import threading

    before = threading.active_count()
    work(3)
    assert threading.active_count() == before


# -- silence and callbacks ---------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [io.StringIO(), None])
def test_without_a_terminal_nothing_is_shown(stream, monkeypatch, capsys):
    monkeypatch.setattr(module, "sys", SimpleNamespace(stderr=stream))
    work(4)
    assert stream is None or stream.getvalue() == ""


def test_a_closed_stream_is_no_terminal(monkeypatch):
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(module, "sys", SimpleNamespace(stderr=stream))
    work(4)


@pytest.mark.parametrize("report", [False, None])
def test_silence_can_be_asked_for(terminal, report, capsys):
    work(4, report)
    assert terminal.getvalue() == ""
    assert capsys.readouterr().out == "a result\n"


def test_a_callback_is_told_of_every_advance_and_nothing_is_shown(terminal):
    seen = []
    with progress(10, "working", lambda done, total: seen.append((done, total))) as bar:
        bar.advance(3)
        bar.advance(7, "note")
    assert seen == [(3, 10), (10, 10)]
    assert terminal.getvalue() == ""


def test_what_a_callback_raises_ends_the_work():
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        work(4, stop)


class ZMQInteractiveShell:
    """As IPython calls a kernel's."""


@pytest.fixture
def notebook(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=ZMQInteractiveShell))


def test_a_notebook_has_a_bar_that_is_a_widget(notebook, monkeypatch):
    pytest.importorskip("tqdm", reason="tqdm is an optional extra")
    seen = []

    class Widget:
        n = 0

        def __init__(self, **look):
            seen.append(look)

        def set_postfix_str(self, note, refresh):
            assert note.startswith("step")

        def clear(self):
            pass

        def update(self, n):
            self.n += n
            seen.append(self.n)

        def close(self):
            seen.append("closed")

    monkeypatch.setattr("pygrad.progress._widget", lambda: Widget)
    work(2, True)
    look, *steps = seen
    assert (look["total"], look["leave"]) == (2, False)
    assert "file" not in look
    assert steps == [1, 2, "closed"]


def test_a_notebook_without_widgets_has_the_bar_as_text(notebook, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert type(progress(3, "working")).__name__ in {"_Tqdm", "_Line"}
    monkeypatch.delitem(sys.modules, "IPython")
    assert type(progress(3, "working")) is Progress  # stderr is no terminal here


def test_anything_else_is_a_type_error():
    with pytest.raises(TypeError, match="must be a function, True, False or None, not 'yes'"):
        progress(1, "working", "yes")


# -- who uses it -------------------------------------------------------------------------------------


def test_the_demo_tells_of_each_step_and_prints_the_same_with_any_report(
    tmp_path, capsys, monkeypatch
):
    # There is nothing to compare with
    monkeypatch.setattr(two_moons, "IMPLEMENTATION", "reference")
    seen: list[tuple[int, int]] = []
    outputs = []
    for report in (lambda done, total: seen.append((done, total)), False):
        two_moons.demonstrate(12, tmp_path / "x.svg", report=report)
        lines = capsys.readouterr().out.splitlines()
        outputs.append([line for line in lines if "a step" not in line])
    assert seen == [(k + 1, 12) for k in range(12)]
    assert outputs[0] == outputs[1]
    assert outputs[0][0].startswith("step    1/12  loss 0.")


def test_bench_tells_of_each_measurement():
    seen = []
    speed.measure(0.001, lambda done, total: seen.append((done, total)))
    assert seen == [(k + 1, len(seen)) for k in range(len(seen))]


def test_the_digits_example_tells_of_rows(capsys):
    spec = importlib.util.spec_from_file_location("digits", EXAMPLES / "digits.py")
    digits = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(digits)
    rows = [([pygrad.Value(float(k == j)) for j in range(64)], k) for k in range(10)]
    seen = []
    report = lambda done, total: seen.append((done, total))  # noqa: E731
    digits.train_model(rows, rows[:2], epochs=2, batch=4, report=report)
    assert seen == [(4, 20), (8, 20), (10, 20), (14, 20), (18, 20), (20, 20)]
    printed = capsys.readouterr().out.splitlines()
    assert [line[:8] for line in printed[1:]] == ["epoch  1", "epoch  2"]


def _branching(x):
    return pygrad.math.sin(x) if x > 0 else x * x if x > -1 else -x


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("reduce", [None, "sum"])
def test_vmap_tells_how_many_rows_are_done(threads, reduce):
    rows = np.random.default_rng(0).normal(size=300_000)
    seen: list[tuple[int, int]] = []
    report = lambda done, total: seen.append((done, total))  # noqa: E731
    told = pygrad.vmap(_branching, reduce=reduce, threads=threads, progress=report)(rows)
    silent = pygrad.vmap(_branching, reduce=reduce)(rows)
    assert np.array_equal(told, silent)
    done = [d for d, _ in seen]
    assert done == sorted(done)
    assert done[-1] == len(rows)
    assert {total for _, total in seen} == {len(rows)}
    assert len(seen) >= 3  # one for each path at least


@pytest.mark.parametrize("threads", [1, 3])
def test_the_callback_of_vmap_runs_in_the_thread_that_called_and_may_stop_it(threads):
    import threading

    callers = set()

    def stop(done: int, total: int) -> None:
        callers.add(threading.get_ident())
        raise InterruptedError

    mapped = pygrad.vmap(_branching, threads=threads, progress=stop)
    with pytest.raises(InterruptedError):
        mapped(np.linspace(-3, 3, 200_000))
    assert callers == {threading.get_ident()}
    assert pygrad.vmap(_branching)(np.array([2.0]))[0] == pygrad.math.sin(2.0)


def test_vmap_row_by_row_tells_too():
    seen = []
    rows = [pygrad.Value(1.0), pygrad.Value(-2.0)]
    pygrad.vmap(_branching, progress=lambda done, total: seen.append((done, total)))(rows)
    assert seen == [(1, 2), (2, 2)]


def test_rows_without_results_are_told_of_like_others():
    seen = []
    mapped = pygrad.vmap(
        lambda x: int(x) * x, errors="ignore", progress=lambda *at: seen.append(at)
    )
    mapped([pygrad.Value(1.0), pygrad.Value(math.inf), pygrad.Value(math.nan)])
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_a_compiled_vmap_tells_too():
    seen = []
    f = pygrad.vmap(
        lambda w, x: (w * x) ** 2,
        in_axes=(None, 0),
        reduce="mean",
        progress=lambda done, total: seen.append(done),
    )
    pygrad.compile(pygrad.value_and_grad(f))(2.0, np.arange(1000.0))
    assert seen[-1] == 1000


def test_vmap_shows_nothing_unless_asked(terminal):
    pygrad.vmap(_branching)(np.linspace(-3, 3, 100_000))
    assert terminal.getvalue() == ""


def test_vmap_refuses_what_is_no_report():
    with pytest.raises(TypeError, match="progress must be a function"):
        pygrad.vmap(_branching, progress="bar")


def test_programs_are_silent_where_there_is_no_terminal(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pygrad", "bench", "--seconds", "0.001"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "\r" not in done.stderr
    assert len(done.stderr.splitlines()) == 1  # the processor


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs pseudo-terminals")
@pytest.mark.parametrize("with_tqdm", [True, False])
def test_a_real_terminal_shows_a_bar(tmp_path, with_tqdm):
    if with_tqdm:
        pytest.importorskip("tqdm", reason="tqdm is an optional extra")
    program = f"""
import sys, time
if not {with_tqdm}:
    sys.modules["tqdm"] = None
from pygrad.progress import progress
with progress(8, "working") as bar:
    for k in range(8):
        time.sleep(0.08)
        bar.advance()
"""
    ours, theirs = os.openpty()
    process = subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, stderr=theirs)
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # that is how Linux says that the other end is closed
        while part := os.read(ours, 4096):
            shown += part
    os.close(ours)
    assert process.wait() == 0
    assert b"working" in shown
    assert b"/8" in shown
