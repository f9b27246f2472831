"""Colours of plots, their tints, and marks of classes.

Okabe and Ito's, which colour-blind readers can tell apart: https://jfly.uni-koeln.de/color/
"""

from __future__ import annotations

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "INK",
    "MARKS",
    "ORANGE",
    "PAPER",
    "PURPLE",
    "SIDES",
    "SKY",
    "VERMILION",
    "mixed",
]

BLUE, ORANGE, GREEN, VERMILION = "#0072b2", "#e69f00", "#009e73", "#d55e00"
PURPLE, SKY, INK, GREY = "#cc79a7", "#56b4e9", "#222222", "#767676"
PAPER = "#f7f7f7"  # what areas without a colour have
SIDES = (BLUE, VERMILION)  # of one score: below its threshold and above; and of its two classes
MARKS = ("o", "s")  # of these classes, as matplotlib calls a disc and a square


def mixed(colour: str, share: float, other: str = PAPER) -> str:
    """So much of a colour, the rest being the other one.

    >>> mixed("#ff0000", 0.5, "#0000ff"), mixed(BLUE, 0.0)
    ('#800080', '#f7f7f7')
    """
    pairs = [(int(colour[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(b + (a - b) * share):02x}" for a, b in pairs)
