"""The problems of ADBench in plain scalar Python: Gaussians, bundle adjustment, an LSTM, a hand.

Written from the formulas of Srajer, Kukelova and Fitzgibbon, "A benchmark of selected algorithmic
differentiation tools on some problems in computer vision and machine learning" (2018); the LSTM, whose
matrices are diagonal, came to their benchmark afterwards. A function takes as `m` the functions it shall
use: `math` for floats and `pygrad.math` for Values, with a `scan` and a `maximum` beside them. Data are
drawn with a fixed seed.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

Numbers = Sequence[Any]


def log_sum_exp(m: Any, terms: Numbers) -> Any:
    top = functools.reduce(m.maximum, terms)
    return top + m.log(sum(m.exp(term - top) for term in terms))


# -- a mixture of Gaussians with a Wishart prior -----------------------------------------------------------

GAMMA, FREEDOM = 1.0, 0  # of the prior


def mixture_point(m: Any, alphas: Numbers, means: Any, factors: Any, x: Numbers) -> Any:
    """The logarithm of the density of K Gaussians at a point of d numbers, up to what all points share.

    A Gaussian has d numbers as its mean, and d (d + 1) / 2 as the root of its inverse covariance: the
    logarithms of the diagonal, then what is below it, column by column.
    """
    terms = []
    for alpha, mean, factor in zip(alphas, means, factors, strict=True):
        away = [a - b for a, b in zip(x, mean, strict=True)]
        scaled = [m.exp(factor[i]) * a for i, a in enumerate(away)]
        below = iter(factor[len(x) :])
        for j, a in enumerate(away):
            for i in range(j + 1, len(x)):
                scaled[i] = scaled[i] + next(below) * a
        terms.append(alpha + sum(factor[: len(x)]) - 0.5 * sum(v * v for v in scaled))
    return log_sum_exp(m, terms)


def mixture_rest(m: Any, alphas: Numbers, means: Any, factors: Any, points: int) -> Any:
    """What is added for all points together: normalisation, and the prior of the inverse covariances."""
    d = len(means[0])
    result = -points * (0.5 * d * math.log(2.0 * math.pi) + log_sum_exp(m, alphas))
    for factor in factors:
        squares = sum(m.exp(v) ** 2 for v in factor[:d]) + sum(v * v for v in factor[d:])
        result = result + 0.5 * GAMMA**2 * squares - FREEDOM * sum(factor[:d])
    return result - len(factors) * wishart_constant(d)


def wishart_constant(d: int) -> float:
    n = d + FREEDOM + 1
    gammas = sum(math.lgamma(0.5 * (n - j)) for j in range(d))
    log_gamma = 0.25 * d * (d - 1) * math.log(math.pi) + gammas
    return n * d * (math.log(GAMMA) - 0.5 * math.log(2.0)) - log_gamma


def mixture_data(d: int, count: int, points: int) -> tuple[Any, ...]:
    """Alphas, means, factors and points."""
    import numpy as np

    rng = np.random.default_rng(1337)
    factors = 0.3 * rng.normal(size=(count, d * (d + 1) // 2))
    return rng.normal(size=count), rng.random((count, d)), factors, rng.normal(size=(points, d))


# -- bundle adjustment -------------------------------------------------------------------------------------


def rotated(m: Any, rotation: Numbers, x: Numbers) -> list[Any]:
    """Rodrigues' formula: x turned about an axis by the length of that axis."""
    angle = m.sqrt(sum(r * r for r in rotation))
    cosine, sine = m.cos(angle), m.sin(angle)
    a, b, c = (r / angle for r in rotation)
    along = (1.0 - cosine) * (a * x[0] + b * x[1] + c * x[2])
    across = (b * x[2] - c * x[1], c * x[0] - a * x[2], a * x[1] - b * x[0])
    return [cosine * v + sine * w + along * u for v, w, u in zip(x, across, (a, b, c), strict=True)]


def reprojection(m: Any, camera: Numbers, point: Numbers, weight: Any, seen: Numbers) -> list[Any]:
    """How far a point is from where a camera saw it, weighted: two numbers.

    A camera has 3 numbers as rotation, 3 as centre, a focal length, 2 as principal point, 2 of distortion.
    """
    x, y, z = rotated(m, camera[0:3], [p - c for p, c in zip(point, camera[3:6], strict=True)])
    x, y = x / z, y / z
    square = x * x + y * y
    scale = camera[6] * (1.0 + camera[9] * square + camera[10] * square * square)
    return [
        weight * (scale * x + camera[7] - seen[0]),
        weight * (scale * y + camera[8] - seen[1]),
    ]


