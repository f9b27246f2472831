"""Pages to play with: one HTML file each, which needs no network.

A page computes, and states no rule: its functions are the expressions and rules of the op table
(csrc/ops.def), which are valid JavaScript once C's math and the algebra's words are in scope.
page/numbers.js has the former; the latter are made here, each being an op's name in capitals.

What comes from the user, labels above all, stands in a page as JSON only and is shown as text only. A
content security policy keeps anything but the page's own script from running, and the page from loading
anything.
"""

from __future__ import annotations

import base64
import hashlib
import html
import importlib.resources
import json
import math
import os
import re
from collections.abc import Sequence
from typing import Any

from pygrad.core.ops import Op, ops
from pygrad.seeing.notation import expression, formula

__all__ = ["Exploration", "filled", "json_number", "op_table", "page", "script", "source"]


class Exploration:
    """What `explore` returns: a page. A notebook shows it in a frame.

    Attributes:
        html: the whole page, as text.
    """

    def __init__(self, page: str, about: str) -> None:
        self.html = page
        self._about = about

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page to a file, which a browser opens; OSError if that fails."""
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(self.html)

    def __repr__(self) -> str:
        return f"<exploration of {self._about}>"

    def _repr_html_(self) -> str:
        size = 'width="100%" height="900" style="border:0"'
        # Forms, which the page reads and never sends: where they are forbidden it hears of none.
        allowed = "allow-scripts allow-forms allow-downloads"
        return (
            f'<iframe title="pygrad explorer" sandbox="{allowed}" {size} '
            f'srcdoc="{html.escape(self.html)}"></iframe>'
        )


# -- the page -------------------------------------------------------------------------------------


def op_table() -> str:
    """The op table as JavaScript: OPS, and the words that its rules are written in.

    Of public ops also what typed expressions need: names as functions, when floats would raise, and the
    op and its slopes as text over X Y W and the output Z; of these, what cannot be told from the others.

    >>> print(op_table().splitlines()[1][:46])
    add:{forward:(x,y)=>x+y,slopes:()=>[ONE,ONE],s
    """
    table = ops()
    used = {word for op in table for slope in op.slopes for word in re.findall(r"\w+(?=\()", slope)}
    named = {name.upper(): op.name for op in table for name in (op.name, *op.aliases)}
    words = [f"{named[word]}:{{forward:{word}}}," for word in sorted(used & set(named))]
    return "\n".join(
        ["const OPS = {", *map(_op_line, table), "};", "const {", *words, "} = OPS;", ""]
    )


def _op_line(op: Op) -> str:
    parts = [
        f"forward:{_function('xywk', op.forward)}",
        f"slopes:{_function('XYWKZ', '[' + ','.join(op.slopes) + ']')}",
    ]
    if op.is_public:
        letters = "XYW"[: op.arity]
        rules = (
            []
            if op.has_constant
            else [formula(rule, {x: x for x in (*letters, "Z")}, op.name) for rule in op.slopes]
        )
        call = f"{op.symbol}({', '.join(letters)})"
        told: dict[str, tuple[Any, Any]] = {  # with what page/grammar.js takes for granted
            "names": ([op.name, *op.aliases], [op.name]),
            "errors": (op.errors, "TOTAL"),
            "symbol": (op.symbol, op.name),
            "text": (expression(op.symbol, list(letters)), call),
            "rules": (rules, None),
        }
        parts += [
            f"{key}:{json.dumps(found, separators=(',', ':'))}"
            for key, (found, granted) in told.items()
            if found != granted
        ]
    return f"{op.name}:{{{','.join(parts)}}},"


def _function(letters: str, result: str) -> str:
    """The result as a function of so many of the letters as it needs.

    >>> _function("xywk", "x * y"), _function("xywk", "power(x, k)"), _function("xywk", "pow(x, y)")
    ('(x,y)=>x*y', '(x,y,w,k)=>power(x,k)', 'pow')
    """
    used = [k for k, letter in enumerate(letters, 1) if re.search(rf"\b{letter}\b", result)]
    taken = ",".join(letters[: max(used, default=0)])
    called, _, rest = _without_spaces(result).partition("(")
    if called.isidentifier() and rest == f"{taken})":
        return called  # a function of just these
    return f"({taken})=>{_without_spaces(result)}"


def page(
    name: str, title: str, scripts: Sequence[str], styles: Sequence[str], data: dict[str, Any]
) -> str:
    """page/NAME.html under a title, with a program of these files, in an order in which what runs at
    once is there, a style of those, and the data that it shows.
    """
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    # Without "<" there is no "</script>" and no "<!--", which would end or change the script.
    text = re.sub("[<>&]", lambda found: f"\\u{ord(found[0]):04x}", text)
    return filled(name, title, styles, {"data": text, "script": script(scripts)})


def filled(name: str, title: str, styles: Sequence[str], parts: dict[str, str]) -> str:
    """page/NAME.html under a title, with a style, each {{name}} replaced, once, as a part may contain
    anything, and a policy that allows what stands in it and nothing else.
    """
    style = _without_comments("\n".join(source(f"{each}.css") for each in styles))
    allowed = f"style-src {_hash(style)}; img-src data:"
    if "script" in parts:
        allowed = f"script-src {_hash(parts['script'])}; {allowed}"
    parts = {**parts, "title": title, "allowed": allowed, "style": style}
    template = source("head.html") + source(f"{name}.html")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)


def script(names: Sequence[str]) -> str:
    """A page's program: C's math, the op table, and the named files of pygrad/seeing/page."""
    numbers = _without_spaces(_without_comments(source("numbers.js")))
    parts = [op_table(), *(source(f"{name}.js") for name in names)]
    return numbers + _without_comments("\n".join(parts))


def source(name: str) -> str:
    """A file of pygrad/seeing/page."""
    return (importlib.resources.files("pygrad.seeing") / "page" / name).read_text(encoding="utf-8")


def json_number(x: float) -> float | str:
    """JSON has no inf and nan; JavaScript's Number() understands these words."""
    if math.isfinite(x):
        return x
    return "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"


def _without_spaces(arithmetic: str) -> str:
    """Arithmetic that has no texts, in which a space would count; those in `a - -b` keep it two signs."""
    return re.sub(r" ?([,*=?:<>(){}/&|]|(?<= )[+-](?= [^+-])) ?", r"\1", arithmetic)


def _without_comments(program: str) -> str:
    """The program without indents, and without comments that have lines of their own: a third is saved."""
    return re.sub(r"^[ \t]*(//.*\n|/\*[\s\S]*?\*/[ \t]*\n|\n)?", "", program, flags=re.MULTILINE)


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
