"""What pyproject.toml cannot say: the cffi module, a header, the wheel's tag; where and how to compile.

Without a C compiler the package is installed without its extension, and runs on its reference
(pygrad/core/implementation.py). The one reason for that is a toolchain that cannot compile three lines of
its own: whatever fails afterwards is a mistake of ours and ends the build.

The C is GNU's, for GCC and Clang. On Windows, whose own compiler is neither, it is compiled by the Clang of
ziglang, a package that building requires there (pyproject.toml). Environment variables:

    PYGRAD_REQUIRE_COMPILED=1   a missing compiler is an error too
    PYGRAD_PURE=1               no extension, whatever compiler there is: a wheel for Pyodide
    PYGRAD_COVERAGE=1           objects and what they count stay in build/coverage (see noxfile.py)
"""

import atexit
import os
import runpy
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

# After setuptools, whose own distutils this then is.
from distutils.ccompiler import new_compiler  # isort: skip
from distutils.errors import CCompilerError, DistutilsError, DistutilsPlatformError  # isort: skip
from distutils.sysconfig import customize_compiler  # isort: skip

ON_WINDOWS = sys.platform == "win32"
# Without backslashes: CC is split as by a shell.
ZIG = [Path(sys.executable).as_posix(), "-m", "ziglang"]

PROBE = """
#include <Python.h>
#include <math.h>
typedef double pair __attribute__((vector_size(16)));
double probe(PyObject *x) { return ((pair){floor(PyFloat_AsDouble(x)), 0.0})[0]; }
"""


def say(text: str) -> None:
    print(f"pygrad: {text}", file=sys.stderr, flush=True)


# -- if at all ------------------------------------------------------------------------------------


def c_compiler():
    """The compiler that the machine is set up with; on Windows Zig's Clang, as one of GNU's kind.

    Raises:
        CCompilerError, DistutilsError, OSError, subprocess.SubprocessError: there is none.
    """
    if ON_WINDOWS:
        if sysconfig.get_platform() != "win-amd64":
            raise DistutilsPlatformError(f"nothing was tried on {sysconfig.get_platform()}")
        os.environ["CC"] = shlex.join([*ZIG, "cc", "-target", "x86_64-windows-gnu"])
        return new_compiler(compiler="mingw32")
    compiler = new_compiler()
    customize_compiler(compiler)
    return compiler


def can_compile() -> bool:
    """Whether there is a compiler, with the headers of C and Python."""
    with tempfile.TemporaryDirectory(prefix="pygrad-probe-") as folder:
        source = Path(folder, "probe.c")
        source.write_text(PROBE, encoding="utf-8")
        places = {sysconfig.get_path(name) for name in ("include", "platinclude")}
        try:
            c_compiler().compile([str(source)], output_dir=folder, include_dirs=sorted(places))
        except (CCompilerError, DistutilsError, OSError, subprocess.SubprocessError) as error:
            say(f"no C compiler works here: {error}")
            return False
    return True


def extension() -> list[str]:
    """What cffi is to build."""
    required = os.environ.get("PYGRAD_REQUIRE_COMPILED")
    if os.environ.get("PYGRAD_PURE"):
        if required:
            raise SystemExit("pygrad: PYGRAD_PURE and PYGRAD_REQUIRE_COMPILED exclude each other")
        say("builds without its C extension, as PYGRAD_PURE is set")
        return []
    if can_compile():
        return ["build.py:make_ffi"]
    if required:
        raise SystemExit("pygrad: PYGRAD_REQUIRE_COMPILED is set, and no C compiler works here")
    say("installs without its C extension; it will run on its pure-Python reference")
    return []


# -- what else ------------------------------------------------------------------------------------

# What is copied, to where: pygrad.c_code puts functions of these headers into the C that it writes.
HEADERS = {
    f"csrc/ops/{name}": f"pygrad/c_code/{name}" for name in ("scalar.h", "gamma.h", "normal.h")
}


class BuildPy(build_py):
    """Modules, and the headers."""

    def run(self) -> None:
        super().run()
        for source, name in HEADERS.items():
            self.copy_file(source, name if self.editable_mode else f"{self.build_lib}/{name}")

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        copied = [f"{self.build_lib}/{name}" for name in HEADERS.values()]
        return [*super().get_outputs(include_bytecode), *copied]


# -- how ------------------------------------------------------------------------------------------


