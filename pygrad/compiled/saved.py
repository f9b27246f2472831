"""Compiled functions written to a file, pickled, and told apart by Dask; replay.py reads them.

A file keeps the programs that a compiled function has traced so far, every path of them, and nothing of
its Python code.

A pickle holds the same bytes, and where the function can be imported its name, by which what is
unpickled traces further. What has no program yet is pickled as any function is: by its name, or (by
cloudpickle, which Dask and joblib use) with the function it compiles.
"""

from __future__ import annotations

import os
import pickle
import secrets
import shutil
import sys
from pathlib import Path as FilePath
from typing import Any

from pygrad import _native
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
from pygrad.compiled.store import Store
from pygrad.core.callables import PICKLERS_BY_VALUE, FunctionOf, found_by_name
from pygrad.core.structure import key_of
from pygrad.programs.arguments import static_of
from pygrad.programs.contraction import contracts
from pygrad.programs.mapped import Vmapped
from pygrad.programs.paths import Paths
from pygrad.transform import Gradient

# -- to bytes --------------------------------------------------------------------------------------


def save(store: Store, path: str | os.PathLike[str]) -> None:
    """Write the programs of a compiled function to a file: what ``compiled.save(path)`` does.

    The numbers that captured Values have now go with it. Raises what to_bytes does, before the file is
    touched. A file that is there is replaced by the whole of the new one, or stays as it is.
    """
    replace(FilePath(path), to_bytes(store))


