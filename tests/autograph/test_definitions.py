"""A function is converted from the definition of its code, which its own lines have; what that takes grows
with the length of the function."""

from __future__ import annotations

import ast
import importlib
import linecache
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

from pygrad import AutographError
from pygrad.control.autograph import definitions
from pygrad.control.autograph.definitions import PRIVATE, definition
from pygrad.control.autograph.source import convert
from pygrad.core.reading import codes_within

_MODULES = ("dataclasses", "fractions", "textwrap", "statistics")


def codes_of(name: str) -> Iterator[CodeType]:
    """The code of all functions of a module, but for lambdas, comprehensions and classes."""
    file = importlib.import_module(name).__file__
    assert file is not None
    whole = compile(Path(file).read_text(encoding="utf-8"), file, "exec")
    linecache.getlines(file)
    return (each for each in codes_within(whole) if each.co_flags & 2 and each.co_name[0] != "<")


@pytest.mark.parametrize("name", _MODULES)
def test_its_own_lines_say_what_the_whole_file_says(name: str) -> None:
    codes = list(codes_of(name))
    lines = linecache.getlines(codes[0].co_filename)
    source = "".join(lines)
    for code in codes:
        found = definitions.in_its_lines(code, lines)
        is_private = PRIVATE.search(definitions.block(code, lines)) is not None
        assert (found is None) == is_private
        if found is not None:
            expected, _ = definitions.in_the_file(code, source, "")
            assert as_text(found) == as_text(expected)


def as_text(node: ast.AST) -> str:
    return ast.dump(node, include_attributes=True)


def made(path: Path, name: str, source: str) -> ModuleType:
    """A module of a source, in a file of its own."""
    file = path / f"{name}.py"
    file.write_text(source)
    module = ModuleType(name)
    exec(compile(source, str(file), "exec"), vars(module))
    return module


def test_a_source_that_is_another_by_now(tmp_path: Path) -> None:
    before = made(tmp_path, "changing", "def f(x):\n    return half(x)\n")
    for after in (
        "def f(x):\n    return third(x)\n",
        "def f(x, y):\n    return half(x)\n",
        "x = 1\n",
    ):
        rewrite(tmp_path / "changing.py", after)
        with pytest.raises(AutographError, match="its source is another by now"):
            definition(before.f.__code__)


def rewrite(file: Path, source: str) -> None:
    file.write_text(source)
    linecache.clearcache()


@pytest.mark.parametrize(
    ("old", "new"),
    [("x * 2", "x * 3"), ("x * 2", "x + 2"), ("x > 1", "x < 1"), ("-y", "+y"), ("y * 5", "y * 6")],
)
@pytest.mark.parametrize("around", ["", "class A:\n  __x = 1\n  "], ids=["own lines", "whole file"])
def test_a_source_in_which_a_number_or_an_operator_is_another(
    tmp_path: Path, old: str, new: str, around: str
) -> None:
    source = around + "def f(x, __y=1.0): return (lambda y: y * 5 if x > 1 else -y)(x * 2)\n"
    source = source if around else source.replace("__y", "y")
    before = made(tmp_path, "changing", source)
    code = (before.A if around else before).f.__code__
    rewrite(tmp_path / "changing.py", source)
    assert definition(code)[0].name == "f"
    rewrite(tmp_path / "changing.py", source.replace(old, new))
    with pytest.raises(AutographError, match="its source is another by now"):
        definition(code)


def test_a_function_that_is_given_other_code_is_converted_anew(tmp_path: Path) -> None:
    """As tools do that reload modules in place: code, defaults, and the file before them."""
    f = made(tmp_path, "reloaded", "def f(x, y=1.0):\n    return x * y if x > 0 else x\n").f
    assert convert(f, strict=True)(2.0) == 2.0
    source = "import math\n\ndef f(x, y=3.0):\n    return x - y if x > 0 else x\n"
    later = ModuleType("later")
    (tmp_path / "reloaded.py").write_text(source)  # linecache has the lines of before
    exec(compile(source, f.__code__.co_filename, "exec"), vars(later))
    f.__code__, f.__defaults__ = later.f.__code__, later.f.__defaults__
    assert convert(f, strict=True)(2.0) == -1.0 == f(2.0)
    assert convert(f, strict=True) is convert(f)


