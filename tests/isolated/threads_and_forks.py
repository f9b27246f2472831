"""Rows that threads share, in a process and in its child; both exit beside helpers that wait."""

import os
import warnings

import numpy as np

from pygrad import compile, math, vmap


def f(x):
    for _ in range(100):
        x = math.sin(x) + x / 3.0
    return x


warnings.simplefilter("ignore", DeprecationWarning)  # a fork beside threads
x = np.linspace(-2.0, 2.0, 5000)
call = compile(vmap(f, reduce="sum", threads=2))
total = call(x)
assert call(x) == total
child = os.fork()
if child == 0:
    os._exit(0 if call(x) == total and call(x) == total else 1)
assert os.waitpid(child, 0)[1] == 0
assert call(x) == total
print("alike")
