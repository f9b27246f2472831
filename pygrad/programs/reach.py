"""All that a function reads from elsewhere, where its code leaves no doubt of that.

captures.py finds what a function reads by name, and leaves the rest, the contents of lists say, to whoever
compiles. Here nothing is left: a function has a reach if all that it may run is code that is at hand, or
functions of Python and pygrad that depend on nothing but their arguments, and if all that it reads is
plain, in places that can be compared. It does again what it has done as long as these hold the same. It is
looked at instruction by instruction; what is not known to be so has no reach, and costs a trace.

>>> rate = 2.0
>>> reach_of(lambda x: rate * x).holds(), reach_of(lambda x: print(x))
(True, None)
"""

from __future__ import annotations

import dis
import operator
import weakref
from collections.abc import Callable, Iterable
from enum import Enum, EnumMeta
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    FunctionType,
    MemberDescriptorType,
    ModuleType,
    SimpleNamespace,
)
from typing import Any, NamedTuple

import numpy as np

from pygrad import _native
from pygrad.core.callables import FunctionOf
from pygrad.core.callers import is_pygrads
from pygrad.core.classes import NOTHING, in_class
from pygrad.core.implementation import FUNCTIONS, Value
from pygrad.core.jacobians import JacobianOf
from pygrad.core.reading import LOOKING, Anew, codes_within
from pygrad.core.structure import Array, Container, Number, Structure
from pygrad.core.swallowing import has_handlers
from pygrad.programs.contraction import Contracted
from pygrad.programs.identity import facts_of, why_of

_MOST = 10_000  # codes that are remembered
_FAR = 300  # functions
_DEEP = 4  # containers within others
_ITEMS = 1000  # of containers, and numbers of an array
_BUILT = frozenset({list, tuple, dict, np.ndarray, BuiltinFunctionType})
_PLAINLY = (object.__getattribute__, SimpleNamespace.__getattribute__)
_COMPARED = ("__eq__", "__ne__", "__hash__")
_TRUTHS = ("__bool__", "__len__")
_HEAP_TYPE = 1 << 9  # of flags: a class that is not of C

# -- what is known ---------------------------------------------------------------------------------

