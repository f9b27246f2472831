"""Small neural networks out of single neurons, with micrograd's names (Andrej Karpathy, 2020).

>>> import random
>>> from pygrad.nn import MLP
>>> random.seed(1)
>>> model = MLP(2, [3, 1])
>>> model
MLP of [Layer of [ReLUNeuron(2), ReLUNeuron(2), ReLUNeuron(2)], Layer of [LinearNeuron(3)]]
>>> len(model.parameters())
13
>>> loss = (model([0.5, -1.0]) - 1.0) ** 2
>>> model.zero_grad()
>>> loss.backward()
"""

from __future__ import annotations

import operator
import random
from collections.abc import Iterable, Sequence
from typing import Any

from pygrad.core.implementation import Value, dot, zero_grad

__all__ = ["MLP", "Layer", "Module", "Neuron"]


def _as_list(x: Any) -> list[Any]:
    """The inputs as a list. A Value alone, as a layer of one neuron returns it, is one input."""
    if isinstance(x, Value):
        return [x]
    if type(x) is list:
        return x
    if isinstance(x, str | bytes) or not hasattr(x, "__iter__") or getattr(x, "ndim", 1) == 0:
        raise TypeError(
            f"the inputs of a network are a list of numbers or Values, as [x], not {x!r}, a "
            f"{type(x).__name__}"
        )
    return list(x)


def _as_values(x: Any) -> list[Value]:
    """The inputs, numbers as Values.

    Raises:
        TypeError: they are no numbers, as where several rows are given.
    """
    items = _as_list(x)
    try:
        return [v if isinstance(v, Value) else Value(v) for v in items]
    except TypeError:
        if not any(hasattr(item, "__len__") and not isinstance(item, str) for item in items):
            raise
    raise TypeError(
        "the inputs of a network are one list of numbers or Values; these are several rows: "
        "[model(row) for row in rows], or vmap(model)(rows)"
    )


def _size(what: str, n: Any) -> int:
    """A number of inputs or neurons; TypeError if it is none."""
    try:
        return operator.index(n)
    except TypeError:
        raise TypeError(f"{what} is a whole number, as in MLP(2, [3, 1]), not {n!r}") from None


