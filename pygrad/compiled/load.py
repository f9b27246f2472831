"""load(): compiled functions from files.

What is loaded is called like the function that was saved, and gives the same bits, on the paths through
it that were taken before; replay.py says how it is differentiated.
"""

from __future__ import annotations

import os
from pathlib import Path as FilePath

from pygrad.compiled.function import Loaded, from_bytes

__all__ = ["load"]


def load(path: str | os.PathLike[str]) -> Loaded:
    """The function that ``compiled.save(path)`` has written, ready to be called.

    It gives the same bits as the function that was saved, without its Python code, for arguments of the
    structures that it was called with, wherever its comparisons come out as in one of those calls.
    Given Values, and within transforms, its programs are run on Values: it can be differentiated, to any
    order, and be part of other compiled functions. There, too, operations follow NumPy and raise for no
    numeric reason. Values that the function captured are new ones, with the numbers they had, in
    ``.captured``: their ``.data`` can be changed, and ``.backward()`` trains them.

    Reading runs nothing from the file, and all of it is checked before any of it is used.

    Raises:
        ValueError: this is no such file, it is damaged, of another format version, or uses an operation
            that this version of pygrad does not have.
        NotSavedError: (when it is called) nothing was saved for this path through the function.

    >>> import os, tempfile
    >>> from pygrad import compile, grad, load
    >>> @compile
    ... def f(x):
    ...     return x**3 if x > 0 else -x
    >>> f(2.0), f(-2.0)  # both paths
    (8.0, 2.0)
    >>> path = os.path.join(tempfile.mkdtemp(), "f.pygrad")
    >>> f.save(path)
    >>> loaded = load(path)
    >>> loaded(3.0), loaded(-3.0), grad(loaded)(3.0)
    (27.0, 3.0, 27.0)
    """
    return from_bytes(FilePath(path).read_bytes())