def replace(path: FilePath, data: bytes) -> None:
    """Gives a file new contents in one step, and its permissions; what is no file is written to."""
    path = FilePath(os.path.realpath(path))  # a link stays, and what it leads to is replaced
    if path.exists() and not path.is_file():
        path.write_bytes(data)
        return
    beside = path.with_name(f".{path.name[:200]}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with beside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, beside)
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def to_bytes(store: Store) -> bytes:
    """A compiled function as the contents of a file.

    Raises:
        ValueError: nothing was traced yet, or there are too many paths, or some that need plain
            numbers; or it captures a Value that was computed, or has a ``_backward`` of its own.
        TypeError: it is a transform of a vmap other than grad and value_and_grad; or arguments, keys
            or results are of types that a file does not keep.
        NotImplementedError: a loop is one that a file does not keep, or it has an external function.
    """
    kind, mapping = _made_by(store)
    captured: dict[int, Any] = {}
    entries = [*_call_entries(store, captured), *_row_entries(store, captured)]
    if not entries:
        raise ValueError(_why_nothing(store))
    for v in captured.values():
        _check_captured(v, store.name)
    doc = store.doc if isinstance(store.doc, str) else None
    numbers = [(v.data, v.label) for v in captured.values()]
    static = tuple(sorted(store.static))
    return encode(
        SavedFunction(store.name, doc, kind, static, mapping, numbers, entries, contracts(store.f))
    )


def _why_nothing(store: Store) -> str:
    if len(store.calls):
        return (
            f"{store.name}() cannot be saved: it was called, but no call could be traced. What raises "
            "TraceError, such as an operation with a _backward or numeric local_grads of its own, has no "
            "program; build it from pygrad's operations"
        )
    return (
        f"{store.name}() cannot be saved yet, for nothing was traced: call it first, once for each path "
        "through it that shall be saved"
    )


def _check_captured(v: Any, name: str) -> None:
    form = _native.form(v)
    if form == "leaf":
        return
    how = "has a _backward of its own" if form == "closure" else "was computed from other Values"
    raise ValueError(
        f"{name}() cannot be saved: it uses {v!r}, which was there before the call and {how}; a file "
        "would lose that. Compute it inside the function, or use a detached copy, Value(v.data)"
    )


def _call_entries(store: Store, captured: dict[int, Any]) -> list[Entry]:
    entries = []
    for key, program in store.calls.items():
        if program is None:
            raise _too_many_paths(store)
        if any(path.result.sweeps is not None for path in program.paths.all):
            raise TypeError(
                f"{store.name}() cannot be saved: it is a Jacobian whose sweeps share a program. "
                "Save the function that it is of, and take the Jacobian of what is loaded"
            )
        _check_refused(store, program.paths)
        paths = _paths(program.paths, captured, program.size)
        if paths:
            entries.append(Entry(OWN, key[0], tuple(static_of(key)), None, (), paths))
    return entries


def _check_refused(store: Store, paths: Paths) -> None:
    """ValueError where calls have come to what needs plain numbers, for which a file has no program."""
    for refusal in paths.refused.values():
        raise ValueError(f"{store.name}() cannot be saved: {refusal}")


def _too_many_paths(store: Store) -> ValueError:
    return ValueError(
        f"{store.name}() cannot be saved: it has taken too many paths, and runs uncompiled. "
        "Use pygrad.where, maximum or clip in place of comparisons"
    )


def _row_entries(store: Store, captured: dict[int, Any]) -> list[Entry]:
    groups = [(OWN, store.rows)]
    if not store.has_rows:
        groups = [(BACKWARDS.index(reduce), rows) for reduce, rows in store.backwards.items()]
    entries = []
    for group, rows in groups:
        programs = [] if rows is None or rows.programs is None else rows.programs.items()
        for (key, flags, wrt, by_lives), program in programs:
            if by_lives and group == OWN:
                continue  # of no use in another process
            _check_refused(store, program.paths)
            if program.paths.root is None and program.is_of_use:
                raise _too_many_paths(store)
            paths = _paths(program.paths, captured, len(flags))
            if paths:
                entries.append(Entry(group, key, (), flags, tuple(wrt), paths))
    return entries


def _paths(paths: Paths, captured: dict[int, Any], inputs: int) -> list[SavedPath]:
    """Paths, earlier ones first, with the Values they use noted."""
    found: list[SavedPath] = []
    queue = [] if paths.root is None else [(-1, -1, paths.root)]
    for parent, guard, path in queue:  # which grows
        queue += [(len(found), at, branch) for at, branch in sorted(path.branches.items())]
        structure, by = path.result.structure, path.result.by
        for v in (*path.lives, *by):
            captured.setdefault(id(v), v)
        places = {of: i for i, of in enumerate(captured)}
        found.append(
            SavedPath(
                parent,
                guard,
                key_of(structure, truths=True),
                by=tuple([places[id(v)] for v in by]),
                lives=tuple([places[id(v)] for v in path.lives]),
                inputs=inputs,
                program=path.program,
            )
        )
    return found


def _made_by(store: Store) -> tuple[int, Mapping | None]:
    """What compile() was given: the function, a vmap of it, or a derivative of that."""
    if not store.has_rows:
        return PLAIN, None
    kind, has_aux = VMAP, False
    argnums: Any = 0
    if isinstance(store.f, Gradient):
        kind = "value_and_grad" if store.f.with_value else "grad"
        argnums, has_aux = store.f.argnums, store.f.has_aux
    rows = store.rows
    if rows is None or not isinstance(store.f, Gradient | Vmapped):
        raise TypeError(
            f"{store.name}() cannot be saved: a vmap can be by itself, and with grad or "
            "value_and_grad around it; put other transforms inside, vmap(hessian(f))"
        )
    axes = rows.in_axes
    axes = axes if axes is None or type(axes) is int else tuple(axes)
    argnums = argnums if isinstance(argnums, int) else tuple(argnums)
    mapping = Mapping(axes, rows.reduce, rows.threads, rows.errors, argnums, has_aux)
    return DERIVATIVES.index(kind), mapping


# -- pickles ---------------------------------------------------------------------------------------


def can_be_pickled(f: Any) -> bool:
    """Whether f can be pickled by whoever asks: by name, or if someone is here who pickles functions."""
    if any(name in sys.modules for name in PICKLERS_BY_VALUE):
        return True
    try:
        pickle.dumps(f)
    except Exception:  # whatever its parts raise
        return False
    return True


def origin_of(store: Store) -> str:
    """Where the function that was traced can be imported, "module:name"; "" if nowhere."""
    if store.origin is not None:
        return store.origin
    row = store.f if store.rows is None else store.rows.f
    module, name = getattr(row, "__module__", None), getattr(row, "__qualname__", "")
    found = found_by_name(module, name)
    here = found is row or (isinstance(found, FunctionOf) and found.f is row)
    return f"{module}:{name}" if here else ""


def token(store: Store, f: Any) -> tuple[Any, ...]:
    """What Dask tells functions apart by: the programs with the numbers captured, and the function."""
    from dask.base import normalize_token

    try:
        digest = to_bytes(store)[-32:].hex()
    except (TypeError, ValueError, NotImplementedError):
        digest = ""
    function = normalize_token(f) if store.origin is None else store.origin
    return "pygrad.compile", digest, tuple(sorted(store.static)), function
