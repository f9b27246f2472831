"""Random Python functions of two numbers: nested loops and branches, breaks, early returns, state.

>>> print(source_of(3))  # doctest: +ELLIPSIS
class Box:
...
"""

from __future__ import annotations

import linecache
import random
from collections.abc import Callable
from typing import Any

_HEAD = """\
class Box:
    def __init__(self, a):
        self.a, self.n = a, 0

    def take(self, v):
        if v > self.a:
            self.a = 0.5 * (self.a + v)
            self.n += 1
        return self.a


def helper(u, v):
    if u > v:
        return u - v
    t = 0.0
    while t < 1.5:
        t = t + 0.5
        if u + t > v:
            return t
    return v * 0.5


def sign(u):
    return 1 if u > 0 else -1 if u < 0 else 0


"""


class _Writer:
    def __init__(self, seed: int, raises: bool) -> None:
        self.random = random.Random(seed)
        self.raises = raises
        self.lines: list[str] = []
        self.names = ["x", "y", "a", "b"]
        self.loops = 0
        self.statements = 0
        self.in_loop = 0

    def number(self, depth: int = 0) -> str:
        choose = self.random.random()
        if depth > 2 or choose < 0.35:
            return self.random.choice(self.names)
        if choose < 0.45:
            return self.random.choice(["0.5", "1.25", "2.0", "-0.75", "3.0", "0.1"])
        if choose < 0.75:
            op = self.random.choice(["+", "-", "*"])
            return f"({self.number(depth + 1)} {op} {self.number(depth + 1)})"
        if choose < 0.80:
            return f"({self.number(depth + 1)} / (1.0 + abs({self.number(depth + 1)})))"
        if choose < 0.86:
            return f"({self.number(depth + 1)} if {self.truth(depth + 1)} else {self.number(depth + 1)})"
        if choose < 0.90:
            return f"helper({self.number(depth + 1)}, {self.number(depth + 1)})"
        if choose < 0.92:
            return f"max({self.number(depth + 1)}, {self.number(depth + 1)})"
        if choose < 0.94:
            return f"box.take({self.number(depth + 1)})"
        if choose < 0.96:
            return f"xs[{self.random.randrange(3)}]"
        return self.random.choice(["box.a", "(n * 0.25)", "box.n", "sign(a - b)"])

    def truth(self, depth: int = 0) -> str:
        choose = self.random.random()
        if depth > 2 or choose < 0.6:
            op = self.random.choice(["<", ">", "<=", ">="])
            return f"{self.number(depth + 1)} {op} {self.number(depth + 1)}"
        if choose < 0.75:
            op = self.random.choice(["and", "or"])
            return f"({self.truth(depth + 1)} {op} {self.truth(depth + 1)})"
        if choose < 0.82:
            return f"not {self.truth(depth + 1)}"
        if choose < 0.9:
            return f"{self.number(depth + 1)} < {self.number(depth + 1)} < {self.number(depth + 1)}"
        if choose < 0.95:
            return "flag"
        return f"n % 2 == {self.random.randrange(2)}"

    def write(self, depth: int, line: str) -> None:
        self.lines.append("    " * depth + line)

    def small(self, target: str) -> str:
        """Keeps numbers from growing without bound."""
        return f"{target} = {target} / (1.0 + abs({target}))"

    def block(self, depth: int, most: int) -> None:
        for _ in range(self.random.randint(1, most)):
            self.statement(depth)

    def statement(self, depth: int) -> None:
        self.statements += 1
        choose = self.random.random()
        if self.statements > 26 or depth > 5 or choose < 0.34:
            self.assignment(depth)
        elif choose < 0.62:
            self.branch(depth)
        elif choose < 0.82 and self.loops < 4:
            self.loop(depth)
        elif choose < 0.92 and self.in_loop:
            self.write(depth, f"if {self.truth()}:")
            self.write(depth + 1, self.random.choice(["break", "continue"]))
        elif choose < 0.95:
            self.write(depth, f"if {self.truth()}:")
            self.write(depth + 1, f"return {self.number()}")
        elif choose < 0.97 and self.raises:
            self.write(depth, f"if {self.number()} > {self.random.choice(['1.5', '2.5'])}:")
            self.write(depth + 1, "raise ValueError('too large')")
        else:
            self.assignment(depth)

    def assignment(self, depth: int) -> None:
        choose = self.random.random()
        if choose < 0.45:
            name = self.random.choice(["a", "b"])
            self.write(depth, f"{name} = {self.number()}")
            self.write(depth, self.small(name))
        elif choose < 0.55:
            self.write(depth, f"{self.random.choice(['a', 'b'])} += 0.125")
        elif choose < 0.65:
            self.write(depth, f"xs[{self.random.randrange(3)}] = sign({self.number()}) * 0.5")
        elif choose < 0.72:
            self.write(depth, "box.a += 0.0625")
        elif choose < 0.80:
            self.write(depth, "n += 1")
        elif choose < 0.88:
            self.write(depth, f"flag = {self.truth()}")
        elif choose < 0.94:
            self.write(depth, "a, b = b, a")
        else:
            self.write(depth, f"t = {self.number()}")
            self.write(depth, "a = t / (1.0 + abs(t))")

    def branch(self, depth: int) -> None:
        self.write(depth, f"if {self.truth()}:")
        self.block(depth + 1, 2)
        if self.random.random() < 0.3:
            self.write(depth, f"elif {self.truth()}:")
            self.block(depth + 1, 2)
        if self.random.random() < 0.5:
            self.write(depth, "else:")
            self.block(depth + 1, 2)

    def loop(self, depth: int) -> None:
        self.loops += 1
        k = f"k{self.loops}"
        kind = self.random.random()
        self.in_loop += 1
        if kind < 0.4:
            self.write(depth, f"{k} = 0")
            test = f"{k} < {self.random.randint(1, 4)} and {self.truth(1)}"
            self.write(depth, f"while {test}:")
            self.write(depth + 1, f"{k} += 1")
        elif kind < 0.55:
            self.write(depth, f"{k} = 0")
            self.write(depth, "while True:")
            self.write(depth + 1, f"{k} += 1")
            self.write(depth + 1, f"if {k} > {self.random.randint(1, 3)} or {self.truth(1)}:")
            self.write(depth + 2, "break")
        elif kind < 0.85:
            self.write(depth, f"for {k} in range({self.random.randint(0, 4)}):")
        else:
            self.write(depth, f"for {k} in [a, 0.5, b]:")
        self.names.append(k)
        self.block(depth + 1, 3)
        self.names.remove(k)
        self.in_loop -= 1
        if self.random.random() < 0.2:
            self.write(depth, "else:")
            self.block(depth + 1, 2)


def source_of(seed: int, raises: bool = False) -> str:
    writer = _Writer(seed, raises)
    writer.write(0, "def f(x, y):")
    writer.write(1, "a, b, n, flag = 0.5 * x, y, 0, False")
    writer.write(1, "xs, box = [x, 0.25, y], Box(y)")
    writer.block(1, 4)
    writer.write(
        1, "return a + b + n + xs[0] * xs[1] + xs[2] + box.a * box.n + (2.0 if flag else 0.0)"
    )
    return _HEAD + "\n".join(writer.lines) + "\n"


def function_of(source: str, name: str) -> Callable[..., Any]:
    """The function f of a source, which tracebacks and whoever asks for source lines find."""
    filename = f"<random {name}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    space: dict[str, Any] = {"__name__": f"random_{name}"}
    exec(compile(source, filename, "exec"), space)
    return space["f"]  # type: ignore[no-any-return]
