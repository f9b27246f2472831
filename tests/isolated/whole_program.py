"""Prints which Value every part of the package works with, and what a short training run gives."""

import random

import pygrad
import pygrad.math
from pygrad import Value, engine, nn, optim

random.seed(1)
model = nn.MLP(2, [3, 1])
optimizer = optim.Adam(model.parameters(), lr=0.05)
for _ in range(5):
    loss = (model([0.5, -1.0]) - 1.0) ** 2 + pygrad.math.exp(model([1.0, 2.0]) * 0.1)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

x = Value(0.5)
results = {
    "pygrad": x,
    "engine": engine.Value(1.0),
    "operator": x * 2,
    "math": pygrad.math.sin(x),
    "dot": pygrad.dot([x], [2.0]),
    "sum": pygrad.sum([x]),
    "where": pygrad.where(x > 0, x, 0.0),
    "nn": model.parameters()[0],
    "result": loss,
}
kinds = {type(v).__module__ + "." + type(v).__qualname__ for v in results.values()}
print("implementation", pygrad.IMPLEMENTATION)
print("kinds", *sorted(kinds))
print("loss", loss.data.hex(), *[p.data.hex() for p in model.parameters()])
