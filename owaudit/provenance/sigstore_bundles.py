"""Sigstore bundles through sigstore-python, which is imported only when one is there.

What the library cannot take – log entries of the kind ``intoto``, bundles without an inclusion proof,
with timestamps only – is told apart before it is asked, so that "not supported here" never reads
like "forged".

Source: sigstore-python 4.5.1, ``Verifier``; Sigstore protobuf-specs, bundle; Fulcio OID registry.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from owaudit.errors import FormatError, VerificationError
from owaudit.provenance.envelope import decoded
from owaudit.provenance.trust import TrustedRootFile

if TYPE_CHECKING:
    from cryptography import x509

_ISSUER_V1 = "1.3.6.1.4.1.57264.1.1"
_ISSUER_V2 = "1.3.6.1.4.1.57264.1.8"
_SOURCE_REPOSITORY = "1.3.6.1.4.1.57264.1.12"
_OTHER_NAME = "1.3.6.1.4.1.57264.1.7"
_MEDIA = re.compile(
    r"application/vnd\.dev\.sigstore\.bundle(?:\.v(?P<a>0\.[0-9]+)\+json|\+json;version=(?P<b>0\.[0-9]+))\Z"
)


@dataclass(frozen=True, slots=True)
class SignerFacts:
    """What a certificate says about its holder, and when the log or a timestamp saw it."""

    identities: tuple[str, ...]
    issuer: str
    source_repository: str
    certificate_sha256: str
    signed_at: str
    log_index: str


@dataclass(frozen=True, slots=True)
class BundleCheck:
    """``reason`` is ``sound``, or a stable code; ``is_understood`` is False where no check could run."""

    reason: str
    detail: str
    is_understood: bool = True
    signer: SignerFacts | None = None


def unsupported(bundle: Mapping[str, Any]) -> tuple[str, str] | None:
    """Why sigstore-python cannot judge this bundle, as code and sentence; None where it can."""
    media = _MEDIA.match(str(bundle.get("mediaType")))
    if media is None or (media["a"] or media["b"]) not in ("0.1", "0.2", "0.3"):
        return "unknown-version", f"the bundle is of the type {str(bundle.get('mediaType'))[:80]}"
    material = bundle.get("verificationMaterial")
    entries = material.get("tlogEntries") if isinstance(material, dict) else None
    if not entries:
        return "no-log-entry", "the bundle holds no entry of a transparency log, only timestamps or nothing"
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return None
    kinds = {
        str(entry["kindVersion"].get("kind"))
        for entry in entries
        if isinstance(entry.get("kindVersion"), dict)
    }
    if "intoto" in kinds:
        return "log-entry-kind", "its log entry is of the kind intoto, which is not checked here"
    if any(not entry.get("inclusionProof") for entry in entries):
        return "no-inclusion-proof", "its log entry carries no proof of inclusion"
    if any(not _has_checkpoint(entry) for entry in entries):
        return "no-checkpoint", "its proof of inclusion carries no signed checkpoint"
    return None


def _has_checkpoint(entry: Mapping[str, Any]) -> bool:
    proof = entry.get("inclusionProof")
    return isinstance(proof, dict) and bool(proof.get("checkpoint"))


def leaf_of(bundle: Mapping[str, Any]) -> x509.Certificate | None:
    """The signing certificate of a bundle, unchecked; None where there is none that can be read."""
    from cryptography import x509

    material = bundle.get("verificationMaterial")
    if not isinstance(material, dict):
        return None
    single, chain = material.get("certificate"), material.get("x509CertificateChain")
    if isinstance(chain, dict) and isinstance(chain.get("certificates"), list) and chain["certificates"]:
        single = chain["certificates"][0]
    try:
        raw = decoded(single.get("rawBytes") if isinstance(single, dict) else None, "certificate")
        return x509.load_der_x509_certificate(raw)
    except (FormatError, ValueError):
        return None


def signer_facts(bundle: Mapping[str, Any]) -> SignerFacts | None:
    """What the certificate of a bundle says; nothing of it is checked here."""
    from cryptography.hazmat.primitives import hashes

    leaf = leaf_of(bundle)
    if leaf is None:
        return None
    return SignerFacts(
        identities=_identities(leaf),
        issuer=_text(leaf, _ISSUER_V2) or _text(leaf, _ISSUER_V1),
        source_repository=_text(leaf, _SOURCE_REPOSITORY),
        certificate_sha256=leaf.fingerprint(hashes.SHA256()).hex(),
        signed_at=_moment(bundle) or leaf.not_valid_before_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        log_index=_log_index(bundle),
    )


def is_fulcio(leaf: x509.Certificate) -> bool:
    """Does the certificate carry an issuer as Sigstore's authority writes it?"""
    return bool(_text(leaf, _ISSUER_V2) or _text(leaf, _ISSUER_V1))


def _identities(leaf: x509.Certificate) -> tuple[str, ...]:
    from cryptography import x509

    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    found = [
        *names.get_values_for_type(x509.RFC822Name),
        *names.get_values_for_type(x509.UniformResourceIdentifier),
    ]
    others = names.get_values_for_type(x509.OtherName)
    found += [_utf8(other.value) for other in others if other.type_id.dotted_string == _OTHER_NAME]
    return tuple(found)


