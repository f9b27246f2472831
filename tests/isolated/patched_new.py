"""Counts nodes by a patched Value.__new__, as one can with micrograd's Value."""

from pygrad import Value

count = 0


class Weight(Value):
    pass


def counted(cls, *args, **kwargs):
    global count  # noqa: PLW0603
    count += 1
    return object.__new__(cls)


Value.__new__ = counted
a = Value(1.0)
(a * 2).backward()
print(a.grad, (Weight(2.0) * 3).data, count)
try:
    object.__new__(Weight) + 1
except RuntimeError:
    print("refused")
