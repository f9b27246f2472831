"""The documentation keeps its word: its pages are there, their cells run and print the lessons' numbers.

Sphinx is not needed here; the step `docs` of .ci/run builds the pages, and executes them once more.
"""

from __future__ import annotations

import ast
import contextlib
import io
import itertools
import json
import linecache
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import stated

import pygrad
from pygrad.value import FUNCTIONS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

if not DOCS.is_dir():
    pytest.skip("no documentation beside the tests", allow_module_level=True)

FENCE = re.compile(r"^```\{(?P<kind>[\w-]+)\} *(?P<rest>[^\n]*)\n(?P<body>.*?)^```$", re.M | re.S)
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
NOTEBOOKS = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.ipynb"))
WITH_COMPILER = {"c_api.md", "c_code.md"}
TUTORIAL = [page for page in PAGES if page.startswith("tutorial/")]


def fences(page: str, kind: str) -> list[re.Match[str]]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return [found for found in FENCE.finditer(text) if found["kind"] == kind]


def options(fence: re.Match[str]) -> dict[str, str]:
    return dict(re.findall(r'^:([\w-]+): *"?(.*?)"?$', fence["body"], re.M))


def cells(page: str) -> list[str]:
    if page.endswith(".ipynb"):
        notebook = json.loads((DOCS / page).read_text(encoding="utf-8"))
        return ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    return [re.sub(r"\A(:.*\n)+", "", fence["body"]) for fence in fences(page, "code-cell")]


WITH_CELLS = [page for page in PAGES if cells(page)]


# -- pages -----------------------------------------------------------------------------------------


def test_every_page_is_in_a_table_of_contents_and_the_other_way_round() -> None:
    named = {"index"}
    for page in PAGES:
        for toctree in fences(page, "toctree"):
            lines = [line for line in toctree["body"].splitlines() if line and line[0] != ":"]
            named |= {(Path(page).parent / line).as_posix() for line in lines}
    assert named == {re.sub(r"\.\w+$", "", page) for page in PAGES + NOTEBOOKS}


def test_the_tutorial_has_a_page_for_each_lesson_in_order() -> None:
    (toctree, *_) = fences("index.md", "toctree")
    listed = re.findall(r"^tutorial/(\d)_", toctree["body"], re.M)
    assert listed == [str(i) for i in range(1, 8)]
    assert [page[len("tutorial/")] for page in TUTORIAL] == listed


def test_every_public_name_is_documented_by_the_name_that_users_call_it() -> None:
    text = "\n".join((DOCS / page).read_text(encoding="utf-8") for page in PAGES)
    documented = set(re.findall(r"^\.\. auto\w+:: pygrad\.(\w+)$", text, re.M))
    documented |= set(re.findall(r"`pygrad\.(\w+)`", text))
    waiting = {"NotSavedError", "TraceError", "compile", "load", "vmap"}
    assert {*pygrad.__all__, *waiting} - documented - set(FUNCTIONS) == set()


def test_no_page_leans_on_the_readme() -> None:
    """The README points to the pages, never the other way round."""
    for page in PAGES:
        text = (DOCS / page).read_text(encoding="utf-8")
        assert "README" not in text, page
        assert not fences(page, "include"), page


def test_tables_of_speed_can_be_written_anew() -> None:
    """`benchmarks/run.py --write` finds the place of each of its tables, and replaces nothing else."""
    program = (
        "import run, sys; sys.stderr.write('\\n'.join(run.GROUPS));"
        "print(run.renewed(sys.stdin.read(), dict.fromkeys(run.GROUPS, 'NEW')))"
    )
    page = (DOCS / "speed.md").read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT / "benchmarks",
        input=page,
        capture_output=True,
        text=True,
        check=True,
    )
    between = re.compile(r"^<!-- measured: \w+ -->\n(.*?)<!-- measured: end -->", re.M | re.S)
    assert between.sub("", done.stdout.removesuffix("\n")) == between.sub("", page)
    groups = done.stderr.split()
    assert re.findall(r"^<!-- measured: (?!end)(\w+) -->$", page, re.M) == groups
    assert between.findall(done.stdout) == ["NEW\n"] * len(groups)
    for table in between.findall(page):
        assert (
            table.startswith("| what ") and "\n- machine: " in table and "\n- versions: " in table
        )


