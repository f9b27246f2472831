"""NumPy, with functions that take Values wherever they are: in arrays, in lists, among numbers.

``import pygrad.numpy as np`` in the place of ``import numpy as np``. ``array`` and ``asarray`` make arrays
of Values that answer for NumPy's functions, as those do that transforms give to a function, and ``power``
takes Values as exponents. What has no Value among its arguments is NumPy's own. Nothing of NumPy is
changed.

>>> import pygrad.numpy as np
>>> from pygrad import grad
>>> def area(angle):
...     turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), 2.0]])
...     return np.linalg.det(turn)
>>> grad(area)(0.0)
0.0
>>> grad(lambda x: np.sum(np.exp([x, 1.0])))(0.0)
1.0
"""

from typing import Any as _Any

from pygrad.lifting.arrays import lifted_numpy as _lifted_numpy

_functions = _lifted_numpy()
__all__ = sorted(name for name in _functions.__all__ if hasattr(_functions, name))  # noqa: PLE0605
globals().update({name: getattr(_functions, name) for name in __all__})


def __getattr__(name: str) -> _Any:
    return getattr(_functions, name)
