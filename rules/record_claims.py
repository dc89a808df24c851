"""OWA3001-3015, OWA4006, OWA4007: what records say against what was read.

Every claim that is refuted, and some that cannot be checked, are in one of these findings. Very many
claims of one record and reason share the last one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator

from owaudit.model.claim import Claim, ClaimState
from owaudit.model.evidence import Evidence
from owaudit.model.location import Location
from owaudit.model.rule import Axis, EvidenceItem, Match, PythonRule, RuleMeta, Severity

MOST_OF_ONE = 50
"""Findings for one record and reason; what is beyond is counted in one more."""

_INTEGRITY = "CWE-354: Improper Validation of Integrity Check Value"
_VERIFY = "CWE-345: Insufficient Verification of Data Authenticity"
_WEAK = "CWE-328: Use of Weak Hash"
_TRAVERSAL = "CWE-22: Improper Limitation of a Pathname to a Restricted Directory ('Path Traversal')"
_FETCH_AGAIN = (
    "Fetch the file again from the publisher and audit again. If it is the same, ask the publisher which "
    "is right."
)


def _meta(
    id_: str,
    name: str,
    title: str,
    severity: Severity,
    explanation: str,
    remediation: str,
    *references: str,
    axis: Axis = Axis.INTEGRITY,
) -> RuleMeta:
    return RuleMeta(
        id=id_,
        name=name,
        title=title,
        severity=severity,
        explanation=explanation,
        remediation=remediation,
        references=references or (_INTEGRITY,),
        axis=axis,
        family="records",
    )


_RULES: dict[RuleMeta, tuple[str, ...]] = {
    _meta(
        "OWA3001",
        "digest-mismatch",
        "A file is not the one that a record names",
        Severity.HIGH,
        "A record states a digest or size of this file, and the bytes that were read have another. The file "
        "was damaged, replaced or changed after the record was made.",
        _FETCH_AGAIN,
    ): ("digest-mismatch", "size-mismatch", "shards-incomplete"),
    _meta(
        "OWA3002",
        "file-missing",
        "A file that a complete record names is not there",
        Severity.HIGH,
        "The record lists every file of the model, and one of them is missing. What would be loaded is not "
        "what was recorded.",
        "Complete the download, or remove the record if the file was left out on purpose and nothing needs "
        "it.",
    ): ("file-missing",),
    _meta(
        "OWA3003",
        "file-not-recorded",
        "A file stands beside a record that lists every file",
        Severity.MEDIUM,
        "A record that lists every file of the model does not name this one. Somebody added it afterwards; "
        "a loader may read it as if it belonged to the model.",
        "Remove the file if it does not belong to the model. If you put it there yourself, allow its name in "
        "the policy: [integrity] allow_unrecorded.",
        _VERIFY,
    ): ("file-not-in-record", "file-in-ignored-folder"),
    _meta(
        "OWA3004",
        "records-disagree",
        "Two records state different digests of one file",
        Severity.HIGH,
        "At least one of the two records is wrong about the file. Which one is not decided here: they may be "
        "of different revisions, or one of them was changed.",
        "Find out which record belongs to the revision that you mean to use, and remove the other.",
    ): ("records-disagree",),
    _meta(
        "OWA3005",
        "weak-digest",
        "A record states a digest that proves nothing about substitution",
        Severity.LOW,
        "The bytes fit an MD5 or SHA-1 digest. That catches accidents. Two different files with one such "
        "digest "
        "can be made on purpose, so it says nothing about people.",
        "Ask the publisher for SHA-256 digests.",
        _WEAK,
    ): ("weak-digest",),
    _meta(
        "OWA3006",
        "lfs-pointer",
        "A Git LFS pointer lies where a file should be",
        Severity.HIGH,
        "The file holds three lines of text that name the weights, not the weights. It was cloned without "
        "Git "
        "LFS, or the pointer itself was published.",
        "Run git lfs pull in the clone, or download the file itself, and audit again.",
    ): ("lfs-pointer",),
    _meta(
        "OWA3007",
        "code-not-recorded",
        "A file that can carry code is in no record that counts",
        Severity.MEDIUM,
        "Other files of the model are named by a record that counts; this one can carry code and is not. "
        "Signed "
        "weights do not help when the program beside them is anybody's.",
        "Ask the publisher to record every file. Until then read this file before you use the model.",
        _VERIFY,
    ): ("code-not-recorded",),
    _meta(
        "OWA3008",
        "shard-set-broken",
        "The files of a checkpoint do not fit together",
        Severity.HIGH,
        "A checkpoint in several files is incomplete, or its files do not fit its index: one is missing, "
        "comes "
        "from another set, or holds other tensors than the index promises.",
        "Download the whole set again, at one revision.",
    ): ("shard-missing", "mixed-totals", "tensor-count-mismatch", "total-size-mismatch"),
    _meta(
        "OWA3009",
        "record-name-unsafe",
        "A record holds a name that must not be followed",
        Severity.HIGH,
        "A name in the record leaves the folder, stands twice, or is read as another name by some systems. A "
        "program that follows it checks, or writes, another file than the one it speaks of.",
        "Do not use the record. Ask the publisher for one that names its files plainly.",
        _TRAVERSAL,
    ): (
        "name-absolute",
        "name-parent",
        "name-empty",
        "name-long",
        "name-dot",
        "name-nul",
        "name-backslash",
        "name-drive",
        "name-duplicate",
        "name-collides",
        "name-foreign",
    ),
    _meta(
        "OWA3010",
        "record-unreadable",
        "A record could not be read as one",
        Severity.MEDIUM,
        "The file is named like a record of digests and is not in its format, is too long, or changed while "
        "it "
        "was read. What it should vouch for is not vouched for by it.",
        "Ask the publisher for the record again, or remove it if it is something else.",
    ): ("malformed", "not-read", "record-replaced"),
    _meta(
        "OWA3011",
        "revision-not-expected",
        "The files are of another revision than the policy requires",
        Severity.HIGH,
        "The policy names one revision of the model. What the download left behind says that these files are "
        "of another one: an older one, or one that nobody has reviewed.",
        "Download the revision that the policy names.",
        _VERIFY,
    ): ("other-revision",),
    _meta(
        "OWA3012",
        "revisions-mixed",
        "The files come from several revisions",
        Severity.MEDIUM,
        "The metadata of the download names different revisions for different files, so this set of files "
        "may "
        "never have existed at the publisher.",
        "Download all files of one revision into an empty folder.",
    ): ("mixed-revisions",),
    _meta(
        "OWA3013",
        "integrity-required",
        "The policy requires a record that is not there",
        Severity.HIGH,
        "The policy of this audit requires that a record of some authority names the files, or that their "
        "revision is known. That is not so.",
        "Give the record with --record or --lock, or download the model in a way that leaves one.",
        _VERIFY,
    ): ("integrity-required", "record-required", "revision-not-known"),
    _meta(
        "OWA3014",
        "lock-drift",
        "The files are not those of the lock file",
        Severity.HIGH,
        "A lock file says which files were reviewed, and what is here differs: a file was added, or the "
        "verdict, the signer or the revision is another one.",
        "Review the change. If it is wanted, write the lock file anew with owaudit lock.",
        _VERIFY,
    ): (
        "added-since-lock",
        "lock-signer-changed",
        "lock-signature-gone",
        "lock-verdict-changed",
        "lock-older-revision",
    ),
    _meta(
        "OWA3015",
        "shard-set-incomplete",
        "A numbered set of files is not complete",
        Severity.MEDIUM,
        "A file says by its name that it is one of several, and not all of them are here. The download may "
        "have "
        "been cut short, or only a part of the set was audited.",
        "Complete the download, or audit the folder that holds the whole set.",
    ): ("set-incomplete",),
    _meta(
        "OWA4006",
        "code-hidden-from-signature",
        "The signer leaves out a file that can carry code",
        Severity.HIGH,
        "The signature holds a list of paths that it does not speak about, and this file, which can carry "
        "code, "
        "is on it. A check that follows the list reports the model as complete and signed.",
        "Remove the file, or ask the signer why it is left out. Do not load the model with it.",
        _VERIFY,
        axis=Axis.ORIGIN,
    ): ("code-in-ignored-path",),
    _meta(
        "OWA4007",
        "origin-required",
        "The policy requires a signature that is not there",
        Severity.HIGH,
        "The policy of this audit requires that one of its signers vouches for every file, and none does.",
        "Ask the publisher for a signed release, or change the policy if a signature is not needed.",
        _VERIFY,
        axis=Axis.ORIGIN,
    ): ("origin-required",),
}


def _check(reasons: tuple[str, ...]) -> Callable[[Evidence], Iterator[Match]]:
    def check(evidence: Evidence) -> Iterator[Match]:
        known = {artifact.path for artifact in evidence.artifacts}
        groups: dict[tuple[str, str], list[Claim]] = defaultdict(list)
        for claim in evidence.provenance.claims:
            if claim.reason in reasons and claim.state is not ClaimState.VERIFIED:
                if claim.reason.startswith("name-") and claim.state is not ClaimState.FAILED:
                    continue
                groups[claim.record, claim.reason].append(claim)
        for (_, reason), claims in sorted(groups.items()):
            for claim in claims[:MOST_OF_ONE]:
                yield _match(claim, known)
            rest = claims[MOST_OF_ONE:]
            if rest:
                yield Match(
                    f"{len(rest):,} more files: {rest[0].detail}",
                    locations=tuple(_place(claim, known) for claim in rest),
                    key=f"{reason} more",
                )

    return check


def _place(claim: Claim, known: set[str]) -> Location:
    if claim.artifact in known:
        return Location(artifact=claim.artifact)
    record = claim.record.partition(":")[0]
    return Location(artifact=record if record in known else "")


def _match(claim: Claim, known: set[str]) -> Match:
    where = _place(claim, known)
    subject = claim.artifact or claim.record
    message = f"{subject}: {claim.detail}" if subject else f"{claim.detail[:1].upper()}{claim.detail[1:]}"
    items = [
        ("record", claim.record),
        ("expected", claim.expected),
        ("found", claim.actual),
        ("reason", claim.reason),
    ]
    return Match(
        message,
        locations=(where,) if where.artifact else (),
        evidence=tuple(EvidenceItem(label=label, value=value) for label, value in items if value),
        key=f"{claim.reason} {claim.record} {claim.artifact}",
    )


RULES = tuple(PythonRule(meta, _check(reasons)) for meta, reasons in _RULES.items())
