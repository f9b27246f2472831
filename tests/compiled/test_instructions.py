"""Code decoded without `dis`: the same instructions, names and constants."""

from __future__ import annotations

import argparse
import dis
import inspect
import sys
from types import ModuleType

import pytest

import pygrad.programs.captures
from pygrad import _native
from pygrad.core import instructions
from pygrad.core.reading import codes_within, names_read

_DECODED = sys.version_info < (3, 15)  # a later version goes by way of dis
_OTHERWISE = {"CONVERT_VALUE", "FORMAT_VALUE", "KW_NAMES"}  # dis says what numbers mean
_NOTHING = {"CACHE", "EXTENDED_ARG", "NOP", "PUSH_NULL", "PRECALL", "RESUME"}


def as_dis_has_them(code):
    return [step for step in dis.get_instructions(code) if step.opname not in _NOTHING]


def assert_alike(code):
    steps, expected = instructions.steps_of(code), as_dis_has_them(code)
    assert [step.opname for step in steps] == [step.opname for step in expected]
    jumps = {*dis.hasjabs, *dis.hasjrel}
    for step, other in zip(steps, expected, strict=True):
        if other.opcode not in jumps and other.opname not in _OTHERWISE:
            assert step.argval is other.argval or step.argval == other.argval, (code, other)


@pytest.mark.parametrize("module", [argparse, inspect, pygrad.programs.captures], ids=str)
def test_code_of_a_module_has_the_instructions_that_dis_finds(module: ModuleType):
    code = compile(inspect.getsource(module), module.__name__, "exec")
    for each in codes_within(code):
        assert_alike(each)


def test_numbers_of_more_than_eight_bits_are_put_together():
    names = [f"name_{i}" for i in range(70_000)]
    assert_alike(code := compile("\n".join(names), "many", "exec"))
    read = names_read(code)
    assert [name for _, name, _ in read] == names


def test_cells_and_variables_are_told_apart():
    def around(a, b):
        def within(c):
            nonlocal b
            b = a + c
            return b, c

        return within, a, b

    class _Some:
        def method(self, x):
            return super().method(x), around

    for code in (around.__code__, _Some.method.__code__):
        for each in codes_within(code):
            assert_alike(each)


def test_what_is_no_code_and_tables_that_are_too_short_are_refused():
    code, table = assert_alike.__code__, bytes(256)
    with pytest.raises(AttributeError, match="co_code"):
        _native.decoded(assert_alike, table, table, ())
    with pytest.raises(ValueError, match="256 opcodes"):
        _native.decoded(code, table[1:], table, ())
    with pytest.raises(ValueError, match="256 letters"):
        _native.add_names_read({}, code, b"", (), table[1:], (), None)
    with pytest.raises(ValueError, match="a value for each"):
        _native.add_names_read({}, code, b"\0", (), table, (), None)


@pytest.mark.skipif(not _DECODED, reason="this version goes by way of dis")
def test_a_version_that_is_not_known_goes_by_way_of_dis(monkeypatch):
    code = argparse.ArgumentParser.parse_known_args.__code__
    decoded = instructions.steps_of(code)
    monkeypatch.setattr(instructions, "_IS_KNOWN", False)
    assert [step.opname for step in instructions.steps_of(code)] == [s.opname for s in decoded]
