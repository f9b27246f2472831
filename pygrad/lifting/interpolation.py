"""SciPy's interpolants of one variable as lifted code has them: at Values, and through heights that are.

An interpolant is a polynomial in each cell between breakpoints. At a Value the cell is searched for, and
its coefficients are taken, which are operations in a program. Those of splines depend linearly on the
heights that these go through, so that SciPy's own splines through unit heights say how.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from inspect import signature
from math import isnan, nan
from typing import Any, NamedTuple

from pygrad.arrays.overrides import array_of_values
from pygrad.arrays.tables import searchsorted, take
from pygrad.lifting.quick import of_numbers
from pygrad.lifting.values import holds_values
from pygrad.math import where


def of_interpolate(original: Any) -> dict[str, Any]:
    """What stands in the place of classes and functions of scipy.interpolate."""
    others = ("PchipInterpolator", "Akima1DInterpolator", "UnivariateSpline")
    from_spline = original.PPoly.from_spline
    return {
        **{
            name: _standing_for(getattr(original, name), from_spline)
            for name in (*_SPLINES, *others)
        },
        "interp1d": _standing_for(original.interp1d, from_spline, _Interp1d),
        "splev": _splev(original.splev, from_spline),
    }


# -- polynomials in cells --------------------------------------------------------------------------


class _Beyond(NamedTuple):
    """What an interpolant gives below and above its breakpoints."""

    below: Any = None  # None: what the polynomial of the outermost cell gives
    above: Any = None
    period: bool = False
    holds: bool = False  # what the polynomials give at the outermost breakpoints
    raises: bool = False


class _Pieces(NamedTuple):
    """Breakpoints, and in c[:, i] the coefficients, highest first, of the polynomial in t - x[i] of cell i.

    c has as many further axes as what the interpolant gives.
    """

    x: Any
    c: Any
    beyond: _Beyond = _Beyond()
    side: str = "right"  # of a breakpoint, whose cell that is

    def derivative(self, order: int) -> _Pieces:
        """The derivative of an order; of a negative one, an antiderivative that is 0 at the first
        breakpoint."""
        import numpy as np

        c = np.asarray(self.c)
        for _ in range(order):
            powers = np.arange(len(c) - 1, 0, -1).reshape((-1,) + (1,) * (c.ndim - 1))
            c = c[:-1] * powers if len(c) > 1 else c * 0.0
        for _ in range(-order):
            powers = np.arange(len(c), 0, -1).reshape((-1,) + (1,) * (c.ndim - 1))
            c = np.concatenate([c / powers, c[:1] * 0.0])
            for i, width in enumerate(np.diff(self.x)[:-1]):
                c[-1, i + 1] = sum(c[j, i] * width ** (len(c) - 1 - j) for j in range(len(c)))
        beyond = self.beyond
        if order > 0 and (beyond.holds or (beyond.below is not None and not isnan(beyond.below))):
            beyond = _Beyond(0.0, 0.0)
        if order < 0 and beyond.period:
            beyond = _Beyond(nan, nan)
        return self._replace(c=c, beyond=beyond)

    def derivative_at(self, order: int, t: Any) -> Any:
        """The derivative at t, which FITPACK does not hold outside of the breakpoints."""
        if order < 0:
            raise ValueError("the order of a derivative cannot be negative")
        held = order and self.beyond.holds
        return (self._replace(beyond=_Beyond()) if held else self).derivative(order).at(t)

    def integral(self, a: Any, b: Any) -> Any:
        """The integral from a to b, over as many periods as there are between them."""
        period = self.beyond.period
        whole = self.derivative(-1)

        def up_to(t: Any) -> Any:
            if not period:
                return whole.at(t)
            turns = (t - self.x[0]) // (self.x[-1] - self.x[0])
            return turns * whole.at(self.x[-1]) + whole.at(self._within(t))

        return up_to(b) - up_to(a)

    def with_ext(self, ext: Any) -> _Pieces:
        """The same with what FITPACK calls ext: how it goes on outside of the breakpoints."""
        inside = self._replace(beyond=_Beyond())
        if ext in {0, "extrapolate"}:
            return inside
        if ext in {1, "zeros"}:
            return self._replace(beyond=_Beyond(0.0, 0.0))
        if ext in {3, "const"}:
            return self._replace(beyond=_Beyond(holds=True))
        return self._replace(beyond=_Beyond(raises=True))

    def at(self, t: Any) -> Any:
        """What the interpolant gives at t, a number, a Value or an array of such."""
        import numpy as np

        shape = np.shape(t) + np.shape(self.c)[2:]
        if np.ndim(t):
            each = [self.at(item) for item in np.asarray(t, dtype=object).ravel().tolist()]
            return array_of_values(np.array(each, dtype=object).reshape(shape))
        t = self._within(t.item() if isinstance(t, np.ndarray) else t)
        cell = searchsorted(self.x[1:-1], t, side=self.side)
        from_left = t - take(self.x, cell)
        columns = np.asarray(self.c).reshape(*np.shape(self.c)[:2], -1)
        found = [
            self._polynomial(columns[..., i], cell, from_left) for i in range(columns.shape[2])
        ]
        beyond = self.beyond
        if beyond.below is not None:
            found = [where(t < self.x[0], beyond.below, y) for y in found]
        if beyond.above is not None:
            found = [where(t > self.x[-1], beyond.above, y) for y in found]
        return array_of_values(np.array(found, dtype=object).reshape(shape)) if shape else found[0]

    def _within(self, t: Any) -> Any:
        first, last = self.x[0], self.x[-1]
        if self.beyond.raises and (t < first or t > last):
            raise ValueError(f"{t} is outside of the interpolation range, {first} to {last}")
        if self.beyond.holds:
            return where(t < first, first, where(t > last, last, t))
        return first + (t - first) % (last - first) if self.beyond.period else t

    @staticmethod
    def _polynomial(c: Any, cell: Any, from_left: Any) -> Any:
        found, power = take(c[-1].tolist(), cell), 1.0
        for row in c[-2::-1]:  # in the order of SciPy's sums
            power = power * from_left
            found = found + take(row.tolist(), cell) * power
        return found


# -- what stands for SciPy's -----------------------------------------------------------------------


class _Interpolant:
    """One of SciPy's, or, where its heights are Values, what it would be."""

    original: Any
    from_spline: Any

    def __init__(self, *args: Any, **named: Any) -> None:
        """As the original's."""
        self.made, self.pieces = None, None
        if not any(map(holds_values, [*args, *named.values()])):
            self.made = self.original(*args, **named)
            return
        x, y, *rest = _first_two(self.original, args, named)
        if holds_values(x) or any(map(holds_values, [*rest, *named.values()])):
            raise TypeError(
                f"{_name(self.original)} takes Values as heights alone: make it of plain breakpoints and "
                "options, or use numpy.interp, whose points may be Values"
            )
        self.pieces = self._through(x, y, *rest, **named)

    def _through(self, x: Any, y: Any, *rest: Any, **named: Any) -> _Pieces:
        """The pieces through heights that are Values."""
        import numpy as np

        if _name(self.original) not in _LINEAR:
            raise TypeError(
                f"{_name(self.original)} is no linear function of its heights, and takes no Values as "
                f"these: use one of {', '.join(_LINEAR)}, or numpy.interp"
            )
        heights = np.asarray(y, dtype=object)
        given = signature(self.original).bind(x, y, *rest, **named).arguments
        is_periodic = isinstance(given.get("bc_type"), str) and given["bc_type"] == "periodic"
        if is_periodic:
            heights = _one_period(heights)

        def through(unit: Any) -> _Pieces:
            unit = np.append(unit, unit[:1]) if is_periodic else unit
            return self._plain_pieces(self.original(x, unit, *rest, **named))

        return _by_units(heights, through)

    @classmethod
    def _plain_pieces(cls, made: Any) -> _Pieces:
        return _pieces_of(made, cls.from_spline)

    def __call__(self, x: Any, *args: Any, **named: Any) -> Any:
        """What the interpolant, or its derivative of order nu, gives at x."""
        if self.made is not None and not holds_values(x):
            return self.made(x, *args, **named)
        options = dict(zip(("nu", "extrapolate"), args, strict=False), **named)
        pieces = self._all_pieces()
        outside, ext = options.pop("extrapolate", None), options.pop("ext", None)
        if outside is not None:
            pieces = pieces._replace(beyond=_outside(outside))
        if ext is not None:
            pieces = pieces.with_ext(ext)
        nu = options.pop("nu", 0)
        if options:
            raise TypeError(f"{_name(self.original)} at a Value takes no {next(iter(options))}")
        return pieces.derivative_at(nu, x)

    def _all_pieces(self) -> _Pieces:
        if self.pieces is None:
            self.pieces = self._plain_pieces(self.made)
        return self.pieces

    def derivative(self, *args: Any, **named: Any) -> Any:
        """The interpolant's derivative, or that of an order, which SciPy calls n or nu."""
        order = next(iter((*args, *named.values())), 1)
        return self._other("derivative", order, order)

    def antiderivative(self, *args: Any, **named: Any) -> Any:
        """The interpolant's integral, or that of an order."""
        order = next(iter((*args, *named.values())), 1)
        return self._other("antiderivative", order, -order)

    def _other(self, name: str, nu: int, order: int) -> Any:
        other = object.__new__(type(self))
        other.made = None if self.made is None else getattr(self.made, name)(nu)
        other.pieces = self._all_pieces().derivative(order) if other.made is None else None
        return other

    def integrate(self, a: Any, b: Any, extrapolate: Any = None) -> Any:
        """The integral from a to b."""
        if self.made is not None and not holds_values((a, b)):
            return self.made.integrate(a, b, extrapolate)
        pieces = self._all_pieces()
        if extrapolate is not None:
            pieces = pieces._replace(beyond=_outside(extrapolate))
        if _name(self.original) == "make_interp_spline" and pieces.beyond.below is not None:
            pieces = pieces._replace(beyond=_Beyond(holds=True))  # B-splines are 0 there
        return pieces.integral(a, b)

    def integral(self, a: Any, b: Any) -> Any:
        """The same, as UnivariateSpline calls it, which is 0 outside of its breakpoints."""
        if self.made is not None and not holds_values((a, b)):
            return self.made.integral(a, b)
        return self._all_pieces()._replace(beyond=_Beyond(holds=True)).integral(a, b)

    def __getattr__(self, name: str) -> Any:
        made = vars(self).get("made")
        if made is None or name[:2] == "__":
            raise AttributeError(f"a {_name(self.original)} through Values has no {name!r}")
        return getattr(made, name)


