"""Gradients of reduced maps by arrays that rows share: which numbers, of which kinds, in which order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pygrad import Value, compile, value_and_grad, vmap
from pygrad.programs.rows_program import in_a_row


def loss(w: Any, x: Any, b: Any) -> Any:
    return sum(a * a * x for a in w.ravel().tolist()) + b[0] * b[1] * x


X = np.linspace(0.5, 2.0, 12)
FLAT = np.array([1.0, -2.0, 3.0, 0.5])
ARRAYS = [
    FLAT,
    FLAT.astype(np.float32),
    FLAT.reshape(2, 2),
    np.asfortranarray(FLAT.reshape(2, 2)),
    FLAT[::-1],
]


@pytest.mark.parametrize("w", ARRAYS)
@pytest.mark.parametrize("by", [(0, 2), (2, 0), 0, 2])
def test_each_has_its_own_derivative(w: Any, by: Any) -> None:
    b = [0.25, 4.0]
    total = compile(value_and_grad(vmap(loss, in_axes=(None, 0, None), reduce="sum"), argnums=by))
    slopes = {0: 2.0 * w * X.sum(), 2: [b[1] * X.sum(), b[0] * X.sum()]}
    for _ in range(2):
        value, found = total(w, X, b)
        assert value == pytest.approx(
            float((w.astype(float) ** 2).sum() + 1.0) * X.sum(), rel=1e-13
        )
        for k, slope in [(by, found)] if isinstance(by, int) else zip(by, found, strict=True):
            np.testing.assert_allclose(slope, slopes[k], rtol=1e-13)


def test_arrays_beside_values_leave_values_where_they_are() -> None:
    w, scale = np.array([1.0, 2.0]), Value(3.0)
    total = vmap(lambda w, s, x: w[0] * w[1] * s * s * x, in_axes=(None, None, 0), reduce="sum")
    total(w, scale, X).backward()
    assert scale.grad == pytest.approx(12.0 * X.sum(), rel=1e-13)


def test_places_side_by_side_are_a_range() -> None:
    assert in_a_row([range(2, 4), range(4, 7)]) == range(2, 7) == in_a_row([[2, 3, 4, 5, 6]])
    assert in_a_row([range(4, 7), range(2, 4)]) == (4, 5, 6, 2, 3) == in_a_row([(4, 5, 6, 2, 3)])
    assert in_a_row([]) == in_a_row([range(3, 3)]) == in_a_row([[]]) == ()
    assert in_a_row([[5]]) == range(5, 6)
