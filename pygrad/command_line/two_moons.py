"""What `pygrad demo` shows: an MLP learns two moons, its steps are timed in three ways, and it is drawn."""

from __future__ import annotations

import json
import math
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from math import cos, pi, sin
from typing import NamedTuple

import pygrad
from pygrad import nn, optim
from pygrad.command_line.files import PAGES, PICTURES, place, write_picture
from pygrad.command_line.moons_picture import Point, picture
from pygrad.command_line.outcome import Failure
from pygrad.core.implementation import IMPLEMENTATION
from pygrad.progress import Report, progress
from pygrad.seeing.explorer import explore

ROWS = 100
COMPARED_STEPS = 10  # by the reference, and compiled
ROUNDING = 1e-9  # relative, in losses of compiled steps


class Step(NamedTuple):
    """What one training step found, and how long it took."""

    loss: float
    accuracy: float
    seconds: float


def demonstrate(
    steps: int = 200,
    out: str | os.PathLike[str] = "decision_boundary.svg",
    seed: int = 1337,
    report: Report = True,
) -> None:
    """Train, compare, draw; results go to stdout, talk to stderr.

    `steps` training steps are made from `seed`, and the picture is written to the file `out`, as .svg, .png
    or .pdf; an .html is a page on which the network, as it was before the training, learns. `report` says
    how the training's progress is shown, see pygrad.progress: a bar where there is a terminal.

    Raises:
        UsageError: the file has another ending.
        Failure: the picture cannot be written, the reference does not run, or the losses are not the same.
    """
    path = place(os.fspath(out), (*PICTURES, *PAGES))
    points, labels, model, training = _training(steps, seed)
    print(f"two moons, {ROWS} points; {len(model.parameters())} parameters", file=sys.stderr)
    done = _trained(steps, training, report)
    print(f"trained    {steps} steps, accuracy {done[-1].accuracy:.0%}, loss {done[-1].loss:.4f}")
    _compare(steps, seed, done)

    is_page = path.suffix.lower() in PAGES
    title = f"Two moons after {steps} steps: accuracy {done[-1].accuracy:.0%}"
    try:
        if is_page:
            *data, untrained, _ = _training(steps, seed)
            explore(untrained, path, data=data)
        else:
            write_picture(picture(model, points, labels, title), path)
    except OSError as error:
        raise Failure(f"the {'page' if is_page else 'picture'} was not written: {error}") from None
    print(f"{'page' if is_page else 'picture':10} {out}")


# --- the training ---------------------------------------------------------------------------------


def two_moons(rows: int, seed: int, noise: float = 0.1) -> tuple[list[Point], list[int]]:
    """Two interleaved half circles with Gaussian noise, labelled -1 (upper) and 1 (lower)."""
    rng = random.Random(seed)
    points, labels = [], []
    for row in range(rows):
        angle = pi * rng.random()
        label = -1 if row % 2 else 1
        x, y = (1 - cos(angle), 0.5 - sin(angle)) if label == 1 else (cos(angle), sin(angle))
        points.append((x + rng.gauss(0, noise), y + rng.gauss(0, noise)))
        labels.append(label)
    return points, labels


