"""Value: a number that remembers how it was computed."""

from __future__ import annotations

import copy
import math
import operator
from collections.abc import Callable, Iterable
from typing import Any

from pygrad.reference.arguments import partials, seed_of, taken
from pygrad.reference.arithmetic import as_float, compared, constant_slopes, mul0, real
from pygrad.reference.formulas import checked_power, identity_hash, lifted_power, pow_slope_x
from pygrad.reference.inputs import compares_numbers, depends_on_input, is_true
from pygrad.reference.modes import in_no_grad, is_active
from pygrad.reference.order import describe, operands_first, sorted_nodes
from pygrad.reference.refusals import value_of
from pygrad.reference.rules import OPS, Op
from pygrad.reference.sweeps import Sweep, births, forget_reads, note_in_journal, note_read, state

ONCE = (
    "the reference implementation differentiates once; derivatives of derivatives, and Values as "
    "grads, need the compiled one (`pygrad info` says why it is not in use)"
)


def _nothing() -> None:
    """The `_backward` of a node that was given None."""


class Value:
    """A number that remembers how it was computed, so that derivatives can flow back through it.

    Args:
        data: any real number: int, float, bool, Fraction, a NumPy scalar; kept as a float.
        _children: for ops of your own, what `data` was computed from (also `children`, `_prev`, `prev`).
        _op: the name of the op, for display (also `op`). A sequence in its place is taken as `local_grads`.
        label: a name, for display.
        local_grads: the derivative of `data` by each child, in order: numbers or Values.
        Others: attributes that the Value is to have, `requires_grad` among them.

    Raises:
        TypeError: `data` is not a real number, or a child is not a Value.
        ValueError: there are not as many local_grads as children.
        OverflowError: an int is too large for a float.

    Values work with the operators + - * / // % ** and with numbers on either side. `<` and the like
    compare data; `==` compares a Value with a number by data, two Values by identity, unless one depends
    on an input of a transform that runs.

    The interface is micrograd's (Andrej Karpathy, 2020).

    >>> x = Value(3.0, label="x")
    >>> y = x * x + 1
    >>> y.backward()
    >>> y
    Value(data=10.0, grad=1.0)
    >>> x.grad
    6.0

    An op of your own, by its local derivative or by a closure:

    >>> cube = Value(x.data**3, (x,), local_grads=[3 * x.data**2])
    >>> cube.local_derivatives
    (27.0,)
    >>> twice = Value(2 * x.data, (x,), "twice")
    >>> def add_contribution():
    ...     x.grad += 2 * twice.grad
    >>> twice._backward = add_contribution
    >>> twice.backward()
    >>> x.grad
    8.0
    """

    __module__ = "pygrad.reference"  # where users and pickles find it

    _birth: int  # a number that grows; 0 for what stands for a number that was an operand
    _constant: bool  # a leaf that is to have no grad
    _detached: bool  # made by no_grad() of what depends on an input of a transform that was running
    _data: float
    _grad: float
    _label: str
    _symbol: str  # the op; of a user's own, its name
    _name: str | None  # what was assigned to _op
    _operands: tuple[Value, ...]
    _slopes: Callable[..., tuple[float, ...]] | None  # from the operands' data and our own
    _given: tuple[Any, ...] | None  # local_grads as given: floats and Values
    _closure: Callable[[], Any] | None  # what was assigned to _backward
    _sweep: Sweep | None  # the last one that had this node among its inner nodes

    __slots__ = (
        "__dict__",  # for attributes that users add
        "__weakref__",
        "_birth",
        "_closure",
        "_constant",
        "_data",
        "_detached",
        "_given",
        "_grad",
        "_label",
        "_name",
        "_operands",
        "_slopes",
        "_sweep",
        "_symbol",
    )

    def __init__(self, *args: Any, **named: Any) -> None:
        if _is_built(self):
            # A second __init__ could change the operands, and even close a circle.
            raise RuntimeError("this Value is already initialised; its operands are read-only")
        data, _children, _op, label, local_grads = taken(args, named)
        number = real(data, "data")
        operands = checked_values(_children, "children")
        given = slopes = None
        if local_grads is not None:
            given = partials(local_grads, len(operands), Value)
            slopes = constant_slopes([p._data if isinstance(p, Value) else p for p in given])
        fill(self, number, operands, _op, slopes)
        if self._operands:
            forget_reads(self._operands)
        self._label = label
        self._given = given if self._operands else None
        if named:
            from pygrad.attributes import set_further

            set_further(self, named)

    def __getattr__(self, name: str) -> Any:
        # Python comes here only for a missing attribute, and __init__ sets all of ours.
        if name in Value.__slots__:
            raise RuntimeError(
                "this Value was never initialised: its __init__ did not run or did not finish "
                "(a subclass has to call super().__init__)"
            )
        text = f"{type(self).__name__!r} object has no attribute {name!r}"
        raise AttributeError(text, name=name, obj=self)

    # What a node knows

    @property
    def data(self) -> float:
        """The number. Assigning a new one does not recompute what was computed from the old."""
        note_read(self)
        return self._data

    @data.setter
    def data(self, number: Any) -> None:
        _check_built(self)
        self._data = real(number, "data")

    @property
    def grad(self) -> float:
        """The derivative of the Value that backward() was last called on by this one.

        Leaves add up the derivatives of all backward() calls since their grad was set to 0.
        """
        return self._grad

    @grad.setter
    def grad(self, number: Any) -> None:
        _check_built(self)
        number = 0.0 if number is None else real(number, "grad")
        note_in_journal(self)
        self._grad = number

    @property
    def label(self) -> str:
        """A name, for display."""
        return self._label

    @label.setter
    def label(self, text: str) -> None:
        _check_built(self)
        if not isinstance(text, str):
            raise TypeError(f"label must be str, not {type(text).__name__}")
        self._label = text

    @property
    def _op(self) -> str:
        """The op that made this node. Another name can be assigned, for display."""
        return self._symbol if self._name is None else self._name

    @_op.setter
    def _op(self, name: str) -> None:
        _check_built(self)
        if not isinstance(name, str):
            raise TypeError(f"_op is a name, a str, not {type(name).__name__}")
        self._name = name

    @property
    def _children(self) -> tuple[Value, ...]:
        return self._operands

    @property
    def _prev(self) -> set[Value]:
        return set(self._operands)

    @property
    def local_derivatives(self) -> tuple[float, ...]:
        """The derivative of this node by each of its operands, in their order; () for a leaf.

        Computed now, from the data that the operands hold now.

        Raises:
            TypeError: the node has only a `_backward` closure, which does not tell.

        >>> (Value(2.0) * Value(-3.0)).local_derivatives
        (-3.0, 2.0)
        """
        if not self._operands:
            return ()
        if self._slopes is None:
            raise TypeError(
                f"the local derivatives of {describe(self)} are not known: "
                "it has no rule other than its _backward"
            )
        return self._slopes(*[operand._data for operand in self._operands], self._data)

    @property
    def _local_grads(self) -> tuple[Any, ...]:
        """local_derivatives; but local_grads that were given come back as they were given."""
        return self.local_derivatives if self._given is None else self._given

    # Going backward

    @property
    def _backward(self) -> Callable[[], Any]:
        """What backward() calls for this node. Assign a function to define an op of your own."""
        return self._contribute_by_hand if self._closure is None else self._closure

    @_backward.setter
    def _backward(self, closure: Callable[[], Any] | None) -> None:
        _check_built(self)
        if closure is None:
            closure = _nothing
        elif not callable(closure):
            raise TypeError(f"_backward must be callable or None, not {type(closure).__name__}")
        self._closure = closure

    def _contribute(self) -> None:
        """The chain rule for one node: add grad * slope to the grad of each operand."""
        if self._slopes is None:
            return
        grad = self._grad
        slopes = self._slopes(*[operand._data for operand in self._operands], self._data)
        for operand, slope in zip(self._operands, slopes, strict=True):
            operand._grad += mul0(grad, slope)

    def _contribute_by_hand(self) -> None:
        """The same, called by the user: maybe in a closure, for a node outside the sweep."""
        note_in_journal(*self._operands)
        self._contribute()

    def backward(
        self,
        seed: Any = 1.0,
        *,
        gradient: Any = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
    ) -> None:
        """Set the grad of every Value that this one was computed from.

        The grad of this node becomes `seed`, also called gradient. Grads of inner nodes start at 0 in each
        call. Grads of leaves add up over calls, until zero_grad() or `leaf.grad = 0`. Leaves whose
        requires_grad is False keep theirs. retain_graph changes nothing: graphs stay as they are.

        If anything raises in between, a closure or Ctrl-C, every grad is as it was before the call.

        This is the reverse mode of automatic differentiation (Linnainmaa 1970).

        Raises:
            TypeError: seed is not a real number.
            NotImplementedError: create_graph is true; the compiled Value can do that.
            RuntimeError: called by a closure during another backward() that needs the same node.

        >>> x = Value(3.0)
        >>> (x**2).backward()
        >>> x.grad
        6.0
        """
        if create_graph:
            raise NotImplementedError(ONCE)
        seed = seed_of(seed, gradient)
        order = sorted_nodes(self)
        sweep, outer = Sweep(order), state.sweep
        try:
            state.sweep = sweep
            for node in order:
                if node._operands:
                    node._sweep = sweep
                    node._grad = 0.0
            self._grad = seed
            for node in reversed(order):
                if node._closure is None:
                    node._contribute()
                else:
                    node._closure()
            sweep.spare_constants()
            if outer is not None:
                # We run inside a closure of the outer sweep. If that one fails, it undoes ours too.
                for key, entry in sweep.journal.items():
                    outer.journal.setdefault(key, entry)
        except BaseException:
            sweep.undo()
            raise
        finally:
            state.sweep = outer
            sweep.end()

    # Operators. On NotImplemented Python tries the other operand's method, then raises TypeError.

    def __add__(self, other: Any) -> Value:
        return _operation("add", self, other)

    def __radd__(self, other: Any) -> Value:
        return _operation("add", other, self)

    def __sub__(self, other: Any) -> Value:
        return _operation("sub", self, other)

    def __rsub__(self, other: Any) -> Value:
        return _operation("sub", other, self)

    def __mul__(self, other: Any) -> Value:
        return _operation("mul", self, other)

    def __rmul__(self, other: Any) -> Value:
        return _operation("mul", other, self)

    def __truediv__(self, other: Any) -> Value:
        return _operation("div", self, other)

    def __rtruediv__(self, other: Any) -> Value:
        return _operation("div", other, self)

    def __mod__(self, other: Any) -> Value:
        return _operation("mod", self, other)

    def __rmod__(self, other: Any) -> Value:
        return _operation("mod", other, self)

    def __floordiv__(self, other: Any) -> Value:
        return _operation("floordiv", self, other)

    def __rfloordiv__(self, other: Any) -> Value:
        return _operation("floordiv", other, self)

    def __pow__(self, exponent: Any, modulus: Any = None) -> Value:
        if isinstance(exponent, Value):
            return lifted_power(apply, self, exponent)
        n = as_float(exponent)
        if n is None or modulus is not None:
            return NotImplemented
        return make_node(
            value_of("**", checked_power, (self, n)),
            (self,),
            f"**{int(n) if hasattr(exponent, '__index__') and n == math.floor(n) else n}",
            lambda x, z: (pow_slope_x(x, n),),
        )

    def __rpow__(self, base: Any) -> Value:
        if as_float(base) is None:
            return NotImplemented
        return lifted_power(apply, base, self)

    def __neg__(self) -> Value:
        return apply("neg", self)

    def __pos__(self) -> Value:
        _check_built(self)
        return self

    def __abs__(self) -> Value:
        return apply("abs", self)

    def __round__(self, ndigits: int | None = None) -> Value:
        if ndigits is None:
            return apply("round", self)
        return Value(round(self._data, ndigits))  # a constant, as the slope is 0

    def __floor__(self) -> Value:
        return apply("floor", self)

    def __ceil__(self) -> Value:
        return apply("ceil", self)

    def __trunc__(self) -> Value:
        return apply("trunc", self)

    # Comparisons look at the data only.

    def __lt__(self, other: Any) -> bool:
        return _compare(operator.lt, self, other)

    def __le__(self, other: Any) -> bool:
        return _compare(operator.le, self, other)

    def __gt__(self, other: Any) -> bool:
        return _compare(operator.gt, self, other)

    def __ge__(self, other: Any) -> bool:
        return _compare(operator.ge, self, other)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Value) and not compares_numbers(self, other):
            return self is other
        return _compare(operator.eq, self, other)

    # Two Values may hold the same number and yet be two nodes: sets and dicts go by identity.
    __hash__ = identity_hash

    def __bool__(self) -> bool:
        return is_true(self)

    def __repr__(self) -> str:
        if not _is_built(self):
            return f"<{type(self)!r}, not initialised>"
        return f"Value(data={self._data!r}, grad={self._grad!r})"

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else str(self)

    # Copies

    def __copy__(self) -> Value:
        """A new leaf for a leaf; for an inner node a new node with the same op and operands."""
        return _clone(self, self._operands, self._given, vars(self))

    def __deepcopy__(self, memo: dict[int, Any]) -> Value:
        """A copy of the whole graph below, shared as that is; connected if it depends on an input."""
        if depends_on_input(self):
            return memo.setdefault(id(self), copy.copy(self))
        for node in operands_first(self, _operands_to_copy):
            if id(node) not in memo:
                operands = (
                    ()
                    if is_active(node)
                    else tuple(memo[id(operand)] for operand in node._operands)
                )
                given = node._given and tuple(
                    memo[id(p)] if isinstance(p, Value) else p for p in node._given
                )
                memo[id(node)] = clone = _clone(node, operands, given, {})
                vars(clone).update(copy.deepcopy(vars(node), memo))
        return memo[id(self)]

    def __reduce__(self) -> tuple[Any, ...]:
        if self._operands or self._closure is not None:
            raise TypeError(
                f"cannot pickle {describe(self)}, which would lose its graph: "
                "pickle the leaves (the parameters), or v.data"
            )
        if is_active(self):
            raise TypeError(
                f"cannot pickle {describe(self)}, an input of a transform that is running: it would lose "
                "its derivative; pickle v.data"
            )
        state: Any = vars(self) or None
        if self._constant or self._name is not None:
            state = state, {"_constant": self._constant, "_name": self._name}
        return restore, (type(self), self._data, self._grad, self._label), state