def test_the_history_of_speed_has_the_figures_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """`benchmarks/run.py --write` renews both; what the page says of a release is what is kept of it."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import history

    page = (DOCS / "speed.md").read_text(encoding="utf-8")
    text = history.FILE.read_text(encoding="utf-8")
    lines, kept = history.lines_of(page), history.read(text)
    assert len(lines) == len(re.findall(r"^\|", page, re.M)) - 2 * page.count("| what ")
    assert [line for line in kept if line in lines] == lines
    assert all(line.release and line.what and line.result for line in kept)
    assert history.renewed(text, page) == text
    older = history.read(history.renewed(text.replace("0.1.0", "0.0.9"), page))
    assert {line.release for line in older} == {"0.0.9", *(line.release for line in lines)}
    assert len(older) == len(kept) + len(lines)


def test_figures_of_reliability_can_be_written_anew() -> None:
    """`tools/faults.py --write` finds the table of each part, beside the command that makes it again."""
    import faults

    page = (DOCS / "reliability.md").read_text(encoding="utf-8")
    marked = re.compile(r"^<!-- measured: (\w+) -->\n(.*?)^<!-- measured: end -->", re.M | re.S)
    assert [name for name, _ in marked.findall(page)] == list(faults.PARTS)
    renewed = faults.renewed(page, dict.fromkeys(faults.PARTS, "NEW"))
    assert marked.sub("", renewed) == marked.sub("", page)
    assert [table for _, table in marked.findall(renewed)] == ["NEW\n"] * len(faults.PARTS)
    for name, table in marked.findall(page):
        assert re.match(r"\| what +\| figure +\| limit +\|\n", table), name
        assert f"`python tests/faults/{name}.py`\n" in page
        assert "(missed)" not in table, name


def test_every_script_of_faults_is_a_part_of_the_programme() -> None:
    import faults

    tests = {path.stem for path in faults.SCRIPTS.glob("test_*.py")}
    scripts = {path.stem for path in faults.SCRIPTS.glob("*.py")} - tests - {"figures"}
    assert scripts <= set(faults.PARTS)


def test_the_page_of_the_c_api_is_the_whole_header() -> None:
    header = (ROOT / "csrc" / "pygrad.h").read_text(encoding="utf-8")
    places = []
    for listing in fences("c_api.md", "literalinclude"):
        if listing["rest"].endswith("pygrad.h"):
            marks = options(listing)
            start = header.index(marks["start-at"]) if "start-at" in marks else 0
            places.append((start, header.index(marks["end-before"], start)))
    (_, guard), *rest = places
    assert rest[0][0] == header.index("/* -- ")
    assert header[guard : rest[0][0]].count(";") == 0  # nothing but #include and the like
    for (_, end), (start, _) in itertools.pairwise(rest):
        assert header[:end].rpartition("\n")[0] == header[:start].rpartition("\n")[0]
    assert header[rest[-1][1] :].strip() == "#endif"


# -- programs with what they print -----------------------------------------------------------------


PROGRAMS = [
    pytest.param(*pair, id=f"{page}-{i}")
    for page in PAGES
    for i, pair in enumerate(stated.programs(DOCS / page))
]


@pytest.mark.parametrize(("program", "printed"), PROGRAMS)
@pytest.mark.parametrize("implementation", ["compiled", "reference"])
def test_programs_print_what_is_said(
    program: str, printed: str, implementation: str, tmp_path: Path
) -> None:
    stated.check_prints(program, printed, implementation, tmp_path)


def test_no_program_is_overlooked() -> None:
    pages = [(DOCS / page).read_text(encoding="utf-8") for page in PAGES]
    assert len(PROGRAMS) == sum(text.count("```python") for text in pages) >= 15


# -- cells -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", WITH_CELLS + NOTEBOOKS)
def test_cells_are_python(page: str) -> None:
    for cell in cells(page):
        ast.parse(cell)
        assert max(map(len, cell.splitlines())) <= 100, "a line is too long for the page"


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_notebooks_are_stored_without_outputs(notebook: str) -> None:
    for cell in json.loads((DOCS / notebook).read_text(encoding="utf-8"))["cells"]:
        assert cell["cell_type"] == "markdown" or (cell["outputs"], cell["execution_count"]) == (
            [],
            None,
        )


class Run(NamedTuple):
    """What a page's cells left behind: their names, and all that they showed, as text."""

    names: dict[str, Any]
    shown: str


