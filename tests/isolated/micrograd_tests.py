"""What micrograd's public tests check, in numbers worked out exactly. Runs with micrograd's import or,
that line alone changed, with pygrad's."""

from fractions import Fraction

from micrograd.engine import Value


class Exact:
    """A number and its slopes by a and b, in fractions: forward mode without any rounding."""

    def __init__(self, value, slopes=(0, 0)):
        self.value, self.slopes = Fraction(value), tuple(map(Fraction, slopes))

    def __add__(self, other):
        other = other if isinstance(other, Exact) else Exact(other)
        return Exact(
            self.value + other.value, map(sum, zip(self.slopes, other.slopes, strict=True))
        )

    def __mul__(self, other):
        other = other if isinstance(other, Exact) else Exact(other)
        pairs = zip(self.slopes, other.slopes, strict=True)
        slopes = [s * other.value + t * self.value for s, t in pairs]
        return Exact(self.value * other.value, slopes)

    def __pow__(self, n):
        return Exact(self.value**n, [n * self.value ** (n - 1) * s for s in self.slopes])

    def relu(self):
        return self if self.value > 0 else Exact(0)

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + (-other)

    def __truediv__(self, other):
        return self * (other if isinstance(other, Exact) else Exact(other)) ** -1

    def __rtruediv__(self, other):
        return Exact(other) * self**-1

    __radd__, __rmul__ = __add__, __mul__


def sanity_check():
    x = Value(-4.0)
    z = 2 * x + 2 + x
    q = z.relu() + z * x
    h = (z * z).relu()
    y = h + q + q * x
    y.backward()
    assert y.data == -20.0
    assert x.grad == 46.0


def many_ops(a, b):
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    return g


def more_ops():
    a, b = Value(-4.0), Value(2.0)
    g = many_ops(a, b)
    g.backward()
    exact = many_ops(Exact(-4, (1, 0)), Exact(2, (0, 1)))
    for found, expected in zip((g.data, a.grad, b.grad), (exact.value, *exact.slopes), strict=True):
        assert abs(Fraction(found) / expected - 1) <= Fraction(4, 2**52), (found, float(expected))
    print(f"{g.data:.4f} {a.grad:.4f} {b.grad:.4f}")


sanity_check()
more_ops()
