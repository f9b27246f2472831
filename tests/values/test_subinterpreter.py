"""A second interpreter of the same process gets an ImportError that says so, and harms nothing."""

from __future__ import annotations

import importlib
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

# What the second interpreter runs. It reports by a file, as its stdout may be its own.
INSIDE = """
import sys
try:
    import pygrad
except ImportError as error:
    text = f"ImportError {error}"
else:
    text = f"imported {pygrad.Value(2.0) * 3.0}"
with open(REPORT, "w") as file:
    file.write(text)
"""

PROGRAM = """
import sys
{first}
code = {code!r}
{run}
import pygrad
x = pygrad.Value(3.0)
(x * x).backward()
assert x.grad == 6.0
print("OK")
"""

WAYS = {
    "_testcapi": "import _testcapi; assert _testcapi.run_in_subinterp(code) == 0",
    "_xxsubinterpreters": """
import _xxsubinterpreters as interpreters
one = interpreters.create()
interpreters.run_string(one, code)
interpreters.destroy(one)
""",
    "_xxsubinterpreters, shared": """
import _xxsubinterpreters as interpreters
one = interpreters.create(isolated=False)
interpreters.run_string(one, code)
interpreters.destroy(one)
""",
    "_interpreters": """
import _interpreters as interpreters
one = interpreters.create()
assert interpreters.exec(one, code) is None
interpreters.destroy(one)
""",
    "_interpreters, shared": """
import _interpreters as interpreters
one = interpreters.create("legacy")
assert interpreters.exec(one, code) is None
interpreters.destroy(one)
""",
}


def run(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The program in a process of its own, in a folder that hides no installed package."""
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=folder, check=False
    )


@pytest.mark.parametrize("way", WAYS)
def test_a_second_interpreter_is_refused(way, tmp_path):
    module = way.partition(",")[0]
    try:
        importlib.import_module(module)
    except ImportError:
        pytest.skip(f"this Python has no {module}")
    report = tmp_path / "report"
    code = f"REPORT = {str(report)!r}\n" + INSIDE
    program = PROGRAM.format(first="import pygrad", code=code, run=textwrap.dedent(WAYS[way]))
    done = run(program, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "OK\n"
    text = report.read_text()
    assert text.startswith("ImportError "), text
    assert "one interpreter" in text, text


def test_importing_anew_in_the_same_interpreter_works(tmp_path):
    program = """
        import sys
        import pygrad
        old = pygrad.Value(2.0)
        for name in [name for name in sys.modules if name.partition(".")[0] == "pygrad"]:
            del sys.modules[name]
        import pygrad
        assert (pygrad.Value(3.0) * old).data == 6.0
        print("OK")
        """
    done = run(textwrap.dedent(program), tmp_path)
    assert (done.stdout, done.stderr) == ("OK\n", "")
