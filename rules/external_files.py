"""OWA1105, OWA1106: files that a model file opens with it.

Source: ONNX ExternalData.md; CVE-2022-25882, CVE-2024-27318, CVE-2026-27489, CVE-2026-34447.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterator

from owaudit.model.evidence import Evidence
from owaudit.model.graph_facts import ExternalReference
from owaudit.model.observation import LinkProblem, MetadataEntry, TensorTable
from owaudit.model.rule import EvidenceItem, Match, PythonRule, RuleMeta, Severity

OUTSIDE = RuleMeta(
    id="OWA1105",
    name="external-data-outside",
    title="The file opens a file outside its own folder",
    severity=Severity.HIGH,
    explanation="A model may keep numbers or word lists in files beside it. This one names a place "
    "outside its folder: an absolute path, a parent folder, an address or a link. Loading it "
    "reads whatever stands there on the machine, and the content ends up in the model.",
    remediation="Do not load the file. Ask the publisher for a model whose data lie in its own folder, "
    "or in the file itself.",
    references=(
        "CWE-22: Improper Limitation of a Pathname to a Restricted Directory",
        "CWE-59: Improper Link Resolution Before File Access",
        "CVE-2024-27318",
        "CVE-2026-34447",
    ),
    family="external files",
)

MISSING = RuleMeta(
    id="OWA1106",
    name="external-data-missing",
    title="A file that belongs to the model is not among what was audited",
    severity=Severity.MEDIUM,
    explanation="The model opens another file when it is loaded, and that file is not here, or the files "
    "of the set do not add up to what the first of them says. What will be loaded was not read.",
    remediation="Audit the folder that holds the whole model. If the file is missing there too, download "
    "the model again.",
    references=("CWE-353: Missing Support for Integrity Check",),
    leaves_open=True,
    family="external files",
)

_WORDS = {
    "absolute": "an absolute path",
    "parent": "a path through a parent folder",
    "drive": "a path with a drive letter",
    "url": "an address",
    "home": "a path into a home folder",
    "encoded": "a path that leaves the folder once its escapes are resolved",
    "nul": "a path with a NUL byte",
}
_PURPOSES = {
    "tensors": "its numbers",
    "asset": "an asset",
    "part": "another part of the model",
    "native": "a binary for a driver",
}


def _resolved(seen: ExternalReference) -> str:
    folder = posixpath.dirname(seen.location.artifact)
    return posixpath.normpath(posixpath.join(folder, seen.path))


def check_outside(evidence: Evidence) -> Iterator[Match]:
    """Match references that leave the folder by their text, or through a link."""
    links = {link.location.artifact: link for link in evidence.of(LinkProblem)}
    for seen in evidence.of(ExternalReference):
        words = _WORDS.get(seen.problem, seen.problem)
        link = None if seen.problem else links.get(_resolved(seen))
        if link is not None and link.problem == "outside":
            words = f"a link to {link.leads_to}"
        elif not seen.problem:
            continue
        purpose = _PURPOSES.get(seen.purpose, seen.purpose)
        yield Match(
            f"Loading reads {purpose} from {words}: {seen.path}",
            seen,
            evidence=(
                EvidenceItem(label="path", value=seen.path),
                EvidenceItem(label="problem", value=seen.problem or "link"),
                EvidenceItem(label="purpose", value=seen.purpose),
            ),
            key=seen.path,
        )


def check_missing(evidence: Evidence) -> Iterator[Match]:
    """Match references into the folder that lead to nothing, and sets that do not add up."""
    known = {artifact.path for artifact in evidence.artifacts}
    members = {(row.artifact, row.members) for row in evidence.coverage}
    for seen in evidence.of(ExternalReference):
        if seen.problem:
            continue
        inner = seen.location.members
        if inner:
            name = posixpath.normpath(posixpath.join(posixpath.dirname(inner[-1]), seen.path))
            found = (seen.location.artifact, (*inner[:-1], name)) in members
        else:
            found = _resolved(seen) in known
        if not found:
            purpose = _PURPOSES.get(seen.purpose, seen.purpose)
            yield Match(
                f"Loading reads {purpose} from {seen.path}, which is not among the audited files",
                seen,
                evidence=(
                    EvidenceItem(label="path", value=seen.path),
                    EvidenceItem(label="purpose", value=seen.purpose),
                ),
                key=seen.path,
            )
    yield from _sets(evidence, known)


def _sets(evidence: Evidence, known: set[str]) -> Iterator[Match]:
    """Match sets of GGUF files whose tensors are not as many as the first file says."""
    parts: dict[str, list[str]] = defaultdict(list)
    for seen in evidence.of(ExternalReference):
        if seen.purpose == "part" and not seen.location.members:
            parts[seen.location.artifact].append(_resolved(seen))
    tensors: dict[str, int] = {
        table.location.artifact: table.tensors
        for table in evidence.of(TensorTable)
        if not table.location.members
    }
    entries = {(entry.location.artifact, entry.key): entry for entry in evidence.of(MetadataEntry)}
    for first, others in sorted(parts.items()):
        number, entry = entries.get((first, "split.no")), entries.get((first, "split.tensors.count"))
        if number is None or entry is None or number.value != "0" or not known.issuperset(others):
            continue
        found = sum(tensors.get(path, 0) for path in (first, *others))
        if entry.value != str(found):
            yield Match(
                f"The set that starts with {first} says {entry.value} tensors, its files hold {found}",
                entry,
                evidence=(
                    EvidenceItem(label="stated", value=entry.value),
                    EvidenceItem(label="found", value=str(found)),
                ),
                key="split.tensors.count",
            )


RULES = (PythonRule(OUTSIDE, check_outside), PythonRule(MISSING, check_missing))
