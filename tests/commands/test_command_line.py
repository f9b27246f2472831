"""The command `pygrad`: data on stdout, talk on stderr, exit codes 0, 1 and 2, and helpful errors."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

import pygrad
from pygrad.command_line.main import COMMANDS, main
from pygrad.numeric import step_sweep

NAMES = {command.NAME for command in COMMANDS}

USER_CODE = '''
"""What a user might have in a file."""
from dataclasses import dataclass

import beside
from pygrad import Value, math

print("talk of the user's file")


@dataclass
class Setting:
    rate: float = 2.0


def loss(x, rate=2.0, mode="fast"):
    print("talk of the function")
    return x * math.exp(-rate * x) if mode == "fast" else x * beside.FACTOR


def wrong(x):
    return Value(x.data**3, (x,), (x.data**2,))


def kink(x):
    return math.relu(x)


def stairs(x):
    return x**2 - math.floor(1000 * x) / 1000


def norm(w):
    return sum(v * v for v in w)


def bilinear(m, x, /):
    return (m @ x).sum()


def nested(p):
    return p["a"] * p["b"][1]


def broken(x):
    return 1 / (x - x)


def leaves(x):
    raise SystemExit(3)


class Model:
    @staticmethod
    def score(x):
        return x * x


def constant():
    return 1.0


number = 3
'''


@pytest.fixture
def user_file(tmp_path: Path) -> str:
    (tmp_path / "beside.py").write_text("FACTOR = 3.0\n")
    (tmp_path / "model.py").write_text(USER_CODE)
    return str(tmp_path / "model.py")


@pytest.fixture
def run(capsys):
    """Runs a command in this process: exit code, stdout, stderr."""

    def call(*argv: str) -> tuple[int, str, str]:
        code = main(argv)
        out, err = capsys.readouterr()
        return code, out, err

    return call


def strict_json(text: str):
    """One JSON value as the standard has it: no NaN."""

    def refuse(word: str) -> None:
        raise ValueError(word)

    return json.loads(text, parse_constant=refuse)


def process(*argv: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "pygrad", *argv],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )


# -- the command itself ------------------------------------------------------------------------------


def test_version_and_help(run):
    assert run("--version") == (0, f"pygrad {pygrad.__version__}\n", "")
    code, out, err = run("--help")
    assert (code, err) == (0, "")
    assert NAMES <= {line.split()[0] for line in out.splitlines() if line.startswith("    ")}


@pytest.mark.parametrize("command", sorted(NAMES))
def test_each_command_has_help(run, command):
    code, out, err = run(command, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"usage: pygrad {command}")
    assert "--json" in out or command in {"demo", "explore"}


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ((), "the following arguments are required: COMMAND"),
        (("explian",), "unknown command 'explian', did you mean 'explain'?"),
        (("Sweep", "x", "x=1"), "unknown command 'Sweep', did you mean 'sweep'?"),
        (("differentiate",), "unknown command 'differentiate', there are demo, explain, explore,"),
        (("explain",), "the following arguments are required: EXPRESSION"),
        (("info", "--jsn"), "unrecognized arguments: --jsn; did you mean --json?"),
        (("explain", "a", "--jso", "a=1"), "unrecognized arguments: --jso"),
        (("info", "a=1"), "unrecognized arguments: a=1"),
        (
            ("explore", "a", "a=1", "-o", "b=2"),
            "unrecognized arguments: -o; the options are -h, --out",
        ),
        (
            ("explore", "-a", "a=1", "-oupt"),
            "pygrad explore: error: unrecognized arguments: -oupt;",
        ),
        (("bench", "--seconds", "0"), "no number of seconds above 0"),
        (("bench", "--seconds", "nan"), "no number of seconds above 0"),
        (("check", "f:g", "--order", "0"), "'0' is not a positive whole number"),
        (("check", "f:g", "--rtol", "2"), "'2' is no relative error above 0 and up to 0.5"),
        (("sweep", "x", "x=1", "--method", "ridders"), "invalid choice: 'ridders'"),
    ],
)
def test_what_is_not_understood_ends_with_2(run, argv, message):
    code, out, err = run(*argv)
    assert (code, out) == (2, "")
    assert message in err


def test_the_module_and_the_installed_command_are_the_same(tmp_path):
    done = process("sweep", "sine(x)", "x=1", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    words = "pygrad sweep: unknown name 'sine', did you mean 'sin'?\n  sine(x)\n  ^^^^\n"
    assert done.stderr == words
    script = Path(sys.executable).with_name("pygrad")
    if not script.exists():
        pytest.skip("the command is not beside this Python")
    command = [str(script), "sweep", "sine(x)", "x=1"]
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (again.returncode, again.stdout, again.stderr) == (2, "", words)


@pytest.mark.skipif(os.name != "posix", reason="needs a pipe that closes early")
def test_a_reader_that_goes_away_is_no_traceback(tmp_path):
    done = subprocess.run(
        f"'{sys.executable}' -m pygrad info | true",
        shell=True,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""


# -- explain -----------------------------------------------------------------------------------------


def test_explain_works_out_the_lessons_first_graph(run):
    code, out, err = run("explain", "a*b + (a+b)", "a=2", "b=-3")
    assert (code, err) == (0, "")
    assert out.startswith("e = -7, backward in 3 steps\n")
    assert "dc/da = b = -3" in out
    assert "a.grad = -2" in out
    assert "b.grad = 3" in out


def test_explain_as_json(run):
    code, out, err = run("explain", "--json", "a*b + (a+b)", "a=2", "b=-3")
    assert (code, err) == (0, "")
    found = strict_json(out)
    assert found["expression"] == "a*b + (a+b)"
    assert found["value"] == -7.0
    assert found["inputs"] == {
        "a": {"value": 2.0, "gradient": -2.0},
        "b": {"value": -3.0, "gradient": 3.0},
    }
    first, *_, last = found["steps"]
    assert (first["op"], first["value"], first["upstream"]) == ("+", -7.0, 1.0)
    assert last["contributions"][0]["rule"] == "b"
    assert last["contributions"][0]["local_derivative"] == -3.0


def test_names_of_parts_are_in_the_explanation(run):
    _, out, _ = run("explain", "left = a*b; right = a+b; left + right", "a=2", "b=-3")
    assert "dleft/da" in out or "d(left)/d(a)" in out


@pytest.mark.parametrize(
    ("argv", "value", "gradient"),
    [
        (("-a*b", "a=2", "b=3"), -6.0, -3.0),
        (("-(a)", "a=2"), -2.0, -1.0),
        (("a*b", "--json", "a=2", "b=-pi/2"), -math.pi, -math.pi / 2),
        (("a**3", "a=1e2"), 1e6, 3e4),
        (("e*a", "a=2", "e=5"), 10.0, 5.0),
        (("a if a > 1 else 0*a", "a=2"), 2.0, 1.0),
        (("2*pi*a", "a=1"), 2 * math.pi, 2 * math.pi),
        (("sqrt(a)", "a=0"), 0.0, "inf"),
        (("a*inf", "a=1"), "inf", "inf"),
        (("a*nan", "a=1"), "nan", "nan"),
    ],
)
def test_expressions_and_inputs_of_every_kind(run, argv, value, gradient):
    argv = argv if "--json" in argv else (*argv, "--json")
    code, out, err = run("explain", *argv)
    assert (code, err) == (0, "")
    found = strict_json(out)
    assert found["value"] == value
    assert found["inputs"]["a"]["gradient"] == gradient


def test_an_expression_without_names_is_explained_too(run):
    code, out, _ = run("explain", "2 + 3")
    assert code == 0
    assert "5" in out


def test_explain_writes_a_picture_and_a_page(run, tmp_path):
    svg, html = tmp_path / "graph.svg", tmp_path / "page.html"
    code, out, err = run("explain", "a*b", "a=2", "b=-3", "--svg", str(svg), "--html", str(html))
    assert code == 0
    assert out.startswith("c = -6")
    assert err == f"written: {svg}\nwritten: {html}\n"
    assert "\n<svg" in svg.read_text(encoding="utf-8")
    assert "<html" in html.read_text(encoding="utf-8")


FILES = [
    ("explain", "--svg", ".gif"),
    ("explain", "--html", ".svg"),
    ("explore", "--out", ".png"),
    ("sweep", "--plot", ".bmpx"),
]


@pytest.mark.parametrize(("command", "option", "ending"), FILES)
def test_a_file_in_no_folder_ends_with_1_and_one_of_another_kind_with_2(
    run, tmp_path, command, option, ending
):
    """Both before the work: nothing is printed."""
    code, out, err = run(command, "a", "a=1", option, str(tmp_path / "missing" / "x"))
    assert (code, out) == (1, "")
    assert "is in a folder that does not exist; choose another file" in err
    code, out, err = run(command, "a", "a=1", option, str(tmp_path / f"x{ending}"))
    assert (code, out) == (2, "")
    assert "the ending has to be one of " in err
    assert err.endswith(f", not {ending}\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("ending", "begins"), [(".png", b"\x89PNG"), (".dot", b"digraph")])
def test_the_ending_says_what_is_drawn(run, tmp_path, ending, begins):
    path = tmp_path / f"graph{ending}"
    code, _, err = run("explain", "a*b", "a=2", "b=-3", "--svg", str(path))
    if code and "needs the package cairosvg" in err:
        pytest.skip("cairosvg, an optional extra, or its library is not installed")
    assert (code, err) == (0, f"written: {path}\n")
    assert path.read_bytes().startswith(begins)


# -- explore -----------------------------------------------------------------------------------------


def test_explore_writes_a_page_under_the_name_that_its_help_says(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run("explore", "tanh(a*b)", "a=2", "b=-3")
    assert (code, out, err) == (0, "", "written: explore.html\n")
    assert "<html" in Path("explore.html").read_text(encoding="utf-8")
    assert "(explore.html)" in run("explore", "--help")[1]


@pytest.mark.parametrize("found", [True, False])
def test_explore_opens_the_page_or_says_that_there_is_no_browser(run, tmp_path, monkeypatch, found):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or found)
    path = tmp_path / "a page.html"
    code, _, err = run("explore", "x**2", "x=3", "--open", "--out", str(path))
    assert code == 0
    assert opened == [path.as_uri()]
    assert ("no browser was found here" in err) is not found


# -- demo --------------------------------------------------------------------------------------------


def test_demo_says_what_its_three_times_are(run, tmp_path):
    path = tmp_path / "moons.svg"
    code, out, _ = run("demo", "--steps", "3", "--out", str(path))
    assert code == 0
    lines = {line.split()[0]: line for line in out.splitlines() if " a step " in line}
    assert list(lines) == ["reference", "Value", "compiled"]
    assert "plain Python" in lines["reference"]
    assert lines["Value"].endswith("the same losses to the last bit")
    assert lines["compiled"].endswith("the same losses but for rounding")
    assert path.read_text(encoding="utf-8").startswith("<svg")


def test_demo_writes_what_the_ending_says(run, tmp_path):
    code, out, err = run("demo", "--steps", "1", "--out", str(tmp_path / "moons.jpeg"))
    assert (code, out) == (2, "")
    assert "one of .svg, .png, .pdf, .html, .htm, not .jpeg" in err
    path = tmp_path / "moons.html"
    code, out, _ = run("demo", "--steps", "1", "--out", str(path))
    assert (code, out.splitlines()[-1]) == (0, f"page       {path}")
    assert "Network of 2, 16, 16, 1" in path.read_text(encoding="utf-8")
    path = tmp_path / "moons.png"
    code, _, err = run("demo", "--steps", "1", "--out", str(path))
    if code and "needs the package cairosvg" in err:
        pytest.skip("cairosvg, an optional extra, or its library is not installed")
    assert code == 0
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("sine(a)", "a=1"), "unknown name 'sine', did you mean 'sin'?\n  sine(a)\n  ^^^^\n"),
        (("a*b", "a=1"), "b has no value: add b=1.0, say\n  a*b\n    ^\n"),
        (("pie*a", "a=1"), "unknown name 'pie', did you mean 'pi'?"),
        (("sin*a", "a=1"), "sin is a function: write sin(x)"),
        (("a", "a=1", "b=2"), "b is not in the expression a"),
        (("a", "a=1", "a=2"), "a is given twice"),
        (("a", "1"), "'1' is not of the form NAME=NUMBER, such as a=2"),
        (("a", "a=b"), "b has no value"),
        (("a", "a=__import__('os')"), "there is no function '__import__'"),
        (("__import__('os').system('echo x')",), "a dot has no meaning here"),
        (("open('x')",), "there is no function 'open'"),
        (("",), "the expression is empty"),
        (("a" * 3000,), "2000 is the limit"),
        (("2a", "a=1"), "multiplication is written with *"),
    ],
)
def test_expressions_that_are_none_end_with_2(run, argv, message):
    code, out, err = run("explain", *argv)
    assert (code, out) == (2, "")
    assert err.startswith("pygrad explain: ")
    assert message in err


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (
            "log(a)",
            "log(a) has no value for 0: math domain error: log needs x > 0, not 0.0 (node 'a')\n"
            "  log(a)\n  ^^^^^^\n",
        ),
        ("1/a", "1/a has no value for 1, 0: "),
        ("9**9**9 + a", "9**9**9 has no value"),
    ],
)
def test_expressions_without_a_value_end_with_1(run, expression, message):
    code, out, err = run("explain", expression, "a=0")
    assert (code, out) == (1, "")
    assert message in err


# -- check -------------------------------------------------------------------------------------------


def test_a_right_gradient_ends_with_0_and_talk_goes_to_stderr(run, user_file):
    code, out, err = run("check", f"{user_file}:loss", "x=1", "rate=3")
    assert code == 0
    assert out.splitlines()[0] == "check_grad: ok, 2 derivatives"
    assert [line.split()[0] for line in out.splitlines()[2:]] == ["x", "rate"]
    assert "talk of the user's file" in err
    assert "talk of the function" in err


def test_a_wrong_gradient_ends_with_1(run, user_file):
    code, out, _ = run("check", f"{user_file}:wrong", "x=2")
    assert code == 1
    assert out.splitlines()[0] == "check_grad: wrong, 1 derivative"


def test_a_kink_is_no_mistake_unless_that_is_asked_for(run, user_file):
    code, out, _ = run("check", f"{user_file}:kink", "x=0")
    assert code == 0
    assert "not differentiable here (kink: slope 0 to the left, 1 to the right)" in out
    assert run("check", f"{user_file}:kink", "x=0", "--strict")[0] == 1


def test_the_slope_of_stairs_ends_with_1(run, user_file):
    code, out, _ = run("check", f"{user_file}:stairs", "x=0.7321")
    assert code == 1
    assert out.splitlines()[0] == "check_grad: depends on the step, 1 derivative"
    assert "slope 1.4642 within a step of f, 0.46" in out


def test_without_a_point_one_is_chosen_and_named(run, user_file):
    code, _, err = run("check", f"{user_file}:wrong")
    assert code == 1
    assert "no value was given, so it is checked at x = 0.6" in err


@pytest.mark.parametrize(
    ("argv", "names"),
    [
        (("norm", "w=[1, 2*pi, -3]"), ["w[0]", "w[1]", "w[2]"]),
        (("nested", "p={'a': 1, 'b': (2, 3)}"), ["p['a']", "p['b'][0]", "p['b'][1]"]),
        (("bilinear", "m=array([[1,2],[3,4]])", "x=array([1,2])"), ["m[0, 0]", "m[0, 1]"]),
        (("Model.score", "x=2"), ["x"]),
        (("loss", "x=1", "mode='slow'"), ["x", "rate"]),
        (("loss", "--order", "2", "x=1"), ["x", "rate", "x x"]),
    ],
)
def test_functions_and_points_of_every_kind(run, user_file, argv, names):
    function, *rest = argv
    code, out, _ = run("check", f"{user_file}:{function}", *rest, "--json")
    assert code == 0
    found = strict_json(out)
    assert found["verdict"] == "ok"
    assert [row["name"] for row in found["derivatives"]][: len(names)] == names


def test_json_of_a_kink_has_texts_for_what_is_no_number(run, user_file):
    _, out, _ = run("check", f"{user_file}:kink", "x=0", "--json")
    (row,) = strict_json(out)["derivatives"]
    assert (row["exact"], row["numerical"], row["error_bar"]) == (0.0, "nan", "inf")


@pytest.mark.parametrize(
    ("place", "argv", "message"),
    [
        ("{file}:los", (), "has no function 'los', did you mean 'loss'?"),
        ("{file}:number", (), "number in {file} is no function, but int"),
        ("{file}:constant", (), "the function has no argument to differentiate by"),
        ("{file}", (), "is not of the form FILE:FUNC, such as model.py:loss"),
        ("{file}:", (), "is not of the form FILE:FUNC"),
        ("{file}x:loss", (), "there is no file {file}x"),
        ("{file}:loss", ("y=1",), "the function takes no 'y'; it takes x, rate, mode"),
        ("{file}:loss", ("rat=1",), "the function takes no 'rat', did you mean 'rate'?"),
        ("{file}:loss", ("x=1", "x=2"), "x is given twice"),
        ("{file}:loss", ("x=[1,",), "'[' was never closed"),
        ("{file}:loss", ("x=exit()",), "there is no function 'exit'"),
        ("{file}:norm", ("w=array([[1],[2,3]])",), "the rows of an array have the same length"),
        ("{file}:norm", ("w=[open('x')]",), "there is no function 'open'"),
        ("{file}:loss", ("x=" + "[" * 1000,), "too long|nested|never closed"),
    ],
)
def test_a_check_that_is_not_understood_ends_with_2(run, user_file, place, argv, message):
    code, out, err = run("check", place.format(file=user_file), *argv)
    assert (code, out) == (2, "")
    assert any(words.format(file=user_file) in err for words in message.split("|")), err


def test_a_point_that_was_chosen_in_vain_is_asked_for(run, user_file):
    code, _, err = run("check", f"{user_file}:norm")
    assert code == 1
    assert "TypeError" in err
    assert err.endswith("give the point yourself: w=VALUE\n")


def test_what_the_users_code_raises_is_shown_with_its_line(run, user_file):
    code, out, err = run("check", f"{user_file}:broken", "x=1")
    assert (code, out) == (1, "")
    assert "return 1 / (x - x)" in err
    assert "ZeroDivisionError" in err
    assert "pygrad/" not in err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def f(x:\n", "SyntaxError"),
        ("import not_there\n", "ModuleNotFoundError: No module named 'not_there'"),
        ("raise SystemExit(7)\n", "the file has ended the program with 7"),
        ("1/0\n", "ZeroDivisionError"),
    ],
)
def test_a_file_that_does_not_run_ends_with_1(run, tmp_path, text, words):
    (tmp_path / "bad.py").write_text(text)
    code, out, err = run("check", f"{tmp_path / 'bad.py'}:f")
    assert (code, out) == (1, "")
    assert words in err


def test_a_function_that_ends_the_program_is_reported(run, user_file):
    code, _, err = run("check", f"{user_file}:leaves", "x=1")
    assert code == 1
    assert "has ended the program with 3" in err


def test_a_check_leaves_the_import_path_as_it_was(run, user_file):
    before = list(sys.path)
    run("check", f"{user_file}:loss", "x=1")
    assert sys.path == before


def test_fifty_digits_can_be_asked_for(run, user_file):
    pytest.importorskip("mpmath", reason="mpmath is an optional extra")
    code, out, _ = run("check", f"{user_file}:norm", "w=[0.5]", "--exact")
    assert code == 0
    assert "ulp" in out


# -- sweep -------------------------------------------------------------------------------------------


def test_sweep_prints_the_table_of_step_sweep(run):
    code, out, err = run("sweep", "x*exp(x)", "x=1")
    assert (code, err) == (0, "")
    assert out == f"{step_sweep(lambda x: x * pygrad.math.exp(x), 1.0)}\n"


def test_sweep_as_json(run):
    code, out, _ = run("sweep", "exp(x)", "x=1", "--method", "forward", "--json")
    assert code == 0
    found = strict_json(out)
    assert (found["by"], found["at"], found["method"]) == ("x", 1.0, "forward")
    assert found["exact"] == math.e
    assert found["best"] in found["rows"]
    assert set(found["best"]) == {"h", "estimate", "error", "truncation", "roundoff"}


def test_sweep_by_one_of_several_inputs(run):
    code, out, _ = run("sweep", "a*x**2", "x=1", "a=3", "--by", "a", "--json")
    assert code == 0
    assert strict_json(out)["exact"] == 1.0
    code, _, err = run("sweep", "a*x**2", "x=1", "a=3")
    assert (code, err) == (2, "pygrad sweep: say which input to differentiate by: --by a, say\n")
    code, _, err = run("sweep", "a*x**2", "x=1", "a=3", "--by", "b")
    assert (code, err) == (2, "pygrad sweep: b is not in the expression a*x**2\n")
    code, _, err = run("sweep", "2+3")
    assert (code, err) == (2, "pygrad sweep: 2+3 has no input to differentiate by\n")


def test_sweep_where_there_is_no_derivative_ends_with_1(run):
    assert run("sweep", "log(x)", "x=0")[0] == 1
    code, _, err = run("sweep", "x", "x=inf")
    assert (code, err) == (1, "pygrad sweep: x must be finite, not inf\n")


def test_sweep_draws_the_u(run, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is an optional extra")
    path = tmp_path / "u.png"
    code, _, err = run("sweep", "exp(x)", "x=1", "--plot", str(path))
    assert (code, err) == (0, f"written: {path}\n")
    assert path.read_bytes().startswith(b"\x89PNG")


# -- bench and info ----------------------------------------------------------------------------------


def test_bench_measures_four_things(run):
    code, out, err = run("bench", "--seconds", "0.002")
    assert code == 0
    names = [
        "one a * b",
        "backward()",
        "gradient of 100 inputs, built",
        "gradient of 100 inputs, c",
    ]
    assert all(line.startswith(n) for line, n in zip(out.splitlines(), names, strict=False))
    assert "reference, plain Python" in out
    assert "cores" in err


def test_bench_as_json(run):
    code, out, _ = run("bench", "--seconds", "0.002", "--json")
    assert code == 0
    found = strict_json(out)
    assert len(found["figures"]) == 5
    assert found["skipped"] == []
    for figure in found["figures"]:
        assert 1e-9 < figure["seconds"] < 1
        if figure["beside"]:
            assert figure["ratio"] == figure["beside_seconds"] / figure["seconds"]
        else:
            assert figure["ratio"] is None


def test_info_names_what_a_bug_report_needs(run):
    code, out, err = run("info", "--json")
    assert (code, err) == (0, "")
    facts = strict_json(out)
    assert facts["pygrad"] == pygrad.__version__
    assert facts["implementation"] == pygrad.IMPLEMENTATION
    assert os.path.exists(facts["extension"]["path"])
    assert facts["extension"]["lanes"] in {"avx512", "avx2", "baseline"}
    assert facts["extension"]["compiler"]
    assert facts["python"].endswith(sys.version.split()[0])
    assert facts["executable"] == sys.executable
    assert facts["libraries"]["cffi"][0].isdigit()
    code, text, _ = run("info")
    assert code == 0
    assert all(name in text for name in ("pygrad", "extension path", "processor", "libraries cffi"))


def test_commands_work_on_the_reference_implementation(tmp_path):
    done = process("info", cwd=tmp_path, PYGRAD_IMPL="reference")
    assert done.returncode == 0
    assert "implementation        reference" in done.stdout
    done = process("bench", "--seconds", "0.001", cwd=tmp_path, PYGRAD_IMPL="reference")
    assert done.returncode == 0
    assert "PYGRAD_IMPL=reference has none" in done.stdout
