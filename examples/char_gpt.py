"""A character-level GPT in single scalar Values, trained on names that a small grammar invents.

The names have a rule that only a look back can tell: all vowels of a name are dark (a o u) or all
are bright (e i y). And since the grammar is known, so is the best loss any model can reach.
"""

from __future__ import annotations

import argparse
import math
import random
import re
import time

import pygrad
from pygrad import Value, dot
from pygrad.optim import Adam

Vector = list[Value]
Matrix = list[Vector]

CONSONANTS, DARK, BRIGHT = "bdgklmnrtv", "aou", "eiy"
END = "."  # stands before and after every name
ALPHABET = END + "".join(sorted(CONSONANTS + DARK + BRIGHT + "s"))
LONGEST = 7  # letters of a name


def invent_name() -> str:
    """Two or three syllables of a consonant and a vowel, and an "s" behind every other name."""
    vowels = random.choice([DARK, BRIGHT])
    syllables = random.choice([2, 3])
    name = "".join(random.choice(CONSONANTS) + random.choice(vowels) for _ in range(syllables))
    return name + random.choice(["", "s"])


def follows_rule(name: str) -> bool:
    return any(
        re.fullmatch(f"([{CONSONANTS}][{vowels}]){{2,3}}s?", name) for vowels in (DARK, BRIGHT)
    )


def best_loss() -> float:
    """The entropy of the grammar's names in nats, for each character (the final END included)."""
    syllable = math.log(len(CONSONANTS)) + math.log(len(DARK))
    name = 3 * math.log(2) + 2.5 * syllable  # three choices of one in two; 2.5 syllables on average
    return name / (2.5 * 2 + 0.5 + 1)


class GPT:
    """A transformer decoder: for each position, scores of what the next character will be.

    Positions are fed one by one. Each leaves its keys and values behind for the later ones, so
    that none can look ahead: that is all that "causal" means.
    """

    def __init__(self, width: int, heads: int, layers: int) -> None:
        def matrix(rows: int, columns: int, deviation: float | None = None) -> Matrix:
            deviation = columns**-0.5 if deviation is None else deviation
            return [
                [Value(random.gauss(0, deviation)) for _ in range(columns)] for _ in range(rows)
            ]

        self.heads = heads
        self.head_width = width // heads
        self.characters = matrix(len(ALPHABET), width, 0.5)
        self.positions = matrix(LONGEST + 1, width, 0.5)
        self.blocks: list[dict[str, Matrix]] = [
            {
                "query": matrix(width, width),
                "key": matrix(width, width),
                "value": matrix(width, width),
                # What is added to the stream starts small, so that it starts as the embedding.
                "mix": matrix(width, width, 0.1 * width**-0.5),
                "widen": matrix(4 * width, width),
                "narrow": matrix(width, 4 * width, 0.1 * (4 * width) ** -0.5),
            }
            for _ in range(layers)
        ]
        self.scores = matrix(len(ALPHABET), width)

    def parameters(self) -> list[Value]:
        matrices = [self.characters, self.positions, self.scores]
        matrices += [matrix for block in self.blocks for matrix in block.values()]
        return [p for matrix in matrices for row in matrix for p in row]

    def start(self) -> list[list[tuple[Vector, Vector]]]:
        """The memory of a new text: for each block the (key, value) pairs of all positions."""
        return [[] for _ in self.blocks]

    def __call__(self, character: str, memory: list[list[tuple[Vector, Vector]]]) -> Vector:
        """The scores of the next character; `memory` grows by this position."""
        token, position = ALPHABET.index(character), len(memory[0])
        x = add(self.characters[token], self.positions[position])
        for block, past in zip(self.blocks, memory, strict=True):
            x = add(x, self.attention(block, rmsnorm(x), past))
            hidden = [h.relu() for h in linear(block["widen"], rmsnorm(x))]
            x = add(x, linear(block["narrow"], hidden))
        return linear(self.scores, rmsnorm(x))

    def attention(
        self, block: dict[str, Matrix], x: Vector, past: list[tuple[Vector, Vector]]
    ) -> Vector:
        """Each head averages the values of the positions so far, weighted by query times key."""
        query = linear(block["query"], x)
        past.append((linear(block["key"], x), linear(block["value"], x)))
        out: Vector = []
        for head in range(self.heads):
            part = slice(head * self.head_width, (head + 1) * self.head_width)
            q = query[part]
            weights = softmax([dot(q, key[part]) / self.head_width**0.5 for key, _ in past])
            # One column at a time: what all positions have to say for one place of the output.
            columns = zip(*(value[part] for _, value in past), strict=True)
            out += [dot(weights, column) for column in columns]
        return linear(block["mix"], out)