_runs: dict[str, Run] = {}
_cells: list[str] = []


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Run]:
    """Runs a page from top to bottom, as a notebook would, once for all tests."""
    matplotlib = pytest.importorskip("matplotlib", reason="the pages draw with matplotlib")
    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYGRAD_SOURCES", str(ROOT))

    def run_page(page: str) -> Run:
        if page in WITH_COMPILER:  # a sanitizer is for Python, not for compilers
            monkeypatch.delenv("LD_PRELOAD", raising=False)
        if page not in _runs:
            names: dict[str, Any] = {"__name__": "__main__"}
            shown = io.StringIO()
            with contextlib.redirect_stdout(shown):
                for cell in cells(page):
                    run_cell(cell, names)
            from matplotlib import pyplot

            pyplot.close("all")
            _runs[page] = Run(names, shown.getvalue())
        return _runs[page]

    return run_page


def run_cell(cell: str, names: dict[str, Any]) -> None:
    """Runs a cell; the value of an expression at its end is shown, unless a semicolon follows."""
    name = f"<cell {len(_cells)}>"  # under which its source is found, as a notebook's is
    _cells.append(name)
    linecache.cache[name] = len(cell), None, cell.splitlines(True), name
    tree = ast.parse(cell)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), names)
    if last is not None:
        value = eval(compile(ast.Expression(last.value), name, "eval"), names)
        if value is not None and not cell.rstrip().endswith(";"):
            for show in ("_repr_html_", "_repr_mimebundle_"):
                if hasattr(value, show):
                    assert getattr(value, show)()
            print(value)


def skip_without_what_it_needs(page: str) -> None:
    if page in WITH_COMPILER and shutil.which("cc") is None:
        pytest.skip("no C compiler")
    if page == "sparsity.md":
        pytest.importorskip("scipy", reason="sparse arrays are SciPy's")
    if page == "tutorial/6_checking.md":
        pytest.importorskip("mpmath", reason="the page computes in 50 digits")


@pytest.mark.parametrize("page", WITH_CELLS)
def test_pages_run(page: str, run: Callable[[str], Run]) -> None:
    skip_without_what_it_needs(page)
    assert run(page).shown


@pytest.mark.parametrize("page", TUTORIAL)
def test_exercises_have_answers_that_unfold_and_are_checked(page: str) -> None:
    """The cells run with the page; each asserts what its answer says."""
    text = (DOCS / page).read_text(encoding="utf-8").partition("\n## Exercises\n")[2]
    questions = re.findall(r"^(\d)\. ", text, re.M)
    answers = re.findall(
        r"^<details><summary>Answer (\d)</summary>\n\n(.*?)^</details>$", text, re.M | re.S
    )
    assert len(questions) >= 2
    assert [number for number, _ in answers] == questions
    for _, answer in answers:
        said, _, cell = answer.partition("```{code-cell} python\n")
        assert said.strip()
        assert re.search(r"^ *assert ", cell, re.M)


@pytest.mark.long
@pytest.mark.parametrize("page", NOTEBOOKS)
def test_notebooks_run(page: str, run: Callable[[str], Run]) -> None:
    pytest.importorskip("scipy", reason="a notebook uses its optimiser")
    assert run(page).shown


# -- numbers ---------------------------------------------------------------------------------------

