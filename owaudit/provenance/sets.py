"""Records that list every file of a folder: what stands beside them, and what their author ignores.

An author's list of ignored paths never hides a file that can carry code: such a file is refuted
like any other that the record does not name.

Source: OMS 1.0, "Ignored paths".
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from owaudit.model.claim import Authority, Claim, ClaimState, Record
from owaudit.provenance import oms
from owaudit.provenance.records.signed import OMS

ALLOWED, IGNORED, DOWNLOAD = "allowed-unrecorded", "ignored-by-signer", "download-metadata"
EXEMPT = (ALLOWED, IGNORED, DOWNLOAD)
"""Reasons why a file needs no record of its own."""
LOCK = "lock"

DOWNLOAD_FOLDER = "/.cache/huggingface/"


@dataclass(frozen=True, slots=True)
class Beside:
    """What is known of the files: which can carry code, which are records, what the policy allows,
    and the names of files in folders that were not read."""

    code: frozenset[str]
    records: frozenset[str]
    allowed: tuple[str, ...]
    hidden: tuple[str, ...]

    def is_allowed(self, path: str) -> bool:
        """Does the policy let this path stand outside a complete record?"""
        return any(fnmatch.fnmatchcase(path, pattern) for pattern in self.allowed)


def extra_claims(
    record: Record, authority: Authority, paths: Sequence[str], beside: Beside
) -> Iterator[Claim]:
    """Yield a claim for every file below the root of a complete record that it does not name."""
    named = {item.path for item in record.statements}
    own = record.path.partition(":")[0]
    for path in paths:
        if path in named or path == own or not _is_below(path, record.root):
            continue
        state, reason, detail = _standing(record, path, beside)
        yield _claim(record, authority, path, state, reason, detail)
    for path in beside.hidden:
        if _is_below(path, record.root) and path not in named:
            yield _claim(
                record,
                authority,
                path,
                ClaimState.FAILED,
                "file-in-ignored-folder",
                "a file that version control does not write lies in its folder, outside the record",
            )


def _standing(record: Record, path: str, beside: Beside) -> tuple[ClaimState, str, str]:
    if beside.is_allowed(path):
        return ClaimState.ABSENT, ALLOWED, "the policy lets it stand outside the record"
    relative = path[len(record.root) + 1 :] if record.root else path
    can_carry_code = path in beside.code
    if f"/{relative}".startswith(DOWNLOAD_FOLDER) and not can_carry_code:
        return ClaimState.ABSENT, DOWNLOAD, "left behind by the download"
    if _is_ignored(record, relative):
        if can_carry_code:
            return (
                ClaimState.FAILED,
                "code-in-ignored-path",
                "it can carry code, and the signer's list of ignored paths leaves it out",
            )
        return ClaimState.ABSENT, IGNORED, "the signer leaves it out, and it carries no code"
    if record.kind == LOCK:
        return ClaimState.FAILED, "added-since-lock", "it is not in the lock file"
    return ClaimState.FAILED, "file-not-in-record", "the record lists every file, and not this one"


def _is_ignored(record: Record, relative: str) -> bool:
    if record.kind != OMS:
        return False
    return any(
        relative == path or relative.startswith(f"{path}/")
        for path in (*(item.strip("/") for item in record.ignored), *oms.ALWAYS_IGNORED)
    )


def _is_below(path: str, root: str) -> bool:
    return not root or path.startswith(f"{root}/")


def _claim(
    record: Record, authority: Authority, path: str, state: ClaimState, reason: str, detail: str
) -> Claim:
    return Claim(
        record=record.path,
        kind=record.kind,
        artifact=path,
        state=state,
        reason=reason,
        detail=detail,
        authority=authority,
    )


def disagreements(records: Sequence[Record], known: Mapping[str, object]) -> Iterator[Claim]:
    """Yield a claim for every file of the target that two records name with different digests."""
    stated: dict[tuple[str, str], dict[str, str]] = {}
    for record in records:
        for item in record.statements:
            if item.algorithm and item.digest and item.end < 0 and not item.problem and item.path in known:
                stated.setdefault((item.path, item.algorithm), {}).setdefault(item.digest, record.path)
    for (path, algorithm), digests in sorted(stated.items()):
        if len(digests) > 1:
            (first, a), (second, b), *_ = sorted(digests.items(), key=lambda pair: pair[1])
            yield Claim(
                record=f"{a}, {b}",
                kind="several",
                artifact=path,
                state=ClaimState.FAILED,
                reason="records-disagree",
                detail=f"{a} and {b} state different digests of it",
                authority=Authority.SELF,
                expected=f"{algorithm}:{first}",
                actual=f"{algorithm}:{second}",
            )
