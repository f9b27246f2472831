"""The C library by cffi, ready for several threads: other modules take ffi and lib from here.

cffi finds out what a type is when it is first used, and aborts the process if another thread does so at the
same time. An import is made by one thread, so all types are used here.
"""

from __future__ import annotations

from pygrad._core import ffi, lib

# Types by which modules make, cast and borrow; those of the header come from the header.
TYPES = (
    "double *",
    "double **",
    "int *",
    "int32_t *",
    "intptr_t",
    "ptrdiff_t *",
    "size_t *",
    "uint16_t[]",
    "uint32_t *",
    "uintptr_t",
    "unsigned char[]",
)


def _use_all() -> None:
    for name in TYPES:
        ffi.typeof(name)
    for name in ffi.list_types()[0]:
        found = ffi.typeof(name)
        if found.kind == "struct":
            _ = found.fields, ffi.typeof(f"{name} *"), ffi.typeof(f"{name} **")
    for name in dir(lib):
        function = getattr(lib, name)
        if callable(function):
            ffi.typeof(function)


_use_all()