_PYGRAD = __name__.partition(".")[0]
_MATH, _TRANSFORMS, _RAISING = (
    _PYGRAD + name for name in (".math", ".transform", ".lifting.raising")
)
_PLAIN = frozenset({float, int, bool, str, bytes, type(None), np.float64})
_TYPES = frozenset(
    {float, int, bool, list, tuple, dict, range, enumerate, zip, map, filter, reversed, slice}
)
# Of each module, the functions that depend on nothing but their arguments, and change nothing else.
# fmt: off
_PURE = {
    "builtins": frozenset([
        "abs", "all", "any", "divmod", "isinstance", "iter", "len", "max", "min", "next", "pow", "sorted",
        "sum",
    ]),
    # What lifted code has in the place of builtins says that it is of that module, too.
    _MATH: frozenset([
        *FUNCTIONS, "as_bits", "as_float", "as_index", "class_of", "comb", "copysign", "degrees", "dist",
        "dot", "factorial", "fma", "fmod", "frexp", "fsum", "gcd", "is_instance", "isclose", "isfinite",
        "isinf", "isnan", "isqrt", "item_at", "kind_of", "lcm", "ldexp", "modf", "nextafter", "perm",
        "prod", "radians", "remainder", "sum", "sumprod", "ulp",
    ]),
    _RAISING: frozenset(["raised"]),
}
# Attributes that numbers, lists and arrays have, and nothing else that a function with a reach may meet.
_ATTRIBUTES = frozenset([
    "append", "copy", "count", "dot", "extend", "get", "index", "insert", "items", "keys", "max", "mean",
    "min", "ndim", "pop", "ravel", "reshape", "reverse", "shape", "size", "sum", "tolist", "values", "T",
])
_METHODS = frozenset(FUNCTIONS) & frozenset(dir(Value))  # ops
_SIDES = ("add", "sub", "mul", "truediv", "pow")
# Of Values what operators are, which users' code may replace.
_OPERATORS = tuple(f"__{side}{name}__" for name in _SIDES for side in ("", "r")) + tuple(
    f"__{name}__" for name in ("neg", "abs", "lt", "le", "gt", "ge", "eq", "ne", "bool")
)
_DIVMOD = ("__divmod__", "__rdivmod__")
# The same of operators that few have: by instruction in Python 3.10, and by sign since.
_RARE = {
    ("BINARY_FLOOR_DIVIDE", "//"): ("__floordiv__", "__rfloordiv__"),
    ("BINARY_MODULO", "%"): ("__mod__", "__rmod__"),
    ("INPLACE_ADD", "+="): ("__iadd__",),
    ("INPLACE_SUBTRACT", "-="): ("__isub__",),
    ("INPLACE_MULTIPLY", "*="): ("__imul__",),
    ("INPLACE_TRUE_DIVIDE", "/="): ("__itruediv__",),
    ("INPLACE_FLOOR_DIVIDE", "//="): ("__ifloordiv__", "__floordiv__", "__rfloordiv__"),
    ("INPLACE_MODULO", "%="): ("__imod__", "__mod__", "__rmod__"),
    ("INPLACE_POWER", "**="): ("__ipow__",),
    ("UNARY_POSITIVE", "INTRINSIC_UNARY_POSITIVE"): ("__pos__",),
}
_RARELY = {sign: names for signs, names in _RARE.items() for sign in signs}
# Instructions, of any version of Python, that do not lead elsewhere: by name, and by how they begin.
_QUIET = frozenset([
    "CACHE", "CONTAINS_OP", "COPY", "COPY_FREE_VARS", "DELETE_FAST", "DELETE_SUBSCR", "DICT_MERGE",
    "DICT_UPDATE", "END_FOR", "EXTENDED_ARG", "FOR_ITER", "GEN_START", "GET_ITER", "IS_OP", "KW_NAMES",
    "LIST_APPEND", "LIST_EXTEND", "LIST_TO_TUPLE", "LOAD_ASSERTION_ERROR", "LOAD_CLOSURE",
    "LOAD_COMMON_CONSTANT", "LOAD_CONST", "LOAD_SMALL_INT", "MAKE_CELL", "MAKE_FUNCTION", "MAP_ADD", "NOP",
    "NOT_TAKEN", "POP_ITER", "POP_TOP", "PRECALL", "PUSH_NULL", "RAISE_VARARGS", "RERAISE", "RESUME",
    "RETURN_GENERATOR", "SET_FUNCTION_ATTRIBUTE", "STORE_SLICE", "STORE_SUBSCR", "SWAP", "TO_BOOL",
    "YIELD_VALUE",
])
_QUIET_KINDS = (
    "BINARY_", "BUILD_LIST", "BUILD_MAP", "BUILD_SLICE", "BUILD_TUPLE", "BUILD_CONST_KEY_MAP",
    "COMPARE_OP", "DUP_TOP", "INPLACE_", "JUMP_", "LOAD_FAST", "POP_JUMP_", "RETURN_VALUE", "RETURN_CONST",
    "ROT_", "STORE_FAST", "UNARY_", "UNPACK_",
)
_CALLS = frozenset([
    "CALL", "CALL_FUNCTION", "CALL_FUNCTION_EX", "CALL_FUNCTION_KW", "CALL_KW", "CALL_METHOD",
])
# Those of handlers, which may catch that memory or the stack has ended, and of texts, which are told of at
# each trace: who has them asks no more than is seen in the code, but may do something else the next time.
_ONCE = frozenset([
    "BUILD_STRING", "CHECK_EXC_MATCH", "CONVERT_VALUE", "FORMAT_SIMPLE", "FORMAT_VALUE", "FORMAT_WITH_SPEC",
    "JUMP_IF_NOT_EXC_MATCH", "POP_BLOCK", "POP_EXCEPT", "PUSH_EXC_INFO", "SETUP_FINALLY",
])
# fmt: on
_INTRINSICS = ("STOPITERATION_ERROR", "LIST_TO_TUPLE", "UNARY_POSITIVE")
_ATTRIBUTE = frozenset(["LOAD_ATTR", "LOAD_METHOD"])
_PASSED = frozenset(["CACHE", "EXTENDED_ARG", "NOP", "PRECALL", "PUSH_NULL"])


