"""The JSON Schema of the report, made from the dataclasses themselves.

The same type hints drive ``model.wire``, so what the schema accepts is what ``owaudit report``
reads. Draft 2020-12; no object may hold a key that the model does not know.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import json
import types
import typing
from typing import Any

from owaudit.model.report import REPORT_SCHEMA, Report

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
}


def report_schema() -> dict[str, Any]:
    """Return the JSON Schema of a report as a value that ``json`` can write."""
    definitions: dict[str, Any] = {}
    root = _schema_of(Report, definitions)
    definitions[Report.__name__]["properties"]["schema"] = {"const": REPORT_SCHEMA}
    return {
        "$schema": _DRAFT,
        "$id": f"urn:owaudit:report:{REPORT_SCHEMA}",
        "title": "owaudit report",
        **root,
        "$defs": definitions,
    }


def schema_text() -> str:
    """Return the JSON Schema of a report as text: sorted keys, two-space indent, final newline."""
    return json.dumps(report_schema(), ensure_ascii=False, sort_keys=True, indent=2) + "\n"


def _schema_of(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if hint in _PLAIN:
        return dict(_PLAIN[hint])
    if isinstance(hint, typing.NewType):
        return _schema_of(hint.__supertype__, definitions)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return {"anyOf": [_schema_of(option, definitions) for option in arguments]}
    if origin is tuple:
        return _array(arguments, definitions)
    if isinstance(hint, type) and issubclass(hint, enum.StrEnum):
        definitions.setdefault(
            hint.__name__, {"description": _sentence(hint), "enum": [str(m) for m in hint]}
        )
        return {"$ref": f"#/$defs/{hint.__name__}"}
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        if hint.__name__ not in definitions:
            definitions[hint.__name__] = {}  # there before its fields, so that a type may hold itself
            definitions[hint.__name__] = _object(hint, definitions)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    raise TypeError(f"no JSON Schema for {hint!r}")


def _array(items: tuple[Any, ...], definitions: dict[str, Any]) -> dict[str, Any]:
    if len(items) == 2 and items[1] is Ellipsis:
        return {"type": "array", "items": _schema_of(items[0], definitions)}
    places = [_schema_of(item, definitions) for item in items]
    return {"type": "array", "prefixItems": places, "items": False, "minItems": len(places)}


def _object(cls: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    fields = dataclasses.fields(cls)
    missing = dataclasses.MISSING
    required = [f.name for f in fields if f.default is missing and f.default_factory is missing]
    if cls is Report:
        required.append("schema")
    return {
        "type": "object",
        "description": _sentence(cls),
        "properties": {f.name: _schema_of(hints[f.name], definitions) for f in fields},
        "required": sorted(required),
        "additionalProperties": False,
    }


def _sentence(cls: type) -> str:
    return " ".join(inspect.cleandoc(cls.__doc__ or "").replace("``", "`").split())
