"""JSON for every value of the model: one reader and one writer, driven by the type hints.

Canonical form: sorted keys, UTF-8, LF, two-space indent, no floats. An observation carries its
``kind`` as a key. Reading is strict: an unknown key, a missing key or a wrong type is an error,
so a report or evidence file from elsewhere cannot smuggle in what the types do not say.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import json
import re
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from owaudit.errors import FormatError
from owaudit.model.observation import Observation, observation_types

T = TypeVar("T")

_MAX_DEPTH = 64
_SURROGATE = re.compile("[\ud800-\udfff]")


def dumps(value: object) -> str:
    """Return the canonical JSON of a model value, with a final newline.

    A lone surrogate, which UTF-8 cannot carry, is written as its JSON escape.
    """
    text = json.dumps(encode(value), ensure_ascii=False, sort_keys=True, indent=2) + "\n"
    return _SURROGATE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def loads(text: str | bytes, cls: type[T]) -> T:
    """Read a value of type ``cls`` from JSON.

    Raises:
        FormatError: not JSON, or not the JSON of a ``cls``.
    """
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError("json", expected="a JSON document", found=str(error)[:200]) from error
    return decode(raw, cls)


def encode(value: Any) -> Any:
    """Return dicts, lists, strings, integers, booleans and None for a model value."""
    if value is None or isinstance(value, str | int):
        return str(value) if isinstance(value, enum.StrEnum) else value
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        encoded = {name: encode(getattr(value, name)) for name in _hints(type(value))}
        if isinstance(value, Observation):
            encoded["kind"] = value.kind
        return encoded
    raise TypeError(f"no JSON form for {type(value).__name__}")


def decode(raw: Any, cls: type[T]) -> T:
    """Build a ``cls`` from what ``json.loads`` returned.

    Raises:
        FormatError: the JSON is not that of a ``cls``; the clause is the path to the place.
    """
    value: T = _decode(raw, cls, "$", 0)
    return value


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    return {f.name: hints[f.name] for f in dataclasses.fields(cls)}


@functools.cache
def _required(cls: type) -> frozenset[str]:
    missing = dataclasses.MISSING
    return frozenset(
        f.name for f in dataclasses.fields(cls) if f.default is missing and f.default_factory is missing
    )


def _wrong(path: str, expected: str, raw: Any) -> FormatError:
    return FormatError(path, expected=expected, found=f"{type(raw).__name__} {str(raw)[:60]!r}")


def _decode(raw: Any, hint: Any, path: str, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise _wrong(path, f"at most {_MAX_DEPTH} levels", raw)
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        return _decode_union(raw, hint, path, depth)
    if origin is tuple:
        return _decode_tuple(raw, hint, path, depth)
    if isinstance(hint, typing.NewType):
        return _decode(raw, hint.__supertype__, path, depth)
    if hint is bool or hint is str:
        if type(raw) is not hint:
            raise _wrong(path, hint.__name__, raw)
        return raw
    if hint is int:
        if type(raw) is not int:
            raise _wrong(path, "an integer", raw)
        return raw
    if isinstance(hint, type) and issubclass(hint, enum.StrEnum):
        try:
            return hint(raw)
        except ValueError as error:
            raise _wrong(path, "one of " + ", ".join(hint), raw) from error
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _decode_dataclass(raw, hint, path, depth)
    raise TypeError(f"no JSON form for {hint!r}")


def _decode_union(raw: Any, hint: Any, path: str, depth: int) -> Any:
    options = typing.get_args(hint)
    if raw is None and type(None) in options:
        return None
    (only,) = [option for option in options if option is not type(None)]
    return _decode(raw, only, path, depth + 1)


def _decode_tuple(raw: Any, hint: Any, path: str, depth: int) -> tuple[Any, ...]:
    if not isinstance(raw, list):
        raise _wrong(path, "a list", raw)
    items = typing.get_args(hint)
    if len(items) == 2 and items[1] is Ellipsis:
        return tuple(_decode(item, items[0], f"{path}/{i}", depth + 1) for i, item in enumerate(raw))
    if len(raw) != len(items):
        raise _wrong(path, f"{len(items)} items", raw)
    return tuple(
        _decode(r, h, f"{path}/{i}", depth + 1) for i, (r, h) in enumerate(zip(raw, items, strict=True))
    )


def _decode_dataclass(raw: Any, cls: Any, path: str, depth: int) -> Any:
    if not isinstance(raw, dict):
        raise _wrong(path, "an object", raw)
    values = dict(raw)
    if issubclass(cls, Observation):
        kind = values.pop("kind", None)
        found = observation_types().get(kind) if isinstance(kind, str) else None
        if found is None or not issubclass(found, cls):
            raise _wrong(f"{path}/kind", "a known kind of observation", kind)
        cls = found
    hints = _hints(cls)
    for key in values:
        if key not in hints:
            raise FormatError(path, expected="only known keys", found=repr(key[:60]))
    for key in sorted(_required(cls)):
        if key not in values:
            raise FormatError(path, expected=f"the key {key!r}", found="none")
    decoded = {key: _decode(item, hints[key], f"{path}/{key}", depth + 1) for key, item in values.items()}
    try:
        return cls(**decoded)
    except ValueError as error:
        raise FormatError(path, expected=f"a valid {cls.__name__}", found=str(error)) from error
