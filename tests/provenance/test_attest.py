"""Statements about an audit: what they hold, and that ``verify`` reads its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from checking import VECTORS, needs_vectors
from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization
from scanning import run
from signing import EC_KEY, pem

from fixtures import write
from owaudit.cli import main

_HARMLESS = {"notes.txt": b"notes\n"}
_HOSTILE = {"model.pkl": b"\x80\x04cos\nsystem\n(S'echo hi'\ntR."}


def _report(tmp_path: Path, files: dict[str, bytes], *options: str) -> Path:
    write(files, tmp_path / "model")
    place = tmp_path / "report.json"
    run("scan", str(tmp_path / "model"), "-o", str(place), "--no-second-opinion", *options)
    return place


def _attest(report: Path, *options: str) -> dict[str, Any]:
    code, text = run("attest", str(report), *options)
    assert code == 0
    value: dict[str, Any] = json.loads(text)
    return value


def test_a_pass_is_a_verification_result(tmp_path: Path) -> None:
    report = _report(tmp_path, _HARMLESS)
    said = _attest(report)
    stored = json.loads(report.read_text(encoding="utf-8"))
    assert said["predicateType"] == "https://in-toto.io/attestation/svr/v0.2"
    assert [subject["name"] for subject in said["subject"]] == ["notes.txt"]
    assert said["predicate"]["properties"] == ["OWAUDIT_PASS", "OWAUDIT_LOAD_PASS"]
    assert said["predicate"]["timeCreated"] == stored["run"]["ended"]
    assert said["predicate"]["verifier"]["policies"] == [
        {"name": "policy built-in", "digest": {"sha256": stored["policy"]["sha256"]}},
        *(
            {"name": f"rules {pack['name']} {pack['version']}", "digest": {"sha256": pack["digest"]["hex"]}}
            for pack in stored["tool"]["packs"]
        ),
    ]


def test_a_fail_is_a_test_result(tmp_path: Path) -> None:
    said = _attest(_report(tmp_path, _HOSTILE))
    assert said["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert (said["predicate"]["result"], said["predicate"]["failedTests"]) == ("FAILED", ["load"])
    assert len(said["predicate"]["configuration"]) >= 2


@pytest.mark.parametrize(("kind", "files"), [("svr", _HOSTILE), ("vsa", _HARMLESS)])
def test_kinds_that_the_report_does_not_allow(kind: str, files: dict[str, bytes], tmp_path: Path) -> None:
    outcome = CliRunner().invoke(main, ["attest", str(_report(tmp_path, files)), "--kind", kind])
    assert (outcome.exit_code, outcome.stdout) == (2, "")


def test_verify_reads_its_own_attestation(tmp_path: Path) -> None:
    report = _report(tmp_path, _HARMLESS)
    private = EC_KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "private.pem").write_bytes(private)
    (tmp_path / "public.pem").write_text(pem(EC_KEY), encoding="ascii")
    place = tmp_path / "model" / "audit.intoto.jsonl"
    code, _ = run("attest", str(report), "--sign-key", str(tmp_path / "private.pem"), "-o", str(place))
    assert code == 0
    key = ("--key", str(tmp_path / "public.pem"), "--format", "json")
    code, text = run("verify", str(tmp_path / "model"), *key)
    value = json.loads(text)
    assert (code, value["axes"]["integrity"]["answer"], value["axes"]["origin"]["answer"]) == (
        0,
        "verified",
        "verified",
    )
    assert [record["title"] for record in value["records"]] == ["Simple verification result v0.2"]
    (tmp_path / "model" / "notes.txt").write_bytes(b"other\n")
    code, text = run("verify", str(tmp_path / "model"), *key)
    assert (code, json.loads(text)["axes"]["integrity"]["reason"]) == (1, "notes.txt is changed.")


@needs_vectors
def test_a_summary_after_checked_provenance(tmp_path: Path) -> None:
    bcr = VECTORS / "slsa-verifier" / "bcr"
    files = {
        name: (bcr / name).read_bytes()
        for name in ("rules_lint-v1.3.1.tar.gz", "rules_lint-v1.3.1.tar.gz.intoto.jsonl")
    }
    policy = tmp_path / "policy.toml"
    policy.write_text(
        "[[origin.signers]]\n"
        'identity = "https://github.com/bazel-contrib/.github/.github/workflows/release_ruleset.yaml@refs/tags/v7.1.0"\n'
        'issuer = "https://token.actions.githubusercontent.com"\n',
        encoding="utf-8",
    )
    said = _attest(_report(tmp_path, files, "--policy", str(policy)), "--kind", "vsa")
    assert said["predicateType"] == "https://slsa.dev/verification_summary/v1"
    assert said["predicate"]["inputAttestations"][0]["uri"] == "rules_lint-v1.3.1.tar.gz.intoto.jsonl"
