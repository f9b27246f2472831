"""What tests of several files of this folder take."""

from __future__ import annotations

import gc

import pytest


@pytest.fixture
def quiet_collector():
    """Collections only where a test asks for one."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()
