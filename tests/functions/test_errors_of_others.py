"""Errors that Python and NumPy raise of Values in a function name the cure, and keep their class."""

import datetime
import json
import math
import random
import struct
import sys
from fractions import Fraction

import numpy as np
import pytest
import scipy.linalg

from pygrad import compile, grad, lift, vmap

TABLE = np.arange(5.0)
INDICES = [
    lambda x: TABLE[x],
    lambda x: TABLE[np.array([x])],
    lambda x: TABLE[[x, x]],
    lambda x: np.ones((3, 3))[x, 0],
    lambda x: [x, 2 * x][np.array([x])],
]
PLAIN = [
    (struct.error, lambda x: struct.unpack("d", struct.pack("d", x))[0]),
    (TypeError, lambda x: json.loads(json.dumps([x]))[0]),
    (TypeError, lambda x: datetime.timedelta(seconds=x).total_seconds()),
    pytest.param(
        TypeError,
        lambda x: random.Random(x).random() * x,
        marks=pytest.mark.skipif(sys.version_info < (3, 11), reason="takes all that is hashed"),
    ),
    (TypeError, lambda x: float(Fraction.from_float(x))),
    (TypeError, lambda x: float.__add__(x, 1.0)),
]


@pytest.mark.parametrize("f", INDICES)
def test_indices(f):
    for call in (grad(f), compile(f), compile(grad(f)), lambda x: vmap(f)(np.array([x]))):
        with pytest.raises((IndexError, TypeError), match=r"no indices .*a\[int\(i\)\].*np\.take"):
            call(1.0)


def test_what_the_cure_for_indices_says_works():
    rows = np.array([3, 4])
    assert vmap(lambda x, i: x * TABLE[int(i)])(np.ones(2), rows).tolist() == [3.0, 4.0]
    assert vmap(lambda x, i: x * np.take(TABLE, i))(np.ones(2), rows).tolist() == [3.0, 4.0]
    assert compile(lambda a, i: np.take(a, i))(TABLE, rows).tolist() == [3.0, 4.0]


@pytest.mark.parametrize(("kind", "f"), PLAIN)
def test_what_takes_plain_numbers_alone(kind, f):
    for call in (grad(f), compile(f), lambda x: vmap(f)(np.array([x]))):
        with pytest.raises(kind, match=r"plain numbers alone.*v\.data"):
            call(1.5)


def test_complex_numbers():
    with pytest.raises(TypeError, match="the real and the imaginary part"):
        grad(lambda x: abs(x * 1j))(1.5)


def test_complex_numbers_of_lifted_code():
    f = lift(lambda x: abs(complex(x, 1.0)))
    assert f(1.5) == abs(complex(1.5, 1.0))
    with pytest.raises(TypeError, match=r"complex\(\) of a Value.*the real and the imaginary part"):
        grad(f)(1.5)


def test_bits():
    for f in (lambda x: math.floor(x) & 255, lambda x: 1 << math.floor(x)):
        with pytest.raises(TypeError, match=r"bits are those of ints.*int\(v\)"):
            grad(f)(1.5)
    assert grad(lambda x: x * (int(x) & 255))(3.5) == 3.0


def test_linear_algebra_of_scipy():
    with pytest.raises(ValueError, match=r"numpy\.linalg takes arrays of Values"):
        grad(lambda x: scipy.linalg.solve(np.array([[x]]), np.array([1.0]))[0])(2.0)
