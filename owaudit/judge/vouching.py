"""The sections of a policy about records and signers.

Keys and roots are read from files beside the policy, or stand in it as text; either way their text
becomes part of the effective policy and of its digest. Nothing is read from what is audited.
"""

from __future__ import annotations

from pathlib import Path

from owaudit.errors import UsageError
from owaudit.judge.strict import Section
from owaudit.model.claim import Authority
from owaudit.model.policy import IntegrityPolicy, OriginPolicy, Signer

_REQUIRABLE = (Authority.AUTHENTICATED, Authority.PINNED, Authority.TRANSPORT)
_LARGEST_KEY = 256 * 1024
_MINISIGN_TEXT = 56
"""Characters of a minisign key."""


def read_integrity(section: Section) -> IntegrityPolicy:
    """Read ``[integrity]``. Raises UsageError for a wrong value."""
    inner = section.section("integrity")
    if inner is None:
        return IntegrityPolicy()
    word = inner.choice("required", ("no", *map(str, _REQUIRABLE)), "no")
    read = IntegrityPolicy(
        authority=None if word == "no" else Authority(word),
        records=inner.texts("records", ()),
        revision=inner.text("revision", ""),
        allow_unrecorded=inner.texts("allow_unrecorded", ()),
    )
    inner.finish()
    return read


def read_origin(section: Section, folder: Path) -> OriginPolicy:
    """Read ``[origin]``; files of keys and roots are relative to ``folder``.

    Raises:
        UsageError: a wrong value, a file that cannot be read, a signer given in no way or in two, or a
            signature that is required of nobody.
    """
    inner = section.section("origin")
    if inner is None:
        return OriginPolicy()
    signers = tuple(_signer(item, folder) for item in inner.sections("signers"))
    required = inner.boolean("required", False)
    if required and not signers:
        raise inner.error("required", "a signature is required, and the policy names no signer")
    inner.finish()
    return OriginPolicy(required=required, signers=signers)


def _signer(item: Section, folder: Path) -> Signer:
    signer = Signer(
        model=item.text("model", "*"),
        identity=item.text("identity", ""),
        issuer=item.text("issuer", ""),
        source_repository=item.text("source_repository", ""),
        key=key_text(item.text("key", ""), folder),
        ca=key_text(item.text("ca", ""), folder),
        name=item.text("name", ""),
    )
    item.finish()
    problem = signer_problem(signer)
    if problem:
        raise item.error("", problem)
    return signer


def signer_problem(signer: Signer) -> str:
    """Say why a signer cannot be used; empty when it can."""
    ways = sum(bool(way) for way in (signer.identity, signer.key, signer.ca))
    if ways != 1:
        return "expected exactly one of identity, key and ca"
    if bool(signer.identity) != bool(signer.issuer):
        return "an identity needs the issuer that vouches for it"
    if signer.source_repository and not signer.identity:
        return "source_repository belongs to an identity"
    return "name belongs to a ca" if signer.name and not signer.ca else ""


def key_text(value: str, folder: Path) -> str:
    """The text of a key or of certificates: the value itself, or that of the file it names.

    Raises:
        UsageError: the file cannot be read as ASCII or is too long.
    """
    if not value or "-----BEGIN" in value or (len(value) == _MINISIGN_TEXT and value.startswith("RW")):
        return value
    path = folder / value
    try:
        with path.open("rb") as stream:
            raw = stream.read(_LARGEST_KEY + 1)
        if len(raw) > _LARGEST_KEY:
            raise UsageError(f"{path.name}: longer than {_LARGEST_KEY} bytes")
        return raw.decode("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path.name}: {error}") from error