def test_a_lambda_of_a_cell_that_waits(tmp_path: Path) -> None:
    (tmp_path / "cell.py").write_text("await 1\nf = lambda x: x if x > 0 else -x\n")
    whole = compile(
        (tmp_path / "cell.py").read_text(),
        str(tmp_path / "cell.py"),
        "exec",
        ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
    )
    code = next(each for each in codes_within(whole) if each.co_name == "<lambda>")
    assert isinstance(definition(code)[0], ast.Lambda)


def test_names_of_a_class_are_its_own(tmp_path: Path) -> None:
    source = (
        "class A:\n"
        "    def __init__(self): self.__x = 3.0\n"
        "    def f(self, y): return self.__x if y > 0 else y\n"
    )
    module = made(tmp_path, "private", source)
    assert convert(module.A.f, strict=True)(module.A(), 1.0) == 3.0
    assert definition(module.A.f.__code__)[1] == "A"


@pytest.mark.parametrize("name", ["A", "_A", "__A__", "__"])
def test_whatever_has_a_private_name_in_a_class(tmp_path: Path, name: str) -> None:
    source = f"""
class {name}:
    __k = 1.0
    def f(self, y, *, __z=1.0):
        import math as __math
        class __C: v = 2.0
        def __g(__w): return __w * __C.v if __w > 0 else __math.floor(__w)
        try:
            raise ValueError
        except ValueError as __e:
            __w = str(__e)
        for __i in range(2):
            if y > __i: __z = __z + self.__k * __g(y)
        match y:
            case __n: __z += __n
        return __z, __class__
"""
    kind = getattr(made(tmp_path, "private", source), name)
    assert convert(kind.f, strict=True)(kind(), 3.0) == kind().f(3.0) == (16.0, kind)


def test_each_who_asks_has_a_tree_of_its_own() -> None:
    first, second = (definition(convert.__code__)[0] for _ in range(2))
    assert first is not second
    assert ast.dump(first) == ast.dump(second)


# -- how much is done ------------------------------------------------------------------------------


def calls_of(f: Callable[[], Any]) -> int:
    """How many functions of Python's and of C are called meanwhile."""
    count = 0

    def profile(frame: Any, event: str, arg: Any) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    was = sys.getprofile()
    sys.setprofile(profile)
    try:
        f()
    finally:
        sys.setprofile(was)
    return count


def of_ifs(n: int) -> str:
    ifs = "".join(f"    if s > {i}:\n        s = s * {i}.5\n" for i in range(n))
    return f"def f(x):\n    s = x\n{ifs}    return s\n"


def of_loops(n: int) -> str:
    loops = "".join(
        f"    for i in range(2):\n        while s > {i}:\n            v{i} = s / 3\n            s = v{i}\n"
        for i in range(n)
    )
    return f"def f(x):\n    s = x\n{loops}    return s\n"


def of_returns(n: int) -> str:
    ifs = "".join(f"    if x > {i}:\n        return x * {i}\n" for i in range(n))
    return f"def f(x):\n{ifs}    return x\n"


def of_cases(n: int) -> str:
    cases = "".join(f"    elif x > {i}:\n        s = x * {i}\n" for i in range(n))
    return f"def f(x):\n    if x < 0:\n        s = x\n{cases}    return s\n"


def of_choices(n: int) -> str:
    return f"def f(x):\n    return {' '.join(f'x * {i} if x > {i} else' for i in range(n))} x\n"


def of_blocks(n: int) -> str:
    heads = "".join(f"{'    ' * (i + 1)}if x > {i}:\n" for i in range(n))
    return f"def f(x):\n{heads}{'    ' * (n + 1)}x = x * 2\n    return x\n"


@pytest.mark.parametrize(
    ("source", "few"),
    [
        (of_ifs, 100),
        (of_loops, 50),
        (of_returns, 15),
        (of_cases, 15),
        (of_choices, 15),
        (of_blocks, 4),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_a_function_four_times_as_long_takes_four_times_as_much(
    tmp_path: Path, source: Callable[[int], str], few: int
) -> None:
    counts = []
    for n in (few, 4 * few):
        f = made(tmp_path, f"f{n}", source(n)).f
        assert isinstance(f, FunctionType)
        counts.append(calls_of(lambda f=f: convert(f, strict=True)))  # type: ignore[misc]
    assert counts[1] < 4.4 * counts[0]


def test_blocks_too_deep_for_python_are_refused(tmp_path: Path) -> None:
    f = made(tmp_path, "deep", of_cases(400)).f
    with pytest.raises(AutographError, match="its blocks stand too deep in others"):
        convert(f, strict=True)
    assert convert(f) is f
