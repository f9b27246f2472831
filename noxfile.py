"""What a developer does again and again: `nox -l` lists it, `nox -s NAME` does it, after `pip install nox`.

nox, not just or make: it runs wherever Python does, makes the environment that a session needs, and the
sessions are Python, as everything here that is not C. What comes after `--` goes to the session's program:
`nox -s test -- tests/values -k pickle`. Before a change is accepted `bash .ci/run` runs all of it and more.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2024.4.15"
nox.options.default_venv_backend = "venv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "test"]

ROOT = Path(__file__).parent
COVERAGE = ROOT / "build" / "coverage"


def develop(session: nox.Session, *extras: str) -> None:
    """The checkout itself is installed: its Python is read as it stands, its C compiled where changed."""
    session.env["PYGRAD_REQUIRE_COMPILED"] = "1"
    session.install("-q", *nox.project.load_toml("pyproject.toml")["build-system"]["requires"])
    session.run("python", "setup.py", "-q", "build_ext", "--inplace")  # says what it compiled
    # pip takes half a minute to find that all is there, so it is asked when what it would read has changed.
    asked = f"{','.join(extras)}\n{(ROOT / 'pyproject.toml').read_text(encoding='utf-8')}"
    stamp = Path(session.virtualenv.location) / "installed.txt"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != asked:
        target = f".[{','.join(extras)}]" if extras else "."
        # compat: a path to the checkout. An import hook would hand its extension to copies that tests make.
        settings = ["--config-settings", "editable_mode=compat"]
        session.install("-q", "--no-build-isolation", *settings, "-e", target)
        stamp.write_text(asked, encoding="utf-8")


@nox.session
def dev(session: nox.Session) -> None:
    """An editable build, and all that tests and checks need, in .nox/dev."""
    develop(session, "test", "lint")
    session.log(
        f"pygrad's checkout is installed in {session.bin}: run python, pytest, pygrad there"
    )


@nox.session
def test(session: nox.Session) -> None:
    """The tests, on all cores."""
    develop(session, "test")
    session.run("pytest", "-q", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Every check of the texts; `-- --fix` mends what a tool can mend."""
    develop(session, "test", "lint")
    session.run("python", "tools/lint.py", *session.posargs)


@nox.session
def derive(session: nox.Session) -> None:
    """Writes the texts that follow from others, csrc/ops.def above all. Nothing is built for it."""
    session.install("-q", "cffi>=2.0", "numpy>=1.24")
    settings = {"PYTHONPATH": str(ROOT), "PYGRAD_IMPL": "reference"}
    session.run("python", "tools/derive.py", "--write", ".", env=settings)


@nox.session
def bench(session: nox.Session) -> None:
    """The speed tables, beside the libraries of benchmarks/requirements.txt that are small."""
    develop(session)
    session.install("-q", "micrograd==0.1.0", "autograd")
    session.chdir("benchmarks")
    session.run("python", "run.py", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation, every cell run, in docs/_build/html."""
    develop(session, "docs")
    session.run(
        "sphinx-build",
        "-W",
        "--keep-going",
        "-b",
        "html",
        "docs",
        "docs/_build/html",
        *session.posargs,
    )


@nox.session
def coverage(session: nox.Session) -> None:
    """Lines and branches of C and Python that the tests run."""
    shutil.rmtree(COVERAGE, ignore_errors=True)  # with what earlier runs have counted
    session.install("-q", ".[test]", "coverage>=7.10", "gcovr>=8", env={"PYGRAD_COVERAGE": "1"})
    session.run("coverage", "erase")
    # By its path, so that the checkout's root, whose folder `pygrad` hides the package, is not on sys.path.
    pytest = str(Path(session.bin) / "pytest")
    session.run("coverage", "run", pytest, "-q", *session.posargs, success_codes=[0, 1])
    session.run("coverage", "combine", "-q")
    session.run("coverage", "report")
    # Branches of compiler-made code (`x / 0` in constants) are no branches of the source.
    session.run(
        "gcovr", "--root", ".", "--filter", "csrc/", "--object-directory", str(COVERAGE), str(COVERAGE),
        "--exclude-unreachable-branches", "--txt-summary", "--txt",
    )  # fmt: skip
