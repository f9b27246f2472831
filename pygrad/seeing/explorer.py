"""A graph as a page to play with: one HTML file that needs no network.

The page computes: it plays the forward and the backward pass, and its sliders change leaves. It states
no rule: its functions are the expressions and rules of the op table (csrc/ops.def), which are valid
JavaScript once C's math and the algebra's words are in scope. page/numbers.js has the former; the latter
are made here, each being an op's name in capitals.

What comes from the user, labels above all, stands in the page as JSON only and is shown as text only. A
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
from collections.abc import Iterable, Sequence
from typing import Any

from pygrad.core.implementation import CURE
from pygrad.core.ops import Op, op_of, ops
from pygrad.seeing.inspection import nodes_at_most
from pygrad.seeing.notation import expression, formula, number, shortened, visible
from pygrad.seeing.snapshot import (
    MOST_NODES,
    Snapshot,
    checked_limit,
    read,
    read_near,
    undone,
)

__all__ = ["Exploration", "explore"]

_EDGES = 4  # for each node of the limit: more are too many to draw
_NEAR = 1000  # nodes of a graph too large to be read that are counted by op
_MOST_LEAVES = 30  # that a summary lists


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


def explore(
    v: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    limit: int | None = 500,
    spelled_out: bool = False,
    model: Any = None,
) -> Exploration:
    """A page on which the computation of v is played forward and backward, and leaves can be moved.

    Sliders change leaves, and the page computes all values and gradients anew; a curve shows v over one
    leaf, with its tangent and a secant. The graph is as it was recorded: branches and loops of the program
    stay as they were taken. Gradients are those that one `v.backward()` adds to grads that are 0.

    A node with a `_backward` or local_grads of its own is computed by code of yours, which the page
    does not have: its value and slopes stay as they were. Its `_backward` is called once, and each number
    that it leaves in a `.grad` is put back.

    Args:
        v: a Value.
        path: where to write the page: one HTML file, which needs no network. The same as `.save(path)`.
        limit: a graph of more nodes, or of many more edges, gets a summary in the place of the page. None
            shows all, whatever it takes.
        spelled_out: show a dot product, as a neuron of `pygrad.nn` computes it, as its products and sums.
        model: a `pygrad.nn.Module` whose parameters are called as in its `named_parameters()` where they
            have no label.

    Raises:
        TypeError: v is no Value.
        ValueError: the limit is below 1.
        ImportError: the extension, which has the op table, is not built.
        OSError: the file cannot be written.

    >>> from pygrad import Value
    >>> a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    >>> page = explore(a * b + a)
    >>> page
    <exploration of d = -4, 4 nodes>
    >>> page.html.splitlines()[0]
    '<!doctype html>'
    """
    exploration, _ = explored(v, limit, spelled_out, model)
    if path is not None:
        exploration.save(path)
    return exploration


def explored(
    v: Any, limit: int | None, spelled_out: bool, model: Any
) -> tuple[Exploration, list[Any]]:
    """What explore() makes, and the Values that its inputs stand for, in their order."""
    try:
        ops()
    except ImportError as error:
        needed = "explore() needs the op table, which is in pygrad's C extension"
        raise ImportError(f"{needed}: {CURE}") from error
    limit = checked_limit(limit)
    most = None if limit is None else max(limit, MOST_NODES)
    labels = {id(p): name for name, p in model.named_parameters()} if model is not None else {}
    found = read(v, most, spelled_out, labels)
    if found is None or (limit is not None and _is_too_large(found[0], limit)):
        return _summary(v, None if found is None else found[0]), []
    snapshot, values = found
    data = _data(snapshot, values)
    leaves = [x for x, node in zip(values, data["nodes"], strict=True) if node["form"] == "leaf"]
    return Exploration(_page(data), _about(snapshot)), leaves


def _is_too_large(snapshot: Snapshot, limit: int) -> bool:
    return len(snapshot) > limit or sum(map(len, snapshot.operands)) > _EDGES * limit


def _about(snapshot: Snapshot) -> str:
    size = f"{len(snapshot):,} node{'s' if len(snapshot) > 1 else ''}"
    return f"{snapshot.names[-1]} = {number(snapshot.values[-1])}, {size}"


# -- the graph as the page knows it ---------------------------------------------------------------


def _data(snapshot: Snapshot, values: Sequence[Any]) -> dict[str, Any]:
    """All of it, ready for JSON."""
    slopes = _slopes_of_closures(snapshot, values)
    name, whole = snapshot.names[-1], snapshot.whole()
    return {
        "title": f"{name} = {whole}" if whole else name,
        "nodes": [_node(snapshot, i, slopes.get(i)) for i in range(len(snapshot))],
    }


def _node(snapshot: Snapshot, i: int, slopes: Sequence[float] | str | None) -> dict[str, Any]:
    """One node; slopes: what its `_backward` has told, if it has one."""
    node = {
        "name": snapshot.names[i],
        "labelled": bool(snapshot.labels[i]),
        "symbol": snapshot.op_text(i),
        "text": snapshot.expression(i),
        "operands": snapshot.operands[i],
        "rules": snapshot.rules(i),
        "value": _json_number(snapshot.values[i]),
    }
    if not snapshot.operands[i]:
        node |= _layer(snapshot.labels[i])
        return node | {"form": "number" if snapshot.kinds[i] == "number" else "leaf"}
    if snapshot.kinds[i] == "op":
        return node | _rule(snapshot, i)
    return node | _frozen(snapshot, i, slopes)


def _layer(label: str) -> dict[str, str]:
    """The layer that a parameter belongs to, as nn names them, and what it is called there.

    >>> _layer("layers[0].neurons[1].w[2]"), _layer("w[2]")
    ({'group': 'layers[0]', 'short': 'neurons[1].w[2]'}, {})
    """
    found = re.fullmatch(r"([\w.]*?\w\[\d+\])\.(.+)", label, re.ASCII)
    return {"group": found[1], "short": found[2]} if found and len(label) < 60 else {}


def _rule(snapshot: Snapshot, i: int) -> dict[str, Any]:
    """How the page computes a node: by the op table, or as a sum or a dot product."""
    symbol = snapshot.symbols[i]
    if symbol == "dot":
        return {"form": "dot"}
    if symbol == "sum":
        return {"form": "sum", **_start(snapshot, i)}
    op = op_of(symbol)
    assert op is not None, symbol
    constant = {"constant": _json_number(float(symbol[2:]))} if op.has_constant else {}
    return {"form": "op", "op": op.name, **constant}


def _start(snapshot: Snapshot, i: int) -> dict[str, Any]:
    """What sum() began with: its last operand, if that was given as a start, or else a number.

    The node does not tell, so it is what leads to the node's value.
    """
    value, terms = snapshot.values[i], [snapshot.values[o] for o in snapshot.operands[i]]
    if _total(0.0, terms) == value or not math.isfinite(value):
        return {"start": 0.0}
    if _total(terms[-1], terms[:-1]) == value:
        return {"leads": True}
    rest = value - _total(0.0, terms)
    starts = [float(f"{rest:.{digits}g}") for digits in (3, 6, 9, 12)]
    return {"start": _json_number(next((s for s in starts if _total(s, terms) == value), rest))}


def _total(start: float, terms: Iterable[float]) -> float:
    for term in terms:
        start += term
    return start


def _frozen(snapshot: Snapshot, i: int, slopes: Sequence[float] | str | None) -> dict[str, Any]:
    """A node whose value and slopes the page cannot compute."""
    count = len(snapshot.operands[i])
    if snapshot.kinds[i] == "custom":
        return {"form": "frozen", "slopes": [0.0] * count, "note": _NO_RULE}
    if isinstance(slopes, str):
        unknown = f"{_OWN_RULE} Its _backward was asked for the slopes, and raised {slopes}."
        return {"form": "frozen", "slopes": ["NaN"] * count, "note": unknown}
    known = [s for s in snapshot.slopes[i] if s is not None] if slopes is None else slopes
    return {"form": "frozen", "slopes": list(map(_json_number, known)), "note": _OWN_RULE}


_OWN_RULE = (
    "Frozen: this node is computed by code of your own, in Python, so in this page its value and its "
    "slopes stay as they were."
)
_NO_RULE = (
    "Frozen: this node was made without a rule, so its value stays as it was, and nothing flows back "
    "through it."
)


def _slopes_of_closures(
    snapshot: Snapshot, values: Sequence[Any]
) -> dict[int, Sequence[float] | str]:
    """By node: what its `_backward` adds to its operands' grads if its own is 1, or what it raised."""
    found: dict[int, Sequence[float] | str] = {}
    asked = [
        i for i, kind in enumerate(snapshot.kinds) if kind == "closure" and values[i]._children
    ]

    def ask() -> None:
        for i in asked:
            found[i] = _ask(values[i])

    if asked:
        undone(values[-1], ask)
    return found


