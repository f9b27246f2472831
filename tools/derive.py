"""The texts that follow from the op table: lists in the stubs, the table in the README.

The compiled table (csrc/ops.def) is asked, so that no op is listed by hand anywhere. In each file
the derived part stands between a line with ``derived: NAME`` and one with ``derived: end``.

    python tools/derive.py --write .     rewrite those parts under the given checkout
    python tools/derive.py --check .     say which are stale; exit code 1 if any is
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pygrad import math
from pygrad._core import ffi, lib
from pygrad.core.implementation import FUNCTIONS, IMPLEMENTATION, Value
from pygrad.seeing.notation import Op, ops, readable

# -- the parts ------------------------------------------------------------------------------------


def readme_table() -> str:
    """The README's table of public ops."""
    rows = [
        (
            ", ".join(_code(name) for name in (op.name, *op.aliases)),
            _code("**n" if op.has_constant else op.symbol),
            _code(op.forward),
            "; ".join(_code(readable(slope)) for slope in op.slopes),
            op.doc,
        )
        for op in ops()
        if op.is_public
    ]
    return _markdown(("op", "`_op`", "forward", "slope by each operand", "what it is"), rows)


def readme_words() -> str:
    """The README's table of ops that only slopes use."""
    rows = [(_code(op.name), _code(op.forward), op.doc) for op in ops() if not op.is_public]
    return _markdown(("word", "forward", "what it is"), rows)


def _code(text: str) -> str:
    return "`" + text.replace("|", r"\|") + "`"


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def value_methods() -> str:
    """Methods of Value, for pygrad/_native.pyi."""
    lines = []
    for op in ops():
        if op.is_public and not op.has_constant:
            types = [None, *[_operand_type(op)] * (op.arity - 1)]
            for name in (op.name, *op.aliases):
                arguments = _arguments(getattr(Value, name), types)
                lines += [
                    f"    def {name}({arguments}) -> Value:",
                    f'        """{_doc(op, name)}"""',
                ]
    return "\n".join(lines) + "\n"


def math_functions() -> str:
    """Functions of pygrad.math, for pygrad/math.pyi; those it writes itself are left out."""
    lines = []
    for op in ops():
        for name in (op.name, *op.aliases):
            function = getattr(math, name) if op.is_public else None
            if function is not None and function is FUNCTIONS[name]:
                for types, result in _overloads(op):
                    arguments = _arguments(function, types)
                    lines += ["@overload", _head(f"def {name}", arguments, f"{result}: ...")]
                lines[-1] = lines[-1].removesuffix(" ...")
                lines += [f'    """{_doc(op, name)}"""', ""]
    return "\n".join(lines) + "\n"


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


def _arguments(function: Callable[..., Any], types: Sequence[str | None]) -> str:
    """The arguments that a function has at run time, with types; None for self."""
    arguments: list[str] = []
    parameters = list(inspect.signature(function).parameters.values())
    for i, (parameter, kind) in enumerate(zip(parameters, types, strict=True)):
        text = parameter.name if kind is None else f"{parameter.name}: {kind}"
        if parameter.default is None and all("None" in (later or "") for later in types[i:]):
            text += " = None"
        arguments.append(text)
        positional_only = parameter.kind is parameter.POSITIONAL_ONLY
        if positional_only and (
            i + 1 == len(parameters) or parameters[i + 1].kind is not parameter.POSITIONAL_ONLY
        ):
            arguments.append("/")
    return ", ".join(arguments)


def core_functions() -> str:
    """What cffi's door offers, for pygrad/_core.pyi."""
    lines = []
    for name in sorted(dir(lib)):
        offered = getattr(lib, name)
        if isinstance(offered, int):
            lines.append(f"    {name}: int")
            continue
        kind = ffi.typeof(offered)
        letters = "abcdef"[: len(kind.args)]
        arguments = "".join(
            f", {letter}: {_python_type(arg)}"
            for letter, arg in zip(letters, kind.args, strict=True)
        )
        slash = ", /" if letters else ""
        lines.append(f"    def {name}(self{arguments}{slash}) -> {_python_type(kind.result)}: ...")
    return "\n".join(lines) + "\n"


def _python_type(kind: Any) -> str:
    if kind.kind == "void":
        return "None"
    if kind.kind == "primitive":
        return "float" if kind.cname in {"double", "float"} else "int"
    return "Any"


PARTS: dict[str, dict[str, Callable[[], str]]] = {
    "docs/ops.md": {"ops": readme_table, "words": readme_words},
    "pygrad/_native.pyi": {"methods": value_methods},
    "pygrad/math.pyi": {"functions": math_functions},
    "pygrad/_core.pyi": {"functions": core_functions},
}

# Parts that are another file's text, as a string: the file, under the root.
COPIES: dict[str, dict[str, str]] = {"pygrad/c_code/functions.py": {"SCALAR": "csrc/ops/scalar.h"}}


def string_of(name: str, path: Path) -> str:
    """A file's text as an assignment in Python.

    Raises:
        ValueError: the text would be another one between quotes.
    """
    text = path.read_text(encoding="utf-8")
    if '"""' in text or "\\" in text:
        raise ValueError(f"{path} has a backslash or three quotes in it")
    return f'{name} = """{text}"""  # noqa: E501\n'


# -- files ----------------------------------------------------------------------------------------


def renewed(text: str, parts: dict[str, Callable[[], str]]) -> str:
    """The text with each of its derived parts replaced.

    Raises:
        ValueError: a part has lost its marks.

    >>> renewed("# derived: x\\nold\\n# derived: end\\n", {"x": lambda: "new\\n"})
    '# derived: x\\nnew\\n# derived: end\\n'
    """
    for name, part in parts.items():
        between = re.compile(
            rf"(^[^\n]*derived: {name}\b[^\n]*\n).*?(^[^\n]*derived: end)", re.DOTALL | re.MULTILINE
        )
        replacement = part()
        text, count = between.subn(lambda m, new=replacement: m[1] + new + m[2], text)  # type: ignore[misc]
        if count != 1:
            raise ValueError(f"{count} parts are marked 'derived: {name}', there should be one")
    return text


def stale(root: Path) -> dict[Path, str]:
    """Files under root whose derived parts are not what the op table says, with the right text."""
    if IMPLEMENTATION != "compiled":
        raise RuntimeError("texts are derived from the compiled implementation; unset PYGRAD_IMPL")
    files = {}
    copies: dict[str, dict[str, Callable[[], str]]] = {
        path: {name: partial(string_of, name, root / source) for name, source in parts.items()}
        for path, parts in COPIES.items()
    }
    for path, parts in (PARTS | copies).items():
        text = (root / path).read_text(encoding="utf-8")
        new = renewed(text, parts)
        if new != text:
            files[root / path] = new
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
