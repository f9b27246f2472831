"""Run all benchmarks and print Markdown tables of their results, one for each group of them.

    pip install . && pip install -r benchmarks/requirements.txt
    python benchmarks/run.py
    python benchmarks/run.py --write docs/speed.md

Tables go to stdout, what happens meanwhile to stderr; --write puts them into a page, too, each between
a line with ``measured: GROUP`` and one with ``measured: end``, and their ratios into history.csv, which has
those of each release. Libraries that are not installed are
skipped. Let nothing else run on the machine.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path

import adbench
import against_reference
import compiled_branches
import compiled_call
import compiled_conditions
import compiled_first_call
import compiled_gradient_cost
import compiled_rows
import compiled_training
import contention
import generated_c
import gpt_step
import harness
import history
import lifted_packages
import loops
import loops_elsewhere
import mapped_call
import operators
import plain_call
import rosenbrock
import solutions
import sweep
import tables
import two_moons_step

sys.path.append(str(Path(__file__).resolve().parent.parent / "tools"))
from pages import renewed

GROUPS = {
    "values": (
        two_moons_step,
        against_reference,
        gpt_step,
        operators,
        rosenbrock,
        sweep,
        contention,
    ),
    "compiled": (
        compiled_rows,
        plain_call,
        compiled_call,
        compiled_first_call,
        compiled_gradient_cost,
        compiled_training,
        compiled_branches,
        compiled_conditions,
        loops,
        loops_elsewhere,
        solutions,
        tables,
        generated_c,
    ),
    "adbench": (adbench,),
    "mapped": (mapped_call, lifted_packages),
}
BENCHMARKS = {module.__name__: module for modules in GROUPS.values() for module in modules}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer repeats, rougher figures")
    parser.add_argument(
        "--only", nargs="+", choices=[*GROUPS, *BENCHMARKS], help="run these benchmarks only"
    )
    parser.add_argument("--write", type=Path, metavar="PAGE", help="the page that has the tables")
    arguments = parser.parse_args()
    chosen = arguments.only or list(GROUPS)
    if arguments.write and (arguments.quick or not set(chosen) <= set(GROUPS)):
        parser.error(f"a page gets whole tables, none of them rough: --only {' '.join(GROUPS)}")

    tables: dict[str, str] = {}
    failed: list[str] = []
    for group, modules in GROUPS.items():
        names = [m.__name__ for m in modules if group in chosen or m.__name__ in chosen]
        if names:
            tables[group] = _table(names, arguments.quick, failed)
            print(tables[group], end="\n\n")
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")
    if arguments.write:
        text = arguments.write.read_text(encoding="utf-8")
        page = renewed(text, tables)
        arguments.write.write_text(page, encoding="utf-8")
        history.write(page)


def _table(names: list[str], quick: bool, failed: list[str]) -> str:
    """The rows of some benchmarks, with the machine and the versions; adds those that fail to a list."""
    packages = [
        package
        for name in names
        for side in BENCHMARKS[name].SIDES.values()
        for package in side.needs
    ]
    about = [harness.machine(), harness.versions(packages)]
    rows: list[harness.Row] = []
    with contextlib.redirect_stdout(sys.stderr):
        print("\n".join(about))
        for name in names:
            print(f"\n== {name}", flush=True)
            try:
                rows += BENCHMARKS[name].compare(quick)
            except harness.Failed as problem:
                print(f"{name} FAILED: {problem}")
                failed.append(name)
    return "\n".join([harness.markdown(rows), "", *(f"- {line}" for line in about)])


if __name__ == "__main__":
    main()
