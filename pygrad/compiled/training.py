"""compiled.backward: derivatives by captured Values, added to their grads, and a step of an optimiser.

What can fail is done first, and the rest in one call of C: there is all of a step or nothing of it. Where a
program has one path and its arguments are arrays and floats, C does it from the arguments on
(csrc/python/training.h).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pygrad import _native
from pygrad.compiled.store import Store
from pygrad.core.callables import FunctionOf
from pygrad.core.implementation import Value
from pygrad.core.structure import Array, Number
from pygrad.optim import LBFGS, Step, Stepped
from pygrad.programs.direct import address_of
from pygrad.programs.mapped import Run, Vmapped
from pygrad.programs.rows import RowArguments
from pygrad.programs.worth import TooManyPaths

_FLOAT64 = np.dtype(np.float64)
_MISSES = 3  # calls in a row that C leaves to Python, before it stops trying each time
_MOST = 16


class Ending:
    """What comes after the derivatives: grads set to 0 before they are added, and a step."""

    __slots__ = ("optim", "step", "zero_grad")

    def __init__(self, optim: Any, zero_grad: bool) -> None:
        if optim is None and zero_grad:
            raise ValueError(
                "zero_grad=True sets the grads of an optimiser's parameters to 0: give optim=, too, or "
                "call model.zero_grad() before"
            )
        self.optim, self.zero_grad = optim, bool(zero_grad)
        self.step: Step | None = None if optim is None else _step_of(optim)

    @property
    def is_known(self) -> bool:
        """Whether C can do it."""
        return self.optim is None or self.step is not None

    def follow(self, root: Value) -> None:
        """The way back from a loss, and the rest."""
        if self.is_known:
            _native.descend(root, self.step, self.zero_grad)
            return
        if self.zero_grad:
            self.optim.zero_grad()
        root.backward()
        self.optim.step()


def _step_of(optim: Any) -> Step | None:
    """The step of one of pygrad's optimisers, None for another; TypeError for what is none."""
    step, zero_grad = getattr(optim, "step", None), getattr(optim, "zero_grad", None)
    if isinstance(optim, type | Value) or not (callable(step) and callable(zero_grad)):
        what = optim.__name__ if isinstance(optim, type) else type(optim).__name__
        raise TypeError(
            f"optim is an optimiser, such as optim.SGD(model.parameters()), with step() and zero_grad(); "
            f"not {what}"
        )
    if isinstance(optim, LBFGS):
        raise TypeError(
            "LBFGS asks for the loss several times a step: optimizer.step(lambda: loss.backward(...)), "
            "where loss is this compiled function"
        )
    if (
        isinstance(optim, Stepped)
        and getattr(step, "__func__", None) is Stepped.step
        and getattr(zero_grad, "__func__", None) is Stepped.zero_grad
    ):
        return optim.as_step()
    return None


class _Plan:
    """What C does of calls like the last ones, if anything."""

    __slots__ = ("misses", "training")

    def __init__(self) -> None:
        self.misses = 0  # calls that Python has done since the last one that C has
        self.training: _native.Training | None = None

    def call(self, rows: tuple[Any, ...], ending: Ending) -> float | None:
        """The total, once all is done; None if nothing is."""
        training = self.training
        if training is None:
            return None
        total = training.step(rows, ending.step, ending.zero_grad)
        if total is None:
            given = tuple(map(_in_place, rows))
            if any(a is not b for a, b in zip(given, rows, strict=True)):
                total = training.step(given, ending.step, ending.zero_grad)
        if total is not None:
            self.misses = 0
        return total

    def learn(self, run: Run) -> None:
        """From a call that Python has done: where C has left many to it, it tries again now and then."""
        self.misses += 1
        tries = self.misses <= _MISSES or self.misses & (self.misses - 1) == 0
        self.training = _training_of(run) if tries else None


def _plan_of(store: Store, in_axes: Any, reduce: str) -> _Plan:
    """What is known of calls whose rows are given and reduced so; a new one where C does nothing of it."""
    axes = in_axes if type(in_axes) is tuple else (in_axes,)
    if not all(axis is None or (type(axis) is int and axis == 0) for axis in axes):
        return _Plan()
    plan = store.trainings.get((in_axes, reduce))
    if plan is None:
        if len(store.trainings) >= _MOST:
            store.trainings.clear()
        plan = store.trainings.setdefault((in_axes, reduce), _Plan())
    return plan


def _in_place(arg: Any) -> Any:
    """An array of numbers as C reads it; others as they are."""
    if type(arg) is np.ndarray and arg.dtype.kind in "iuf" and arg.dtype.itemsize <= 8:
        return np.require(arg, _FLOAT64, ["C", "A"])
    return arg


def _training_of(run: Run) -> _native.Training | None:
    """What does calls like this one in C, if it has taken one path, without guards, on plain arguments."""
    arguments, paths = run.arguments, run.program.paths
    path = run.used[0]
    if len(run.used) != 1 or path is not paths.root or path.outcomes or run.by:
        return None
    parts = arguments.structure.parts
    if len(parts) != len(arguments.leaves) or not all(type(p) in {Number, Array} for p in parts):
        return None
    shapes = tuple(
        (leaf.mapped, part.shape if type(part) is Array else None)
        for leaf, part in zip(arguments.leaves, parts, strict=True)
    )
    mean = run.reduce == "mean"
    return _native.Training(path, address_of(path), path.result.by, shapes, mean)


def backward(
    of: FunctionOf[..., Any],
    store: Store,
    rows: tuple[Any, ...],
    in_axes: Any,
    reduce: str,
    ending: Ending,
) -> float:
    """Of a compiled function, whose programs are in a store: see Compiled.backward."""
    plan = _plan_of(store, in_axes, reduce)
    if ending.is_known:
        total = plan.call(rows, ending)
        if total is not None:
            return total
    arguments = RowArguments(rows, in_axes, of)
    try:
        run = Run(store.backward_of(reduce), arguments, by_lives=True)
        _, numbers, by, grads = run.reduced()
    except TooManyPaths as error:
        error.warn(f"rows of {of.__name__}() have", "row by row")
        loss = Vmapped(of.f, in_axes, reduce).row_by_row(rows, keep=True)
        ending.follow(loss)
        return float(loss.data)
    plan.learn(run)
    if by or ending.optim is not None:
        ending.follow(Value(numbers[0], by, grads))
    return float(numbers[0])