class _Interp1d(_Interpolant):
    """scipy.interpolate.interp1d."""

    def _through(self, x: Any, y: Any, *rest: Any, **named: Any) -> _Pieces:
        _ask_for_one_row(y)
        return super()._through(x, y, *rest, **named)

    @classmethod
    def _plain_pieces(cls, made: Any) -> _Pieces:
        import numpy as np

        _ask_for_one_row(made.y)
        x, y, kind = made.x, made.y, made._kind
        beyond = _Beyond(raises=bool(made.bounds_error))
        if not beyond.raises and not isinstance(made.fill_value, str):  # "extrapolate"
            both = made.fill_value if isinstance(made.fill_value, tuple) else (made.fill_value,) * 2
            beyond = _Beyond(float(both[0]), float(both[1]))
        if kind in {"linear", "slinear"}:
            return _Pieces(x.tolist(), np.array([np.diff(y) / np.diff(x), y[:-1]]), beyond)
        if kind in {"nearest", "nearest-up"}:
            middles = (x[1:] + x[:-1]) / 2.0
            side = "left" if kind == "nearest" else "right"
            return _Pieces([x[0], *middles.tolist(), x[-1]], y[None, :], beyond, side)
        if kind == "spline":
            spline = made._spline
            by_knots = (spline.t, spline.c.ravel(), spline.k)
            return _of_knots(by_knots, cls.from_spline)._replace(beyond=beyond)
        if kind == "next":
            return _Pieces([x[0], *x.tolist()], y[None, :], beyond, "left")
        return _Pieces([*x.tolist(), x[-1]], y[None, :], beyond)  # previous