def _text(leaf: x509.Certificate, oid: str) -> str:
    from cryptography import x509

    try:
        value = leaf.extensions.get_extension_for_oid(x509.ObjectIdentifier(oid)).value
    except (x509.ExtensionNotFound, ValueError):
        return ""
    raw = value.value if isinstance(value, x509.UnrecognizedExtension) else b""
    return raw.decode("utf-8", "backslashreplace") if oid == _ISSUER_V1 else _utf8(raw)


def _utf8(raw: bytes) -> str:
    """A DER UTF8String of less than 64 KiB."""
    if len(raw) < 2 or raw[0] != 0x0C:
        return ""
    extra = raw[1] & 0x7F if raw[1] & 0x80 else 0
    return raw[2 + extra :].decode("utf-8", "backslashreplace") if extra <= 2 else ""


def _first_entry(bundle: Mapping[str, Any]) -> Mapping[str, Any]:
    material = bundle.get("verificationMaterial")
    entries = material.get("tlogEntries") if isinstance(material, dict) else None
    return entries[0] if isinstance(entries, list) and entries and isinstance(entries[0], dict) else {}


def _moment(bundle: Mapping[str, Any]) -> str:
    seconds = str(_first_entry(bundle).get("integratedTime", ""))
    if not re.fullmatch(r"[1-9][0-9]{0,10}", seconds):
        return ""
    return datetime.fromtimestamp(int(seconds), tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _log_index(bundle: Mapping[str, Any]) -> str:
    index = str(_first_entry(bundle).get("logIndex", ""))
    return index if re.fullmatch(r"[0-9]{1,20}", index) else ""


def check_bundle(raw: bytes, root: TrustedRootFile, *, sha256: str) -> BundleCheck:
    """Check a bundle with certificate: chain, timestamps, log and signature, whoever the signer is.

    ``sha256`` is the digest, in hex, that a blob signature must be over; it is not used for an
    envelope, whose subjects are compared elsewhere.
    """
    try:
        bundle = json.loads(raw)
    except (ValueError, RecursionError) as error:
        return BundleCheck("malformed", f"the bundle is not JSON: {str(error)[:120]}")
    reason = unsupported(bundle)
    if reason is not None:
        return BundleCheck(*reason, is_understood=False, signer=signer_facts(bundle))
    return _with_library(raw, bundle, root, sha256)


class _AnySigner:
    """Accepts every certificate: who the signer is gets compared afterwards, and said."""

    def verify(self, _certificate: object) -> None:
        """Accept."""


def _with_library(raw: bytes, bundle: Mapping[str, Any], root: TrustedRootFile, sha256: str) -> BundleCheck:
    import pydantic_core
    from sigstore import errors, models
    from sigstore.hashes import Hashed
    from sigstore.verify import Verifier
    from sigstore_models.common.v1 import HashAlgorithm
    from sigstore_models.trustroot.v1 import TrustedRoot as RootShape

    try:
        verifier = Verifier(trusted_root=models.TrustedRoot(RootShape.from_json(root.content)))
    except (errors.Error, pydantic_core.ValidationError, ValueError) as error:
        raise VerificationError(f"the trusted root cannot be used: {_first_line(error)}") from error
    signer = signer_facts(bundle)
    try:
        parsed = models.Bundle.from_json(raw)
        if "dsseEnvelope" in bundle:
            verifier.verify_dsse(parsed, _AnySigner())
        else:
            hashed = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=bytes.fromhex(sha256))
            verifier.verify_artifact(hashed, parsed, _AnySigner())
    except models.InvalidBundle as error:
        return BundleCheck("malformed", f"the bundle is malformed: {_first_line(error)}", signer=signer)
    except errors.CertValidationError as error:
        return BundleCheck(
            "certificate-not-from-root",
            f"the certificate does not chain to the trusted root: {_first_line(error)}",
            signer=signer,
        )
    except errors.Error as error:
        return BundleCheck("signature-invalid", _first_line(error), signer=signer)
    except (pydantic_core.ValidationError, ValueError, TypeError, KeyError) as error:
        return BundleCheck("malformed", f"the bundle is malformed: {_first_line(error)}", signer=signer)
    return BundleCheck("sound", "certificate, log entry and signature hold", signer=signer)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:240]


def check_log_entry(bundle: Mapping[str, Any], root: TrustedRootFile, signature: bytes, pem: bytes) -> str:
    """Check the log entry of a bundle that was signed with a plain key; return what is wrong, or nothing.

    The entry must be in the log, and be about this signature and this key.
    """
    import pydantic_core
    from sigstore import errors, models
    from sigstore._internal.trust import KeyringPurpose
    from sigstore_models.rekor.v1 import TransparencyLogEntry as EntryShape
    from sigstore_models.trustroot.v1 import TrustedRoot as RootShape

    try:
        trusted = models.TrustedRoot(RootShape.from_json(root.content))
        shape = EntryShape.from_json(json.dumps(_first_entry(bundle)))
        models.TransparencyLogEntry(shape)._verify(trusted.rekor_keyring(KeyringPurpose.VERIFY))
        body = json.loads(shape.canonicalized_body)
        stated = body["spec"]["signature"]
        if base64.b64decode(stated["content"]) != signature:
            return "the log entry is about another signature"
        if base64.b64decode(stated["publicKey"]["content"]).strip() != pem.strip():
            return "the log entry is about another key"
    except errors.Error as error:
        return f"the log entry does not hold: {_first_line(error)}"
    except (pydantic_core.ValidationError, ValueError, TypeError, KeyError) as error:
        return f"the log entry is malformed: {_first_line(error)}"
    return ""
