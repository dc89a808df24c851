"""GGUF: magic, version, counts, key-values, tensor table, aligned data.

Everything but the tensors is read; tensors are numbers. Chat templates are handed on as members:
some loaders render them with an engine that can reach Python. Files of a set name one another by
number, so each is a reference to the others.

Source: GGUF specification, ggml docs/gguf.md, versions 1 to 3; ggml src/gguf.cpp.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from owaudit.codec.bounds import OutOfBounds, reported
from owaudit.codec.breaches import Breaches
from owaudit.codec.cursor import Cursor
from owaudit.codec.gguf_keys import STRING, TYPE_NAMES, KeyReader, KeyValue
from owaudit.codec.gguf_tensors import TensorEntries
from owaudit.codec.gguf_vocabulary import TOKENS, Vocabulary
from owaudit.codec.json_text import KeyLedger
from owaudit.codec.reader import INERT, PARSED, Halt, Head, Member, Place, Reader, Span, Yield
from owaudit.codec.window import Window
from owaudit.errors import FormatError, LimitExceeded
from owaudit.model.artifact import Format
from owaudit.model.graph_facts import ExternalReference
from owaudit.model.limits import Limits
from owaudit.model.observation import MetadataEntry, UnclaimedBytes

MAGIC = b"GGUF"
DEFAULT_ALIGNMENT = 32
KEPT_ENTRIES = 200
"""Key-values kept as facts: honest files have up to some hundred."""

_FORMAT = Format("gguf")
_LEAST_KEY = 13
_LEAST_TENSOR = 24
"""Bytes of the shortest entry: a count that needs more bytes than there are is impossible."""

_TEMPLATE = re.compile(r"tokenizer\.chat_template(\..+)?", re.DOTALL)
_PART_NAME = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.DOTALL)
_LEGACY = {
    b"lmgg": "ggml",
    b"fmgg": "ggmf",
    b"tjgg": "ggjt",
    b"algg": "ggla",
}


def looks_like(head: Head) -> bool:
    return head.start.startswith(MAGIC)


def read(window: Window, place: Place, limits: Limits) -> Iterator[Yield]:
    """Yield key-values, templates as members, the table of tensors and breaches of the law.

    Raises:
        FormatError: version, a type or the end of the file leave nothing to go on with.
        LimitExceeded: over ``limits.tensors`` entries, or arrays nested too deep.
    """
    breaches = Breaches(_FORMAT)
    yield from reported(_File(window, place, limits, breaches).read(), _FORMAT, place, breaches)


class _File:
    """One GGUF file while it is read."""

    def __init__(self, window: Window, place: Place, limits: Limits, breaches: Breaches) -> None:
        self._window = window
        self._place = place
        self._limits = limits
        self._breaches = breaches
        self._names = KeyLedger()
        self._alignment = DEFAULT_ALIGNMENT
        self._split: dict[str, int] = {}

    def read(self) -> Iterator[Yield]:
        cursor, version = self._start()
        wide = version > 1
        keys = KeyReader(cursor, self._breaches, self._place, wide=wide)
        tensors = self._count(keys, "tensor-count", _LEAST_TENSOR)
        entries = self._count(keys, "key-count", _LEAST_KEY)
        yield Span(PARSED, 0, cursor.at)
        vocabulary = Vocabulary(cursor, self._breaches, self._place)
        for number, entry in enumerate(keys.entries(entries, {TOKENS: vocabulary.token})):
            yield from self._entry(entry, kept=number < KEPT_ENTRIES)
            vocabulary.note(entry)
            yield Span(PARSED, entry.at, entry.start if _is_template(entry) else entry.end)
        self._check_names()
        vocabulary.check()
        yield from self._parts()
        table = TensorEntries(keys, cursor, self._breaches, self._place)
        begin = cursor.at
        table.walk(tensors, wide=wide)
        end = cursor.at
        if end > begin:
            yield Span(PARSED, begin, end)
        data = -(-end // self._alignment) * self._alignment
        yield from self._padding(end, data)
        yield from table.facts(data, self._alignment)

    def _start(self) -> tuple[Cursor, int]:
        cursor = Cursor(self._window, 4)
        raw = cursor.take(4, "version")
        version = int.from_bytes(raw, "little")
        if version and not version & 0xFFFF:
            version = int.from_bytes(raw, "big")
            cursor = Cursor(self._window, 8, ">")
            self._tolerate("byte-order", "little-endian numbers", "big-endian numbers")
        if version not in (1, 2, 3):
            raise FormatError("version", expected="1, 2 or 3", found=str(version), start=4)
        if version == 1:
            self._tolerate("version", "2 or 3", "1, which loaders of today refuse")
        return cursor, version

    def _tolerate(self, clause: str, expected: str, found: str) -> None:
        self._breaches.note(clause, expected, found, self._place.at(4, 8), tolerated=True)

    def _count(self, keys: KeyReader, clause: str, least: int) -> int:
        count = keys.length(clause)
        if count > self._window.size // least:
            expected = f"at most the {self._window.size // least} entries that fit the file"
            raise OutOfBounds(clause, expected=expected, found=str(count), start=8)
        if count > self._limits.tensors:
            raise LimitExceeded("tensors", actual=count, allowed=self._limits.tensors)
        return count

    def _entry(self, entry: KeyValue, *, kept: bool) -> Iterator[Yield]:
        self._names.add(entry.key, entry.at)
        if kept:
            yield MetadataEntry(
                locations=self._place.at(entry.at, entry.end),
                key=entry.key[:200],
                value=entry.shown(),
                size=entry.end - entry.start if entry.type == STRING else len(entry.shown()),
            )
        if entry.key == "general.alignment":
            self._align(entry)
        elif entry.key in ("split.no", "split.count") and isinstance(entry.value, int):
            self._split[entry.key] = entry.value
        elif _is_template(entry):
            yield Member(name=entry.key, start=entry.start, end=entry.end, hint="jinja-template")

    def _align(self, entry: KeyValue) -> None:
        where = self._place.at(entry.start, entry.end)
        value = entry.value
        if entry.type != 4 or not isinstance(value, int):
            found = TYPE_NAMES.get(entry.type, "?")
            self._breaches.note("alignment", "a u32", found, where)
        elif value < 1 or value & (value - 1):
            self._breaches.note("alignment", "a power of two", str(value), where)
        else:
            self._alignment = value
            if value % 8:
                self._breaches.note("alignment", "a multiple of 8", str(value), where)

    def _check_names(self) -> None:
        for offset in self._names.repeated():
            self._breaches.note("duplicate-key", "each key once", "a key again", self._place.at(offset))

    def _parts(self) -> Iterator[ExternalReference]:
        """The other files of a set: the first names all, each other the first."""
        number, count = self._split.get("split.no", 0), self._split.get("split.count", 0)
        if count < 2 or self._place.members:
            return
        name = self._place.artifact.rpartition("/")[2]
        match = _PART_NAME.fullmatch(name)
        if match is None or (int(match["number"]), int(match["count"])) != (number + 1, count):
            expected = f"a name that ends in -{number + 1:05}-of-{count:05}.gguf"
            self._breaches.note("split-name", expected, ascii(name), self._place.at(0, 4), tolerated=True)
            return
        for other in range(2, min(count, 1000) + 1) if number == 0 else (1,):
            yield ExternalReference(
                locations=self._place.at(0, 4),
                purpose="part",
                path=f"{match['stem']}-{other:05}-of-{count:05}.gguf",
            )

    def _padding(self, start: int, end: int) -> Iterator[Yield]:
        end = min(end, self._window.size)
        if end <= start:
            return
        zeros = all(not piece.strip(b"\0") for _, piece in self._window.pieces(start, end))
        if zeros:
            yield Span(INERT, start, end)
        else:
            where = self._place.at(start, end)
            yield UnclaimedBytes(locations=where, position="between", size=end - start)


def _is_template(entry: KeyValue) -> bool:
    return entry.type == STRING and entry.end > entry.start and bool(_TEMPLATE.fullmatch(entry.key))


def _looks_like_legacy(head: Head) -> bool:
    return head.start[:4] in _LEGACY and head.size > 8


def _read_legacy(window: Window, place: Place, limits: Limits) -> Iterator[Yield]:  # noqa: ARG001
    """Say what it is: the layout of the hyperparameters depends on a model the file does not name."""
    name = _LEGACY.get(window.exactly(0, 4, "magic"), "ggml")
    yield Span(PARSED, 0, 4)
    yield Halt("unsupported-version", f"{name}, a format before GGUF that only unmaintained programs load")


READERS = (
    Reader(
        format=_FORMAT,
        source="ggml docs/gguf.md, versions 1 to 3",
        looks_like=looks_like,
        read=read,
        rank=20,
        extensions=(".gguf",),
    ),
    Reader(
        format=Format("ggml-legacy"),
        source="llama.cpp before August 2023",
        looks_like=_looks_like_legacy,
        read=_read_legacy,
        rank=20,
    ),
)
