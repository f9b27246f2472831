"""The problems of adbench_models.py as array frameworks want them: sums of products of whole arrays.

A function takes as `m` what OfJax or OfTorch names: the functions of the library in question.
"""

from __future__ import annotations

import importlib
import math
from typing import Any

import adbench_models
from adbench_models import AXES, FREEDOM, GAMMA


class OfJax:
    """JAX in doubles."""

    def __init__(self) -> None:
        jax = importlib.import_module("jax")
        jax.config.update("jax_enable_x64", True)
        jax.config.update("jax_platforms", "cpu")
        numpy = jax.numpy
        self.exp, self.log, self.sqrt = numpy.exp, numpy.log, numpy.sqrt
        self.sin, self.cos, self.tanh = numpy.sin, numpy.cos, numpy.tanh
        self.stack, self.einsum, self.cross = numpy.stack, numpy.einsum, numpy.cross
        self.array, self.zeros = numpy.asarray, numpy.zeros
        self.sigmoid, self.scan = jax.nn.sigmoid, jax.lax.scan
        self.log_sum_exp = jax.scipy.special.logsumexp

    @staticmethod
    def placed(shape: tuple[int, ...], rows: Any, columns: Any, values: Any) -> Any:
        """Matrices with values at some places and 0 elsewhere."""
        jax = importlib.import_module("jax")
        return jax.numpy.zeros(shape).at[:, rows, columns].set(values)


class OfTorch:
    """PyTorch in doubles."""

    def __init__(self) -> None:
        torch = importlib.import_module("torch")
        torch.set_default_dtype(torch.float64)
        self.exp, self.log, self.sqrt = torch.exp, torch.log, torch.sqrt
        self.sin, self.cos, self.tanh = torch.sin, torch.cos, torch.tanh
        self.stack, self.einsum, self.cross = torch.stack, torch.einsum, torch.linalg.cross
        self.array, self.zeros = torch.as_tensor, torch.zeros
        self.sigmoid, self.log_sum_exp = torch.sigmoid, torch.logsumexp

    @staticmethod
    def placed(shape: tuple[int, ...], rows: Any, columns: Any, values: Any) -> Any:
        result = importlib.import_module("torch").zeros(shape)
        result[:, rows, columns] = values
        return result

    @staticmethod
    def scan(step: Any, carried: Any, items: Any) -> tuple[Any, None]:
        for each in zip(*items, strict=True):
            carried, _ = step(carried, each)
        return carried, None


# -- a mixture of Gaussians --------------------------------------------------------------------------------


def mixture(m: Any, alphas: Any, means: Any, factors: Any, x: Any) -> Any:
    """The whole objective, of (K,), (K, d), (K, d (d + 1) / 2) and (points, d)."""
    count, d = means.shape
    logs = factors[:, :d]
    diagonal, log_sums = m.exp(logs), logs.sum(1)
    # The lower triangle by columns is the upper one by rows.
    rows = [i for j in range(d) for i in range(j + 1, d)]
    columns = [j for j in range(d) for i in range(j + 1, d)]
    lower = m.placed((count, d, d), rows, columns, factors[:, d:])
    away = x[:, None, :] - means
    scaled = diagonal * away + m.einsum("kij,nkj->nki", lower, away)
    terms = alphas + log_sums - 0.5 * (scaled * scaled).sum(2)
    result = m.log_sum_exp(terms, 1).sum()
    result = result - len(x) * (0.5 * d * math.log(2.0 * math.pi) + m.log_sum_exp(alphas, 0))
    squares = (diagonal * diagonal).sum() + (factors[:, d:] ** 2).sum()
    prior = 0.5 * GAMMA**2 * squares - FREEDOM * log_sums.sum()
    return result + prior - count * adbench_models.wishart_constant(d)


# -- bundle adjustment -------------------------------------------------------------------------------------


