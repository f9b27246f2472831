"""The built pages can be read by keyboard and by ear: axe-core finds nothing, whatever the screen.
Notebooks in them run.

The step `docs` of .ci/run builds them, and says where by PYGRAD_DOCS_HTML.
"""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import threading
from pathlib import Path

import pytest

PAGES = ["index.html", "tutorial/1_edges.html", "ops.html", "pitfalls.html", "sheet.html"]
INSTALLED = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser():
    if not os.environ.get("PYGRAD_DOCS_HTML"):
        pytest.skip("no pages were built: PYGRAD_DOCS_HTML names their folder")
    pytest.importorskip("axe_playwright_python", reason="axe-core is in the extra browser")
    from playwright.sync_api import Error, sync_playwright

    path = next(filter(None, map(shutil.which, INSTALLED)), None)
    with sync_playwright() as playwright:
        try:
            launched = playwright.chromium.launch(executable_path=path)
        except Error as error:
            pytest.skip(f"no Chromium: {str(error).splitlines()[0]}")
        yield launched
        launched.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_axe_finds_nothing(browser, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    found = []
    for page in PAGES:
        tab.goto((Path(os.environ["PYGRAD_DOCS_HTML"]) / page).as_uri())
        violations = Axe().run(tab).response["violations"]
        found += [(page, v["id"], v["nodes"][0]["html"][:200]) for v in violations]
    tab.close()
    assert found == []


@pytest.fixture
def served():
    """The address of the pages, which a browser's Python is loaded from."""
    handler = functools.partial(Quiet, directory=os.environ.get("PYGRAD_DOCS_HTML"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *what):
        pass


def test_exercises_run_in_the_browser_and_ask_no_other_host(browser, served):
    if not (Path(os.environ["PYGRAD_DOCS_HTML"]) / "lite").is_dir():
        pytest.skip("built without tools/lite.py")
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    tab.set_default_timeout(180_000)
    asked = set()
    tab.on("request", lambda request: asked.add(request.url))
    tab.goto(f"{served}/playground.html")
    tab.get_by_role("link", name="a notebook that runs in the browser").click()
    cells = tab.locator(".jp-Notebook .jp-CodeCell")
    tab.get_by_text("| Idle").wait_for()
    cells.nth(0).locator(".cm-content").click()
    tab.keyboard.press("Shift+Enter")
    cells.nth(1).locator(".cm-content").click()
    tab.keyboard.press("ControlOrMeta+A")
    tab.keyboard.type("import pygrad; x = Value(3.0); (x * x).backward()\n")
    tab.keyboard.type("print(pygrad.IMPLEMENTATION, x.grad)")
    tab.keyboard.press("Shift+Enter")
    cells.nth(1).get_by_text("reference 6.0").wait_for()
    shown = cells.nth(0).locator(".jp-OutputArea").inner_text()
    assert "pygrad has no C extension here: it is not built for browsers" in shown
    tab.close()
    assert {url for url in asked if not url.startswith((served, "data:", "blob:"))} == set()