class Module:
    """What every part of a network can do: list its parameters and clear their gradients.

    >>> class Shift(Module):
    ...     def __init__(self):
    ...         self.by = Value(1.0)
    ...
    ...     def __call__(self, x):
    ...         return x + self.by
    ...
    ...     def parameters(self):
    ...         return [self.by]
    >>> shift = Shift()
    >>> shift(2.0).backward()
    >>> shift.by.grad
    1.0
    >>> shift.zero_grad()
    >>> shift.by.grad
    0.0
    """

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0.0; do this before each backward()."""
        zero_grad(self.parameters())

    def parameters(self) -> list[Value]:
        """The Values to be trained. A module of your own overrides this."""
        return []


class Neuron(Module):
    """A weighted sum of `nin` inputs plus a bias, then ReLU unless `nonlin` is false.

    The weights are drawn by `random.uniform(-1, 1)`, one after another; the bias starts at 0.
    Called with `nin` Values or numbers it returns one Value.

    The weighted sum is one node, `dot`. Where `spelled_out` is true it is a `*` for each weight and a `+`
    for each product, as micrograd has them: the same numbers, more nodes and more time. Neurons that were
    not told go by the class: `Neuron.spelled_out = True`. To see the parts of a `dot` in a picture, without
    changing the model, there is `draw(v, spelled_out=True)`.

    Raises:
        ValueError: called with a number of inputs other than `nin`.

    >>> neuron = Neuron(2, nonlin=False)
    >>> neuron.w[0].data, neuron.w[1].data, neuron.b.data = 2.0, -1.0, 0.5
    >>> neuron([3.0, 4.0]).data
    2.5
    >>> neuron
    LinearNeuron(2)
    >>> neuron([3.0, 4.0])._op, Neuron(2, nonlin=False, spelled_out=True)([3.0, 4.0])._op
    ('dot', '+')
    """

    spelled_out: bool = False

    def __init__(self, nin: int, nonlin: bool = True, spelled_out: bool | None = None) -> None:
        if spelled_out is not None:
            self.spelled_out = spelled_out
        self.w = [Value(random.uniform(-1, 1)) for _ in range(_size("nin", nin))]
        self.b = Value(0)
        self.nonlin = nonlin

    def __call__(self, x: Iterable[Any]) -> Value:
        if type(x) is not list:
            x = _as_list(x)
        if len(x) != len(self.w):
            raise ValueError(f"this {self!r} takes {len(self.w)} inputs, got {len(x)}")
        if self.spelled_out:
            act = self.b
            for weight, item in zip(self.w, x, strict=True):
                act = act + weight * item
        else:
            act = dot(self.w, x, self.b)
        return act.relu() if self.nonlin else act

    def parameters(self) -> list[Value]:
        """The weights, then the bias."""
        return [*self.w, self.b]

    def __repr__(self) -> str:
        return f"{'ReLU' if self.nonlin else 'Linear'}Neuron({len(self.w)})"


class Layer(Module):
    """`nout` neurons side by side, all fed with the same `nin` inputs.

    Further keyword arguments go to each Neuron. Called with `nin` Values or numbers it returns a
    list of `nout` Values, or the Value itself if `nout` is 1.

    Raises:
        ValueError: called with a number of inputs other than `nin`.

    >>> layer = Layer(2, 3, nonlin=False)
    >>> len(layer([1.0, 2.0])), len(layer.parameters())
    (3, 9)
    """

    def __init__(self, nin: int, nout: int, **kwargs: Any) -> None:
        self.neurons = [Neuron(nin, **kwargs) for _ in range(_size("nout", nout))]

    def __call__(self, x: Iterable[Any]) -> Any:
        # Numbers become Values here, so that the neurons share them instead of making one each.
        inputs = _as_values(x)
        out = [neuron(inputs) for neuron in self.neurons]
        return out[0] if len(out) == 1 else out

    def parameters(self) -> list[Value]:
        """The parameters of the first neuron, then of the second, ..."""
        return [p for neuron in self.neurons for p in neuron.parameters()]

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(str(neuron) for neuron in self.neurons)}]"


class MLP(Module):
    """A multi-layer perceptron: layers in a row, ReLU after each but the last.

    Args:
        nin: the number of inputs.
        nouts: the number of neurons in each layer; the last one is the number of outputs.

    Further keyword arguments, such as `spelled_out`, go to each Neuron. Called with `nin` Values or numbers
    it returns a list of `nouts[-1]` Values, or the Value itself if that is 1.

    Raises:
        ValueError: called with a number of inputs other than `nin`.

    >>> model = MLP(3, [4, 4, 1])
    >>> len(model.parameters())
    41
    >>> model([1.0, 2.0])
    Traceback (most recent call last):
        ...
    ValueError: this ReLUNeuron(3) takes 3 inputs, got 2
    """

    def __init__(self, nin: int, nouts: Sequence[int], **kwargs: Any) -> None:
        if isinstance(nouts, str) or not hasattr(nouts, "__iter__"):
            raise TypeError(
                f"nouts lists the neurons of each layer, as in MLP({nin!r}, [{nouts!r}]), not {nouts!r}"
            )
        sizes = [nin, *nouts]
        last = len(nouts) - 1
        self.layers = [
            Layer(sizes[i], sizes[i + 1], **{"nonlin": i != last, **kwargs})
            for i in range(len(nouts))
        ]

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self) -> list[Value]:
        """The parameters of the first layer, then of the second, ..."""
        return [p for layer in self.layers for p in layer.parameters()]

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(str(layer) for layer in self.layers)}]"
