"""Model signatures that a check must not accept, each with its own reason."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from checking import answers, checked, refuted, told
from cryptography.x509.oid import ExtendedKeyUsageOID
from signing import (
    EC_KEY,
    OTHER_KEY,
    authority,
    certificate_pem,
    certified,
    leaf,
    pem,
    resources,
    sign,
    statement,
)

from owaudit.model.policy import Signer

_KEY = Signer(key=pem(EC_KEY))
_PICKLE = b"\x80\x04N."


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Three files of a model."""
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "weights.bin").write_bytes(bytes(range(256)))
    (folder / "config.json").write_text("{}", encoding="utf-8")
    (folder / "sub" / "notes.txt").write_text("notes\n", encoding="utf-8")
    return folder


def test_a_sound_signature_by_the_expected_key(model: Path) -> None:
    found = checked(sign(model), _KEY)
    assert answers(found) == [("verified", "signer-expected")]
    assert told(found) == {
        "config.json": "verified digest-matches",
        "sub/notes.txt": "verified digest-matches",
        "weights.bin": "verified digest-matches",
    }


@pytest.mark.parametrize("algorithm", ["sha256", "blake2b"])
def test_algorithms(algorithm: str, model: Path) -> None:
    found = checked(sign(model, statement(resources(model, algorithm))), _KEY)
    assert (answers(found), refuted(found), found.vouched.signed_files) == (
        [("verified", "signer-expected")],
        [],
        3,
    )


def _shards(model: Path, size: int, spelling: str) -> list[tuple[str, str, str]]:
    found = []
    for name, _, _ in resources(model):
        content = (model / name).read_bytes()
        for index, start in enumerate(range(0, len(content), size)):
            end = min(start + size, len(content))
            label = f"{name}:shard-{index}" if spelling == "specification" else f"{name}:{start}:{end}"
            algorithm = "sha256" if spelling == "specification" else f"sha256-sharded-{size}"
            found.append((label, algorithm, hashlib.sha256(content[start:end]).hexdigest()))
    return sorted(found)


@pytest.mark.parametrize(("spelling", "method"), [("specification", "file-shard-100"), ("library", "shards")])
def test_shards(spelling: str, method: str, model: Path) -> None:
    said = statement(_shards(model, 100, spelling), method=method)
    found = checked(sign(model, said), _KEY)
    assert (answers(found), refuted(found), found.vouched.signed_files) == (
        [("verified", "signer-expected")],
        [],
        3,
    )
    content = bytearray((model / "weights.bin").read_bytes())
    content[250] ^= 1
    (model / "weights.bin").write_bytes(content)
    assert refuted(checked(model, _KEY)) == [("weights.bin", "digest-mismatch")]


def test_a_missing_shard(model: Path) -> None:
    shards = [item for item in _shards(model, 100, "library") if item[0] != "weights.bin:100:200"]
    found = checked(sign(model, statement(shards, method="shards")), _KEY)
    assert refuted(found) == [("weights.bin", "shards-incomplete")]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (".git/evil.pkl", "file-in-ignored-folder"),
        (".github/evil.pkl", "code-in-ignored-path"),
        ("evil.pkl", "file-not-in-record"),
        (".hidden", "file-not-in-record"),
    ],
)
def test_extra_files(path: str, reason: str, model: Path) -> None:
    sign(model)
    (model / path).parent.mkdir(exist_ok=True)
    (model / path).write_bytes(_PICKLE)
    assert refuted(checked(model, _KEY)) == [(path, reason)]


def test_files_of_git_itself_are_not_extra(model: Path) -> None:
    sign(model)
    for path in ("HEAD", "config", "objects/pack/pack-0a.idx", "refs/heads/main", "hooks/pre-commit.sample"):
        (model / ".git" / path).parent.mkdir(parents=True, exist_ok=True)
        (model / ".git" / path).write_bytes(b"x")
    assert refuted(checked(model, _KEY)) == []


def test_code_on_the_list_of_ignored_paths(model: Path) -> None:
    (model / "evil.pkl").write_bytes(_PICKLE)
    (model / "README.md").write_text("# Read me\n", encoding="utf-8")
    files = resources(model, without=["evil.pkl", "README.md"])
    found = checked(sign(model, statement(files, ignored=["evil.pkl", "README.md"])), _KEY)
    assert refuted(found) == [("evil.pkl", "code-in-ignored-path")]
    assert told(found)["README.md"] == "absent ignored-by-signer"


