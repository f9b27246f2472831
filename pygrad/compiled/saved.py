"""Compiled functions written to a file, pickled, and told apart by Dask; loaded.py reads them.

A file keeps the programs that a compiled function has traced so far, every path of them, and nothing of
its Python code.

A pickle holds the same bytes, and where the function can be imported its name, by which what is
unpickled traces further. What has no program yet is pickled as any function is: by its name, or (by
cloudpickle, which Dask and joblib use) with the function it compiles.
"""

from __future__ import annotations

import functools
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from pygrad.compiled.fileformat import (
    BACKWARDS,
    DERIVATIVES,
    OWN,
    PLAIN,
    VMAP,
    Entry,
    Mapping,
    SavedFunction,
    SavedPath,
    encode,
)
from pygrad.programs.mapped import vmap_function
from pygrad.programs.paths import Paths, key_of

if TYPE_CHECKING:
    from pygrad.compiled.function import Compiled

# -- to bytes --------------------------------------------------------------------------------------


def save(compiled: Compiled, path: str | os.PathLike[str]) -> None:
    """Write the programs of a compiled function to a file: what ``compiled.save(path)`` does.

    The numbers that captured Values have now go with it. Raises what to_bytes does, before the file is
    touched.
    """
    data = to_bytes(compiled)
    FilePath(path).write_bytes(data)


def to_bytes(compiled: Compiled) -> bytes:
    """A compiled function as the contents of a file.

    Raises:
        ValueError: nothing was traced yet, or there are too many paths; or it captures a Value that was
            computed, or has a ``_backward`` of its own.
        TypeError: it is a transform of a vmap other than grad and value_and_grad; or arguments, keys
            or results are of types that a file does not keep.
    """
    name = compiled.__name__
    kind, mapping = _made_by(compiled)
    captured: dict[int, Any] = {}
    entries = [*_row_entries(compiled, captured), *_mapped_entries(compiled, captured)]
    if not entries:
        raise ValueError(_why_nothing(compiled))
    for v in captured.values():
        _check_captured(v, name)
    doc = compiled.__doc__ if isinstance(compiled.__doc__, str) else None
    numbers = [(v.data, v.label) for v in captured.values()]
    static = tuple(sorted(compiled.static))
    return encode(SavedFunction(name, doc, kind, static, mapping, numbers, entries))


def _why_nothing(compiled: Compiled) -> str:
    name = compiled.__name__
    if compiled.programs_by_key:
        return (
            f"{name}() cannot be saved: it was called, but no call could be traced. What raises "
            "TraceError, such as an operation with a _backward or numeric local_grads of its own, has no "
            "program; build it from pygrad's operations"
        )
    return (
        f"{name}() cannot be saved yet, for nothing was traced: call it first, once for each way "
        "through it that shall be saved"
    )


def _check_captured(v: Any, name: str) -> None:
    from pygrad.value import _native  # type: ignore[attr-defined]

    form = _native.form(v)
    if form == "leaf":
        return
    how = "has a _backward of its own" if form == "closure" else "was computed from other Values"
    raise ValueError(
        f"{name}() cannot be saved: it uses {v!r}, which was there before the call and {how}; a file "
        "would lose that. Compute it inside the function, or use a detached copy, Value(v.data)"
    )


def _row_entries(compiled: Compiled, captured: dict[int, Any]) -> list[Entry]:
    entries = []
    for (key, static), program in list(compiled.programs_by_key.items()):
        if program is None:
            raise ValueError(
                f"{compiled.__name__}() cannot be saved: it has taken too many paths, and runs uncompiled. "
                "Use pygrad.where, maximum or clip in place of comparisons"
            )
        if any(hasattr(path.result, "sweeps") for path in program.paths.all):
            raise TypeError(
                f"{compiled.__name__}() cannot be saved: it is a Jacobian whose sweeps share a program. "
                "Save the function that it is of, and take the Jacobian of what is loaded"
            )
        # Floats are in the key by their repr, for 0.0 and -0.0 are equal.
        fixed = tuple([(k, float(x) if kind is float else x) for k, kind, x in static])
        paths = _paths(program.paths, captured, _with_none, program.size)
        if paths:
            entries.append(Entry(OWN, key, fixed, None, (), paths))
    return entries


def _mapped_entries(compiled: Compiled, captured: dict[int, Any]) -> list[Entry]:
    groups = {} if compiled.is_mapped else _ids(compiled.backwards)
    groups[id(vmap_in(compiled.f))] = OWN
    entries = []
    for (_, key, rows, wrt, by_lives), mapped in list(compiled.mapped.items()):
        group = groups.get(id(mapped.vmapped), -1)
        if group == -1 or (by_lives and group == OWN):
            continue  # of no use in another process
        plain = mapped.reduce is None
        paths = _paths(mapped.paths, captured, _with_none if plain else tuple, len(rows))
        if paths:
            entries.append(Entry(group, key, (), rows, wrt, paths))
    return entries