def linear(matrix: Matrix, x: Vector) -> Vector:
    return [dot(row, x) for row in matrix]


def add(x: Vector, y: Vector) -> Vector:
    return [a + b for a, b in zip(x, y, strict=True)]


def rmsnorm(x: Vector) -> Vector:
    """x with its root mean square scaled to 1."""
    scale = (dot(x, x) / len(x) + 1e-5) ** -0.5
    return [a * scale for a in x]


def softmax(scores: Vector) -> Vector:
    highest = max(score.data for score in scores)  # keeps exp in range, cancels out
    exps = [(score - highest).exp() for score in scores]
    total = pygrad.sum(exps)
    return [e / total for e in exps]


def cross_entropy(scores: Vector, character: str) -> Value:
    """-log of the softmax of the scores, at the character that came."""
    highest = max(score.data for score in scores)
    total = pygrad.sum((score - highest).exp() for score in scores)
    return total.log() - (scores[ALPHABET.index(character)] - highest)


def losses(model: GPT, name: str) -> list[Value]:
    """What each character of the name, and the end after it, comes as a surprise."""
    memory = model.start()
    return [cross_entropy(model(a, memory), b) for a, b in zip(END + name, name + END, strict=True)]


def sample(model: GPT) -> str:
    """A name, drawn character by character from the probabilities the model gives."""
    memory, name = model.start(), ""
    with pygrad.no_grad():
        while len(name) < LONGEST:
            weights = [p.data for p in softmax(model((END + name)[-1], memory))]
            (character,) = random.choices(ALPHABET, weights)
            if character == END:
                break
            name += character
    return name


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--steps", type=int, default=1000, help="training steps (%(default)s)")
    parser.add_argument("--batch", type=int, default=8, help="names a step (%(default)s)")
    parser.add_argument("--width", type=int, default=16, help="of the embedding (%(default)s)")
    parser.add_argument("--heads", type=int, default=4, help="of attention (%(default)s)")
    parser.add_argument("--layers", type=int, default=1, help="blocks (%(default)s)")
    parser.add_argument("--samples", type=int, default=20, help="names at the end (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="names, weights (%(default)s)")
    options = parser.parse_args(argv)
    random.seed(options.seed)

    model = GPT(options.width, options.heads, options.layers)
    parameters = model.parameters()
    optimizer = Adam(parameters, betas=(0.9, 0.99))
    print(f"{len(parameters)} parameters; names such as", *(invent_name() for _ in range(8)))
    print(f"guessing: loss {math.log(len(ALPHABET)):.3f}; the best possible: {best_loss():.3f}")

    start = time.perf_counter()
    total, count = 0.0, 0
    for step in range(1, options.steps + 1):
        # New names every time: there is nothing to overfit, the loss is that of unseen names.
        batch = [losses(model, invent_name()) for _ in range(options.batch)]
        surprises = [loss for name in batch for loss in name]
        loss = pygrad.sum(surprises) / len(surprises)
        optimizer.zero_grad()
        loss.backward()
        optimizer.lr = 0.01 * (1 - (step - 1) / options.steps)
        optimizer.step()
        total, count = total + loss.data, count + 1
        if step % max(1, options.steps // 10) == 0 or step == options.steps:
            seconds = time.perf_counter() - start
            print(f"step {step:4}  loss {total / count:.3f}  {seconds:.1f} s", flush=True)
            total, count = 0.0, 0

    names = [sample(model) for _ in range(options.samples)]
    print("samples:", *names)
    print(f"{sum(map(follows_rule, names))} of {len(names)} follow the grammar")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
