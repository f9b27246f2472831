"""draw(v): pictures in which nothing overlaps and no text does anything, with or without Graphviz."""

from __future__ import annotations

import gc
import os
import random
import re
import stat
import sys
import xml.etree.ElementTree as ET
from types import ModuleType

import pytest
from graphs import HOSTILE, chain, large_graphs, lesson_1, seconds
from programs import closure_node

import pygrad
from pygrad import draw, draw_dot, nn, trace
from pygrad.seeing import graphviz, inspection, svg
from pygrad.seeing.drawing import Graph
from pygrad.seeing.layout import Edge

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def without_graphviz(monkeypatch):
    """Pictures are those of this package, whatever the machine has."""
    monkeypatch.setenv("PATH", "")


def texts(picture: str) -> list[str]:
    return [text.text or "" for text in ET.fromstring(picture).iter(f"{SVG}text")]


def tips(picture: str) -> list[str]:
    return [title.text or "" for title in ET.fromstring(picture).iter(f"{SVG}title")]


# -- what a picture says --------------------------------------------------------------------------


def test_nodes_have_label_value_and_grad_and_edges_the_local_derivative(impl):
    e = lesson_1(impl)
    e.backward()
    picture = draw(e).to_svg()
    shown = texts(picture)
    boxes = [
        shown[i : i + 3]
        for i, text in enumerate(shown)
        if i + 1 < len(shown) and shown[i + 1].startswith("data")
    ]
    assert boxes == [
        ["a", "data 2", "grad -2"],
        ["b", "data -3", "grad 3"],
        ["c = a * b", "data -6", "grad 1"],
        ["d = a + b", "data -1", "grad 1"],
        ["e = c + d", "data -7", "grad 1"],
    ]
    assert sorted(set(shown) - {text for box in boxes for text in box}) == ["1", "a = 2", "b = -3"]
    assert {"dc/da = b = -3", "dc/db = a = 2", "dd/da = 1", "de/dc = 1"} <= set(tips(picture))
    # One for each node, one for each edge.
    assert len(tips(picture)) == 5 + 6
    assert "e = c + d\ndata -7.0\ngrad 1.0" in tips(picture)


def test_a_picture_is_text_too(impl):
    graph = draw(lesson_1(impl))
    assert repr(graph) == "<graph of e = -7, 5 nodes>"
    assert str(graph).splitlines()[4] == "c = a * b  -6    0     dc/da = b = -3, dc/db = a = 2"
    assert graph._repr_mimebundle_() == {"image/svg+xml": graph.to_svg(), "text/plain": str(graph)}


def test_a_picture_is_of_its_time(impl):
    e = lesson_1(impl)
    graph = draw(e)
    e.backward()
    assert "grad 0" in graph.to_svg() and "grad 3" not in graph.to_svg()


def test_numbers_and_operations_of_the_user(impl):
    x = impl.Value(2.0, label="x")
    picture = draw(
        closure_node(impl, 1.0, [x], [3.0]) * 0.5 + impl.Value(1.0, (x,), "mute")
    ).to_svg()
    shown = texts(picture)
    assert "0.5" in shown and "user's" in shown and "no rule" in shown
    assert "da/dx: user's _backward" in tips(picture)
    # The number is neither named nor are derivatives by it.
    assert not any("d0.5" in tip for tip in tips(picture))


def test_a_long_equation_takes_lines_of_its_own(impl):
    total = impl.sum([impl.Value(1.0, label=f"parameter_{i}") for i in range(20)])
    total.label = "total"
    shown = texts(draw(total).to_svg())
    assert "= sum(parameter_0, parameter_1, parameter_2, paramete…" in shown and "total" in shown


