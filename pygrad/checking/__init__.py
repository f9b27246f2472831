"""Gradients checked against finite differences, or against more digits: `check_grad`."""

from pygrad.checking import check
from pygrad.checking.check import *  # noqa: F403

__all__ = check.__all__
