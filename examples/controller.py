"""A controller for an inverted pendulum: trained through its simulation, then written as C and compared."""

from __future__ import annotations

import argparse
import ctypes
import random
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pygrad import compile, math, nn, optim

STEP = 0.05  # seconds
STRONGEST = 12.0  # torque, in units of mass * length**2 / s**2


class Controller(nn.Module):
    """Torque from angle and speed, by eight tanh neurons."""

    def __init__(self) -> None:
        self.hidden = nn.Layer(2, 8, nonlin=False)
        self.out = nn.Layer(8, 1, nonlin=False)

    def __call__(self, angle: Any, speed: Any) -> Any:
        neurons = [math.tanh(v) for v in self.hidden([angle, speed])]
        return STRONGEST * math.tanh(self.out(neurons))

    def parameters(self) -> list[Any]:
        return self.hidden.parameters() + self.out.parameters()


def moved(angle: Any, speed: Any, torque: Any) -> tuple[Any, Any]:
    """The pendulum a step later: angle from upright in radians, speed in radians a second."""
    speed = speed + STEP * (9.81 * math.sin(angle) + torque)
    return angle + STEP * speed, speed


def settled(control: Callable[[float, float], float]) -> tuple[list[float], float]:
    """Torques on the way from a quarter of a radian off, and the angle that is left after 5 s."""
    angle, speed, torques = 0.25, 0.0, []
    for _ in range(100):
        torques.append(control(angle, speed))
        angle, speed = moved(angle, speed, torques[-1])
    return torques, angle


def in_c(text: str, folder: Path) -> Callable[[float, float], float] | None:
    """The C function, compiled and ready to be called; None without a C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    (folder / "control.c").write_text(text, encoding="ascii")
    command = [compiler, "-std=c99", "-O2", "-ffp-contract=off", "-shared", "-fPIC"]
    subprocess.run([*command, "control.c", "-o", "control.so", "-lm"], cwd=folder, check=True)
    control = ctypes.CDLL(str(folder / "control.so")).control

    def call(angle: float, speed: float) -> float:
        torque = ctypes.c_double()
        status = control((ctypes.c_double * 2)(angle, speed), ctypes.byref(torque))
        assert status == 0
        return torque.value

    return call


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200, help="of training (%(default)s)")
    parser.add_argument("--output", type=Path, help="where to keep the C code")
    options = parser.parse_args(argv)
    random.seed(2)
    controller = Controller()

    @compile
    def cost(angle: Any, speed: Any) -> Any:
        """How far from rest the pendulum is during two seconds, with a price on torque."""
        total = 0.0
        for _ in range(40):
            torque = controller(angle, speed)
            angle, speed = moved(angle, speed, torque)
            total = total + angle**2 + 0.1 * speed**2 + 0.001 * torque**2
        return total / 40

    rng = np.random.default_rng(2)
    angles, speeds = rng.uniform(-0.5, 0.5, 64), rng.uniform(-0.5, 0.5, 64)
    optimizer = optim.Adam(controller.parameters(), lr=0.05)
    for step in range(options.steps):
        optimizer.zero_grad()
        loss = cost.backward(angles, speeds)
        optimizer.step()
        if step % 50 == 0 or step == options.steps - 1:
            print(f"step {step:3}  cost {loss:.4f}")

    control = compile(controller)
    torques, left = settled(control)
    print(f"in Python: from 0.25 rad to {left:.4f} rad in 5 s, first torque {torques[0]:.3f}")
    text = control.to_c(0.0, 0.0, name="control")
    if options.output is not None:
        options.output.write_text(text, encoding="ascii")
    with tempfile.TemporaryDirectory() as folder:
        call = in_c(text, Path(folder))
        if call is None:
            print("no C compiler here to compare with")
            return 0
        again, _ = settled(call)
    worst = max(abs(a - b) for a, b in zip(torques, again, strict=True))
    agree = worst <= 1e-12 * STRONGEST
    print(
        f"in C: {text.count(chr(10))} lines, torques {'agree within rounding' if agree else 'DIFFER'}"
    )
    return 0 if agree else 1


if __name__ == "__main__":
    raise SystemExit(main())
