"""Code that was written for floats, run on Values: see `pygrad.lift`.

A lifted package is a second, private import of it, in a table of modules of its own (world.py): there
`math` is pygrad's, NumPy's functions of scalars take Values (arrays.py), and builtins that would take a
number apart let Values through (builtin.py). Calls of `float`, `int` and `type`, which are types that
nothing can stand in for, are rewritten in the syntax tree as a module is loaded (rewriting.py). The package
that everybody else imports stays as it is. A function that was not imported from a package, a notebook's or
a local one, is made anew from its code, with globals of that kind (functions.py).
"""