class _Name(NamedTuple):
    """A name that code reads, and the attributes that are asked for right after that, one of the other."""

    is_global: bool
    name: str
    attributes: tuple[str, ...]


class _Facts(NamedTuple):
    """What code, with that of functions in it, reads by name."""

    names: tuple[_Name, ...]
    attributes: frozenset[str]  # of anything else
    lasts: bool  # whether it does the same each time
    operators: frozenset[str]  # methods of Values behind operators that few have
    percent: bool  # whether it has "%" as an operator,
    formats: bool  # and in texts: together they make a text


_known: dict[CodeType, _Facts | None] = {}


def _facts(code: CodeType) -> _Facts | None:
    """None for code that may lead anywhere."""
    if code not in _known:
        if len(_known) > _MOST:
            _known.clear()
        _known[code] = _looked_at(code)
    return _known[code]


def _looked_at(code: CodeType) -> _Facts | None:
    names: dict[_Name, None] = {}
    attributes: set[str] = set()
    operators: set[str] = set()
    lasts, percent, formats = True, False, False
    if is_pygrads(code.co_filename):
        return None
    for each in codes_within(code):
        lasts = lasts and not has_handlers(each)
        formats |= any("%" in repr(c) for c in each.co_consts if isinstance(c, str | bytes | tuple))
        own = frozenset(each.co_cellvars)
        steps = [step for step in dis.get_instructions(each) if step.opname not in _PASSED]
        at = 0
        while at < len(steps):
            step = steps[at]
            at += 1
            percent |= step.opname.endswith("_MODULO") or step.argrepr in {"%", "%="}
            sign = step.opname if step.opname in _RARELY else step.argrepr
            operators.update(_RARELY.get(sign, ()))
            if step.opname in {"LOAD_GLOBAL", "LOAD_DEREF"}:
                first = at
                while (
                    at < len(steps)
                    and steps[at].opname in _ATTRIBUTE
                    and not steps[at].is_jump_target
                ):
                    at += 1
                asked = tuple(str(s.argval) for s in steps[first:at])
                names[_Name(step.opname == "LOAD_GLOBAL", str(step.argval), asked)] = None
            elif step.opname in _ATTRIBUTE:
                attributes.add(str(step.argval))
            elif step.opname in _ONCE:
                lasts = False
            elif not _is_quiet(step, own):
                return None
    return _Facts(
        tuple(names), frozenset(attributes), lasts, frozenset(operators), percent, formats
    )


def _is_quiet(step: dis.Instruction, own: frozenset[str]) -> bool:
    """Whether an instruction leads nowhere else. own: names whose cells are the code's own."""
    name = step.opname
    if name == "STORE_DEREF":
        return step.argval in own
    if name == "CALL_INTRINSIC_1":
        return step.argrepr.endswith(_INTRINSICS)
    return name in _QUIET or name in _CALLS or name.startswith(_QUIET_KINDS)


# -- what a function reaches -----------------------------------------------------------------------


class _Anywhere(Exception):
    """There is no knowing what a function reaches."""


class Reach:
    """All that a function reads from elsewhere, as it was when it was looked at."""

    __slots__ = ("__weakref__", "asks", "contents", "lasts", "on_floats", "places")

    def __init__(self, f: Any) -> None:
        search = _Search()
        search.add(f)
        search.operators(_OPERATORS)
        self.places: tuple[Any, ...] = tuple(search.places)  # as captures.py has them
        self.contents = tuple(search.contents)
        # Whether the function does the same each time, as long as this holds.
        self.lasts = search.lasts and not (search.percent and search.formats)
        self.on_floats: tuple[Any, bool] | None = None  # see again.py
        # What asks which object, or of which type, something is, "" if nothing does: see identity.py.
        self.asks: str = search.asks or (search.types if search.bools else "")

    def holds(self) -> bool:
        """Whether all is as it was."""
        return _native.may_run(self.places) and all(content.holds() for content in self.contents)


