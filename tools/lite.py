"""Notebooks in the browser: a JupyterLite page in which pygrad runs on its reference, in Pyodide.

    python tools/lite.py WHEEL FOLDER [--pyodide PACKAGE]

WHEEL is the pure one, by `PYGRAD_PURE=1 pip wheel --no-deps .`; FOLDER gets the page, to be served by any
server of files. All that it loads stands there, so it asks no other host. Pyodide comes from npm, unless
its unpacked package is named; its list of packages names files at another host, so what the kernel needs of
them is downloaded by pip, in the list's versions, and the list is cut down to these and pygrad.
Needs npm, and the extra `lite` in the environment that runs this.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ["exercises.ipynb"]
KERNEL = ["micropip", "ipython", "jedi"]  # what JupyterLite's kernel loads of Pyodide's packages
BESIDES = ["comm"]  # and what these do not list
SETTINGS = {
    "jupyter-lite-schema-version": 0,
    "jupyter-config-data": {
        "appName": "pygrad in the browser",
        "litePluginSettings": {
            "@jupyterlite/pyodide-kernel-extension:kernel": {"disablePyPIFallback": True}
        },
    },
}


def build(wheel: Path, folder: Path, pyodide: Path | None = None) -> None:
    """The page in the folder, which is made."""
    with tempfile.TemporaryDirectory(prefix="pygrad-lite-") as scratch:
        place = Path(scratch)
        runtime = place / "static" / "pyodide"  # where JupyterLite looks for one
        ignored = shutil.ignore_patterns("*.map", "*.d.ts", "*.html")
        shutil.copytree(pyodide or fetched(place / "npm"), runtime, ignore=ignored)
        shutil.copy(wheel, runtime)
        cut_down(runtime)
        (place / "jupyter-lite.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
        contents = [f"--contents={ROOT / 'docs' / 'notebooks' / name}" for name in NOTEBOOKS]
        run = [sys.executable, "-m", "jupyterlite_core", "build", "--no-sourcemaps", *contents]
        subprocess.run([*run, f"--output-dir={folder.resolve()}"], cwd=place, check=True)


def fetched(folder: Path) -> Path:
    """Pyodide's package from npm, unpacked."""
    silent = ["--silent", "--no-audit", "--no-fund"]
    subprocess.run(["npm", "install", *silent, f"--prefix={folder}", "pyodide"], check=True)
    return folder / "node_modules" / "pyodide"


def cut_down(runtime: Path) -> None:
    """Wheels for the kernel put beside Pyodide, and its list of packages made to name all wheels there."""
    file = runtime / "pyodide-lock.json"
    lock = json.loads(file.read_text(encoding="utf-8"))
    known = with_what_they_need(KERNEL, lock["packages"])
    wanted = [f"{name}=={package['version']}" for name, package in known.items()] + BESIDES
    version = ".".join(lock["info"]["python"].split(".")[:2])
    options = ["--only-binary=:all:", f"--python-version={version}", f"--dest={runtime}"]
    download = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", *options, *wanted]
    subprocess.run(download, check=True)
    lock["packages"] = dict(listed(path, known) for path in sorted(runtime.glob("*.whl")))
    missing = known.keys() - lock["packages"].keys()
    if missing:
        raise SystemExit(f"no wheel came for {', '.join(sorted(missing))}")
    file.write_text(json.dumps(lock), encoding="utf-8")


def with_what_they_need(names: Sequence[str], packages: dict[str, Any]) -> dict[str, Any]:
    """These packages and, in turn, those that they depend on.

    >>> packages = {"a": {"depends": ["b_c"]}, "b-c": {"depends": ["a"]}, "d": {"depends": []}}
    >>> sorted(with_what_they_need(["a"], packages))
    ['a', 'b-c']
    """
    found: dict[str, Any] = {}
    asked = [*names]
    while asked:
        name = normal(asked.pop())
        if name not in found:
            found[name] = packages[name]
            asked += packages[name]["depends"]
    return found


def normal(name: str) -> str:
    """A package's name as lists have it.

    >>> normal("prompt_toolkit")
    'prompt-toolkit'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def listed(wheel: Path, known: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The entry for a wheel: Pyodide's own, for another file of that version, or a new one."""
    name, version = wheel.name.split("-")[:2]
    name = normal(name)
    new = {
        "name": name,
        "version": version,
        "depends": [],
        "imports": ["pygrad" if name == "pygrad-core" else name],  # of which any loads it
        "install_dir": "site",
        "package_type": "package",
        "unvendored_tests": False,
    }
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return name, {**known.get(name, new), "file_name": wheel.name, "sha256": digest}


def main() -> None:
    parser = argparse.ArgumentParser(description="notebooks in the browser, as a JupyterLite page")
    parser.add_argument("wheel", type=Path, help="pygrad's pure wheel")
    parser.add_argument("folder", type=Path, help="where the page goes")
    parser.add_argument("--pyodide", type=Path, help="npm's package, unpacked", metavar="PACKAGE")
    arguments = parser.parse_args()
    build(arguments.wheel, arguments.folder, arguments.pyodide)


if __name__ == "__main__":
    main()