def test_the_colours_are_for_light_and_dark_pages():
    picture = ET.fromstring(draw(lesson_1(pygrad)).to_svg())
    (style,) = picture.iter(f"{SVG}style")
    assert style.text is not None
    dark = re.fullmatch(r"@media \(prefers-color-scheme:dark\)\{(.*)\}", style.text)
    assert dark is not None

    def luminance(colour: str) -> float:
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    def contrast(one: str, other: str) -> float:
        high, low = sorted([luminance(one), luminance(other)], reverse=True)
        return (high + 0.05) / (low + 0.05)

    # WCAG 2 asks for 4.5 for text.
    for colours in (svg._LIGHT, svg._DARK):
        assert contrast(colours["label"], colours["page"]) > 4.5
        assert contrast(colours["line"], colours["page"]) > 4.5
        for name in svg._BOXES:
            assert contrast(colours["text"], colours[name].split()[0]) > 7
    for name, colour in svg._DARK.items():
        assert colour.split()[0] in dark[1], name
    # The text is no smaller than 12 pixels.
    sizes = [float(e.get("font-size", 99)) for e in picture.iter()]
    assert min(sizes) >= 12


def test_it_says_what_it_is_to_those_who_cannot_see_it():
    picture = ET.fromstring(draw(lesson_1(pygrad)).to_svg())
    assert picture.get("role") == "img"
    assert picture.get("aria-label") == "graph of e = -7, 5 nodes"


def test_texts_fit_into_their_boxes():
    random.seed(3)
    model = nn.MLP(2, [3, 1])
    loss = sum((model(x) - 1.0) ** 2 for x in ([0.0, 1.0], [1.0, 1.0]))
    for element in ET.fromstring(draw(loss).to_svg()).iter(f"{SVG}g"):
        box = element.find(f"{SVG}rect")
        if element.get("class") in svg._BOXES and box is not None:
            left, width = float(box.get("x", "")), float(box.get("width", ""))
            for text in element.findall(f"{SVG}text"):
                # Of a monospaced font at 13 pixels; the widest of the usual ones takes 0.602 em.
                end = float(text.get("x", "")) + len(text.text or "") * 13 * 0.602
                assert left < float(text.get("x", "")) and end < left + width - 4


# -- hostile texts --------------------------------------------------------------------------------


def hostile_graph(impl):
    leaves = [impl.Value(2.0, label=label) for label in HOSTILE]
    root = impl.sum(leaves)
    for i, (leaf, text) in enumerate(zip(leaves, HOSTILE, strict=True)):
        root = impl.Value(1.0, (root, leaf), text, local_grads=[float(i), 1.0])
    root.label = '"/></svg><script>alert(1)</script>'
    return root


@pytest.mark.parametrize("rankdir", ["LR", "TB"])
def test_hostile_labels_and_ops_do_nothing_in_a_picture(impl, rankdir):
    picture = draw(hostile_graph(impl), rankdir=rankdir).to_svg()
    root = ET.fromstring(picture)  # well-formed
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags == {"svg", "style", "rect", "g", "text", "title", "path", "polygon"}
    attributes = {name for element in root.iter() for name in element.attrib}
    assert not [name for name in attributes if name.startswith("on") or "href" in name]
    assert "url(" not in picture and "<!" not in picture and "&#" not in picture
    assert "<script>alert(1)</script>" in texts(picture)
    assert all(line.isprintable() for line in picture.split("\n"))
    # Ten thousand characters are cut.
    assert max(map(len, texts(picture))) < 100 and max(map(len, tips(picture))) < 400
    picture.encode()
    str(draw(hostile_graph(impl))).encode()


def strings_of(source: str) -> tuple[str, list[str]]:
    """A text in Graphviz's language without its strings, and the strings."""
    return re.sub(r'"(?:[^"\\]|\\.)*"', '""', source), re.findall(r'"(?:[^"\\]|\\.)*"', source)


def test_hostile_labels_do_nothing_in_graphviz_language(impl):
    source = draw_dot(hostile_graph(impl)).source
    rest, strings = strings_of(source)
    # Outside of strings there is only what this package writes.
    assert re.fullmatch(r'[\w\s\[\]{}=,.>"-]*', rest)
    assert not set(re.findall(r"\w+", rest)) - {
        *["digraph", "graph", "rankdir", "LR", "node", "edge", "shape", "record", "label"],
        *["fontname", "fontsize", "11"],
        *(f"n{i}" for i in range(100)),
    }
    for text in strings:
        # No escape of Graphviz's but those of plain characters and line ends, and no other entity.
        assert set(re.findall(r"\\(.)", text)) <= set('\\{}|<>"n')
        assert set(re.findall(r"&\w*;?", text)) <= {"&amp;"}
        assert text.isprintable()