def _ask(v: Any) -> Sequence[float] | str:
    for child in v._children:
        child.grad = 0.0
    v.grad = 1.0
    try:
        v._backward()
    except Exception as error:
        return shortened(visible(f"{type(error).__name__}: {error}"), 160)
    # What has come to an operand that stands twice is all told at its first place.
    places = list(map(id, v._children))
    return [0.0 if key in places[:k] else v._children[k].grad for k, key in enumerate(places)]


def _json_number(x: float) -> float | str:
    """JSON has no inf and nan; JavaScript's Number() understands these words."""
    if math.isfinite(x):
        return x
    return "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"


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


# In an order in which what runs at once is there.
_SCRIPTS = ["elements", "model", "layout", "items", "panzoom", "drawing", "picture", "story"]
_SCRIPTS += ["curve", "differences", "paths", "player", "inputs", "slope", "predict", "descend"]
_SCRIPTS += ["grammar", "building", "typed", "address", "host", "explorer"]


def script() -> str:
    """The page's program: the files of pygrad/seeing/page, and the op table after C's math."""
    numbers = _without_spaces(_without_comments(_file("numbers.js")))
    parts = [op_table(), *(_file(f"{name}.js") for name in _SCRIPTS)]
    return numbers + _without_comments("\n".join(parts))


