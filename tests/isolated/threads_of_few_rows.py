"""How many threads a process has after calls of few rows that may use two."""

import numpy as np

from pygrad import compile, math, vmap

f = compile(vmap(lambda x: math.sin(math.exp(x)), threads=2))
for _ in range(3):
    f(np.ones(20))
with open("/proc/self/status") as status:
    print(next(line.split()[1] for line in status if line.startswith("Threads:")))
