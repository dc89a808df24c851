"""Sections 4 and 5: records and what they say of files, and each signature step by step."""

from __future__ import annotations

from dataclasses import dataclass

from owaudit.model.claim import Authority, Claim, ClaimState, RecordCheck, Signature, Source, Step
from owaudit.model.report import Report

ROWS = 200
"""Claims written out; the rest is counted and stands in the JSON."""
_MOST_RECORDS = 200
_MOST_SIGNATURES = 50

CLAIM_MARKS = {
    ClaimState.VERIFIED: "ok",
    ClaimState.FAILED: "no",
    ClaimState.UNVERIFIABLE: "unk",
    ClaimState.ABSENT: "none",
}
_SOURCES = {
    Source.TARGET: "the target",
    Source.OUTSIDE: "outside, given",
    Source.DOWNLOAD: "the download",
}
_WORST_FIRST = (ClaimState.FAILED, ClaimState.UNVERIFIABLE, ClaimState.ABSENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRow:
    """One record, where it came from, and whether it counts."""

    check: RecordCheck
    came_from: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrityView:
    """Section 4: records, the claims that do not hold, those that do, and the figure of coverage."""

    records: tuple[RecordRow, ...]
    records_left_out: int
    not_verified: tuple[Claim, ...]
    not_verified_left_out: int
    verified: tuple[Claim, ...]
    verified_left_out: int
    rows: tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainStep:
    """One step of a chain; ``breaks`` says that the next one does not hold."""

    step: Step
    mark: str
    word: str
    breaks: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """One signature with its record and its steps, the bytes first."""

    signature: Signature
    title: str
    steps: tuple[ChainStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginView:
    """Section 5."""

    chains: tuple[Chain, ...]
    left_out: int


def integrity_view(report: Report) -> IntegrityView:
    """Return section 4 of a report."""
    open_ = [
        claim
        for state in _WORST_FIRST
        for claim in report.claims
        if claim.state is state and _is_shown(claim)
    ]
    best: dict[str, Claim] = {}
    for claim in report.claims:
        if claim.state is ClaimState.VERIFIED and claim.authority is not Authority.SELF:
            held = best.get(claim.artifact)
            if held is None or claim.authority.rank > held.authority.rank:
                best[claim.artifact] = claim
    verified = [best[path] for path in sorted(best)]
    vouched = report.vouched
    rows = (
        ("A signer that the policy expects", vouched.signed_files, vouched.signed_bytes, vouched.code_signed),
        ("A digest that nobody signed", vouched.digest_files, vouched.digest_bytes, vouched.code_digest),
        ("Nothing that counts", vouched.open_files, vouched.open_bytes, vouched.code_open),
    )
    return IntegrityView(
        records=tuple(
            RecordRow(check=record, came_from=_SOURCES[record.source])
            for record in report.records[:_MOST_RECORDS]
        ),
        records_left_out=max(0, len(report.records) - _MOST_RECORDS),
        not_verified=tuple(open_[:ROWS]),
        not_verified_left_out=max(0, len(open_) - ROWS),
        verified=tuple(verified[:ROWS]),
        verified_left_out=max(0, len(verified) - ROWS),
        rows=rows,
    )


def _is_shown(claim: Claim) -> bool:
    return bool(claim.artifact or claim.record or claim.kind)


def origin_view(report: Report) -> OriginView:
    """Return section 5 of a report."""
    titles = {record.record: record for record in report.records}
    return OriginView(
        chains=tuple(_chain(signature, titles, report) for signature in report.signatures[:_MOST_SIGNATURES]),
        left_out=max(0, len(report.signatures) - _MOST_SIGNATURES),
    )


def _chain(signature: Signature, records: dict[str, RecordCheck], report: Report) -> Chain:
    record = records.get(signature.record)
    steps = (*_bytes_step(signature, record, report), *signature.steps)
    marked = []
    for index, step in enumerate(steps):
        following = steps[index + 1].state if index + 1 < len(steps) else ClaimState.VERIFIED
        marked.append(
            ChainStep(
                step=step,
                mark=CLAIM_MARKS[step.state] if step.state is not None else "none",
                word=step.state.value.capitalize() if step.state is not None else "Not reached",
                breaks=following is not ClaimState.VERIFIED,
            )
        )
    return Chain(signature=signature, title=record.title if record else signature.method, steps=tuple(marked))


def _bytes_step(signature: Signature, record: RecordCheck | None, report: Report) -> tuple[Step, ...]:
    if record is None or not record.named:
        return ()
    failed = [c for c in report.claims if c.record == signature.record and c.state is ClaimState.FAILED]
    if failed:
        words = (
            f"{record.agreeing:,} of {record.named:,} files agree; {len(failed):,} statements are refuted."
        )
        return (Step(name="Bytes", state=ClaimState.FAILED, detail=words),)
    if record.agreeing < record.named:
        words = f"{record.agreeing:,} of {record.named:,} files that it names were found to agree."
        return (Step(name="Bytes", state=ClaimState.UNVERIFIABLE, detail=words),)
    files = (
        "The one file that it names has"
        if record.named == 1
        else f"The {record.named:,} files that it names have"
    )
    return (Step(name="Bytes", state=ClaimState.VERIFIED, detail=f"{files} the digest it states."),)
