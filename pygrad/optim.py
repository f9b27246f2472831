"""Optimisers: they move parameters against their gradients.

>>> from pygrad.engine import Value
>>> from pygrad.optim import SGD
>>> x = Value(0.0)
>>> optimizer = SGD([x], lr=0.1)
>>> for _ in range(100):
...     loss = (x - 3.0) ** 2
...     optimizer.zero_grad()
...     loss.backward()
...     optimizer.step()
>>> round(x.data, 6)
3.0
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Iterable
from typing import Any

from pygrad.core.distribution import install
from pygrad.core.implementation import Parameters, Value

__all__ = ["LBFGS", "SGD", "Adam", "AdamW", "RMSprop", "clip_grad_norm"]

Step = tuple[Parameters, str, tuple[float, ...]]  # of these, by which rule, with which numbers


def _non_negative(name: str, number: Any, below: float = math.inf) -> float:
    """The number as a float; ValueError unless 0 <= number < below."""
    if not isinstance(number, numbers.Real):
        raise TypeError(f"{name} must be a real number, not {type(number).__name__}")
    value = float(number)
    if not 0 <= value < below:
        condition = "be finite and not negative" if below == math.inf else f"be in [0, {below:g})"
        raise ValueError(f"{name} must {condition}, got {number}")
    return value


def _truth(name: str, given: Any) -> bool:
    if not isinstance(given, bool):
        raise TypeError(f"{name} is True or False, not {given!r}")
    return given


def _listed(params: Any) -> list[Value]:
    """The parameters; TypeError with the cure for what is none."""
    if hasattr(params, "parameters"):
        raise TypeError(
            f"params are the Values of a model, not the {type(params).__name__} itself: give "
            "model.parameters()"
        )
    if callable(params):
        raise TypeError("params is a function: call it, as in SGD(model.parameters())")
    if isinstance(params, Value):
        raise TypeError("params is one Value: give a list of Values, SGD([v])")
    if isinstance(params, dict):
        raise TypeError("params is a dict: give a list of its Values, list(params.values())")
    if hasattr(params, "ravel"):
        params = params.ravel()  # an array of Values
    found = list(params)
    for i, p in enumerate(found):
        if not isinstance(p, Value):
            raise TypeError(
                f"parameters must be Values; number {i} is {type(p)}. What is to be trained is made of "
                "numbers by Value(x); a list of lists is written out, [v for row in rows for v in row]"
            )
    return found


class _Optimizer:
    """Parameters that are moved together."""

    def __init__(self, params: Iterable[Value]) -> None:
        params = _listed(params)
        if not params:
            raise ValueError("no parameters to optimise: params is empty")
        self._parameters = Parameters(params)
        first_index: dict[int, int] = {}
        for i, p in enumerate(params):
            if first_index.setdefault(id(p), i) != i:
                raise ValueError(
                    f"params[{i}] is the same Value as params[{first_index[id(p)]}]: "
                    "it would be moved twice"
                )

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0.0; do this before each backward()."""
        self._parameters.zero_grad()


class Stepped(_Optimizer):
    """What moves by the present gradient: all but LBFGS. The learning rate may change at any time."""

    _rule: str  # the name of what Parameters do

    def __init__(self, params: Iterable[Value], lr: Any) -> None:
        super().__init__(params)
        self.lr = lr

    @property
    def lr(self) -> float:
        """The learning rate. Assign to it for a schedule; ValueError if negative or not finite."""
        return self._lr

    @lr.setter
    def lr(self, lr: Any) -> None:
        self._lr = _non_negative("lr", lr)

    def step(self) -> None:
        """Move every parameter once, by its present gradient."""
        getattr(self._parameters, self._rule)(*self._settings())

    def _settings(self) -> tuple[float, ...]:
        raise NotImplementedError

    def as_step(self) -> Step:
        """What step() does, for those who do it in C: see `compiled.backward`."""
        return self._parameters, self._rule, self._settings()


