"""Keys other than those of model signatures: minisign, Ed25519 and RSA, and raw EC signatures."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest
from checking import answers, checked, told
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from signing import EC_KEY, INTOTO

from owaudit.errors import UsageError
from owaudit.model.policy import Signer
from owaudit.provenance import keys

_WEIGHTS = bytes(range(256))
_ED = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
_ID = b"\x01\x02\x03\x04\x05\x06\x07\x08"
Private = ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
_RAW = serialization.Encoding.Raw, serialization.PublicFormat.Raw


def _minisign_key() -> str:
    return base64.b64encode(b"Ed" + _ID + _ED.public_key().public_bytes(*_RAW)).decode("ascii")


def _minisig(content: bytes, kind: bytes = b"ED", comment: bytes = b"timestamp:1") -> bytes:
    message = hashlib.blake2b(content).digest() if kind == b"ED" else content
    signature = _ED.sign(message)
    over_all = _ED.sign(signature + comment)
    lines = [
        b"untrusted comment: signature",
        base64.b64encode(kind + _ID + signature),
        b"trusted comment: " + comment,
        base64.b64encode(over_all),
    ]
    return b"\n".join(lines) + b"\n"


def _target(tmp_path: Path, signature: bytes) -> Path:
    (tmp_path / "a.bin").write_bytes(_WEIGHTS)
    (tmp_path / "a.bin.minisig").write_bytes(signature)
    return tmp_path


def test_minisign(tmp_path: Path) -> None:
    found = checked(_target(tmp_path, _minisig(_WEIGHTS)), Signer(key=_minisign_key()))
    assert answers(found) == [("verified", "signer-expected")]
    assert told(found) == {"a.bin": "verified signed"}
    assert found.vouched.signed_files == 1


@pytest.mark.parametrize(
    ("signature", "answer"),
    [
        (_minisig(b"other"), ("failed", "signature-mismatch")),
        (_minisig(_WEIGHTS).replace(b"timestamp:1", b"timestamp:2"), ("failed", "signature-mismatch")),
        (_minisig(_WEIGHTS, b"Ed"), ("unverifiable", "needs-whole-file")),
        (b"untrusted comment: x\nAAAA\n", ("failed", "malformed-minisign")),
    ],
)
def test_minisign_that_does_not_hold(signature: bytes, answer: tuple[str, str], tmp_path: Path) -> None:
    found = checked(_target(tmp_path, signature), Signer(key=_minisign_key()))
    assert answers(found) == [answer]
    assert found.vouched.signed_files == 0


def test_minisign_by_another_key_or_without_one(tmp_path: Path) -> None:
    other = base64.b64encode(b"Ed" + b"\x09" * 8 + _ED.public_key().public_bytes(*_RAW)).decode("ascii")
    target = _target(tmp_path, _minisig(_WEIGHTS))
    assert answers(checked(target, Signer(key=other))) == [("failed", "no-key-fits")]
    assert answers(checked(target)) == [("unverifiable", "no-key-given")]


def _attested(tmp_path: Path, private: Private, *, raw: bool = False) -> Path:
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "a.bin", "digest": {"sha256": hashlib.sha256(_WEIGHTS).hexdigest()}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {},
    }
    payload = json.dumps(statement).encode()
    message = b"DSSEv1 %d %s %d %s" % (len(INTOTO), INTOTO.encode(), len(payload), payload)
    if isinstance(private, ed25519.Ed25519PrivateKey):
        signature = private.sign(message)
    elif isinstance(private, rsa.RSAPrivateKey):
        signature = private.sign(message, padding.PKCS1v15(), hashes.SHA256())
    else:
        signature = private.sign(message, ec.ECDSA(hashes.SHA256()))
        if raw:
            r, s = decode_dss_signature(signature)
            signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    value = {
        "payloadType": INTOTO,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"sig": base64.b64encode(signature).decode()}],
    }
    (tmp_path / "a.bin").write_bytes(_WEIGHTS)
    (tmp_path / "a.intoto.jsonl").write_text(json.dumps(value), encoding="utf-8")
    return tmp_path


def _pem(private: Private) -> str:
    kind = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return private.public_key().public_bytes(*kind).decode("ascii")


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ec", "ec-raw"])
def test_kinds_of_keys(kind: str, tmp_path: Path) -> None:
    private: Private = EC_KEY
    if kind == "ed25519":
        private = _ED
    elif kind == "rsa":
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    target = _attested(tmp_path, private, raw=kind == "ec-raw")
    assert answers(checked(target, Signer(key=_pem(private)))) == [("verified", "signer-expected")]
    other = ec.derive_private_key(0xBAD, ec.SECP256R1())
    assert answers(checked(target, Signer(key=_pem(other)))) == [("failed", "signature-mismatch")]


def test_a_text_that_is_no_key() -> None:
    with pytest.raises(UsageError, match="not a public key in PEM"):
        keys.load_key("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "policy")


def test_a_list_that_is_signed_speaks_for_its_signer(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(_WEIGHTS)
    listed = f"{hashlib.sha256(_WEIGHTS).hexdigest()}  a.bin\n".encode()
    (tmp_path / "SHA256SUMS").write_bytes(listed)
    (tmp_path / "SHA256SUMS.minisig").write_bytes(_minisig(listed))
    found = checked(tmp_path, Signer(key=_minisign_key()))
    assert {c.artifact: c.authority.value for c in found.claims} == {
        "SHA256SUMS": "authenticated",
        "a.bin": "authenticated",
    }
    assert (found.vouched.signed_files, found.vouched.open_files) == (2, 0)
