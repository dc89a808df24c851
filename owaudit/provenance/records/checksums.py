"""Checksum lists: GNU, BSD and bare digests, as sha256sum, b2sum, md5sum and shasum write them.

A GNU line is digest, space, space or star, name; with a backslash before it, ``\\\\`` and ``\\n`` in
the name are escapes. A BSD line is ``SHA256 (name) = digest``. A file with one bare digest speaks of
the file whose name it carries: ``model.gguf.sha256``. Lines may end in CR LF.

Source: GNU coreutils manual, "cksum common options" and "md5sum invocation".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from owaudit.errors import FormatError
from owaudit.model.claim import Record, Statement
from owaudit.provenance.kinds import (
    HEX_LENGTHS,
    MOST_STATEMENTS,
    Found,
    RecordKind,
    Tree,
    algorithm_name,
    malformed,
)
from owaudit.provenance.names import statement, without_clashes

KIND_NAME = "checksums"
_TITLE = "Checksum list"
_WORDS = {
    "sha256": "sha256", "sha512": "sha512", "sha384": "sha384", "sha1": "sha1", "md5": "md5",
    "b2": "blake2b", "blake2b": "blake2b", "blake2": "blake2b", "b3": "blake3", "blake3": "blake3",
}  # fmt: skip
_WORD = "|".join(sorted(_WORDS, key=len, reverse=True))
_NAMED = re.compile(
    rf"(?:.*[._-])?(?:(?P<a>{_WORD})(?:[._-]?(?:sums?|checksums?))?|checksums?|hashes|digests?)"
    r"(?:\.(?:txt|sum|list))?\Z",
    re.IGNORECASE,
)
_GNU = re.compile(r"(\\?)([0-9A-Fa-f]{32,128})(?: [ *]|\t+)(.+)\Z", re.DOTALL)
_BSD = re.compile(r"(\\?)([A-Za-z0-9][A-Za-z0-9-]{1,15}) \((.+)\) ?= ?([0-9A-Fa-f]{32,128})\Z", re.DOTALL)
_BARE = re.compile(r"(?:(?:sha256|sha512|sha1|md5):)?([0-9A-Fa-f]{32,128})\Z")
_ARMOUR = re.compile(r"-----|Hash: |#|;|//")
_ESCAPES = {"\\\\": "\\", "\\n": "\n", "\\r": "\r"}


def is_named(path: str) -> bool:
    """Names such as ``SHA256SUMS``, ``checksums.txt`` and ``model.bin.md5``."""
    return _NAMED.match(path.rpartition("/")[2]) is not None


def parse(found: Found, _tree: Tree) -> Iterator[Record]:
    """Yield the record of one list; a file without a single digest is none."""
    matched = _NAMED.match(found.name)
    word = (matched["a"] or "").lower() if matched else ""
    text = found.content.decode("utf-8", "backslashreplace").removeprefix("\ufeff")
    statements: list[Statement] = []
    wrong = 0
    for line in text.split("\n"):
        line = line.removesuffix("\r")
        if not line.strip() or _ARMOUR.match(line):
            continue
        stated = _line(line, found, _WORDS.get(word, ""))
        if stated is None:
            wrong += 1
        else:
            statements.append(stated)
        if len(statements) > MOST_STATEMENTS:
            error = FormatError(
                "checksums", expected=f"at most {MOST_STATEMENTS} lines", found="more", start=0
            )
            yield malformed(found, KIND_NAME, _TITLE, error)
            return
    if not statements:
        if word:
            yield malformed(
                found,
                KIND_NAME,
                _TITLE,
                FormatError("checksums", expected="lines with digest and name", found="none"),
            )
        return
    algorithms = sorted({item.algorithm for item in statements})
    yield Record(
        path=found.path,
        kind=KIND_NAME,
        title=f"{_TITLE}, {', '.join(algorithms)}",
        sha256=found.sha256,
        root=found.folder,
        statements=without_clashes(statements),
        detail=f"{wrong} lines are not of a checksum list" if wrong else "",
    )


def _line(line: str, found: Found, usual: str) -> Statement | None:
    if match := _BSD.match(line):
        escaped, algorithm, name, digest = match.groups()
        return _stated(found, algorithm_name(algorithm), digest, name, escaped=bool(escaped))
    if match := _GNU.match(line):
        escaped, digest, name = match.groups()
        return _stated(found, _algorithm(digest, usual), digest, name, escaped=bool(escaped))
    if match := _BARE.match(line.strip()):
        name = re.sub(r"(?i)\.(?:txt|sum|list)\Z", "", found.name)
        subject, dot, suffix = name.rpartition(".")
        if dot and subject and suffix.lower().removesuffix("sum") in _WORDS:
            return _stated(found, _algorithm(match[1], usual), match[1], subject, escaped=False)
    return None


def _algorithm(digest: str, usual: str) -> str:
    if usual and HEX_LENGTHS[usual] == len(digest):
        return usual
    by_length = {64: "sha256", 128: "sha512", 96: "sha384", 40: "sha1", 32: "md5"}
    return by_length.get(len(digest), "")


def _stated(found: Found, algorithm: str, digest: str, name: str, *, escaped: bool) -> Statement | None:
    if HEX_LENGTHS.get(algorithm) != len(digest):
        return None
    if escaped:
        name = re.sub(r"\\[\\nr]", lambda match: _ESCAPES[match.group()], name)
    while name.startswith("./"):
        name = name[2:]
    return statement(found.folder, name, algorithm=algorithm, digest=digest.lower())


KIND = RecordKind(kind=KIND_NAME, source="GNU coreutils manual, cksum", is_named=is_named, parse=parse)
