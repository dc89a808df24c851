"""The vocabulary of a GGUF file: arrays that loaders index side by side.

Loaders take ``scores`` and ``token_type`` by the index of a token, and the two hex digits of a byte
token as an index into 256 bytes.

Source: llama.cpp src/llama-vocab.cpp; GHSA-8wwf-w4qm-gpqr; llama.cpp commit cf06ad7d.
"""

from __future__ import annotations

import re
import struct
from typing import Final

from owaudit.codec.breaches import Breaches
from owaudit.codec.cursor import Cursor
from owaudit.codec.gguf_keys import ARRAY, STRING, KeyValue
from owaudit.codec.reader import Place

TOKENS: Final = "tokenizer.ggml.tokens"
_BESIDE: Final = ("tokenizer.ggml.scores", "tokenizer.ggml.token_type")
_NUMBER_TYPES: Final = (0, 1, 2, 3, 4, 5, 6, 10, 11, 12)
_BYTE_TOKEN: Final = re.compile(rb"<0x[0-9A-Fa-f]{2}>")
_SIGNED: Final = re.compile(rb"<0x[-+\s][^>]{0,9}>")
_BYTE: Final = 6
"""The number of ``token_type`` that says byte."""
_KEPT: Final = 10_000


class Vocabulary:
    """Counts the arrays and keeps the tokens that are spelled almost like a byte."""

    def __init__(self, cursor: Cursor, breaches: Breaches, place: Place) -> None:
        self._cursor = cursor
        self._breaches = breaches
        self._place = place
        self._arrays: dict[str, KeyValue] = {}
        self._odd: list[tuple[int, int, bytes]] = []

    def token(self, index: int, at: int, text: bytes) -> None:
        """Take one token: its index, offset and first bytes."""
        if text.startswith(b"<0x") and not _BYTE_TOKEN.fullmatch(text) and len(self._odd) < _KEPT:
            self._odd.append((index, at, text))

    def note(self, entry: KeyValue) -> None:
        """Take a key-value, if it is one of the arrays."""
        if entry.key == TOKENS or entry.key in _BESIDE:
            self._arrays[entry.key] = entry

    def check(self) -> None:
        """Hold the arrays against one another, once all are known."""
        tokens = self._arrays.get(TOKENS)
        if tokens is not None and (tokens.type, tokens.item) != (ARRAY, STRING):
            self._note("vocabulary", "an array of strings", tokens)
        for key in _BESIDE:
            beside = self._arrays.get(key)
            if beside is None:
                continue
            if beside.type != ARRAY or beside.item not in _NUMBER_TYPES:
                self._note("vocabulary", "an array of numbers", beside)
            elif beside.count != (tokens.count if tokens is not None else 0):
                expected = f"{tokens.count if tokens is not None else 0} items, one for each token"
                where = self._place.at(beside.at, beside.end)
                self._breaches.outside("vocabulary-size", expected, f"{beside.count} in {key}", where)
        self._check_bytes()

    def _note(self, clause: str, expected: str, entry: KeyValue) -> None:
        where = self._place.at(entry.at, entry.end)
        self._breaches.note(clause, expected, f"{entry.shown()} in {entry.key}", where)

    def _check_bytes(self) -> None:
        types = self._arrays.get(_BESIDE[1])
        for index, at, text in self._odd:
            # A sign makes the number negative wherever it is parsed; other spellings only matter
            # where the file calls the token a byte.
            if _SIGNED.fullmatch(text) or (types is not None and self._type(types, index) == _BYTE):
                where = self._place.at(at, at + 8 + len(text))
                self._breaches.outside("byte-token", "<0x and two hex digits>", ascii(text), where)

    def _type(self, types: KeyValue, index: int) -> int:
        if types.item not in (4, 5) or index >= types.count:
            return -1
        start = types.end - 4 * (types.count - index)
        raw = self._cursor.window.read(start, 4)
        number: int = struct.unpack(self._cursor.order + "i", raw)[0] if len(raw) == 4 else -1
        return number