def bundle_data(cameras: int, points: int, observations: int) -> tuple[Any, ...]:
    """Cameras, points, weights, what was seen, and the camera and the point of each observation."""
    import numpy as np

    rng = np.random.default_rng(1337)
    middle = [0.1, 0.2, -0.1, 0.0, 0.0, -6.0, 700.0, 320.0, 240.0, -0.1, 0.01]
    spread = [0.05, 0.05, 0.05, 0.3, 0.3, 0.3, 20.0, 5.0, 5.0, 0.02, 0.002]
    of_cameras = np.array(middle) + np.array(spread) * rng.normal(size=(cameras, 11))
    seen = rng.normal(size=(observations, 2)) * 60.0 + [320.0, 240.0]
    which = rng.integers(cameras, size=observations), rng.integers(points, size=observations)
    weights = 0.5 + rng.random(observations)
    return of_cameras, rng.normal(size=(points, 3)), weights, seen, *which


# -- an LSTM -----------------------------------------------------------------------------------------------


def lstm_cell(
    m: Any, weights: Any, biases: Any, x: Numbers, hidden: Numbers, cell: Numbers
) -> tuple[list[Any], list[Any]]:
    """New hidden and cell states of one layer: gates by x and hidden, by turns, number by number."""
    forget, enter, leave, change = (
        [w * v + b for w, v, b in zip(weights[k], source, biases[k], strict=True)]
        for k, source in enumerate((x, hidden, x, hidden))
    )
    cell = [
        c * m.sigmoid(f) + m.sigmoid(e) * m.tanh(h)
        for c, f, e, h in zip(cell, forget, enter, change, strict=True)
    ]
    return [m.sigmoid(v) * m.tanh(c) for v, c in zip(leave, cell, strict=True)], cell


def lstm_loss(m: Any, layers: Any, ends: Any, state: Any, sequence: Any) -> Any:
    """The mean of what the next item costs, over a sequence.

    A layer has weights and biases, each four times the width of an item; ends scale what goes in, scale and
    shift what comes out; the state has hidden and cell of each layer. 2 in the sum is ADBench's.
    """

    def step(carried: Any, items: Any) -> tuple[Any, None]:
        total, states = carried
        item, target = items
        x, new = [a * b for a, b in zip(item, ends[0], strict=True)], []
        for (weights, biases), (hidden, cell) in zip(layers, states, strict=True):
            new.append(lstm_cell(m, weights, biases, x, hidden, cell))
            x = new[-1][0]
        y = [a * b + c for a, b, c in zip(x, ends[1], ends[2], strict=True)]
        norm = m.log(sum(m.exp(v) for v in y) + 2.0)
        return (total + sum(t * (v - norm) for t, v in zip(target, y, strict=True)), new), None

    states = [(list(hidden), list(cell)) for hidden, cell in state]
    (total, _), _ = m.scan(step, (0.0, states), (sequence[:-1], sequence[1:]))
    return -total / ((len(sequence) - 1) * len(sequence[0]))


def lstm_data(layers: int, length: int, width: int = 14) -> tuple[Any, ...]:
    """Layers, ends, states and the sequence, whose items have a single 1."""
    import numpy as np

    rng = np.random.default_rng(1337)
    of_layers = rng.normal(size=(layers, 2, 4, width))
    sequence = np.eye(width)[rng.integers(width, size=length)]
    return of_layers, rng.normal(size=(3, width)), rng.normal(size=(layers, 2, width)), sequence


# -- a hand ------------------------------------------------------------------------------------------------

FINGERS, VERTICES = 5, 544
BONES = 2 + 4 * FINGERS  # wrist and palm, and four of each finger, of which the last is its tip
POSE = 6 + 4 * FINGERS  # rotation and translation of all, and four angles of each finger
Matrix = Any  # three rows of four numbers: a rotation and a translation


class Hand(NamedTuple):
    """What is known of a hand, as arrays; bones stand after those that they hang on."""

    parents: tuple[int, ...]  # of each bone, -1 of the first
    relatives: Any  # (BONES, 3, 4): where a bone stands beside its parent when at rest
    inverses: Any  # (BONES, 3, 4): from places at rest to places beside a bone
    vertices: Any  # (VERTICES, 3), at rest
    weights: Any  # (VERTICES, BONES): how much of a bone's motion a vertex follows
    triangles: Any  # (triangles, 3): numbers of vertices
    points: Any  # (points, 3): what was measured
    places: Any  # (points,): the triangle of each, and its first corner


def product(a: Matrix, b: Matrix) -> Matrix:
    """a after b."""
    return [
        [sum(x[k] * b[k][j] for k in range(3)) + (x[3] if j == 3 else 0.0) for j in range(4)]
        for x in a
    ]


