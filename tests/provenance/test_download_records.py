"""What the Hugging Face client leaves behind: cache, snapshots, and metadata beside files."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from checking import checked, refuted, told
from scanning import run

_COMMIT, _OTHER = "a" * 40, "b" * 40
_WEIGHTS, _CONFIG = bytes(range(256)) * 4, b'{"model_type": "example"}\n'


def _git(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


_BLOBS = {hashlib.sha256(_WEIGHTS).hexdigest(): _WEIGHTS, _git(_CONFIG): _CONFIG}
_NAMES = dict(zip(("model.bin", "config.json"), _BLOBS, strict=True))


def _cache(folder: Path, repository: str = "models--org--name") -> Path:
    """A repository in a cache, with one snapshot; returns the snapshot."""
    place = folder / repository
    snapshot = place / "snapshots" / _COMMIT
    for part in (place / "blobs", place / "refs", snapshot):
        part.mkdir(parents=True)
    for name, content in _BLOBS.items():
        (place / "blobs" / name).write_bytes(content)
    for path, blob in _NAMES.items():
        os.symlink(f"../../blobs/{blob}", snapshot / path)
    (place / "refs" / "main").write_text(_COMMIT, encoding="ascii")
    return snapshot


def test_a_snapshot_that_matches(tmp_path: Path) -> None:
    found = checked(_cache(tmp_path))
    assert told(found) == {"config.json": "verified digest-matches", "model.bin": "verified digest-matches"}
    assert [claim.weak for claim in found.claims] == [True, False]
    assert {claim.authority.value for claim in found.claims} == {"transport"}


def test_the_whole_repository_and_the_whole_cache(tmp_path: Path) -> None:
    _cache(tmp_path)
    for target in (tmp_path / "models--org--name", tmp_path):
        found = checked(target)
        assert refuted(found) == []
        assert found.vouched.digest_files == 4


def test_one_flipped_bit(tmp_path: Path) -> None:
    snapshot = _cache(tmp_path)
    content = bytearray(_WEIGHTS)
    content[77] ^= 4
    (snapshot / "model.bin").write_bytes(content)  # through the link, under the old name
    assert refuted(checked(snapshot)) == [("model.bin", "digest-mismatch")]


def test_a_flipped_bit_in_a_small_file(tmp_path: Path) -> None:
    snapshot = _cache(tmp_path)
    (snapshot / "config.json").write_bytes(_CONFIG.replace(b"example", b"examplf"))
    assert refuted(checked(snapshot)) == [("config.json", "digest-mismatch")]


def test_a_link_to_a_blob_of_another_repository(tmp_path: Path) -> None:
    snapshot = _cache(tmp_path)
    _cache(tmp_path, "models--other--name")
    (snapshot / "model.bin").unlink()
    os.symlink(f"../../../models--other--name/blobs/{_NAMES['model.bin']}", snapshot / "model.bin")
    whole = refuted(checked(tmp_path))
    assert whole == [(f"models--org--name/snapshots/{_COMMIT}/model.bin", "name-foreign")]
    assert told(checked(snapshot))["model.bin"].startswith("failed name-foreign")


def test_links_out_of_the_cache_and_to_nothing(tmp_path: Path) -> None:
    snapshot = _cache(tmp_path / "hub")
    (tmp_path / "elsewhere.bin").write_bytes(_WEIGHTS)
    (snapshot / "model.bin").unlink()
    os.symlink("../../../../elsewhere.bin", snapshot / "model.bin")
    os.symlink("../../blobs/" + "c" * 64, snapshot / "gone.bin")
    found = told(checked(snapshot))
    assert found == {
        "config.json": "verified digest-matches",
        "gone.bin": "unverifiable file-not-read",
        "model.bin": "unverifiable file-not-read",
    }
    code, text = run("scan", str(snapshot), "--format", "json", "--no-second-opinion")
    assert code == 3
    assert sorted(f["artifact"] for f in json.loads(text)["findings"] if f["rule"] == "OWA2016") == [
        "gone.bin",
        "model.bin",
    ]


def test_a_snapshot_of_plain_files(tmp_path: Path) -> None:
    snapshot = tmp_path / "models--org--name" / "snapshots" / _COMMIT
    snapshot.mkdir(parents=True)
    (snapshot / "model.bin").write_bytes(_WEIGHTS)
    assert told(checked(snapshot)) == {"model.bin": "absent no-blob-name"}


def _metadata(folder: Path, path: str, content: bytes, commit: str, tag: str) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(content)
    place = folder / ".cache" / "huggingface" / "download" / f"{path}.metadata"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f"{commit}\n{tag}\n1700000000.0\n", encoding="ascii")


def test_metadata_beside_files(tmp_path: Path) -> None:
    _metadata(tmp_path, "model.bin", _WEIGHTS, _COMMIT, _NAMES["model.bin"])
    _metadata(tmp_path, "sub/config.json", _CONFIG, _COMMIT, _NAMES["config.json"])
    found = checked(tmp_path)
    assert told(found) == {
        "model.bin": "verified digest-matches",
        "sub/config.json": "verified digest-matches",
    }
    assert [(r.record, r.named, r.agreeing) for r in found.records] == [(".cache/huggingface/download", 2, 2)]
    assert found.vouched.open_files == 0
    (tmp_path / "model.bin").write_bytes(_WEIGHTS + b"1")
    assert refuted(checked(tmp_path)) == [("model.bin", "digest-mismatch")]


def test_files_of_several_revisions(tmp_path: Path) -> None:
    _metadata(tmp_path, "model.bin", _WEIGHTS, _COMMIT, _NAMES["model.bin"])
    _metadata(tmp_path, "config.json", _CONFIG, _OTHER, _NAMES["config.json"])
    found = checked(tmp_path)
    assert [(c.state.value, c.reason) for c in found.claims if not c.artifact] == [
        ("unverifiable", "mixed-revisions")
    ]


@pytest.mark.parametrize("name", ["hf:org/name", "hf:org/name@main", f"hf:org/name@{_COMMIT}"])
def test_found_by_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _cache(tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    code, text = run("verify", name, "--format", "json")
    report = json.loads(text)
    assert (code, report["axes"]["integrity"]["answer"]) == (0, "verified")
    assert report["subject"]["revision"] == _COMMIT
    assert str(tmp_path) not in text


def test_a_cache_without_references(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from owaudit.cli import main

    snapshot = _cache(tmp_path)
    (snapshot.parents[1] / "refs" / "main").unlink()
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    outcome = CliRunner().invoke(main, ["verify", "hf:org/name"])
    assert (outcome.exit_code, outcome.stderr) == (
        2,
        "owaudit: hf:org/name: the cache has no reference 'main'\n",
    )
    assert refuted(checked(snapshot)) == []
