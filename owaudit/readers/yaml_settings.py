"""YAML settings: targets that are built, modules that are loaded, tags that make Python objects.

Hydra and NeMo import and call what ``_target_`` names; MLflow imports the ``loader_module`` of an
``MLmodel`` and puts its code folder on the path; PyYAML's unsafe loaders do what ``!!python`` tags
say. A file without any of these is plain text and is not parsed.

Source: Hydra 1.3, "Instantiating objects"; MLflow documentation, "MLmodel"; PyYAML documentation.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from owaudit.codec.config_values import path_problem
from owaudit.codec.hub_keys import KEPT, imported
from owaudit.codec.reader import INERT, PARSED, Head, Place, Reader, Span, Yield
from owaudit.codec.secrets_seen import secrets
from owaudit.codec.window import Window
from owaudit.codec.yaml_events import LONGEST, Pair, pairs
from owaudit.errors import FormatError, LimitExceeded
from owaudit.model.artifact import Format
from owaudit.model.code_facts import CodeReference, ConfigPath
from owaudit.model.limits import Limits

_SUFFIXES = (".yaml", ".yml")
_MODEL = "mlmodel"
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_TRIGGER = re.compile(rb"_target_|class_path|loader_module|[!\\]|%TAG|\A(?:\xff\xfe|\xfe\xff)")
_PYTHON_TAG = re.compile(
    r"tag:yaml\.org,2002:python/(\w+(?:/\w+)?)(?::(.*))?\Z|.*?!python/(\w+(?:/\w+)?):?(.*)\Z"
)
_PLAIN_TAGS = {
    "none", "bool", "str", "unicode", "bytes", "int", "long", "float", "complex", "list", "tuple", "dict",
}  # fmt: skip
_PATHS = ("data", "python_model", "model_path", "model_code_path", "env")


def looks_like(head: Head) -> bool:
    if not head.name.endswith(_SUFFIXES) and head.name != _MODEL:
        return False
    return head.start.startswith(_WIDE) or (bool(head.start) and b"\0" not in head.start)


def read(window: Window, place: Place, _limits: Limits) -> Iterator[Yield]:
    """Yield what the settings name.

    Raises:
        FormatError: not YAML, though it holds what would be imported.
        LimitExceeded: longer or deeper than settings are.
    """
    name = (place.members[-1] if place.members else place.artifact).rpartition("/")[2].lower()
    if name != _MODEL and not _has_trigger(window):
        yield from secrets(window.read(0, min(window.size, LONGEST)).decode("utf-8", "replace"), place)
        yield Span(INERT, 0, window.size)
        return
    if window.size > 2 * LONGEST:
        raise LimitExceeded("header_bytes", actual=window.size, allowed=2 * LONGEST)
    text = _text(window.read(0, window.size))
    for pair in pairs(text):
        yield from _pair(pair, place, name == _MODEL)
    yield from secrets(text, place)
    yield Span(PARSED, 0, window.size)


def _has_trigger(window: Window) -> bool:
    tail = b""
    for _, piece in window.pieces():
        if _TRIGGER.search(tail + piece):
            return True
        tail = piece[-32:]
    return False


def _text(content: bytes) -> str:
    encoding = "utf-16" if content.startswith(_WIDE) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise FormatError("yaml-text", expected=encoding, found="other bytes", start=error.start) from None


def _pair(pair: Pair, place: Place, is_model: bool) -> Iterator[Yield]:
    key = "/" + "/".join(pair.path)
    yield from _tag(pair, key, place)
    if pair.value is None or not pair.path:
        return
    last = pair.path[-1]
    if last == "_target_":
        yield imported("hydra_target", key, pair.value, place, pair.line)
    elif last == "class_path":
        yield imported("class_path", key, pair.value, place, pair.line)
    elif is_model:
        yield from _model_pair(pair, key, place)


def _tag(pair: Pair, key: str, place: Place) -> Iterator[Yield]:
    match = _PYTHON_TAG.match(pair.tag)
    if not match:
        return
    kind = (match.group(1) or match.group(3) or "").lower()
    name = match.group(2) or match.group(4) or (pair.value or "" if kind in ("name", "module") else "")
    if kind not in _PLAIN_TAGS:
        yield imported("yaml_tag", key, name or kind, place, pair.line)


def _model_pair(pair: Pair, key: str, place: Place) -> Iterator[Yield]:
    """Keys of the flavour ``python_function`` of an ``MLmodel``."""
    last, value = pair.path[-1], pair.value or ""
    if last == "loader_module":
        yield imported("loader_module", key, value, place, pair.line)
    elif "python_function" not in pair.path or not value:
        return
    elif last in ("code", "model_code_path"):
        folder = "" if last == "model_code_path" else "/"
        yield CodeReference(
            locations=place.at(pointer=key, line=pair.line),
            mechanism="code_path",
            key=key[:KEPT],
            target=value[:KEPT],
            path=f"{value.rstrip('/')}{folder}"[:KEPT],
        )
    if last in _PATHS or last == "code":
        yield ConfigPath(
            locations=place.at(pointer=key, line=pair.line),
            purpose="model",
            key=key[:KEPT],
            path=value[:KEPT],
            problem=path_problem(value),
        )


READER = Reader(
    format=Format("yaml"),
    source="Hydra 1.3, Instantiating objects; MLflow documentation, MLmodel",
    looks_like=looks_like,
    read=read,
    rank=72,
    hides=("source-code", "text"),
    extensions=_SUFFIXES,
)
