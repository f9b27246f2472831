"""What tests of several files of this folder take."""

from __future__ import annotations

import functools
import inspect

import pytest


@pytest.fixture
def handed_over(monkeypatch):
    """What reaches SciPy: the keyword arguments of the last call to each of its solvers."""
    optimize = pytest.importorskip("scipy.optimize")
    seen = {}

    def watch(name):
        real = getattr(optimize, name)

        @functools.wraps(real)
        def solver(*args, **kwargs):
            seen.update(inspect.signature(real).bind(*args, **kwargs).arguments)
            return real(*args, **kwargs)

        monkeypatch.setattr(optimize, name, solver)

    for name in ("minimize", "least_squares", "root", "curve_fit"):
        watch(name)
    return seen


@pytest.fixture
def row_by_row(monkeypatch):
    """How often rows ran uncompiled."""
    mapped = pytest.importorskip("pygrad.programs.mapped")
    calls, before = [], mapped.row_by_row

    def counted(*args, **named):
        calls.append(1)
        return before(*args, **named)

    monkeypatch.setattr(mapped, "row_by_row", counted)
    return calls