class _Items(NamedTuple):
    """A list, a tuple or the values of a dict, and what was in it."""

    of: Any
    keys: tuple[Any, ...]
    items: tuple[Any, ...]

    def holds(self) -> bool:
        now = self.of
        if len(now) != len(self.items):
            return False
        if type(now) is not dict:
            return all(map(operator.is_, now, self.items))
        return all(map(operator.is_, now, self.keys)) and all(
            map(operator.is_, now.values(), self.items)
        )


class _Numbers(NamedTuple):
    """An array, and what was in it."""

    of: Any
    shape: tuple[int, ...]
    dtype: Any
    numbers: bytes

    def holds(self) -> bool:
        now = self.of
        return bool(
            now.shape == self.shape and now.dtype is self.dtype and now.tobytes() == self.numbers
        )


class _Search:
    """From a function on, all places that it reads."""

    def __init__(self) -> None:
        self.places: list[Any] = []
        self.contents: list[_Items | _Numbers] = []
        self.watched: set[tuple[int, Any]] = set()
        self.met: dict[int, Any] = {}  # kept, so that no id is used twice
        self.followed: set[int] = set()  # tables that lifted code has copies of
        self.attributes: set[str] = set()
        self.size = 0  # of containers
        self.asks = self.types = ""
        self.bools = False
        self.lasts, self.percent, self.formats = True, False, False

    def watch(self, where: Any, name: str | None, found: Any) -> None:
        key = id(where), name
        if key not in self.watched:
            self.watched.add(key)
            self.met[id(where)] = where
            self.places += (where, name, found if type(found) in _PLAIN else _weakly(found))

    def add(self, item: Any, depth: int = 0) -> None:
        """Something that the function has under a name.

        Raises:
            _Anywhere: there is no knowing what it reaches by that.
        """
        kind = type(item)
        if kind in _PLAIN or id(item) in self.met:
            self.formats |= (kind is str and "%" in item) or (kind is bytes and b"%" in item)
            return
        self.met[id(item)] = item
        if len(self.met) > _FAR + _ITEMS or depth > _DEEP:
            raise _Anywhere
        if kind is FunctionType:
            self.function(item)
        elif kind is BuiltinFunctionType:
            if not _is_pure(item):
                raise _Anywhere
            if item is divmod:
                self.operators(_DIVMOD)
        elif kind is tuple:
            self.several(item, depth)
        elif kind is list:
            self.items(_Items(item, (), tuple(item)), depth)
        elif kind is dict:
            pairs = tuple(item.items())  # at once: another thread may change it
            keys = tuple([key for key, _ in pairs])
            if not all(type(key) in _PLAIN for key in keys):
                raise _Anywhere
            self.several(keys, depth)
            self.items(_Items(item, keys, tuple([found for _, found in pairs])), depth)
        elif kind is np.ndarray:
            self.array(item)
        elif _is_member(item):
            for name in _COMPARED:
                self.watch(kind, name, getattr(kind, name))
            for name in _TRUTHS:
                self.watch(kind, name, getattr(EnumMeta, name))
        elif isinstance(item, type):
            if item not in _TYPES and not _is_exception(item):
                raise _Anywhere
            self.bools |= item in {bool, int}
        elif kind is JacobianOf:
            self.several(item, depth)
        elif kind is Contracted:
            self.several((item.f,), depth)
        elif isinstance(item, FunctionOf) and kind.__module__ == _TRANSFORMS:
            self.derivative(item)
        else:
            raise _Anywhere

    def several(self, items: Any, depth: int) -> None:
        self.size += len(items)
        if self.size > _ITEMS:
            raise _Anywhere
        for item in items:
            self.add(item, depth + 1)

    def items(self, content: _Items, depth: int) -> None:
        """A list or a dict, which is as it was where all that was looked at is in it."""
        self.several(content.items, depth)
        self.contents.append(content)

    def operators(self, names: Iterable[str]) -> None:
        for name in names:
            self.watch(Value, name, getattr(Value, name, NOTHING))

    def array(self, array: Any) -> None:
        self.size += array.size
        if self.size > _ITEMS or array.dtype.kind not in "biuf":
            raise _Anywhere
        self.contents.append(_Numbers(array, array.shape, array.dtype, array.tobytes()))

    def derivative(self, item: Any) -> None:
        """A transform of a function."""
        if _has_attributes(item):
            raise _Anywhere
        slots = [name for kind in type(item).__mro__ for name in getattr(kind, "__slots__", ())]
        for name in slots:
            if name[:2] != "__" and hasattr(item, name):
                found = getattr(item, name)
                self.watch(item, name, found)
                self.add(found)

    def function(self, f: FunctionType) -> None:
        if f.__code__ in LOOKING:
            self.looking(f)
            return
        if is_pygrads(f.__code__.co_filename):
            if f.__name__ not in _PURE.get(f.__module__, ()):
                raise _Anywhere
            return
        facts, space = _facts(f.__code__), f.__globals__
        of_code = type(space) is dict or isinstance(space, Anew)
        if facts is None or not of_code or _has_attributes(f):
            raise _Anywhere
        self.lasts = self.lasts and facts.lasts
        self.operators(facts.operators)
        self.percent |= facts.percent
        self.formats |= facts.formats
        asked = facts_of(f.__code__)
        self.asks = self.asks or why_of(f)
        self.types = self.types or asked.types
        self.watch(space, "__builtins__", space.get("__builtins__", NOTHING))
        self.made_of(f)
        self.add(f.__defaults__)
        self.add(f.__kwdefaults__)
        if isinstance(space, Anew) and (original := space.original_function(f)) is not None:
            self.made_of(original)
            self.follow((original.__defaults__, original.__kwdefaults__))
        cells = dict(zip(f.__code__.co_freevars, f.__closure__ or (), strict=True))
        for cell in cells.values():
            watched = _original_cell(space, cell) if isinstance(space, Anew) else cell
            held = _native.content_of(watched)
            self.watch(watched, None, held)
            if watched is not cell:
                self.follow(held)
        for name in facts.names:
            self.name(f, name, cells)
        self.methods(facts.attributes)

    def made_of(self, f: FunctionType) -> None:
        self.watch(f, None, f.__code__)
        self.watch(f, "__defaults__", f.__defaults__)
        self.watch(f, "__kwdefaults__", f.__kwdefaults__)

    def follow(self, table: Any) -> None:
        """A list, dict or tuple of which lifted code may have a copy, and those in it, as they were."""
        if type(table) not in {list, tuple, dict} or id(table) in self.followed:
            return
        self.followed.add(id(table))
        keys, items = (tuple(table), table.values()) if type(table) is dict else ((), table)
        content = _Items(table, keys, tuple(items))
        self.contents.append(content)
        for item in content.items:
            self.follow(item)

    def looking(self, f: FunctionType) -> None:
        """A lifted function of a script: what its names meant is what they mean, after that look."""
        cells = dict(zip(f.__code__.co_freevars, f.__closure__ or (), strict=True))
        _native.content_of(cells["counterparts"]).renew()
        self.add(_native.content_of(cells["lifted"]))

    def methods(self, names: Any) -> None:
        """Attributes of what a function computes with."""
        for name in names - self.attributes:
            if hasattr(Value, name):
                if name not in _METHODS:
                    raise _Anywhere
                self.watch(Value, name, getattr(Value, name))
            elif name not in _ATTRIBUTES:
                raise _Anywhere
            self.attributes.add(name)

    def name(self, f: FunctionType, name: _Name, cells: dict[str, CellType]) -> None:
        if name.is_global:
            found = self.looked_up(f, name.name)
        elif name.name in cells:
            found = _native.content_of(cells[name.name])
            if found is NOTHING:
                raise _Anywhere
        else:  # of a function around one that is in its code
            self.methods(set(name.attributes))
            return
        attributes = list(name.attributes)
        while attributes and _has_plainly(found, attributes[0]):
            where, attribute = found, attributes.pop(0)
            found = getattr(where, attribute)
            self.watch(where, attribute, found)
        if attributes and type(found) not in _PLAIN and type(found) not in _BUILT:
            raise _Anywhere
        self.add(found)
        self.methods(set(attributes))

    def looked_up(self, f: FunctionType, name: str) -> Any:
        space: Any = f.__globals__
        made = space if isinstance(space, Anew) else None
        if made is not None:
            space = made.original
        found = space.get(name, NOTHING)
        if found is not NOTHING:
            self.watch(space, name, found)
            if made is None:
                return found
            self.follow(found)
            return _stands_for(made, name)
        builtin = f.__builtins__  # type: ignore[attr-defined]
        if type(builtin) is not dict or name not in builtin:
            raise _Anywhere
        self.watch(space, name, NOTHING)
        self.watch(builtin, name, builtin[name])
        return builtin[name]


