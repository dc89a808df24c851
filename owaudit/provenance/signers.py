"""Who signed against who may sign: exact comparison, and a near miss explained.

Source: sigstore-python ``policy``: identities are compared exactly, with their case.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Sequence
from dataclasses import dataclass

from owaudit.model.claim import ClaimState
from owaudit.model.policy import Signer
from owaudit.provenance.sigstore_bundles import SignerFacts


@dataclass(frozen=True, slots=True)
class SignerMatch:
    """Whether the signer is expected; ``reason`` is a code, ``detail`` a sentence, ``expected`` and
    ``found`` are the values to show side by side."""

    state: ClaimState
    reason: str
    detail: str
    expected: tuple[str, ...] = ()
    found: tuple[str, ...] = ()


def for_target(signers: Sequence[Signer], target: str) -> tuple[Signer, ...]:
    """The signers that the policy accepts for a target of this name."""
    return tuple(signer for signer in signers if fnmatch.fnmatchcase(target, signer.model))


def match_identity(facts: SignerFacts, signers: Sequence[Signer]) -> SignerMatch:
    """Hold what a certificate says against the identities of the policy.

    Identity and issuer must both be equal, and the source repository where the policy names one.
    """
    found = (*(facts.identities or ("no identity",)), facts.issuer or "no issuer")
    if facts.source_repository:
        found = (*found, facts.source_repository)
    pinned = [signer for signer in signers if signer.identity]
    if not signers:
        return SignerMatch(
            ClaimState.UNVERIFIABLE,
            "signer-not-pinned",
            "the policy names no signer, so whether this is the right one is not known",
            found=found,
        )
    if not pinned:
        return SignerMatch(
            ClaimState.FAILED,
            "signer-not-expected",
            "the policy expects a key or a certificate, not a Sigstore identity",
            found=found,
        )
    for signer in pinned:
        if _fits(facts, signer):
            return SignerMatch(
                ClaimState.VERIFIED,
                "signer-expected",
                "identity and issuer are those of the policy",
                found=found,
            )
    nearest = max(pinned, key=lambda signer: _nearness(facts, signer))
    expected = tuple(x for x in (nearest.identity, nearest.issuer, nearest.source_repository) if x)
    reason, detail = _difference(facts, nearest)
    return SignerMatch(ClaimState.FAILED, reason, detail, expected, found)


def _fits(facts: SignerFacts, signer: Signer) -> bool:
    return (
        signer.identity in facts.identities
        and signer.issuer == facts.issuer
        and signer.source_repository in ("", facts.source_repository)
    )


def _nearness(facts: SignerFacts, signer: Signer) -> int:
    return 2 * (signer.identity in facts.identities) + (signer.issuer == facts.issuer)


def _difference(facts: SignerFacts, signer: Signer) -> tuple[str, str]:
    same_issuer = signer.issuer == facts.issuer
    if signer.identity in facts.identities and same_issuer:
        return "wrong-source", "the signer is the expected one, the source repository is another"
    if signer.identity in facts.identities:
        return "wrong-issuer", "the identity is the expected one, but another issuer vouches for it"
    if signer.identity.casefold() in (name.casefold() for name in facts.identities):
        return "wrong-signer", "the identity differs from the policy only in upper and lower case"
    if same_issuer:
        return "wrong-signer", "the issuer is the expected one, the identity is another"
    return "wrong-signer", "identity and issuer both differ from the policy"


def line_for_identity(facts: SignerFacts, target: str) -> str:
    """The lines of a policy that would accept this signer."""
    if not facts.identities:
        return ""
    lines = [
        "[[origin.signers]]",
        f"model = {toml_text(target)}",
        f"identity = {toml_text(facts.identities[0])}",
        f"issuer = {toml_text(facts.issuer)}",
    ]
    if facts.source_repository:
        lines.append(f"source_repository = {toml_text(facts.source_repository)}")
    return "\n".join(lines)


def toml_text(text: str) -> str:
    """A TOML string; JSON escapes are those of TOML for what can stand in one."""
    return json.dumps(text, ensure_ascii=True).replace("\x7f", "\\u007f")
