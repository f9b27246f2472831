"""Small neural networks out of single neurons, with micrograd's names (Andrej Karpathy, 2020), and losses.

>>> import random
>>> from pygrad.nn import MLP, mse
>>> random.seed(1)
>>> model = MLP(2, [3, 1])
>>> model
MLP of [Layer of [ReLUNeuron(2), ReLUNeuron(2), ReLUNeuron(2)], Layer of [LinearNeuron(3)]]
>>> len(model.parameters())
13
>>> loss = mse([model([0.5, -1.0]), model([1.0, 2.0])], [1.0, 0.0])
>>> model.zero_grad()
>>> loss.backward()
"""

from pygrad.nn.losses import binary_cross_entropy, cross_entropy, hinge, mse
from pygrad.nn.modules import MLP, Layer, Module, Neuron

__all__ = [
    "MLP",
    "Layer",
    "Module",
    "Neuron",
    "binary_cross_entropy",
    "cross_entropy",
    "hinge",
    "mse",
]

# What users call them, and pickles, which earlier versions have made, too.
for _made in (MLP, Layer, Module, Neuron):
    _made.__module__ = __name__
del _made
