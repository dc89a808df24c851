"""Records against bytes, signatures against signers: evidence in, evidence with its provenance out.

This needs the evidence, the policy and the trusted root, and none of the files, so that evidence
that was collected once can be judged again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from owaudit.model.artifact import Artifact
from owaudit.model.claim import (
    Authority,
    Claim,
    ClaimState,
    Provenance,
    Record,
    RecordCheck,
    Signature,
    Source,
    Step,
    Vouched,
)
from owaudit.model.code_facts import CodeReference, ProgramRead, TemplateRead
from owaudit.model.evidence import Evidence
from owaudit.model.observation import TensorTable
from owaudit.model.policy import Policy
from owaudit.provenance.claims import Read, claims_of, read_of
from owaudit.provenance.locking import drift
from owaudit.provenance.records import lock_file, shard_index, signed
from owaudit.provenance.sets import (
    DOWNLOAD,
    DOWNLOAD_FOLDER,
    EXEMPT,
    Beside,
    disagreements,
    extra_claims,
)
from owaudit.provenance.signers import for_target
from owaudit.provenance.trust import Trust

_SIGNED_KINDS = (signed.OMS, signed.BLOB, signed.ATTESTATION, signed.MINISIGN, signed.OPENPGP)
_NO_CODE = frozenset(("safetensors", "raw-numbers"))
_CODE_NAMES = ("tokenizer_config.json", "chat_template.json", "chat_template.jinja")
LEFT_OUT = "left-out-folder"


@dataclass(slots=True)
class _Standing:
    """A record, the check of its signature, and what its agreeing claims are worth."""

    record: Record
    signature: Signature | None
    authority: Authority
    note: str


def check(evidence: Evidence, policy: Policy, trust: Trust) -> Evidence:
    """Return the evidence with every record checked under the policy.

    Raises:
        UsageError: a key or root of the policy, or the trusted root, cannot be used.
        VerificationError: signatures are there and no trusted root can be had.
    """
    return replace(evidence, provenance=_Check(evidence, policy, trust).run())


class _Check:
    def __init__(self, evidence: Evidence, policy: Policy, trust: Trust) -> None:
        self.evidence = evidence
        self.policy = policy
        self.trust = trust
        self.records = [record for record in evidence.records if record.kind != LEFT_OUT]
        tensors = {
            fact.location.artifact: fact for fact in evidence.of(TensorTable) if not fact.location.members
        }
        self.tables: Mapping[str, TensorTable] = tensors
        self.read: Read = read_of(
            evidence.artifacts, evidence.parts, {path: fact.tensors for path, fact in tensors.items()}
        )
        self.code = code_capable(evidence)
        self.revisions = sorted({record.revision for record in self.records if record.revision})
        outside = {record.sha256 for record in self.records if record.source is Source.OUTSIDE}
        self.given = {a.path for a in evidence.artifacts if a.sha256 in outside}
        self.own = self.given | {record.path.partition(":")[0] for record in self.records} - self.code

    def run(self) -> Provenance:
        standings = [self._standing(record) for record in self.records]
        self._inherit(standings)
        by_record = [(standing, self._claims(standing)) for standing in standings]
        claims = [claim for _, found in by_record for claim in found]
        signatures = tuple(s.signature for s in standings if s.signature is not None)
        for standing in standings:
            if standing.record.kind == lock_file.KIND_NAME and standing.authority is not Authority.SELF:
                claims += drift(standing.record, signatures, self.revisions)
        claims += disagreements(self.records, self.read.artifacts)
        claims += self._uncovered(claims, standings)
        claims += self._revision()
        checks = tuple(_record_check(standing, found) for standing, found in by_record)
        vouched = self._vouched(claims)
        claims += requirements(self.policy, vouched, checks, standings, claims)
        return Provenance(
            records=checks,
            signatures=signatures,
            claims=tuple(sorted(claims, key=_order)),
            vouched=vouched,
        )

    # Records -------------------------------------------------------------------------------------

    def _standing(self, record: Record) -> _Standing:
        if record.kind in _SIGNED_KINDS and (record.content or record.problem):
            signature = self._signature(record)
            if signature.state is ClaimState.VERIFIED:
                return _Standing(record, signature, Authority.AUTHENTICATED, "by an expected signer")
            if record.source is Source.OUTSIDE:
                return _Standing(record, signature, Authority.PINNED, "given from outside")
            return _Standing(record, signature, Authority.SELF, signature.detail)
        if record.source is Source.OUTSIDE:
            return _Standing(record, None, Authority.PINNED, "given from outside")
        if record.source is Source.DOWNLOAD:
            return _Standing(record, None, Authority.TRANSPORT, "what the download was told")
        return _Standing(record, None, Authority.SELF, "it lies in the target and nobody signed it")

    def _signature(self, record: Record) -> Signature:
        if record.problem:
            step = Step(name="Statement", state=ClaimState.FAILED, detail=record.detail)
            return Signature(
                record=record.path,
                method="unknown",
                state=ClaimState.FAILED,
                sound=False,
                reason=record.problem,
                detail=record.detail,
                steps=(step,),
            )
        # Signatures need cryptography, which is not imported for records without them.
        from owaudit.provenance.signatures import Asking, check_signature

        subject = self.read.artifacts.get(record.statements[0].path) if record.statements else None
        target = self.evidence.target.name
        return check_signature(
            record,
            Asking(
                digests={digest.algorithm: digest.hex for digest in subject.digests} if subject else {},
                signers=for_target(self.policy.origin.signers, target),
                trust=self.trust,
                target=target,
            ),
        )

    def _inherit(self, standings: Sequence[_Standing]) -> None:
        """A list that is itself signed by an expected signer speaks with that signer's authority."""
        signed_files: dict[str, _Standing] = {}
        for standing in standings:
            if standing.authority is Authority.AUTHENTICATED and not standing.record.closed:
                for claim in claims_of(standing.record, standing.authority, standing.signature, self.read):
                    if claim.state is ClaimState.VERIFIED:
                        signed_files[claim.artifact] = standing
        for standing in standings:
            source = signed_files.get(standing.record.path)
            if source is not None and standing.signature is None and standing.record.sha256:
                standing.authority = Authority.AUTHENTICATED
                standing.note = f"signed through {source.record.path}"

    # Claims --------------------------------------------------------------------------------------

    def _claims(self, standing: _Standing) -> list[Claim]:
        record = standing.record
        found = list(claims_of(record, standing.authority, standing.signature, self.read))
        if record.closed:
            beside = Beside(
                code=self.code,
                records=frozenset(record.path.partition(":")[0] for record in self.records),
                allowed=self.policy.integrity.allow_unrecorded,
                hidden=tuple(
                    item.path
                    for left_out in self.evidence.records
                    if left_out.kind == LEFT_OUT
                    for item in left_out.statements
                ),
            )
            found += extra_claims(
                record, standing.authority, sorted(self.read.artifacts.keys() - self.given), beside
            )
        if record.problem and record.kind not in _SIGNED_KINDS:
            found.append(
                _about(record, standing.authority, _problem_state(record), record.problem, record.detail)
            )
        if record.kind == shard_index.KIND_NAME:
            found += self._total(record, standing.authority)
        if standing.signature is None and self._is_replaced(record):
            found.append(
                _about(
                    record,
                    standing.authority,
                    ClaimState.FAILED,
                    "record-replaced",
                    "the record changed between its reading and its hashing",
                )
            )
        return found

    def _is_replaced(self, record: Record) -> bool:
        artifact = self.read.artifacts.get(record.path) if record.source is not Source.OUTSIDE else None
        return bool(artifact and record.sha256 and artifact.sha256 and record.sha256 != artifact.sha256)

    def _total(self, record: Record, authority: Authority) -> Iterator[Claim]:
        tables = [self.tables.get(item.path) for item in record.statements]
        if record.total < 0 or not tables or any(table is None for table in tables):
            return
        found = sum(table.size for table in tables if table is not None)
        if found != record.total:
            claim = _about(
                record,
                authority,
                ClaimState.FAILED,
                "total-size-mismatch",
                "the tensors of the set have another size in all than the index states",
            )
            yield replace(claim, expected=f"{record.total} bytes", actual=f"{found} bytes")

    def _uncovered(self, claims: Iterable[Claim], standings: Sequence[_Standing]) -> Iterator[Claim]:
        """Files that no counting record names, where some record counts at all."""
        if not any(standing.authority is not Authority.SELF for standing in standings):
            return
        named = {
            claim.artifact
            for claim in claims
            if claim.authority is not Authority.SELF or claim.state is not ClaimState.VERIFIED
        }
        for artifact in self.evidence.artifacts:
            if artifact.path in named or artifact.path in self.own:
                continue
            allowed = Beside(frozenset(), frozenset(), self.policy.integrity.allow_unrecorded, ()).is_allowed(
                artifact.path
            )
            if DOWNLOAD_FOLDER in f"/{artifact.path}" and artifact.path not in self.code:
                yield _unrecorded(artifact, DOWNLOAD, "left behind by the download")
            elif allowed:
                yield _unrecorded(
                    artifact, "allowed-unrecorded", "the policy lets it stand outside the records"
                )
            elif artifact.path in self.code:
                yield _unrecorded(
                    artifact, "code-not-recorded", "it can carry code and no record that counts names it"
                )
            else:
                yield _unrecorded(artifact, "no-record", "no record that counts names it")

    def _revision(self) -> Iterator[Claim]:
        wanted = self.policy.integrity.revision
        if not wanted:
            return
        known = self.revisions
        base = Claim(
            record="",
            kind="policy",
            artifact="",
            state=ClaimState.UNVERIFIABLE,
            reason="revision-not-known",
            detail="no record says which revision this is",
            authority=Authority.PINNED,
            expected=wanted,
        )
        if known and known != [wanted]:
            yield replace(
                base,
                state=ClaimState.FAILED,
                reason="other-revision",
                actual=", ".join(known),
                detail="the files are of another revision than the policy requires",
            )
        elif not known:
            yield base

    # Coverage ------------------------------------------------------------------------------------

    def _vouched(self, claims: Iterable[Claim]) -> Vouched:
        best: dict[str, Authority] = {}
        exempt: set[str] = set(self.own)
        spoilt: set[str] = set()
        for claim in claims:
            if claim.state is ClaimState.VERIFIED and claim.authority is not Authority.SELF:
                held = best.get(claim.artifact)
                if held is None or claim.authority.rank > held.rank:
                    best[claim.artifact] = claim.authority
            elif claim.state is ClaimState.FAILED:
                spoilt.add(claim.artifact)
            elif claim.reason in EXEMPT:
                exempt.add(claim.artifact)
        counts: dict[str, int] = defaultdict(int)
        for artifact in self.evidence.artifacts:
            authority = None if artifact.path in spoilt else best.get(artifact.path)
            group = (
                "open"
                if authority is None
                else ("signed" if authority is Authority.AUTHENTICATED else "digest")
            )
            if group == "open" and artifact.path in exempt and artifact.path not in spoilt:
                counts["exempt_files"] += 1
                continue
            counts[f"{group}_files"] += 1
            counts[f"{group}_bytes"] += artifact.size
            counts[f"code_{group}"] += artifact.path in self.code
        return Vouched(**counts)


