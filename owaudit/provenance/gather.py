"""From the files of a target to its records, and to the digests that these ask for.

Records are found by their names before the large files are read, so that one read of each file
gives every digest that some record states.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from owaudit.errors import FormatError, UsageError
from owaudit.model.claim import Record, Source
from owaudit.provenance.kinds import Found, RecordKind, Tree, malformed
from owaudit.provenance.records import hf_download, kinds

MOST_RECORDS = 50_000
MOST_BYTES = 512 * 1024 * 1024
"""Bytes of records over one target; they are kept in memory one at a time."""

COMPUTED = ("sha384", "sha512", "blake2b", "blake3", "sha1", "git-sha1", "md5")
"""Algorithms that are computed beside SHA-256 when a record states them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What records want of one file: algorithms besides SHA-256, and digests of parts."""

    algorithms: tuple[str, ...] = ()
    parts: tuple[tuple[int, int, str], ...] = ()


def gather(tree: Tree, outside: Sequence[Found] = ()) -> tuple[Record, ...]:
    """Read every record of the tree and the given ones from outside, in the order of their paths.

    Raises:
        UsageError: a file given from outside is no record that is known.
    """
    found: list[Record] = []
    taken = 0
    for kind in kinds():
        found.extend(kind.layout(tree))
    for path in sorted(tree.files):
        for kind in kinds():
            if not kind.is_named(path):
                continue
            content = tree.read(path) if taken < MOST_BYTES and len(found) < MOST_RECORDS else None
            if content is None:
                found.append(_not_read(kind, path))
                continue
            taken += len(content)
            found.extend(_parsed(kind, Found(path, content, sha256(content).hexdigest()), tree))
    for file in outside:
        found.extend(_from_outside(file, tree))
    return tuple(sorted(_joined(found), key=lambda record: (record.path, record.kind)))


def _parsed(kind: RecordKind, file: Found, tree: Tree) -> list[Record]:
    try:
        return list(kind.parse(file, tree))
    except FormatError as error:
        return [malformed(file, kind.kind, "Record", error)]


def _not_read(kind: RecordKind, path: str) -> Record:
    return Record(
        path=path,
        kind=kind.kind,
        title="Record",
        problem="not-read",
        detail="it cannot be read, or is longer than records are",
    )


def _from_outside(file: Found, tree: Tree) -> list[Record]:
    """The records of a file that the user gave: by its name, else by whatever kind knows its bytes."""
    named = [kind for kind in kinds() if kind.is_named(file.path)]
    for kind in [*named, *(kind for kind in kinds() if kind not in named)]:
        records = [record for record in _parsed(kind, file, tree) if record.problem != "malformed"]
        if records:
            return [replace(record, source=Source.OUTSIDE) for record in records]
    raise UsageError(f"{file.path}: no record that is known here (checksum list, signature, lock file …)")


def _joined(records: list[Record]) -> list[Record]:
    """Join the many small files of one download folder to one record."""
    by_root: dict[str, list[Record]] = defaultdict(list)
    kept: list[Record] = []
    for record in records:
        if record.kind == hf_download.KIND_NAME and not record.problem:
            by_root[record.root].append(record)
        else:
            kept.append(record)
    for root, same in by_root.items():
        revisions = sorted({record.revision for record in same})
        mixed = len(revisions) > 1
        place = ".cache/huggingface/download"
        kept.append(
            replace(
                same[0],
                path=f"{root}/{place}" if root else place,
                sha256="",
                statements=tuple(item for record in same for item in record.statements),
                revision="" if mixed else revisions[0],
                problem="mixed-revisions" if mixed else "",
                detail=f"files come from {len(revisions)} revisions: {', '.join(revisions[:4])}"
                if mixed
                else "",
            )
        )
    return kept


def asked(records: Iterable[Record], sizes: dict[str, int]) -> dict[str, Asked]:
    """What the records want of each file, beside its SHA-256.

    The digests of parts of one file are asked for only while their bytes add up to at most four
    times its size: overlapping shards must not make reading expensive.
    """
    algorithms: dict[str, set[str]] = defaultdict(set)
    parts: dict[str, set[tuple[int, int, str]]] = defaultdict(set)
    for record in records:
        for item in record.statements:
            if item.problem and item.problem != "foreign":
                continue
            if item.end >= 0:
                end = min(item.end, sizes.get(item.path, 0))
                if item.start < end:
                    parts[item.path].add((item.start, end, item.algorithm))
            elif item.algorithm in COMPUTED:
                algorithms[item.path].add(item.algorithm)
    for path, ranges in parts.items():
        if sum(end - start for start, end, _ in ranges) > 4 * sizes.get(path, 0):
            ranges.clear()
    return {
        path: Asked(tuple(sorted(algorithms.get(path, ()))), tuple(sorted(parts.get(path, ()))))
        for path in sorted({*algorithms, *parts})
        if path in sizes
    }
