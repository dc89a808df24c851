"""One signed record, checked step by step: statement, signature, certificate or key, log, signer.

A chain is as good as its first broken step; what comes after it is not reached.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from owaudit.errors import FormatError
from owaudit.model.claim import ClaimState, Record, Signature, Step
from owaudit.model.policy import Signer
from owaudit.provenance import chains, keys, oms, signers, sigstore_bundles
from owaudit.provenance.envelope import Envelope, decoded, envelope_of, is_bundle, statement_of
from owaudit.provenance.records.signed import MINISIGN, OMS, OPENPGP
from owaudit.provenance.trust import Trust

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

VERIFIED, FAILED, UNVERIFIABLE = ClaimState.VERIFIED, ClaimState.FAILED, ClaimState.UNVERIFIABLE


@dataclass(frozen=True, slots=True)
class Asking:
    """What a check needs besides the record: digests of its subject, signers, trust, target name."""

    digests: Mapping[str, str]
    signers: tuple[Signer, ...]
    trust: Trust
    target: str


def check_signature(record: Record, asking: Asking) -> Signature:
    """Check the signature of one record. Never raises for anything the record can hold."""
    try:
        content = base64.b64decode(record.content, validate=True)
        if record.kind == OPENPGP:
            return _plain(record, "OpenPGP", "openpgp-not-read", "OpenPGP signatures are not checked here")
        if record.kind == MINISIGN:
            return _minisign(record, content, asking)
        value = json.loads(content)
        if not isinstance(value, dict):
            raise FormatError("bundle", expected="an object", found=type(value).__name__)
        return _json_record(record, content, value, asking)
    except (FormatError, ValueError, binascii.Error, RecursionError) as error:
        return _refused(record, "unknown", "malformed", f"the record is malformed: {str(error)[:200]}")


def _json_record(record: Record, content: bytes, value: Mapping[str, Any], asking: Asking) -> Signature:
    if not is_bundle(dict(value)):
        return _by_key(record, value, envelope_of(value), asking)
    material = value.get("verificationMaterial")
    if not isinstance(material, dict):
        raise FormatError("bundle", expected="verification material", found="none")
    if "publicKey" in material:
        envelope = envelope_of(value["dsseEnvelope"]) if "dsseEnvelope" in value else None
        return _by_key(record, value, envelope, asking)
    chain = material.get("x509CertificateChain")
    if isinstance(chain, dict) and not material.get("tlogEntries"):
        leaf = sigstore_bundles.leaf_of(value)
        if leaf is not None and not sigstore_bundles.is_fulcio(leaf):
            return _by_chain(record, chain, envelope_of(value.get("dsseEnvelope")), asking)
    if "certificate" not in material and not isinstance(chain, dict):
        raise FormatError("bundle", expected="a certificate or a key", found="neither")
    return _by_sigstore(record, content, value, asking)


# Sigstore ----------------------------------------------------------------------------------------


def _by_sigstore(record: Record, content: bytes, value: Mapping[str, Any], asking: Asking) -> Signature:
    root = asking.trust.trusted_root()
    stated = record.statements[0].digest if record.statements else ""
    sha256 = stated or asking.digests.get("sha256", "")
    if "dsseEnvelope" not in value and not sha256:
        return _plain(record, "Sigstore", "subject-not-here", "the signed file is not among the files")
    checked = sigstore_bundles.check_bundle(content, root, sha256=sha256 or "0" * 64)
    facts = checked.signer
    common: dict[str, Any] = {
        "identities": facts.identities if facts else (),
        "issuer": facts.issuer if facts else "",
        "signed_at": facts.signed_at if facts else "",
        "trust_root": f"sha256:{root.sha256}",
        "policy_line": signers.line_for_identity(facts, asking.target) if facts else "",
    }
    statement = Step(name="Statement", state=VERIFIED, detail=f"{record.title}.")
    if checked.reason != "sound" or facts is None:
        state = FAILED if checked.is_understood or _breaks_oms(record, checked) else UNVERIFIABLE
        steps = (
            statement,
            Step(name="Signature", state=state, detail=_sentence(checked.detail)),
            *_unreached(),
        )
        return _signature(
            record, "Sigstore", state, checked.reason, checked.detail, steps=steps, sound=False, **common
        )
    matched = signers.match_identity(facts, asking.signers)
    index = f" at index {int(facts.log_index):,}" if facts.log_index else ""
    steps = (
        statement,
        Step(
            name="Signature",
            state=VERIFIED,
            detail="It is over this statement, by the key in the certificate.",
        ),
        Step(
            name="Certificate",
            state=VERIFIED,
            detail=f"Chains to the {root.origin} trust root; valid when signed.",
            found=(f"sha256:{facts.certificate_sha256}",),
        ),
        Step(name="Transparency log", state=VERIFIED, detail=f"Included{index}; signed {facts.signed_at}."),
        _signer_step(matched),
    )
    if matched.state is VERIFIED:
        common["policy_line"] = ""
    return _signature(
        record, "Sigstore", matched.state, matched.reason, matched.detail, steps=steps, sound=True, **common
    )


def _breaks_oms(record: Record, checked: sigstore_bundles.BundleCheck) -> bool:
    """A model signature of this method must be in the log, unlike an attestation, which may rest on
    timestamps alone."""
    return record.kind == OMS and checked.reason == "no-log-entry"


def _signer_step(matched: signers.SignerMatch) -> Step:
    return Step(
        name="Expected signer",
        state=matched.state,
        detail=_sentence(matched.detail),
        expected=matched.expected,
        found=matched.found,
    )


def _unreached() -> tuple[Step, ...]:
    return tuple(
        Step(name=name, state=None, detail="Not reached.")
        for name in ("Certificate", "Transparency log", "Expected signer")
    )


# Keys --------------------------------------------------------------------------------------------


def _by_key(record: Record, value: Mapping[str, Any], envelope: Envelope | None, asking: Asking) -> Signature:
    given = [
        keys.load_key(signer.key, "policy")
        for signer in asking.signers
        if signer.key and not keys.is_minisign(signer.key)
    ]
    material = value.get("verificationMaterial")
    if not given:
        if asking.signers:
            return _plain(
                record,
                "key",
                "signer-not-expected",
                "it is signed with a key, and the policy expects none",
                FAILED,
            )
        return _plain(
            record, "key", "no-key-given", "it is signed with a key, and none was given to check it with"
        )
    hint = _hint(material)
    fitting = [key for key in given if not hint or hint in keys.hints(key)]
    messages = _messages(record, value, envelope, asking)
    if isinstance(messages, Signature):
        return messages
    for key in fitting or given:
        for signature, message, old in messages:
            if _is_signed(key, signature, message, old=old):
                return _key_holds(record, value, key, signature, asking)
    if hint and not fitting:
        return _refused(
            record, "key", "wrong-key", "it says that it was made with another key than those of the policy"
        )
    if len(given) == 1 or fitting:
        reason = "signature-mismatch" if hint or len(given) == 1 else "no-key-fits"
        return _refused(record, "key", reason, "it is not a signature of the given key over this statement")
    return _refused(record, "key", "no-key-fits", "no key of the policy made this signature")


def _hint(material: Any) -> str:
    public = material.get("publicKey") if isinstance(material, dict) else None
    hint = public.get("hint") if isinstance(public, dict) else None
    return hint if isinstance(hint, str) else ""


_Message = tuple[bytes, bytes | str, bool]


def _messages(
    record: Record, value: Mapping[str, Any], envelope: Envelope | None, asking: Asking
) -> list[_Message] | Signature:
    """What the key may have signed: signature, message (or the digest of a file), and whether the
    encoding is that of the first OMS library."""
    if envelope is not None:
        found: list[_Message] = [(raw, envelope.encoded(), False) for raw in envelope.signatures]
        if _is_first_oms(envelope):
            found += [(raw, envelope.encoded_as_in_v01(), True) for raw in envelope.signatures]
        return found
    message = value.get("messageSignature")
    raw = decoded(message.get("signature") if isinstance(message, dict) else None, "signature")
    stated = record.statements[0].digest if record.statements else ""
    digest = stated or asking.digests.get("sha256", "")
    if not digest:
        return _plain(record, "key", "subject-not-here", "the signed file is not among the files")
    return [(raw, digest, False)]


def _is_first_oms(envelope: Envelope) -> bool:
    try:
        return statement_of(envelope.payload).predicate_type == oms.PREDICATE_01
    except FormatError:
        return False


def _is_signed(key: PublicKeyTypes, signature: bytes, message: bytes | str, *, old: bool) -> bool:
    if isinstance(message, str):
        return keys.signs_digest(key, signature, bytes.fromhex(message))
    return keys.signs(key, signature, message, sha256_only=old)


def _key_holds(
    record: Record, value: Mapping[str, Any], key: PublicKeyTypes, signature: bytes, asking: Asking
) -> Signature:
    from cryptography.hazmat.primitives import serialization

    mark = keys.fingerprint(key)
    steps = [
        Step(name="Statement", state=VERIFIED, detail=f"{record.title}."),
        Step(name="Signature", state=VERIFIED, detail=f"{keys.describe(key)} over this statement."),
    ]
    material = value.get("verificationMaterial")
    root = ""
    if isinstance(material, dict) and material.get("tlogEntries"):
        trusted = asking.trust.trusted_root()
        root = f"sha256:{trusted.sha256}"
        pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        wrong = sigstore_bundles.check_log_entry(value, trusted, signature, pem)
        steps.append(
            Step(
                name="Transparency log",
                state=FAILED if wrong else VERIFIED,
                detail=_sentence(wrong or "included in the log, about this signature and key"),
            )
        )
        if wrong:
            return _signature(
                record,
                "key",
                FAILED,
                "log-entry-invalid",
                wrong,
                steps=tuple(steps),
                sound=False,
                key=mark,
                trust_root=root,
            )
    steps.append(
        Step(
            name="Expected signer",
            state=VERIFIED,
            detail="The key is one of the policy.",
            found=(f"sha256:{mark}",),
        )
    )
    return _signature(
        record,
        "key",
        VERIFIED,
        "signer-expected",
        "signed with a key of the policy",
        steps=tuple(steps),
        sound=True,
        key=mark,
        trust_root=root,
    )


def _minisign(record: Record, content: bytes, asking: Asking) -> Signature:
    known = [found for signer in asking.signers if (found := keys.minisign_key(signer.key)) is not None]
    if not known:
        if asking.signers:
            return _plain(
                record, "minisign", "signer-not-expected", "the policy expects no minisign key", FAILED
            )
        return _plain(record, "minisign", "no-key-given", "no minisign key was given to check it with")
    reason, detail, key = keys.check_minisign(content, known, asking.digests.get("blake2b", ""))
    if reason == "sound" and key is not None:
        return _signature(
            record,
            "minisign",
            VERIFIED,
            "signer-expected",
            "signed with a minisign key of the policy",
            sound=True,
            key=key.identifier[::-1].hex(),
            steps=(
                Step(name="Signature", state=VERIFIED, detail="Ed25519 over the BLAKE2b digest of the file."),
                Step(name="Expected signer", state=VERIFIED, detail="The key is one of the policy."),
            ),
        )
    if reason in ("needs-whole-file", "subject-not-here"):
        return _plain(record, "minisign", reason, detail)
    return _refused(record, "minisign", reason, detail)


# Certificates ------------------------------------------------------------------------------------


def _by_chain(record: Record, chain: Mapping[str, Any], envelope: Envelope, asking: Asking) -> Signature:
    certificates = _certificates(chain)
    leaf = certificates[0]
    names = chains.names_of(leaf)
    common: dict[str, Any] = {"identities": names, "key": keys.fingerprint(leaf.public_key())}
    first = _is_first_oms(envelope)
    messages = (
        [(envelope.encoded_as_in_v01(), True), (envelope.encoded(), False)]
        if first
        else [(envelope.encoded(), False)]
    )
    sound = any(
        keys.signs(leaf.public_key(), raw, message, sha256_only=old)
        for raw in envelope.signatures
        for message, old in messages
    )
    if not sound:
        return _refused(
            record,
            "certificate",
            "signature-mismatch",
            "it is not a signature of the certificate's key",
            **common,
        )
    roots = [signer for signer in asking.signers if signer.ca]
    if not roots:
        if asking.signers:
            return _plain(
                record,
                "certificate",
                "signer-not-expected",
                "it is signed with a certificate, and the policy expects none",
                FAILED,
                sound=True,
                **common,
            )
        return _plain(
            record,
            "certificate",
            "no-ca-given",
            "it is signed with a certificate, and no root was given to check it against",
            sound=True,
            **common,
        )
    return _against_roots(record, certificates, roots, asking, common)


def _certificates(chain: Mapping[str, Any]) -> list[x509.Certificate]:
    from cryptography import x509

    items = chain.get("certificates")
    if not isinstance(items, list) or not 1 <= len(items) <= chains.LONGEST_CHAIN:
        raise FormatError("certificates", expected=f"1 to {chains.LONGEST_CHAIN}", found="another number")
    return [
        x509.load_der_x509_certificate(
            decoded(item.get("rawBytes") if isinstance(item, dict) else None, "certificate")
        )
        for item in items
    ]


def _against_roots(
    record: Record,
    certificates: Sequence[x509.Certificate],
    roots: Sequence[Signer],
    asking: Asking,
    common: Mapping[str, Any],
) -> Signature:
    names = chains.names_of(certificates[0])
    signed = Step(name="Signature", state=VERIFIED, detail="It is by the key in the certificate.")
    worst = chains.ChainCheck("", "")
    for signer in roots:
        checked = chains.check_chain(
            certificates, chains.load_roots(signer.ca, "policy"), asking.trust.moment
        )
        if checked.reason:
            worst = checked
            continue
        if signer.name and signer.name not in names:
            worst = chains.ChainCheck("wrong-name", f"the certificate is for {', '.join(names)}")
            continue
        steps = (
            signed,
            Step(name="Certificate", state=VERIFIED, detail=_sentence(checked.detail)),
            Step(
                name="Expected signer",
                state=VERIFIED,
                detail="The root and the name are those of the policy.",
                found=names,
            ),
        )
        return _signature(
            record,
            "certificate",
            VERIFIED,
            "signer-expected",
            "signed with a certificate under a root of the policy",
            steps=steps,
            sound=True,
            **common,
        )
    steps = (
        signed,
        Step(name="Certificate", state=FAILED, detail=_sentence(worst.detail), found=names),
        Step(name="Expected signer", state=None, detail="Not reached."),
    )
    return _signature(
        record, "certificate", FAILED, worst.reason, worst.detail, steps=steps, sound=True, **common
    )


# Results -----------------------------------------------------------------------------------------


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith(".") else text + "."


def _signature(
    record: Record, method: str, state: ClaimState, reason: str, detail: str, *, sound: bool, **more: Any
) -> Signature:
    return Signature(
        record=record.path, method=method, state=state, sound=sound, reason=reason, detail=detail, **more
    )


def _plain(
    record: Record,
    method: str,
    reason: str,
    detail: str,
    state: ClaimState = UNVERIFIABLE,
    *,
    sound: bool = False,
    **more: Any,
) -> Signature:
    """A signature whose check could not run to its end."""
    step = Step(name="Signature", state=state, detail=_sentence(detail))
    return _signature(record, method, state, reason, detail, sound=sound, steps=(step,), **more)


def _refused(record: Record, method: str, reason: str, detail: str, **more: Any) -> Signature:
    """A signature that was checked and does not hold."""
    step = Step(name="Signature", state=FAILED, detail=_sentence(detail))
    return _signature(record, method, FAILED, reason, detail, sound=False, steps=(step,), **more)
