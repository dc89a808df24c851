"""Findings, files and policies for the tests of waivers and baselines."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from evidence_maker import evidence, read

from owaudit.judge.findings import Made, fingerprint
from owaudit.judge.standing import Files
from owaudit.model.artifact import Artifact, Digest
from owaudit.model.location import Location
from owaudit.model.observation import Observation
from owaudit.model.policy import Policy, Waiver, Waiving
from owaudit.model.report import Finding, Status
from owaudit.model.rule import Axis, Confidence, Severity

TODAY = "2026-11-20"
RULES = frozenset({"OWA1002", "OWA1003", "OWA3001", "OWA5101", "OWA9002"})


def digest_of(path: str) -> str:
    """The digest that ``files`` gives a path."""
    return hashlib.sha256(path.encode()).hexdigest()


def files(*paths: str, changed: tuple[str, ...] = ()) -> Files:
    """Files whose digests follow from their paths, apart from the changed ones."""
    artifacts = [
        Artifact(
            path=path,
            size=10,
            digests=(Digest("sha256", digest_of(path + "'" if path in changed else path)),),
        )
        for path in paths
    ]
    return Files(evidence(artifacts=artifacts, coverage=[read(path) for path in paths]))


def made(
    rule: str = "OWA1002", path: str = "a.pkl", observation: Observation | None = None, **changes: Any
) -> Made:
    """A finding at the gate in one file."""
    place = (Location(artifact=path),) if path else ()
    finding = Finding(
        fingerprint=fingerprint(rule, path, (), "key"),
        rule=rule,
        name="a-name",
        title="A title",
        severity=Severity.HIGH,
        confidence=Confidence.HIGH,
        status=Status.OPEN,
        axis=Axis.LOAD,
        family="",
        gating=True,
        leaves_open=True,
        artifact=path,
        location=place[0] if place else None,
        locations=place,
        count=1,
        message="A message",
        evidence=(),
        explanation="",
        remediation="",
        references=(),
    )
    return Made(replace(finding, **changes), observation)


def waiver(**changes: Any) -> Waiver:
    """A waiver in force for OWA1002 in ``a.pkl``."""
    usual = Waiver(
        id="W-1",
        rule="OWA1002",
        sha256=(digest_of("a.pkl"),),
        owner="models",
        reason="read in full",
        created="2026-11-01",
        expires="2026-11-20",
    )
    return replace(usual, **changes)


def policy(*waivers: Waiver, also: tuple[str, ...] = (), days: int = 180) -> Policy:
    """A policy of these waivers."""
    return Policy(waivers=waivers, waiving=Waiving(days=days, also=also))
