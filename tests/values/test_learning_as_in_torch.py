"""Optimisers, clipping and losses beside PyTorch's numbers: tests/lib/torch_numbers.py has made them."""

from __future__ import annotations

import math

import pytest
import torch_numbers as given

IN_TORCH = {
    "steps": {
        "sgd": [0.6613234661942147, -1.2709688943319648, 0.018404453950646132],
        "momentum": [0.6720527955928142, -1.2967767502548952, 0.02015120374428754],
        "dampened": [0.6200779215335146, -1.2348328574821152, 0.017830156389226914],
        "nesterov": [0.6043096260823095, -1.2068591623397227, 0.01759723502048963],
        "adam": [0.6576427547575072, -1.1907015327356814, 0.003726586690514816],
        "amsgrad": [0.6580567029498583, -1.1973907405849, 0.002404501561341959],
        "adamw, amsgrad": [0.6685738229490484, -1.2735278084013573, 0.0035883217725657546],
        "adamw": [0.6663004477802423, -1.2735100478524326, 0.0044783043700152075],
        "adamw, decaying fast": [0.6091084151251539, -1.1650421496299612, 0.004467023849978367],
        "rmsprop": [0.4954711222293669, -1.118164545581983, -0.14173570485930806],
        "rmsprop, all of it": [0.5276821491467558, -0.8192861574826614, -0.020300190955402964],
    },
    "clipped": {
        "euclidean": (
            0.8634560524142373,
            [0.8414709848078965, -0.18920062382698205, 0.041061662419924316],
        ),
        "one": (
            1.0717332710548029,
            [0.3925744503717882, -0.08826843973215975, 0.019156643362496634],
        ),
        "largest": (
            0.8414709848078965,
            [0.09999988116063066, -0.022484482816165954, 0.004879742066433558],
        ),
        "cube": (
            0.8446796915381463,
            [0.4981000472945552, -0.11199535263582952, 0.024306026425886373],
        ),
        "within": (
            0.8634560524142373,
            [0.8414709848078965, -0.18920062382698205, 0.041061662419924316],
        ),
    },
    "losses": {
        "mse": (
            0.0405,
            [-0.039999999999999994, 0.08000000000000002, 4e-13, 0.1, -0.12000000000000002],
        ),
        "cross_entropy of classes": (
            0.9955535359533346,
            [
                -0.05360074135268103,
                0.009778143317671862,
                0.04382259803500917,
                9.601505856502601e-16,
                0.1249999999999995,
                -0.1250000000000005,
                0.09007415381013502,
                -0.150452664738766,
                0.06037851092863097,
                -0.2201992694944706,
                3.845579015308861e-178,
                0.22019926949447058,
            ],
        ),
        "cross_entropy of probabilities": (
            1.3018035359533346,
            [
                0.14639925864731895,
                -0.11522185668232814,
                -0.031177401964990824,
                9.601505856502601e-16,
                -0.1250000000000005,
                0.1249999999999995,
                0.02757415381013502,
                0.03704733526123401,
                -0.06462148907136903,
                -0.09519926949447062,
                3.845579015308861e-178,
                0.09519926949447058,
            ],
        ),
        "binary_cross_entropy": (
            0.27566523829434275,
            [
                -0.22222222222222224,
                0.24999999999999994,
                0.20000000000020002,
                0.2,
                -0.2857142857142857,
            ],
        ),
        "binary_cross_entropy of scores": (
            43.24316230316276,
            [-0.009485174635513327, 0.07550813375962909, 0.2, -0.05, -0.09999999995],
        ),
        "hinge": (148.7000000002, [-0.0, 0.2, 0.2, -0.2, 0.2]),
    },
}

# Both round each operation, in orders of their own: sums over a few classes differ by a few ulp; so do six
# steps, the smallest parameter of which has lost a digit to those before.
NEAR = 3e-15


@pytest.mark.parametrize("name", given.OPTIMISERS)
def test_six_steps_of_an_optimiser_end_where_those_of_torch_do(package, name):
    kind, settings = given.OPTIMISERS[name]
    values = [package.engine.Value(x) for x in given.START]
    optimizer = getattr(package.optim, kind)(values, **settings)
    for grads in given.GRADS:
        for v, g in zip(values, grads, strict=True):
            v.grad = g
        optimizer.step()
    assert [v.data for v in values] == pytest.approx(IN_TORCH["steps"][name], rel=5e-14, abs=1e-17)


@pytest.mark.parametrize("name", given.CLIPPED)
def test_gradients_are_clipped_as_torch_does(package, name):
    values = [package.engine.Value(x) for x in given.START]
    for v, g in zip(values, given.GRADS[0], strict=True):
        v.grad = g
    norm, grads = IN_TORCH["clipped"][name]
    assert package.optim.clip_grad_norm(values, *given.CLIPPED[name]) == pytest.approx(
        norm, rel=NEAR
    )
    assert [v.grad for v in values] == pytest.approx(grads, rel=NEAR)


def losses(nn):
    return {
        "mse": (lambda x: nn.mse(x, given.YES), given.LIKELY),
        "cross_entropy of classes": (lambda x: nn.cross_entropy(x, given.CLASSES), given.SCORES),
        "cross_entropy of probabilities": (
            lambda x: nn.cross_entropy(x, given.PROBABILITIES),
            given.SCORES,
        ),
        "binary_cross_entropy": (
            lambda x: nn.binary_cross_entropy(x, given.YES),
            given.LIKELY,
        ),
        "binary_cross_entropy of scores": (
            lambda x: nn.binary_cross_entropy(x, given.YES, logits=True),
            given.LOGITS,
        ),
        "hinge": (lambda x: nn.hinge(x, given.SIGNS), given.LOGITS),
    }


@pytest.mark.parametrize("name", IN_TORCH["losses"])
def test_a_loss_and_its_gradient_are_those_of_torch(package, name):
    loss, point = losses(package.nn)[name]
    Value = package.engine.Value
    rows = isinstance(point[0], list)
    x = [[Value(s) for s in row] for row in point] if rows else [Value(s) for s in point]
    y = loss(x)
    y.backward()
    value, slopes = IN_TORCH["losses"][name]
    assert y.data == pytest.approx(value, rel=NEAR)
    found = [v.grad for row in x for v in row] if rows else [v.grad for v in x]
    # softmax minus one has lost digits in torch where softmax is nearly one.
    assert found == pytest.approx(slopes, rel=NEAR, abs=1e-16)
    assert loss(point) == pytest.approx(value, rel=NEAR)  # of floats a float


@pytest.mark.long
def test_the_numbers_are_those_of_torch():
    pytest.importorskip("torch", reason="the numbers are PyTorch's")
    found = given.numbers()
    for group, of_group in IN_TORCH.items():
        for name, numbers in of_group.items():
            flat = [numbers] if group == "steps" else [[numbers[0]], numbers[1]]
            again = found[group][name]
            again = [again] if group == "steps" else [[again[0]], again[1]]
            for one, other in zip(flat, again, strict=True):
                assert other == pytest.approx(one, rel=1e-14, abs=1e-18), name
                assert all(map(math.isfinite, other))