def _stands_for(space: Anew, name: str) -> Any:
    try:
        return space.stands_for(name)
    except KeyError:
        raise _Anywhere from None


def _original_cell(space: Anew, cell: CellType) -> CellType:
    try:
        return space.original_cell(cell)
    except KeyError:
        raise _Anywhere from None


def _has_plainly(of: Any, name: str) -> bool:
    """Whether a module, a class or an object has an attribute that is what stands there: none that Python
    code gives, no method, and none of numbers and lists."""
    kind = type(of)
    if kind in _PLAIN or kind in _BUILT or isinstance(of, FunctionOf | FunctionType):
        return False
    if issubclass(kind, ModuleType):
        plain = kind.__getattribute__ is ModuleType.__getattribute__ and not hasattr(kind, name)
        return plain and name in vars(of)
    if kind is EnumMeta:
        return name in of.__members__
    if kind is type:
        raw, own = in_class(of, name), False
    elif kind.__getattribute__ in _PLAINLY:
        raw, own = in_class(kind, name), name in getattr(of, "__dict__", ())
    else:
        return False
    if raw is NOTHING:
        return own
    if isinstance(raw, MemberDescriptorType):
        return kind is not type and hasattr(of, name)
    return not hasattr(type(raw), "__get__")


def _has_attributes(f: Any) -> bool:
    """Whether a function has attributes of its own that code may ask for under another name of it."""
    return not vars(f).keys().isdisjoint(_ATTRIBUTES | _METHODS)


