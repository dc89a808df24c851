"""Keras settings as JSON: ``config.json`` of an archive, ``model_config`` of an HDF5 file, or the
text that ``to_json`` gives.

Python's ``json`` takes UTF-8, UTF-16 and UTF-32, with a mark or without, so all of them are read.

Source: Keras 3.15, ``src/saving/saving_lib.py``; RFC 8259, section 8.1; CPython 3.11, ``json``.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator

from owaudit.codec.breaches import Breaches
from owaudit.codec.json_text import document
from owaudit.codec.keras_config import config_facts, with_shadowed
from owaudit.codec.reader import PARSED, Head, Place, Reader, Span, Yield
from owaudit.codec.window import Window
from owaudit.errors import FormatError, LimitExceeded, ReadError
from owaudit.model.artifact import Format
from owaudit.model.limits import Limits

HINT = "keras-config"
LONGEST = 16 * 1024 * 1024
"""Bytes: word lists that stand in the settings are a few million."""
MOST_REPEATS = 64

_FORMAT = Format("keras-config")
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_OVERLAP = 128


def _key(name: str) -> re.Pattern[bytes]:
    """A name in an object, each letter as it is or escaped, and the colon behind it."""
    letters = (f"(?:{letter}|\\\\u00(?i:{ord(letter):02x}))" for letter in name)
    return re.compile(f'"{"".join(letters)}"\\s*:'.encode())


_KEYS = (_key("class_name"), _key("config"))


def looks_like(head: Head) -> bool:
    if head.hint == HINT:
        return True
    start = head.start.lstrip(b" \t\r\n")
    if not start.startswith((b"{", b"[", *_MARKS)) or head.name.endswith((".jsonl", ".ndjson")):
        return False
    if start.startswith(_MARKS[1:]):
        text = start[: len(start) // 2 * 2].decode("utf-16", "replace").encode()
        return all(key.search(text) for key in _KEYS)
    if not head.name.endswith(".json"):
        return all(key.search(start) for key in _KEYS)
    return _has_keys(head.window)


def _has_keys(window: Window) -> bool:
    missing = list(_KEYS)
    tail = b""
    for _, piece in window.pieces():
        missing = [key for key in missing if not key.search(tail + piece)]
        if not missing:
            return True
        tail = piece[-_OVERLAP:]
    return False


def read(window: Window, place: Place, _limits: Limits) -> Iterator[Yield]:
    """Yield the classes, functions, code and files that the settings name.

    Raises:
        FormatError: not JSON.
        LimitExceeded: longer than settings are.
    """
    breaches = Breaches(_FORMAT)
    text = _as_utf8(window, place, breaches)
    stopped: ReadError | None = None
    try:
        value, repeated = document(text, ceiling=LONGEST, constants=True)
    except ReadError as error:
        stopped = error
    else:
        for pointer in repeated[:MOST_REPEATS]:
            breaches.note("duplicate-key", "each name once", ascii(pointer), place.at(pointer=pointer))
        if repeated:
            value = json.loads(_whole(text), object_pairs_hook=with_shadowed)
        yield from config_facts(value, place)
        yield Span(PARSED, 0, window.size)
    yield from breaches.observations()
    if stopped is not None:
        raise stopped


def _as_utf8(window: Window, place: Place, breaches: Breaches) -> Window:
    """The same text in UTF-8 without a mark. Raises FormatError where it is in no encoding."""
    encoding = json.detect_encoding(window.read(0, 4))
    if encoding == "utf-8":
        return window
    breaches.note("encoding", "UTF-8 without a mark", encoding, place.at(0, 4), tolerated=True)
    try:
        return Window.of(_whole(window).decode(encoding).encode())
    except UnicodeError as error:
        raise FormatError("encoding", expected=f"text in {encoding}", found="other bytes") from error


def _whole(window: Window) -> bytes:
    if window.size > 4 * LONGEST:
        raise LimitExceeded("header_bytes", actual=window.size, allowed=4 * LONGEST)
    return b"".join(piece for _, piece in window.pieces())


READER = Reader(
    format=_FORMAT,
    source="Keras 3.15, src/saving/saving_lib.py",
    looks_like=looks_like,
    read=read,
    rank=35,
    hides=("hub-config", "jinja-template", "python", "shell", "source-code", "text"),
    extensions=(".json",),
)
