"""Sign folders for tests: model signatures with a key or a certificate, written by hand.

Nothing of owaudit is used, so the signatures do not share its mistakes.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

INTOTO = "application/vnd.in-toto+json"
EC_KEY = ec.derive_private_key(0xC0FFEE, ec.SECP256R1())
OTHER_KEY = ec.derive_private_key(0xDECAF, ec.SECP256R1())
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
Key = ec.EllipticCurvePrivateKey
Resource = tuple[str, str, str]


def pem(key: Key) -> str:
    """The public half of a key."""
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode("ascii")
    )


def resources(folder: Path, algorithm: str = "sha256", *, without: Sequence[str] = ()) -> list[Resource]:
    """Name, algorithm and digest of every file of a folder, sorted by name."""
    found = []
    for place in sorted(folder.rglob("*")):
        name = place.relative_to(folder).as_posix()
        if place.is_file() and name != "model.sig" and name not in without:
            found.append((name, algorithm, hashlib.new(algorithm, place.read_bytes()).hexdigest()))
    return sorted(found)


def statement(
    files: Sequence[Resource], *, ignored: Sequence[str] = (), **serialization_: Any
) -> dict[str, Any]:
    """An OMS statement over these files."""
    root = hashlib.sha256(b"".join(bytes.fromhex(digest) for _, _, digest in files)).hexdigest()
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "model", "digest": {"sha256": root}}],
        "predicateType": "https://model_signing/signature/v1.0",
        "predicate": {
            "resources": [{"name": n, "algorithm": a, "digest": d} for n, a, d in files],
            "serialization": {
                "method": "files",
                "hash_type": "sha256",
                "allow_symlinks": False,
                "ignore_paths": list(ignored),
                **serialization_,
            },
        },
    }


def envelope(said: dict[str, Any], key: Key) -> dict[str, Any]:
    """A DSSE envelope over a statement."""
    payload = json.dumps(said).encode()
    kind = INTOTO.encode()
    message = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    signature = key.sign(message, ec.ECDSA(hashes.SHA256()))
    return {
        "payloadType": INTOTO,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"sig": base64.b64encode(signature).decode()}],
    }


def bundle(said: dict[str, Any], key: Key, material: dict[str, Any] | None = None) -> str:
    """A bundle with the hint of the key, or with other verification material."""
    hint = hashlib.sha256(pem(key).encode()).hexdigest()
    return json.dumps(
        {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": material or {"publicKey": {"hint": hint}, "tlogEntries": []},
            "dsseEnvelope": envelope(said, key),
        }
    )


def sign(folder: Path, said: dict[str, Any] | None = None, key: Key = EC_KEY) -> Path:
    """Write ``model.sig`` into a folder and return the folder."""
    (folder / "model.sig").write_text(bundle(said or statement(resources(folder)), key), encoding="utf-8")
    return folder


def authority(name: str = "Test root") -> tuple[x509.Certificate, Key]:
    """A self-signed root and its key."""
    key = ec.derive_private_key(int.from_bytes(hashlib.sha256(name.encode()).digest()[:16]), ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(
        digital_signature=False, key_cert_sign=True, crl_sign=True, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
        decipher_only=False,
    )  # fmt: skip
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(START)
        .not_valid_after(END)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return made, key


def leaf(
    issuer: tuple[x509.Certificate, Key],
    *,
    purpose: x509.ObjectIdentifier | None = ExtendedKeyUsageOID.CODE_SIGNING,
    end: datetime = END,
    signs: bool = True,
    key: Key = EC_KEY,
) -> x509.Certificate:
    """A certificate for ``key`` under a root."""
    root, root_key = issuer
    usage = x509.KeyUsage(
        digital_signature=signs, key_cert_sign=False, crl_sign=False, content_commitment=False,
        key_encipherment=not signs, data_encipherment=False, key_agreement=False, encipher_only=False,
        decipher_only=False,
    )  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Model publisher")]))
        .issuer_name(root.subject)
        .public_key(key.public_key())
        .serial_number(2)
        .not_valid_before(START)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False
        )
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("publisher.example")]), critical=False)
    )
    if purpose is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    return builder.sign(root_key, hashes.SHA256())


def certified(folder: Path, certificate: x509.Certificate) -> Path:
    """Write a ``model.sig`` by ``EC_KEY`` that carries this certificate, and return the folder."""
    raw = base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()
    material = {"x509CertificateChain": {"certificates": [{"rawBytes": raw}]}, "tlogEntries": []}
    text = bundle(statement(resources(folder)), EC_KEY, material)
    (folder / "model.sig").write_text(text, encoding="utf-8")
    return folder


def certificate_pem(certificate: x509.Certificate) -> str:
    """A certificate in PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")
