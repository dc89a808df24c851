"""Signed records: model signatures, Sigstore bundles, attestations, minisign and OpenPGP.

The statements are read here and the bytes kept; whether the signature holds is checked later, with
the keys, roots and signers of the policy.

Source: OMS 1.0; Sigstore bundle v0.3; DSSE; in-toto Statement v1; minisign format.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any

from owaudit.errors import FormatError
from owaudit.model.claim import Record, Statement
from owaudit.provenance import oms
from owaudit.provenance.envelope import (
    INTOTO,
    InToto,
    decoded,
    envelope_of,
    is_bundle,
    is_envelope,
    statement_of,
)
from owaudit.provenance.kinds import Found, RecordKind, Tree, json_object
from owaudit.provenance.names import folder_of, statement

KIND_NAME = "signed"
OMS, BLOB, ATTESTATION, MINISIGN, OPENPGP = "oms", "sigstore-bundle", "attestation", "minisign", "openpgp"

_NAMED = re.compile(
    r".*(?:\.(?:sig|sigstore(?:\.json)?|bundle|minisig|asc|dsse|att|vsa)|[._-]bundle\.jsonl?"
    r"|\.(?:intoto|att|attestations?|dsse|vsa|svr|sigstore|oms)\.jsonl?)\Z"
    r"|(?:attestations?|provenance|multiple\.intoto)\.jsonl?\Z|sha256[-:_][0-9a-f]{64}\.jsonl?\Z",
    re.DOTALL,
)
_BESIDE = re.compile(
    r"(?:\.(?:sigstore\.json|sigstore|bundle|sig)|[._-]bundle\.jsonl?|\.(?:oms|sigstore)\.jsonl?)\Z"
)
_TITLES = {
    "https://slsa.dev/provenance/v1": "SLSA provenance v1",
    "https://slsa.dev/provenance/v0.2": "SLSA provenance v0.2",
    "https://slsa.dev/verification_summary/v1": "Verification summary (VSA) v1",
    "https://slsa.dev/verification_summary/v0.2": "Verification summary (VSA) v0.2",
    "https://in-toto.io/attestation/svr/v0.2": "Simple verification result v0.2",
    "https://in-toto.io/attestation/test-result/v0.1": "Test result v0.1",
}
_MOST_LINES = 1000


def is_named(path: str) -> bool:
    """Names such as ``model.sig``, ``model.gguf.sigstore.json`` and ``x.intoto.jsonl``."""
    return _NAMED.match(path.rpartition("/")[2]) is not None


def parse(found: Found, _tree: Tree) -> Iterator[Record]:
    """Yield the records of one file: one, or one per line of a JSON Lines file."""
    content = found.content
    if content.startswith(b"untrusted comment:"):
        yield _minisign(found)
    elif content.lstrip().startswith(b"-----BEGIN PGP SIGNATURE"):
        yield _kept(found, OPENPGP, "OpenPGP signature", (Statement(path=found.path.removesuffix(".asc")),))
    elif found.name.endswith((".jsonl", ".jsonl.json")):
        lines = [line for line in content.split(b"\n") if line.strip()][:_MOST_LINES]
        for index, line in enumerate(lines, start=1):
            path = found.path if len(lines) == 1 else f"{found.path}:{index}"
            yield from _one(Found(path, line, found.sha256), found)
    elif found.name.endswith(".sig") and not content.lstrip().startswith(b"{"):
        if found.name == "model.sig":
            error = FormatError("bundle", expected="a JSON object", found=repr(content[:16]))
            yield _malformed(found, OMS, "OpenSSF model signature", error)
    else:
        yield from _one(found, found)


def _one(found: Found, file: Found) -> Iterator[Record]:
    title = "Sigstore bundle"
    try:
        value = json_object(found.content, "bundle")
        if is_bundle(value):
            if "messageSignature" in value:
                yield _blob(found, file, value)
                return
            if not isinstance(value.get("verificationMaterial"), dict):
                raise FormatError("verification material", expected="an object", found="none")
            envelope = envelope_of(value.get("dsseEnvelope"))
        elif is_envelope(value):
            title = "DSSE envelope"
            envelope = envelope_of(value)
        elif "_type" in value and "predicateType" in value:
            yield _attested(found, file, statement_of(found.content), signed=False)
            return
        elif file.name.endswith(("model.sig", ".oms.sig")):
            raise FormatError("bundle", expected="a Sigstore bundle", found="another JSON object")
        else:
            return
        if envelope.payload_type != INTOTO:
            raise FormatError("payload type", expected=INTOTO, found=envelope.payload_type[:80])
        said = statement_of(envelope.payload)
        if oms.is_oms(said):
            yield _model_signature(found, file, said)
        elif file.name == "model.sig":
            raise FormatError("predicate type", expected=oms.PREDICATE, found=said.predicate_type[:80])
        else:
            yield _attested(found, file, said, signed=True)
    except FormatError as error:
        kind = OMS if file.name.endswith(("model.sig", ".oms.sig")) else ATTESTATION
        yield _malformed(found, kind, "OpenSSF model signature" if kind == OMS else title, error)


def _malformed(found: Found, kind: str, title: str, error: FormatError) -> Record:
    """A record that says it is signed and cannot be understood; the code names the part."""
    part = "".join(letter if letter.isalnum() else "-" for letter in error.clause.lower())
    return Record(
        path=found.path,
        kind=kind,
        title=title,
        sha256=found.sha256,
        problem=f"malformed-{part}",
        detail=f"it is malformed: {str(error)[:400]}",
    )


def _kept(found: Found, kind: str, title: str, statements: tuple[Statement, ...], **more: Any) -> Record:
    return Record(
        path=found.path,
        kind=kind,
        title=title,
        sha256=found.sha256,
        root=folder_of(found.path),
        statements=statements,
        content=base64.b64encode(found.content).decode("ascii"),
        **more,
    )


def _model_signature(found: Found, file: Found, said: InToto) -> Record:
    manifest = oms.manifest_of(said, file.folder)
    version = "v1" if said.predicate_type == oms.PREDICATE else "v0.1"
    return _kept(
        found,
        OMS,
        f"OpenSSF model signature {version}",
        manifest.statements,
        closed=manifest.closed,
        ignored=manifest.ignored,
        problem=manifest.problem,
        detail=manifest.detail,
    )


def _blob(found: Found, file: Found, value: dict[str, Any]) -> Record:
    message = value["messageSignature"]
    digest = message.get("messageDigest") if isinstance(message, dict) else None
    stated = digest.get("digest") if isinstance(digest, dict) else None
    algorithm = digest.get("algorithm") if isinstance(digest, dict) else None
    hexed = decoded(stated, "message digest").hex() if stated is not None else ""
    name = _BESIDE.sub("", file.name)
    known = algorithm in ("SHA2_256", None, "HASH_ALGORITHM_UNSPECIFIED") and len(hexed) in (0, 64)
    return _kept(
        found,
        BLOB,
        "Sigstore bundle over one file",
        (
            statement(
                file.folder,
                name,
                algorithm="sha256" if known and hexed else "",
                digest=hexed if known else "",
            ),
        ),
    )


def _attested(found: Found, file: Found, said: InToto, *, signed: bool) -> Record:
    title = _TITLES.get(said.predicate_type, f"in-toto statement, {said.predicate_type[:120]}")
    statements = tuple(
        statement(file.folder, item.name or item.digest, algorithm=item.algorithm, digest=item.digest)
        for item in said.subjects
    )
    record = _kept(
        found,
        ATTESTATION,
        title,
        statements,
        problem="" if statements else "covers-nothing",
        detail="" if statements else "the statement names no subject",
    )
    if signed:
        return record
    return Record(
        path=record.path,
        kind=ATTESTATION,
        title=f"{title}, not signed",
        sha256=found.sha256,
        root=record.root,
        statements=statements,
    )


def _minisign(found: Found) -> Record:
    name = found.name.removesuffix(".minisig")
    lines = found.content.splitlines()
    try:
        raw = decoded(lines[1].decode("ascii", "replace").strip() if len(lines) > 3 else None, "minisign")
        if len(raw) != 74 or raw[:2] not in (b"Ed", b"ED"):
            raise FormatError(
                "minisign", expected="74 bytes of an Ed25519 signature", found=f"{len(raw)} bytes"
            )
    except FormatError as error:
        return _malformed(found, MINISIGN, "minisign signature", error)
    asked = "blake2b" if raw[:2] == b"ED" else ""
    return _kept(found, MINISIGN, "minisign signature", (statement(found.folder, name, algorithm=asked),))


KIND = RecordKind(
    kind=KIND_NAME, source="OMS 1.0; Sigstore bundle v0.3; DSSE; in-toto", is_named=is_named, parse=parse
)
