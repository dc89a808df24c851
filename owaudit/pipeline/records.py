"""Records of a target: found and read before its files, so that one read gives every digest."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from owaudit.errors import ReadError, UsageError
from owaudit.intake.history import strangers
from owaudit.intake.opened import OpenedFile
from owaudit.intake.walk import Entry, Walk, target_name
from owaudit.model.claim import Record, Statement
from owaudit.pipeline.guard import guarded
from owaudit.provenance.gather import asked, gather
from owaudit.provenance.kinds import RECORD_CEILING, Found, Tree, TreeFile

LEFT_OUT = "left-out-folder"


def find_records(
    targets: Sequence[Path], walked: Walk, outside: Sequence[Path]
) -> tuple[tuple[Record, ...], tuple[Entry, ...]]:
    """Return the records of the targets, and the entries with the digests that these ask for.

    Raises:
        UsageError: a record given from outside cannot be read or is of no known kind.
    """
    roots = _roots(targets)
    files = {entry.path: _tree_file(entry, roots) for entry in walked.entries}
    opens = {entry.path: entry for entry in walked.entries}
    tree = Tree(files=files, read=lambda path: _read(opens.get(path)))
    given = [_given(path) for path in outside]
    records = guarded(lambda: gather(tree, given), "the reading of records")
    records += tuple(_left_out(path, roots) for path in walked.left_out)
    records = tuple(record for record in records if record.kind != LEFT_OUT or record.statements)
    wanted = asked(records, {entry.path: entry.size for entry in walked.entries if not entry.problem})
    entries = tuple(
        replace(entry, algorithms=wanted[entry.path].algorithms, parts=wanted[entry.path].parts)
        if entry.path in wanted
        else entry
        for entry in walked.entries
    )
    return records, entries


def _roots(targets: Sequence[Path]) -> dict[str, bytes]:
    """The real folder behind each prefix of paths; a lone target has the empty prefix."""
    roots = {}
    for target in targets:
        real = os.path.realpath(os.fsencode(target))
        folder = (
            real
            if os.path.isdir(real)
            else os.path.realpath(os.path.dirname(os.path.abspath(os.fsencode(target))))
        )
        if len(targets) > 1 and not os.path.isdir(real):
            roots[target_name(target)] = os.path.join(folder, os.path.basename(os.fsencode(target)))
        else:
            roots[target_name(target) if len(targets) > 1 else ""] = folder
    return roots


def _whole(path: str, roots: dict[str, bytes]) -> str:
    """The path of a file without following its last link, in POSIX form."""
    if "" in roots:
        return f"{_posix(roots[''])}/{path}"
    first, _, rest = path.partition("/")
    base = _posix(roots.get(first, b""))
    return f"{base}/{rest}" if rest else base


def _posix(path: bytes) -> str:
    return path.replace(os.fsencode(os.sep), b"/").decode("utf-8", "backslashreplace")


def _tree_file(entry: Entry, roots: dict[str, bytes]) -> TreeFile:
    whole, real = _whole(entry.path, roots), _posix(entry.opens)
    return TreeFile(size=entry.size, whole=whole, real=real, problem=entry.problem)


def _read(entry: Entry | None) -> bytes | None:
    if entry is None or entry.problem or entry.size > RECORD_CEILING:
        return None
    try:
        with OpenedFile(entry.opens) as opened:
            content = opened.read_at(0, min(opened.size, RECORD_CEILING))
            return content if len(content) == opened.size else None
    except (OSError, ReadError):
        return None


def _given(path: Path) -> Found:
    try:
        with path.open("rb") as stream:
            content = stream.read(RECORD_CEILING + 1)
    except OSError as error:
        raise UsageError(f"record {path.name}: {error.strerror or error}") from error
    if len(content) > RECORD_CEILING:
        raise UsageError(f"record {path.name}: longer than {RECORD_CEILING} bytes")
    return Found(target_name(path), content, sha256(content).hexdigest())


def _left_out(path: str, roots: dict[str, bytes]) -> Record:
    if path.rpartition("/")[2] != ".git":
        return Record(path=path, kind=LEFT_OUT, title="History folder")
    names = strangers(os.fsencode(_whole(path, roots)))
    return Record(
        path=path,
        kind=LEFT_OUT,
        title="Files in a history folder that git does not write",
        root=path,
        statements=tuple(Statement(path=f"{path}/{name}") for name in names),
    )
