"""C functions on doubles as JavaScript: csrc/ops/scalar.h, gamma.h and normal.h for the explorer's page.

The C has to keep to what both languages write alike, and to these few things, which are turned around:
declarations, comparisons for equality, casts, decimal points that nothing follows, frexp with its address,
and tables of constants. What it calls (fabs, frexp ...) page/numbers.js defines.
"""

from __future__ import annotations

import re

_TURNED = [
    # a function, a table, a declaration
    (r"\bvolatile ", ""),
    (r"^static inline double (\w+)\(([^)]*)\)\n\{", r"function \1(\2)\n{"),
    (r"static const double (\w+)\[\w*\] = \{([^}]*)\}", r"const \1 = [\2]"),
    (r"^( +)int (\w+);\n", r"\1let \2;\n"),
    (r"\bconst double ", "const "),
    (r"^( +)(?:double|int) (?=\w+ =)", r"\1let "),
    (r"\((?:double|int) (\w+) =", r"(let \1 ="),
    (r"\(double\)", ""),
    (r"\bdouble (?=\w+[,)])", ""),
    # a number and its exponent, which C writes where it is told to
    (r"\(void\)frexp\((.*), &(\w+)\);", r"[, \2] = frexp(\1);"),
    (r"(\w+) = frexp\((.*), &(\w+)\);", r"[\1, \3] = frexp(\2);"),
    # words
    (r"([^=!<>])(==|!=)(?!=)", r"\1\2="),
    (r"\bINFINITY\b", "Infinity"),
    (r"\bNAN\b", "NaN"),
    (r"\b(\d+)\.0\b(?!e)", r"\1"),
    (r"\n\{\n", " {\n"),
]


def function_texts(header: str) -> list[str]:
    """The functions of a header, each with the comment before it."""
    found = re.finditer(
        r"^(?:/\*(?:(?!\*/).)*\*/\n)?static inline double \w+\([^)]*\)\n\{\n.*?^\}\n",
        header,
        re.MULTILINE | re.DOTALL,
    )
    return [match[0] for match in found]


def transliterated(c: str) -> str:
    """C functions as JavaScript, line for line.

    >>> print(transliterated("static inline double twice(double x)\\n{\\n    return 2.0 * x;\\n}\\n"))
    function twice(x) {
        return 2 * x;
    }
    <BLANKLINE>
    """
    for pattern, replacement in _TURNED:
        c = re.sub(pattern, replacement, c, flags=re.MULTILINE)
    return c
