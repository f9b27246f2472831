"""A Value whose __init__ never ran, or failed, says so whatever is done with it."""

from __future__ import annotations

import pytest

UNBUILT = {
    "data": lambda impl, v: v.data,
    "grad": lambda impl, v: v.grad,
    "set data": lambda impl, v: setattr(v, "data", 1.0),
    "set grad": lambda impl, v: setattr(v, "grad", 1.0),
    "set _backward": lambda impl, v: setattr(v, "_backward", print),
    "local_derivatives": lambda impl, v: v.local_derivatives,
    "backward": lambda impl, v: v.backward(),
    "+": lambda impl, v: v + 1,
    "reflected +": lambda impl, v: 1 + v,
    "both +": lambda impl, v: v + v,
    "other +": lambda impl, v: impl.Value(1.0) + v,
    "/": lambda impl, v: 1 / v,
    "**": lambda impl, v: v**2,
    "** -1": lambda impl, v: v**-1,
    "-": lambda impl, v: -v,
    "unary +": lambda impl, v: +v,
    "abs": lambda impl, v: abs(v),
    "round": lambda impl, v: round(v),
    "bool": lambda impl, v: bool(v),
    "<": lambda impl, v: v < 1,
    "reflected <": lambda impl, v: impl.Value(1.0) < v,
    "== number": lambda impl, v: v == 1,
    "exp": lambda impl, v: v.exp(),
    "log": lambda impl, v: v.log(),
    "atan2": lambda impl, v: impl.FUNCTIONS["atan2"](1.0, v),
    "where": lambda impl, v: impl.FUNCTIONS["where"](1.0, v, 2.0),
    "clip": lambda impl, v: impl.Value(1.0).clip(v, 2.0),
    "child": lambda impl, v: impl.Value(1.0, (v,), "op"),
    "local grad": lambda impl, v: impl.Value(1.0, (impl.Value(1.0),), (v,)),
    "sum": lambda impl, v: impl.sum([impl.Value(1.0), v]),
    "sum start": lambda impl, v: impl.sum([impl.Value(1.0)], v),
    "dot": lambda impl, v: impl.dot([v], [1.0]),
    "dot bias": lambda impl, v: impl.dot([1.0], [1.0], v),
    "zero_grad": lambda impl, v: impl.zero_grad(v),
    "zero_grad list": lambda impl, v: impl.zero_grad([v]),
    "Parameters": lambda impl, v: impl.Parameters([v]),
    "copy": lambda impl, v: v.__copy__(),
    "deepcopy": lambda impl, v: v.__deepcopy__({}),
    "pickle": lambda impl, v: v.__reduce_ex__(2),
    "format": lambda impl, v: format(v, ".2f"),
}  # fmt: skip


@pytest.mark.parametrize("detached", [False, True], ids=["recording", "no_grad"])
@pytest.mark.parametrize("use", UNBUILT)
def test_a_value_never_initialised_says_so_whatever_is_done_with_it(impl, use, detached):
    class Forgetful(impl.Value):
        def __init__(self):
            pass

    for v in (impl.Value.__new__(impl.Value), Forgetful()):
        with pytest.raises(RuntimeError, match=r"never initialised.*__init__"):
            if detached:
                with impl.no_grad():
                    UNBUILT[use](impl, v)
            else:
                UNBUILT[use](impl, v)


def test_a_value_never_initialised_can_be_printed_and_hashed(impl):
    v = impl.Value.__new__(impl.Value)
    assert "initialised" in repr(v)
    assert len({v}) == 1


def test_a_value_whose_init_failed_is_as_if_never_initialised(impl):
    v = impl.Value.__new__(impl.Value)
    with pytest.raises(TypeError):
        v.__init__("x")
    with pytest.raises(TypeError):
        v.__init__(1.0, (5,))
    with pytest.raises(RuntimeError, match="never initialised"):
        _ = v.data
    v.__init__(2.0)
    assert v.data == 2.0
