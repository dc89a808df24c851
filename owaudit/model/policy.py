"""What one team accepts: the gate, what it has reviewed itself, and what it excuses for a while."""

from __future__ import annotations

from dataclasses import dataclass, field

from owaudit.model.claim import Authority
from owaudit.model.limits import Limits
from owaudit.model.observation import Use
from owaudit.model.rule import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedName:
    """A dotted name the team has read, the uses it allows, and why.

    A use includes the weaker ones: call covers build, construct and reference.
    """

    name: str
    use: Use = Use.CALL
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """``fail_on`` is the lowest severity that fails; None: no finding fails by severity.

    With ``fail_on_inconclusive`` an unanswered question is a no.
    """

    fail_on: Severity | None = Severity.HIGH
    fail_on_inconclusive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondOpinion:
    """Whether another scanner is asked, and the largest file (bytes) it is given."""

    enabled: bool = True
    file_bytes: int = 256 * 1024 * 1024
    instructions: int = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Somebody whose signature counts, for targets whose name fits the pattern ``model``.

    Exactly one way is given: ``identity`` and ``issuer`` of a Sigstore certificate (and, where set,
    ``source_repository``), a public ``key`` (PEM, or the text of a minisign key), or the roots
    ``ca`` (PEM) with, where set, the ``name`` that the certificate must carry.
    """

    model: str = "*"
    identity: str = ""
    issuer: str = ""
    source_repository: str = ""
    key: str = ""
    ca: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrityPolicy:
    """What the bytes need: the least ``authority`` (None: nothing is required), ``records`` of
    these kinds, this ``revision``. ``allow_unrecorded`` holds patterns of paths that a complete
    record need not name."""

    authority: Authority | None = None
    records: tuple[str, ...] = ()
    revision: str = ""
    allow_unrecorded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginPolicy:
    """Whether a signature by one of ``signers`` is ``required``."""

    required: bool = False
    signers: tuple[Signer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatsPolicy:
    """Which formats a file may be of. With ``allow`` no other is accepted, apart from content that
    no loader executes; ``deny`` is refused in any case."""

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChange:
    """Another severity for one rule, and why."""

    rule: str
    severity: Severity
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PacksPolicy:
    """``folders`` of rules, relative to the policy file; names of packs that are ``required``."""

    folders: tuple[str, ...] = ()
    required: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """One excuse, as written: a rule, the bytes or paths it holds for, who says so, why, how long.

    ``sha256`` holds the digests of every file that the finding speaks of, ``artifact`` a pattern of
    paths; where both are given both must fit. ``created`` and ``expires`` are ISO dates, the last day
    counts. ``problem`` says what is wrong with the entry; such a waiver covers nothing.
    """

    id: str
    rule: str = ""
    sha256: tuple[str, ...] = ()
    artifact: str = ""
    owner: str = ""
    reason: str = ""
    created: str = ""
    expires: str = ""
    approved_by: str = ""
    ticket: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiving:
    """``days`` is the longest that a waiver may run. ``also`` names rules about integrity, origin and
    coverage, which no waiver or baseline covers otherwise."""

    days: int = 180
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The effective policy. ``source`` is a file name, or ``built-in``; never a whole path."""

    source: str = "built-in"
    gate: Gate = Gate()
    allowed_names: tuple[AllowedName, ...] = ()
    second_opinion: SecondOpinion = SecondOpinion()
    integrity: IntegrityPolicy = IntegrityPolicy()
    origin: OriginPolicy = OriginPolicy()
    formats: FormatsPolicy = FormatsPolicy()
    limits: Limits = field(default_factory=Limits)
    rules: tuple[RuleChange, ...] = ()
    packs: PacksPolicy = PacksPolicy()
    frameworks: tuple[str, ...] = ()
    waiving: Waiving = Waiving()
    waivers: tuple[Waiver, ...] = ()