def requirements(
    policy: Policy,
    vouched: Vouched,
    records: Sequence[RecordCheck],
    standings: Sequence[_Standing],
    claims: Sequence[Claim],
) -> Iterator[Claim]:
    """Yield a claim for everything that the policy requires and that is not there."""
    wanted = policy.integrity.authority
    if wanted is not None:
        needing = vouched.signed_files + vouched.digest_files + vouched.open_files
        best: dict[str, int] = defaultdict(int)
        for claim in claims:
            if claim.state is ClaimState.VERIFIED and claim.artifact:
                best[claim.artifact] = max(best[claim.artifact], claim.authority.rank)
        held = sum(rank >= wanted.rank for rank in best.values())
        if held < needing or not needing:
            yield _demand(
                "integrity-required",
                f"the policy requires a record of the authority {wanted} for every file, "
                f"and {held:,} of {needing:,} have one",
            )
    for kind in policy.integrity.records:
        if not any(record.kind == kind and record.agreeing for record in records):
            yield _demand(
                "record-required", f"the policy requires a record of the kind {kind}, and none agrees"
            )
    expected = any(s.signature and s.signature.state is ClaimState.VERIFIED for s in standings)
    if policy.origin.required and not (expected and vouched.signed_files and not vouched.open_files):
        yield _demand(
            "origin-required", "the policy requires a signature by one of its signers over every file"
        )