def turned(m: Any, bend: Any, spread: Any) -> Matrix:
    """A rotation about x by one angle, then about z by another."""
    a, b, c, d = m.cos(bend), m.sin(bend), m.cos(spread), m.sin(spread)
    return [[c, -d * a, d * b, 0.0], [d, c * a, -c * b, 0.0], [0.0, b, a, 0.0]]


def bones_of(m: Any, parents: Sequence[int], relatives: Any, inverses: Any, pose: Numbers) -> Any:
    """For each bone the matrix that takes a vertex from rest to where the pose has it."""
    whole = [
        [*row, t]
        for row, t in zip(
            zip(*(rotated(m, pose[0:3], axis) for axis in AXES), strict=True),
            pose[3:6],
            strict=True,
        )
    ]
    absolutes: list[Matrix] = []
    for bone, parent in enumerate(parents):
        here = relatives[bone]
        finger, joint = divmod(bone - 2, 4)
        if bone >= 2 and joint < 3:
            angles = pose[6 + 4 * finger : 10 + 4 * finger]
            bend, spread = (angles[0], angles[1]) if joint == 0 else (angles[joint + 1], 0.0)
            here = product(here, turned(m, bend, spread))
        absolutes.append(product(whole if parent < 0 else absolutes[parent], here))
    return [product(a, b) for a, b in zip(absolutes, inverses, strict=True)]


AXES = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def skinned(bones: Any, weights: Numbers, vertex: Numbers) -> list[Any]:
    """Where a vertex is: the mean of where the bones would take it, by its weights."""
    mixed = [
        [sum(w * bone[i][j] for w, bone in zip(weights, bones, strict=True)) for j in range(4)]
        for i in range(3)
    ]
    return [sum(row[k] * vertex[k] for k in range(3)) + row[3] for row in mixed]


def distance_inside(
    bones: Any, u: Numbers, weights: Any, corners: Any, point: Numbers
) -> list[Any]:
    """From a place in a triangle, which u says, to the point that was measured of it."""
    a, b, c = (skinned(bones, w, v) for w, v in zip(weights, corners, strict=True))
    rest = 1.0 - u[0] - u[1]
    return [p - (u[0] * x + u[1] * y + rest * z) for p, x, y, z in zip(point, a, b, c, strict=True)]


def used_vertices(hand: Hand, places: bool) -> tuple[Any, Any]:
    """The vertices that points need, and for each point which of these: one, or a triangle's three."""
    import numpy as np

    at = hand.triangles[hand.places] if places else hand.places
    used, which = np.unique(at, return_inverse=True)
    return used, which.reshape(at.shape)


def hand_data(points: int) -> tuple[Any, Any, Hand]:
    """A pose, places in triangles, and a hand: fingers of four bones each, and a mesh around them."""
    import numpy as np

    rng = np.random.default_rng(1337)
    parents = (-1, 0, *(1 if j == 0 else 1 + 4 * f + j for f in range(FINGERS) for j in range(4)))
    relatives = np.tile(np.eye(3, 4), (BONES, 1, 1))
    absolutes = np.tile(np.eye(4), (BONES, 1, 1))
    for bone, parent in enumerate(parents):
        finger, joint = divmod(bone - 2, 4)
        relatives[bone, :, 3] = (0.3 * (finger - 2), 1.0, 0.0) if joint == 0 else (0.0, 0.4, 0.0)
        before = np.eye(4) if parent < 0 else absolutes[parent]
        absolutes[bone, :3] = (before @ np.vstack([relatives[bone], [0.0, 0.0, 0.0, 1.0]]))[:3]
    near = rng.integers(BONES, size=VERTICES)
    vertices = absolutes[near, :3, 3] + 0.15 * rng.normal(size=(VERTICES, 3))
    away = np.linalg.norm(vertices[:, None] - absolutes[:, :3, 3], axis=2)
    weights = np.exp(-((away / 0.3) ** 2))
    weights /= weights.sum(1, keepdims=True)
    triangles = np.stack([(np.arange(2 * VERTICES) * k + k) % VERTICES for k in (1, 3, 7)], axis=1)
    places = rng.integers(VERTICES, size=points)
    measured = vertices[places] + 0.05 * rng.normal(size=(points, 3))
    inverses = np.linalg.inv(absolutes)[:, :3]
    hand = Hand(parents, relatives, inverses, vertices, weights, triangles, measured, places)
    pose = np.concatenate([[0.1, -0.2, 0.3, 0.5, 0.2, -0.1], 0.3 * rng.normal(size=4 * FINGERS)])
    return pose, 0.3 * rng.random((points, 2)), hand
