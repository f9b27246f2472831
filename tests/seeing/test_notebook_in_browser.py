"""The explorer's widget in JupyterLab: sliders of the page and Values of the kernel, joined both ways."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.jupyterlab

CELLS = [
    """from pygrad import Value
from pygrad.notebook import explore
a, b = Value(2.0, label="a"), Value(-3.0, label="b")
heard = []
page = explore(a * b + a)
page.observe(lambda change: heard.append(change.new), "numbers")
page""",
    "print('is', a.data, b.data, len(heard) > 0)",
    "a.data, b.data = 7.5, float('-inf')\npage.refresh()",
    "b.data = -0.0\npage.refresh()",
    "print('then', a.data, b.data)",
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """JupyterLab with a notebook, nothing run yet: its address."""
    missing = pytest.fail if os.environ.get("PYGRAD_BROWSER") == "required" else pytest.skip
    for library in ("jupyterlab", "anywidget"):
        try:
            __import__(library)
        except ImportError:
            missing(f"{library} is not installed: it is in the extra browser")
    folder = tmp_path_factory.mktemp("lab")
    nothing_run: dict[str, Any] = {"metadata": {}, "outputs": [], "execution_count": None}
    cells = [
        {"cell_type": "code", "id": f"cell-{i}", "source": source, **nothing_run}
        for i, source in enumerate(CELLS)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    (folder / "joined.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--ServerApp.ip=127.0.0.1"]
    options += ["--IdentityProvider.token=", f"--ServerApp.root_dir={folder}", "--allow-root"]
    # Nothing is asked of the network: no news, no list of extensions.
    options += ["--LabApp.news_url=None", "--LabApp.extension_manager=readonly"]
    options += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPYTHON"))}
    with (folder / "log").open("w") as log:
        lab = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", *options],
            cwd=folder, env={**kept, "HOME": str(folder)}, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            address = f"http://127.0.0.1:{port}"
            wait_for(lab, address, folder / "log")
            yield address
        finally:
            lab.terminate()
            lab.wait(30)


def wait_for(lab: subprocess.Popen[bytes], address: str, log: Path) -> None:
    for _ in range(600):
        if lab.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"{address}/api/status", timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"JupyterLab does not answer:\n{log.read_text()}")


class Notebook:
    """It in JupyterLab, as a user sees it."""

    def __init__(self, tab: Any, address: str) -> None:
        from playwright.sync_api import expect

        self.tab, self.expect = tab, expect
        tab.goto(f"{address}/lab/tree/joined.ipynb?reset")
        self.cells = tab.locator(".jp-Notebook .jp-CodeCell")
        self.frame = tab.frame_locator("iframe[title='pygrad explorer']")
        # What is run before there is a kernel is never run.
        tab.get_by_text("Python 3 (ipykernel) | Idle").wait_for()

    def run(self, cell: int) -> None:
        prompt = self.cells.nth(cell).locator(".jp-InputPrompt")
        before = prompt.inner_text()
        self.cells.nth(cell).locator(".cm-content").click()
        self.tab.keyboard.press("Shift+Enter")
        self.expect(prompt).to_have_text(re.compile(r"\[\d+\]"))
        self.expect(prompt).not_to_have_text(before)

    def runs_until_printed(self, cell: int, expected: str) -> None:
        """Again and again, as nothing tells when the kernel has had a message; fails if it never is."""
        began = time.monotonic()
        printed = ""
        while printed != expected:
            assert time.monotonic() - began < 20, f"{printed!r}, not {expected!r}"
            self.run(cell)
            printed = self.cells.nth(cell).locator(".jp-OutputArea-output").inner_text().strip()

    def input(self, name: str) -> Any:
        return self.frame.get_by_label(f"{name}, as a number", exact=True)


def test_sliders_and_values_are_joined_both_ways(server: str, browser: Any) -> None:
    tab = browser.new_page(viewport={"width": 1280, "height": 1800})
    tab.set_default_timeout(30_000)
    asked: set[str] = set()
    tab.on("request", lambda request: asked.add(request.url))
    try:
        notebook = Notebook(tab, server)
        notebook.run(0)
        notebook.expect(notebook.input("a")).to_have_value("2")
        notebook.frame.get_by_role("slider", name="a", exact=True).first.press("ArrowRight")
        moved = float(notebook.input("a").input_value())
        assert moved > 2.0
        notebook.runs_until_printed(1, f"is {moved} -3.0 True")
        notebook.run(2)
        notebook.expect(notebook.input("a")).to_have_value("7.5")
        # A field of numbers has none for -inf
        notebook.expect(notebook.input("b")).to_have_value("")
        notebook.expect(notebook.frame.get_by_label("gradient of a", exact=True)).to_have_text(
            "grad −inf"
        )
        notebook.run(3)
        notebook.expect(notebook.input("b")).to_have_value("0")
        notebook.input("a").fill("0.1")
        notebook.runs_until_printed(4, "then 0.1 -0.0")
    finally:
        if folder := os.environ.get("PYGRAD_SCREENSHOTS"):
            tab.screenshot(path=f"{folder}/notebook.png")
        tab.close()
    assert {
        url for url in asked if not url.startswith((server, "data:", "blob:", "about:"))
    } == set()