# --- Making nodes ---------------------------------------------------------------------------------


def fill(
    node: Value,
    data: float,
    operands: tuple[Value, ...] = (),
    symbol: str = "",
    slopes: Callable[..., tuple[float, ...]] | None = None,
) -> Value:
    """Set the fields of a new node. Inside no_grad() it becomes a leaf."""
    node._detached = node._constant = False
    node._name = None
    if in_no_grad():
        node._detached = any(map(depends_on_input, operands))
        operands, symbol, slopes = (), "", None
    node._birth = next(births)
    node._data = data
    node._grad = 0.0
    node._label = ""
    node._symbol = symbol
    node._operands = operands
    node._slopes = slopes
    node._given = None
    node._closure = None
    node._sweep = None
    return node


def make_node(
    data: float,
    operands: tuple[Value, ...] = (),
    symbol: str = "",
    slopes: Callable[..., tuple[float, ...]] | None = None,
) -> Value:
    """The result of an op: a plain Value, even if the operands are of a subclass. Without any, a leaf for
    a number that is an operand."""
    node = fill(Value.__new__(Value), data, operands, symbol, slopes)
    node._birth = node._birth if operands else 0
    return node


def restore(cls: type[Value], data: float, grad: float, label: str) -> Value:
    """A leaf with all that it had; for copies and pickles."""
    leaf = fill(cls.__new__(cls), data)
    leaf._grad = grad
    leaf._label = label
    return leaf


