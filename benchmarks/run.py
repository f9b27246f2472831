"""Run all benchmarks and print one Markdown table of their results, as the README shows it.

    pip install . && pip install -r benchmarks/requirements.txt
    python benchmarks/run.py > speed.md

The table goes to stdout, what happens meanwhile to stderr. Libraries that are not installed are
skipped. Let nothing else run on the machine.
"""

from __future__ import annotations

import argparse
import contextlib
import sys

import against_reference
import compiled_branches
import compiled_call
import compiled_first_call
import compiled_gradient_cost
import compiled_rows
import compiled_training
import contention
import generated_c
import gpt_step
import harness
import operators
import rosenbrock
import sweep
import two_moons_step

BENCHMARKS = {
    module.__name__: module
    for module in (
        two_moons_step,
        against_reference,
        gpt_step,
        operators,
        rosenbrock,
        sweep,
        contention,
        compiled_rows,
        compiled_call,
        compiled_first_call,
        compiled_gradient_cost,
        compiled_training,
        compiled_branches,
        generated_c,
    )
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer repeats, rougher figures")
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, help="run these benchmarks only")
    arguments = parser.parse_args()
    packages = [
        package
        for module in BENCHMARKS.values()
        for side in module.SIDES.values()
        for package in side.needs
    ]
    about = [harness.machine(), harness.versions(packages)]
    rows: list[harness.Row] = []
    failed = []
    with contextlib.redirect_stdout(sys.stderr):
        print("\n".join(about))
        for name in arguments.only or BENCHMARKS:
            print(f"\n== {name}", flush=True)
            try:
                rows += BENCHMARKS[name].compare(arguments.quick)
            except harness.Failed as problem:
                print(f"{name} FAILED: {problem}")
                failed.append(name)
    print(harness.markdown(rows))
    print()
    print("\n".join(about))
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