# What the lessons say, as the pages print it.
PRINTED = {
    "tutorial/1_edges.md": [
        "c = -6.0, from a, b by '*'\n    slopes (-3.0, 2.0)",
        "d = -1.0, from a, b by '+'\n    slopes (1.0, 1.0)",
        "e = -7.0, from c, d by '+'\n    slopes (1.0, 1.0)",
        "a**2 at 2: (4.0,)",
        "x**2 at 3: (6.0,)",
        "log at 4: (0.25,)",
        "log at 0: math domain error",
        "after:  [('a', -2.0), ('b', 3.0), ('c', 1.0), ('d', 1.0), ('e', 1.0)]",
        "dc/da = b = -3",
    ],
    "tutorial/2_nudge.md": [
        "predicted -0.003, actual -0.003",
        "step 0.01  prediction 0.04, actual 0.0401, miss 0.0001",
        "step 1.0   prediction 4, actual 5, miss 1",
    ],
    "tutorial/3_ten_ops.md": [
        "a ** 3    8.000000   12.000000",
        "log a     0.693147   0.500000",
        "c = b * a",
        "a.grad = 12",
        "tanh of (Value(",
        "slope of relu at 0.0: 0.0",
        "pygrad.math.pow",
    ],
    "tutorial/4_rise_over_run.md": [
        "f(3) = 20.0",
        "3.000000        14      14         14.000003",
        "-3.000000       -22     -22        -21.999997",
        "0.666667         0       0          0.000003",
        "by a: -3.000000",
        "by b: 2.000000",
        "by c: 1.000000",
        "grad: (-3.0, 2.0, 1.0)",
        "3.0 + 1e-17 == 3.0 is True\nslope 0.0\n",
        "does not move x",
    ],
    "tutorial/5_step_sizes.md": [
        "1e-05         2.71828182851491   5.6e-11     4.5e-11    3.0e-11  <- best",
        "x = -2.0: slope  12.0, curvature -12.0",
        "x =  3.0: slope  27.0, curvature  18.0",
    ],
    "tutorial/6_checking.md": [
        "central difference: 0.5",
        "relu at -0.1: ok\nrelu at 0.0: not differentiable here\nrelu at 0.1: ok",
        "kink: slope 0 to the left, 1 to the right",
        "check_grad: wrong, 5 derivatives",
    ],
    "tutorial/7_uses.md": [
        "x = {a: 3, b: -1}",
        "x = 1.41421",
        "x = {height: 2.00",
        "length 2 1 3",
        "lands at 20.000000 m",
    ],
    "c_api.md": ["e = -7, de/da = -2, de/db = 3\nnodes left: 0"],
}


@pytest.mark.parametrize("page", PRINTED)
def test_pages_print_the_numbers_of_the_lessons(page: str, run: Callable[[str], Run]) -> None:
    skip_without_what_it_needs(page)
    shown = run(page).shown
    squeezed = re.sub(r" +", " ", shown)
    for line in PRINTED[page]:
        assert re.sub(r" +", " ", line) in squeezed


def test_halving_the_step_halves_one_error_and_quarters_the_other(
    run: Callable[[str], Run],
) -> None:
    shown = run("tutorial/5_step_sizes.md").shown
    errors = [float(error) for error in re.findall(r"h = 0\.\d+ +error (\S+)", shown)]
    assert len(errors) == 6
    forward, central = errors[:3], errors[3:]
    for values, ratio in (forward, 2.0), (central, 4.0):
        assert [a / b for a, b in itertools.pairwise(values)] == pytest.approx(
            [ratio, ratio], rel=0.05
        )


def test_the_network_of_the_tutorial_has_learned_xor(run: Callable[[str], Run]) -> None:
    names = run("tutorial/3_ten_ops.md").names
    assert names["losses"][-1] < 0.05 < names["losses"][0]
    assert all((names["predict"](x).data > 0) == (y > 0) for x, y in names["table"])


def test_random_draws_agree_with_propagation(run: Callable[[str], Run]) -> None:
    shown = run("tutorial/7_uses.md").shown
    pairs = re.findall(r"^(\S+) \+/- ([\d.]+)", shown, re.M)
    (value, deviation), (mean, scatter) = [tuple(map(float, pair)) for pair in pairs]
    assert (mean, scatter) == pytest.approx((value, deviation), rel=2e-3)


NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e-?\d+)?")


@pytest.mark.parametrize("page", WITH_CELLS)
def test_numbers_in_the_text_are_numbers_of_the_code(page: str, run: Callable[[str], Run]) -> None:
    """No number of the prose was typed by hand: the page's code has it, or prints it."""
    skip_without_what_it_needs(page)
    text = (DOCS / page).read_text(encoding="utf-8")
    prose = FENCE.sub("", text.partition("\n# ")[2].partition("\n")[2])
    prose = re.sub(r"\]\([^)]*\)|\b\d+\.\d+\.\d+\b", "]", prose)  # links, and versions
    stated_there = "".join(map("".join, stated.PROGRAM.findall(prose)))
    prose = re.sub(r"^```\w+\n.*?^```$", "", prose, flags=re.M | re.S)
    there = "\n".join(cells(page)) + run(page).shown + stated_there
    known = {float(number) for number in NUMBER.findall(there)}
    assert {number for number in NUMBER.findall(prose) if float(number) not in known} == set()
