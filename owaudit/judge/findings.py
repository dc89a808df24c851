"""From matches to findings: identity, order, and the metadata of the rule."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from owaudit.judge.wording import cut
from owaudit.model.evidence import Evidence
from owaudit.model.location import Location
from owaudit.model.observation import KEPT_LOCATIONS, NameUsed, Observation, SecondOpinion
from owaudit.model.policy import Gate
from owaudit.model.report import Finding, Status
from owaudit.model.rule import Match, RuleMeta

_LONGEST_MESSAGE = 2000


@dataclass(frozen=True, slots=True)
class Ruled:
    """A match and the rule it comes from, before it has an identity."""

    meta: RuleMeta
    match: Match


@dataclass(frozen=True, slots=True)
class Made:
    """A finding and the observation behind it, which the listings and loaders ask about."""

    finding: Finding
    observation: Observation | None


def make(ruled: Iterable[Ruled], gate: Gate) -> list[Made]:
    """Build findings in report order: gating, severity, artifact, offset, rule.

    Fingerprints are SHA-256 over rule, artifact path, members and key; where two are equal, the
    later ones in report order get an ordinal, so the order of the matches does not matter.
    """
    ordered = sorted(ruled, key=lambda item: _order(item, gate))
    seen: Counter[tuple[str, str, tuple[str, ...], str]] = Counter()
    made = []
    for item in ordered:
        location = _locations(item.match)[:1]
        artifact, members = (location[0].artifact, location[0].members) if location else ("", ())
        identity = (item.meta.id, artifact, members, item.match.key)
        made.append(_finding(item, gate, fingerprint(*identity, ordinal=seen[identity])))
        seen[identity] += 1
    return made


def corroborated(made: Iterable[Made], evidence: Evidence) -> list[Made]:
    """Name the other scanners that report the same name in the same file as a finding."""
    said: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for opinion in evidence.of(SecondOpinion):
        said[opinion.location.artifact, opinion.name].add(opinion.engine)
    found = []
    for item in made:
        engines: set[str] = set()
        if said and isinstance(item.observation, NameUsed):
            for spelling in item.observation.spellings:
                engines |= said.get((item.finding.artifact, spelling), set())
        finding = replace(item.finding, corroborated_by=tuple(sorted(engines))) if engines else item.finding
        found.append(Made(finding, item.observation))
    return found


def fingerprint(rule: str, artifact: str, members: tuple[str, ...], key: str, *, ordinal: int = 0) -> str:
    """Return the 16 hex digits that name a finding from one report to the next."""
    parts: list[object] = [rule, artifact, list(members), key]
    if ordinal:
        parts.append(ordinal)
    # ASCII escapes keep lone surrogates of file names encodable.
    return hashlib.sha256(json.dumps(parts).encode("ascii")).hexdigest()[:16]


def gates(meta: RuleMeta, gate: Gate) -> bool:
    """Is a finding of this rule at or above the gate?"""
    return gate.fail_on is not None and meta.severity.reaches(gate.fail_on)


def _locations(match: Match) -> tuple[Location, ...]:
    if match.locations or match.observation is None:
        return match.locations
    return match.observation.locations


def _order(item: Ruled, gate: Gate) -> tuple[object, ...]:
    locations = _locations(item.match)
    first = locations[0] if locations else Location(artifact="")
    return (
        not gates(item.meta, gate),
        -item.meta.severity.rank,
        first.artifact,
        first.members,
        -1 if first.start is None else first.start,
        item.meta.id,
        item.match.key,
        item.match.message,
        tuple((e.label, e.value) for e in item.match.evidence),
    )


def _finding(item: Ruled, gate: Gate, identity: str) -> Made:
    meta, match = item.meta, item.match
    locations = _locations(match)
    count = match.observation.count if match.observation is not None else max(1, len(locations))
    finding = Finding(
        fingerprint=identity,
        rule=meta.id,
        name=meta.name,
        title=meta.title,
        severity=meta.severity,
        confidence=match.confidence,
        status=Status.OPEN,
        axis=meta.axis,
        family=meta.family,
        gating=gates(meta, gate),
        leaves_open=meta.leaves_open,
        artifact=locations[0].artifact if locations else "",
        location=locations[0] if locations else None,
        locations=locations[:KEPT_LOCATIONS],
        count=count,
        message=cut(match.message, _LONGEST_MESSAGE),
        evidence=match.evidence,
        explanation=meta.explanation,
        remediation=match.remedy or meta.remediation,
        references=meta.references,
        policy_line=match.policy_line,
    )
    return Made(finding, match.observation)
