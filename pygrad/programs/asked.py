"""What code asks of numbers that no input of a program can answer, as an input is a Value whatever it was.

Whether a number is an int: `isinstance(n, int)`, `type(n) is int`, `case int():`. Whether something is
True: `flag is True`. An int among the arguments of code that asks the one, and bools in lists for code that
asks the other, stay what they are, with programs of their own.

>>> Asked(lambda x, n: x if isinstance(n, int) else n).ints, Asked(lambda x, n: x * n).ints
(True, False)
>>> Asked(lambda flags: flags[0] is True).truths
True
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from pygrad.core.callables import FunctionOf, function_name
from pygrad.core.callers import warn_once
from pygrad.core.instructions import Step, steps_of
from pygrad.core.jacobians import JacobianOf
from pygrad.core.reading import codes_within
from pygrad.programs.identity import MATCH_CLASS, NAMES, Search

_WHOLE = NAMES | {"integer", "signedinteger"}  # classes that ints are of, NumPy's too
_OF_INSTANCES = {"isinstance", "issubclass"}
_OF_TYPES = {"type", "__class__", "__lifted_kind_of__", "__lifted_class_of__"}
# Who names one of these beside int means any number; and who names these, NumPy's ints or any.
_OF_ANY = {"float", "Value", "Real", "Complex", "Number", "floating", "number"}
_OF_ARRAYS = {"integer", "signedinteger", "Integral", "Rational"}
_ATTRIBUTES = {"bit_length", "bit_count", "to_bytes", "numerator", "denominator"}
_LISTS = {list, tuple}
_NEAR = 16  # instructions between a function's name and the end of its arguments
_ENDS = ("POP_JUMP", "STORE_", "RETURN")
_MOST = 10_000  # codes that are remembered


class _Questions(NamedTuple):
    ints: bool
    truths: bool
    of_arrays: bool = False  # of ints, those in NumPy's arrays too
    narrowly: bool = False  # of ints, in a way that no float is meant, too; known of code alone


_known: dict[CodeType, _Questions] = {}


class Asked:
    """What a function, or one that it may reach, asks of numbers; found out when it matters."""

    __slots__ = ("_by", "_f", "_found")

    def __init__(self, f: Any, found: _Questions | None = None) -> None:
        self._f, self._found = f, found
        self._by = frozenset(_differentiated_by(f))

    def questions(self) -> _Questions:
        """All that it asks."""
        if self._found is None:
            search = _Search()
            # it has found classes under names and who may ask for them, or there is too much to look at
            ints = bool(search.asks(self._f)) or search.ints
            self._found = _Questions(ints, search.truths, search.of_arrays)
        return self._found

    def fixes(self, position: Any, count: int) -> bool:
        """Whether an int stays one there, among so many arguments: not if derivatives are by it."""
        if position in self._by or (isinstance(position, int) and position - count in self._by):
            return False
        return self.ints

    @property
    def ints(self) -> bool:
        """Whether a number is an int."""
        return self.questions().ints

    @property
    def truths(self) -> bool:
        """Whether something is True or False itself."""
        return self.questions().truths


_of_functions: weakref.WeakKeyDictionary[Any, _Questions] = weakref.WeakKeyDictionary()


def asks_for_ints(f: Any) -> bool:
    """Whether a function that is called again and again asks for ints: what was found out at first."""
    return _questions_of(f).ints


def asks_for_truths(f: Any) -> bool:
    """The same of whether something is True or False itself."""
    return _questions_of(f).truths


def has_bools(arg: Any) -> bool:
    """Whether an argument is a list or a tuple with bools in it, or in what is in it."""
    try:
        return _has_bools(arg)
    except RecursionError:  # which errors about what contains itself tell of
        return False


def _has_bools(arg: Any) -> bool:
    if type(arg) not in _LISTS:
        return False
    kinds = {*map(type, arg)}
    return bool in kinds or (not kinds.isdisjoint(_LISTS) and any(map(_has_bools, arg)))


def _questions_of(f: Any) -> _Questions:
    try:
        found = _of_functions.get(f)
        if found is None:
            found = _of_functions[f] = Asked(f).questions()
    except TypeError:  # it cannot be hashed, or not weakly held
        return Asked(f).questions()
    return found


def tell_of_ints(f: Any) -> None:
    """A warning if a function that is differentiated by an int, a float then, asks for ints.

    It, or a function of its module that it names: what else it reaches may ask for ints of all sorts.
    """
    if any(_asked_by(code).narrowly for code in _codes_at_hand(f)):
        warn_once(
            f"{function_name(f)}() is differentiated by an int, and it, or a function that it calls, asks "
            "whether a number is an int: it is a Value there, and the derivative is that by a float. Give "
            "a float where that is meant; else take the int out of the arguments that argnums names"
        )


def _codes_at_hand(f: Any) -> Iterator[CodeType]:
    while isinstance(f, FunctionOf):
        f = f.f
    function = getattr(f, "__func__", f)
    if isinstance(function, FunctionType):
        yield function.__code__
        for name in function.__code__.co_names:
            named = function.__globals__.get(name)
            if isinstance(named, FunctionType) and named.__globals__ is function.__globals__:
                yield named.__code__


def tell_of_rows(f: Any, what: str, is_array: bool) -> None:
    """The same where rows are ints, which are inputs of a program."""
    found = _questions_of(f)
    if found.of_arrays if is_array else found.ints:
        warn_once(
            f"{what} has rows of ints, and {function_name(f)}(), or a function that it reaches, asks "
            "whether a number is an int, which an input of a program is not. Give floats where these are "
            "meant; else map over the rows of one int at a time, by in_axes=None for the int"
        )


def asks(ints: bool, truths: bool = False) -> Asked:
    """What a function asks of which there is no code."""
    return Asked(None, _Questions(ints, truths))


def _differentiated_by(f: Any) -> Iterator[int]:
    """Positions of arguments that transforms around a function are by."""
    while isinstance(f, (FunctionOf, JacobianOf)):
        for part in (f, getattr(f, "what", None)):
            argnums = getattr(part, "argnums", ())
            yield from (argnums,) if isinstance(argnums, int) else argnums
        f = f.f


class _Search(Search):
    """Through all that a function reaches."""

    def __init__(self) -> None:
        super().__init__()
        self.ints = self.truths = self.of_arrays = False

    def is_asking(self, item: Any) -> bool:
        return False

    def dispatched(self) -> None:
        self.types = "functools.singledispatch"

    def unknown(self, name: str) -> None:
        pass

    def of_function(self, function: FunctionType) -> None:
        code = function.__code__
        asked = _asked_by(code)
        self.ints |= asked.ints
        self.truths |= asked.truths
        self.of_arrays |= asked.of_arrays
        if not _OF_INSTANCES.isdisjoint(code.co_names):
            self.types = "isinstance"


def _asked_by(code: CodeType) -> _Questions:
    found = _known.get(code)
    if found is None:
        if len(_known) > _MOST:
            _known.clear()
        codes = list(codes_within(code))
        ints = [code for code in codes if _asks_for_ints(code)]
        found = _Questions(
            bool(ints),
            any(map(_asks_for_truths, codes)),
            any(not _OF_ARRAYS.isdisjoint(code.co_names) for code in ints),
            any(_OF_ANY.isdisjoint(code.co_names) for code in ints),
        )
        _known[code] = found
    return found


def _asks_for_ints(code: CodeType) -> bool:
    names = set(code.co_names)
    if not _ATTRIBUTES.isdisjoint(names | {*filter(_is_text, code.co_consts)}) or _has_set(code):
        return True
    matches = MATCH_CLASS in code.co_code[::2]
    if _WHOLE.isdisjoint(names) or not (matches or names & (_OF_INSTANCES | _OF_TYPES)):
        return False
    if names & _OF_TYPES:
        return True
    steps = steps_of(code)
    return any(_is_question(steps, at) for at in range(len(steps)))


def _is_question(steps: list[Step], at: int) -> bool:
    """Whether a call of isinstance(), or a pattern, names a class that ints are of."""
    if steps[at].opname == "MATCH_CLASS":
        return any(_names(step) for step in steps[max(at - 4, 0) : at])
    if steps[at].argval not in _OF_INSTANCES:
        return False
    near = itertools.takewhile(
        lambda step: not step.opname.startswith(_ENDS), steps[at + 1 : at + _NEAR]
    )
    return any(map(_names, near))


def _is_text(constant: Any) -> bool:
    return isinstance(constant, str)


def _has_set(code: CodeType) -> bool:
    """Whether something is looked up in a set of ints that is written there: `n in {2, 3}`."""
    sets = (constant for constant in code.co_consts if isinstance(constant, frozenset))
    return any(isinstance(item, int) for constant in sets for item in constant)


def _names(step: Step) -> bool:
    return isinstance(step.argval, str) and step.argval in _WHOLE


def _asks_for_truths(code: CodeType) -> bool:
    steps = steps_of(code)
    return any(
        step.opname == "IS_OP" and before.opname == "LOAD_CONST" and type(before.argval) is bool
        for before, step in itertools.pairwise(steps)
    )
