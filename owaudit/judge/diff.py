"""What differs between two audits: findings, files, names, operators, templates, programs, tensors, signers.

A report holds its findings, files, records and the names of its listings; everything else takes the
evidence too. Where one side has none, the parts that need it are named, not guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from owaudit.judge.wording import cut
from owaudit.model.code_facts import (
    CodeReference,
    ConfigSwitch,
    DependencyNamed,
    ProgramCall,
    ScriptOperator,
    TemplateExpression,
)
from owaudit.model.difference import Change, Difference, Kind, Side
from owaudit.model.evidence import Evidence
from owaudit.model.graph_facts import OperatorUsed
from owaudit.model.observation import MetadataEntry, NameUsed, TensorTable
from owaudit.model.report import Finding, Report

PARTS = (
    "findings", "files", "imports", "operators", "templates", "programs", "settings", "tensors",
    "metadata", "records", "signers",
)  # fmt: skip
"""The parts in the order in which they are told."""
_FROM_EVIDENCE = ("operators", "templates", "programs", "settings", "tensors", "metadata")
_LONGEST = 300

Key = tuple[str, str]
"""Where (file and member) and what."""


@dataclass(frozen=True, slots=True)
class Audit:
    """A report, and the evidence it was made from where that is at hand."""

    report: Report
    evidence: Evidence | None = None


def difference(old: Audit, new: Audit) -> Difference:
    """Compare two audits; the changes are sorted by part, kind, place and subject."""
    changes = [*_findings(old.report, new.report), *_files(old.report, new.report)]
    both = old.evidence is not None and new.evidence is not None
    for part in PARTS[2:]:
        if part in _FROM_EVIDENCE and not both:
            continue
        changes += _compared(part, _things(part, old, whole=both), _things(part, new, whole=both))
    order = {part: number for number, part in enumerate(PARTS)}
    changes.sort(key=lambda c: (order[c.part], list(Kind).index(c.kind), c.artifact, c.subject, c.old, c.new))
    return Difference(
        old=_side(old),
        new=_side(new),
        changes=tuple(changes),
        not_compared=() if both else _left_out(old, new),
    )


def _side(audit: Audit) -> Side:
    report = audit.report
    return Side(
        name=report.subject.name,
        root_digest=report.subject.root_digest,
        files=report.subject.files,
        size=report.subject.size,
        result=report.verdict.result,
        exit_code=report.verdict.exit_code,
        axes=report.axes,
        has_evidence=audit.evidence is not None,
    )


def _left_out(old: Audit, new: Audit) -> tuple[str, ...]:
    words = ", ".join(_FROM_EVIDENCE[:-1]) + f" and {_FROM_EVIDENCE[-1]}"
    told = [f"A report does not hold {words}: give the files or their evidence on both sides."]
    left = sum(listing.left_out for audit in (old, new) for listing in audit.report.listings)
    if left:
        told.append(f"Imports are those of the listings, which leave out {left:,} lines.")
    return tuple(told)


# Findings and files -------------------------------------------------------------------------------


def _findings(old: Report, new: Report) -> Iterator[Change]:
    before = {finding.fingerprint: finding for finding in old.findings}
    after = {finding.fingerprint: finding for finding in new.findings}
    for fingerprint in before.keys() | after.keys():
        was, now = before.get(fingerprint), after.get(fingerprint)
        shown = now or was
        if shown is None or (was is not None and now is not None and _standing(was) == _standing(now)):
            continue
        yield Change(
            part="findings",
            kind=_kind(was, now),
            subject=f"{shown.rule} {cut(shown.message, _LONGEST)}",
            artifact=str(shown.location or shown.artifact),
            old=_standing(was),
            new=_standing(now),
            weight=shown.severity,
        )


def _kind(was: object, now: object) -> Kind:
    if was is None:
        return Kind.ADDED
    return Kind.REMOVED if now is None else Kind.CHANGED


def _standing(finding: Finding | None) -> str:
    if finding is None:
        return ""
    gate = ", at the gate" if finding.gating else ", keeps the verdict open" if finding.leaves_open else ""
    return f"{finding.severity}, {finding.status}{gate}"


def _files(old: Report, new: Report) -> Iterator[Change]:
    before, after = _digests(old), _digests(new)
    gone = {path: value for path, value in before.items() if path not in after}
    come = {path: value for path, value in after.items() if path not in before}
    by_bytes: dict[str, list[str]] = {}
    for path in sorted(come):
        by_bytes.setdefault(come[path], []).append(path)
    for path in sorted(gone):
        others = by_bytes.get(gone[path], [])
        if others and gone[path]:
            target = others.pop(0)
            del come[target]
            yield Change(part="files", kind=Kind.MOVED, subject=target, artifact=path, old=path, new=target)
        else:
            yield Change(part="files", kind=Kind.REMOVED, subject=path, artifact=path, old=gone[path])
    for path in sorted(come):
        yield Change(part="files", kind=Kind.ADDED, subject=path, artifact=path, new=come[path])
    for path in sorted(before.keys() & after.keys()):
        if before[path] != after[path] or not before[path]:
            yield Change(
                part="files",
                kind=Kind.CHANGED,
                subject=path,
                artifact=path,
                old=before[path] or "not known",
                new=after[path] or "not known",
            )


def _digests(report: Report) -> dict[str, str]:
    """SHA-256 by path, empty where a file was not read to its end."""
    return {
        artifact.path: next((d.hex for d in artifact.digests if d.algorithm == "sha256"), "")
        for artifact in report.artifacts
    }


# Everything else ----------------------------------------------------------------------------------


def _compared(part: str, old: Mapping[Key, str], new: Mapping[Key, str]) -> Iterator[Change]:
    for key in old.keys() | new.keys():
        was, now = old.get(key), new.get(key)
        if was != now:
            place, subject = key
            yield Change(
                part=part, kind=_kind(was, now), subject=subject, artifact=place, old=was or "", new=now or ""
            )


def _things(part: str, audit: Audit, *, whole: bool) -> dict[Key, str]:
    """What one side holds of a part: by place and subject, in words."""
    evidence = audit.evidence if whole else None
    if part == "imports":
        return _imports_of_evidence(evidence) if evidence is not None else _imports_of_report(audit.report)
    if part == "records":
        return {
            (record.record, record.title): f"{record.agreeing:,} of {record.named:,} agree, "
            f"{'counts' if record.is_counted else 'does not count'}"
            for record in audit.report.records
        }
    if part == "signers":
        return {
            (signature.record, signature.method): f"{signature.state}: "
            f"{', '.join(signature.identities) or signature.key or 'no signer known'}"
            for signature in audit.report.signatures
        }
    return dict(_facts(part, evidence)) if evidence is not None else {}


def _imports_of_evidence(evidence: Evidence) -> dict[Key, str]:
    uses: dict[Key, set[str]] = {}
    for used in evidence.of(NameUsed):
        uses.setdefault((used.location.unit, used.name), set()).add(used.use.value)
    return {key: ", ".join(sorted(found)) for key, found in uses.items()}


def _imports_of_report(report: Report) -> dict[Key, str]:
    return {
        (listing.location.unit, name): "named"
        for listing in report.listings
        for line in listing.lines
        for name in line.line.names
    }


def _facts(part: str, evidence: Evidence) -> Iterator[tuple[Key, str]]:
    counted: dict[tuple[Key, str], int] = {}
    for key, words, count in _told(part, evidence):
        counted[key, words] = counted.get((key, words), 0) + count
    by_key: dict[Key, list[str]] = {}
    for (key, words), count in sorted(counted.items()):
        by_key.setdefault(key, []).append(f"{words} × {count:,}" if count > 1 else words)
    for key, told in by_key.items():
        yield key, cut("; ".join(told), _LONGEST)


def _told(part: str, evidence: Evidence) -> Iterator[tuple[Key, str, int]]:
    """Yield key, words and count of every fact of a part."""
    if part == "operators":
        for operator in evidence.of(OperatorUsed):
            yield (operator.location.unit, operator.operator), "used", operator.count
        for script in evidence.of(ScriptOperator):
            yield (script.location.unit, script.operator), "used", script.count
    elif part == "templates":
        for one in evidence.of(TemplateExpression):
            subject = f"{one.feature} {one.name}"
            yield (one.location.unit, subject), cut(one.expression or one.name, _LONGEST), one.count
    elif part == "programs":
        for call in evidence.of(ProgramCall):
            yield (call.location.unit, call.name), f"{call.capability}, on {call.moment}", call.count
    elif part == "settings":
        yield from _settings(evidence)
    elif part == "tensors":
        for table in evidence.of(TensorTable):
            types = ", ".join(f"{name} {count:,}" for name, count in table.element_types)
            words = f"{table.tensors:,} tensors, {table.parameters:,} parameters, {types or 'no types'}"
            yield (table.location.unit, "tensors"), words, 1
    else:
        for entry in evidence.of(MetadataEntry):
            yield (entry.location.unit, entry.key), cut(entry.value, _LONGEST) or "empty", 1


def _settings(evidence: Evidence) -> Iterator[tuple[Key, str, int]]:
    for reference in evidence.of(CodeReference):
        key = (reference.location.unit, f"{reference.mechanism} {reference.key}")
        yield key, cut(reference.target, _LONGEST), reference.count
    for switch in evidence.of(ConfigSwitch):
        yield (switch.location.unit, f"{switch.name} {switch.key}"), cut(switch.value, _LONGEST), switch.count
    for named in evidence.of(DependencyNamed):
        yield (named.location.unit, f"requires {cut(named.requirement, _LONGEST)}"), named.origin, named.count
