"""What SciPy's solvers walk on: Rosenbrock's function, where they start, and a count of their calls."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

START = np.array([1.3, 0.7, 0.8, 1.9])


def rosenbrock(x):
    return sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in pairwise(x))


class Counted:
    """A function that counts its calls."""

    def __init__(self, function):
        self.function = function
        self.calls = 0

    def __call__(self, *args):
        self.calls += 1
        return self.function(*args)
