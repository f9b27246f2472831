"""Ctrl-C while rows of a step run: all is as it was before, and the next step is whole."""

import signal
import threading
import time

import numpy as np

from pygrad import Value, compile
from pygrad.optim import Adam

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in background jobs of a shell
weights = [Value(0.1 * k) for k in range(20)]


@compile
def loss(x):
    total = 0.0
    for _ in range(10):
        for w in weights:
            total = (total + w * x).tanh()
    return total


optim = Adam(weights, lr=0.01)
rows = np.linspace(-1.0, 1.0, 1_000_000)
for _ in range(2):
    loss.backward(rows[:10], optim=optim, zero_grad=True)


def state():
    return [(p.data, p.grad) for p in weights], optim._parameters.__reduce__()[2]


before = state()
loss.backward(rows, optim=optim, zero_grad=True)
after = state()
assert after != before


def put_back():
    for p, (data, grad) in zip(weights, before[0], strict=True):
        p.data, p.grad = data, grad
    optim._parameters.__setstate__(before[1])


def interrupted():
    """Whether a step was; on a busy machine the signal may come after its end."""
    done = threading.Event()

    def interrupt():
        time.sleep(0.05)
        if not done.is_set():
            signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    try:
        thread.start()
        loss.backward(rows, optim=optim, zero_grad=True)
        done.set()
        thread.join()
    except KeyboardInterrupt:
        thread.join()
        return state() == before
    return False


for _ in range(100):
    put_back()
    assert state() == before
    if interrupted():
        break
    assert state() == after
else:
    raise SystemExit("it was not interrupted")
loss.backward(rows[:10], optim=optim, zero_grad=True)
assert state() != before
assert optim._parameters.__reduce__()[2][2] == 3.0
