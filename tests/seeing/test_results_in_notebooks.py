"""What a notebook shows of results: the numbers that print() has, as a table; and labels are text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

import pygrad
import pygrad.math as pm
from pygrad import check_grad, gauss_newton, gradient_descent, newton, numeric, sensitivity


class _Cells(HTMLParser):
    """The texts of cells, and which tags there are."""

    def __init__(self, page):
        super().__init__()
        self.cells, self.tags, self.lines = [], set(), []
        self._open = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self._open = tag
        if tag in {"td", "th"}:
            self.cells.append("")

    def handle_endtag(self, tag):
        self._open = ""

    def handle_data(self, data):
        if self._open in {"td", "th"}:
            self.cells[-1] += data
        else:
            self.lines.append(data)


RESULTS = {
    "check_grad": lambda: check_grad(lambda x: x[0] * pm.sin(x[1]), [2.0, 3.0]),
    "step_sweep": lambda: numeric.step_sweep(pm.exp, 1.0, hs=[1e-2, 1e-5]),
    "nudge": lambda: numeric.nudge(lambda x: x**2, 2.0, 0.01),
    "sensitivity": lambda: sensitivity(lambda p: p["a"] * p["b"] ** 3, {"a": 100.0, "b": 2.0}),
    "newton": lambda: newton(lambda e: e - 0.1 * pm.sin(e) - 1.0, 1.0),
    "gradient_descent": lambda: gradient_descent(lambda x: x**2, 1.0, rate=0.1, steps=5),
    "gauss_newton": lambda: gauss_newton(lambda x: [x[0] - 1.0, 2 * x[0]], [3.0]),
}


@pytest.mark.parametrize("name", RESULTS)
def test_the_table_has_the_numbers_that_are_printed(name):
    result = RESULTS[name]()
    page = _Cells(result._repr_html_())
    assert "table" in page.tags
    printed = set(re.findall(r"-?\d[\d.e+-]*", str(result)))
    shown = set(re.findall(r"-?\d[\d.e+-]*", " ".join([*page.cells, *page.lines])))
    assert printed
    assert {text.rstrip(".") for text in printed} <= {text.rstrip(".") for text in shown}


def test_names_in_results_are_text():
    hostile = "<script>alert(1)</script>"
    page = check_grad(lambda p: p[hostile] * 2.0, {hostile: 1.0})._repr_html_()
    assert "<script" not in page
    assert hostile in " ".join(_Cells(page).cells)


def test_a_compiled_function_shows_its_paths_and_their_sizes():
    def f(x):
        return x.sin() if x > 0 else x

    compiled = pygrad.compile(f)
    assert "no path traced yet" in compiled._repr_html_()
    compiled(1.0)
    compiled(-1.0)
    page = _Cells(compiled._repr_html_())
    assert page.lines == ["f, compiled: 2 paths"]
    head, first, second = page.cells[:5], page.cells[5:10], page.cells[10:]
    assert head == ["path", "instructions", "guards", "Values read", "bytes"]
    sizes = [[program["instructions"], program["guards"]] for program in compiled.programs]
    assert [[int(row[1]), int(row[2])] for row in (first, second)] == sizes
