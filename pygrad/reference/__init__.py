"""The compiled Value again, in plain Python: to be read, and to check the C engine against.

An expression such as `d = a * b + c` builds a graph. Every Value in it remembers its number, the
Values it was computed from (its operands), and how to tell the slope along each of these edges (the
local derivative). `d.backward()` walks the graph from `d` to its leaves and applies the chain rule,
edge by edge:

    operand.grad += node.grad * slope

The files go from small to large: arithmetic, refusals, formulas, rules, then modes, sweeps, order, value,
last functions, transforms and parameters. Rules are the heart: a line per op, with its value and its
slopes. To see backpropagation, read these and `Value.backward`.

No function here calls itself along the graph, so a chain of a million nodes is no problem. The C
engine does the same arithmetic in the same order, and a test holds both to the same bits.

>>> a, b, c = Value(2.0), Value(-3.0), Value(10.0)
>>> d = a * b + c
>>> d.backward()
>>> d.data, a.grad, b.grad, c.grad
(4.0, -3.0, 2.0, 1.0)
"""

from pygrad.arrays.engines import Engine, register
from pygrad.reference import habits as _habits  # noqa: F401  they are methods of Value
from pygrad.reference.functions import FUNCTIONS, chooser, dot, no_grad, sum, zero_grad
from pygrad.reference.modes import in_no_grad
from pygrad.reference.parameters import Parameters
from pygrad.reference.refusals import OF_A_ROW, OF_VALUE, refusal, refused
from pygrad.reference.tables import search, take
from pygrad.reference.transforms import (
    Recorded,
    connected,
    depend_on_input,
    forward,
    noted_reads,
    reverse,
    set_users_line,
    settled,
    trace_active,
)
from pygrad.reference.value import Value
from pygrad.reference.value import restore as _restore  # noqa: F401  pickles of 0.1.0 name it

register(Engine(Value, FUNCTIONS, dot, trace_active, refusal, refused, search, take))

__all__ = [
    "FUNCTIONS",
    "OF_A_ROW",
    "OF_VALUE",
    "Parameters",
    "Recorded",
    "Value",
    "chooser",
    "connected",
    "depend_on_input",
    "dot",
    "forward",
    "in_no_grad",
    "no_grad",
    "noted_reads",
    "refusal",
    "refused",
    "reverse",
    "set_users_line",
    "settled",
    "sum",
    "trace_active",
    "zero_grad",
]
