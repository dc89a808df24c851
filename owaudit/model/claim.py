"""Who vouches for bytes: records as they were read, and claims as they came out of the check.

A record is a file, or a way in which files are stored, that says something about bytes: a
checksum list, a signature, the names in a download cache. It is read with the target and stays
in the evidence, so that it can be checked again without the files. A claim is one statement of a
record after it was held against what was read.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from owaudit.model.artifact import Digest


class ClaimState(enum.StrEnum):
    """How the check of one claim ended; what could not be checked is never verified."""

    VERIFIED = "verified"
    FAILED = "failed"
    UNVERIFIABLE = "unverifiable"
    ABSENT = "absent"


class Authority(enum.StrEnum):
    """Why a record may count, from the most to the least."""

    AUTHENTICATED = "authenticated"
    """Signed by a signer that the policy expects."""
    PINNED = "pinned"
    """A lock file or record that the user gave, from outside the target."""
    TRANSPORT = "transport"
    """Names that a download left behind: what the client was told when it fetched the file."""
    SELF = "self"
    """A record inside the target that nobody authenticated: it catches accidents, not people."""

    @property
    def rank(self) -> int:
        """0 for self up to 3 for authenticated."""
        return 3 - list(Authority).index(self)


class Source(enum.StrEnum):
    """Where a record came from."""

    TARGET = "target"
    OUTSIDE = "outside"
    DOWNLOAD = "download"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a record says of one file.

    ``path`` is relative to the target, or as written where ``problem`` says why it is not used:
    ``absolute``, ``parent``, ``empty``, ``dot``, ``nul``, ``backslash``, ``drive``, ``duplicate``,
    ``collides``, ``foreign``. ``algorithm`` and ``digest`` (lower-case hex) are empty where only the
    presence is stated; ``size`` is in bytes, ``tensors`` a count, both -1 where not stated.
    ``start`` and ``end`` are the bytes of a shard of the file; an ``end`` of -1 means the whole file.
    """

    path: str
    algorithm: str = ""
    digest: str = ""
    size: int = -1
    tensors: int = -1
    start: int = 0
    end: int = -1
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record as it was read; nothing in it has been checked.

    ``path`` is where it lies, relative to the target, or its name where it came from outside.
    ``title`` says what it is. A ``closed`` record lists every file below ``root``, apart from what it
    ``ignored``; an open one lists some. ``content`` holds the base64 of a signed record, whose
    signature is checked later. ``problem`` is a reason code where the record was not understood.
    ``total`` is the sum of tensor bytes that it states, -1 where it states none. ``facts`` are other
    values that it holds, by name.
    """

    path: str
    kind: str
    title: str
    source: Source = Source.TARGET
    sha256: str = ""
    root: str = ""
    closed: bool = False
    statements: tuple[Statement, ...] = ()
    ignored: tuple[str, ...] = ()
    revision: str = ""
    total: int = -1
    content: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    problem: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartDigest:
    """The digest of bytes ``start`` to ``end`` (not included) of one file."""

    artifact: str
    start: int
    end: int
    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One link of the chain from bytes to signer. ``state`` is None for a step that was not reached."""

    name: str
    state: ClaimState | None
    detail: str
    expected: tuple[str, ...] = ()
    found: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The check of one signature, step by step.

    ``state`` is verified only for a sound signature by a signer that the policy expects.
    ``sound`` says that it computes, whoever made it. ``reason`` is a stable code, ``detail`` one
    sentence. ``identities`` and ``issuer`` are what the certificate says, ``key`` is the SHA-256 of
    the public key, ``signed_at`` an ISO 8601 moment in UTC, ``trust_root`` a digest; each may be
    empty. ``policy_line`` is what would make the policy accept this signer.
    """

    record: str
    method: str
    state: ClaimState
    sound: bool
    reason: str
    detail: str
    identities: tuple[str, ...] = ()
    issuer: str = ""
    key: str = ""
    signed_at: str = ""
    trust_root: str = ""
    steps: tuple[Step, ...] = ()
    policy_line: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One statement of a record, checked.

    ``artifact`` is the path it speaks of, empty for the target as a whole. ``reason`` is a stable
    code, ``detail`` one sentence; ``expected`` is what the record states, ``actual`` what was read.
    ``weak`` marks a digest whose equality does not rule out an intended substitution.
    """

    record: str
    kind: str
    artifact: str
    state: ClaimState
    reason: str
    detail: str
    authority: Authority
    expected: str = ""
    actual: str = ""
    weak: bool = False
    signer: str = ""
    issuer: str = ""
    trust_root: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCheck:
    """One record after the check: what it names, what agrees, and whether it may count.

    ``named`` and ``agreeing`` count files. ``counts`` says in words whether and why; ``authority``
    is what its agreeing claims carry.
    """

    record: str
    kind: str
    title: str
    source: Source
    authority: Authority
    named: int
    agreeing: int
    is_counted: bool
    counts: str
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """Files and bytes by the best verified claim about them: by a signer, by a digest, by nothing.

    ``exempt_files`` need no record: the policy or the signer leaves them out, or they are records.
    ``code_…`` are the same counts over the files that can carry code.
    """

    signed_files: int = 0
    signed_bytes: int = 0
    digest_files: int = 0
    digest_bytes: int = 0
    exempt_files: int = 0
    open_files: int = 0
    open_bytes: int = 0
    code_signed: int = 0
    code_digest: int = 0
    code_open: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Everything that the check of the records gave."""

    records: tuple[RecordCheck, ...] = ()
    signatures: tuple[Signature, ...] = ()
    claims: tuple[Claim, ...] = ()
    vouched: Vouched = Vouched()