def _ask_for_one_row(y: Any) -> None:
    import numpy as np

    if np.ndim(y) > 1:
        raise TypeError("interp1d with Values takes one row of heights: make one for each")


# Those whose coefficients are linear functions of the heights.
_SPLINES = ("CubicSpline", "make_interp_spline", "InterpolatedUnivariateSpline")
_LINEAR = (*_SPLINES, "interp1d")


def _one_period(heights: Any) -> Any:
    """Heights without the last, which is the first one's: what moves one of them moves both."""
    import numpy as np

    first, last = heights[:1], heights[-1:]
    if any(y != z for y, z in zip(first.flat, last.flat, strict=True)):
        raise ValueError("the first and the last height of a periodic spline must be the same")
    return np.concatenate((0.5 * (first + last), heights[1:-1]))


def _by_units(heights: Any, through: Callable[[Any], _Pieces]) -> _Pieces:
    """The pieces through heights, by those through one height of 1 among zeros; through() may add to each
    what depends on no height."""
    import numpy as np

    none = through(np.zeros(len(heights)))
    units = [through(unit) for unit in np.eye(len(heights))]
    c = np.tensordot(np.stack([unit.c - none.c for unit in units], axis=-1), heights, 1)

    def outside(side: str) -> Any:
        at_none = getattr(none.beyond, side)
        if at_none is None or isnan(at_none):
            return at_none
        by = [getattr(unit.beyond, side) - at_none for unit in units]
        return sum((k * y for k, y in zip(by, heights, strict=True) if k), at_none)

    return none._replace(
        c=c + none.c.reshape(none.c.shape + (1,) * (heights.ndim - 1)),
        beyond=none.beyond._replace(below=outside("below"), above=outside("above")),
    )


