"""The contract between a kind of record and the one who gathers records.

A kind is one module in ``provenance/records`` with a ``KIND``. It takes bytes that somebody else
read, or the list of files alone, and yields ``Record`` values: what is stated, with every name held
against the rules of ``names``. It decides nothing about trust. Input is hostile: a kind may raise
``FormatError``, which becomes a record with a problem, and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from owaudit.codec.json_text import RepeatingObject, document
from owaudit.codec.window import Window
from owaudit.errors import FormatError, LimitExceeded
from owaudit.model.claim import Record

RECORD_CEILING = 10 * 1024 * 1024
"""Bytes of one record: an OMS signature over a hundred thousand files has about as many."""
MOST_STATEMENTS = 100_000

_HEX = re.compile(r"[0-9a-f]+\Z")
HEX_LENGTHS = {
    "sha256": 64, "sha384": 96, "sha512": 128, "blake2b": 128, "blake3": 64, "sha1": 40, "git-sha1": 40,
    "md5": 32,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TreeFile:
    """One file of the target: its size, its path from the root of the file system without following
    a last link (``whole``) and with all links followed (``real``), both in POSIX form. ``problem`` is
    why it is not opened."""

    size: int
    whole: str = ""
    real: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Tree:
    """The files of a target as the walk found them. ``read`` returns at most ``RECORD_CEILING``
    bytes of one of them, or None where it cannot be read or is longer."""

    files: Mapping[str, TreeFile]
    read: Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True)
class Found:
    """A file that may be a record: its path in the target, its bytes and their SHA-256."""

    path: str
    content: bytes
    sha256: str

    @property
    def name(self) -> str:
        """The last component of the path."""
        return self.path.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """The folder it lies in; empty at the top."""
        return self.path.rpartition("/")[0]


def _nothing(_found: Found, _tree: Tree) -> Iterator[Record]:
    yield from ()


def _no_layout(_tree: Tree) -> Iterator[Record]:
    yield from ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordKind:
    """A kind of record. ``is_named`` looks at a path alone and says whether to read the file;
    ``parse`` yields nothing where the bytes turn out to be something else; ``layout`` yields
    records that lie in the names of files."""

    kind: str
    source: str
    is_named: Callable[[str], bool] = lambda _path: False
    parse: Callable[[Found, Tree], Iterator[Record]] = _nothing
    layout: Callable[[Tree], Iterator[Record]] = _no_layout
    rank: int = field(default=50)


def json_of(content: bytes, clause: str) -> Any:
    """The value of a JSON text.

    Raises:
        FormatError: not JSON, too deep, or with a key that stands twice.
    """
    try:
        value, repeating = document(Window.of(content), ceiling=RECORD_CEILING)
    except LimitExceeded as error:
        raise FormatError(clause, expected="a shorter JSON text", found=str(error)) from error
    except RecursionError as error:
        raise FormatError(clause, expected="JSON", found="too deep") from error
    if repeating:
        raise FormatError(clause, expected="each key once", found=f"a key twice at {repeating[0][:80]}")
    return value


def json_object(content: bytes, clause: str) -> dict[str, Any]:
    """The value of a JSON text that is an object. Raises FormatError otherwise."""
    value = json_of(content, clause)
    if not isinstance(value, dict):
        raise FormatError(clause, expected="a JSON object", found=type(value).__name__)
    return dict(value) if isinstance(value, RepeatingObject) else value


def digest_problem(algorithm: str, digest: str) -> str:
    """Say what is wrong with a digest that a record states; empty when nothing is."""
    length = HEX_LENGTHS.get(algorithm)
    if length is None:
        return "unknown-algorithm"
    return "" if len(digest) == length and _HEX.match(digest) else "not-a-digest"


def algorithm_name(word: str) -> str:
    """The name used here for an algorithm as records spell it: ``SHA-256`` is ``sha256``."""
    plain = word.strip().lower().replace("_", "-")
    known = plain.replace("-", "")
    known = {"blake2b512": "blake2b", "b2": "blake2b", "sha2256": "sha256"}.get(known, known)
    return known if known in HEX_LENGTHS else ("git-sha1" if plain == "git-sha1" else plain)


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no space, as bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(
        "utf-8", "surrogatepass"
    )


def malformed(found: Found, kind: str, title: str, error: FormatError) -> Record:
    """The record of a file that should be one and could not be understood."""
    return Record(
        path=found.path,
        kind=kind,
        title=title,
        sha256=found.sha256,
        problem="malformed",
        detail=str(error)[:400],
    )
