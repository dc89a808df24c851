"""X.509 chains to roots that the policy gives: purpose, time and name are checked.

Roots never come from the system or from the record. The leaf may sign: key usage, if present,
holds digitalSignature, and extended key usage, if present, holds codeSigning or any. The moment is
given by the caller: that of a trusted timestamp where there is one, otherwise now.

Source: RFC 5280, sections 4.2.1.3, 4.2.1.12 and 6; OMS 1.0, "Certificate method".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from owaudit.errors import UsageError

if TYPE_CHECKING:
    from cryptography import x509

LONGEST_CHAIN = 8


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """``reason`` is empty where the chain holds, else a stable code; ``detail`` is one sentence."""

    reason: str
    detail: str


def load_roots(pem: str, where: str) -> list[x509.Certificate]:
    """Read one or more certificates in PEM.

    Raises:
        UsageError: there is none, or one is malformed.
    """
    from cryptography import x509

    try:
        roots = x509.load_pem_x509_certificates(pem.encode("ascii"))
    except (ValueError, UnicodeEncodeError) as error:
        raise UsageError(f"{where}: not certificates in PEM: {str(error)[:120]}") from error
    if not roots:
        raise UsageError(f"{where}: holds no certificate")
    return roots


def names_of(leaf: x509.Certificate) -> tuple[str, ...]:
    """The names that a certificate carries: alternative names, then the common names of its subject."""
    from cryptography import x509

    found: list[str] = []
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        for kind in (x509.RFC822Name, x509.UniformResourceIdentifier, x509.DNSName):
            found += [str(name) for name in extension.get_values_for_type(kind)]
    except (x509.ExtensionNotFound, ValueError):
        pass
    common = leaf.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return tuple(dict.fromkeys([*found, *(str(item.value) for item in common)]))


def check_chain(
    chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], at: datetime
) -> ChainCheck:
    """Check a chain, leaf first, against the roots at a moment."""
    leaf = chain[0]
    if not leaf.not_valid_before_utc <= at <= leaf.not_valid_after_utc:
        since = leaf.not_valid_after_utc < at
        word = (
            f"expired on {leaf.not_valid_after_utc:%Y-%m-%d}"
            if since
            else (f"is valid only from {leaf.not_valid_before_utc:%Y-%m-%d} on")
        )
        return ChainCheck(
            "certificate-expired" if since else "certificate-not-yet-valid", f"the certificate {word}"
        )
    purpose = _purpose(leaf)
    if purpose:
        return ChainCheck("certificate-purpose", purpose)
    return _path(chain, roots, at)


def _purpose(leaf: x509.Certificate) -> str:
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose

    try:
        usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
        if not usage.digital_signature:
            return "the certificate is not for signatures"
    except x509.ExtensionNotFound:
        pass
    except ValueError as error:
        return f"the extensions of the certificate are malformed: {str(error)[:120]}"
    try:
        purposes = list(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return ""
    if Purpose.CODE_SIGNING in purposes or Purpose.ANY_EXTENDED_KEY_USAGE in purposes:
        return ""
    names = {
        Purpose.SERVER_AUTH: "TLS servers",
        Purpose.CLIENT_AUTH: "TLS clients",
        Purpose.EMAIL_PROTECTION: "mail",
    }
    words = ", ".join(names.get(item, item.dotted_string) for item in purposes)
    return f"the certificate is for {words} and not for signing code"


def _path(chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], at: datetime) -> ChainCheck:
    from cryptography import x509
    from cryptography.x509 import verification

    authority = verification.ExtensionPolicy.permit_all().require_present(
        x509.BasicConstraints, verification.Criticality.AGNOSTIC, None
    )
    verifier = (
        verification.PolicyBuilder()
        .store(verification.Store(list(roots)))
        .time(at)
        .extension_policies(ca_policy=authority, ee_policy=verification.ExtensionPolicy.permit_all())
        .build_client_verifier()
    )
    try:
        verifier.verify(chain[0], list(chain[1:]))
    except (verification.VerificationError, ValueError) as error:
        return ChainCheck(
            "certificate-not-from-ca",
            f"the certificate does not chain to a root of the policy: {str(error)[:160]}",
        )
    return ChainCheck("", "the certificate chains to a root of the policy")
