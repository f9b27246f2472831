"""The texts that follow from others: from the op table words of rules, lists in the stubs, tables in the
docs; from the table of pygrad's names their imports for type checkers; from csrc/pygrad.h cffi's stub; from
the tutorial its exercises as notebooks.

The op table is read from csrc/ops.def as it stands in the checkout, so one build is enough after a change:
edit, derive, build. In each file the derived part stands between a line with ``derived: NAME`` and one with
``derived: end``; a notebook is derived as a whole.

    python tools/derive.py --write .     rewrite those parts under the given checkout
    python tools/derive.py --check .     say which are stale; exit code 1 if any is
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import exercises
import javascript
from cffi import FFI
from optable import table_of

from pygrad.core.ops import Op
from pygrad.seeing.notation import readable

# -- the parts ------------------------------------------------------------------------------------


def algebra_words(root: Path) -> str:
    """The words that rules are written in, for csrc/ops/algebra.h."""
    lines = []
    for op in table_of(root):
        operands = ", ".join("abc"[: op.arity])
        for name in () if op.has_constant else (op.name, *op.aliases):
            call = f"CALL{op.arity}({op.name}, {operands})"
            lines.append(f"#define {name.upper()}({operands}) {call}")
    return "\n".join(lines) + "\n"


def scalar_functions(root: Path) -> str:
    """The functions of csrc/ops/scalar.h, gamma.h and normal.h, for the explorer's page."""
    header = "".join(
        (root / "csrc" / "ops" / name).read_text(encoding="utf-8")
        for name in ("scalar.h", "gamma.h", "normal.h")
    )
    return "\n".join(map(javascript.transliterated, javascript.function_texts(header)))


def docs_table(root: Path) -> str:
    """The table of public ops."""
    rows = [
        (
            ", ".join(_code(name) for name in (op.name, *op.aliases)),
            _code("**n" if op.has_constant else op.symbol),
            _code(op.forward),
            "; ".join(_code(readable(slope)) for slope in op.slopes),
            op.doc,
        )
        for op in table_of(root)
        if op.is_public
    ]
    return _markdown(("op", "`_op`", "forward", "slope by each operand", "what it is"), rows)


def docs_words(root: Path) -> str:
    """The table of ops that only slopes use."""
    table = table_of(root)
    rows = [(_code(op.name), _code(op.forward), op.doc) for op in table if not op.is_public]
    return _markdown(("word", "forward", "what it is"), rows)


def _code(text: str) -> str:
    return "`" + text.replace("|", r"\|") + "`"


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def value_methods(root: Path) -> str:
    """Methods of Value, for pygrad/_native.pyi."""
    lines = []
    for op in table_of(root):
        if op.is_public and not op.has_constant:
            types = ["", *[_operand_type(op)] * (op.arity - 1)]
            for name in (op.name, *op.aliases):
                lines += [
                    f"    def {name}({_arguments(op, 'self', types)}) -> Value:",
                    f'        """{_doc(op, name)}"""',
                ]
    return "\n".join(lines) + "\n"


def math_functions(root: Path) -> str:
    """Functions of pygrad.math, for pygrad/math.pyi; those it writes itself are left out."""
    written = _written_in_math(root)
    lines = []
    for op in table_of(root):
        for name in (op.name, *op.aliases):
            if op.is_public and name not in written:
                for types, result in _overloads(op):
                    arguments = _arguments(op, "x", types)
                    lines += ["@overload", _head(f"def {name}", arguments, f"{result}: ...")]
                lines[-1] = lines[-1].removesuffix(" ...")
                lines += [f'    """{_doc(op, name)}"""', ""]
    return "\n".join(lines) + "\n"


# Names of the standard math module that CPython 3.10 does not have yet, and since when it has.
_SINCE = {"cbrt": (3, 11), "exp2": (3, 11), "sumprod": (3, 12), "fma": (3, 13)}


def math_imports(root: Path) -> str:
    """What pygrad.math takes from the standard module as it is, for pygrad/math.pyi."""
    names = [name for name in dir(math) if name[0] != "_" and name not in _SINCE]
    taken = [name for name in names if name not in _own_names(root)]
    return "".join(f"from math import {name} as {name}\n" for name in taken) + "\n"


