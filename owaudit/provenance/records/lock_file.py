"""``owaudit.lock``: what one audit saw, to be held against what is there later.

TOML with ``schema = 1``, the digest of every file, the signers, the revision, the verdict, and the
digests of rules and policy. It is written by ``owaudit lock`` and read by people in review.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

from owaudit.errors import FormatError
from owaudit.model.claim import Record, Statement
from owaudit.provenance.kinds import MOST_STATEMENTS, Found, RecordKind, Tree, digest_problem, malformed
from owaudit.provenance.names import statement, without_clashes

KIND_NAME = "lock"
FILE_NAME = "owaudit.lock"
SCHEMA = 1
_TITLE = "Lock file of an audit"
_START = b"# owaudit.lock"


def is_named(path: str) -> bool:
    """Files called ``owaudit.lock``."""
    return path.rpartition("/")[2] == FILE_NAME


def parse(found: Found, _tree: Tree) -> Iterator[Record]:
    """Yield the record of a lock file: a complete list of the files of its folder."""
    if not is_named(found.path) and not found.content.startswith(_START):
        return
    try:
        value = tomllib.loads(found.content.decode("utf-8"))
        statements = _statements(value, found.folder)
        facts = _facts(value)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        wrong = FormatError("lock file", expected="TOML", found=str(error)[:120])
        yield malformed(found, KIND_NAME, _TITLE, wrong)
        return
    except FormatError as error:
        yield malformed(found, KIND_NAME, _TITLE, error)
        return
    yield Record(
        path=found.path,
        kind=KIND_NAME,
        title=_TITLE,
        sha256=found.sha256,
        root=found.folder,
        closed=True,
        statements=without_clashes(statements),
        facts=facts,
    )


def _statements(value: dict[str, Any], folder: str) -> list[Statement]:
    files = value.get("file")
    if value.get("schema") != SCHEMA or not isinstance(files, list) or not 0 < len(files) <= MOST_STATEMENTS:
        raise FormatError("lock file", expected=f"schema {SCHEMA} and files", found="something else")
    found = []
    for item in files:
        path, digest, size = (
            item.get(key) if isinstance(item, dict) else None for key in ("path", "sha256", "size")
        )
        if not isinstance(path, str) or not isinstance(digest, str) or digest_problem("sha256", digest):
            raise FormatError("file", expected="a path and a SHA-256", found=repr(item)[:80])
        known = size if type(size) is int and 0 <= size < 2**63 else -1
        found.append(statement(folder, path, algorithm="sha256", digest=digest, size=known))
    return found


def _facts(value: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    found = [
        (key, item)
        for key in ("name", "revision", "verdict")
        if isinstance(item := value.get(key), str) and item
    ]
    signers = value.get("signer", [])
    if not isinstance(signers, list):
        raise FormatError("signer", expected="a list", found=type(signers).__name__)
    for signer in signers:
        if not isinstance(signer, dict):
            raise FormatError("signer", expected="a table", found=type(signer).__name__)
        parts = [str(signer.get(key, "")) for key in ("identity", "issuer", "key")]
        found.append(("signer", " ".join(part for part in parts if part)[:1000]))
        if isinstance(signer.get("signed_at"), str):
            found.append(("signed_at", signer["signed_at"][:40]))
    return tuple(found)


KIND = RecordKind(kind=KIND_NAME, source="owaudit lock, schema 1", is_named=is_named, parse=parse, rank=10)
