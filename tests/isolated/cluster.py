"""Training on a Dask cluster of processes, one of which is killed on the way; prints what came of it."""

from __future__ import annotations

import json
import os
import signal
import threading
import time

import dask
import dask.array as da
import numpy as np
from dask.distributed import Client, LocalCluster

import pygrad
from pygrad import math
from pygrad.dask import value_and_grad

ROWS, CHUNK, STEPS = 6000, 1000, 6


def loss(p, x, y):
    return (math.tanh(p["w"][0] * x[0] + p["w"][1] * x[1]) * p["v"] - y) ** 2


def data():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(ROWS, 2))
    return x, np.tanh(x[:, 0] - x[:, 1]) * 2 + rng.normal(size=ROWS) * 0.1


def chunk_of(array, i):
    """A chunk that takes its time to come, so that a worker is killed while it works."""
    time.sleep(0.05)
    return array[i * CHUNK : (i + 1) * CHUNK]


def chunked(array):
    load = dask.delayed(chunk_of, pure=False)
    parts = [
        da.from_delayed(load(array, i), (CHUNK, *array.shape[1:]), float)
        for i in range(ROWS // CHUNK)
    ]
    return da.concatenate(parts)


def train(step, x, y, before_step=lambda k: None):
    p, values = {"w": np.array([0.1, 0.2]), "v": 1.0}, []
    for k in range(STEPS):
        before_step(k)
        value, slopes = step(p, x, y)
        values.append(value)
        p = {name: p[name] - 0.3 * slopes[name] for name in p}
    return values, [*p["w"].tolist(), p["v"]]


def main():
    dask.config.set({"distributed.comm.retry.count": 3})
    x, y = data()
    step = value_and_grad(loss, fan_in=2)
    killed = []
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        cx, cy = chunked(x), chunked(y)

        def kill_one(k):
            if k == 2:
                pid = next(iter(client.run(os.getpid).values()))
                killed.append(pid)
                threading.Timer(0.1, os.kill, (pid, signal.SIGKILL)).start()

        on_cluster = train(step, cx, cy, kill_one)
        workers = list(client.run(os.getpid).values())
        compiled = pygrad.compile(
            pygrad.value_and_grad(pygrad.vmap(loss, (None, 0, 0), reduce="mean"))
        )
        compiled({"w": np.array([0.1, 0.2]), "v": 1.0}, x, y)
        token = dask.base.tokenize(compiled)
        remote = client.submit(compiled, {"w": np.array([0.1, 0.2]), "v": 1.0}, x, y).result()
        untraced = client.submit(pygrad.compile(lambda x: x**3), 2.0).result()
    with dask.config.set(scheduler="synchronous"):
        alone = train(step, cx, cy)
    plain = train(compiled, x, y)
    assert dask.base.tokenize(compiled) == token
    print(
        json.dumps(
            {
                "on the cluster": on_cluster,
                "in one process": alone,
                "without Dask": plain,
                "killed and gone": killed[0] not in workers,
                "remote": [remote[0], remote[1]["v"]],
                "untraced": untraced,
            }
        )
    )


if __name__ == "__main__":
    main()