# -- large graphs ---------------------------------------------------------------------------------


def test_above_the_limit_the_nearest_nodes_are_drawn_with_a_summary(impl):
    y = chain(impl, 600)
    graph = draw(y)
    assert 10 < len(graph.snapshot) < 40
    assert graph.caption == [
        "x has a graph of 601 nodes; these are the nearest.".replace("x", graph.snapshot.names[-1]),
        "sin 600, leaves 1",
        "draw(v, limit=None) draws all.",
    ]
    assert texts(graph.to_svg())[:3] == graph.caption
    assert all(line in str(graph) for line in graph.caption)
    assert "sin(…)" in graph.to_svg()  # where it breaks off
    assert graph.snapshot.values[-1] == y.data
    whole = draw(y, limit=None)
    assert len(whole.snapshot) == 601 and whole.caption == []
    assert len(draw(y, 601).snapshot) == 601
    assert len(draw(y, limit=600).snapshot) == len(graph.snapshot)


def test_a_node_of_very_many_operands_shows_a_few(impl):
    total = impl.sum([impl.Value(float(i)) for i in range(2000)])
    graph = draw(total)
    assert len(graph.snapshot) == 13
    assert "1,988 operands not shown" in texts(graph.to_svg())


def test_a_large_graph_is_drawn_within_a_second():
    for root in large_graphs(60_000):
        assert seconds(lambda root=root: draw(root).to_svg()) < 1.0
    assert "more than 20,000 nodes (at most " in draw(root).caption[0]


@pytest.mark.long
def test_ten_million_nodes_are_drawn_within_a_second():
    for root in large_graphs(10_000_000):
        assert seconds(lambda root=root: draw(root)._repr_mimebundle_()) < 1.0


def test_five_hundred_nodes_are_drawn_within_seconds():
    rng = random.Random(2)
    values = [pygrad.Value(rng.random()) for _ in range(20)]
    while len(values) < 175:
        values.append(rng.choice(values[-30:]) * rng.choice(values) + 1.0)
    root = pygrad.sum(values[-40:])
    assert 400 < len(draw(root).snapshot) <= 500
    assert seconds(lambda: draw(root).to_svg()) < 5.0


def test_a_picture_keeps_no_node():
    gc.collect()
    before = inspection.nodes_at_most(pygrad.Value(0.0))
    graphs = [draw(chain(pygrad, n)) for n in (3, 700)]
    assert all(graph.to_svg() for graph in graphs)
    gc.collect()
    assert inspection.nodes_at_most(pygrad.Value(0.0)) == before


# -- files ----------------------------------------------------------------------------------------


