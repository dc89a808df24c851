"""The files of a target: a row each, or by folder where there are very many; and the gaps.

Up to 2,000 files are rows. Above that only files with a finding or a gap are; the others are
summed by folder and format, and listed in a block of JSON that the script of the page shows in
parts. The complete list is always in the JSON report.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from owaudit.model.coverage import Coverage, State, state_of
from owaudit.model.report import ArtifactReport, Finding, LoaderAnswer, Reaction, Report
from owaudit.render.escape import shorten, spelled
from owaudit.render.page.anchors import file_anchor

ROWS = 2000
_GROUPS = 500
_LISTED = 20_000
"""Files in the block of JSON: about 3 MB."""
_GAPS = 200
_FINDINGS_PER_ROW = 6
_RANGES = 4
_NO_FINDING_RANK = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """One file. ``rank`` sorts by the worst finding, 0 for critical up to 9 for none."""

    artifact: ArtifactReport
    anchor: str
    index: int
    state: State
    is_inert: bool
    findings: tuple[Finding, ...]
    findings_left_out: int
    rank: int

    @property
    def kinds(self) -> str:
        """The words that the filter asks for."""
        words = ["finding"] if self.findings else []
        if self.state is not State.READ:
            words.append("gap")
        return " ".join(words) or "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderRow:
    """Files of one folder and format: ``digest`` is SHA-256 over their sorted digests, one a line."""

    folder: str
    format: str
    files: int
    size: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesView:
    """Section 8. ``listed`` holds path, digest, format, bytes and state of files without a row."""

    rows: tuple[FileRow, ...]
    rows_left_out: int
    folders: tuple[FolderRow, ...]
    folders_left_out: tuple[int, int, int]
    listed: tuple[tuple[str, str, str, int, str], ...]
    listed_left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GapRow:
    """One file or member that was not read completely, with its finding where there is one."""

    coverage: Coverage
    href: str
    ranges: tuple[tuple[int, int], ...]
    ranges_left_out: int
    finding: Finding | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoaderRow:
    """One loader with one outcome, and the files or members for which it is the same."""

    answer: LoaderAnswer
    units: tuple[str, ...]
    left_out: int


def files_view(report: Report) -> FilesView:
    """Return section 8 of a report, in the order of the report."""
    findings = {finding.fingerprint: finding for finding in report.findings}
    artifacts = list(enumerate(report.artifacts))
    if len(artifacts) <= ROWS:
        rows = tuple(_row(index, artifact, findings) for index, artifact in artifacts)
        return FilesView(
            rows=rows, rows_left_out=0, folders=(), folders_left_out=(0, 0, 0), listed=(), listed_left_out=0
        )
    notable = [pair for pair in artifacts if pair[1].findings or state_of(pair[1].coverage) is not State.READ]
    shown = notable[:ROWS]
    with_row = {index for index, _ in shown}
    others = [artifact for index, artifact in artifacts if index not in with_row]
    folders = _folders(others)
    rest = folders[_GROUPS:]
    return FilesView(
        rows=tuple(_row(index, artifact, findings) for index, artifact in shown),
        rows_left_out=len(notable) - len(shown),
        folders=folders[:_GROUPS],
        folders_left_out=(len(rest), sum(row.files for row in rest), sum(row.size for row in rest)),
        listed=tuple(_listed(artifact) for artifact in others[:_LISTED]),
        listed_left_out=max(0, len(others) - _LISTED),
    )


def gap_rows(report: Report) -> tuple[tuple[GapRow, ...], int]:
    """Return what was not read completely, and how many more rows there are than are shown."""
    by_unit: dict[str, Finding] = {}
    for finding in report.findings:
        if finding.leaves_open and finding.location is not None:
            by_unit.setdefault(finding.location.unit, finding)
    shown_files = len(report.artifacts) <= ROWS
    rows = [
        GapRow(
            coverage=row,
            href="#" + (file_anchor(index) if shown_files else "files"),
            ranges=tuple((gap.start, gap.end) for gap in row.gaps[:_RANGES]),
            ranges_left_out=max(0, len(row.gaps) - _RANGES),
            finding=by_unit.get(row.unit),
        )
        for index, artifact in enumerate(report.artifacts)
        for row in artifact.coverage
        if row.state is not State.READ
    ]
    return tuple(rows[:_GAPS]), max(0, len(rows) - _GAPS)


def loader_rows(report: Report) -> tuple[LoaderRow, ...]:
    """Return the answers of the loaders, the same answer on several files as one row."""
    same: dict[tuple[str, str, Reaction, str, str], list[LoaderAnswer]] = {}
    for answer in report.loaders:
        key = (answer.loader, answer.era, answer.reaction, answer.detail, answer.safe_call)
        same.setdefault(key, []).append(answer)
    return tuple(
        LoaderRow(
            answer=answers[0],
            units=tuple(answer.unit for answer in answers[:_RANGES]),
            left_out=max(0, len(answers) - _RANGES),
        )
        for answers in same.values()
    )


def _row(index: int, artifact: ArtifactReport, findings: Mapping[str, Finding]) -> FileRow:
    own = [findings[fingerprint] for fingerprint in artifact.findings if fingerprint in findings]
    worst = max((finding.severity.rank for finding in own), default=None)
    return FileRow(
        artifact=artifact,
        anchor=file_anchor(index),
        index=index,
        state=state_of(artifact.coverage),
        is_inert=artifact.size > 0 and any(row.inert == artifact.size for row in artifact.coverage),
        findings=tuple(own[:_FINDINGS_PER_ROW]),
        findings_left_out=max(0, len(own) - _FINDINGS_PER_ROW),
        rank=_NO_FINDING_RANK if worst is None else 4 - worst,
    )


def _folders(artifacts: Sequence[ArtifactReport]) -> tuple[FolderRow, ...]:
    groups: dict[tuple[str, str], list[ArtifactReport]] = {}
    for artifact in artifacts:
        folder = artifact.path.rpartition("/")[0] or "."
        groups.setdefault((folder, _format(artifact)), []).append(artifact)
    return tuple(
        FolderRow(
            folder=folder,
            format=name,
            files=len(group),
            size=sum(artifact.size for artifact in group),
            digest=_digest_over(group),
        )
        for (folder, name), group in sorted(groups.items())
    )


def _digest_over(group: Sequence[ArtifactReport]) -> str:
    digests = sorted(str(digest.hex) for a in group for digest in a.digests if digest.algorithm == "sha256")
    return hashlib.sha256("".join(f"{digest}\n" for digest in digests).encode("ascii")).hexdigest()


def _listed(artifact: ArtifactReport) -> tuple[str, str, str, int, str]:
    sha256 = next((digest.hex for digest in artifact.digests if digest.algorithm == "sha256"), "")
    short = shorten(artifact.path)
    path = spelled(short.head)
    if short.left_out:
        path = f"{path} ({short.left_out:,} characters left out) {spelled(short.tail)}"
    return path, sha256, spelled(_format(artifact)), artifact.size, state_of(artifact.coverage).value


def _format(artifact: ArtifactReport) -> str:
    return artifact.formats[0] if artifact.formats else "not known"