class BuildChanged(build_ext):
    """Compiles on all cores, and of what an earlier build has left in its folder only what has changed."""

    def build_extensions(self) -> None:
        self.force = True  # go through the files, whatever the shared object's age
        self.compiler.compile = self._compile_changed
        for one in self.extensions:
            one.extra_compile_args = [*flags_of(is_clang(self.compiler)), *one.extra_compile_args]
        super().build_extensions()

    def build_extension(self, ext) -> None:
        if ON_WINDOWS:
            ext.extra_objects = [self._windows_math()]
        super().build_extension(ext)
        for left in Path(self.get_ext_fullpath(ext.name)).parent.glob("*.lib"):
            left.unlink()  # for who would link with the extension

    def _windows_math(self) -> str:
        """A library to link with the C library's mathematics, before Zig puts its own in its place."""
        library = os.path.join(self.build_temp, "ucrt.lib")
        self.spawn([*ZIG, "dlltool", "-m", "i386:x86-64", "-d", "csrc/ucrt.def", "-l", library])
        return library

    def get_libraries(self, ext) -> list[str]:
        """On Windows an extension is linked with Python's library: that of all versions, if it may."""
        if ON_WINDOWS and ext.py_limited_api:
            return [*ext.libraries, "python3"]
        return super().get_libraries(ext)

    def copy_extensions_to_source(self) -> None:
        """In place, so that a developer's build is one command."""
        super().copy_extensions_to_source()
        for source, name in HEADERS.items():
            self.copy_file(source, name)

    def _compile_changed(
        self,
        sources,
        output_dir=None,
        macros=None,
        include_dirs=None,
        debug=0,
        extra_preargs=None,
        extra_postargs=None,
        depends=None,
    ) -> list[str]:
        """In the place of the compiler's method `compile`."""
        began = time.monotonic()
        compiler = self.compiler
        _, objects, after, defines, pairs = compiler._setup_compile(
            output_dir, macros, include_dirs, sources, depends, extra_postargs
        )
        before = compiler._get_cc_args(defines, debug, extra_preargs)
        # Without the folders of headers, which differ between virtual environments: see is_current.
        flags = [f for f in [*compiler.compiler_so, *before, *after] if not f.startswith("-I")]
        command = shlex.join(flags)
        changed = [name for name in objects if not is_current(name, command)]

        def compile_one(name: str) -> None:
            source, suffix = pairs[name]
            record = Path(name + ".command")
            record.write_text(command, encoding="utf-8")
            try:
                asked = [*after, "-MMD", "-MF", name + ".d"]
                compiler._compile(name, source, suffix, before, asked, defines)
            except BaseException:
                record.unlink()
                raise

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(compile_one, changed))
        names = sorted(Path(pairs[name][0]).name for name in changed)
        listed = ": " + " ".join(names) if 0 < len(names) < len(objects) else ""
        took = time.monotonic() - began
        say(f"compiled {len(names)} of {len(objects)} files in {took:.1f} s{listed}")
        return objects


def is_clang(compiler) -> bool:
    """Whether it is, whatever its name."""
    asked = [*compiler.compiler_so, "--version"]
    return "clang" in subprocess.run(asked, capture_output=True, text=True, check=True).stdout


def is_current(name: str, command: str) -> bool:
    """Whether an object was made by this command, from files that have not changed since it was begun."""
    record = Path(name + ".command")
    try:
        rule = Path(name + ".d").read_text(encoding="utf-8").replace("\\\n", " ")
        rule = rule.replace("\\", "/") if ON_WINDOWS else rule
        begun = record.stat().st_mtime_ns
        made_from = shlex.split(rule.partition(": ")[2])
        return (
            record.read_text(encoding="utf-8") == command
            and os.path.exists(name)
            and all(os.stat(file).st_mtime_ns < begun for file in made_from)
        )
    except OSError:
        return False


# -- where ----------------------------------------------------------------------------------------


def build_folder() -> str:
    """A build for an installation starts from nothing, in a folder that is gone afterwards.

    In ./build, setuptools would reuse what an older build has left: a module that is gone from the source.
    A developer's build in place has modules from the source itself, and keeps its objects.
    """
    if os.environ.get("PYGRAD_COVERAGE"):
        return os.path.join("build", "coverage")
    if "editable_wheel" in sys.argv or "--inplace" in sys.argv:
        return "build"
    scratch = tempfile.mkdtemp(prefix="pygrad-build-")
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    return scratch


# A source package needs no compiler, nor does asking for metadata.
BUILDS = {"build", "build_ext", "bdist_wheel", "editable_wheel", "develop", "install"}
options: dict[str, dict[str, str]] = {"build": {"build_base": build_folder()}}
if ON_WINDOWS:
    options["build_ext"] = {"compiler": "mingw32"}
modules = [] if BUILDS.isdisjoint(sys.argv) else extension()
script = runpy.run_path("build.py")  # not by its name, by which Python may find PyPA's build
flags_of = script["flags_of"]
if modules and script["LIMITED_API"]:
    options["bdist_wheel"] = {"py_limited_api": "cp310"}

commands = {"build_ext": BuildChanged, "build_py": BuildPy}
setup(cffi_modules=modules, cmdclass=commands, options=options)
