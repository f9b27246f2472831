"""What derivatives are for: solvers, sensitivity, uncertainty, local models."""

from pygrad.applications.models import (
    LinearModel,
    Propagated,
    QuadraticModel,
    Sensitivity,
    SensitivityTable,
    linear_model,
    propagate,
    quadratic_model,
    sensitivity,
)
from pygrad.applications.solvers import Result, gauss_newton, gradient_descent, newton

__all__ = [
    "LinearModel",
    "Propagated",
    "QuadraticModel",
    "Result",
    "Sensitivity",
    "SensitivityTable",
    "gauss_newton",
    "gradient_descent",
    "linear_model",
    "newton",
    "propagate",
    "quadratic_model",
    "sensitivity",
]