class SGD(Stepped):
    """Gradient descent, with momentum (Polyak 1964, Nesterov 1983) and weight decay if asked for.

    Args:
        params: the Values to move, each once.
        lr: the learning rate.
        momentum: how much of the last step is kept in the next one.
        weight_decay: a pull towards 0: `weight_decay * data` is added to the gradient.
        nesterov: step by the momentum that the next step will have.
        dampening: how much less of each gradient but the first comes to the momentum.

    Raises:
        ValueError: params is empty or has a Value twice; a number is negative or not finite; nesterov
            without momentum, or with dampening; dampening without momentum, or above 1.
        TypeError: a parameter is not a Value; another argument is not a number.

    >>> w = Value(1.0)
    >>> (3.0 * w).backward()
    >>> SGD([w], lr=0.1).step()
    >>> w.data
    0.7
    """

    _nesterov = False
    _dampening = 0.0  # in pickles of 0.1.0

    def __init__(
        self,
        params: Iterable[Value],
        lr: float = 0.01,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        *,
        nesterov: bool = False,
        dampening: float = 0.0,
    ) -> None:
        super().__init__(params, lr)
        self._momentum = _non_negative("momentum", momentum)
        self._weight_decay = _non_negative("weight_decay", weight_decay)
        self._nesterov = _truth("nesterov", nesterov)
        if nesterov and not self._momentum:
            raise ValueError("nesterov=True is a kind of momentum: give momentum=, 0.9 say")
        self._dampening = _non_negative("dampening", dampening)
        if self._dampening > 1.0:
            raise ValueError(f"dampening must be 1 at most, got {dampening}")
        if self._dampening and (nesterov or not self._momentum):
            raise ValueError(
                "dampening is of momentum that is not nesterov's: give momentum= alone"
            )

    @property
    def _rule(self) -> str:  # type: ignore[override]
        if self._dampening:
            return "dampened"
        return "nesterov" if self._nesterov else "sgd"

    def _settings(self) -> tuple[float, ...]:
        dampening = (self._dampening,) if self._dampening else ()
        return self._lr, self._momentum, self._weight_decay, *dampening

    def __repr__(self) -> str:
        nesterov = ", nesterov=True" if self._nesterov else ""
        dampening = f", dampening={self._dampening}" if self._dampening else ""
        return (
            f"SGD({len(self._parameters)} parameters, lr={self._lr}, "
            f"momentum={self._momentum}, weight_decay={self._weight_decay}{nesterov}{dampening})"
        )


