"""pygrad: a compiled scalar automatic-differentiation engine.

>>> from pygrad import Value
>>> a, b = Value(2.0), Value(-3.0)
>>> c = (a * b + 10.0).tanh()
>>> c.backward()
>>> f"{c.data:.4f} {a.grad:.6f} {b.grad:.6f}"
'0.9993 -0.004023 0.002682'

Values: `Value`, `pygrad.math`, `sum`, `dot`, `no_grad`, `zero_grad`.
To see them: `explain`, `draw`, `explore`, `pygrad.plot`.
Functions: `grad`, `value_and_grad`, `jacobian`, `hessian`, `jvp`, `vjp`, `hvp`; checked by `check_grad`.
To any order: `taylor`, `jet`.
Loops and branches: `while_loop`, `fori_loop`, `scan`, `cond`, `switch`, `checkpoint`, `autograph`.
Rules of your own: `custom_jvp`, `custom_vjp`, `external`; `custom_root`, `custom_fixed_point`,
`custom_minimum`.
Programs: `compile` (or `jit`), `vmap`, `load`; their errors `TraceError` and `NotSavedError`.
Uses: `newton`, `gauss_newton`, `gradient_descent`, `sensitivity`, `propagate`, `pygrad.scipy`.
Networks: `pygrad.nn`, `pygrad.optim`; `pygrad.engine` for code that imports it from micrograd.

``from pygrad import *`` brings the names of ``__all__``: those that need neither the C extension nor an
optional library, and no module. One of them takes a builtin's place: `sum`, which adds numbers and Values.
`compile` would take another's, and is not among them; ``pygrad.jit`` is a second name of it.
"""

from typing import TYPE_CHECKING, Any

from pygrad.core.implementation import IMPLEMENTATION as IMPLEMENTATION
from pygrad.version import __version__ as __version__

# Where each name is defined; "" for a module. Nothing is imported before it is asked for.
# The imports below follow from it: nox -s derive.
_PLACES = {
    "AutographError": "control.autograph.errors",
    "LiftError": "lifting.errors",
    "NotSavedError": "compiled.replay",
    "SingularDerivativeWarning": "core.singular",
    "TraceError": "programs.paths",
    "Value": "core.implementation",
    "autograph": "control.autograph.decorator",
    "check_grad": "checking.check",
    "checkpoint": "control.branches",
    "clip": "math",
    "compile": "compiled.function",
    "cond": "control.branches",
    "custom_fixed_point": "rules.implicit",
    "custom_jvp": "rules.custom",
    "custom_minimum": "rules.implicit",
    "custom_root": "rules.implicit",
    "custom_vjp": "rules.custom",
    "dask": "",
    "debug_nans": "debugging",
    "dot": "core.implementation",
    "draw": "seeing.drawing",
    "draw_dot": "seeing.drawing",
    "engine": "",
    "explain": "seeing.explanation",
    "explore": "seeing.explorer",
    "external": "rules.external",
    "fori_loop": "control.loops",
    "gauss_newton": "applications.solvers",
    "grad": "transform",
    "gradient_descent": "applications.solvers",
    "gradients": "transform",
    "hessian": "transform",
    "hvp": "transform",
    "interp": "arrays.tables",
    "jacfwd": "transform",
    "jacobian": "transform",
    "jacrev": "transform",
    "jet": "series.jets",
    "jit": "compiled.function",
    "jvp": "transform",
    "lift": "lifting.target",
    "linalg": "",
    "linear_model": "applications.models",
    "load": "compiled.load",
    "math": "",
    "maximum": "math",
    "minimum": "math",
    "newton": "applications.solvers",
    "nn": "",
    "no_grad": "core.implementation",
    "notebook": "",
    "numeric": "",
    "numpy": "",
    "odeint": "applications.odes",
    "optim": "",
    "path_memory": "programs.worth",
    "plot": "",
    "propagate": "applications.models",
    "quadratic_model": "applications.models",
    "register_container": "core.registered",
    "scan": "control.scanning",
    "scipy": "",
    "sensitivity": "applications.models",
    "special": "",
    "stop_gradient": "math",
    "sum": "core.implementation",
    "switch": "control.branches",
    "take": "arrays.tables",
    "taylor": "series.jets",
    "trace": "seeing.drawing",
    "value_and_grad": "transform",
    "vjp": "transform",
    "vmap": "programs.mapped",
    "where": "math",
    "while_loop": "control.loops",
    "zero_grad": "core.implementation",
}

# Folders of what the reference cannot do.
_EXTENSION_ONLY = ("compiled", "programs", "series")

