"""Signatures of five releases of the OMS library, made by its authors: they verify, and one change
makes each of them fail for its own reason."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from checking import VECTORS, answers, checked, needs_vectors, refuted

from owaudit.model.policy import Signer

_FOLDER = VECTORS / "model-transparency"
_ISSUER = "https://sigstore.verify.ibm.com/oauth2"
_IDENTITY = "stefanb@us.ibm.com"


def _names() -> list[str]:
    return sorted(folder.name for folder in _FOLDER.glob("v*")) if _FOLDER.is_dir() else []


def _pem(name: str) -> str:
    return (_FOLDER / "keys" / name).read_text(encoding="ascii")


def _right(name: str) -> Signer:
    if name.endswith("elliptic-key"):
        return Signer(key=_pem("signing-key-pub.pem"))
    if name.endswith("certificate"):
        return Signer(ca=_pem("ca-cert.pem"))
    return Signer(identity=_IDENTITY, issuer=_ISSUER)


@needs_vectors
def test_there_are_thirteen() -> None:
    assert len(_names()) == 13


@needs_vectors
@pytest.mark.parametrize("name", _names())
def test_verified_with_the_right_signer(name: str) -> None:
    found = checked(_FOLDER / name, _right(name), allow=["ignore-me"])
    assert answers(found) == [("verified", "signer-expected")]
    assert refuted(found) == []
    assert found.vouched.signed_files in (1, 2)
    assert found.vouched.open_files == 0


@needs_vectors
@pytest.mark.parametrize("name", _names())
def test_one_flipped_byte_of_a_file_is_a_digest_mismatch(name: str, tmp_path: Path) -> None:
    target = Path(shutil.copytree(_FOLDER / name, tmp_path / name))
    content = bytearray((target / "signme-1").read_bytes())
    content[0] ^= 1
    (target / "signme-1").write_bytes(content)
    found = checked(target, _right(name), allow=["ignore-me"])
    assert refuted(found) == [("signme-1", "digest-mismatch")]
    assert answers(found) == [("verified", "signer-expected")]


@needs_vectors
@pytest.mark.parametrize("name", _names())
def test_one_flipped_byte_of_the_signature_fails(name: str, tmp_path: Path) -> None:
    target = Path(shutil.copytree(_FOLDER / name, tmp_path / name))
    text = (target / "model.sig").read_text(encoding="utf-8")
    start = text.index('"sig"') + 20
    (target / "model.sig").write_text(text[:start] + ("A" if text[start] != "A" else "B") + text[start + 1 :])
    (answer,) = answers(checked(target, _right(name), allow=["ignore-me"]))
    assert answer[0] == "failed"
    assert answer[1] in ("signature-invalid", "signature-mismatch", "no-key-fits")


@needs_vectors
@pytest.mark.parametrize("name", [name for name in _names() if name.endswith("sigstore")])
@pytest.mark.parametrize(
    ("signer", "reason"),
    [
        (Signer(identity="somebody@example.org", issuer=_ISSUER), "wrong-signer"),
        (Signer(identity=_IDENTITY.upper(), issuer=_ISSUER), "wrong-signer"),
        (Signer(identity=_IDENTITY, issuer=f"{_ISSUER}/"), "wrong-issuer"),
    ],
)
def test_wrong_identity_and_issuer(name: str, signer: Signer, reason: str) -> None:
    found = checked(_FOLDER / name, signer, allow=["ignore-me"])
    assert answers(found) == [("failed", reason)]
    assert found.signatures[0].sound
    assert found.signatures[0].identities == (_IDENTITY,)


@needs_vectors
@pytest.mark.parametrize("name", [name for name in _names() if name.endswith("sigstore")])
def test_without_a_signer_it_is_not_pinned(name: str) -> None:
    found = checked(_FOLDER / name, allow=["ignore-me"])
    assert answers(found) == [("unverifiable", "signer-not-pinned")]
    assert found.vouched.signed_files == 0
    assert f'identity = "{_IDENTITY}"' in found.signatures[0].policy_line


@needs_vectors
def test_the_vectors_of_the_specification(tmp_path: Path) -> None:
    folder = VECTORS / "model-signing-spec" / "test-vectors" / "v1.0"
    found = {}
    for place in sorted(folder.glob("*/*.json")):
        target = tmp_path / place.stem
        target.mkdir()
        shutil.copy(place, target / "model.sig")
        signer = _right(
            {"key": "elliptic-key", "certificate": "certificate"}.get(place.name.partition(".")[0], "")
        )
        found[f"{place.parent.name}/{place.name.partition('.')[0]}"] = answers(checked(target, signer))
    assert found == {
        "invalid/empty": [("failed", "malformed-bundle")],
        "invalid/missing-envelope": [("failed", "malformed-envelope")],
        "invalid/missing-tlog-entries": [("failed", "no-log-entry")],
        "invalid/missing-verification-material": [("failed", "malformed-verification-material")],
        "invalid-payload/wrong-predicate": [("failed", "malformed-predicate-type")],
        "valid/certificate": [("verified", "signer-expected")],
        "valid/key": [("verified", "signer-expected")],
        "valid/sigstore": [("verified", "signer-expected")],
    }
