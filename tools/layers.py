"""The layers of pygrad/, and what an import must not do: see ARCHITECTURE.md for what lives where.

A room is a folder or a module of pygrad/. It imports from layers below its own, and within its own room;
no files import each other in a circle; a name with an underscore stays in its folder; and a file is at most
600 lines long. Imports inside functions count, and those for type checkers only: whoever reads a file
has to know what they name. So do modules named in a string, for sys.modules or import_module().

    python tools/layers.py [ROOT]     a line for each violation; exit code 1 if there are any
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from rules import MOST_LINES, circles, lines_too_many

# From the top down. Rooms that share a line do not import each other.
LAYERS = """
    __main__ loaded lifted
    command_line
    __init__
    dask notebook plot
    compiled numeric numpy
    c_code seeing checking applications scipy lifting
    special series
    rules
    transform
    control
    programs debugging math linalg nn optim engine
    core
    value reference
    arrays
"""
LEAVES = {"attributes", "progress", "version"}  # import nothing, and may be imported by all
DOORS = {"_core", "_native"}  # the compiled modules, which all may import by these names
PACKAGE = "pygrad"

RANKS = {
    room: rank for rank, line in enumerate(LAYERS.strip().splitlines()) for room in line.split()
}


class Import(NamedTuple):
    """One arrow: a line of a file asks a module for itself, or for one of its names."""

    file: Path
    line: int
    module: str  # dotted
    name: str  # of the module's; "" for the module itself


# -- what is imported ------------------------------------------------------------------------------


def module_of(path: Path, root: Path) -> str:
    """pygrad/a/b.py is pygrad.a.b; pygrad/a/__init__.py is pygrad.a."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path, tree: ast.Module, modules: dict[str, Path], root: Path) -> list[Import]:
    """All imports of the package's modules, and the names with an underscore that are read off these."""
    here = module_of(path, root).split(".")
    here = here if path.name == "__init__.py" else here[:-1]
    known: dict[str, str] = {}  # modules by the names that the file has for them
    found = []
    named = modules.keys() - {PACKAGE}
    homes = {id(node.value) for node in ast.walk(tree) if _says_its_home(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == PACKAGE:
                    found.append(Import(path, node.lineno, alias.name, ""))
                    if alias.asname:
                        known[alias.asname] = alias.name
        elif isinstance(node, ast.ImportFrom):
            above = here[: len(here) + 1 - node.level] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            if source.split(".")[0] != PACKAGE:
                continue
            for alias in node.names:
                whole = f"{source}.{alias.name}"
                if whole in modules or alias.name in DOORS:
                    found.append(Import(path, node.lineno, whole, ""))
                    known[alias.asname or alias.name] = whole
                else:
                    found.append(Import(path, node.lineno, source, alias.name))
        elif isinstance(node, ast.Constant) and node.value in named and id(node) not in homes:
            found.append(Import(path, node.lineno, node.value, ""))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (module := _module_in(node.value, known, modules)):
            found.append(Import(path, node.lineno, module, node.attr))
    return found


def _says_its_home(node: ast.AST) -> bool:
    """`__module__ = "pygrad.reference"` in a class: where users find it, which is no import."""
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__module__"


def _module_in(node: ast.expr, known: dict[str, str], modules: dict[str, Path]) -> str:
    """The module that an expression such as `structure` or `pygrad.core.structure` is; "" if it is none."""
    if isinstance(node, ast.Name):
        return known.get(node.id, "")
    whole = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
    return whole if whole in modules else ""


# -- what is wrong with it -------------------------------------------------------------------------


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def wrong_direction(arrow: Import, root: Path) -> str | None:
    """What is wrong with an arrow between rooms."""
    here, there = room_of(module_of(arrow.file, root)), room_of(arrow.module)
    if here == there or there in LEAVES or there in DOORS:
        return None
    if here in LEAVES:
        return f"{here} is a leaf, but imports {arrow.module}"
    for room in (here, there):
        if room not in RANKS:
            return f"{room} has no layer"
    if RANKS[here] < RANKS[there]:
        return None
    how = "beside it" if RANKS[here] == RANKS[there] else "above it"
    return f"{here} imports {arrow.module}, which is {how}"


def across_a_wall(arrow: Import, modules: dict[str, Path]) -> str | None:
    """Whether a name with an underscore, of a module or in one, leaves its folder."""
    parts = [part for part in [*arrow.module.split("."), arrow.name] if part]
    for i, part in enumerate(parts):
        private = part.startswith("_") and not part.startswith("__")
        if private and part not in DOORS:
            owner = modules.get(".".join(parts[:i]))
            if owner is None or owner.parent != arrow.file.parent:
                return f"{'.'.join(parts)} is private to its folder"
    return None


def violations(root: Path) -> Iterator[str]:
    """A line for each, with the place in the code where it has one."""
    files = sorted((root / PACKAGE).rglob("*.py"))
    modules = {module_of(path, root): path for path in files}
    arrows: dict[Path, set[Path]] = {}
    for path in files:
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        arrows[path] = set()
        said = set()
        for arrow in imports_of(path, tree, modules, root):
            if arrow.module in modules and modules[arrow.module] != path:
                arrows[path].add(modules[arrow.module])
            for wrong in (wrong_direction(arrow, root), across_a_wall(arrow, modules)):
                if wrong and (arrow.line, wrong) not in said:
                    said.add((arrow.line, wrong))
                    yield f"{path.relative_to(root)}:{arrow.line}: {wrong}"
    for circle in circles(arrows):
        yield "a circle: " + " ".join(str(path.relative_to(root)) for path in circle)
    for path in [*files, *sorted((root / "tools").rglob("*.py"))]:
        if lines := lines_too_many(path):
            yield f"{path.relative_to(root)}: {lines} lines, of at most {MOST_LINES}"


def main(argv: Sequence[str]) -> int:
    """The command line; returns the exit code."""
    found = list(violations(Path(argv[0] if argv else ".").resolve()))
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
