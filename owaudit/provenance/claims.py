"""One record held against what was read: a claim for each file that it names.

What was stated and what was read are compared as values; names with a problem are never resolved.
MD5 and SHA-1 in a list prove nothing about substitution, so equality of them is unverifiable. The
SHA-1 of git's blob names counts, marked as weak: a second file with the name of a first one that
somebody else made has not been found for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from owaudit.model.artifact import Artifact
from owaudit.model.claim import Authority, Claim, ClaimState, PartDigest, Record, Signature, Statement
from owaudit.provenance.records import (
    hf_cache,
    hf_download,
    lfs_pointer,
    oci_layout,
    ollama,
    shard_index,
    shard_names,
    signed,
)

VERIFIED, FAILED = ClaimState.VERIFIED, ClaimState.FAILED
UNVERIFIABLE, ABSENT = ClaimState.UNVERIFIABLE, ClaimState.ABSENT

_WEAK = ("md5", "sha1")
_SETS = (shard_index.KIND_NAME, shard_names.KIND_NAME)
_COMPLETE = (*_SETS, ollama.KIND_NAME, oci_layout.KIND_NAME)
"""Kinds whose files belong together: a missing one is a fault, though others may stand beside."""
_NAMES = {
    "absolute": "an absolute path",
    "parent": "a path that leaves the folder",
    "empty": "an empty name",
    "long": "a name that is too long",
    "dot": "a path with empty or dot parts",
    "nul": "a name with a NUL byte",
    "backslash": "a name with a backslash",
    "drive": "a name with a drive letter",
    "duplicate": "the same name twice",
    "collides": "names that some file systems take for one",
    "foreign": "a link to a blob of another repository",
}


@dataclass(frozen=True, slots=True)
class Read:
    """What the audit read: artifacts by path and by SHA-256, digests of parts, counts of tensors."""

    artifacts: Mapping[str, Artifact]
    by_sha256: Mapping[str, tuple[str, ...]]
    parts: Mapping[tuple[str, int, int, str], str]
    tensors: Mapping[str, int]


def read_of(artifacts: Sequence[Artifact], parts: Sequence[PartDigest], tensors: Mapping[str, int]) -> Read:
    """Index what was read."""
    by_sha256: dict[str, list[str]] = defaultdict(list)
    for artifact in artifacts:
        if artifact.sha256:
            by_sha256[artifact.sha256].append(artifact.path)
    return Read(
        artifacts={artifact.path: artifact for artifact in artifacts},
        by_sha256={digest: tuple(paths) for digest, paths in by_sha256.items()},
        parts={(p.artifact, p.start, p.end, p.digest.algorithm): p.digest.hex for p in parts},
        tensors=tensors,
    )


def claims_of(record: Record, authority: Authority, signature: Signature | None, read: Read) -> list[Claim]:
    """Check every statement of a record, in the order of the record; one claim per file."""
    base = Claim(
        record=record.path,
        kind=record.kind,
        artifact="",
        state=UNVERIFIABLE,
        reason="",
        detail="",
        authority=authority,
        signer=", ".join(signature.identities) or signature.key if signature else "",
        issuer=signature.issuer if signature else "",
        trust_root=signature.trust_root if signature else "",
    )
    found: list[Claim] = []
    shards: dict[str, list[Statement]] = defaultdict(list)
    for item in record.statements:
        if item.end >= 0 and not item.problem:
            shards[item.path].append(item)
        else:
            found.extend(_claims(record, item, base, signature, read))
    found.extend(_sharded(path, items, base, read) for path, items in shards.items())
    return found


def _claims(
    record: Record, item: Statement, base: Claim, signature: Signature | None, read: Read
) -> Iterator[Claim]:
    if item.problem:
        yield _misnamed(record, item, base)
        return
    if record.kind == signed.ATTESTATION and not _is_named_subject(item, read):
        paths = read.by_sha256.get(item.digest, ()) if item.algorithm == "sha256" else ()
        if not paths:
            yield _said(base, item, ABSENT, "subject-not-here", "it speaks of a file that is not among these")
        for path in paths:
            yield _said(
                base,
                replace(item, path=path),
                VERIFIED,
                "digest-matches",
                "the digest is the stated one",
                actual=f"{item.algorithm}:{item.digest}",
            )
        return
    yield _one(record, item, base, signature, read)


def _is_named_subject(item: Statement, read: Read) -> bool:
    """A subject is told by its digest; its name counts where no file has the digest."""
    if item.algorithm == "sha256" and item.digest in read.by_sha256:
        return item.path in read.by_sha256[item.digest]
    return item.path in read.artifacts


def _said(base: Claim, item: Statement, state: ClaimState, reason: str, detail: str, **more: str) -> Claim:
    expected = f"{item.algorithm}:{item.digest}" if item.algorithm and item.digest else ""
    values: dict[str, str] = {"expected": expected, **more}
    return replace(base, artifact=item.path, state=state, reason=reason, detail=detail, **values)  # type: ignore[arg-type]


def _misnamed(record: Record, item: Statement, base: Claim) -> Claim:
    is_list = not record.closed and not record.content and record.kind not in _COMPLETE
    is_open = is_list and item.problem not in ("duplicate", "foreign")
    words = _NAMES.get(item.problem, item.problem)
    return _said(
        base, item, UNVERIFIABLE if is_open else FAILED, f"name-{item.problem}", f"the record holds {words}"
    )


def _one(record: Record, item: Statement, base: Claim, signature: Signature | None, read: Read) -> Claim:
    artifact = read.artifacts.get(item.path)
    if artifact is None:
        if record.kind == shard_names.KIND_NAME:
            return _said(
                base, item, UNVERIFIABLE, "set-incomplete", "the numbering promises it and it is not there"
            )
        if record.kind == shard_index.KIND_NAME and not any(
            i.path in read.artifacts for i in record.statements
        ):
            return _said(
                base, item, UNVERIFIABLE, "set-incomplete", "none of the files of the index is there"
            )
        if record.kind in _COMPLETE:
            what = "shard-missing" if record.kind in _SETS else "file-missing"
            return _said(base, item, FAILED, what, "the file belongs to the set and is not there")
        if record.closed:
            return _said(base, item, FAILED, "file-missing", "the record names it and it is not there")
        return _said(base, item, ABSENT, "file-not-here", "the record names it and it is not among the files")
    if record.kind == lfs_pointer.KIND_NAME:
        size = f", {item.size:,} bytes" if item.size >= 0 else ""
        return _said(
            base,
            item,
            FAILED,
            "lfs-pointer",
            f"a Git LFS pointer lies where the file should be{size}",
            actual=f"sha256:{artifact.sha256}",
        )
    if not artifact.digests:
        return _said(base, item, UNVERIFIABLE, "file-not-read", "the file was not read to its end")
    if item.size >= 0 and item.size != artifact.size:
        return _said(
            base,
            item,
            FAILED,
            "size-mismatch",
            "the size is another",
            expected=f"{item.size} bytes",
            actual=f"{artifact.size} bytes",
        )
    if not item.algorithm or not item.digest:
        return _present(record, item, base, signature, read)
    return _compared(item, artifact, base)


def _present(record: Record, item: Statement, base: Claim, signature: Signature | None, read: Read) -> Claim:
    if record.kind in (hf_cache.KIND_NAME, hf_download.KIND_NAME):
        return _said(
            base, item, ABSENT, "no-blob-name", "the cache holds a plain file without a digest in its name"
        )
    if record.content:
        if signature is not None and signature.sound:
            return _said(base, item, VERIFIED, "signed", "the signature is over the file as it was read")
        return _said(
            base, item, UNVERIFIABLE, "signature-not-sound", "the record states no digest of its own"
        )
    counted = read.tensors.get(item.path, -1)
    if item.tensors >= 0 and counted >= 0 and counted != item.tensors:
        return _said(
            base,
            item,
            FAILED,
            "tensor-count-mismatch",
            "the index promises another number of tensors",
            expected=f"{item.tensors} tensors",
            actual=f"{counted} tensors",
        )
    return _said(base, item, VERIFIED, "present", "the file that belongs to the set is there")


def _compared(item: Statement, artifact: Artifact, base: Claim) -> Claim:
    actual = next((digest.hex for digest in artifact.digests if digest.algorithm == item.algorithm), None)
    if actual is None:
        return _said(
            base, item, UNVERIFIABLE, "digest-not-computed", f"{item.algorithm} is not computed here"
        )
    shown = f"{item.algorithm}:{actual}"
    if actual != item.digest:
        return _said(
            base,
            item,
            FAILED,
            "digest-mismatch",
            "the bytes are not those that the record names",
            actual=shown,
        )
    if item.algorithm in _WEAK:
        claim = _said(
            base,
            item,
            UNVERIFIABLE,
            "weak-digest",
            f"equal by {item.algorithm}, which does not rule out an intended substitution",
            actual=shown,
        )
        return replace(claim, weak=True)
    claim = _said(base, item, VERIFIED, "digest-matches", "the digest is the stated one", actual=shown)
    return replace(claim, weak=item.algorithm == "git-sha1")


def _sharded(path: str, items: list[Statement], base: Claim, read: Read) -> Claim:
    """A file whose record states digests of its shards: all of them, and from end to end."""
    whole = Statement(path=path)
    artifact = read.artifacts.get(path)
    if artifact is None:
        return _said(base, whole, FAILED, "file-missing", "the record names it and it is not there")
    if not artifact.digests:
        return _said(base, whole, UNVERIFIABLE, "file-not-read", "the file was not read to its end")
    reached = 0
    for item in sorted(items, key=lambda shard: shard.start):
        end = min(item.end, artifact.size)
        if item.start != reached or end <= item.start:
            return _said(base, whole, FAILED, "shards-incomplete", f"no shard begins at byte {reached:,}")
        actual = read.parts.get((path, item.start, end, item.algorithm))
        if actual is None:
            return _said(base, whole, UNVERIFIABLE, "digest-not-computed", "a shard has no digest here")
        if actual != item.digest:
            return _said(
                base,
                whole,
                FAILED,
                "digest-mismatch",
                f"the shard of bytes {item.start:,} to {end:,} is another",
                expected=f"{item.algorithm}:{item.digest}",
                actual=f"{item.algorithm}:{actual}",
            )
        reached = end
    if reached != artifact.size:
        return _said(base, whole, FAILED, "shards-incomplete", f"the shards end at byte {reached:,}")
    return _said(base, whole, VERIFIED, "digest-matches", f"all {len(items)} shards have the stated digests")
