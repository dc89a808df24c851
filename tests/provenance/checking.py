"""Check the records of a folder in this process; shared by the tests of provenance."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from owaudit.model.claim import Provenance
from owaudit.model.policy import IntegrityPolicy, OriginPolicy, Policy, Signer
from owaudit.pipeline import collect
from owaudit.provenance.check import check
from owaudit.provenance.trust import Trust

MOMENT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors"

needs_vectors = pytest.mark.skipif(
    not VECTORS.is_dir(), reason="the public test data is not beside the checkout"
)


def checked(
    target: Path,
    *signers: Signer,
    allow: Sequence[str] = (),
    records: Sequence[Path] = (),
    required: bool = False,
    moment: datetime = MOMENT,
    root: Path | None = None,
) -> Provenance:
    """Collect a target and check its records under a policy with these signers."""
    policy = Policy(
        integrity=IntegrityPolicy(allow_unrecorded=tuple(allow)),
        origin=OriginPolicy(required=required, signers=signers),
    )
    evidence = collect([target], jobs=1, records=records)
    return check(evidence, policy, Trust(moment=moment, root_file=root)).provenance


def answers(provenance: Provenance) -> list[tuple[str, str]]:
    """State and reason of every signature."""
    return [(signature.state.value, signature.reason) for signature in provenance.signatures]


def refuted(provenance: Provenance) -> list[tuple[str, str]]:
    """Path and reason of every claim that failed."""
    return [(claim.artifact, claim.reason) for claim in provenance.claims if claim.state.value == "failed"]


def told(provenance: Provenance) -> dict[str, str]:
    """State and reason by path, for the claims that a record makes."""
    return {claim.artifact: f"{claim.state} {claim.reason}" for claim in provenance.claims if claim.record}
