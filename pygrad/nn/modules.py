"""Neurons, layers, networks, and what all of them can do."""

from __future__ import annotations

import operator
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pygrad.core.implementation import Value, dot, zero_grad
from pygrad.nn.state import Loaded, load, named

__all__ = ["MLP", "Layer", "Module", "Neuron"]

Activation = str | Callable[[Value], Value]

_ACTIVATIONS: dict[str, Callable[[Value], Value]] = {
    "relu": Value.relu,
    "tanh": Value.tanh,
    "sigmoid": Value.sigmoid,
}
_NAMES = {"relu": "ReLU", "tanh": "Tanh", "sigmoid": "Sigmoid"}  # of neurons


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
    if [*map(type, items)].count(Value) == len(items):
        return items  # as those of all layers but the first are
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
    """A number of inputs or neurons; TypeError if it is none, ValueError if it is negative."""
    try:
        size = operator.index(n)
    except TypeError:
        raise TypeError(f"{what} is a whole number, as in MLP(2, [3, 1]), not {n!r}") from None
    if size < 0:
        raise ValueError(f"{what} is a number of 0 or more, as in MLP(2, [3, 1]), not {n!r}")
    return size


def _whether(nonlin: Any) -> bool:
    """nonlin as a bool; TypeError with the cure for what is none, as the name of an activation."""
    if isinstance(nonlin, bool):
        return nonlin
    if getattr(getattr(nonlin, "dtype", None), "kind", "") == "b" and nonlin.ndim == 0:
        return bool(nonlin)  # NumPy's
    raise TypeError(
        f"nonlin says whether there is an activation, True or False, not {nonlin!r}; which one it is says "
        "activation=, as in MLP(2, [8, 1], activation='tanh')"
    )


def _checked_activation(activation: Any) -> Activation:
    if isinstance(activation, str):
        if activation in _ACTIVATIONS:
            return activation
    elif callable(activation) and not isinstance(activation, type):
        return activation  # type: ignore[no-any-return]
    raise (ValueError if isinstance(activation, str) else TypeError)(
        f"activation is {', '.join(map(repr, _ACTIVATIONS))}, or a function of one Value such as "
        f"pygrad.math.softplus, not {activation!r}; a neuron without one has nonlin=False"
    )


def _activated(activation: Activation, x: Value) -> Value:
    """What an activation makes of a sum; TypeError if that is no Value."""
    if isinstance(activation, str):
        return _ACTIVATIONS[activation](x)
    y = activation(x)
    if not isinstance(y, Value):
        raise TypeError(
            f"the activation {_name_of(activation)} returned {y!r}, a {type(y).__name__}: an activation "
            "gives a Value, or gradients would end there"
        )
    return y


def _name_of(activation: Any) -> str:
    return getattr(activation, "__name__", type(activation).__name__)