def _training(steps: int, seed: int) -> tuple[list[Point], list[int], nn.MLP, Iterator[Step]]:
    """The data, the model and the steps, which are made as they are asked for."""
    points, labels = two_moons(ROWS, seed)
    random.seed(seed)  # where nn takes its first weights from
    model = nn.MLP(2, [16, 16, 1])
    parameters = model.parameters()
    optimizer = optim.SGD(parameters)

    def steps_made() -> Iterator[Step]:
        for k in range(steps):
            start = time.perf_counter()
            scores = [model(point) for point in points]
            margins = [(1 - y * score).relu() for y, score in zip(labels, scores, strict=True)]
            loss = pygrad.sum(margins) / ROWS + 1e-4 * pygrad.dot(parameters, parameters)
            right = sum(
                (score.data > 0) == (y > 0) for y, score in zip(labels, scores, strict=True)
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.lr = 1.0 - 0.9 * k / steps
            optimizer.step()
            yield Step(loss.data, right / ROWS, time.perf_counter() - start)

    return points, labels, model, steps_made()


def _trained(steps: int, training: Iterator[Step], report: Report) -> list[Step]:
    """All steps, made while progress is shown."""
    done: list[Step] = []
    with progress(steps, "training", report) as bar:
        for step in training:
            done.append(step)
            bar.advance(note=f"loss {step.loss:.4f}")
            if len(done) == steps or len(done) % max(1, steps // 10) == 0:
                words = f"loss {step.loss:.4f}  accuracy {step.accuracy:4.0%}"
                bar.say(f"step {len(done):4}/{steps}  {words}")
    return done


# --- the comparison -------------------------------------------------------------------------------


def _compare(steps: int, seed: int, done: Sequence[Step]) -> None:
    """Print the time of a step as Values make it, beside the reference's and compiled ones'."""
    ours = statistics.median(step.seconds for step in done)
    if IMPLEMENTATION == "reference":
        print(
            f"reference  {_duration(ours)} a step (nothing to compare: this runs on the reference)"
        )
        return
    count = min(steps, COMPARED_STEPS)
    print(f"running {count} of these steps in pure Python, and compiled ...", file=sys.stderr)
    try:
        losses, theirs = _reference(steps, seed, count)
    except RuntimeError as error:
        raise Failure(f"the reference did not run: {error}") from None
    if losses != [step.loss for step in done[:count]]:
        raise Failure(f"the reference has other losses: {losses}")
    losses, compiled = _compiled(steps, seed, count)
    pairs = zip(losses, done, strict=False)
    if not all(math.isclose(loss, step.loss, rel_tol=ROUNDING) for loss, step in pairs):
        raise Failure(f"compiled steps have other losses: {losses}")
    for name, seconds, what in (
        ("reference", theirs, "the engine in plain Python, there to be read and compared with"),
        ("Value", ours, "operations in C, recorded at each step; the same losses to the last bit"),
        ("compiled", compiled, "recorded once, run for all rows; the same losses but for rounding"),
    ):
        times = f"{theirs / seconds:,.0f}x" if seconds != theirs else ""
        print(f"{name:9}  {_duration(seconds):>8} a step {times:>7}  {what}")


def _compiled(steps: int, seed: int, count: int) -> tuple[list[float], float]:
    """The losses of the first `count` steps by pygrad.compile, and its median seconds a step."""
    points, labels, model, _ = _training(steps, seed)
    parameters = model.parameters()
    optimizer = optim.SGD(parameters)

    def of_a_row(point: list[pygrad.Value], label: float) -> pygrad.Value:
        margin: pygrad.Value = (1 - label * model(point)).relu()
        return margin + 1e-4 * pygrad.dot(parameters, parameters)

    loss = pygrad.compile(of_a_row)
    rows = [list(column) for column in zip(*points, strict=True)], [float(y) for y in labels]
    losses, seconds = [], []
    for k in range(count):
        start = time.perf_counter()
        optimizer.lr = 1.0 - 0.9 * k / steps
        losses.append(loss.backward(*rows, optim=optimizer, zero_grad=True))
        seconds.append(time.perf_counter() - start)
    return losses, statistics.median(seconds[1:] or seconds)  # the first one traces


def _reference(steps: int, seed: int, count: int) -> tuple[list[float], float]:
    """The losses of the first `count` steps by the reference, and its median seconds a step.

    The implementation is chosen when pygrad is imported, so this needs a process of its own. It
    gets this one's import path, so that both import the same pygrad wherever they are started.
    """
    code = (
        "import json, sys; path, *rest = json.loads(sys.argv[1]); sys.path[:] = path; "
        "from pygrad.command_line import two_moons; two_moons.report_steps(*rest)"
    )
    path = [entry for entry in sys.path if isinstance(entry, str)]
    child = subprocess.run(
        [sys.executable, "-c", code, json.dumps([path, steps, seed, count])],
        env={**os.environ, "PYGRAD_IMPL": "reference"},
        capture_output=True,
        text=True,
        check=False,
    )
    if child.returncode != 0:
        lines = child.stderr.strip().splitlines()
        raise RuntimeError(lines[-1] if lines else f"exit code {child.returncode}")
    losses, seconds = json.loads(child.stdout)
    return losses, statistics.median(seconds)


def report_steps(steps: int, seed: int, count: int) -> None:
    """Make the first `count` of `steps` steps; print their losses and seconds as JSON."""
    *_, training = _training(steps, seed)
    # JSON writes a float as repr does, so a loss comes back with the same bits.
    made = list(islice(training, count))
    print(json.dumps([[step.loss for step in made], [step.seconds for step in made]]))


def _duration(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
