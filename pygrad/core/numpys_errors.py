"""Cures for errors that others raise of Values: NumPy of arrays with some, and what takes floats alone."""

from __future__ import annotations

import re
import struct

from pygrad.core.callers import is_numpys, raised_at
from pygrad.core.implementation import OF_VALUE

# Of plain arrays of objects NumPy asks items, or nobody.
_OF_OBJECTS = re.compile(
    r"loop of ufunc does not support argument \d+ of type (float|int|numpy\.\S+) which has no callable "
    r"|Cannot cast ufunc '\w+' input( \d+)? from dtype\('O'\)"
    r"|Cannot cast array data from dtype\('O'\)"
    r"|ufunc '\w+' not supported for the input types"
    r"|'pygrad\.Value' object has no attribute 'dtype'"
    r"|'(float|int)' object has no attribute '(arctan2|fmod|hypot|logical_xor)'"
)
_CURE = (
    "an array that np.array or np.asarray has made of Values is one of objects, where NumPy asks nobody. "
    "Write `import pygrad.numpy as np` in the place of `import numpy as np`, or lift the function with "
    "pygrad.lift"
)

# What it says of objects within its own functions, and others of their own things.
_WITHIN_NUMPY = re.compile(r"'(float|int)' object has no attribute 'shape'")

_OF_DIGITS = re.compile(
    r"conversion from pygrad\.\w+ to Decimal"
    r"|unsupported operand type\(s\) for .*'decimal\.Decimal' and 'pygrad\.\w+'"
    r"|unsupported operand type\(s\) for .*'pygrad\.\w+' and 'decimal\.Decimal'"
    r"|argument should be a string or a Rational instance"
    r"|both arguments should be Rational instances"
)
CURE_OF_DIGITS = (
    "decimals and fractions hold digits and no derivative, so a Value does not become one: compute with it "
    "as with a float, or with v.data, a number without derivative"
)
_OF_INDICES = re.compile(
    r"only integers, slices \(`:`\), ellipsis"
    r"|arrays used as indices must be of integer"
    r"|only integer scalar arrays can be converted to a scalar index"
    r"|(list|tuple|string) indices must be integers or slices, not (\w*Array\b|numpy\.ndarray)"
)
_CURE_OF_INDICES = (
    "numbers and arrays that a transform or a program is given are Values, and no indices by themselves. "
    "Write a[int(i)], which a program asks anew at each call, or np.take(a, i), which makes no path of "
    "its own; or keep the index out of what is differentiated: compile by static_argnums, vmap by "
    "in_axes=None and closing over it"
)
_OF_BYTES = re.compile(
    r"required argument is not (a float|an integer)"
    r"|Object of type \w+ is not JSON serializable"
    r"|unsupported type for timedelta \w+ component"
    r"|The only supported seed types are"
    r"|argument must be int or float"
    r"|Fraction\.from_float\(\) only takes floats"
    r"|descriptor '\w+' (for 'float' objects doesn't apply|requires a 'float' object but)"
)
_CURE_OF_BYTES = (
    "this takes plain numbers alone, and gives what has no derivative. If it was given a Value, v.data is "
    "its number outside of programs; what is computed from that, or read again from a text or bytes, "
    "does not depend on the Value"
)
_OF_COMPLEX = re.compile(
    r"unsupported operand type\(s\) for .*('pygrad\.\w+' and 'complex'|'complex' and 'pygrad\.\w+')"
)
CURE_OF_COMPLEX = (
    "Values are real numbers: compute with the real and the imaginary part, as two of them"
)
_OF_BITS = re.compile(r"unsupported operand type\(s\) for (&|\||\^|<<|>>)=?: .*'pygrad\.Value'")
_CURE_OF_BITS = (
    "bits are those of ints, and math.floor(v) of a Value is a Value. Write int(v), the whole number, or "
    "lift the function with pygrad.lift; of a method of a package's object lift the package, and make the "
    "object there"
)
_OF_OTHER_ARRAYS = re.compile(r"operand type\(s\) all returned NotImplemented from __array_ufunc__")
_CURE_OF_OTHER_ARRAYS = (
    "a class of arrays with rules of its own, of units say, does not take Values: compute with its plain "
    "numbers (array.value, array.magnitude)"
)
_OF_COMPILED = re.compile(
    r"[\w ]+ object expected; got pygrad\.\w+"
    r"|(.|\n)*incompatible function arguments(.|\n)*Invoked with: (.|\n)*Value\("
    r"|Result from function call is not a proper array of floats"
    r"|object arrays are not supported"
    r"|input type 'object' not supported"
    r"|array type dtype\('O'\) not supported"
)
_CURE_OF_COMPILED = (
    "this is compiled code, which takes plain numbers, and no Value gets through. pygrad.scipy has solvers "
    "with exact derivatives, and those of scipy.optimize take Values in code that is lifted; of other "
    "functions state the derivatives, Value(data, children, local_grads). numpy.linalg takes arrays of "
    "Values, where scipy.linalg does not"
)
_OF_SPARSE = re.compile(r"scipy\.sparse does not support dtype object")
_CURE_OF_SPARSE = (
    "sparse matrices of SciPy hold plain numbers. Arrays of objects hold Values, which numpy.linalg takes "
    "(of packages that have a switch for it: sparse=False)"
)
_OF_TABLES = re.compile(r"Could not convert (.|\n)*Value\((.|\n)* to numeric")
_CURE_OF_TABLES = (
    "pandas asks its columns of objects for floats here. Sums, products and .apply() of such a column take "
    "Values; of the rest make an array, pygrad.numpy.array(list(column)), and compute with that"
)
_CURES = (
    (_OF_SPARSE, _CURE_OF_SPARSE),
    (_OF_TABLES, _CURE_OF_TABLES),
    (_OF_OTHER_ARRAYS, _CURE_OF_OTHER_ARRAYS),
    (_OF_COMPILED, _CURE_OF_COMPILED),
    (_OF_OBJECTS, _CURE),
    (_OF_DIGITS, CURE_OF_DIGITS),
    (_OF_INDICES, _CURE_OF_INDICES),
    (_OF_BYTES, _CURE_OF_BYTES),
    (_OF_COMPLEX, CURE_OF_COMPLEX),
    (_OF_BITS, _CURE_OF_BITS),
)
MAY_BE = (  # what has a cure
    TypeError,
    ValueError,
    AttributeError,
    IndexError,
    RuntimeError,
    NotImplementedError,
    struct.error,
)


def raise_with_cure(error: Exception) -> None:
    """Raises one that says more if the error is one that others raise of Values.

    Whoever handles the error holds it in no other name: it would be in a cycle with its traceback.
    """
    if (
        not (isinstance(error, MAY_BE) or type(error).__name__ == "error")
        or getattr(error, OF_VALUE, None) is not None
    ):
        return
    text = str(error)
    cure = next((cure for pattern, cure in _CURES if pattern.match(text)), None)
    if cure is None and _WITHIN_NUMPY.match(text) and _is_raised_in_numpy(error):
        cure = _CURE
    if cure is not None and cure not in text:
        made = type(error) if type(error) in {*MAY_BE} else TypeError
        raise made(f"{text.rstrip()}: {cure}") from error


def _is_raised_in_numpy(error: Exception) -> bool:
    at = raised_at(error)
    return at is not None and is_numpys(at.tb_frame.f_code.co_filename)
