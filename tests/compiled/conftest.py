"""Fixtures of the tests of compiled functions, and of C as to_c() writes it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from exported import FORMS, Batch, Exported

from pygrad._core import lib
from pygrad.c_code import blocks as c_blocks
from pygrad.c_code import text as c_code


@pytest.fixture
def no_leak() -> Iterator[None]:
    """No more nodes afterwards than before."""
    gc.collect()
    before = lib.pg_live_nodes()
    yield
    gc.collect()
    assert lib.pg_live_nodes() <= before


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    return Batch(tmp_path)


@pytest.fixture
def one(batch: Batch) -> Callable[..., Exported]:
    """Compiles the text of one function."""

    def compile_text(text: str) -> Exported:
        name = batch.add(text)
        return batch.compile()[name]

    return compile_text


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Long programs are written in parts; here short ones, too."""
    if request.param == "parts":
        monkeypatch.setattr(c_code, "_ONE_FUNCTION", 0)
        monkeypatch.setattr(c_code, "_PART", 8)
    return request.param


@pytest.fixture
def no_partners(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every op by the function that eager code calls."""
    monkeypatch.setattr(c_blocks, "_PAIRED", set())