def math_imports_of_later_versions(root: Path) -> str:
    """The same for what has come after CPython 3.10."""
    return "".join(
        f"if sys.version_info >= {version}:\n    from math import {name} as {name}\n"
        for name, version in _SINCE.items()
        if name not in _own_names(root)
    )


def _own_names(root: Path) -> set[str]:
    """The ops, their second names, and what pygrad/math.py defines."""
    ops = [op for op in table_of(root) if op.is_public]
    return {name for op in ops for name in (op.name, *op.aliases)} | _written_in_math(root)


def _written_in_math(root: Path) -> set[str]:
    module = ast.parse((root / "pygrad" / "math.py").read_text(encoding="utf-8"))
    functions = {node.name for node in module.body if isinstance(node, ast.FunctionDef)}
    assigned = [node.targets[0] for node in module.body if isinstance(node, ast.Assign)]
    return functions | {target.id for target in assigned if isinstance(target, ast.Name)}


def _head(start: str, arguments: str, end: str) -> str:
    """The first line of a function, or the lines into which the formatter would break it."""
    line = f"{start}({arguments}) -> {end}"
    if len(line.removesuffix(" ...")) <= 100:
        return line
    indent = re.match(" *", start)[0]  # type: ignore[index]
    return f"{start}(\n{indent}    {arguments}\n{indent}) -> {end}"


def _doc(op: Op, name: str) -> str:
    return op.doc if name == op.name else f"Same as {op.name}."


def _operand_type(op: Op) -> str:
    return "_Operand | None" if op.name == "clip" else "_Operand"


def _overloads(op: Op) -> Iterator[tuple[list[str], str]]:
    """Types of the arguments and of the result: a Value anywhere gives one, numbers alone a number."""
    number = "SupportsFloat"
    if op.has_constant:
        yield ["Value", number], "Value"
        yield [number, number], "float"
        return
    optional = f"{number} | None" if op.name == "clip" else number
    numbers = [number] + [optional] * (op.arity - 1)
    for i in range(op.arity):
        yield [*numbers[:i], "Value", *[_operand_type(op)] * (op.arity - i - 1)], "Value"
    # floor and its kin give whole numbers, as the standard math has it.
    yield numbers, "int" if op.name in {"floor", "ceil", "trunc"} else "float"


def _arguments(op: Op, first: str, types: Sequence[str]) -> str:
    """The operands of an op's function or method, with types; "" for self."""
    if op.name == "clip":  # pygrad/value.py gives it names and defaults
        names, end = ["x", "lo", "hi"], ""
    else:
        names, end = [first, "n" if op.has_constant else "y", "w"], ", /"
    arguments = []
    for i, (name, kind) in enumerate(zip(names[: len(types)], types, strict=True)):
        text = f"{name}: {kind}" if kind else name
        has_default = not end and i > 0 and all("None" in later for later in types[i:])
        arguments.append(text + " = None" * has_default)
    return ", ".join(arguments) + end


def core_functions(root: Path) -> str:
    """What cffi's door offers, for pygrad/_core.pyi."""
    ffi, text = FFI(), _script(root / "build.py").cdef()
    ffi.cdef(text)
    text = re.sub(r"/\*.*?\*/|\{.*?\}", "", text, flags=re.DOTALL)
    lines = {name: f"    {name}: int" for name in re.findall(r"#define (\w+)", text)}
    for result, name, operands in re.findall(r"([\w ]+[ *]+)(\w+)\(([^;]*)\);", text):
        kind = ffi.typeof(f"{result}(*)({operands})")
        letters = "abcdefgh"[: len(kind.args)]
        arguments = "".join(
            f", {letter}: {_python_type(arg)}"
            for letter, arg in zip(letters, kind.args, strict=True)
        )
        slash = ", /" if letters else ""
        lines[name] = f"    def {name}(self{arguments}{slash}) -> {_python_type(kind.result)}: ..."
    return "".join(f"{lines[name]}\n" for name in sorted(lines))


