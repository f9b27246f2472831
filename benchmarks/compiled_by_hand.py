"""compiled_by_hand.c as a library that Python can call."""

from __future__ import annotations

import ctypes
import os
import subprocess
import tempfile
from typing import Any

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "compiled_by_hand.c")
COMPILER = "gcc"


def library(flags: str) -> Any:
    """The functions of compiled_by_hand.c, built with these flags; they take pointers and sizes."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "by_hand.so")
        command = [
            COMPILER,
            "-std=c11",
            *flags.split(),
            "-shared",
            "-fPIC",
            SOURCE,
            "-o",
            path,
            "-lm",
        ]
        subprocess.run(command, check=True)
        return ctypes.CDLL(path)


def pointer(array: Any) -> Any:
    """To the numbers of a float64 array, which it keeps alive."""
    return array.ctypes.data_as(ctypes.c_void_p)