class _Bare(Enum):
    ONE = 1


# What the class of a member has that no operator and no call of it would ask for code of its own.
_BARE = frozenset(vars(_Bare)) | {"__annotations__", "__init__"}


def _is_member(item: Any) -> bool:
    """Whether it is one of an Enum, which is compared by which object it is, and has no other operator."""
    kind = type(item)
    return (
        type(kind) is EnumMeta
        and kind.__mro__[1:] == (Enum, object)
        and all(getattr(kind, name) is getattr(Enum, name) for name in _COMPARED)
        and not any(name[:2] == "__" and name not in _BARE for name in vars(kind))
        and not any(hasattr(item, name) for name in _ATTRIBUTES | _METHODS)
    )


def _is_pure(f: Any) -> bool:
    module = f.__module__ or ""
    if module == "math":
        return True
    return f.__name__ in _PURE.get(module, ())


def _is_exception(item: type) -> bool:
    return issubclass(item, BaseException) and not item.__flags__ & _HEAP_TYPE


def _weakly(x: Any) -> Any:
    try:
        return weakref.ref(x)
    except TypeError:
        return x


def reach_of(f: Callable[..., Any]) -> Reach | None:
    """The reach of a function, as it is now; None: it has none."""
    try:
        return Reach(f)
    except _Anywhere:
        return None


def is_plain(structure: Structure) -> bool:
    """Whether arguments are numbers and arrays, alone or in tuples, lists and dicts: of no class whose
    methods a function reaches without a name."""
    if isinstance(structure, Container):
        return structure.kind in {tuple, list, dict} and all(map(is_plain, structure.parts))
    return isinstance(structure, Number | Array)
