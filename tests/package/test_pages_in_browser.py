"""The built pages can be read by keyboard and by ear: axe-core finds nothing, whatever the screen.

The step `docs` of .ci/run builds them, and says where by PYGRAD_DOCS_HTML.
"""

from __future__ import annotations

import os
import shutil
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