def _demand(reason: str, detail: str) -> Claim:
    return Claim(
        record="",
        kind="policy",
        artifact="",
        state=ClaimState.ABSENT,
        reason=reason,
        detail=detail,
        authority=Authority.PINNED,
    )


def code_capable(evidence: Evidence) -> frozenset[str]:
    """Paths of the files that can carry code: all but inert content and plain tensors.

    Templates and settings that name code count, whatever their format.
    """
    inert = {
        row.artifact for row in evidence.coverage if not row.members and row.size and row.inert == row.size
    }
    speaking = {fact.location.artifact for fact in evidence.of(TemplateRead, CodeReference, ProgramRead)}
    found = set()
    for artifact in evidence.artifacts:
        name = artifact.path.rpartition("/")[2]
        is_numbers = bool(artifact.formats) and set(artifact.formats) <= _NO_CODE
        plain = artifact.path in inert or is_numbers or not artifact.size
        if not plain or artifact.path in speaking or name in _CODE_NAMES or name.endswith(".jinja"):
            found.add(artifact.path)
    return frozenset(found)


def _about(record: Record, authority: Authority, state: ClaimState, reason: str, detail: str) -> Claim:
    return Claim(
        record=record.path,
        kind=record.kind,
        artifact="",
        state=state,
        reason=reason,
        detail=detail,
        authority=authority,
    )


