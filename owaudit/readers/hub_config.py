"""JSON settings of model repositories: what they make a loader import, run or open.

A file is taken when its name is one that loaders look for, or when it holds a key that makes them
import something. Any other JSON is plain text. Names that repeat are stated, since loaders differ
in which one they take.

Source: Hugging Face Hub documentation, "Using custom models"; see ``codec.hub_keys`` and
``codec.hub_files`` for the loaders of each key.
"""

from __future__ import annotations

from collections.abc import Iterator

from owaudit.codec.breaches import Breaches
from owaudit.codec.hub_files import LOADED, by_name
from owaudit.codec.hub_keys import TRIGGERS, references
from owaudit.codec.json_text import document
from owaudit.codec.reader import PARSED, Head, Place, Reader, Span, Yield
from owaudit.codec.secrets_seen import secrets
from owaudit.codec.stated import stated_by_settings
from owaudit.codec.window import Window
from owaudit.model.artifact import Format
from owaudit.model.limits import Limits

_FORMAT = Format("hub-config")
_LINES = (".jsonl", ".ndjson")
_OVERLAP = 128
MOST_REPEATS = 64
SEARCHED = 1024 * 1024
"""Bytes that are searched for credentials: settings that people edit are short."""


def looks_like(head: Head) -> bool:
    start = head.start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start.startswith((b"{", b"[")) or head.name.endswith(_LINES):
        return False
    if head.name in LOADED or head.name.endswith(".index.json"):
        return not _is_of_keras(head)
    return head.name.endswith(".json") and _has_key(head.window)


def _is_of_keras(head: Head) -> bool:
    """The settings inside a Keras archive have the same name and another meaning."""
    return head.name == "config.json" and b'"registered_name"' in head.start and b'"module"' in head.start


def _has_key(window: Window) -> bool:
    tail = b""
    for _, piece in window.pieces():
        if TRIGGERS.search(tail + piece):
            return True
        tail = piece[-_OVERLAP:]
    return False


def read(window: Window, place: Place, _limits: Limits) -> Iterator[Yield]:
    """Yield the code, switches, paths and templates that the settings name.

    Raises:
        FormatError: not JSON.
        LimitExceeded: longer than settings are.
    """
    value, repeated = document(window, constants=True)
    name = (place.members[-1] if place.members else place.artifact).rpartition("/")[2].lower()
    loaded = name in LOADED or "config" in name
    breaches = Breaches(_FORMAT)
    for pointer in repeated[:MOST_REPEATS]:
        where = place.at(pointer=pointer)
        breaches.note("duplicate-key", "each name once", ascii(pointer), where, tolerated=True)
    yield from breaches.observations()
    yield from references(value, place, loaded=loaded)
    yield from by_name(name, value, place)
    yield from stated_by_settings(name, value, place)
    yield from secrets(window.read(0, SEARCHED).decode("utf-8", "replace"), place)
    yield Span(PARSED, 0, window.size)


READER = Reader(
    format=_FORMAT,
    source="Hugging Face Hub documentation, Using custom models",
    looks_like=looks_like,
    read=read,
    rank=70,
    hides=("source-code", "text"),
    extensions=(".json",),
)
