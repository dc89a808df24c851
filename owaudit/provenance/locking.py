"""Lock files: writing one from a report, and telling what has drifted since.

The first lock file trusts what it saw, and says so. Nothing volatile is in it, so the same files,
rules and policy give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from owaudit.errors import UsageError
from owaudit.model.claim import Authority, Claim, ClaimState, Record, Signature
from owaudit.model.report import Report
from owaudit.provenance.records.lock_file import SCHEMA
from owaudit.provenance.signers import toml_text

_HEAD = """\
# owaudit.lock: what an audit saw. Review it, commit it, and hold later downloads against it:
#   owaudit scan MODEL --lock owaudit.lock
"""
_FIRST_USE = """\
# No signature by an expected signer covers these files. The digests below are those of the files that
# were there when this was written: the lock shows later changes, not whether the first copy was right.
"""


def lock_text(report: Report) -> str:
    """The text of a lock file for a report.

    Raises:
        UsageError: there are no files, or one was not read to its end.
    """
    if not report.artifacts:
        raise UsageError("there is no file to lock")
    unread = [artifact.path for artifact in report.artifacts if not _sha256(artifact.digests)]
    if unread:
        raise UsageError(f"{unread[0]} was not read to its end, so there is no digest to lock")
    first_use = report.vouched.signed_files == 0
    lines = [
        (_HEAD + (_FIRST_USE if first_use else "")).rstrip(),
        f"schema = {SCHEMA}",
        f"name = {toml_text(report.subject.name)}",
        f"trust = {toml_text('first-use' if first_use else 'signed')}",
        f"revision = {toml_text(report.subject.revision)}",
        f"verdict = {toml_text(report.verdict.result.value)}",
        f"root_digest = {toml_text(report.subject.root_digest)}",
        "",
        "[audit]",
        f"version = {toml_text(report.tool.version)}",
        f"policy = {toml_text('sha256:' + report.policy.sha256)}",
        "rules = [" + ", ".join(toml_text(f"{pack.name} {pack.digest}") for pack in report.tool.packs) + "]",
    ]
    for signature in sorted(report.signatures, key=lambda s: s.record):
        if signature.sound:
            lines += ["", *_signer_lines(signature)]
    for artifact in report.artifacts:
        lines += [
            "",
            "[[file]]",
            f"path = {toml_text(artifact.path)}",
            f"size = {artifact.size}",
            f"sha256 = {toml_text(_sha256(artifact.digests))}",
        ]
    return "\n".join(lines) + "\n"


def _sha256(digests: Sequence[object]) -> str:
    return next((str(d).removeprefix("sha256:") for d in digests if str(d).startswith("sha256:")), "")


def _signer_lines(signature: Signature) -> list[str]:
    lines = [
        "[[signer]]",
        f"record = {toml_text(signature.record)}",
        f"method = {toml_text(signature.method)}",
    ]
    for key, value in (
        ("identity", signature.identities[0] if signature.identities else ""),
        ("issuer", signature.issuer),
        ("key", signature.key),
        ("signed_at", signature.signed_at),
        ("trust_root", signature.trust_root),
    ):
        if value:
            lines.append(f"{key} = {toml_text(value)}")
    return lines


def drift(record: Record, signatures: Sequence[Signature], revisions: Sequence[str]) -> Iterator[Claim]:
    """Yield a claim for what differs from a lock file besides the files themselves."""
    facts: dict[str, list[str]] = {}
    for key, value in record.facts:
        facts.setdefault(key, []).append(value)
    sound = [signature for signature in signatures if signature.sound]
    locked = set(facts.get("signer", ()))
    now = {_words(signature) for signature in sound}
    if locked and not sound:
        yield _claim(
            record,
            "lock-signature-gone",
            "it was signed when it was locked, and no sound signature is left",
            ", ".join(sorted(locked)),
            "unsigned",
        )
    elif locked - now and sound:
        yield _claim(
            record,
            "lock-signer-changed",
            "another signer than when it was locked",
            ", ".join(sorted(locked)),
            ", ".join(sorted(now)),
        )
    then = max(facts.get("signed_at", [""]))
    latest = max((signature.signed_at for signature in sound), default="")
    if then and latest and latest < then and not locked - now:
        yield _claim(
            record, "lock-older-revision", "the signature is older than the one that was locked", then, latest
        )
    revision = facts.get("revision", [""])[0]
    if revision and revisions and list(revisions) != [revision]:
        yield _claim(
            record,
            "lock-older-revision",
            "the files are of another revision than was locked",
            revision,
            ", ".join(revisions),
        )


def _words(signature: Signature) -> str:
    identity = signature.identities[0] if signature.identities else ""
    return " ".join(part for part in (identity, signature.issuer, signature.key) if part)[:1000]


def _claim(record: Record, reason: str, detail: str, expected: str, actual: str) -> Claim:
    return Claim(
        record=record.path,
        kind=record.kind,
        artifact="",
        state=ClaimState.FAILED,
        reason=reason,
        detail=detail,
        authority=Authority.PINNED,
        expected=expected,
        actual=actual,
    )