def _clone(
    node: Value, operands: tuple[Value, ...], given: Any, attributes: dict[str, Any]
) -> Value:
    if node._closure is not None:
        raise TypeError(
            f"cannot copy {describe(node)}: its _backward would go on working on the original"
        )
    clone = restore(type(node), node._data, node._grad, node._label)
    vars(clone).update(attributes)
    if is_active(node) and not in_no_grad():
        # the copy leads on to it
        clone._operands, clone._slopes = (node,), constant_slopes([1.0])
        return clone
    clone._operands, clone._symbol, clone._name = operands, node._symbol, node._name
    clone._constant = node._constant
    clone._slopes, clone._given = node._slopes, given
    return clone


def apply(name: str, *operands: Any) -> Value:
    """The node for an op of Values and numbers. Numbers become leaves.

    Raises whatever the op raises, and TypeError for an operand that is not a number.
    """
    return _record(OPS[name], [x if isinstance(x, Value) else make_node(real(x)) for x in operands])


def _operation(name: str, *operands: Any) -> Value:
    """_apply for a binary operator: NotImplemented instead of TypeError."""
    values = []
    for x in operands:
        if isinstance(x, Value):
            values.append(x)
        else:
            number = as_float(x)
            if number is None:
                return NotImplemented
            values.append(make_node(number))
    return _record(OPS[name], values)


