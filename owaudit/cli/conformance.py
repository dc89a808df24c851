"""``owaudit conformance``: the client that the conformance suite of Sigstore runs."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path

import click

from owaudit.errors import UsageError

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})\Z")


@click.group(name="conformance", hidden=True)
def command() -> None:
    """Commands of the conformance suite of Sigstore; exit code 0 means verified, 1 refused."""


@command.command(name="verify-bundle")
@click.option("--staging", is_flag=True)
@click.option("--bundle", required=True, type=click.Path(path_type=Path))
@click.option("--certificate-identity", "identity", default="")
@click.option("--certificate-oidc-issuer", "issuer", default="")
@click.option("--key", "key_file", type=click.Path(path_type=Path), default=None)
@click.option("--trusted-root", type=click.Path(path_type=Path), default=None)
@click.argument("subject")
def verify_bundle(
    staging: bool,
    bundle: Path,
    identity: str,
    issuer: str,
    key_file: Path | None,
    trusted_root: Path | None,
    subject: str,
) -> int:
    """Check a bundle over SUBJECT: a file, or sha256: and a digest."""
    from owaudit.errors import VerificationError
    from owaudit.model.policy import Signer
    from owaudit.provenance import conformance
    from owaudit.provenance.trust import PRODUCTION, STAGING, Trust

    match = _DIGEST.match(subject)
    try:
        digest = match[1] if match else _digest(Path(subject))
        content = bundle.read_bytes()
        key = key_file.read_text(encoding="ascii") if key_file else ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(str(error)) from error
    if not key and not (identity and issuer):
        raise UsageError("an identity with its issuer, or a key, is needed")
    signer = Signer(key=key) if key else Signer(identity=identity, issuer=issuer)
    trust = Trust(
        moment=datetime.now(tz=UTC), root_file=trusted_root, instance=STAGING if staging else PRODUCTION
    )
    try:
        conformance.verify_bundle(content, digest, signer, trust)
    except VerificationError as error:
        click.echo(f"owaudit: {error}", err=True)
        return 1
    return 0


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
