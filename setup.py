"""Only what pyproject.toml cannot say: the cffi module, the wheel's tag, and where to build."""

import atexit
import shutil
import sysconfig
import tempfile

from setuptools import setup

# Every build starts from nothing. In ./build, setuptools would reuse what an older build has left: an
# extension made with other flags, a module that is gone from the source.
scratch = tempfile.mkdtemp(prefix="pygrad-build-")
atexit.register(shutil.rmtree, scratch, ignore_errors=True)

options: dict[str, dict[str, str]] = {"build": {"build_base": scratch}}
# The limited API is not to be had in a free-threaded build; everywhere else one wheel serves all versions.
if not sysconfig.get_config_var("Py_GIL_DISABLED"):
    options["bdist_wheel"] = {"py_limited_api": "cp310"}

setup(cffi_modules=["build.py:make_ffi"], options=options)
