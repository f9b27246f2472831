"""save() writes a whole file or leaves what was there; load() raises ValueError whatever a file says."""

from __future__ import annotations

import errno
import os
import random
import stat
import threading
from pathlib import Path
from typing import Any

import damage
import pytest

from pygrad import compile as compile_
from pygrad import load
from pygrad.compiled.fileformat import Mapping, decode
from pygrad.compiled.function import from_bytes


def doubled() -> Any:
    f = compile_(lambda x: x * 2.0)
    f(1.0)
    return f


# -- written ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "no space"), KeyboardInterrupt()])
def test_what_was_there_stays_if_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, error: BaseException
) -> None:
    path = tmp_path / "f.pygrad"
    path.write_bytes(b"before")

    def fail(*args: Any) -> None:
        raise error

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(type(error)):
        doubled().save(path)
    with pytest.raises(type(error)):
        doubled().save(tmp_path / "new.pygrad")
    monkeypatch.undo()
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("f.pygrad", b"before")]


def test_a_reader_sees_one_whole_file_or_the_other(tmp_path: Path) -> None:
    path, f, ended = tmp_path / "f.pygrad", doubled(), threading.Event()
    f.save(path)
    wrong: list[BaseException] = []

    def read() -> None:
        while not ended.is_set():
            try:
                assert load(path)(3.0) == 6.0
            except BaseException as error:
                wrong.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    for _ in range(100):
        f.save(path)
    ended.set()
    thread.join()
    assert wrong == []
    assert os.listdir(tmp_path) == ["f.pygrad"]


@pytest.mark.skipif(os.name != "posix", reason="permissions and links as POSIX has them")
def test_permissions_and_links_stay_as_they_were(tmp_path: Path) -> None:
    f, path, link = doubled(), tmp_path / "f.pygrad", tmp_path / "link"
    mask = os.umask(0o027)
    try:
        f.save(path)
    finally:
        os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o604)
    link.symlink_to(path)
    f.save(link)
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o604
    assert load(path)(3.0) == load(link)(3.0) == 6.0
    assert sorted(os.listdir(tmp_path)) == ["f.pygrad", "link"]
    f.save(Path(os.devnull))
    assert not Path(os.devnull).is_file()
    with pytest.raises(FileNotFoundError):
        f.save(tmp_path / "nowhere" / "f.pygrad")
    long = tmp_path / ("f" * 250)
    f.save(long)
    assert load(long)(1.0) == 2.0


# -- crafted ---------------------------------------------------------------------------------------


def read(crafted: Any) -> None:
    """A file that says this: ValueError, or a function that runs."""
    damage.check(damage.written(crafted), random.Random(0))


@pytest.fixture(scope="module", params=["branches", "step", "trained"])
def saved(request: pytest.FixtureRequest) -> Any:
    return decode(damage.samples()[request.param])


@pytest.mark.parametrize("atom", damage.ATOMS, ids=repr)
def test_anything_in_the_place_of_anything_is_a_value_error(saved: Any, atom: Any) -> None:
    read(saved._replace(doc=atom))
    read(saved._replace(static=atom))
    read(saved._replace(static=(atom,)))
    mapping = saved.mapping or Mapping(0, "mean", 1, "warn", 0, False)
    for field in Mapping._fields:
        for kind in range(4):
            read(saved._replace(kind=kind, mapping=mapping._replace(**{field: atom})))
    first = saved.entries[0]
    fixed = first.static or (("how", "a"),)
    for static in (
        *(((atom, fixed[0][1]),), ((fixed[0][0], atom),), (*fixed, (atom, atom)), (*fixed, *fixed)),
    ):
        read(saved._replace(entries=[first._replace(static=static), *saved.entries[1:]]))


def test_static_arguments_and_axes_of_other_types_are_named_as_damage(saved: Any) -> None:
    for static in (("x",), (None,), (0.5,), ((),)):
        with pytest.raises(ValueError, match="damaged"):
            from_bytes(damage.written(saved._replace(static=static)))
    if saved.mapping is not None:
        for axes in ("x", 0.5, ("x",), (None, 0.5), True):
            with pytest.raises(ValueError, match="damaged"):
                mapping = saved.mapping._replace(in_axes=axes)
                from_bytes(damage.written(saved._replace(mapping=mapping)))