def test_a_name_that_leaves_the_folder(model: Path) -> None:
    secret = model.parent / "secret.txt"
    secret.write_text("secret", encoding="utf-8")
    outside = ("../secret.txt", "sha256", hashlib.sha256(b"secret").hexdigest())
    found = checked(sign(model, statement(sorted([*resources(model), outside]))), _KEY)
    assert refuted(found) == [("../secret.txt", "name-parent")]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/etc/passwd", "name-absolute"),
        ("C:x", "name-drive"),
        ("a\\b", "name-backslash"),
        ("a//b", "name-dot"),
    ],
)
def test_names_that_are_not_followed(name: str, reason: str, model: Path) -> None:
    said = statement(sorted([*resources(model), (name, "sha256", "0" * 64)]))
    assert refuted(checked(sign(model, said), _KEY)) == [(name, reason)]


def test_one_name_twice(model: Path) -> None:
    twice = [("config.json", "sha256", "0" * 64), *resources(model)]
    found = checked(sign(model, statement(twice)), _KEY)
    assert refuted(found) == [("config.json", "name-duplicate"), ("config.json", "name-duplicate")]


@pytest.mark.parametrize(("ignored", "reason"), [([], "covers-nothing"), (["."], "ignores-everything")])
def test_a_signature_over_nothing(ignored: list[str], reason: str, model: Path) -> None:
    assert answers(checked(sign(model, statement([], ignored=ignored)), _KEY)) == [("failed", reason)]


def test_a_root_digest_that_does_not_fit(model: Path) -> None:
    said = statement(resources(model))
    said["subject"][0]["digest"]["sha256"] = "0" * 64
    assert answers(checked(sign(model, said), _KEY)) == [("failed", "malformed-root-digest")]


def test_a_weak_algorithm(model: Path) -> None:
    said = statement(resources(model, "md5"))
    assert answers(checked(sign(model, said), _KEY)) == [("failed", "malformed-resource")]


def test_another_key(model: Path) -> None:
    assert answers(checked(sign(model, key=OTHER_KEY), _KEY)) == [("failed", "wrong-key")]


def test_no_key_given(model: Path) -> None:
    assert answers(checked(sign(model))) == [("unverifiable", "no-key-given")]


def test_a_missing_file(model: Path) -> None:
    sign(model)
    (model / "config.json").unlink()
    assert refuted(checked(model, _KEY)) == [("config.json", "file-missing")]


def test_a_link_out_of_the_folder(model: Path) -> None:
    (model.parent / "elsewhere.bin").write_bytes(bytes(range(256)))
    sign(model)
    (model / "weights.bin").unlink()
    os.symlink("../elsewhere.bin", model / "weights.bin")
    assert told(checked(model, _KEY))["weights.bin"] == "unverifiable file-not-read"


def test_a_certificate_for_signing(model: Path) -> None:
    root = authority()
    found = checked(
        certified(model, leaf(root)), Signer(ca=certificate_pem(root[0]), name="publisher.example")
    )
    assert answers(found) == [("verified", "signer-expected")]
    assert found.signatures[0].identities == ("publisher.example", "Model publisher")


def test_certificates_that_do_not_count(model: Path) -> None:
    root, other = authority(), authority("Other root")
    right = Signer(ca=certificate_pem(root[0]))
    named = Signer(ca=certificate_pem(root[0]), name="somebody.example")
    yesterday = datetime(2026, 11, 19, tzinfo=UTC)
    server = leaf(root, purpose=ExtendedKeyUsageOID.SERVER_AUTH)
    found = {
        "tls": answers(checked(certified(model, server), right)),
        "expired": answers(checked(certified(model, leaf(root, end=yesterday)), right)),
        "no signing": answers(checked(certified(model, leaf(root, signs=False)), right)),
        "other root": answers(checked(certified(model, leaf(other)), right)),
        "other name": answers(checked(certified(model, leaf(root)), named)),
        "no root": answers(checked(certified(model, leaf(root)))),
        "other key": answers(checked(certified(model, leaf(root, key=OTHER_KEY)), right)),
    }
    assert found == {
        "tls": [("failed", "certificate-purpose")],
        "expired": [("failed", "certificate-expired")],
        "no signing": [("failed", "certificate-purpose")],
        "other root": [("failed", "certificate-not-from-ca")],
        "other name": [("failed", "wrong-name")],
        "no root": [("unverifiable", "no-ca-given")],
        "other key": [("failed", "signature-mismatch")],
    }
