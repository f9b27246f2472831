"""Rules of one's own, on either implementation."""

from pygrad import Value, custom_jvp, custom_root, custom_vjp, grad, jacfwd, jacobian, jvp, special


@custom_jvp
def square(x):
    return x * x


@square.defjvp
def rule(primals, tangents):
    (x,), (t,) = primals, tangents
    return square(x), 3 * x * t


@custom_vjp
def both(x, y):
    return [x * y, x + y]


both.defvjp(
    lambda x, y: (both(x, y), (x, y)),
    lambda kept, ct: (10 * (ct[0] * kept[1] + ct[1]), 10 * (ct[0] * kept[0] + ct[1])),
)

x = Value(2.0)
y = square(x)
(y * x).backward()
print(x.grad, grad(square)(2.0), jvp(square, (2.0,), (1.0,)))
print(y._op, y._children == (x,), y.local_derivatives)
print(jacobian(both, (0, 1))(2.0, 3.0), jacfwd(both, (0, 1))(2.0, 3.0))


@custom_jvp
def decay(x):
    return (-x).exp()


@decay.defjvp
def by_itself(primals, tangents):
    value = decay(*primals)
    return value, -value * tangents[0]


print(f"{grad(decay)(1.0):.12f} {jvp(decay, (1.0,), (2.0,))[1]:.12f} {jacfwd(decay)(1.0):.12f}")

root = custom_root(lambda y, a: y * y - a)(lambda a: a**0.5)
print(grad(root)(4.0), jvp(root, (4.0,), (2.0,)))
print(
    f"{grad(special.beta)(2.0, 3.0):.12f} {grad(lambda v: special.softmax(v)[1])([0.0, 9.0])[0]:.12f}"
)

w = Value(3.0)


@custom_jvp
def captures(x):
    return x * w


captures.defjvp(lambda p, t: (captures(*p), w * t[0]))
for call in (lambda: captures(2.0), lambda: captures(Value(2.0)), lambda: grad(captures)(2.0)):
    try:
        call()
    except TypeError as error:
        print(error)