__all__ = ["IMPLEMENTATION", "__version__"]
__all__ += [n for n, place in _PLACES.items() if place and not place.startswith(_EXTENSION_ONLY)]

# The same for tools that read and do not run.
if TYPE_CHECKING:
    # derived: names
    from pygrad import dask as dask
    from pygrad import engine as engine
    from pygrad import linalg as linalg
    from pygrad import math as math
    from pygrad import nn as nn
    from pygrad import notebook as notebook
    from pygrad import numeric as numeric
    from pygrad import numpy as numpy
    from pygrad import optim as optim
    from pygrad import plot as plot
    from pygrad import scipy as scipy
    from pygrad import special as special
    from pygrad.applications.models import linear_model as linear_model
    from pygrad.applications.models import propagate as propagate
    from pygrad.applications.models import quadratic_model as quadratic_model
    from pygrad.applications.models import sensitivity as sensitivity
    from pygrad.applications.odes import odeint as odeint
    from pygrad.applications.solvers import gauss_newton as gauss_newton
    from pygrad.applications.solvers import gradient_descent as gradient_descent
    from pygrad.applications.solvers import newton as newton
    from pygrad.arrays.tables import interp as interp
    from pygrad.arrays.tables import take as take
    from pygrad.checking.check import check_grad as check_grad
    from pygrad.compiled.function import compile as compile
    from pygrad.compiled.function import jit as jit
    from pygrad.compiled.load import load as load
    from pygrad.compiled.replay import NotSavedError as NotSavedError
    from pygrad.control.autograph.decorator import autograph as autograph
    from pygrad.control.autograph.errors import AutographError as AutographError
    from pygrad.control.branches import checkpoint as checkpoint
    from pygrad.control.branches import cond as cond
    from pygrad.control.branches import switch as switch
    from pygrad.control.loops import fori_loop as fori_loop
    from pygrad.control.loops import while_loop as while_loop
    from pygrad.control.scanning import scan as scan
    from pygrad.core.implementation import Value as Value
    from pygrad.core.implementation import dot as dot
    from pygrad.core.implementation import no_grad as no_grad
    from pygrad.core.implementation import sum as sum
    from pygrad.core.implementation import zero_grad as zero_grad
    from pygrad.core.registered import register_container as register_container
    from pygrad.core.singular import SingularDerivativeWarning as SingularDerivativeWarning
    from pygrad.debugging import debug_nans as debug_nans
    from pygrad.lifting.errors import LiftError as LiftError
    from pygrad.lifting.target import lift as lift
    from pygrad.math import clip as clip
    from pygrad.math import maximum as maximum
    from pygrad.math import minimum as minimum
    from pygrad.math import stop_gradient as stop_gradient
    from pygrad.math import where as where
    from pygrad.programs.mapped import vmap as vmap
    from pygrad.programs.paths import TraceError as TraceError
    from pygrad.programs.worth import path_memory as path_memory
    from pygrad.rules.custom import custom_jvp as custom_jvp
    from pygrad.rules.custom import custom_vjp as custom_vjp
    from pygrad.rules.external import external as external
    from pygrad.rules.implicit import custom_fixed_point as custom_fixed_point
    from pygrad.rules.implicit import custom_minimum as custom_minimum
    from pygrad.rules.implicit import custom_root as custom_root
    from pygrad.seeing.drawing import draw as draw
    from pygrad.seeing.drawing import draw_dot as draw_dot
    from pygrad.seeing.drawing import trace as trace
    from pygrad.seeing.explanation import explain as explain
    from pygrad.seeing.explorer import explore as explore
    from pygrad.series.jets import jet as jet
    from pygrad.series.jets import taylor as taylor
    from pygrad.transform import grad as grad
    from pygrad.transform import gradients as gradients
    from pygrad.transform import hessian as hessian
    from pygrad.transform import hvp as hvp
    from pygrad.transform import jacfwd as jacfwd
    from pygrad.transform import jacobian as jacobian
    from pygrad.transform import jacrev as jacrev
    from pygrad.transform import jvp as jvp
    from pygrad.transform import value_and_grad as value_and_grad
    from pygrad.transform import vjp as vjp
    # derived: end


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'pygrad' has no attribute {name!r}")
    # not by importlib, whose Python code is most of what a first name costs
    place = _PLACES[name]
    module = __import__(f"pygrad.{place or name}", fromlist=("__name__",))
    if not place:
        return module
    defined, found = vars(module), getattr(module, name)
    # With it come the others that are there: who calls grad now calls value_and_grad next.
    globals().update({n: defined[n] for n, at in _PLACES.items() if at == place and n in defined})
    return found


def __dir__() -> list[str]:
    return sorted({*_PLACES, "IMPLEMENTATION", "__version__"})
