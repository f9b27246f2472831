"""The network of compiled_models.py as C that pygrad and CasADi write: its loss and 337 gradients, one row.

Both write C for the same plain Python function, and gcc compiles both with the same flags. A sample is
a thousand calls from a loop in C; and, of pygrad's own program, of buffer() from a loop in Python.

Then a million RK4 steps by `fori_loop`, value and slope, as C beside the program: bits, text, gcc's time.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from typing import Any

import harness
from compiled_models import PARAMETERS, mlp_data, mlp_loss
from harness import Row, Side, timed

COMPILER = "gcc"
FLAGS = ("-O2", "-O3", "-O3 -march=native")
CALLS = 1000
TARGET = 1.2
STEPS, MOST_KB, MOST_SECONDS = 1_000_000, 50.0, 2.0
BUFFER_TARGET = 1.5  # by gcc -O2

# What follows the code of each library: a loop of calls that all have the same arguments.
PYGRADS_LOOP = f"""
void run(const double *in, double *out);
void run(const double *in, double *out)
{{
    for (int i = 0; i < {CALLS}; i++)
        mlp(in, out);
}}
"""
CASADIS_LOOP = f"""
void run(const double *in, double *out);
void run(const double *in, double *out)
{{
    const double *arguments[3] = {{in, in + {PARAMETERS}, in + {PARAMETERS + 2}}};
    double *results[2] = {{out, out + 1}};
    for (int i = 0; i < {CALLS}; i++)
        mlp(arguments, results, 0, 0, 0);
}}
"""


def compiled() -> tuple[Any, list[Any]]:
    """The loss and its gradients, and where."""
    pygrad, math = map(importlib.import_module, ("pygrad", "pygrad.math"))
    p, points, targets = mlp_data(1)
    both = pygrad.value_and_grad(lambda p, x, y: mlp_loss(math, p, x, y))
    return pygrad.compile(both), [p, points[0], float(targets[0])]


def with_pygrad() -> str:
    function, point = compiled()
    return str(function.to_c(*point, name="mlp")) + PYGRADS_LOOP


def with_buffer(flags: str, seconds: float) -> dict[str, Any]:
    """Python's loop over calls of buffer(), whatever gcc's flags."""
    import numpy as np

    function, point = compiled()
    call = function.buffer(*point)

    def calls() -> None:
        for _ in range(CALLS):
            call()

    value, gradient = call()
    return timed(calls, np.concatenate([np.ravel(value), gradient]), seconds)


def with_casadi() -> str:
    casadi = importlib.import_module("casadi")
    p, x, y = (casadi.SX.sym(*s) for s in (("p", PARAMETERS), ("x", 2), ("y", 1)))
    loss = mlp_loss(casadi, casadi.vertsplit(p), casadi.vertsplit(x), y)
    code = casadi.CodeGenerator("mlp.c")
    code.add(casadi.Function("mlp", [p, x, y], [loss, casadi.gradient(loss, p)]))
    return str(code.dump()) + CASADIS_LOOP


def side(write: Callable[[], str], library: str) -> Side:
    """What runs in a process of its own: the code is written, compiled with these flags, and timed."""

    def run(flags: str, seconds: float) -> dict[str, Any]:
        import numpy as np

        with tempfile.TemporaryDirectory() as folder:
            source, target = (os.path.join(folder, name) for name in ("mlp.c", "mlp.so"))
            with open(source, "w", encoding="ascii") as file:
                file.write(write())
            command = [COMPILER, *flags.split(), "-shared", "-fPIC", source, "-o", target, "-lm"]
            subprocess.run(command, check=True)
            loop = ctypes.CDLL(target).run
        p, points, targets = mlp_data(1)
        numbers, results = np.concatenate([p, points[0], targets]), np.empty(1 + PARAMETERS)
        arguments = [array.ctypes.data_as(ctypes.c_void_p) for array in (numbers, results)]
        loop(*arguments)
        return timed(lambda: loop(*arguments), results, seconds)

    return Side(run, (library, "numpy"), (COMPILER,))


OURS, CASADIS, BUFFER = "pygrad", "CasADi", "pygrad buffer()"
NETWORK = {
    OURS: side(with_pygrad, "pygrad"),
    CASADIS: side(with_casadi, "casadi"),
    BUFFER: Side(with_buffer, ("pygrad", "numpy")),
}


def oscillator(x: Any) -> Any:
    """Runge and Kutta's method of fourth order, on Duffing's oscillator."""
    h = 1e-4

    def slopes(a: Any, b: Any) -> tuple[Any, Any]:
        return b, -a * a * a - 0.1 * b

    def step(_: Any, s: Any) -> Any:
        a, b = s
        k1, l1 = slopes(a, b)
        k2, l2 = slopes(a + 0.5 * h * k1, b + 0.5 * h * l1)
        k3, l3 = slopes(a + 0.5 * h * k2, b + 0.5 * h * l2)
        k4, l4 = slopes(a + h * k3, b + h * l3)
        return a + h * (k1 + 2 * k2 + 2 * k3 + k4) / 6, b + h * (l1 + 2 * l2 + 2 * l3 + l4) / 6

    return importlib.import_module("pygrad").fori_loop(0, STEPS, step, (x, 0.0 * x))[0]


def steps_by_the_program(seconds: float) -> dict[str, Any]:
    pygrad = importlib.import_module("pygrad")
    both = pygrad.compile(pygrad.value_and_grad(oscillator))
    return timed(lambda: both(1.3), both(1.3), seconds)


def steps_in_c(seconds: float) -> dict[str, Any]:
    pygrad = importlib.import_module("pygrad")
    text = pygrad.compile(pygrad.value_and_grad(oscillator)).to_c(1.3, name="oscillator")
    with tempfile.TemporaryDirectory() as folder:
        source, target = (os.path.join(folder, name) for name in ("steps.c", "steps.so"))
        with open(source, "w", encoding="ascii") as file:
            file.write(text)
        command = [COMPILER, "-O2", "-ffp-contract=off", "-shared", "-fPIC", source, "-o", target]
        start = time.perf_counter()
        subprocess.run([*command, "-lm"], check=True)
        compiling = time.perf_counter() - start
        call = ctypes.CDLL(target).oscillator
    given, found = (ctypes.c_double * 1)(1.3), (ctypes.c_double * 2)()
    call(given, found)
    return {
        **timed(lambda: call(given, found), found, seconds),
        "text": len(text),
        "gcc": compiling,
    }


LOOP = {
    "loop in C": Side(steps_in_c, ("pygrad",), (COMPILER,)),
    "its program": Side(steps_by_the_program, ("pygrad",)),
}
SIDES = {**NETWORK, **LOOP}


def compare_loops(rounds: int, seconds: float) -> list[Row]:
    what = f"generated C, value + slope of {STEPS:,} RK4 steps by fori_loop"
    times = harness.race(__file__, LOOP, rounds, rel=0.0, seconds=seconds, cores=1)
    if len(times) < len(LOOP):
        return []
    ours, theirs = times.values()
    written = harness.run_side(__file__, "loop in C", seconds=0.0)
    return [
        harness.versus(f"{what}: a call", ours, "its program", theirs),
        harness.figure(f"{what}: its text", [written["text"] / 1e3], "kB", at_most=MOST_KB),
        harness.figure(f"{what}: gcc -O2 of it", [written["gcc"]], "s", at_most=MOST_SECONDS),
    ]


def compare(quick: bool) -> list[Row]:
    rounds, seconds = (1, 0.05) if quick else (3, 1.0)
    table = []
    for flags in FLAGS[:1] if quick else FLAGS:
        print(f"gcc {flags}, seconds a call:")
        times = harness.race(
            __file__, NETWORK, rounds, rel=1e-9, seconds=seconds, per=CALLS, cores=1, flags=flags
        )
        if OURS in times and CASADIS in times:
            what = f"generated C, loss + {PARAMETERS} gradients, gcc {flags}: a call"
            ours, theirs = times[OURS], times[CASADIS]
            table.append(harness.versus(what, ours, "CasADi's", theirs, at_most=TARGET))
        if OURS in times and BUFFER in times and flags == FLAGS[0]:
            what = f"network, loss + {PARAMETERS} gradients: one call, buffer()"
            name, target = f"its own C, gcc {flags}", {"at_most": BUFFER_TARGET}
            table.append(harness.versus(what, times[BUFFER], name, times[OURS], **target))
    return table + compare_loops(rounds, seconds)


if __name__ == "__main__":
    harness.main(SIDES, compare, __doc__)
