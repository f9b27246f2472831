"""Small habits of code around micrograd. Runs with micrograd's import or, that line alone changed, with
pygrad's; prints numbers to be compared."""

from micrograd.engine import Value


def show(*values):
    print(*[f"{v.data:.6f} {v.grad:.6f}" for v in values])


# micrograd's README example
a = Value(-4.0)
b = Value(2.0)
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
print(f"{g.data:.4f}")
g.backward()
print(f"{a.grad:.4f}")
print(f"{b.grad:.4f}")


# an op of one's own, by closure, as a function and patched in as a method
def tanh(self):
    import math

    t = math.tanh(self.data)
    out = Value(t, (self,), "tanh")

    def _backward():
        self.grad += (1 - t**2) * out.grad

    out._backward = _backward
    return out


Value.squash = tanh
x, w = Value(0.5), Value(-1.5)
y = (x * w + 1).squash() * tanh(x) + x
y.backward()
show(x, w, y)

# a graph driven by hand
p, q = Value(3.0), Value(-2.0)
r = p * q + p
r.grad = 1.0
r._backward()
for child in r._prev:
    child._backward()
show(p, q, r)

# gradient descent by hand, grads zeroed with an int
w = Value(5)
for _ in range(20):
    loss = (w - 2) ** 2 / 2
    w.grad = 0
    loss.backward()
    w.data += -0.3 * w.grad
show(w)

# comparisons on .data, sums, sorting, dictionaries by node
values = [Value(i) for i in (3, 1, 2)]
total = sum(values)
total.backward()
show(*sorted(values, key=lambda v: v.data), total)
names = {v: i for i, v in enumerate(values)}
print([names[v] for v in values], len(set(values + values)))
print(total._op, a._op == "", sorted(f"{v.data:.1f}" for v in total._prev))
