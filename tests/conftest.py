"""One fixture over both implementations: what a test says of Value must hold for each."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

# With import-mode=importlib a test module finds its helpers (lib/programs.py) only by this.
TESTS = Path(__file__).resolve().parent
sys.path[:0] = [str(TESTS / "lib"), str(TESTS.parent / "tools")]
ISOLATED = TESTS / "isolated"


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "run a share of each test's cases, at least one of them: see tests/lib/shares.py"
    parser.addoption("--share-of", type=int, default=1, metavar="COUNT", help=text)


@pytest.hookimpl(trylast=True)  # of what -m and -k have left
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    of = config.getoption("share_of")
    if of > 1:
        kept = importlib.import_module("shares").share_of_items(items, of)
        chosen = set(kept)
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = kept


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Single files take less time than processes take to start, with which pyproject.toml has tests run."""
    asked = [Path(name.partition("::")[0]) for name in config.args]
    return 0 if all(path.is_file() for path in asked) else None


@pytest.fixture(autouse=True)
def precision() -> Iterator[None]:
    """Each test finds the precision of the truth as it is, whatever those before it have asked for."""
    yield
    digits = sys.modules.get("digits")
    if digits is not None:
        digits.mp.prec = digits.PRECISION


@pytest.fixture(params=["compiled", "reference"])
def impl(request: pytest.FixtureRequest) -> ModuleType:
    """An implementation module: Value, FUNCTIONS, Parameters, dot, no_grad, sum, zero_grad."""
    name = {"compiled": "pygrad.value", "reference": "pygrad.reference"}[request.param]
    return importlib.import_module(name)


@pytest.fixture(params=[0, 1, 2])
def lanes(request: pytest.FixtureRequest) -> Iterator[int]:
    """Each set of vector instructions in turn; the best one afterwards."""
    lib = importlib.import_module("pygrad._core").lib
    lib.pg_choose_lanes(request.param)
    yield request.param
    lib.pg_choose_lanes(2)


@pytest.fixture
def package_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[ModuleType], SimpleNamespace]:
    """Loads pygrad's engine, math, nn and optim as they are in a program that runs on a given impl."""

    def load(impl: ModuleType) -> SimpleNamespace:
        chosen = ModuleType("pygrad.core.implementation")
        chosen.__dict__.update({k: v for k, v in vars(impl).items() if not k.startswith("_")})
        monkeypatch.setitem(sys.modules, "pygrad.core.implementation", chosen)
        modules = SimpleNamespace()
        names = ("engine", "math", "nn.state", "nn.losses", "nn.modules", "nn", "optim")
        for name in names:
            spec = importlib.util.find_spec(f"pygrad.{name}")
            assert spec is not None and spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            if "." in name:  # what the package imports
                monkeypatch.setitem(sys.modules, f"pygrad.{name}", module)
            spec.loader.exec_module(module)
            setattr(modules, name, module)
        return modules

    return load


@pytest.fixture
def package(
    impl: ModuleType, package_of: Callable[[ModuleType], SimpleNamespace]
) -> SimpleNamespace:
    """The same for each implementation."""
    return package_of(impl)


@pytest.fixture
def run_isolated(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a program of tests/isolated, or any other, in a process and a folder of its own."""

    def run(
        program: str | Path, *args: str, env: dict[str, str] | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PYGRAD_")}
        done = subprocess.run(
            [sys.executable, "-W", "error", str(ISOLATED / program), *args],
            cwd=tmp_path,
            env={**kept, **(env or {})},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if check and done.returncode != 0:
            pytest.fail(f"{program} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done

    return run


@pytest.fixture(scope="module", autouse=True)
def quick_collections() -> None:
    """What was there before a file's tests, libraries above all, is not looked at in each gc.collect()."""
    gc.collect()
    gc.freeze()
