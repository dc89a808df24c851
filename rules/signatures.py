"""OWA4001-4005, OWA4008: signatures that do not hold, that count for nothing, or are by another signer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from owaudit.model.claim import ClaimState, Signature
from owaudit.model.evidence import Evidence
from owaudit.model.location import Location
from owaudit.model.rule import Axis, EvidenceItem, Match, PythonRule, RuleMeta, Severity

_CRYPTOGRAPHIC = "CWE-347: Improper Verification of Cryptographic Signature"
_CERTIFICATE = "CWE-295: Improper Certificate Validation"
_AUTHENTICITY = "CWE-345: Insufficient Verification of Data Authenticity"

_NOTHING = ("covers-nothing", "ignores-everything")
_CERTIFICATES = (
    "certificate-expired",
    "certificate-not-yet-valid",
    "certificate-purpose",
    "certificate-not-from-ca",
)
_SIGNERS = (
    "wrong-signer",
    "wrong-issuer",
    "wrong-source",
    "wrong-key",
    "wrong-name",
    "no-key-fits",
    "signer-not-expected",
)


def _meta(
    id_: str, name: str, title: str, severity: Severity, explanation: str, remediation: str, reference: str
) -> RuleMeta:
    return RuleMeta(
        id=id_,
        name=name,
        title=title,
        severity=severity,
        explanation=explanation,
        remediation=remediation,
        references=(reference,),
        axis=Axis.ORIGIN,
        family="signatures",
    )


INVALID = _meta(
    "OWA4001",
    "signature-invalid",
    "A signature does not hold",
    Severity.CRITICAL,
    "The record carries a signature that does not fit its statement, its certificate or the log, or the "
    "record "
    "is malformed. It was damaged, changed after signing, or forged.",
    "Do not use the model. Fetch the record again from the publisher, and tell them if it stays so.",
    _CRYPTOGRAPHIC,
)
UNVERIFIABLE = _meta(
    "OWA4002",
    "signature-unverifiable",
    "A signature could not be checked",
    Severity.MEDIUM,
    "There is a signature, and nothing here could check it: no key or root was given, or it is of a kind "
    "that is "
    "not supported. It is neither right nor wrong; it does not count.",
    "Give the key or root of the publisher in the policy, or check the signature with the tool that made it.",
    _CRYPTOGRAPHIC,
)
UNEXPECTED = _meta(
    "OWA4003",
    "signer-not-expected",
    "The signature is by another signer than the policy expects",
    Severity.HIGH,
    "The policy says who may sign this model, and the signature is by somebody else. A sound signature by "
    "the "
    "wrong signer is what a mirror or an attacker can make too.",
    "Get the model from the publisher. If this signer is right after all, review it and change the policy.",
    _AUTHENTICITY,
)
CERTIFICATE = _meta(
    "OWA4004",
    "certificate-refused",
    "The certificate of a signature is not accepted",
    Severity.HIGH,
    "The signature fits its certificate, and the certificate does not count: it has expired, is for another "
    "purpose, or does not chain to a root of the policy.",
    "Ask the publisher for a signature with a certificate that is valid for signing.",
    _CERTIFICATE,
)
NOTHING = _meta(
    "OWA4005",
    "signature-covers-nothing",
    "A signature speaks about no file",
    Severity.HIGH,
    "The signed statement names no file, or leaves out the whole folder. It may be sound and still says "
    "nothing "
    "about the model; a check that only looks for a sound signature is content with it.",
    "Treat the model as unsigned and ask the publisher why.",
    _AUTHENTICITY,
)
UNPINNED = _meta(
    "OWA4008",
    "signer-not-pinned",
    "The policy does not say who may sign",
    Severity.LOW,
    "The signature is sound, and the policy names no signer. Anybody can sign; without knowing whom to "
    "expect, "
    "a sound signature tells only that somebody did.",
    "If you know that this is the publisher, add the lines below to the policy.",
    _AUTHENTICITY,
)


def _meta_of(signature: Signature) -> RuleMeta | None:
    if signature.state is ClaimState.VERIFIED:
        return None
    if signature.reason in _NOTHING:
        return NOTHING
    if signature.reason in _CERTIFICATES:
        return CERTIFICATE
    if signature.reason in _SIGNERS:
        return UNEXPECTED
    if signature.reason == "signer-not-pinned":
        return UNPINNED
    return INVALID if signature.state is ClaimState.FAILED else UNVERIFIABLE


def _check(meta: RuleMeta) -> Callable[[Evidence], Iterator[Match]]:
    def check(evidence: Evidence) -> Iterator[Match]:
        known = {artifact.path for artifact in evidence.artifacts}
        expected = any(s.state is ClaimState.VERIFIED for s in evidence.provenance.signatures)
        for signature in evidence.provenance.signatures:
            if _meta_of(signature) is not meta:
                continue
            # Another signer beside an expected one adds nothing and takes nothing away.
            if meta is UNEXPECTED and signature.sound and expected:
                continue
            yield _match(signature, known)

    return check


def _match(signature: Signature, known: set[str]) -> Match:
    record = signature.record.partition(":")[0]
    items = [
        ("reason", signature.reason),
        ("method", signature.method),
        ("identity", ", ".join(signature.identities)),
        ("issuer", signature.issuer),
        ("key", signature.key),
        ("signed", signature.signed_at),
    ]
    items += [("expected", ", ".join(step.expected)) for step in signature.steps]
    return Match(
        f"{signature.record}: {signature.detail}",
        locations=(Location(artifact=record),) if record in known else (),
        evidence=tuple(EvidenceItem(label=label, value=value) for label, value in items if value),
        key=f"{signature.reason} {signature.record}",
        policy_line=signature.policy_line if signature.sound else "",
    )


RULES = tuple(
    PythonRule(meta, _check(meta))
    for meta in (INVALID, UNVERIFIABLE, UNEXPECTED, CERTIFICATE, NOTHING, UNPINNED)
)
