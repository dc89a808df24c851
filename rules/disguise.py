"""OWA2012, OWA2013, OWA2014, OWA2019: files that are, or hold, something else than they say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from owaudit.model.evidence import Evidence
from owaudit.model.location import Location
from owaudit.model.observation import EmbeddedContent, ExtensionMismatch, SeveralFormats
from owaudit.model.rule import EvidenceItem, Match, PythonRule, RuleMeta, Severity

_CONFLICT = "CWE-436: Interpretation Conflict"

EXTENSION = RuleMeta(
    id="OWA2012",
    name="extension-mismatch",
    title="The name of the file promises another format than its bytes hold",
    severity=Severity.LOW,
    explanation="Programs and people choose a loader by the end of a name. Here the bytes are of another "
    "format, so the file may reach a loader that was not expected, one that runs code among "
    "them.",
    remediation="Load the file only with a loader for what it holds, named in the evidence, and rename it.",
    references=("CWE-646: Reliance on File Name or Extension of Externally-Supplied File",),
    family="disguise",
)

NOT_WEIGHTS = RuleMeta(
    id="OWA2019",
    name="weights-name-without-weights",
    title="A file with the name of weights holds none",
    severity=Severity.MEDIUM,
    explanation="The name promises weights, the bytes are text or another content that no model loader "
    "takes: an error page of a failed download, a pointer, a placeholder. The weights that "
    "will be loaded in its place were not seen.",
    remediation="Download the file again and compare its size with the publisher's. If it is no weight "
    "file, give it a name that says so.",
    references=("CWE-646: Reliance on File Name or Extension of Externally-Supplied File",),
    leaves_open=True,
    family="disguise",
)

_NO_LOADER = frozenset(
    (
        "text",
        "png",
        "jpeg",
        "gif",
        "webp",
        "bmp",
        "ico",
        "tiff",
        "wav",
        "mp3",
        "ogg",
        "flac",
        "mp4",
        "pdf",
        "font",
    )
)
"""Formats that no loader of weights takes."""

SEVERAL = RuleMeta(
    id="OWA2013",
    name="several-formats",
    title="The file is valid as more than one format",
    severity=Severity.HIGH,
    explanation="The same bytes can be read in two ways. What an audit or another person saw need not be "
    "what a loader does with the file. Libraries do not write such files by accident.",
    remediation="Do not load the file. Ask the publisher how it was made.",
    references=(_CONFLICT, "CWE-351: Insufficient Type Distinction"),
    family="disguise",
)

EMBEDDED = RuleMeta(
    id="OWA2014",
    name="embedded-content",
    title="The file holds content of another format inside",
    severity=Severity.MEDIUM,
    explanation="A pickle, an archive or a program stands inside the file at a place where no loader of "
    "the file's own format looks. It does nothing by itself and waits for somebody who reads "
    "it.",
    remediation="Ask the publisher what the content is. Writing the model again with its own library "
    "leaves it out.",
    references=("CWE-506: Embedded Malicious Code", "CWE-515: Covert Storage Channel"),
    leaves_open=True,
    family="disguise",
)


def check_extension(evidence: Evidence) -> Iterator[Match]:
    """Match every file whose suffix promises another format."""
    for seen in evidence.of(ExtensionMismatch):
        formats = ", ".join(seen.formats) or "of unknown format"
        yield Match(
            f"The suffix {seen.extension} promises {seen.promised}, the bytes are {formats}",
            seen,
            evidence=(
                EvidenceItem(label="suffix", value=seen.extension),
                EvidenceItem(label="promised", value=seen.promised),
                EvidenceItem(label="found", value=formats),
            ),
            key=f"{seen.extension} {formats}",
        )


def check_not_weights(evidence: Evidence) -> Iterator[Match]:
    """Match files whose suffix promises weights and whose bytes are of no weight format at all."""
    for seen in evidence.of(ExtensionMismatch):
        promised = set(seen.promised.split(", "))
        if set(seen.formats) <= _NO_LOADER and not promised & _NO_LOADER:
            yield Match(
                f"The suffix {seen.extension} promises weights, the bytes are {', '.join(seen.formats)}",
                seen,
                evidence=(EvidenceItem(label="found", value=", ".join(seen.formats)),),
                key=seen.extension,
            )


def check_several(evidence: Evidence) -> Iterator[Match]:
    """Match every file that is valid as several formats."""
    for seen in evidence.of(SeveralFormats):
        formats = " and ".join(seen.formats)
        yield Match(
            f"The bytes are valid as {formats}",
            seen,
            evidence=(EvidenceItem(label="formats", value=formats),),
            key=formats,
        )


def check_embedded(evidence: Evidence) -> Iterator[Match]:
    """Match content at a place that nothing reads.

    A pickle inside a call argument that was read as a member of its own is quiet here: its names
    are judged, and what could not be read of it is coverage.
    """
    inside = defaultdict(set)
    for row in evidence.coverage:
        for depth in range(len(row.members)):
            inside[row.artifact].add(row.members[:depth])
    for seen in evidence.of(EmbeddedContent):
        place: Location = seen.location
        if seen.position == "argument" and place.members in inside[place.artifact]:
            continue
        where = {
            "unclaimed": "among bytes that nothing claims",
            "payload": "inside the numbers",
            "argument": "in an argument of a call",
        }.get(seen.position, seen.position)
        yield Match(
            f"Content of the format {seen.format} stands {where}",
            seen,
            evidence=(
                EvidenceItem(label="format", value=seen.format),
                EvidenceItem(label="position", value=seen.position),
            ),
            key=f"{seen.format} {seen.position}",
        )


RULES = (
    PythonRule(EXTENSION, check_extension),
    PythonRule(NOT_WEIGHTS, check_not_weights),
    PythonRule(SEVERAL, check_several),
    PythonRule(EMBEDDED, check_embedded),
)
