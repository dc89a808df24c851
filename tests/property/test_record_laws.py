"""Laws of records: any bytes give records or a typed error, and what they state never leaves a folder."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from owaudit.model import wire
from owaudit.model.artifact import Artifact, Digest
from owaudit.model.claim import ClaimState, Record, Source
from owaudit.model.evidence import Evidence, Target
from owaudit.model.policy import Policy
from owaudit.provenance.check import check
from owaudit.provenance.gather import gather
from owaudit.provenance.kinds import Found, Tree, TreeFile
from owaudit.provenance.names import joined, problem_of
from owaudit.provenance.records import kinds
from owaudit.provenance.trust import Trust

_PATHS = (
    "SHA256SUMS",
    "model.sig",
    "a.sigstore.json",
    "a.intoto.jsonl",
    "a.minisig",
    "index.json",
    "m.safetensors.index.json",
    "manifests/a/b/c/d",
    "a.dvc",
    "bom.json",
    "owaudit.lock",
    "MLmodel",
    ".cache/huggingface/download/a.metadata",
)
_DIGEST = "0" * 64
_WORDS = st.sampled_from(
    [
        "sha256",
        _DIGEST,
        f"sha256:{_DIGEST}",
        "../a",
        "a",
        ".",
        "application/vnd.in-toto+json",
        "application/vnd.dev.sigstore.bundle.v0.3+json",
        "https://in-toto.io/Statement/v1",
        "https://model_signing/signature/v1.0",
        "CycloneDX",
        "AAAA",
    ]
)
_KEYS = st.sampled_from(
    [
        "mediaType", "verificationMaterial", "dsseEnvelope", "payload", "payloadType", "signatures",
        "sig", "certificate", "rawBytes", "publicKey", "hint", "tlogEntries", "kindVersion", "kind",
        "messageSignature", "messageDigest", "digest", "x509CertificateChain", "certificates", "_type",
        "subject", "predicateType", "predicate", "resources", "serialization", "name", "algorithm",
        "weight_map", "metadata", "total_size", "manifests", "layers", "config", "size", "components",
        "hashes", "alg", "content", "files", "bomFormat",
    ]
)  # fmt: skip
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 2**70) | _WORDS | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=6),
    max_leaves=25,
)
_CONTENT = st.binary(max_size=300) | _JSON.map(lambda value: json.dumps(value).encode())
_TRUST = Trust(moment=datetime(2026, 11, 20, tzinfo=UTC))


def _gathered(path: str, content: bytes) -> tuple[Record, ...]:
    files = {name: TreeFile(len(content), f"/t/{name}", f"/t/{name}") for name in (path, "a", "oci-layout")}
    return gather(Tree(files=files, read=lambda _path: content))


class TestRecords:
    """Any bytes under any name of a record give records; names they state stay in the folder or are
    marked; everything survives the round trip of evidence."""

    @given(path=st.sampled_from(_PATHS), content=_CONTENT)
    @settings(max_examples=400, deadline=None)
    def test_any_bytes(self, path: str, content: bytes) -> None:
        for record in _gathered(path, content):
            for item in record.statements:
                assert item.problem or not problem_of(item.path)
            assert wire.loads(wire.dumps(record), Record) == record

    @given(content=_CONTENT)
    @settings(max_examples=200, deadline=None)
    def test_any_kind_takes_any_bytes(self, content: bytes) -> None:
        tree = Tree(files={}, read=lambda _path: None)
        for kind in kinds():
            for record in kind.parse(Found("x/y", content, _DIGEST), tree):
                assert record.path.startswith("x/y")

    @given(path=st.sampled_from(_PATHS), content=_CONTENT)
    @settings(max_examples=200, deadline=None)
    def test_nothing_made_up_is_authenticated(self, path: str, content: bytes) -> None:
        evidence = Evidence(
            reader_version="1",
            target=Target(name="t", files=1, size=1),
            artifacts=(Artifact(path="a", size=1, digests=(Digest("sha256", _DIGEST),)),),
            records=_gathered(path, content),
        )
        provenance = check(evidence, Policy(), _TRUST).provenance
        assert provenance.vouched.signed_files == 0
        assert all(signature.state is not ClaimState.VERIFIED for signature in provenance.signatures)
        assert wire.loads(wire.dumps(provenance), type(provenance)) == provenance


class TestNames:
    """A name without a problem, joined to a folder, stays below it."""

    @given(name=st.text(alphabet="ab./\\:\0é ", max_size=12))
    def test_joined_names_stay_below(self, name: str) -> None:
        if problem_of(name):
            return
        parts = joined("folder", name).split("/")
        assert parts[0] == "folder"
        assert not {"", ".", ".."} & set(parts[1:])


@pytest.mark.parametrize("depth", [50, 1000, 100_000])
@pytest.mark.parametrize(
    "path", ["model.sig", "bom.json", "index.json", "m.safetensors.index.json", "owaudit.lock"]
)
def test_nesting_is_bounded(path: str, depth: int) -> None:
    for content in (b"[" * depth, b'{"a":' * depth, b"a = " + b"[" * depth):
        for record in _gathered(path, content):
            assert record.problem


def test_sources_are_these() -> None:
    assert [source.value for source in Source] == ["target", "outside", "download"]