def _record(op: Op, values: list[Value]) -> Value:
    return make_node(value_of(op.symbol, op.value, values), tuple(values), op.symbol, op.slopes)


def _compare(comparison: Callable[[Any, Any], bool], x: Value, y: Any) -> bool:
    return compared(comparison, x._data, y._data if isinstance(y, Value) else y)


def _is_built(value: Value) -> bool:
    try:
        object.__getattribute__(value, "_operands")
    except AttributeError:
        return False
    return True


def _check_built(value: Value) -> None:
    value._operands  # noqa: B018  __getattr__ raises if it is missing


def checked_values(items: Iterable[Any], what: str) -> tuple[Value, ...]:
    """The items as a tuple; TypeError if one is not a Value."""
    if not isinstance(items, Iterable):
        raise TypeError(f"{what} must be an iterable of Values, not {type(items).__name__}")
    values = tuple(items)
    for i, item in enumerate(values):
        if not isinstance(item, Value):
            raise TypeError(f"{what}[{i}] must be a Value, not {type(item).__name__}")
        _check_built(item)
    return values


def _operands_to_copy(node: Value) -> tuple[Value, ...]:
    return () if is_active(node) else operands_and_given(node)


def operands_and_given(node: Value) -> tuple[Value, ...]:
    return node._operands + tuple([p for p in node._given or () if isinstance(p, Value)])


def any_value(items: Iterable[Any]) -> bool:
    return any(isinstance(item, Value) for item in items)
