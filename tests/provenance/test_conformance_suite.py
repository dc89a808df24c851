"""The conformance suite of Sigstore, in this process: every case, by path and by digest."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from checking import VECTORS, needs_vectors
from click.testing import CliRunner

from owaudit.cli import main

_CASES = VECTORS / "sigstore-conformance" / "bundle-verify"
_BEACON = (
    "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/"
    ".github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main"
)
_ISSUER = "https://token.actions.githubusercontent.com"
_EXPECTED_FAILURES = {
    "intoto-with-custom-trust-root": "sigstore-python takes no log entry of the kind intoto",
    "trust-root-tsa-validity-end-inclusive": "sigstore-python 4.5.1 leaves out the last moment of validity",
}


def _names() -> list[str]:
    return sorted(folder.name for folder in _CASES.iterdir() if folder.is_dir()) if _CASES.is_dir() else []


def _stored(folder: Path, name: str, usual: str) -> str:
    place = folder / name
    return place.read_text(encoding="utf-8").strip() if place.exists() else usual


def _arguments(folder: Path) -> list[str]:
    arguments = ["conformance", "verify-bundle", "--bundle", str(folder / "bundle.sigstore.json")]
    if (folder / "key.pub").exists():
        arguments += ["--key", str(folder / "key.pub")]
    else:
        arguments += ["--certificate-identity", _stored(folder, "identity", _BEACON)]
        arguments += ["--certificate-oidc-issuer", _stored(folder, "issuer", _ISSUER)]
    if (folder / "trusted_root.json").exists():
        arguments += ["--trusted-root", str(folder / "trusted_root.json")]
    return arguments


@needs_vectors
def test_the_suite_is_whole() -> None:
    assert len(_names()) == 70
    assert set(_names()) >= _EXPECTED_FAILURES.keys()


@needs_vectors
@pytest.mark.parametrize("by_digest", [False, True], ids=["path", "digest"])
@pytest.mark.parametrize("name", _names())
def test_case(name: str, by_digest: bool, request: pytest.FixtureRequest) -> None:
    if name in _EXPECTED_FAILURES:
        request.applymarker(pytest.mark.xfail(strict=True, reason=_EXPECTED_FAILURES[name]))
    folder = _CASES / name
    artifact = folder / "artifact" if (folder / "artifact").exists() else _CASES / "a.txt"
    subject = f"sha256:{hashlib.sha256(artifact.read_bytes()).hexdigest()}" if by_digest else str(artifact)
    outcome = CliRunner().invoke(main, [*_arguments(folder), subject])
    assert isinstance(outcome.exception, SystemExit | None), outcome.exception
    # The key of one case is no key at all, which is a wrong invocation and not a refused signature.
    refused = 2 if name == "managed-key-wrong-key_fail" else 1
    assert outcome.exit_code == (refused if name.endswith("_fail") else 0)
