"""Objects with fields: dataclasses, and those of attrs; which of their fields are whole numbers or static.

A field is static, so that it has no derivative, if its declaration says so: by
``metadata={"static": True}``, or for whole numbers and bools by its type, ``int`` or ``bool``, or a
container of these. (What is no number at all is static whatever its type.) A new record is made without
its ``__init__``, as what the fields hold meanwhile, Values or derivatives, is not what that expects. But
where ``__post_init__`` computes further fields, it does so again when a function is to be given the record.

>>> from dataclasses import dataclass
>>> from pygrad.core.records import form_of
>>> @dataclass
... class Params:
...     rate: float
...     steps: int = 3
>>> form_of(Params).fields
(Field(name='rate', whole=False, static=False, given=True, compared=True), \
Field(name='steps', whole=True, static=False, given=True, compared=True))
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import numbers
import sys
import types
import typing
import weakref
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from pygrad.core.classes import slots_of
from pygrad.core.implementation import Value, trace_active

Maker = Callable[[list[Any]], Any]


class RecordError(TypeError):
    """What a class computes from its fields cannot be computed again for others."""


class Field(NamedTuple):
    """What a class says of one of its fields."""

    name: str
    whole: bool  # its numbers are declared to be whole, so they are static
    static: bool  # whatever it holds
    given: bool  # to __init__, not computed
    compared: bool  # by ==


class Form(NamedTuple):
    """What a class of records says of all of them."""

    fields: tuple[Field, ...]
    compute: Callable[[Any], None] | None  # what is computed from the fields that are given
    refusal: str  # why it cannot be computed again; "" if it can
    plain: Opened | None  # without contents, for records that have these fields and nothing else


class Opened(NamedTuple):
    """A record taken apart."""

    names: tuple[str, ...]
    contents: list[Any]
    fields: tuple[Field, ...]
    make: Maker
    # Completes what make has made, for a function to be given
    compute: Callable[[Any], None] | None


# -- of classes ------------------------------------------------------------------------------------

_forms: weakref.WeakKeyDictionary[type, Form | None] = weakref.WeakKeyDictionary()


def form_of(kind: type) -> Form | None:
    """What a class says of its records; None for a class of other objects."""
    try:
        return _forms[kind]
    except KeyError:
        form = _form_of(kind)
        _forms[kind] = form
        return form


def _form_of(kind: type) -> Form | None:
    if issubclass(kind, (enum.Enum, BaseException, Value)):
        return None
    attributes = getattr(kind, "__attrs_attrs__", None)
    is_record = dataclasses.is_dataclass(kind) or attributes is not None
    if is_record and issubclass(kind, (list, tuple, dict)):
        raise RecordError(
            f"a {kind.__name__} has both items and fields: say what is in it by "
            "pygrad.register_container()"
        )
    if dataclasses.is_dataclass(kind):
        form = _of_dataclass(kind)
    elif attributes is not None:
        form = _of_attrs(kind, attributes)
    else:
        return None
    has_slots = any("__slots__" in vars(base) for base in kind.__mro__[:-1])
    computes = form.compute is not None and not all(f.given or f.static for f in form.fields)
    if has_slots or computes:
        return form
    names = tuple(field.name for field in form.fields)
    make = functools.partial(_made, kind, names, ())
    return form._replace(plain=Opened(names, [], form.fields, make, None))


def _field(kind: type, field: Any, compared: bool) -> Field:
    said = field.metadata.get("static")
    whole = said is None and is_whole(_hint(kind, field.name, field.type))
    return Field(field.name, whole, said is True, field.init, compared)


def _of_dataclass(kind: Any) -> Form:
    fields = dataclasses.fields(kind)
    post = getattr(kind, "__post_init__", None)
    only_init = [
        name
        for name, field in kind.__dataclass_fields__.items()
        if field._field_type is dataclasses._FIELD_INITVAR  # type: ignore[attr-defined]
    ]

    def compute(new: Any) -> None:
        for field in fields:
            if not field.init and field.metadata.get("static") is not True:
                if field.default is not dataclasses.MISSING:
                    object.__setattr__(new, field.name, field.default)
                elif field.default_factory is not dataclasses.MISSING:
                    object.__setattr__(new, field.name, field.default_factory())
        new.__post_init__()

    refusal = f"its __post_init__ takes {', '.join(only_init)}" if only_init else ""
    return Form(
        tuple([_field(kind, f, bool(f.compare)) for f in fields]),
        None if post is None else compute,
        refusal,
        None,
    )


def _of_attrs(kind: Any, attributes: Any) -> Form:
    post = getattr(kind, "__attrs_post_init__", None)
    computed = [a for a in attributes if not a.init]
    from_self = any(getattr(a.default, "takes_self", False) for a in computed)

    def compute(new: Any) -> None:
        for a in computed:
            factory = getattr(a.default, "factory", None)
            if factory is not None:
                item = factory(new) if a.default.takes_self else factory()
                object.__setattr__(new, a.name, item)
            elif type(a.default).__name__ != "_Nothing":
                object.__setattr__(new, a.name, a.default)
        if post is not None:
            new.__attrs_post_init__()

    fields = tuple([_field(kind, a, bool(a.eq)) for a in attributes])
    return Form(fields, compute if post is not None or from_self else None, "", None)


@functools.lru_cache(maxsize=256)
def whole_items(kind: type) -> frozenset[int]:
    """The items of a named tuple that its class declares to be whole numbers."""
    try:
        declared = getattr(kind, "__annotations__", {})
    except NameError:  # of a name that is for type checkers only
        return frozenset()
    names = getattr(kind, "_fields", ())
    return frozenset(
        i for i, n in enumerate(names) if n in declared and is_whole(_hint(kind, n, declared[n]))
    )


def _hint(kind: type, name: str, hint: Any) -> Any:
    """A declared type; where it is text that cannot be understood here, the text."""
    text = getattr(hint, "__forward_arg__", hint)
    if not isinstance(text, str):
        return hint
    for base in kind.__mro__:
        try:
            holder = type("Holder", (), {"__annotations__": {name: text}})
            space = vars(sys.modules[base.__module__])
            return typing.get_type_hints(holder, space, {base.__name__: base})[name]
        except Exception:  # whatever an annotation raises that was meant for a type checker
            continue
    return text


def is_whole(hint: Any) -> bool:
    """Whether a declared type is one of whole numbers, bools, or what is no number, and of nothing else."""
    hint = getattr(hint, "__supertype__", hint)
    if hint is None or hint is types.NoneType:
        return True
    if isinstance(hint, type) and typing.get_origin(hint) is None:
        return issubclass(hint, (numbers.Integral, str, bytes, enum.Enum))
    if isinstance(hint, str):
        names = {"int", "bool", "str", "bytes", "None"}
        return (
            set(hint.replace("|", " ").replace("Optional[", " ").replace("]", " ").split()) <= names
        )
    origin = typing.get_origin(hint)
    if origin is typing.Literal:
        return True
    of = [part for part in typing.get_args(hint) if part is not ...]
    if origin is typing.Annotated:
        return is_whole(of[0])
    return len(of) > 0 and all(map(is_whole, of))


# -- of records ------------------------------------------------------------------------------------


def opened(record: Any, form: Form, as_given: bool) -> Opened:
    """What a record holds, and how another is made.

    as_given: for a function to be given it; then what is computed is no part of it. Else all is, as of a
    result.

    Raises:
        RecordError: what is computed from its fields cannot be computed again, or is something else by now.
    """
    kind = type(record)
    if form.plain is not None:
        held = record.__dict__
        if len(held) == len(form.fields):
            try:
                return form.plain._replace(contents=[held[name] for name in form.plain.names])
            except KeyError:
                pass
    known = {field.name for field in form.fields}
    more = [name for name in _attributes(record) if name not in known]
    computed = [field for field in form.fields if not field.given and not field.static]
    if not as_given or form.compute is None or not (computed or more):
        fields = [field for field in form.fields if _has(record, field.name)]
        fields += [Field(name, False, as_given, True, False) for name in more]
        return _opened(kind, record, fields, (), None)
    if form.refusal:
        raise RecordError(
            f"a {kind.__name__} has fields that its __post_init__ computes, which cannot be run again: "
            f"{form.refusal}. {_CURE}"
        )
    given = [field for field in form.fields if field not in computed]
    empty = [field.name for field in computed]
    parts = _opened(kind, record, given, empty, form.compute)
    kept = _not_computed_again(record, parts, computed, more)
    if not kept:
        return parts

    def compute(new: Any) -> None:
        form.compute(new)  # type: ignore[misc]
        for name in kept:
            object.__setattr__(new, name, getattr(record, name))

    static = [Field(name, False, True, True, False) for name in more if name in kept]
    return _opened(kind, record, given + static, empty, compute)


_CURE = (
    "Compute them in methods or properties, declare them static by field(metadata={'static': True}), or "
    "say what the class has in it by pygrad.register_container()"
)


def _opened(
    kind: type,
    record: Any,
    fields: list[Field],
    empty: Any,
    compute: Callable[[Any], None] | None,
) -> Opened:
    names = tuple(field.name for field in fields)
    contents = [getattr(record, name) for name in names]
    make = functools.partial(_made, kind, names, tuple(empty))
    return Opened(names, contents, tuple(fields), make, compute)


def _made(kind: type, names: tuple[str, ...], empty: tuple[str, ...], contents: list[Any]) -> Any:
    """A record without its __init__; None stands for what is computed."""
    new: Any = object.__new__(kind)
    for name in empty:
        object.__setattr__(new, name, None)
    for name, item in zip(names, contents, strict=True):
        object.__setattr__(new, name, item)
    return new


def _has(record: Any, name: str) -> bool:
    return hasattr(record, name)  # a slot may be empty


def _attributes(record: Any) -> Iterator[str]:
    """All that a record has for itself, but for what cached properties have computed."""
    kind = type(record)
    for name in list(getattr(record, "__dict__", ())):
        if not isinstance(getattr(kind, name, None), functools.cached_property):
            yield name
    for base in kind.__mro__:
        for name in slots_of(base):
            if hasattr(record, name):
                yield name


def _not_computed_again(
    record: Any, parts: Opened, computed: list[Field], more: list[str]
) -> list[str]:
    """Names of what is not what computing gives, and is to be kept as it is: what == leaves out, and what
    was put beside the fields later.

    Raises:
        RecordError: there is a field among it.
    """
    if trace_active() or any(map(_holds_values, parts.contents)):
        return []  # it was found out with numbers
    sample = parts.make(parts.contents)
    parts.compute(sample)  # type: ignore[misc]
    kept = [name for name in more if not _alike_in(record, sample, name)]
    for field in computed:
        if _alike_in(record, sample, field.name):
            continue
        if field.compared:
            found, again = (getattr(x, field.name, "not set") for x in (record, sample))
            raise RecordError(
                f"{type(record).__name__}.{field.name} is {found!r}, but __post_init__ computes {again!r} "
                f"from the other fields: it was changed later, and a derivative cannot follow. {_CURE}"
            )
        kept.append(field.name)
    return [name for name in kept if _has(record, name)]


def _holds_values(x: Any) -> bool:
    if isinstance(x, dict):
        x = list(x.values())
    elif getattr(getattr(x, "dtype", None), "kind", "") == "O":
        x = x.ravel().tolist()
    elif form_of(type(x)) is not None:
        x = [getattr(x, name) for name in _attributes(x)]
    return isinstance(x, Value) or (isinstance(x, (list, tuple)) and any(map(_holds_values, x)))


def _alike_in(a: Any, b: Any, name: str) -> bool:
    nothing = object()
    return _alike(getattr(a, name, nothing), getattr(b, name, nothing))


def _alike(a: Any, b: Any) -> bool:
    """Whether two things are the same by what can be told; of objects without an == that is their class."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, Value):
        return _alike(a.data, b.data)
    if isinstance(a, float):
        return repr(a) == repr(b)
    if hasattr(a, "tolist") and hasattr(a, "shape"):
        return bool(a.shape == b.shape) and _alike(a.tolist(), b.tolist())
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(_alike, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(map(_alike, a.values(), b.values()))
    if type(a).__eq__ is object.__eq__:
        return True
    try:
        return bool(a == b)
    except Exception:  # whatever its class raises
        return False