class Module:
    """What every part of a network can do: list its parameters, clear their gradients, save their numbers.

    >>> from pygrad import Value
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

    def named_parameters(self) -> list[tuple[str, Value]]:
        """Each of parameters() once, with its name: how to get to it from this module.

        It is found in attributes and in lists, tuples, dicts and arrays, and in modules there; what is not
        is called by its place in parameters().

        >>> [name for name, _ in MLP(1, [2, 1]).named_parameters()][:3]
        ['layers[0].neurons[0].w[0]', 'layers[0].neurons[0].b', 'layers[0].neurons[1].w[0]']
        """
        return named(self, self.parameters())

    def label_parameters(self) -> None:
        """Give parameters without a label their names as labels, which pictures, `explain` and errors show.

        Networks are made without: operations on Values with labels take longer, a training step half as
        long again.

        >>> model = MLP(1, [1])
        >>> model.label_parameters()
        >>> model.parameters()[0].label
        'layers[0].neurons[0].w[0]'
        """
        for name, p in self.named_parameters():
            if not p.label:
                p.label = name

    def state_dict(self) -> dict[str, float]:
        """The numbers of all parameters by name: what JSON, say, can keep, and load_state_dict() takes."""
        return {name: p.data for name, p in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> Loaded:
        """Set parameters to the numbers of a state_dict(): all of them or, if there is an error, none.

        Args:
            state: numbers by name.
            strict: whether each parameter has to have a number and each number a parameter. If not, those
                are set that have one.

        Returns:
            The names that had no number, and those that no parameter has: empty lists if strict.

        Raises:
            ValueError: strict, and names are missing or unexpected; the error says which, and where sizes
            differ.
            TypeError: state is no mapping, or a parameter's entry is not a number.

        >>> model, other = MLP(2, [3, 1]), MLP(2, [3, 1])
        >>> other.load_state_dict(model.state_dict())
        Loaded(missing_keys=[], unexpected_keys=[])
        >>> other([1.0, 2.0]).data == model([1.0, 2.0]).data
        True
        """
        return load(type(self).__name__, dict(self.named_parameters()), state, strict)


class Neuron(Module):
    """A weighted sum of `nin` inputs plus a bias, then ReLU, or what `activation` says, unless `nonlin` is
    false.

    An activation is "relu", "tanh", "sigmoid", or a function of one Value that gives a Value.

    The weights are drawn by `random.uniform(-1, 1)`, one after another; the bias starts at 0.
    Called with `nin` Values or numbers it returns one Value.

    The weighted sum is one node, `dot`. Where `spelled_out` is true it is a `*` for each weight and a `+`
    for each product, as micrograd has them: the same numbers, more nodes and more time. Neurons that were
    not told go by the class: `Neuron.spelled_out = True`. To see the parts of a `dot` in a picture, without
    changing the model, there is `draw(v, spelled_out=True)`.

    Raises:
        ValueError: a negative `nin`; called with a number of inputs other than `nin`; an activation of an
            unknown name, or one beside nonlin=False.
        TypeError: nonlin is not True or False; an activation gives something else than a Value.

    >>> neuron = Neuron(2, nonlin=False)
    >>> neuron.w[0].data, neuron.w[1].data, neuron.b.data = 2.0, -1.0, 0.5
    >>> neuron([3.0, 4.0]).data
    2.5
    >>> neuron
    LinearNeuron(2)
    >>> neuron([3.0, 4.0])._op, Neuron(2, nonlin=False, spelled_out=True)([3.0, 4.0])._op
    ('dot', '+')
    >>> Neuron(2, activation="tanh")
    TanhNeuron(2)
    """

    spelled_out: bool = False
    activation: Activation | None = None  # ReLU; of neurons in pickles that have none

    def __init__(
        self,
        nin: int,
        nonlin: bool = True,
        spelled_out: bool | None = None,
        *,
        activation: Activation | None = None,
    ) -> None:
        if spelled_out is not None:
            self.spelled_out = spelled_out
        self.nonlin = _whether(nonlin)
        self.activation = None if activation is None else _checked_activation(activation)
        if self.activation is not None and not self.nonlin:
            raise ValueError(
                "nonlin=False is a neuron without activation, and activation= gives it one: leave one "
                "of the two out"
            )
        self.w = [Value(random.uniform(-1, 1)) for _ in range(_size("nin", nin))]
        self.b = Value(0)

    def __call__(self, x: Iterable[Any]) -> Value:
        if type(x) is not list:
            x = _as_list(x)
        if len(x) != len(self.w):
            raise ValueError(f"this {self!r} takes {len(self.w)} inputs, got {len(x)}")
        act = self._spelled(x) if self.spelled_out else dot(self.w, x, self.b)
        if self.nonlin is True and self.activation is None:
            return act.relu()
        return self._output(act)

    def _spelled(self, x: list[Any]) -> Value:
        act = self.b
        for weight, item in zip(self.w, x, strict=True):
            act = act + weight * item
        return act

    def _output(self, act: Value) -> Value:
        if not _whether(self.nonlin):  # it may have been assigned
            return act
        return act.relu() if self.activation is None else _activated(self.activation, act)

    def parameters(self) -> list[Value]:
        """The weights, then the bias."""
        return [*self.w, self.b]

    def __repr__(self) -> str:
        activation = self.activation or "relu"
        if not self.nonlin:
            return f"LinearNeuron({len(self.w)})"
        if isinstance(activation, str):
            return f"{_NAMES[activation]}Neuron({len(self.w)})"
        return f"Neuron({len(self.w)}, activation={_name_of(activation)})"


class Layer(Module):
    """`nout` neurons side by side, all fed with the same `nin` inputs.

    Further keyword arguments, such as `activation`, go to each Neuron. Called with `nin` Values or numbers
    it returns a list of `nout` Values, or the Value itself if `nout` is 1.

    Raises:
        ValueError: a negative `nin` or `nout`; called with a number of inputs other than `nin`.

    >>> layer = Layer(2, 3, nonlin=False)
    >>> len(layer([1.0, 2.0])), len(layer.parameters())
    (3, 9)
    """

    def __init__(self, nin: int, nout: int, **kwargs: Any) -> None:
        self.neurons = [Neuron(nin, **kwargs) for _ in range(_size("nout", nout))]

    def __call__(self, x: Iterable[Any]) -> Any:
        # Numbers become Values here, so that the neurons share them instead of making one each.
        inputs = _as_values(x)
        # By name it is a call from Python to Python; through the type's slot it takes 60 ns more.
        out = [neuron.__call__(inputs) for neuron in self.neurons]
        return out[0] if len(out) == 1 else out

    def parameters(self) -> list[Value]:
        """The parameters of the first neuron, then of the second, ..."""
        return [p for neuron in self.neurons for p in neuron.parameters()]

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(str(neuron) for neuron in self.neurons)}]"


class MLP(Module):
    """A multi-layer perceptron: layers in a row, ReLU or another activation after each but the last.

    Args:
        nin: the number of inputs.
        nouts: the number of neurons in each layer; the last one is the number of outputs.
        activation: "relu", "tanh", "sigmoid", or a function of one Value.

    Further keyword arguments, such as `spelled_out`, go to each Neuron; with `nonlin=True` the last layer
    has an activation, too. Called with `nin` Values or numbers it returns a list of `nouts[-1]` Values, or
    the Value itself if that is 1.

    Raises:
        ValueError: called with a number of inputs other than `nin`; and as Neuron does.
        TypeError: as Neuron does.

    >>> model = MLP(3, [4, 4, 1])
    >>> len(model.parameters())
    41
    >>> model([1.0, 2.0])
    Traceback (most recent call last):
        ...
    ValueError: this ReLUNeuron(3) takes 3 inputs, got 2
    >>> MLP(1, [1, 1], activation="tanh")
    MLP of [Layer of [TanhNeuron(1)], Layer of [LinearNeuron(1)]]
    """

    def __init__(
        self, nin: int, nouts: Sequence[int], *, activation: Activation | None = None, **kwargs: Any
    ) -> None:
        if isinstance(nouts, str) or not hasattr(nouts, "__iter__"):
            raise TypeError(
                f"nouts lists the neurons of each layer, as in MLP({nin!r}, [{nouts!r}]), not {nouts!r}"
            )
        sizes = [nin, *nouts]
        last = len(nouts) - 1
        if activation is not None:
            activation = _checked_activation(activation)  # also where no layer has it
        self.layers = []
        for i in range(len(nouts)):
            told: dict[str, Any] = {"nonlin": i != last, **kwargs}
            if i != last or "nonlin" in kwargs:
                told["activation"] = activation
            self.layers.append(Layer(sizes[i], sizes[i + 1], **told))

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self) -> list[Value]:
        """The parameters of the first layer, then of the second, ..."""
        return [p for layer in self.layers for p in layer.parameters()]

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(str(layer) for layer in self.layers)}]"