def _problem_state(record: Record) -> ClaimState:
    if record.problem == "mixed-totals":
        return ClaimState.FAILED
    return ClaimState.ABSENT if record.problem == "no-digests" else ClaimState.UNVERIFIABLE


def _unrecorded(artifact: Artifact, reason: str, detail: str) -> Claim:
    return Claim(
        record="",
        kind="",
        artifact=artifact.path,
        state=ClaimState.ABSENT,
        reason=reason,
        detail=detail,
        authority=Authority.SELF,
    )


def _record_check(standing: _Standing, claims: Sequence[Claim]) -> RecordCheck:
    record = standing.record
    named = {item.path for item in record.statements}
    agreeing = {
        claim.artifact
        for claim in claims
        if claim.artifact
        and (claim.state is ClaimState.VERIFIED or (claim.weak and claim.state is ClaimState.UNVERIFIABLE))
    }
    return RecordCheck(
        record=record.path,
        kind=record.kind,
        title=record.title,
        source=record.source,
        authority=standing.authority,
        named=len(named),
        agreeing=len(agreeing),
        is_counted=standing.authority is not Authority.SELF and not record.problem,
        counts=standing.note,
        sha256=record.sha256,
    )


def _order(claim: Claim) -> tuple[str, ...]:
    return claim.artifact, claim.record, claim.reason, claim.expected
