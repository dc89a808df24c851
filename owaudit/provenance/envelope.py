"""Envelopes of signatures: DSSE, Sigstore bundles and in-toto statements, as bytes say them.

Nothing is checked here but the shape. The pre-authentication encoding is
``DSSEv1 <size> <type> <size> <payload>`` with sizes in bytes, decimal.

Source: DSSE protocol v1.0.2; Sigstore protobuf-specs, bundle v0.3; in-toto Statement v1.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from owaudit.errors import FormatError
from owaudit.provenance.kinds import algorithm_name, digest_problem, json_object

INTOTO = "application/vnd.in-toto+json"
_STATEMENTS = ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1")
_BUNDLE = "application/vnd.dev.sigstore.bundle"


@dataclass(frozen=True, slots=True)
class Envelope:
    """A DSSE envelope: type and bytes of the payload, and the raw signatures over their encoding."""

    payload_type: str
    payload: bytes
    signatures: tuple[bytes, ...]

    def encoded(self) -> bytes:
        """The bytes that are signed."""
        kind = self.payload_type.encode("utf-8", "surrogatepass")
        return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(self.payload), self.payload)

    def encoded_as_in_v01(self) -> bytes:
        """What the first OMS library signed: other letters, and the payload as Python spells bytes."""
        head = f"DSSEV1 {len(self.payload_type)} {self.payload_type} {len(self.payload)} "
        return (head + repr(self.payload)).encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class Subject:
    """What an in-toto statement speaks of: a name and its strongest known digest."""

    name: str
    algorithm: str
    digest: str


@dataclass(frozen=True, slots=True)
class InToto:
    """An in-toto statement."""

    predicate_type: str
    predicate: Any
    subjects: tuple[Subject, ...]


def is_bundle(value: dict[str, Any]) -> bool:
    """Does this JSON object say that it is a Sigstore bundle?"""
    media = value.get("mediaType")
    return isinstance(media, str) and media.startswith(_BUNDLE)


def is_envelope(value: dict[str, Any]) -> bool:
    """Does this JSON object look like a bare DSSE envelope?"""
    return "payloadType" in value and "payload" in value and "signatures" in value


def envelope_of(value: Any) -> Envelope:
    """Read a DSSE envelope.

    Raises:
        FormatError: a member is missing, is of another type, or there is no signature.
    """
    if not isinstance(value, dict):
        raise FormatError("envelope", expected="a DSSE envelope", found=type(value).__name__)
    kind, signatures = value.get("payloadType"), value.get("signatures")
    if not isinstance(kind, str) or not isinstance(signatures, list) or not 1 <= len(signatures) <= 16:
        raise FormatError(
            "envelope", expected="a payload type and 1 to 16 signatures", found="something else"
        )
    payload = decoded(value.get("payload"), "payload")
    raw = tuple(
        decoded(item.get("sig") if isinstance(item, dict) else None, "signature") for item in signatures
    )
    return Envelope(kind, payload, raw)


def decoded(text: Any, clause: str) -> bytes:
    """The bytes of a base64 text, in the standard or the address-safe alphabet.

    Raises:
        FormatError: not a text in base64, or nothing in it.
    """
    try:
        if not isinstance(text, str):
            raise ValueError(f"found {type(text).__name__}")
        content = base64.b64decode(text.translate(str.maketrans("-_", "+/")), validate=True)
    except (binascii.Error, ValueError) as error:
        raise FormatError(clause, expected="base64", found=str(error)[:80]) from error
    if not content:
        raise FormatError(clause, expected="bytes in base64", found="nothing")
    return content


def statement_of(payload: bytes) -> InToto:
    """Read an in-toto statement.

    Raises:
        FormatError: it is none, or has no subject with a known digest.
    """
    value = json_object(payload, "statement")
    if value.get("_type") not in _STATEMENTS:
        raise FormatError("statement", expected="an in-toto statement", found=repr(value.get("_type"))[:80])
    subjects = value.get("subject")
    kind = value.get("predicateType")
    if not isinstance(subjects, list) or not isinstance(kind, str):
        raise FormatError("statement", expected="subjects and a predicate type", found="something else")
    return InToto(kind, value.get("predicate"), tuple(_subject(item) for item in subjects))


def _subject(item: Any) -> Subject:
    digests = item.get("digest") if isinstance(item, dict) else None
    if not isinstance(digests, dict):
        raise FormatError("subject", expected="an object with digests", found=type(item).__name__)
    name = item.get("name", "")
    known = {
        algorithm_name(algorithm): digest.lower()
        for algorithm, digest in digests.items()
        if isinstance(digest, str)
    }
    for algorithm in ("sha256", "sha512", "sha384", "blake2b", "blake3", "sha1", "md5"):
        digest = known.get(algorithm, "")
        if digest and not digest_problem(algorithm, digest):
            return Subject(name if isinstance(name, str) else "", algorithm, digest)
    if any(digest_problem(algorithm, known[algorithm]) == "not-a-digest" for algorithm in known):
        raise FormatError("subject", expected="a digest in hex", found=str(known)[:80])
    return Subject(name if isinstance(name, str) else "", "", "")
