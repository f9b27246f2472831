"""explore(model, data=...): one file, and clear errors for what the page could not compute."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from moons import moons, network

from pygrad import Value, nn
from pygrad import math as pm
from pygrad.seeing.explorer import explore

POINTS = [(0.0, 1.0), (1.0, 0.0), (2.0, 2.0)]


def test_it_writes_one_small_file(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    page = explore(network(16, 16), path, data=moons(100))
    assert repr(page) == "<exploration of a network of 2, 16, 16, 1 and 100 points>"
    assert path.read_text(encoding="utf-8") == page.html
    assert len(page.html.encode()) <= 150_000
    assert page.html.count("://") == page.html.count("http://www.w3.org/2000/svg") == 1
    for way in ("fetch", "XMLHttpRequest", "import(", "innerHTML", "eval", " style=", "{{"):
        assert way not in page.html


def test_arrays_and_values_are_data_too() -> None:
    import numpy as np

    labels = np.array([-1, 1, -1])
    one = explore(network(2), data=(np.array(POINTS), labels)).html
    two = explore(network(2), data=([list(map(Value, p)) for p in POINTS], [-1.0, 1.0, -1.0])).html
    assert one == two


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (POINTS, "data are points and their labels"),
        (5, "data are points and their labels"),
        ((POINTS, [1, -1]), "3 points, but 2 labels"),
        ((POINTS, [1, 1, 1]), "two kinds"),
        ((POINTS, [1, 2, 3]), "two kinds"),
        ((POINTS, ["a", "b", "a"]), "two kinds"),
        ((POINTS, [1, float("nan"), 1]), "two kinds"),
        (([(0.0, float("inf"))] * 3, [1, -1, 1]), "two finite numbers"),
        (([(0.0, 1.0, 2.0)] * 3, [1, -1, 1]), "two finite numbers"),
        (([(0.0,), (1.0, 2.0)], [1, -1]), "two finite numbers"),
        (([], []), "two finite numbers"),
        ((POINTS, [0, 1, 0]), "a y of 0 or 1 is 2 \\* y - 1"),
    ],
)
def test_data_that_are_none_are_refused(data: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        explore(network(2), data=data)


def test_networks_that_the_page_does_not_show_are_refused() -> None:
    data = POINTS, [-1, 1, -1]
    with pytest.raises(ValueError, match="two inputs and one output"):
        explore(nn.MLP(3, [2, 1]), data=data)
    with pytest.raises(ValueError, match="two inputs and one output"):
        explore(nn.MLP(2, [2, 2]), data=data)
    with pytest.raises(ValueError, match="two inputs and one output"):
        explore(nn.MLP(2, []), data=data)
    with pytest.raises(TypeError, match=r"is an nn\.MLP"):
        explore(nn.Layer(2, 1), data=data)
    with pytest.raises(TypeError, match=r"is an nn\.MLP"):
        explore(Value(1.0), data=data)
    with pytest.raises(ValueError, match="more than limit=20"):
        explore(network(16), data=data, limit=20)
    shared = network(2)
    shared.layers[0].neurons[1].w[0] = shared.layers[0].neurons[0].w[0]
    with pytest.raises(ValueError, match="a leaf of its own"):
        explore(shared, data=data)


def test_a_network_without_data_is_refused_with_the_cure() -> None:
    with pytest.raises(TypeError, match=r"explore\(model, data=\(points, labels\)\)"):
        explore(network(2))


def leaky(x: Value) -> Value:
    return x if x.data > 0 else 0.1 * x


def own(x: Value) -> Value:
    out = Value(x.data, (x,), "own")
    out._backward = lambda: None
    return out


def test_what_the_page_would_compute_in_another_way_is_refused() -> None:
    data = moons(20)
    random.seed(3)
    with pytest.raises(ValueError, match=r"computes in another way .* maximum"):
        explore(nn.MLP(2, [4, 1], activation=leaky), data=data)
    with pytest.raises(ValueError, match="'own' by code of your own"):
        explore(nn.MLP(2, [4, 1], activation=own), data=data)
    with pytest.raises(ValueError, match="the loss computes in another way"):
        explore(network(2), data=data, loss=lambda s, y: s * s if s.data > 0 else -s)
    with pytest.raises(ValueError, match="does not depend on score"):
        explore(network(2), data=data, loss=lambda s, y: Value(1.0) * y)
    with pytest.raises(ValueError, match="where a Value is needed"):
        explore(network(2), data=data, loss=lambda s, y: 1.0)

    def smooth(x: Value) -> Value:
        return pm.maximum(x, 0.1 * x)

    assert "a network of 2, 4, 1" in repr(explore(nn.MLP(2, [4, 1], activation=smooth), data=data))
