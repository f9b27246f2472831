"""Loops and branches of programs."""