def reprojection(m: Any, camera: Any, point: Any, weight: Any, seen: Any) -> Any:
    """Of one observation, to be mapped."""
    turned = rotated(m, camera[:3], point - camera[3:6])
    flat = turned[:2] / turned[2]
    square = (flat * flat).sum()
    scale = camera[6] * (1.0 + camera[9] * square + camera[10] * square * square)
    return weight * (scale * flat + camera[7:9] - seen)


def rotated(m: Any, rotation: Any, x: Any) -> Any:
    """Rodrigues' formula."""
    angle = m.sqrt((rotation * rotation).sum())
    axis = rotation / angle
    cosine, sine = m.cos(angle), m.sin(angle)
    return cosine * x + sine * m.cross(axis, x) + (1.0 - cosine) * (axis * x).sum() * axis


# -- an LSTM -----------------------------------------------------------------------------------------------


def lstm_loss(m: Any, layers: Any, ends: Any, state: Any, sequence: Any) -> Any:
    """The mean cost, of (layers, 2, 4, width), (3, width), (layers, 2, width) and (length, width)."""

    def step(carried: Any, items: Any) -> tuple[Any, None]:
        total, states = carried
        item, target = items
        x, new = item * ends[0], []
        for at in range(len(layers)):
            hidden, cell = states[at]
            weights, biases = layers[at]
            forget, enter, leave, change = weights * m.stack([x, hidden, x, hidden], 0) + biases
            cell = cell * m.sigmoid(forget) + m.sigmoid(enter) * m.tanh(change)
            x = m.sigmoid(leave) * m.tanh(cell)
            new.append(m.stack([x, cell], 0))
        y = x * ends[1] + ends[2]
        total = total + (target * (y - m.log(m.exp(y).sum() + 2.0))).sum()
        return (total, m.stack(new, 0)), None

    (total, _), _ = m.scan(step, (m.zeros(()), state), (sequence[:-1], sequence[1:]))
    return -total / ((len(sequence) - 1) * sequence.shape[1])


# -- a hand ------------------------------------------------------------------------------------------------


def bones_of(m: Any, parents: Any, relatives: Any, inverses: Any, pose: Any) -> Any:
    """A (bones, 4, 4) array from such arrays and the pose."""
    zero, one = 0.0 * pose[0], 0.0 * pose[0] + 1.0

    def matrix(rows: Any) -> Any:
        return m.stack([m.stack(list(row), 0) for row in (*rows, (zero, zero, zero, one))], 0)

    turned = [rotated(m, pose[:3], m.array(axis)) for axis in AXES]
    whole = matrix([[*(axis[i] for axis in turned), pose[3 + i]] for i in range(3)])
    absolutes: list[Any] = []
    for bone, parent in enumerate(parents):
        here = relatives[bone]
        finger, joint = divmod(bone - 2, 4)
        if bone >= 2 and joint < 3:
            at = 6 + 4 * finger
            bend, spread = (pose[at], pose[at + 1]) if joint == 0 else (pose[at + joint + 1], zero)
            a, b, c, d = m.cos(bend), m.sin(bend), m.cos(spread), m.sin(spread)
            rows = ((c, -d * a, d * b, zero), (d, c * a, -c * b, zero), (zero, b, a, zero))
            here = here @ matrix(rows)
        absolutes.append((whole if parent < 0 else absolutes[parent]) @ here)
    return m.stack(absolutes, 0) @ inverses


def skinned(m: Any, bones: Any, weights: Any, vertices: Any) -> Any:
    """Where vertices are, of (vertices, bones) and (vertices, 4)."""
    mixed = m.einsum("vb,bij->vij", weights, bones[:, :3])
    return m.einsum("vij,vj->vi", mixed, vertices)


def inside(m: Any, u: Any, corners: Any) -> Any:
    """Places in triangles, of (points, 2) and (points, 3, 3)."""
    shares = m.stack([u[:, 0], u[:, 1], 1.0 - u[:, 0] - u[:, 1]], 1)
    return m.einsum("pc,pci->pi", shares, corners)
