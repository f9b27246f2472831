"""Only what pyproject.toml cannot say: the cffi module, a header, the wheel's tag, and where to build."""

import atexit
import shutil
import sysconfig
import tempfile

from setuptools import setup
from setuptools.command.build_py import build_py

HEADER = "pygrad/c_code/scalar.h"


class BuildPy(build_py):
    """Modules and csrc/ops/scalar.h, which pygrad.c_code puts into the C that it writes."""

    def run(self) -> None:
        super().run()
        target = HEADER if self.editable_mode else f"{self.build_lib}/{HEADER}"
        self.copy_file("csrc/ops/scalar.h", target)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        return [*super().get_outputs(include_bytecode), f"{self.build_lib}/{HEADER}"]


# Every build starts from nothing. In ./build, setuptools would reuse what an older build has left: an
# extension made with other flags, a module that is gone from the source.
scratch = tempfile.mkdtemp(prefix="pygrad-build-")
atexit.register(shutil.rmtree, scratch, ignore_errors=True)

options: dict[str, dict[str, str]] = {"build": {"build_base": scratch}}
# The limited API is not to be had in a free-threaded build; everywhere else one wheel serves all versions.
if not sysconfig.get_config_var("Py_GIL_DISABLED"):
    options["bdist_wheel"] = {"py_limited_api": "cp310"}

setup(cffi_modules=["build.py:make_ffi"], cmdclass={"build_py": BuildPy}, options=options)