def _pieces_of(made: Any, from_spline: Any) -> _Pieces:
    """The pieces of one of SciPy's interpolants."""
    if getattr(made, "axis", 0):
        raise TypeError(f"{type(made).__name__} at Values goes along the first axis: axis=0")
    if hasattr(made, "_eval_args"):  # UnivariateSpline
        return _of_knots(made._eval_args, from_spline).with_ext(made.ext)
    beyond = _outside(made.extrapolate)
    if hasattr(made, "x"):
        return _Pieces(made.x.tolist(), made.c, beyond)
    return _of_knots(made, from_spline)._replace(beyond=beyond)


def _of_knots(spline: Any, from_spline: Any) -> _Pieces:
    """The pieces of a B-spline, or of knots, coefficients and degree, in the interval that it is made for:
    the first and the last knots, as many as its degree, may stand outside of that."""
    pieces = from_spline(spline)
    k = spline[2] if isinstance(spline, (tuple, list)) else spline.k
    cells = len(pieces.x) - 1
    return _Pieces(pieces.x[k : cells + 1 - k].tolist(), pieces.c[:, k : cells - k])


def _outside(extrapolate: Any) -> _Beyond:
    if extrapolate == "periodic":
        return _Beyond(period=True)
    return _Beyond() if extrapolate else _Beyond(nan, nan)


def _first_two(original: Any, args: Any, named: Any) -> list[Any]:
    """x, y and the other positional arguments; these two are taken out of named."""
    given = list(args)
    for name in ("x", "y")[len(given) :]:
        given.append(named.pop(name))
    return given


def _name(original: Any) -> str:
    return str(original.__name__)


def _standing_for(original: Any, from_spline: Any, base: type = _Interpolant) -> type:
    """A class in the place of an interpolant's, or of the function that makes one."""
    space = {"original": staticmethod(original), "from_spline": staticmethod(from_spline)}
    made = type(_name(original), (base,), space)
    made.__doc__, made.__module__ = original.__doc__, original.__module__
    return made


def _splev(original: Any, from_spline: Any) -> Callable[..., Any]:
    @functools.wraps(original)
    def splev(x: Any, tck: Any, der: int = 0, ext: int = 0) -> Any:
        if not holds_values(x):
            return original(x, tck, der, ext)
        return _of_knots(tck, from_spline).with_ext(ext).derivative_at(der, x)

    return of_numbers(splev, original)


def lifted_interpolant(made: Any, standing: Any) -> Any:
    """What stands for one of SciPy's interpolants that was made elsewhere; anything else is itself.

    standing: the module that lifted code has in the place of scipy.interpolate.
    """
    kind = getattr(standing, _ALSO.get(_name(type(made)), _name(type(made))), None)
    if not (isinstance(kind, type) and issubclass(kind, _Interpolant)):
        return made
    lifted = object.__new__(kind)
    lifted.made, lifted.pieces = made, None
    return lifted


# Whose interpolants are of classes that are named otherwise.
_ALSO = {
    "BSpline": "make_interp_spline",
    "LSQUnivariateSpline": "UnivariateSpline",
    "PPoly": "CubicSpline",
}
