"""Loops and branches: the functions that JAX has for them, and `autograph`, which makes them of Python's.

Outside traces they are plain Python loops and branches over Values or numbers. In a trace one body stands
in the program, whatever the number of trips (traced.py).
"""