class Adam(Stepped):
    """Adam (Kingma & Ba 2015): each parameter gets a step size of its own, from running averages of
    its gradient and of the gradient's square.

    Args:
        params: the Values to move, each once.
        lr: the learning rate, about the length of a step.
        betas: how slowly the two averages forget, each in [0, 1).
        eps: keeps the division defined where the gradient is 0.
        weight_decay: a pull towards 0: `weight_decay * data` is added to the gradient.
        amsgrad: the average of squares is the largest that there was (Reddi, Kale & Kumar 2018).

    Raises:
        ValueError: params is empty or has a Value twice; a number is out of its range.
        TypeError: a parameter is not a Value; another argument is not a number, or amsgrad no bool.

    >>> w = Value(1.0)
    >>> optimizer = Adam([w], lr=0.1)
    >>> (3.0 * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 6)
    0.9
    """

    _plain_rule, _amsgrad_rule = "adam", "amsgrad"
    _amsgrad = False  # in pickles of 0.1.0

    def __init__(
        self,
        params: Iterable[Value],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(params, lr)
        if not isinstance(betas, tuple | list) or len(betas) != 2:
            raise TypeError(f"betas are two numbers, as in betas=(0.9, 0.999), not {betas!r}")
        beta1, beta2 = betas
        self._beta1 = _non_negative("betas[0]", beta1, below=1.0)
        self._beta2 = _non_negative("betas[1]", beta2, below=1.0)
        self._eps = _non_negative("eps", eps)
        self._weight_decay = _non_negative("weight_decay", weight_decay)
        self._amsgrad = _truth("amsgrad", amsgrad)

    @property
    def _rule(self) -> str:  # type: ignore[override]
        return self._amsgrad_rule if self._amsgrad else self._plain_rule

    def _settings(self) -> tuple[float, ...]:
        return self._lr, self._beta1, self._beta2, self._eps, self._weight_decay

    def __repr__(self) -> str:
        amsgrad = ", amsgrad=True" if self._amsgrad else ""
        return (
            f"{type(self).__name__}({len(self._parameters)} parameters, lr={self._lr}, "
            f"betas=({self._beta1}, {self._beta2}), eps={self._eps}, "
            f"weight_decay={self._weight_decay}{amsgrad})"
        )


class AdamW(Adam):
    """Adam with weights that decay by themselves (Loshchilov & Hutter 2019): each step takes
    `lr * weight_decay * data` off, whatever the gradient's averages are.

    Arguments and errors are those of Adam, but that weight_decay is 0.01 unless told otherwise.

    >>> w = Value(1.0)
    >>> optimizer = AdamW([w], lr=0.1, weight_decay=0.5)
    >>> (3.0 * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 6)
    0.85
    """

    _plain_rule, _amsgrad_rule = "adamw", "amsgradw"

    def __init__(
        self,
        params: Iterable[Value],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        *,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad=amsgrad)


class RMSprop(Stepped):
    """RMSprop (Hinton 2012): the gradient over a running root mean square of it.

    Args:
        params: the Values to move, each once.
        lr: the learning rate, about the length of a step.
        alpha: how slowly the average forgets, in [0, 1).
        eps: keeps the division defined where the gradient is 0.
        weight_decay: a pull towards 0: `weight_decay * data` is added to the gradient.
        momentum: how much of the last step is kept in the next one.

    Raises:
        ValueError: params is empty or has a Value twice; a number is out of its range.
        TypeError: a parameter is not a Value; another argument is not a number.

    >>> w = Value(1.0)
    >>> (3.0 * w).backward()
    >>> RMSprop([w], lr=0.01, alpha=0.99).step()
    >>> round(w.data, 6)
    0.9
    """

    _rule = "rmsprop"

    def __init__(
        self,
        params: Iterable[Value],
        lr: float = 0.01,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
    ) -> None:
        super().__init__(params, lr)
        self._alpha = _non_negative("alpha", alpha, below=1.0)
        self._eps = _non_negative("eps", eps)
        self._weight_decay = _non_negative("weight_decay", weight_decay)
        self._momentum = _non_negative("momentum", momentum)

    def _settings(self) -> tuple[float, ...]:
        return self._lr, self._alpha, self._eps, self._weight_decay, self._momentum

    def __repr__(self) -> str:
        return (
            f"RMSprop({len(self._parameters)} parameters, lr={self._lr}, alpha={self._alpha}, "
            f"eps={self._eps}, weight_decay={self._weight_decay}, momentum={self._momentum})"
        )


class LBFGS(_Optimizer):
    """L-BFGS, as SciPy has it (``L-BFGS-B``): for losses over all the data, without noise.

    A step is many: it asks for the loss several times, finds the length of each step by itself, and ends at
    a minimum or after max_iter of them. Each call of step() begins anew.

    Args:
        params: the Values to move, each once.
        max_iter: the most steps of SciPy's in one step().
        history_size: from how many steps it knows the curvature.
        tolerance_grad: it ends where no gradient is larger.
        tolerance_change: it ends where the loss falls by less, in proportion.

    Raises:
        ValueError: params is empty or has a Value twice; a number is out of its range.
        TypeError: a parameter is not a Value; another argument is not a number.
        ImportError: SciPy is not installed.

    >>> x, y = Value(-1.2), Value(1.0)
    >>> optimizer = LBFGS([x, y], max_iter=100)
    >>> def closure():
    ...     loss = (1 - x) ** 2 + 100 * (y - x * x) ** 2
    ...     loss.backward()
    ...     return loss
    >>> optimizer.step(closure) < 1e-9
    True
    >>> round(x.data, 4), round(y.data, 4)
    (1.0, 1.0)
    """

    def __init__(
        self,
        params: Iterable[Value],
        max_iter: int = 20,
        history_size: int = 10,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
    ) -> None:
        params = _listed(params)
        super().__init__(params)
        self._values = params
        self._max_iter = _count("max_iter", max_iter)
        self._history_size = _count("history_size", history_size)
        self._tolerance_grad = _non_negative("tolerance_grad", tolerance_grad)
        self._tolerance_change = _non_negative("tolerance_change", tolerance_change)

    def step(self, closure: Callable[[], Any] | None = None) -> float:
        """Move the parameters to where the loss is less; the loss there, their grads with it.

        closure computes the loss, calls backward() and returns the loss, a Value or a number. Before each
        call all grads are 0.0. Where a step is too long for it (an error of arithmetic, as log raises, inf
        or nan) a shorter one is tried. If it raises anything else, or at the start, parameters are what
        they were.

        Raises:
            TypeError: closure is none, or does not return a number.
            ValueError: the loss or a gradient is not finite at the start.
        """
        if not callable(closure):
            raise TypeError(
                "LBFGS asks for the loss several times a step: give step() a function that computes it, "
                f"calls backward() and returns it, not {closure!r}"
            )
        try:
            from scipy import optimize  # type: ignore[import-untyped, import-not-found, unused-ignore]
        except ImportError as error:
            raise ImportError(f"LBFGS needs SciPy: {install('scipy')}") from error
        self.zero_grad()  # an error in a trace, before anything has changed
        moved = [p for p in self._values if p.requires_grad]
        start = [p.data for p in moved]
        try:
            return self._minimised(optimize.minimize, closure, moved, start)
        except BaseException:
            _assign(moved, start)
            raise

    def _minimised(
        self, minimize: Any, closure: Callable[[], Any], moved: list[Value], point: list[float]
    ) -> float:
        """The loss where SciPy ends, with the parameters there."""
        best, gradient = self._evaluated(closure, moved, point)
        if not all(map(math.isfinite, [best, *gradient])):
            raise ValueError(f"the loss is {best} at the start, or its gradient is not finite")
        left, refused = self._max_iter, 0

        def tried(x: Any) -> tuple[float, list[float]]:
            nonlocal refused
            try:
                loss, slopes = self._evaluated(closure, moved, x.tolist())
                if all(map(math.isfinite, [loss, *slopes])):
                    return loss, slopes
            except (ArithmeticError, ValueError):
                pass  # as log raises where a step was too long: it is made shorter
            refused += 1
            return math.inf, [0.0] * len(moved)

        while moved and left > 0:
            refused = 0
            options = {
                "maxiter": left,
                "maxcor": self._history_size,
                "gtol": self._tolerance_grad,
                "ftol": self._tolerance_change,
            }
            found = minimize(tried, point, jac=True, method="L-BFGS-B", options=options)
            is_better = found.fun < best
            if is_better:
                best, point = found.fun, found.x.tolist()
            left -= max(1, found.nit)
            # Where a step was cut it may take what is left for a minimum
            if not (refused and is_better):
                break
        return self._evaluated(closure, moved, point)[0]

    def _evaluated(
        self, closure: Callable[[], Any], moved: list[Value], point: list[float]
    ) -> tuple[float, list[float]]:
        """The loss at a point, and its gradient."""
        _assign(moved, point)
        self.zero_grad()
        loss = closure()
        loss = loss.data if isinstance(loss, Value) else loss
        if not isinstance(loss, numbers.Real):
            raise TypeError(
                f"the function that LBFGS calls returns the loss, a number or a Value, not {loss!r}"
            )
        return float(loss), [_grad(p) for p in moved]

    def __repr__(self) -> str:
        return f"LBFGS({len(self._parameters)} parameters, max_iter={self._max_iter})"


def clip_grad_norm(params: Iterable[Value], max_norm: float, norm_type: float = 2.0) -> float:
    """Scale the gradient down where its norm is above max_norm; returns the norm that it had.

    Call it between backward() and step(). A Value that is listed twice counts once.

    Args:
        params: Values.
        max_norm: what the norm is to be at most.
        norm_type: 2 for the Euclidean length, inf for the largest, or another p > 0.

    Raises:
        ValueError: the norm is not finite, and nothing has changed; max_norm or norm_type is out of its
        range.
        TypeError: a parameter is not a Value; max_norm or norm_type is not a number; a grad is a Value, as
            backward(create_graph=True) leaves it.

    >>> v, w = Value(1.0), Value(2.0)
    >>> (3 * v + 4 * w).backward()
    >>> clip_grad_norm([v, w], 1.0)
    5.0
    >>> round(v.grad, 6), round(w.grad, 6)
    (0.6, 0.8)
    """
    limit = _non_negative("max_norm", max_norm)
    p = _norm_type(norm_type)
    values = list({id(v): v for v in _listed(params)}.values())
    sizes = [abs(_grad(v)) for v in values]
    norm = _norm(sizes, p)
    if not math.isfinite(norm):
        worst = next((i for i, size in enumerate(sizes) if not math.isfinite(size)), None)
        what = "is too large a number" if worst is None else f"of params[{worst}] is {sizes[worst]}"
        raise ValueError(f"the gradient's norm is {norm}: the grad {what}, and cannot be clipped")
    factor = limit / (norm + 1e-6)  # as PyTorch has it
    if factor < 1:
        for v in values:
            if v.requires_grad:
                v.grad *= factor
    return norm


def _norm_type(norm_type: Any) -> float:
    if not isinstance(norm_type, numbers.Real):
        raise TypeError(f"norm_type must be a real number, not {type(norm_type).__name__}")
    if not float(norm_type) > 0:
        raise ValueError(f"norm_type must be above 0, got {norm_type}")
    return float(norm_type)


def _norm(sizes: list[float], p: float) -> float:
    """The p-norm, without overflow on the way."""
    largest = max(sizes, default=0.0)
    if any(map(math.isnan, sizes)):
        return math.nan
    if p == math.inf or largest in (0.0, math.inf):
        return largest
    if p == 2:
        return math.hypot(*sizes)
    return float(largest * math.fsum((size / largest) ** p for size in sizes) ** (1 / p))


def _grad(p: Value) -> float:
    """A parameter's grad, a number."""
    grad = p.grad
    if isinstance(grad, Value):
        raise TypeError(
            "a grad is a Value, as backward(create_graph=True) leaves it: what moves parameters goes by "
            "numbers, and the derivative of the step would be lost"
        )
    return grad


def _assign(values: list[Value], numbers: list[float]) -> None:
    for p, number in zip(values, numbers, strict=True):
        p.data = number


def _count(name: str, number: Any) -> int:
    """A whole number above 0."""
    if isinstance(number, bool) or not isinstance(number, numbers.Integral):
        raise TypeError(f"{name} must be a whole number, not {number!r}")
    if number < 1:
        raise ValueError(f"{name} must be at least 1, got {number}")
    return int(number)
