"""First calls made by several threads at once, in many processes: prints how many of these failed."""

import os
import sys
import threading

import numpy as np

import pygrad.c_code.text  # all that calls would import
import pygrad.compiled.saved
import pygrad.programs.sweeps  # noqa: F401
from pygrad import compile, hessian, vmap

rows = np.arange(100.0)
CALLS = [
    lambda: compile(lambda x: x * x + 1.0)(2.0),
    lambda: vmap(lambda x: x * x + 1.0)(rows),
    lambda: compile(hessian(lambda x: sum(v * v for v in x)))(rows),
    lambda: compile(lambda x: x * x if x > 0 else x).to_c(1.0),
]


def run_at_once(interval: float) -> None:
    sys.setswitchinterval(interval)
    gate = threading.Barrier(8)

    def one(i: int) -> None:
        gate.wait()
        try:
            CALLS[i % len(CALLS)]()
        except BaseException:
            os._exit(1)

    threads = [threading.Thread(target=one, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


failed = 0
for process in range(int(sys.argv[1])):
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        run_at_once([1e-6, 1e-5, 1e-4][process % 3])
        os._exit(0)
    failed += os.waitpid(child, 0)[1] != 0
print(failed)