def imports_of_names(root: Path) -> str:
    """The names of pygrad/__init__.py's table, for tools that read and do not run."""
    module = ast.parse((root / "pygrad" / "__init__.py").read_text(encoding="utf-8"))
    (table,) = (
        ast.literal_eval(node.value)
        for node in module.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_PLACES"
    )
    # In the linter's order: by module, and of one module classes before functions.
    places = sorted((place, name.islower(), name) for name, place in table.items())
    return "".join(
        f"    from {'.'.join(['pygrad', place]).rstrip('.')} import {name} as {name}\n"
        for place, _, name in places
    )


def _script(path: Path) -> Any:
    """A Python file as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _python_type(kind: Any) -> str:
    if kind.kind == "void":
        return "None"
    if kind.kind == "primitive":
        return "float" if kind.cname in {"double", "float"} else "int"
    return "Any"


Part = Callable[[Path], str]

PARTS: dict[str, dict[str, Part]] = {
    "pygrad/__init__.py": {"names": imports_of_names},
    "csrc/ops/algebra.h": {"words": algebra_words},
    "docs/ops.md": {"ops": docs_table, "words": docs_words},
    "pygrad/_native.pyi": {"methods": value_methods},
    "pygrad/math.pyi": {
        "standard": math_imports,
        "later": math_imports_of_later_versions,
        "functions": math_functions,
    },
    "pygrad/_core.pyi": {"functions": core_functions},
    "pygrad/seeing/page/numbers.js": {"scalar.h": scalar_functions},
}

WHOLE: dict[str, Part] = {
    "docs/notebooks/exercises.ipynb": exercises.questions,
    "docs/notebooks/answers.ipynb": exercises.answers,
}

# What they are made from, besides the marks in the files themselves; a pattern stands for several.
SOURCES = [
    "csrc/ops.def",
    "csrc/ops/scalar.h",
    "csrc/ops/gamma.h",
    "csrc/ops/normal.h",
    "csrc/pygrad.h",
    "pygrad/math.py",
    "build.py",
    "docs/tutorial/*.md",
]


# -- files ----------------------------------------------------------------------------------------


def renewed(text: str, parts: dict[str, Part], root: Path) -> str:
    """The text with each of its derived parts replaced by what the checkout says.

    Raises:
        ValueError: a part has lost its marks.

    >>> renewed("# derived: x\\nold\\n# derived: end\\n", {"x": lambda root: "new\\n"}, Path())
    '# derived: x\\nnew\\n# derived: end\\n'
    """
    for name, part in parts.items():
        start = rf"^[^\n]*derived: {re.escape(name)}\b[^\n]*\n"
        between = re.compile(rf"({start}).*?(^[^\n]*derived: end)", re.DOTALL | re.MULTILINE)
        replacement = part(root)
        text, count = between.subn(lambda m, new=replacement: m[1] + new + m[2], text)  # type: ignore[misc]
        if count != 1:
            raise ValueError(f"{count} parts are marked 'derived: {name}', there should be one")
    return text


def stale(root: Path) -> dict[Path, str]:
    """Files under root whose derived parts are not what they follow from says, with the right text."""
    files = {}
    for path, parts in PARTS.items():
        text = (root / path).read_text(encoding="utf-8")
        new = renewed(text, parts, root)
        if new != text:
            files[root / path] = new
    for path, whole in WHOLE.items():
        file, new = root / path, whole(root)
        if not file.exists() or file.read_text(encoding="utf-8") != new:
            files[file] = new
    return files


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python tools/derive.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", type=Path, metavar="ROOT", help="rewrite under this checkout")
    action.add_argument("--check", type=Path, metavar="ROOT", help="check under this checkout")
    arguments = parser.parse_args(argv)
    found = stale(arguments.write or arguments.check)
    for path, text in found.items():
        if arguments.write:
            path.write_text(text, encoding="utf-8")
        print(f"{'written' if arguments.write else 'stale'}: {path}")
    return 1 if found and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