def _with_none(structure: Any) -> tuple[Any, Any]:
    return structure, ()


def _ids(backwards: dict[str, Any]) -> dict[int, int]:
    return {id(vmapped): BACKWARDS.index(reduce) for reduce, vmapped in backwards.items()}


def vmap_in(f: Any) -> Any:
    """The vmap that a compiled function is, or that it is grad or value_and_grad of."""
    if isinstance(f, vmap_function) or not hasattr(f, "derivative"):
        return f
    return getattr(f, "__wrapped__", f)


def _paths(
    paths: Paths,
    captured: dict[int, Any],
    split: Callable[[Any], tuple[Any, Any]],
    inputs: int,
) -> list[SavedPath]:
    """Paths, earlier ones first, with the Values they use noted; split tells structure and Values apart."""
    found: list[SavedPath] = []
    queue = [] if paths.root is None else [(-1, -1, paths.root)]
    for parent, guard, path in queue:  # which grows
        queue += [(len(found), at, branch) for at, branch in sorted(path.branches.items())]
        structure, by = split(path.result)
        for v in (*path.lives, *by):
            captured.setdefault(id(v), v)
        places = {of: i for i, of in enumerate(captured)}
        found.append(
            SavedPath(
                parent,
                guard,
                key_of(structure),
                by=tuple([places[id(v)] for v in by]),
                lives=tuple([places[id(v)] for v in path.lives]),
                inputs=inputs,
                program=path.program,
            )
        )
    return found


def _made_by(compiled: Compiled) -> tuple[int, Mapping | None]:
    """What compile() was given: the function, a vmap of it, or a derivative of that."""
    f: Any = compiled.f
    if not compiled.is_mapped:
        return PLAIN, None
    inner = vmap_in(f)
    kind, argnums, has_aux = (VMAP, 0, False) if inner is f else f.derivative
    if not isinstance(inner, vmap_function):
        raise TypeError(
            f"{compiled.__name__}() cannot be saved: a vmap can be by itself, and with grad or "
            "value_and_grad around it; put other transforms inside, vmap(hessian(f))"
        )
    axes = inner.in_axes
    axes = axes if axes is None or type(axes) is int else tuple(axes)
    argnums = argnums if isinstance(argnums, int) else tuple(argnums)
    mapping = Mapping(axes, inner.reduce, inner.threads, inner.errors, argnums, has_aux)
    return DERIVATIVES.index(kind), mapping


# -- pickles ---------------------------------------------------------------------------------------

_BY_VALUE = ("cloudpickle", "joblib.externals.cloudpickle", "dill")


def reduced(compiled: Compiled) -> str | tuple[Any, ...]:
    """What Compiled.__reduce__ returns."""
    from pygrad.compiled.function import compile
    from pygrad.compiled.loaded import Loaded, from_bytes

    try:
        return from_bytes, (to_bytes(compiled), origin_of(compiled))
    except (TypeError, ValueError):
        name = getattr(compiled, "__qualname__", "")
        if _found(compiled.__module__, name) is compiled:
            return name
        if isinstance(compiled, Loaded) or not _is_picklable(compiled.f):
            raise
    remake = functools.partial(
        compile, static_argnums=tuple(sorted(compiled.static)), verify=compiled.verify
    )
    return remake, (compiled.f,)


def _is_picklable(f: Any) -> bool:
    """Whether f can be pickled by whoever asks: by name, or if someone is here who pickles functions."""
    if any(name in sys.modules for name in _BY_VALUE):
        return True
    try:
        pickle.dumps(f)
    except Exception:  # whatever its parts raise
        return False
    return True


def origin_of(compiled: Compiled) -> str:
    """Where the function that was traced can be imported, "module:name"; "" if nowhere."""
    if hasattr(compiled, "origin"):
        return str(compiled.origin)
    row = vmap_in(compiled.f).f if compiled.is_mapped else compiled.f
    module, name = getattr(row, "__module__", None), getattr(row, "__qualname__", "")
    found = _found(module, name)
    return f"{module}:{name}" if found is row or getattr(found, "f", None) is row else ""


def _found(module: str | None, name: str) -> Any:
    """What a module that was imported has under a dotted name, or None."""
    found = sys.modules.get(module or "")
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def token(compiled: Compiled) -> tuple[Any, ...]:
    """What Dask tells functions apart by: the programs with the numbers captured, and the function."""
    from dask.base import normalize_token

    try:
        digest = to_bytes(compiled)[-32:].hex()
    except (TypeError, ValueError):
        digest = ""
    origin = getattr(compiled, "origin", None)
    function = normalize_token(compiled.f) if origin is None else origin
    return "pygrad.compiled.function", digest, tuple(sorted(compiled.static)), function
