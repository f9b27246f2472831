"""pygrad: a compiled scalar automatic-differentiation engine.

>>> from pygrad import Value
>>> a, b = Value(2.0), Value(-3.0)
>>> c = (a * b + 10.0).tanh()
>>> c.backward()
>>> f"{c.data:.4f} {a.grad:.6f} {b.grad:.6f}"
'0.9993 -0.004023 0.002682'
"""

from typing import TYPE_CHECKING, Any

from pygrad.applications.models import (
    gauss_newton,
    gradient_descent,
    linear_model,
    newton,
    propagate,
    quadratic_model,
    sensitivity,
)
from pygrad.checking.check import check_grad
from pygrad.core.debugging import debug_nans
from pygrad.core.implementation import IMPLEMENTATION, Value, dot, no_grad, sum, zero_grad
from pygrad.math import clip, maximum, minimum, stop_gradient, where
from pygrad.transform import (
    grad,
    gradients,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    value_and_grad,
    vjp,
)
from pygrad.version import __version__

if TYPE_CHECKING:
    from pygrad.compiled.function import TraceError as TraceError
    from pygrad.compiled.function import compile as compile
    from pygrad.compiled.loaded import NotSavedError as NotSavedError
    from pygrad.compiled.loaded import load as load
    from pygrad.programs.mapped import vmap as vmap
    from pygrad.seeing.drawing import draw as draw
    from pygrad.seeing.drawing import draw_dot as draw_dot
    from pygrad.seeing.drawing import trace as trace
    from pygrad.seeing.explanation import explain as explain
    from pygrad.seeing.explorer import explore as explore

__all__ = [
    "IMPLEMENTATION",
    "Value",
    "__version__",
    "check_grad",
    "clip",
    "debug_nans",
    "dot",
    "draw",
    "draw_dot",
    "explain",
    "explore",
    "gauss_newton",
    "grad",
    "gradient_descent",
    "gradients",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "linear_model",
    "maximum",
    "minimum",
    "newton",
    "no_grad",
    "propagate",
    "quadratic_model",
    "sensitivity",
    "stop_gradient",
    "sum",
    "trace",
    "value_and_grad",
    "vjp",
    "where",
    "zero_grad",
]

# These wait until they are asked for. What needs NumPy stays out of __all__: `import *` is to need none.
_LATER = {
    "NotSavedError": "compiled.loaded",
    "TraceError": "compiled.function",
    "compile": "compiled.function",
    "dask": "",
    "draw": "seeing.drawing",
    "draw_dot": "seeing.drawing",
    "explain": "seeing.explanation",
    "explore": "seeing.explorer",
    "load": "compiled.loaded",
    "plot": "",
    "scipy": "",
    "trace": "seeing.drawing",
    "vmap": "programs.mapped",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'pygrad' has no attribute {name!r}")
    from importlib import import_module

    if not _LATER[name]:
        return import_module(f"pygrad.{name}")
    globals()[name] = found = getattr(import_module(f"pygrad.{_LATER[name]}"), name)
    return found
