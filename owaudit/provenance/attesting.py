"""Statements about an audit: in-toto predicates over the files of a report, signed or not.

A simple verification result names only properties that hold, so it is made for a pass alone. A test
result holds for any outcome. A verification summary is made only where SLSA provenance by an
expected signer was among the records. Policy and rules are bound by their digests.

Source: in-toto attestation framework, predicates svr/v0.2 and test-result/v0.1; SLSA 1.2,
"Verification Summary Attestation"; DSSE v1.0.2.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from owaudit.errors import UsageError
from owaudit.model.claim import ClaimState
from owaudit.model.report import Answer, Outcome, Report
from owaudit.provenance.envelope import INTOTO, Envelope
from owaudit.provenance.kinds import canonical

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

SVR = "https://in-toto.io/attestation/svr/v0.2"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
VSA = "https://slsa.dev/verification_summary/v1"
KINDS = ("svr", "test-result", "vsa")
_PROVENANCE = "SLSA provenance"
_VERIFIER = "pkg:pypi/owaudit"
_WORDS = {Outcome.PASS: "PASSED", Outcome.FAIL: "FAILED", Outcome.INCONCLUSIVE: "WARNED"}


def statement_for(report: Report, kind: str, moment: str) -> dict[str, Any]:
    """An in-toto statement about a report; ``kind`` is one of ``KINDS``, ``moment`` is in ISO 8601.

    Raises:
        UsageError: the report has no digests, or its outcome does not allow this kind.
    """
    subjects = [
        {"name": artifact.path, "digest": {"sha256": digest.hex}}
        for artifact in report.artifacts
        for digest in artifact.digests
        if digest.algorithm == "sha256"
    ]
    if not subjects or len(subjects) != len(report.artifacts):
        raise UsageError("a file of the report has no digest, so nothing can be said of these bytes")
    makers = {"svr": (SVR, _svr), "test-result": (TEST_RESULT, _test_result), "vsa": (VSA, _vsa)}
    predicate_type, make = makers[kind]
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subjects,
        "predicateType": predicate_type,
        "predicate": make(report, moment),
    }


def _policies(report: Report) -> list[dict[str, Any]]:
    """What decided: the policy and every pack of rules, each by its digest."""
    found = [{"name": f"policy {report.policy.effective.source}", "digest": {"sha256": report.policy.sha256}}]
    found += [
        {"name": f"rules {pack.name} {pack.version}", "digest": {"sha256": pack.digest.hex}}
        for pack in report.tool.packs
    ]
    return found


def _svr(report: Report, moment: str) -> dict[str, Any]:
    if report.verdict.result is not Outcome.PASS:
        raise UsageError("a verification result names what holds; the verdict is no pass: use test-result")
    properties = ["OWAUDIT_PASS", "OWAUDIT_LOAD_PASS"]
    for name, axis in (("INTEGRITY", report.axes.integrity), ("ORIGIN", report.axes.origin)):
        if axis.answer is Answer.VERIFIED:
            properties.append(f"OWAUDIT_{name}_VERIFIED")
    return {
        "verifier": {"id": f"{_VERIFIER}@{report.tool.version}", "policies": _policies(report)},
        "timeCreated": moment,
        "properties": properties,
    }


def _test_result(report: Report, _moment: str) -> dict[str, Any]:
    axes = (("load", report.axes.load), ("integrity", report.axes.integrity), ("origin", report.axes.origin))
    held = (Answer.PASS, Answer.VERIFIED)
    open_ = (Answer.INCONCLUSIVE, Answer.UNVERIFIABLE)
    failed = (Answer.FAIL, Answer.FAILED)
    return {
        "result": _WORDS[report.verdict.result],
        "configuration": _policies(report),
        "passedTests": [name for name, axis in axes if axis.answer in held],
        "warnedTests": [name for name, axis in axes if axis.answer in open_],
        "failedTests": [name for name, axis in axes if axis.answer in failed],
    }


def _vsa(report: Report, moment: str) -> dict[str, Any]:
    expected = {s.record for s in report.signatures if s.state is ClaimState.VERIFIED}
    provenance = [r for r in report.records if r.record in expected and r.title.startswith(_PROVENANCE)]
    if not provenance:
        raise UsageError(
            "a verification summary needs SLSA provenance by an expected signer; none was checked"
        )
    passed = report.verdict.result is Outcome.PASS
    return {
        "verifier": {"id": f"{_VERIFIER}@{report.tool.version}"},
        "timeVerified": moment,
        "resourceUri": report.subject.purl or report.subject.name,
        "policy": {"uri": report.policy.effective.source, "digest": {"sha256": report.policy.sha256}},
        "inputAttestations": [{"uri": r.record, "digest": {"sha256": r.sha256}} for r in provenance],
        "verificationResult": "PASSED" if passed else "FAILED",
        "verifiedLevels": ["OWAUDIT_PASS"] if passed else [],
    }


def signed_with_key(statement: dict[str, Any], key_pem: bytes) -> dict[str, Any]:
    """A DSSE envelope over a statement, signed with an EC key in PEM without a password.

    Raises:
        UsageError: it is not such a key.
    """
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key = _private_key(key_pem)
    envelope = Envelope(INTOTO, canonical(statement), ())
    chosen: hashes.HashAlgorithm = hashes.SHA256()
    if key.key_size > 256:
        chosen = hashes.SHA384() if key.key_size <= 384 else hashes.SHA512()
    signature = key.sign(envelope.encoded(), ec.ECDSA(chosen))
    return {
        "payloadType": envelope.payload_type,
        "payload": base64.b64encode(envelope.payload).decode("ascii"),
        "signatures": [{"sig": base64.b64encode(signature).decode("ascii")}],
    }


def _private_key(pem: bytes) -> EllipticCurvePrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UsageError(f"not a private key in PEM without a password: {str(error)[:120]}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise UsageError("an EC key (P-256, P-384 or P-521) is needed to sign")
    return key
