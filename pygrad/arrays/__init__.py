"""Values in NumPy: its ufuncs and functions where Values are among their arguments, and arrays of Values.

What is here serves both implementations, and asks a Value which of them is its own.
"""
