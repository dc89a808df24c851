"""Whole targets: collect evidence, judge it, report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from owaudit.intake.walk import walk
from owaudit.judge.packs import Pack
from owaudit.model.evidence import Diagnostic, Evidence, Target
from owaudit.model.limits import Limits
from owaudit.model.policy import Policy, SecondOpinion
from owaudit.model.report import Report, Run
from owaudit.pipeline.opinions import with_second_opinion
from owaudit.pipeline.records import find_records
from owaudit.pipeline.references import explain_referenced
from owaudit.pipeline.verdicts import judged
from owaudit.pipeline.workers import collect_all, default_jobs
from owaudit.readers import VERSION


def collect(
    targets: Sequence[Path],
    *,
    limits: Limits | None = None,
    jobs: int = 0,
    second_opinion: SecondOpinion | None = None,
    records: Sequence[Path] = (),
    started: Callable[[int, int], None] = lambda _files, _size: None,
    progress: Callable[[int], None] = lambda _size: None,
) -> Evidence:
    """Read the targets and return what is there; nothing is judged.

    ``records`` are files from outside the targets that say something about their bytes.
    ``jobs`` is the number of worker processes, 0 for one per processor. ``started`` is told the
    number of files and bytes before the first is read, ``progress`` the bytes of each piece.
    ``second_opinion`` asks another scanner within these bounds; None asks nobody.

    Raises:
        UsageError: a target does not exist or cannot be listed, or a record is of no known kind.
    """
    limits = limits or Limits()
    walked = walk(tuple(targets))
    found, entries = find_records(targets, walked, records)
    size = sum(entry.size for entry in entries)
    started(len(entries), size)
    collected = explain_referenced(collect_all(entries, limits, jobs or default_jobs(), progress))
    diagnostics = [
        Diagnostic(
            level="note",
            source="walk",
            message=f"the folder {path} was left out: history of a version control system",
        )
        for path in walked.left_out
    ]
    diagnostics += [item for one in collected for item in one.diagnostics]
    if second_opinion is not None and second_opinion.enabled:
        collected, notes = with_second_opinion(walked.entries, collected, second_opinion)
        diagnostics += notes
    return Evidence(
        reader_version=VERSION,
        target=Target(
            name=walked.name, files=len(walked.entries), size=sum(one.artifact.size for one in collected)
        ),
        limits=limits,
        artifacts=tuple(one.artifact for one in collected),
        observations=tuple(item for one in collected for item in one.observations),
        coverage=tuple(item for one in collected for item in one.coverage),
        records=(*found, *(item for one in collected for item in one.records)),
        parts=tuple(item for one in collected for item in one.parts),
        diagnostics=tuple(diagnostics),
    )


def scan(
    targets: Sequence[Path],
    *,
    policy: Policy,
    packs: Sequence[Pack],
    run: Run,
    limits: Limits | None = None,
    jobs: int = 0,
    diagnostics: Sequence[Diagnostic] = (),
) -> Report:
    """Collect and judge in one go; see ``collect`` and ``judged``."""
    evidence = collect(
        targets, limits=limits or policy.limits, jobs=jobs, second_opinion=policy.second_opinion
    )
    return judged(evidence, policy, packs, run=run, diagnostics=diagnostics)
