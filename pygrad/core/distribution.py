"""Under which name the package is installed, and what a text recommends where a part of it is missing.

On PyPI the name of the import, ``pygrad``, belongs to another library. So no text writes a command by
hand: it asks `install`. (tests/package/test_distribution.py reads the whole checkout for it.)

>>> install("plot")
"pip install 'pygrad-core[plot]'"
>>> install("plot", "dask")
"pip install 'pygrad-core[plot,dask]'"
"""

from __future__ import annotations

import sys

NAME = "pygrad-core"


def install(*extras: str) -> str:
    """The command that installs the package with these of its optional libraries."""
    return f"pip install '{NAME}[{','.join(extras)}]'" if extras else f"pip install {NAME}"


# Where the extension is missing from an installed package: why, and what to do. No wheel made then may be
# used again where it can be built.
if sys.platform == "emscripten":
    CAUSE = "it is not built for browsers"
    REBUILD = f"run it in a Python outside the browser, where {install()} brings the extension"
elif sys.platform == "win32":
    CAUSE = "it is built for 64-bit x86, by PyPI's ziglang, or it was built pure (PYGRAD_PURE)"
    REBUILD = (
        "take a Python for 64-bit x86, then pip install . in a checkout, or "
        f"{install()} --force-reinstall --no-deps --no-cache-dir, which bring that compiler"
    )
else:
    CAUSE = (
        "no C compiler was found when it was installed, or not Python's headers, or it was built pure "
        "(PYGRAD_PURE)"
    )
    REBUILD = (
        "install a C compiler and Python's headers (on Debian and Ubuntu: apt install gcc python3-dev), "
        f"then pip install . in a checkout, or {install()} --force-reinstall --no-deps --no-cache-dir"
    )
