"""Short true facts about each file, the listings of its pickles, and the subject as a whole."""

from __future__ import annotations

import bisect
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from owaudit.judge.findings import Made
from owaudit.model.coverage import Coverage, State
from owaudit.model.evidence import Evidence
from owaudit.model.observation import NameUsed, Observation, PickleStream, TensorTable
from owaudit.model.report import ArtifactReport, Listing, ListingLine, Subject

_WORST_FIRST = {State.UNREAD: 0, State.PARTIAL: 1, State.READ: 2}
_MOST_LINKED = 32
"""Findings linked to one line; a line of a hostile pickle may use very many names."""


def state_of(rows: Iterable[Coverage]) -> State:
    """The worst state of a file's rows; a file without any row was not read."""
    return min((row.state for row in rows), key=_WORST_FIRST.__getitem__, default=State.UNREAD)


def coverage_by_artifact(evidence: Evidence) -> dict[str, tuple[Coverage, ...]]:
    """Coverage rows of each artifact, the file itself first, then members by name."""
    found: dict[str, list[Coverage]] = defaultdict(list)
    for row in evidence.coverage:
        found[row.artifact].append(row)
    return {path: tuple(sorted(rows, key=lambda row: row.members)) for path, rows in found.items()}


def artifact_reports(evidence: Evidence, made: Sequence[Made]) -> tuple[ArtifactReport, ...]:
    """One row per artifact, sorted by path, with the fingerprints of its findings."""
    coverage = coverage_by_artifact(evidence)
    facts: dict[str, list[Observation]] = defaultdict(list)
    for observation in evidence.of(TensorTable, PickleStream, NameUsed):
        facts[observation.location.artifact].append(observation)
    findings: dict[str, list[str]] = defaultdict(list)
    for item in made:
        findings[item.finding.artifact].append(item.finding.fingerprint)
    return tuple(
        ArtifactReport(
            path=artifact.path,
            size=artifact.size,
            digests=artifact.digests,
            formats=artifact.formats,
            summary=_summary(facts[artifact.path]),
            coverage=coverage.get(artifact.path, ()),
            findings=tuple(findings[artifact.path]),
        )
        for artifact in sorted(evidence.artifacts, key=lambda artifact: artifact.path)
    )


def _summary(facts: Sequence[Observation]) -> str:
    parts = []
    tables = [fact for fact in facts if isinstance(fact, TensorTable)]
    if tables:
        kinds = {kind for table in tables for kind, _ in table.element_types}
        parts.append(_count(sum(table.tensors for table in tables), "tensor"))
        if kinds:
            parts.append(_count(len(kinds), "dtype"))
    streams = [fact for fact in facts if isinstance(fact, PickleStream)]
    if streams:
        parts.append("pickle" if len(streams) == 1 else f"{len(streams)} pickles")
        protocols = sorted({stream.protocol for stream in streams})
        parts.append(
            ("protocol " if len(protocols) == 1 else "protocols ")
            + ", ".join(str(protocol) for protocol in protocols)
        )
        parts.append(_count(len({fact.name for fact in facts if isinstance(fact, NameUsed)}), "name"))
    return ", ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"


def listings(evidence: Evidence, made: Sequence[Made]) -> tuple[Listing, ...]:
    """What each pickle does, line by line, with the findings that each line belongs to.

    A finding about a name belongs to every line of its unit that uses the name; another finding
    belongs to the lines its places fall into.
    """
    by_name: dict[tuple[str, str], list[str]] = defaultdict(list)
    by_place: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for item in made:
        if isinstance(item.observation, NameUsed):
            unit = item.observation.location.unit
            by_name[unit, item.observation.name].append(item.finding.fingerprint)
        elif not isinstance(item.observation, PickleStream):
            for location in item.finding.locations:
                if location.start is not None:
                    by_place[location.unit].append((location.start, item.finding.fingerprint))
    found = []
    streams = [stream for stream in evidence.of(PickleStream) if stream.program]
    for stream in sorted(streams, key=lambda s: (s.location.artifact, s.location.members, s.index)):
        unit = stream.location.unit
        places = sorted(by_place.get(unit, ()))
        lines = []
        for line in stream.program:
            linked = [mark for name in line.names for mark in by_name.get((unit, name), ())]
            linked += [mark for _, mark in _between(places, line.start, line.end)]
            lines.append(ListingLine(line=line, findings=tuple(dict.fromkeys(linked))[:_MOST_LINKED]))
        found.append(
            Listing(
                location=stream.location,
                protocol=stream.protocol,
                instructions=stream.instructions,
                ending=stream.ending,
                lines=tuple(lines),
                left_out=stream.program_left_out,
            )
        )
    return tuple(found)


def _between(places: list[tuple[int, str]], start: int, end: int) -> list[tuple[int, str]]:
    return places[bisect.bisect_left(places, (start, "")) : bisect.bisect_left(places, (end, ""))]


def subject(evidence: Evidence) -> Subject:
    """Name, sizes and the digest over all files.

    ``root_digest`` is SHA-256 over the sorted lines ``<sha256>  <path>``.
    """
    artifacts = sorted(evidence.artifacts, key=lambda artifact: artifact.path)
    lines = sorted(f"{artifact.sha256}  {artifact.path}\n" for artifact in artifacts if artifact.sha256)
    complete = bool(artifacts) and len(lines) == len(artifacts)
    root = hashlib.sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest() if complete else ""
    formats = Counter(artifact.formats[0] if artifact.formats else "unknown" for artifact in artifacts)
    return Subject(
        name=evidence.target.name,
        files=evidence.target.files,
        size=evidence.target.size,
        root_digest=root,
        revision=_revision(evidence),
        formats=tuple(
            sorted(
                ((str(name), count) for name, count in formats.items()), key=lambda pair: (-pair[1], pair[0])
            )
        ),
    )


def _revision(evidence: Evidence) -> str:
    """The revision that the records of the download agree on; empty where they name none or several."""
    known = {record.revision for record in evidence.records if record.revision}
    return known.pop() if len(known) == 1 else ""
