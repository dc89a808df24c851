"""The hashes that records state, and those of parts of a file, fed from one read.

``git-sha1`` is SHA-1 over ``blob <size>``, a zero byte and the content. BLAKE3 is not in the standard
library; it is computed where the package ``blake3`` is installed.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Sequence
from typing import Protocol

from owaudit.model.artifact import Digest


class Hash(Protocol):
    """What hashlib gives."""

    def update(self, content: memoryview, /) -> None: ...
    def hexdigest(self) -> str: ...


def new_hash(algorithm: str, size: int) -> Hash | None:
    """A fresh hash, or None for an algorithm that cannot be computed here; ``size`` is in bytes."""
    if algorithm == "git-sha1":
        return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    if algorithm == "blake3":
        try:
            made: Hash = importlib.import_module("blake3").blake3()
        except ImportError:
            return None
        return made
    if algorithm == "blake2b":
        return hashlib.blake2b()
    if algorithm in ("sha256", "sha384", "sha512", "sha1", "md5"):
        return hashlib.new(algorithm, usedforsecurity=False)
    return None


class Parts:
    """Digests of ranges of one file, while its bytes go by in order."""

    def __init__(self, parts: Sequence[tuple[int, int, str]], size: int) -> None:
        usable = [(start, min(end, size), name) for start, end, name in parts if start < min(end, size)]
        self._waiting = sorted(usable, reverse=True)
        self._open: list[tuple[int, int, str, Hash]] = []
        self._done: list[tuple[int, int, Digest]] = []

    def take(self, offset: int, piece: memoryview) -> None:
        """The bytes of the file from ``offset`` on."""
        end = offset + len(piece)
        while self._waiting and self._waiting[-1][0] < end:
            start, stop, name = self._waiting.pop()
            made = new_hash(name, stop - start)
            if made is not None:
                self._open.append((start, stop, name, made))
        still = []
        for start, stop, name, made in self._open:
            made.update(piece[max(start - offset, 0) : max(stop - offset, 0)])
            if stop <= end:
                self._done.append((start, stop, Digest(name, made.hexdigest())))
            else:
                still.append((start, stop, name, made))
        self._open = still

    def finished(self) -> tuple[tuple[int, int, Digest], ...]:
        """The parts whose last byte went by, in order."""
        return tuple(sorted(self._done))
