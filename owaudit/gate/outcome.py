"""One answer for several audits: the worst of them, sums, and the file that pins every report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from owaudit.gate.changes import Changes
from owaudit.gate.subjects import Subject
from owaudit.model.report import Answer, Counts, Outcome, Report

COULD_NOT_RUN = 2
ERROR = "error"
GATE_SCHEMA = 1

_WORST_FIRST = (
    Answer.FAIL,
    Answer.FAILED,
    Answer.INCONCLUSIVE,
    Answer.UNVERIFIABLE,
    Answer.ABSENT,
    Answer.PASS,
    Answer.VERIFIED,
)
_SUMMED = ("critical", "high", "medium", "low", "info", "gating", "open", "waived", "baseline")
_FILES = ("files", "files_read", "files_partial", "files_unread", "size")


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """One subject and its report, or the reason why there is none.

    ``written`` are format and path of each report relative to the output folder; ``sha256`` is that of
    the JSON report.
    """

    subject: Subject
    report: Report | None
    problem: str = ""
    changes: Changes | None = None
    written: tuple[tuple[str, str], ...] = ()
    sha256: str = ""

    @property
    def verdict(self) -> str:
        """The verdict of this subject, ``error`` where it could not be audited."""
        return ERROR if self.report is None else self.report.verdict.result.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Everything that a gate found, in the order of its subjects."""

    audited: tuple[Audited, ...]
    notes: tuple[str, ...] = field(default=())

    @property
    def verdict(self) -> str:
        """The worst verdict: fail, then error, then inconclusive. Nothing audited is inconclusive."""
        found = {each.verdict for each in self.audited}
        for verdict in (Outcome.FAIL.value, ERROR, Outcome.INCONCLUSIVE.value):
            if verdict in found:
                return verdict
        return Outcome.PASS.value if found else Outcome.INCONCLUSIVE.value

    @property
    def exit_code(self) -> int:
        """1 when a subject fails, then 2, then 3; that of the reports where the policy turned one."""
        codes = {
            COULD_NOT_RUN if one.report is None else one.report.verdict.exit_code for one in self.audited
        }
        return next((code for code in (1, COULD_NOT_RUN, 3) if code in codes), 0 if codes else 3)

    def axis(self, name: str) -> str:
        """The worst answer of one axis; ``error`` where no subject has one."""
        answers = {getattr(one.report.axes, name).answer for one in self.audited if one.report is not None}
        return next((answer.value for answer in _WORST_FIRST if answer in answers), ERROR)

    def count(self, name: str) -> int:
        """The sum of one count, a field of ``Counts``."""
        return sum(_count(one.report.verdict.counts, name) for one in self.audited if one.report is not None)


def _count(counts: Counts, name: str) -> int:
    value = getattr(counts, name)
    return int(value)


def gate_text(gate: Gate) -> str:
    """The gate as JSON: verdict, sums, and each subject with the SHA-256 of its report."""
    value = {
        "schema": GATE_SCHEMA,
        "verdict": gate.verdict,
        "exit_code": gate.exit_code,
        "axes": {name: gate.axis(name) for name in ("load", "integrity", "origin")},
        "counts": {name: gate.count(name) for name in ("findings", *_SUMMED, *_FILES)},
        "notes": list(gate.notes),
        "subjects": [_subject(each) for each in gate.audited],
    }
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1) + "\n"


def _subject(audited: Audited) -> dict[str, object]:
    report = audited.report
    return {
        "name": audited.subject.name,
        "verdict": audited.verdict,
        "problem": audited.problem,
        "root_digest": report.subject.root_digest if report else "",
        "reports": dict(audited.written),
        "report_sha256": audited.sha256,
        "changes": audited.changes.rows() if audited.changes else [],
    }


def outputs(gate: Gate, paths: Sequence[tuple[str, str]], gate_sha256: str) -> list[tuple[str, str]]:
    """Names and values for the pipeline. ``paths`` are format and path of every report that was written."""
    found = [("verdict", gate.verdict), ("exit-code", str(gate.exit_code))]
    found += [(name, gate.axis(name)) for name in ("load", "integrity", "origin")]
    found += [(name, str(gate.count(name))) for name in ("findings", *_SUMMED)]
    found += [("files", str(gate.count("files"))), ("files-not-read", str(_not_read(gate)))]
    for format_name in sorted({name for name, _ in paths}):
        found.append((format_name, "\n".join(path for name, path in paths if name == format_name)))
    digests = [each.sha256 for each in gate.audited if each.sha256]
    found.append(("report-sha256", "\n".join(digests)))
    found.append(("gate-sha256", gate_sha256))
    roots = [each.report.subject.root_digest for each in gate.audited if each.report]
    return [*found, ("root-digest", "\n".join(roots))]


def _not_read(gate: Gate) -> int:
    return gate.count("files_partial") + gate.count("files_unread")
