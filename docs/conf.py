"""How these pages are built, with pygrad installed: `sphinx-build -W --keep-going -b html docs FOLDER`.

Pages with code cells and the notebooks are executed anew at every build; an error, or a line on stderr,
fails it. No page loads anything from the network.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import desc_addname

import pygrad
from pygrad.value import FUNCTIONS

ROOT = Path(__file__).resolve().parent.parent
# For the cells, which run in folders of their own.
os.environ["PYGRAD_SOURCES"] = str(ROOT)
os.environ["MATPLOTLIBRC"] = str(ROOT / "docs" / "matplotlibrc")

project = "pygrad"
author = "The pygrad authors"
release = version = pygrad.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
highlight_language = "python"
default_role = "code"

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
suppress_warnings = [
    "ref.python",  # words of docstrings that happen to be names
]

nb_execution_mode = "force"  # no cache: every build runs everything
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_output_stderr = "remove-warn"
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = f"pygrad {release}"
html_static_path = ["_static"]
html_css_files = ["pygrad.css"]
html_js_files = ["theme.js"]
html_show_copyright = False
html_show_sphinx = False
html_show_sourcelink = False
html_copy_source = False

# A folder with the page that tools/lite.py makes, called lite: then pages link to it.
if lite := os.environ.get("PYGRAD_LITE"):
    html_extra_path = [lite]
    tags.add("lite")  # type: ignore[name-defined]  # noqa: F821  Sphinx's


def plain_text(
    app: Any, what: str, name: str, subject: Any, options: Any, lines: list[str]
) -> None:
    """Docstrings are plain text: |x| is a size, `name` is code; what reST would make of these is kept away.

    Below "Raises:" stand kinds of errors with their causes, and sometimes only a sentence. Two
    arguments may share a line.
    """
    section, example = "", False
    for i, line in enumerate(lines):
        example = line.lstrip().startswith(">>>") or (example and line.strip() != "")
        if example:
            continue
        if re.fullmatch(r"\w+:", line):
            section = line
        elif section == "Raises:" and re.match(r"    \w(?![\w, ]*:)", line):
            lines[i] = f"    Exception: {line[4].lower()}{line[5:]}"
        elif section in {"Args:", "Attributes:"} and re.match(r"    \w+, \w+:", line):
            lines[i] = line.replace(
                ", ", ",", 1
            )  # reST would take the first of two words for a type
        lines[i] = _escaped(lines[i])


def _escaped(line: str) -> str:
    pieces = re.split(r"(`+[^`]+`+)", line)
    for k, piece in enumerate(pieces):
        if k % 2:
            after = pieces[k + 1][:1]
            pieces[k] = f"``{piece.strip('`')}``" + ("\\ " if after.isalnum() else "")
        else:
            pieces[k] = re.sub(r"([|*])", r"\\\1", piece)
    return "".join(pieces)


def is_left_out(app: Any, what: str, name: str, subject: Any, skip: bool, options: Any) -> bool:
    """Fields of named tuples, which the signature has; operations, which ops.md has in a table."""
    text = getattr(subject, "__doc__", None) or ""
    return skip or text.startswith("Alias for field number") or name in FUNCTIONS


# Modules that a user imports; what stands in another one is named without it.
PUBLIC = {
    "",
    "dask",
    "engine",
    "math",
    "nn",
    "notebook",
    "numeric",
    "optim",
    "plot",
    "progress",
    "scipy",
}


def without_rooms(app: Any, tree: nodes.document) -> None:
    """Objects are called what users call them: pygrad.grad, pygrad.nn.MLP; a result is just its class."""
    for prefix in tree.findall(desc_addname):
        place = prefix.astext().rstrip(".")
        if place.partition(".")[0] == "pygrad" and place.partition(".")[2] not in PUBLIC:
            prefix.parent.remove(prefix)


# What the theme leaves out and readers by keyboard or by ear need: axe-core's rules aria-required-attr,
# landmark-unique and scrollable-region-focusable.
SPOKEN = {
    '<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="All pages">',
    '<aside class="toc-drawer">': '<aside class="toc-drawer" aria-label="On this page">',
    "<pre>": '<pre tabindex="0">',
    '<div class="cell_output docutils container">': (
        '<div class="cell_output docutils container" tabindex="0">'
    ),
    '<div class="table-wrapper colwidths-auto docutils container">': (
        '<div class="table-wrapper colwidths-auto docutils container" tabindex="0">'
    ),
}


def accessible(app: Any, error: Exception | None) -> None:
    """Puts it into the pages that were written."""
    for page in [] if error else Path(app.outdir).rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for plain, spoken in SPOKEN.items():
            text = text.replace(plain, spoken)
        page.write_text(text, encoding="utf-8")


def setup(app: Any) -> None:
    app.connect("build-finished", accessible)
    app.connect("autodoc-process-docstring", plain_text, priority=100)  # before napoleon
    app.connect("autodoc-skip-member", is_left_out)
    app.connect("doctree-read", without_rooms)