def test_svg_and_dot_files(tmp_path):
    graph = draw(lesson_1(pygrad))
    assert graph.save(tmp_path / "e.svg") == tmp_path / "e.svg"
    assert ET.parse(tmp_path / "e.svg").getroot().tag == f"{SVG}svg"
    for name in ("e.dot", "e.GV"):
        graph.save(str(tmp_path / name))
        assert (tmp_path / name).read_text(encoding="utf-8") == graph.to_dot() == graph.source
    for name in ("e.jpeg", "e"):
        with pytest.raises(ValueError, match=r"saved as \.svg, \.png, \.pdf, \.dot or \.gv"):
            graph.save(tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == ["e.GV", "e.dot", "e.svg"]


def test_a_png_without_the_means_names_the_cure(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cairosvg", None)
    with pytest.raises(
        RuntimeError, match=r"pip install 'pygrad-core\[draw\]'\) or the program dot"
    ):
        draw(lesson_1(pygrad)).save(tmp_path / "e.png")
    assert os.listdir(tmp_path) == []


def test_a_png_by_cairosvg(tmp_path, monkeypatch):
    fake = ModuleType("cairosvg")
    fake.svg2png = lambda bytestring, scale: b"PNG" + bytestring  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cairosvg", fake)
    graph = draw(lesson_1(pygrad))
    assert graph.save(tmp_path / "e.png").read_bytes() == b"PNG" + graph.to_svg().encode()


def test_a_png_is_a_picture(tmp_path):
    pytest.importorskip("cairosvg")
    written = draw(lesson_1(pygrad)).save(tmp_path / "e.png").read_bytes()
    assert written.startswith(b"\x89PNG\r\n\x1a\n")


# -- Graphviz, or a program in its place ----------------------------------------------------------


@pytest.fixture
def fake_dot(tmp_path, monkeypatch):
    """Installs a program as `dot`; returns how."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def install(body: str) -> None:
        program = folder / "dot"
        program.write_text(
            f"#!{sys.executable}\nimport sys, time\nasked = sys.stdin.read()\n{body}\n"
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(folder))

    return install


PLAIN = """graph 1 4 2
node n0 0.5 0.5 0.75 0.5 "" solid box black lightgrey
node n1 0.5 1.5 0.75 0.5 "" solid box black lightgrey
node n2 3.5 1 0.75 0.5 "" solid box black lightgrey
edge n0 n2 4 1 0.5 2 0.5 2 1 3 1 "<TABLE>" 2 0.25 solid black
edge n1 n2 4 1 1.5 2 1.5 2 1 3 1 solid black
stop
"""


def product(impl=pygrad):
    return impl.Value(2.0, label="a") * impl.Value(3.0, label="<b>")


def test_graphviz_places_nodes_where_it_is_installed(fake_dot):
    fake_dot(f"assert sys.argv[1:] == ['-Tplain']\nprint({PLAIN!r})")
    edges = [Edge(0, 2, (30.0, 16.0)), Edge(1, 2)]
    found = graphviz.layout([(54.0, 36.0)] * 3, edges)
    assert (found.width, found.height) == (288.0, 144.0)
    assert found.positions == [(36.0, 108.0), (36.0, 36.0), (252.0, 72.0)]
    assert found.labels[0] == (144.0, 126.0)
    assert found.routes[1] == [(72.0, 36.0), (144.0, 36.0), (144.0, 72.0), (216.0, 72.0)]
    picture = draw(product()).to_svg()
    assert "M72 36C144 36 144 72 216 72" in picture
    assert "b = a * (<b>)" in texts(picture)
    assert picture != draw(product(), layout="built-in").to_svg()


def test_graphviz_is_told_no_text_of_the_graph(fake_dot, tmp_path):
    fake_dot(f"open({str(tmp_path / 'asked')!r}, 'w').write(asked)")
    draw(hostile_graph(pygrad)).to_svg()
    asked = (tmp_path / "asked").read_text()
    assert re.fullmatch(r'[\w\s\[\]{}=,.>"<:/-]*', asked)
    assert "script" not in asked and "xxx" not in asked


@pytest.mark.parametrize(
    "body",
    [
        "sys.exit('broken')",
        "print('nonsense')",
        "print('graph 1 2')",
        "time.sleep(60)",
        "print('stop')",
    ],
)
def test_where_graphviz_fails_the_picture_is_our_own(fake_dot, monkeypatch, body):
    own = draw(product(), layout="built-in").to_svg()
    monkeypatch.setattr(graphviz, "_SECONDS", 0.3)
    fake_dot(body)
    assert draw(product()).to_svg() == own
    with pytest.raises(RuntimeError, match="`dot`"):
        draw(product(), layout="dot").to_svg()


def test_where_graphviz_cannot_be_started_the_picture_is_our_own(fake_dot, tmp_path):
    fake_dot("")
    (tmp_path / "bin" / "dot").write_bytes(b"\x00 no program")
    own = draw(product(), layout="built-in").to_svg()
    assert draw(product()).to_svg() == own


def test_a_png_by_graphviz(fake_dot, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cairosvg", None)
    fake_dot("print(sys.argv[1:], asked, end='')")
    graph = draw(product(), layout="built-in")
    written = graph.save(tmp_path / "e.png").read_text()
    assert written == "['-Tpng', '-Gdpi=144'] " + graph.source
    fake_dot("sys.exit('out of ink')")
    with pytest.raises(RuntimeError, match="out of ink"):
        graph.save(tmp_path / "f.png")


# -- micrograd's notebook -------------------------------------------------------------------------


def test_trace_and_draw_dot_have_the_notebook_s_interface(impl, tmp_path, monkeypatch):
    e = lesson_1(impl)
    nodes, edges = trace(e)
    assert len(nodes) == 5 and e in nodes
    assert edges == {(child, v) for v in nodes for child in v._prev}
    dot = draw_dot(e, format="svg", rankdir="LR")
    assert isinstance(dot, Graph) and dot.format == "svg"
    assert "rankdir=LR" in dot.source and "rankdir=TB" in draw_dot(e, rankdir="TB").source
    for text in ("data -7", "c = a * b", "b = -3"):
        assert text in dot.source
    monkeypatch.chdir(tmp_path)
    assert dot.render("gout") == "gout.svg"
    assert (tmp_path / "gout").read_text(encoding="utf-8") == dot.source
    assert ET.parse(tmp_path / "gout.svg").getroot().tag == f"{SVG}svg"
    target = tmp_path / "sub" / "g.svg"
    assert dot.render("g", directory="sub", cleanup=True) == str(target.relative_to(tmp_path))
    assert os.listdir(tmp_path / "sub") == ["g.svg"]
    assert dot.pipe(format="dot") == dot.source.encode()


def test_the_notebook_s_own_cells_run(impl):
    """trace and draw_dot as micrograd's notebook defines them, drawing into a stand-in for Digraph."""
    drawn = []

    class Digraph:
        def __init__(self, format, graph_attr):
            drawn.append((format, graph_attr))

        def node(self, name, label, shape=None):
            drawn.append(label)

        def edge(self, tail, head):
            drawn.append((tail, head))

    def trace(root):
        nodes, edges = set(), set()

        def build(v):
            if v not in nodes:
                nodes.add(v)
                for child in v._prev:
                    edges.add((child, v))
                    build(child)

        build(root)
        return nodes, edges

    def draw_dot(root, format="svg", rankdir="LR"):
        nodes, edges = trace(root)
        dot = Digraph(format=format, graph_attr={"rankdir": rankdir})
        for n in nodes:
            dot.node(
                name=str(id(n)),
                label="{ data %.4f | grad %.4f }" % (n.data, n.grad),  # noqa: UP031
                shape="record",
            )
            if n._op:
                dot.node(name=str(id(n)) + n._op, label=n._op)
                dot.edge(str(id(n)) + n._op, str(id(n)))
        for n1, n2 in edges:
            dot.edge(str(id(n1)), str(id(n2)) + n2._op)
        return dot

    e = lesson_1(impl)
    e.backward()
    assert trace(e) == pygrad.trace(e)
    draw_dot(e)
    assert "{ data -7.0000 | grad 1.0000 }" in drawn and drawn.count("+") == 2


def test_trace_does_not_recurse(impl):
    nodes, edges = trace(chain(impl, 20_000))
    assert (len(nodes), len(edges)) == (20_001, 20_000)


def test_bad_arguments_are_named():
    with pytest.raises(TypeError, match="a Value is needed, not int: 3"):
        draw(3)
    with pytest.raises(TypeError, match="a Value is needed, not list"):
        trace([pygrad.Value(1.0)])
    x = pygrad.Value(1.0)
    with pytest.raises(ValueError, match="rankdir must be 'LR' or 'TB', not 'RL'"):
        draw_dot(x, rankdir="RL")
    with pytest.raises(ValueError, match="layout must be one of"):
        draw(x, layout="neato")
    with pytest.raises(ValueError, match="at least 1"):
        draw(x, limit=0)
