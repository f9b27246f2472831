"""micrograd's module name: `from pygrad.engine import Value` works where `micrograd.engine` did.

>>> from pygrad.engine import Value
>>> (Value(2.0) * 3).data
6.0
"""

from pygrad.core.implementation import Value

__all__ = ["Value"]
