"""One bundle over one file, as the conformance suite of Sigstore asks.

Source: sigstore-conformance, "CLI protocol" and ``test/assets/bundle-verify``.
"""

from __future__ import annotations

from owaudit.errors import VerificationError
from owaudit.model.claim import ClaimState
from owaudit.model.policy import Signer
from owaudit.provenance.kinds import Found, Tree
from owaudit.provenance.records.signed import KIND
from owaudit.provenance.signatures import Asking, check_signature
from owaudit.provenance.trust import Trust


def verify_bundle(content: bytes, sha256: str, signer: Signer, trust: Trust) -> None:
    """Check that the bundle is a signature by the signer over the file with this SHA-256 (hex).

    Raises:
        VerificationError: it is not, with the reason code and a sentence.
    """
    found = Found("artifact.sigstore.json", content, "")
    records = list(KIND.parse(found, Tree(files={}, read=lambda _path: None)))
    if len(records) != 1 or records[0].problem:
        raise VerificationError(records[0].detail if records else "this is no bundle")
    record = records[0]
    stated = [item.digest for item in record.statements if item.digest]
    if stated and sha256 not in stated:
        raise VerificationError("digest-mismatch: the bundle is about another file")
    asking = Asking(digests={"sha256": sha256}, signers=(signer,), trust=trust, target="artifact")
    signature = check_signature(record, asking)
    if signature.state is not ClaimState.VERIFIED:
        raise VerificationError(f"{signature.reason}: {signature.detail}")
