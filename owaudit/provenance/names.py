"""Names as records write them: which of them may be joined to a folder, and which clash.

A name in a record is hostile. One that leaves the folder of the record, or that two systems read
in two ways, is never resolved; it is reported with the problem.

Source: CWE-22; OMS v1.0, "Resource names"; Unicode standard annex 15 for the folding.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace

from owaudit.model.claim import Statement

_DRIVE = re.compile(r"[A-Za-z]:")
LONGEST_NAME = 4096


def problem_of(name: str) -> str:
    """Say why a name may not be joined to a folder; empty when it may."""
    if not name or len(name) > LONGEST_NAME:
        return "empty" if not name else "long"
    if "\0" in name:
        return "nul"
    if "\\" in name and not _is_escaped_bytes(name):
        return "backslash"
    if name.startswith("/"):
        return "absolute"
    if _DRIVE.match(name):
        return "drive"
    parts = name.split("/")
    if ".." in parts:
        return "parent"
    if any(part in ("", ".") for part in parts):
        return "dot"
    return ""


def _is_escaped_bytes(name: str) -> bool:
    """Backslashes that only spell bytes which are not UTF-8, as the walk spells them too."""
    return not re.search(r"\\(?!x[89a-f][0-9a-f])", name)


def joined(folder: str, name: str) -> str:
    """Join a name without problem to a folder of the target; ``folder`` may be empty."""
    return f"{folder}/{name}" if folder else name


def folder_of(path: str) -> str:
    """The folder of a path; empty at the top."""
    return path.rpartition("/")[0]


def statement(folder: str, name: str, **stated: object) -> Statement:
    """A statement about ``name``, which a record in ``folder`` wrote."""
    problem = problem_of(name)
    path = name[:LONGEST_NAME] if problem else joined(folder, name)
    return Statement(path=path, problem=problem, **stated)  # type: ignore[arg-type]


def without_clashes(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """Mark statements whose names repeat, or are equal after NFC and case folding.

    The same path with the same digest twice is one statement; with another one each of them is
    marked, since nothing says which one counts. Shards of one file are told apart by their range.
    """
    kept: dict[tuple[str, int, int, str], Statement] = {}
    clashing: dict[str, str] = {}
    folded: dict[str, str] = {}
    for item in statements:
        key = (item.path, item.start, item.end, item.algorithm)
        other = kept.setdefault(key, item)
        if other.digest != item.digest or (other.size != item.size and other.size >= 0 <= item.size):
            clashing[item.path] = "duplicate"
        if not item.problem:
            twin = folded.setdefault(_fold(item.path), item.path)
            if twin != item.path:
                clashing.setdefault(item.path, "collides")
                clashing.setdefault(twin, "collides")
    return tuple(
        replace(item, problem=clashing[item.path]) if item.path in clashing and not item.problem else item
        for item in kept.values()
    )


def repeated(names: Iterable[str]) -> set[str]:
    """The names that stand more than once, whatever is said of them."""
    seen: set[str] = set()
    again: set[str] = set()
    for name in names:
        (again if name in seen else seen).add(name)
    return again


def _fold(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()
