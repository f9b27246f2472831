"""What derivatives are for: solvers, sensitivity, uncertainty, local models."""

from pygrad.applications import models, solvers
from pygrad.applications.models import *  # noqa: F403
from pygrad.applications.solvers import *  # noqa: F403

__all__ = models.__all__ + solvers.__all__
