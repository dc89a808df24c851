"""The answers of the axes integrity and origin, from checked claims and signatures.

Integrity is verified when every file that needs a record has one that counts, and nothing is
refuted. Origin is verified when an expected signer vouches for all of them. Authority decides the
wording: a download name is not a publisher.
"""

from __future__ import annotations

from collections.abc import Sequence

from owaudit.model.claim import Claim, ClaimState, Provenance, RecordCheck, Signature
from owaudit.model.report import Answer, AxisResult

_REQUIRED = ("integrity-required", "record-required", "origin-required", "revision-not-known")
_KINDS_WORDS = {
    "digest-mismatch": "changed",
    "size-mismatch": "changed",
    "shards-incomplete": "changed",
    "file-missing": "missing",
    "shard-missing": "missing",
    "file-not-in-record": "not named by the record",
    "file-in-ignored-folder": "not named by the record",
    "code-in-ignored-path": "hidden from the signature",
    "added-since-lock": "added since the lock file",
    "lfs-pointer": "a Git LFS pointer in place of the weights",
    "records-disagree": "named differently by two records",
}


def integrity(provenance: Provenance) -> AxisResult:
    """Are these the bytes that some record names?"""
    failed = [claim for claim in provenance.claims if claim.state is ClaimState.FAILED]
    if failed:
        return AxisResult(answer=Answer.FAILED, reason=_failures(failed, provenance))
    if not provenance.records:
        return AxisResult(
            answer=Answer.ABSENT, reason="No record that names these bytes was found in the target or given."
        )
    vouched = provenance.vouched
    held = vouched.signed_files + vouched.digest_files
    whole = held + vouched.open_files
    counted = [record for record in provenance.records if record.is_counted and record.agreeing]
    if not held:
        stating = [record for record in provenance.records if record.named]
        if not stating:
            return AxisResult(
                answer=Answer.ABSENT, reason=f"{provenance.records[0].record} is there and states no digest."
            )
        return AxisResult(answer=Answer.UNVERIFIABLE, reason=_uncounted(stating))
    sources = _sources(counted)
    if vouched.open_files:
        return AxisResult(
            answer=Answer.UNVERIFIABLE,
            reason=f"{held:,} of {whole:,} files match {sources}; "
            f"{_files(vouched.open_files)} in no record that counts.",
        )
    return AxisResult(answer=Answer.VERIFIED, reason=f"{_every(held)} {sources}.{_weakness(provenance)}")


def origin(provenance: Provenance) -> AxisResult:
    """Who vouches for the bytes, and is it the one we expect?"""
    signatures = provenance.signatures
    if not signatures:
        return AxisResult(answer=Answer.ABSENT, reason="Nothing is signed.")
    broken = [s for s in signatures if s.state is ClaimState.FAILED and not s.sound]
    expected = [s for s in signatures if s.state is ClaimState.VERIFIED]
    unexpected = [s for s in signatures if s.state is ClaimState.FAILED and s.sound]
    if broken:
        return AxisResult(
            answer=Answer.FAILED, reason=f"The signature {broken[0].record} does not hold: {_end(broken[0])}"
        )
    if unexpected and not expected:
        first = unexpected[0]
        return AxisResult(
            answer=Answer.FAILED, reason=f"The signature {first.record} is sound, but {_end(first)}"
        )
    if not expected:
        first = signatures[0]
        return AxisResult(
            answer=Answer.UNVERIFIABLE, reason=f"The signature {first.record} could not count: {_end(first)}"
        )
    return _expected(expected[0], provenance)


def _expected(signature: Signature, provenance: Provenance) -> AxisResult:
    vouched = provenance.vouched
    who = _who(signature)
    rest = vouched.digest_files + vouched.open_files
    if any(
        claim.state is ClaimState.FAILED for claim in provenance.claims if claim.record == signature.record
    ):
        return AxisResult(
            answer=Answer.UNVERIFIABLE,
            reason=f"Signed by {who}, but the files are not those that were signed.",
        )
    if vouched.signed_files and not rest:
        return AxisResult(
            answer=Answer.VERIFIED, reason=f"{_all(vouched.signed_files)} signed by {who}, as expected."
        )
    return AxisResult(
        answer=Answer.UNVERIFIABLE,
        reason=f"{who} signed {vouched.signed_files:,} of {vouched.signed_files + rest:,} files.",
    )


def required(provenance: Provenance) -> list[str]:
    """What the policy requires and is not there, as sentences."""
    return [
        _stop(claim.detail[:1].upper() + claim.detail[1:])
        for claim in provenance.claims
        if claim.kind == "policy" and claim.reason in _REQUIRED
    ]


def _failures(failed: Sequence[Claim], provenance: Provenance) -> str:
    """The shortest true explanation: how many files, what is with them, and who had signed."""
    by_word: dict[str, list[Claim]] = {}
    for claim in failed:
        by_word.setdefault(_KINDS_WORDS.get(claim.reason, ""), []).append(claim)
    told = []
    for word, claims in by_word.items():
        if not word:
            told += [_upper(detail) for detail in sorted({claim.detail for claim in claims})[:2]]
            continue
        paths = sorted({claim.artifact for claim in claims})
        named = paths[0] if len(paths) == 1 else f"{len(paths):,} files"
        told.append(f"{named} {'is' if len(paths) == 1 else 'are'} {word}")
    text = "; ".join(told)
    signer = next(
        (s for s in provenance.signatures if s.sound and any(c.record == s.record for c in failed)), None
    )
    if signer is not None and signer.identities:
        when = f" on {signer.signed_at[:10]}" if signer.signed_at else ""
        text = f"Signed by {signer.identities[0]}{when}; since then {text}"
    return _stop(text)


def _uncounted(records: Sequence[RecordCheck]) -> str:
    first = records[0]
    agree = f"{first.agreeing:,} of {first.named:,} files match {first.record}"
    return _stop(f"{agree}, which cannot count: {first.counts}")


def _sources(records: Sequence[RecordCheck]) -> str:
    names = [record.record for record in sorted(records, key=lambda r: -r.agreeing)]
    if not names:
        return "no record"
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1:,} more"


def _weakness(provenance: Provenance) -> str:
    weak = {
        claim.artifact for claim in provenance.claims if claim.weak and claim.state is ClaimState.VERIFIED
    }
    transport = bool(provenance.vouched.digest_files) and not any(
        record.authority.rank > 1 and record.agreeing for record in provenance.records
    )
    words = " These are the names of the download, not the word of a publisher." if transport else ""
    return f"{words} {len(weak):,} by SHA-1 only." if weak else words


def _files(count: int) -> str:
    return "one is" if count == 1 else f"{count:,} are"


def _every(count: int) -> str:
    return "The one file matches" if count == 1 else f"All {count:,} files match"


def _all(count: int) -> str:
    return "The one file is" if count == 1 else f"All {count:,} files are"


def _who(signature: Signature) -> str:
    if signature.identities:
        return signature.identities[0]
    return f"the key {signature.key[:16]}" if signature.key else "an expected signer"


def _end(signature: Signature) -> str:
    return _stop(signature.detail)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _stop(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