def _without_spaces(arithmetic: str) -> str:
    """Arithmetic that has no texts, in which a space would count; those in `a - -b` keep it two signs."""
    return re.sub(r" ?([,*=?:<>(){}/&|]|(?<= )[+-](?= [^+-])) ?", r"\1", arithmetic)


def _without_comments(program: str) -> str:
    """The program without indents, and without comments that have lines of their own: a third is saved."""
    return re.sub(r"^[ \t]*(//.*\n|/\*[\s\S]*?\*/[ \t]*\n|\n)?", "", program, flags=re.MULTILINE)


def _file(name: str) -> str:
    return (importlib.resources.files("pygrad.seeing") / "page" / name).read_text(encoding="utf-8")


def _page(data: dict[str, Any]) -> str:
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    # Without "<" there is no "</script>" and no "<!--", which would end or change the script.
    text = re.sub("[<>&]", lambda found: f"\\u{ord(found[0]):04x}", text)
    program, style = script(), _without_comments(_file("explorer.css"))
    allowed = f"script-src {_hash(program)}; style-src {_hash(style)}; img-src data:"
    return _filled(
        _file("explorer.html"),
        {"allowed": allowed, "style": style, "data": text, "script": program},
    )


def _filled(template: str, parts: dict[str, str]) -> str:
    """The template with each {{name}} replaced, once: a part may contain anything."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


# -- graphs that are too large --------------------------------------------------------------------


def _summary(root: Any, snapshot: Snapshot | None) -> Exploration:
    """What can be said of a large graph; snapshot: None if it is too large to be read as a whole."""
    if snapshot is not None:
        size, counted = f"{len(snapshot):,} nodes", "What they are:"
    else:
        most = nodes_at_most(root)
        snapshot = read_near(root, _NEAR)
        size = f"more than {MOST_NODES:,} nodes" + (f", at most {most:,}" if most else "")
        counted = f"What those nearest to the result are, {len(snapshot):,} of them:"
    name = snapshot.names[-1] if snapshot.labels[-1] else "v"
    leaves = [
        (snapshot.names[i], number(snapshot.values[i]))
        for i, label in enumerate(snapshot.labels)
        if label and snapshot.kinds[i] == "leaf"
    ]
    equation = f"{name} = {number(snapshot.values[-1])}"
    style = _file("explorer.css")
    parts = {
        "allowed": f"style-src {_hash(style)}; img-src data:",
        "style": style,
        "equation": html.escape(equation),
        "size": size,
        "counted": counted,
        "counts": _rows((op, f"{count:,}") for op, count in snapshot.counts().items()),
        "leaves": _rows(leaves[:_MOST_LEAVES]),
        "hidden": "" if leaves else "hidden",
    }
    return Exploration(_filled(_file("summary.html"), parts), f"{equation}, a summary of {size}")


def _rows(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(
        f'<tr><th scope="row"><bdi>{html.escape(name)}</bdi></th><td>{html.escape(text)}</td></tr>\n'
        for name, text in pairs
    )
