"""Each kind of record: what it states, and what becomes of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from checking import checked, refuted, told

from fixtures import write
from owaudit.model.claim import Statement
from owaudit.provenance.kinds import Found, Tree
from owaudit.provenance.records import checksums, kinds

_WEIGHTS = bytes(range(200))
_TREE = Tree(files={}, read=lambda _path: None)


def _hex(algorithm: str, content: bytes = _WEIGHTS) -> str:
    return hashlib.new(algorithm, content).hexdigest()


def _target(folder: Path, files: Mapping[str, bytes]) -> Path:
    write(dict(files), folder)
    return folder


def test_the_kinds_are_these() -> None:
    assert [kind.kind for kind in kinds()] == [
        "lock",
        "bill-of-materials",
        "checksums",
        "dvc",
        "hf-cache",
        "hf-download",
        "mlflow",
        "oci-layout",
        "ollama",
        "shard-index",
        "shard-names",
        "signed",
    ]


def _listed(name: str, text: str) -> list[tuple[str, str, str]]:
    records = list(checksums.parse(Found(name, text.encode(), ""), _TREE))
    return [(item.path, item.algorithm, item.problem) for record in records for item in record.statements]


_A, _B = _hex("sha256"), _hex("md5")


@pytest.mark.parametrize(
    ("name", "text", "stated"),
    [
        ("SHA256SUMS", f"{_A}  a.bin\n{_A} *b c.bin\n", [("a.bin", "sha256", ""), ("b c.bin", "sha256", "")]),
        ("SHA256SUMS", f"{_A}  ./a.bin\r\n", [("a.bin", "sha256", "")]),
        ("CHECKSUM", f"SHA256 (a (1).bin) = {_A}\n", [("a (1).bin", "sha256", "")]),
        ("SHA256SUMS", f"\\{_A}  a\\\\b\\nc\n", [("a\\b\nc", "sha256", "backslash")]),
        ("sub/model.bin.md5", f"{_B}\n", [("sub/model.bin", "md5", "")]),
        ("model.gguf.sha256", f"{_A}\n", [("model.gguf", "sha256", "")]),
        ("B2SUMS", f"{_hex('blake2b')}  a\n", [("a", "blake2b", "")]),
        ("SHA512SUMS", f"{_hex('sha512')}  a\n", [("a", "sha512", "")]),
        ("checksums.txt", f"# note\n{_hex('sha1')}  ../a\n", [("../a", "sha1", "parent")]),
        ("SHA256SUMS", f"{_A}  a\n{'0' * 64}  a\n", [("a", "sha256", "duplicate")]),
        ("SHA256SUMS", f"{_A}  a\n{_A}  a\n", [("a", "sha256", "")]),
        ("SHA256SUMS", f"{_A}  é\n{_A}  É\n", [("é", "sha256", "collides"), ("É", "sha256", "collides")]),
        ("SHA256SUMS", "nothing of the kind\n", []),
    ],
)  # fmt: skip
def test_checksum_lists(name: str, text: str, stated: list[tuple[str, str, str]]) -> None:
    assert _listed(name, text) == stated


def test_a_list_in_the_target_speaks_for_nobody(tmp_path: Path) -> None:
    found = checked(
        _target(tmp_path, {"a.bin": _WEIGHTS, "SHA256SUMS": f"{_A}  a.bin\n{_A}  b.bin\n".encode()})
    )
    assert told(found) == {"a.bin": "verified digest-matches", "b.bin": "absent file-not-here"}
    assert [(r.record, r.authority.value, r.named, r.agreeing, r.is_counted) for r in found.records] == [
        ("SHA256SUMS", "self", 2, 1, False)
    ]
    assert (found.vouched.digest_files, found.vouched.open_files) == (0, 1)


def test_the_same_list_from_outside_counts(tmp_path: Path) -> None:
    place = tmp_path / "SHA256SUMS"
    place.write_text(f"{_A}  a.bin\n", encoding="utf-8")
    found = checked(
        _target(tmp_path / "model", {"a.bin": _WEIGHTS, "b.bin": b"\x00\xff\x01"}), records=[place]
    )
    assert told(found) == {"a.bin": "verified digest-matches"}
    assert (found.vouched.digest_files, found.vouched.open_files) == (1, 1)
    assert [c.reason for c in found.claims if c.artifact == "b.bin"] == ["code-not-recorded"]


@pytest.mark.parametrize(
    ("algorithm", "state"),
    [
        ("sha256", "verified digest-matches"),
        ("sha384", "verified digest-matches"),
        ("sha512", "verified digest-matches"),
        ("sha1", "unverifiable weak-digest"),
        ("md5", "unverifiable weak-digest"),
    ],
)
def test_strength_of_digests(algorithm: str, state: str, tmp_path: Path) -> None:
    text = f"{_hex(algorithm)}  a.bin\n".encode()
    assert told(checked(_target(tmp_path, {"a.bin": _WEIGHTS, "checksums.txt": text})))["a.bin"] == state


def test_a_weak_digest_still_refutes(tmp_path: Path) -> None:
    text = f"{_hex('md5', b'other')}  a.bin\n".encode()
    assert refuted(checked(_target(tmp_path, {"a.bin": _WEIGHTS, "MD5SUMS": text}))) == [
        ("a.bin", "digest-mismatch")
    ]


def test_two_lists_that_disagree(tmp_path: Path) -> None:
    files = {
        "a.bin": _WEIGHTS,
        "SHA256SUMS": f"{_A}  a.bin\n".encode(),
        "a.bin.sha256": f"{'0' * 64}\n".encode(),
    }
    assert refuted(checked(_target(tmp_path, files))) == [
        ("a.bin", "records-disagree"),
        ("a.bin", "digest-mismatch"),
    ]


def test_a_pointer_in_place_of_weights(tmp_path: Path) -> None:
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{_A}\nsize 200\n".encode()
    found = checked(_target(tmp_path, {"model.safetensors": text}))
    assert refuted(found) == [("model.safetensors", "lfs-pointer")]


def test_numbered_sets(tmp_path: Path) -> None:
    names = [f"m-0000{index}-of-00003.gguf" for index in (1, 3)]
    found = checked(_target(tmp_path, dict.fromkeys(names, b"GGUF")))
    assert told(found)["m-00002-of-00003.gguf"] == "unverifiable set-incomplete"
    assert refuted(found) == []
    (tmp_path / "m-00001-of-00002.gguf").write_bytes(b"GGUF")
    assert ("", "mixed-totals") in refuted(checked(tmp_path))


def _safetensors(*names: str) -> bytes:
    header = {
        name: {"dtype": "U8", "shape": [4], "data_offsets": [4 * i, 4 * i + 4]}
        for i, name in enumerate(names)
    }
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(4 * len(names))


def _indexed(total: int = 12, **weights: str) -> dict[str, bytes]:
    index = {"metadata": {"total_size": total}, "weight_map": weights}
    return {
        "a.safetensors": _safetensors("x", "y"),
        "b.safetensors": _safetensors("z"),
        "model.safetensors.index.json": json.dumps(index).encode(),
    }


@pytest.mark.parametrize(
    ("files", "failures"),
    [
        (_indexed(x="a.safetensors", y="a.safetensors", z="b.safetensors"), []),
        (
            _indexed(13, x="a.safetensors", y="a.safetensors", z="b.safetensors"),
            [("", "total-size-mismatch")],
        ),
        (
            _indexed(x="a.safetensors", z="b.safetensors"),
            [("a.safetensors", "tensor-count-mismatch")],
        ),
        (
            _indexed(x="a.safetensors", y="a.safetensors", z="b.safetensors", q="c.safetensors"),
            [("c.safetensors", "shard-missing")],
        ),
    ],
)
def test_indexes(files: dict[str, bytes], failures: list[tuple[str, str]], tmp_path: Path) -> None:
    assert refuted(checked(_target(tmp_path, files))) == failures


def test_dvc(tmp_path: Path) -> None:
    text = f"outs:\n- md5: {_B}\n  size: 200\n  hash: md5\n  path: a.bin\nmeta:\n  path: b\n"
    found = checked(_target(tmp_path, {"a.bin": _WEIGHTS, "a.bin.dvc": text.encode()}))
    assert told(found) == {"a.bin": "unverifiable weak-digest"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (
            "bom.json",
            {
                "bomFormat": "CycloneDX",
                "components": [
                    {"type": "file", "name": "a.bin", "hashes": [{"alg": "SHA-256", "content": _A}]}
                ],
            },
        ),
        (
            "x.spdx.json",
            {
                "spdxVersion": "SPDX-2.3",
                "files": [
                    {"fileName": "./a.bin", "checksums": [{"algorithm": "SHA256", "checksumValue": _A}]}
                ],
            },
        ),
        (
            "x.spdx.json",
            {
                "@graph": [
                    {
                        "type": "software_File",
                        "name": "a.bin",
                        "verifiedUsing": [{"type": "Hash", "algorithm": "sha256", "hashValue": _A}],
                    }
                ]
            },
        ),
    ],
    ids=["cyclonedx", "spdx-2", "spdx-3"],
)
def test_bills_of_materials(name: str, value: object, tmp_path: Path) -> None:
    found = checked(_target(tmp_path, {"a.bin": _WEIGHTS, name: json.dumps(value).encode()}))
    assert told(found) == {"a.bin": "verified digest-matches"}


def test_mlflow_states_no_digest(tmp_path: Path) -> None:
    found = checked(_target(tmp_path, {"MLmodel": b"flavors:\n  sklearn: {}\nsignature:\n  inputs: '[]'\n"}))
    assert [(c.state.value, c.reason) for c in found.claims if c.kind == "mlflow"] == [
        ("absent", "no-digests")
    ]


def _blob(content: bytes) -> tuple[str, dict[str, object]]:
    digest = _hex("sha256", content)
    return digest, {"digest": f"sha256:{digest}", "size": len(content)}


def _ollama() -> dict[str, bytes]:
    contents = [b'{"model_format":"gguf"}', _WEIGHTS, b"{{ .Prompt }}"]
    (_, config), *layers = [_blob(content) for content in contents]
    manifest = {"schemaVersion": 2, "config": config, "layers": [layer for _, layer in layers]}
    files = {f"blobs/sha256-{_hex('sha256', content)}": content for content in contents}
    return {**files, "manifests/registry.ollama.ai/library/m/latest": json.dumps(manifest).encode()}


def test_an_ollama_store(tmp_path: Path) -> None:
    files = _ollama()
    found = checked(_target(tmp_path, files))
    assert (refuted(found), found.vouched.digest_files) == ([], 3)
    layer = f"blobs/sha256-{_A}"
    (tmp_path / layer).write_bytes(_WEIGHTS[::-1])
    assert set(refuted(checked(tmp_path))) == {(layer, "digest-mismatch")}
    (tmp_path / layer).unlink()
    assert refuted(checked(tmp_path)) == [(layer, "file-missing")]


def _oci(title: str = "model.gguf") -> dict[str, bytes]:
    weights, layer = _blob(_WEIGHTS)
    layer["annotations"] = {"org.cncf.model.filepath": title}
    config, described = _blob(b"{}")
    manifest = json.dumps({"schemaVersion": 2, "config": described, "layers": [layer]}).encode()
    name, pointed = _blob(manifest)
    pointed["mediaType"] = "application/vnd.oci.image.manifest.v1+json"
    return {
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
        "index.json": json.dumps({"schemaVersion": 2, "manifests": [pointed]}).encode(),
        f"blobs/sha256/{name}": manifest,
        f"blobs/sha256/{config}": b"{}",
        f"blobs/sha256/{weights}": _WEIGHTS,
    }


def test_an_oci_layout(tmp_path: Path) -> None:
    found = checked(_target(tmp_path, _oci()))
    assert (refuted(found), found.vouched.digest_files) == ([], 3)
    (tmp_path / f"blobs/sha256/{_A}").write_bytes(_WEIGHTS[:-1])
    assert refuted(checked(tmp_path)) == [(f"blobs/sha256/{_A}", "size-mismatch")]


def test_an_oci_layer_that_would_leave_the_folder(tmp_path: Path) -> None:
    found = checked(_target(tmp_path, _oci("../../.bashrc")))
    names = [c for c in found.claims if c.reason == "name-parent"]
    assert [(c.artifact, c.state.value) for c in names] == [("../../.bashrc", "failed")]


def test_what_a_statement_is() -> None:
    assert Statement(path="a") == Statement(
        path="a", algorithm="", digest="", size=-1, tensors=-1, start=0, end=-1
    )
