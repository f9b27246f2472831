"""The page of explore(v) in Chromium.

Tests are skipped where there is no browser; with PYGRAD_BROWSER=required in the environment they fail
instead.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tabs import Page, Witness

from pygrad.seeing.explorer import explore

INSTALLED = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium; skips the test if there is none."""
    missing = pytest.fail if os.environ.get("PYGRAD_BROWSER") == "required" else pytest.skip
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        missing("Playwright is not installed: pip install playwright")
    path = next(filter(None, map(shutil.which, INSTALLED)), None)
    with sync_playwright() as playwright:
        try:
            # Without what the tests themselves may run under, such as AddressSanitizer's LD_PRELOAD.
            kept = {k: v for k, v in os.environ.items() if k not in {"LD_PRELOAD", "PYTHONMALLOC"}}
            launched = playwright.chromium.launch(executable_path=path, env=kept)
        except Error as error:
            missing(f"no Chromium: {str(error).splitlines()[0]}")
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def watched(browser: Any) -> Iterator[tuple[Any, Witness]]:
    tab = browser.new_page()
    tab.set_default_timeout(10_000)
    tab.add_init_script("window.hit = 0;")
    yield tab, Witness(tab)
    tab.close()


@pytest.fixture
def show(watched: tuple[Any, Witness], tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Opens the page of a graph; afterwards nothing was asked of the network and nothing complained."""
    tab, witness = watched
    witness.requests.clear()
    witness.complaints.clear()
    path = tmp_path / "page.html"

    def open_(
        v: Any,
        width: int = 1280,
        height: int = 900,
        color_scheme: str = "light",
        reduced_motion: str = "no-preference",
        **explored: Any,
    ) -> Page:
        tab.set_viewport_size({"width": width, "height": height})
        tab.emulate_media(color_scheme=color_scheme, reduced_motion=reduced_motion)
        explore(v, path, limit=None, **explored)
        return Page(tab, path)

    yield open_
    assert tab.evaluate("window.hit") == 0
    assert witness.complaints == []
    assert {url for url in witness.requests if not url.startswith("data:")} == {path.as_uri()}


@pytest.fixture
def touch(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Opens the page of a graph on a telephone, whose reader has fingers only; nothing complained."""
    path = tmp_path / "touched.html"
    context = browser.new_context(has_touch=True, viewport={"width": 375, "height": 700})
    context.set_default_timeout(10_000)
    tab = context.new_page()
    witness = Witness(tab)

    def open_(v: Any, **explored: Any) -> Page:
        explore(v, path, limit=None, **explored)
        return Page(tab, path)

    yield open_
    assert witness.complaints == []
    context.close()
