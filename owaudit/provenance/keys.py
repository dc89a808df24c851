"""Public keys and plain signatures: EC, Ed25519, RSA, and minisign.

An EC signature is DER, or the two numbers one after the other, as some services write it. The hash
follows the curve: SHA-256 for P-256, SHA-384 for P-384, SHA-512 for P-521.

Source: RFC 5480, RFC 8032, RFC 8017; OMS 1.0, "Signatures"; minisign, "Signature format".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from owaudit.errors import UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

_MINISIGN_KEY = 42
"""Two letters, an identifier of eight bytes, the key of 32."""


@dataclass(frozen=True, slots=True)
class Minisign:
    """A minisign key: its identifier and the Ed25519 key."""

    identifier: bytes
    raw: bytes


def is_minisign(text: str) -> bool:
    """Is this the text of a minisign key?"""
    return minisign_key(text) is not None


def minisign_key(text: str) -> Minisign | None:
    """Read a minisign public key: the base64 line, with or without its comment."""
    lines = [line for line in text.strip().splitlines() if not line.startswith("untrusted comment:")]
    try:
        raw = base64.b64decode(lines[0], validate=True) if len(lines) == 1 else b""
    except (binascii.Error, ValueError):
        return None
    if len(raw) != _MINISIGN_KEY or raw[:2] != b"Ed":
        return None
    return Minisign(raw[2:10], raw[10:])


def load_key(pem: str, where: str) -> PublicKeyTypes:
    """Read a public key in PEM.

    Raises:
        UsageError: it is none, or of a kind that cannot verify signatures here.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    try:
        key = serialization.load_pem_public_key(pem.encode("ascii"))
    except (ValueError, UnsupportedAlgorithm, UnicodeEncodeError) as error:
        raise UsageError(f"{where}: not a public key in PEM: {str(error)[:120]}") from error
    if not _is_usable(key):
        raise UsageError(f"{where}: a key of the kind {type(key).__name__} is not used for signatures here")
    return key


def _is_usable(key: PublicKeyTypes) -> bool:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    return isinstance(key, ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey)


def fingerprint(key: PublicKeyTypes) -> str:
    """SHA-256 in hex over the key in DER (SubjectPublicKeyInfo)."""
    from cryptography.hazmat.primitives import serialization

    encoded = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(encoded).hexdigest()


def hints(key: PublicKeyTypes) -> frozenset[str]:
    """What bundles write to name a key: digests over its PEM and its DER, in hex and base64."""
    from cryptography.hazmat.primitives import serialization

    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    found = set()
    for encoding in (serialization.Encoding.PEM, serialization.Encoding.DER):
        digest = hashlib.sha256(key.public_bytes(encoding, kind)).digest()
        found |= {digest.hex(), base64.b64encode(digest).decode("ascii")}
    return frozenset(found)


def describe(key: PublicKeyTypes) -> str:
    """The algorithm in words: ``ECDSA P-384``."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, ec.EllipticCurvePublicKey):
        names = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
        return f"ECDSA {names.get(key.curve.name, key.curve.name)}"
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    return "Ed25519" if isinstance(key, ed25519.Ed25519PublicKey) else type(key).__name__


def signs(key: PublicKeyTypes, signature: bytes, message: bytes, *, sha256_only: bool = False) -> bool:
    """Is this a signature of the key over the message?

    ``sha256_only`` takes SHA-256 whatever the curve, as the first OMS library did.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            hash_ = _curve_hash(key.key_size, sha256_only=sha256_only)
            key.verify(_der(signature, key.key_size), message, ec.ECDSA(hash_))
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message)
        elif isinstance(key, rsa.RSAPublicKey):
            return any(_rsa(key, signature, message, scheme) for scheme in (padding.PKCS1v15, padding.PSS))
        else:
            return False
    except (InvalidSignature, ValueError):
        return False
    return True


def signs_digest(key: PublicKeyTypes, signature: bytes, sha256: bytes) -> bool:
    """Is this a signature of the key over the content with this SHA-256?

    Ed25519 signs content and not digests, so the answer is no.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

    hash_ = Prehashed(hashes.SHA256())
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(_der(signature, key.key_size), sha256, ec.ECDSA(hash_))
        elif isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048:
            key.verify(signature, sha256, padding.PKCS1v15(), hash_)
        else:
            return False
    except (InvalidSignature, ValueError):
        return False
    return True


def _rsa(key: object, signature: bytes, message: bytes, scheme: type) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < 2048:
        return False
    hash_ = hashes.SHA256()
    chosen = (
        padding.PSS(mgf=padding.MGF1(hash_), salt_length=padding.PSS.AUTO)
        if scheme is padding.PSS
        else padding.PKCS1v15()
    )
    try:
        key.verify(signature, message, chosen, hash_)
    except InvalidSignature:
        return False
    return True


def _curve_hash(size: int, *, sha256_only: bool) -> hashes.HashAlgorithm:
    from cryptography.hazmat.primitives import hashes

    if sha256_only or size <= 256:
        return hashes.SHA256()
    return hashes.SHA384() if size <= 384 else hashes.SHA512()


def _der(signature: bytes, key_size: int) -> bytes:
    """The DER form of a signature that may be the two numbers one after the other."""
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    half = (key_size + 7) // 8
    if len(signature) == 2 * half and not _is_der(signature):
        return encode_dss_signature(
            int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
        )
    return signature


def _is_der(signature: bytes) -> bool:
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    try:
        decode_dss_signature(signature)
    except ValueError:
        return False
    return True


def check_minisign(
    content: bytes, keys: Sequence[Minisign], blake2b: str
) -> tuple[str, str, Minisign | None]:
    """Check a minisign signature over a file with this BLAKE2b-512 (hex, may be empty).

    Returns a reason code, a sentence and the key: ``sound`` with the key that made it.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    lines = content.splitlines()
    try:
        raw = base64.b64decode(lines[1], validate=True)
        over_all = base64.b64decode(lines[3], validate=True)
    except (binascii.Error, ValueError, IndexError):
        return "malformed", "the file is not in the format of minisign", None
    comment = lines[2].removeprefix(b"trusted comment: ")
    key = next((key for key in keys if key.identifier == raw[2:10]), None)
    if key is None:
        return (
            "no-key-fits",
            f"made with key {raw[9:1:-1].hex().upper()}, which the policy does not name",
            None,
        )
    if raw[:2] != b"ED":
        return "needs-whole-file", "the old format signs the file itself and not its digest", key
    if not blake2b:
        return "subject-not-here", "the signed file is not among the files", key
    public = Ed25519PublicKey.from_public_bytes(key.raw)
    try:
        public.verify(raw[10:], bytes.fromhex(blake2b))
        public.verify(over_all, raw[10:] + comment)
    except InvalidSignature:
        return "signature-mismatch", "the signature is not over this file and comment", key
    return "sound", "the signature is over this file", key
