"""What pygrad.value offers: names of the native module, and no_grad."""

from collections.abc import Callable
from typing import Any, TypeVar

from pygrad._native import Parameters as Parameters
from pygrad._native import Value as Value
from pygrad._native import _Operand
from pygrad._native import any_active as any_active
from pygrad._native import dot as dot
from pygrad._native import forward as forward
from pygrad._native import no_grad_resume as no_grad_resume
from pygrad._native import no_grad_suspend as no_grad_suspend
from pygrad._native import origin as origin
from pygrad._native import program_address as program_address
from pygrad._native import read_data as read_data
from pygrad._native import record as record
from pygrad._native import replay as replay
from pygrad._native import retire as retire
from pygrad._native import reverse as reverse
from pygrad._native import set_trace_error as set_trace_error
from pygrad._native import set_watchers as set_watchers
from pygrad._native import sum as sum
from pygrad._native import trace_active as trace_active
from pygrad._native import trace_begin as trace_begin
from pygrad._native import trace_end as trace_end
from pygrad._native import trace_forget as trace_forget
from pygrad._native import trace_program as trace_program
from pygrad._native import watch_enter as watch_enter
from pygrad._native import watch_exit as watch_exit
from pygrad._native import zero_grad as zero_grad

_F = TypeVar("_F", bound=Callable[..., Any])

FUNCTIONS: dict[str, Callable[..., Any]]

class no_grad:
    def __enter__(self) -> no_grad: ...
    def __exit__(self, *exc_info: object) -> None: ...
    def __call__(self, function: _F) -> _F: ...

def clip(x: _Operand, lo: _Operand | None = None, hi: _Operand | None = None) -> Any: ...
def backward(self: Value, seed: float = 1.0, *, create_graph: bool = False) -> None: ...
