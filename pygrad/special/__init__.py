"""Functions under the names of scipy.special, of numbers, Values and arrays of either.

Each gives what SciPy's of its name gives, at poles and outside domains too, where the arguments are plain
numbers. Derivatives are exact to any order. None of these functions asks a question that a trace would have
to guard: a program of them has one path. `functions.py` has those that are made of operations, and need no
SciPy; `of_scipy.py` those that SciPy computes (the extra `scipy`), which programs call back.

>>> from pygrad import Value, grad, special
>>> special.log_ndtr(-40.0)
-804.6084420137538
>>> f"{grad(special.log_ndtr)(-40.0):.12g}"
'40.0249688472'
>>> x = [Value(1.0), Value(2.0), Value(3.0)]
>>> special.logsumexp(x).backward()
>>> [round(v.grad, 6) for v in x]
[0.090031, 0.244728, 0.665241]
"""

from pygrad.special import functions, of_scipy
from pygrad.special.functions import *  # noqa: F403
from pygrad.special.of_scipy import *  # noqa: F403

__all__ = sorted([*functions.__all__, *of_scipy.__all__])  # noqa: PLE0605
