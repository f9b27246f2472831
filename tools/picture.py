"""The picture at the head of the README: what `draw` makes of the README's first program.

python tools/picture.py --write .     draw it anew under the given checkout
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

import pygrad

PICTURE = "docs/_static/graph.svg"


def made_by(program: str) -> str:
    """The picture, as SVG, of the graph that a program calls `e`; its own pictures are not saved.

    The layout is pygrad's own: Graphviz's changes from version to version.
    """
    names: dict[str, Any] = {}
    exec(re.sub(r"^(draw|print)\b.*\n", "", program, flags=re.MULTILINE), names)
    return pygrad.draw(names["e"], layout="built-in").pipe("svg").decode()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", type=Path, metavar="ROOT", required=True, help="the checkout")
    root = parser.parse_args().write
    readme = (root / "README.md").read_text(encoding="utf-8")
    first = re.search(r"```python\n(.*?)```", readme, re.DOTALL)
    if first is None:
        raise SystemExit("the README has no program")
    (root / PICTURE).write_text(made_by(first[1]), encoding="utf-8")


if __name__ == "__main__":
    main()
