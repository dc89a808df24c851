"""The one report that every renderer shows.

Counts, order and results are already in it; a renderer computes none of them again.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from owaudit.model.artifact import Digest, Format
from owaudit.model.claim import Claim, RecordCheck, Signature, Vouched
from owaudit.model.coverage import Coverage
from owaudit.model.evidence import Diagnostic
from owaudit.model.limits import Limits
from owaudit.model.location import Location
from owaudit.model.observation import ProgramLine
from owaudit.model.policy import Policy, Waiver
from owaudit.model.rule import Axis, Confidence, EvidenceItem, Severity

REPORT_SCHEMA = 1
"""1: first published shape."""


class Outcome(enum.StrEnum):
    """The verdict, and the answer of the load axis."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


class Answer(enum.StrEnum):
    """The answer of one axis; ``load`` uses the first three, the other axes the last four."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    VERIFIED = "verified"
    FAILED = "failed"
    UNVERIFIABLE = "unverifiable"
    ABSENT = "absent"


class Status(enum.StrEnum):
    """Where a finding stands. Only open findings decide the verdict."""

    OPEN = "open"
    WAIVED = "waived"
    """The policy holds a waiver in force for it."""
    BASELINE = "baseline"
    """An earlier report that was given has it already, on the same bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisResult:
    """One axis: its answer and the reason in one sentence."""

    answer: Answer
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """The three questions, answered separately."""

    load: AxisResult
    integrity: AxisResult
    origin: AxisResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A match of a rule, with everything a reader needs.

    ``fingerprint`` is 16 hex digits over rule, artifact path, members and the key of the match:
    the same finding has the same one in the next report. ``gating`` is True when the finding is
    at or above the gate and open; ``leaves_open`` when it keeps its axis from passing.
    ``locations`` holds the first few of ``count`` places, the primary one first. ``waiver`` is the
    id of the waiver that covers a waived finding.
    """

    fingerprint: str
    rule: str
    name: str
    title: str
    severity: Severity
    confidence: Confidence
    status: Status
    axis: Axis
    family: str
    gating: bool
    leaves_open: bool
    artifact: str
    location: Location | None
    locations: tuple[Location, ...]
    count: int
    message: str
    evidence: tuple[EvidenceItem, ...]
    explanation: str
    remediation: str
    references: tuple[str, ...]
    policy_line: str = ""
    corroborated_by: tuple[str, ...] = ()
    waiver: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactReport:
    """One file: identity, coverage of the file and of its members, and what else is known.

    ``summary`` is a short fact such as "164 tensors"; ``findings`` are fingerprints.
    """

    path: str
    size: int
    digests: tuple[Digest, ...]
    formats: tuple[Format, ...]
    summary: str
    coverage: tuple[Coverage, ...]
    findings: tuple[str, ...]


class Reaction(enum.StrEnum):
    """What one loader would do with one file."""

    REFUSES = "refuses"
    INERT = "loads-inertly"
    RUNS = "runs-code"
    UNKNOWN = "not-known"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoaderAnswer:
    """One loader on one file or member; ``detail`` is one sentence."""

    loader: str
    era: str
    artifact: str
    unit: str
    reaction: Reaction
    detail: str
    safe_call: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingLine:
    """One line of a program, with the fingerprints of the findings that it belongs to."""

    line: ProgramLine
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What an unrestricted loader does with one pickle, in order, as pseudo-Python."""

    location: Location
    protocol: int
    instructions: int
    ending: str
    lines: tuple[ListingLine, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PackUsed:
    """A rule pack that was loaded, and the digest over its files."""

    name: str
    source: str
    version: str
    rules: int
    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyUsed:
    """The policy as it was in force and the digest over its canonical JSON."""

    effective: Policy
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What the report is about. ``root_digest`` is SHA-256 over the sorted lines
    ``<sha256>  <path>\\n``; empty when a file has no digest."""

    name: str
    files: int
    size: int
    root_digest: str
    formats: tuple[tuple[str, int], ...] = ()
    revision: str = ""
    purl: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """The program and its rules."""

    name: str
    version: str
    packs: tuple[PackUsed, ...]
    rules_evaluated: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The only block that differs from run to run. Times are UTC, ISO 8601, to the second."""

    started: str = ""
    ended: str = ""
    command: str = ""
    python: str = ""
    machine: str = "pure"
    jobs: int = 1
    engines: tuple[tuple[str, str], ...] = ()
    network: str = "not used"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Findings by severity and by standing; files and bytes by how they were read."""

    critical: int
    high: int
    medium: int
    low: int
    info: int
    gating: int
    open: int
    files: int
    files_read: int
    files_partial: int
    files_unread: int
    size: int
    parsed: int
    payload: int
    inert: int
    unexplained: int
    waived: int = 0
    baseline: int = 0

    @property
    def findings(self) -> int:
        """All findings."""
        return self.critical + self.high + self.medium + self.low + self.info


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The policy's answer, why, and the exit code of the process that gave it."""

    result: Outcome
    reasons: tuple[str, ...]
    counts: Counts
    exit_code: int


class WaiverState(enum.StrEnum):
    """What became of a waiver in this audit."""

    ACTIVE = "active"
    """In force, and it covers at least one finding."""
    EXPIRED = "expired"
    UNMATCHED = "unmatched"
    """In force, and no finding fits it."""
    INVALID = "invalid"
    """It is malformed or may not cover what it names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverResult:
    """One waiver of the policy. ``detail`` is one sentence, empty for an active one; ``findings``
    are the fingerprints that it covers, or would cover if it were in force."""

    waiver: Waiver
    state: WaiverState
    detail: str
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineUsed:
    """The earlier report: SHA-256 of its file, how many of its findings could be known again, and
    the fingerprints of those that are open again because files changed or the finding is graver.
    ``vanished`` counts the findings that are no longer there."""

    sha256: str
    known: int
    reopened: tuple[str, ...]
    vanished: int


class ControlState(enum.StrEnum):
    """What an audit says about one control. There is no state for having met a duty."""

    SUPPORTS = "supports"
    CONTRADICTS = "contradicts"
    PARTIAL = "partial"
    NO_EVIDENCE = "no-evidence"
    OUT_OF_SCOPE = "out-of-scope"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameworkUsed:
    """A framework as this mapping knows it. ``reading`` says how a state is to be read here."""

    key: str
    name: str
    edition: str
    source: str
    checked: str
    mapping: str
    confidence: Confidence
    reading: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlEvidence:
    """One sentence of what was seen, the section of the page that shows it, and findings behind it."""

    text: str
    section: str
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlResult:
    """One control of a framework; ``title`` is in our own words and ``limit`` is never empty."""

    framework: str
    id: str
    title: str
    state: ControlState
    seen: tuple[ControlEvidence, ...]
    limit: str
    confidence: Confidence


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryItem:
    """A fact for model documentation as a file states it; nobody has checked that it is true.

    ``label`` is one of architecture, parameters, tensors, element type, tokenizer, licence, base model
    and name; ``place`` says where in the file, such as a metadata key.
    """

    label: str
    value: str
    artifact: str
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The whole report. Everything but ``run`` follows from bytes, rules and policy."""

    schema: int = REPORT_SCHEMA
    tool: Tool
    run: Run
    policy: PolicyUsed
    limits: Limits
    subject: Subject
    axes: Axes
    verdict: Verdict
    artifacts: tuple[ArtifactReport, ...]
    findings: tuple[Finding, ...]
    listings: tuple[Listing, ...]
    loaders: tuple[LoaderAnswer, ...]
    diagnostics: tuple[Diagnostic, ...]
    records: tuple[RecordCheck, ...] = ()
    signatures: tuple[Signature, ...] = ()
    claims: tuple[Claim, ...] = ()
    vouched: Vouched = Vouched()  # noqa: RUF009 - frozen
    waivers: tuple[WaiverResult, ...] = ()
    baseline: BaselineUsed | None = None
    frameworks: tuple[FrameworkUsed, ...] = ()
    controls: tuple[ControlResult, ...] = ()
    inventory: tuple[InventoryItem, ...] = ()
