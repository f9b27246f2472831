"""What pygrad.value offers: names of the native module, and no_grad."""

from collections.abc import Callable
from typing import Any, TypeVar

from pygrad._native import Parameters as Parameters
from pygrad._native import Value as Value
from pygrad._native import _Operand
from pygrad._native import dot as dot
from pygrad._native import sum as sum
from pygrad._native import zero_grad as zero_grad

_F = TypeVar("_F", bound=Callable[..., Any])

FUNCTIONS: dict[str, Callable[..., Any]]

class no_grad:
    def __enter__(self) -> no_grad: ...
    def __exit__(self, *exc_info: object) -> None: ...
    def __call__(self, function: _F) -> _F: ...

def clip(x: _Operand, lo: _Operand | None = None, hi: _Operand | None = None) -> Any: ...
def backward(self: Value, seed: float = 1.0) -> None: ...
