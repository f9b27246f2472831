"""Gradients checked against finite differences, or against more digits: `check_grad`."""

from pygrad.checking.check import GradientCheck, GradientError, check_grad

__all__ = ["GradientCheck", "GradientError", "check_grad"]
