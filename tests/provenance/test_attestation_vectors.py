"""Attestations and bundles of other projects: right, by somebody else, and of kinds not checked here."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path

import pytest
from checking import VECTORS, answers, checked, needs_vectors, refuted

from owaudit.model.policy import Signer

pytestmark = needs_vectors

_SLSA, _GITHUB, _PYTHON = VECTORS / "slsa-verifier", VECTORS / "gh-attestation", VECTORS / "sigstore-python"
_ISSUER = "https://token.actions.githubusercontent.com"
_PUBLISH = "https://github.com/bazel-contrib/publish-to-bcr/.github/workflows/publish.yaml@refs/tags/v0.0.1"
_RULESET = "https://github.com/bazel-contrib/.github/.github/workflows/release_ruleset.yaml@refs/tags/v7.1.0"
_ATTEST = (
    "https://github.com/github/artifact-attestations-workflows/.github/workflows/attest.yml"
    "@09b495c3f12c7881b3cc17209a327792065c1a1d"
)
_SOURCE = "https://github.com/malancas/attest-demo"


def _folder(tmp_path: Path, *places: Path, **renamed: Path) -> Path:
    for place in places:
        shutil.copy(place, tmp_path / place.name)
    for name, place in renamed.items():
        shutil.copy(place, tmp_path / name.replace("__", "."))
    return tmp_path


def _github(identity: str, source: str = "") -> Signer:
    return Signer(identity=identity, issuer=_ISSUER, source_repository=source)


@pytest.mark.parametrize(
    ("name", "identity"), [("MODULE.bazel", _PUBLISH), ("rules_lint-v1.3.1.tar.gz", _RULESET)]
)
def test_the_workflow_that_published(name: str, identity: str, tmp_path: Path) -> None:
    bcr = _SLSA / "bcr"
    found = checked(_folder(tmp_path, bcr / name, bcr / f"{name}.intoto.jsonl"), _github(identity))
    assert answers(found) == [("verified", "signer-expected")]
    assert (found.vouched.signed_files, found.vouched.open_files) == (1, 0)


def test_a_genuine_bundle_by_somebody_else(tmp_path: Path) -> None:
    bcr, name = _SLSA / "bcr", "MODULE-wrong-signer.bazel"
    found = checked(_folder(tmp_path, bcr / name, bcr / f"{name}.intoto.jsonl"), _github(_PUBLISH))
    assert answers(found) == [("failed", "wrong-signer")]
    assert found.signatures[0].sound
    assert refuted(found) == []
    assert found.signatures[0].steps[-1].expected == (_PUBLISH, _ISSUER)


def test_a_changed_file_is_not_the_subject(tmp_path: Path) -> None:
    bcr, name = _SLSA / "bcr", "MODULE.bazel"
    folder = _folder(tmp_path, bcr / name, bcr / f"{name}.intoto.jsonl")
    (folder / name).write_bytes((folder / name).read_bytes() + b"\n")
    assert refuted(checked(folder, _github(_PUBLISH))) == [(name, "digest-mismatch")]


def test_a_verification_summary_with_a_raw_signature(tmp_path: Path) -> None:
    signer = Signer(key=(_SLSA / "vsa" / "vsa_signing_public_key.pem").read_text(encoding="ascii"))
    folder = _folder(tmp_path, vsa__intoto__jsonl=_SLSA / "vsa" / "gke-gce-pre.bcid-vsa.jsonl")
    found = checked(folder, signer)
    assert answers(found) == [("verified", "signer-expected")]
    assert [record.title for record in found.records] == ["Verification summary (VSA) v1"]
    envelope = json.loads((folder / "vsa.intoto.jsonl").read_text(encoding="utf-8"))
    payload = base64.b64decode(envelope["payload"]).replace(b'"PASSED"', b'"FAILED"')
    envelope["payload"] = base64.b64encode(payload).decode("ascii")
    (folder / "vsa.intoto.jsonl").write_text(json.dumps(envelope), encoding="utf-8")
    assert answers(checked(folder, signer)) == [("failed", "signature-mismatch")]


def test_a_workflow_of_another_repository(tmp_path: Path) -> None:
    folder = _folder(
        tmp_path,
        _GITHUB / "reusable-workflow-artifact",
        artifact__sigstore__json=_GITHUB / "reusable-workflow-attestation.sigstore.json",
    )
    assert answers(checked(folder, _github(_ATTEST, _SOURCE))) == [("verified", "signer-expected")]
    assert answers(checked(folder, _github(_ATTEST, "https://github.com/malancas/other"))) == [
        ("failed", "wrong-source")
    ]
    assumed = f"{_SOURCE}/.github/workflows/attest.yml@refs/heads/main"
    assert answers(checked(folder, _github(assumed))) == [("failed", "wrong-signer")]


def test_an_issuer_that_looks_like_the_expected_one(tmp_path: Path) -> None:
    folder = _folder(
        tmp_path,
        _GITHUB / "custom-issuer-artifact",
        artifact__sigstore__json=_GITHUB / "custom-issuer.sigstore.json",
    )
    identity = "https://github.com/too-legit/attest/.github/workflows/integration.yml@refs/heads/main"
    assert answers(checked(folder, _github(identity))) == [("failed", "wrong-issuer")]


@pytest.mark.parametrize(
    ("name", "stored", "answer"),
    [
        ("github_provenance_demo-0.0.12-py3-none-any-bundle.jsonl", "", ("unverifiable", "no-log-entry")),
        ("sigstore-js-2.1.0-bundle.json", "", ("unverifiable", "log-entry-kind")),
        (
            "github_provenance_demo-0.0.12-py3-none-any-bundle-missing-cert.jsonl",
            "a.intoto.jsonl",
            ("failed", "malformed-envelope"),
        ),
        (
            "github_provenance_demo-0.0.12-py3-none-any-bundle-missing-verification-material.jsonl",
            "a.intoto.jsonl",
            ("failed", "malformed-verification-material"),
        ),
        ("sigstoreBundle-invalid-signature.json", "a.sigstore.json", ("failed", "malformed-payload-type")),
    ],
)
def test_kinds_that_cannot_be_checked_and_broken_ones(
    name: str, stored: str, answer: tuple[str, str], tmp_path: Path
) -> None:
    shutil.copy(_GITHUB / name, tmp_path / (stored or name))
    assert answers(checked(tmp_path)) == [answer]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("bundle_v3_github.whl.sigstore", ("unverifiable", "signer-not-pinned")),
        ("Python-3.12.5.tgz.sigstore", ("unverifiable", "no-checkpoint")),
        ("bundle_no_checkpoint.txt.sigstore", ("unverifiable", "no-checkpoint")),
        ("bundle_cve_2022_36056.txt.sigstore", ("failed", "certificate-not-from-root")),
    ],
)
def test_bundles_beside_files(name: str, answer: tuple[str, str], tmp_path: Path) -> None:
    assert answers(checked(_folder(tmp_path, _PYTHON / name))) == [answer]


def test_a_wheel_by_its_workflow(tmp_path: Path) -> None:
    name = "bundle_v3_github.whl"
    folder = _folder(tmp_path, _PYTHON / name, _PYTHON / f"{name}.sigstore")
    identity = "https://github.com/trailofbits/rfc8785.py/.github/workflows/release.yml@refs/tags/v0.1.2"
    assert answers(checked(folder, _github(identity))) == [("verified", "signer-expected")]
    (folder / name).write_bytes(b"other")
    assert refuted(checked(folder, _github(identity))) == [(name, "digest-mismatch")]
