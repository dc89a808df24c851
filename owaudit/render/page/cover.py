"""The first page: verdict, one passage of at most 45 words, reasons, contents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from owaudit.model.report import Answer, AxisResult, Finding, Outcome, Report
from owaudit.model.rule import Severity
from owaudit.render.escape import shorten
from owaudit.render.page.anchors import Anchors
from owaudit.render.phrases import counted, full_stop, severity_counts

LEAD_WORDS = 45
REASONS = 7
_MESSAGE_WORDS = 24
_MESSAGE_CHARACTERS = 200
_FIX_CHARACTERS = 200

MARKS = {
    Answer.PASS: "ok",
    Answer.VERIFIED: "ok",
    Answer.FAIL: "no",
    Answer.FAILED: "no",
    Answer.INCONCLUSIVE: "unk",
    Answer.UNVERIFIABLE: "unk",
    Answer.ABSENT: "none",
}
"""The mark of an answer. An absent axis stays grey: green only where a check ran and held."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the lead: ``In <path>, text``, or the text alone."""

    text: str
    path: str = ""

    @property
    def words(self) -> int:
        """How many words a reader meets."""
        return len(self.text.split()) + (1 + max(1, len(self.path.split())) if self.path else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One row under the verdict: a severity or a marked word, what is so, and what resolves it."""

    text: str
    href: str = ""
    path: str = ""
    fix: str = ""
    severity: Severity | None = None
    mark: str = ""
    word: str = ""


def lead(report: Report) -> tuple[Sentence, ...]:
    """Return what the verdict rests on, worst first, in at most 45 words.

    Findings that do not fit are counted, so nothing is left out in silence.
    """
    if report.verdict.result is Outcome.PASS:
        return _fitting(_pass_sentences(report))
    if report.verdict.result is Outcome.FAIL:
        named = [finding for finding in report.findings if finding.gating]
        opening: list[Sentence] = [] if named else [Sentence(full_stop(r)) for r in report.verdict.reasons]
        tail = "more findings reach the gate."
    else:
        named = [finding for finding in report.findings if finding.leaves_open]
        opening = [Sentence("Nothing failed, but the audit could not be finished.")]
        tail = "more findings keep the answer open."
    failed = [
        Sentence(full_stop(axis.reason)) for axis in _record_axes(report) if axis.answer is Answer.FAILED
    ]
    sentences = list(_fitting(opening))
    used = sum(sentence.words for sentence in sentences)
    told = 0
    for finding in named:
        sentence = _finding_sentence(finding)
        kept = 0 if told + 1 == len(named) else 6  # room for the count of the others
        if used + sentence.words + kept > LEAD_WORDS:
            break
        sentences.append(sentence)
        used += sentence.words
        told += 1
    if told < len(named):
        sentences.append(Sentence(_how_many(len(named) - told, tail, told)))
    return _fitting([*sentences, *failed])


def reasons(report: Report, anchors: Anchors) -> tuple[Reason, ...]:
    """Return the rows under the verdict: what fails, what keeps it open, or what it rests on."""
    if report.verdict.result is Outcome.PASS:
        return tuple(_pass_reasons(report))
    is_fail = report.verdict.result is Outcome.FAIL
    named = [f for f in report.findings if (f.gating if is_fail else f.leaves_open)]
    rows = [_finding_reason(finding, anchors) for finding in named[:REASONS]]
    if len(named) > REASONS:
        rows.append(
            Reason(mark="none", word="More", href="#findings", text=f"and {len(named) - REASONS:,} more")
        )
    for axis, href in zip(_record_axes(report), ("#integrity", "#origin"), strict=True):
        if axis.answer is Answer.FAILED:
            rows.append(Reason(mark="no", word="Failed", href=href, text=axis.reason))
    if not rows:
        rows = [
            Reason(mark="no" if is_fail else "unk", word="Policy", text=r) for r in report.verdict.reasons
        ]
    still_open = sum(f.leaves_open and not f.gating for f in report.findings)
    if is_fail and still_open:
        rows.append(
            Reason(
                mark="unk",
                word="Also open",
                href="#below-h",
                text="With these resolved the verdict would be inconclusive, because of "
                + counted(still_open, "more finding that keeps", "more findings that keep")
                + " it open.",
            )
        )
    return tuple(rows)


def contents(report: Report, *, gaps: int, loaders: int, waivers: str) -> tuple[tuple[str, str, str], ...]:
    """Return anchor, title and one short count for each of the ten sections."""
    counts = report.verdict.counts
    read = counted(gaps, "gap") if gaps else "all"
    at_gate = f"{counts.gating:,} at the gate" if counts.gating else "none at the gate"
    frameworks = len(report.frameworks)
    return (
        ("coverage", "What was read", read if counts.files else "nothing"),
        ("findings", "Findings", f"{counts.findings:,}, {at_gate}" if counts.findings else "none"),
        ("loaders", "What each loader would do", counted(loaders, "loader") if loaders else "none asked"),
        ("integrity", "Integrity", report.axes.integrity.answer.value),
        ("origin", "Origin", report.axes.origin.answer.value),
        ("waivers", "Waivers", waivers),
        ("controls", "Control evidence", counted(frameworks, "framework") if frameworks else "none"),
        ("files", "Files", f"{counts.files:,}"),
        ("reproduce", "How to reproduce this", ""),
        ("terms", "Terms and limits", ""),
    )


def _set_aside(report: Report) -> str:
    """Say how many findings a waiver or a baseline sets aside."""
    counts = report.verdict.counts
    parts = [
        f"{counts.waived:,} waived" if counts.waived else "",
        f"{counts.baseline:,} known from the baseline" if counts.baseline else "",
    ]
    said = ", ".join(part for part in parts if part)
    return f"{said}, see section 6." if said else "Nothing is waived."


def _fitting(sentences: Sequence[Sentence]) -> tuple[Sentence, ...]:
    kept: list[Sentence] = []
    for sentence in sentences:
        if sum(s.words for s in kept) + sentence.words <= LEAD_WORDS:
            kept.append(sentence)
    return tuple(kept)


def _pass_sentences(report: Report) -> list[Sentence]:
    counts = report.verdict.counts
    files = "the one file was" if counts.files == 1 else f"all {counts.files:,} files were"
    sentences = [Sentence(f"No open finding reaches the gate, and {files} read to the last byte.")]
    return [*sentences, *(Sentence(full_stop(axis.reason)) for axis in _record_axes(report))]


def _record_axes(report: Report) -> tuple[AxisResult, AxisResult]:
    return report.axes.integrity, report.axes.origin


def _finding_sentence(finding: Finding) -> Sentence:
    message = finding.message
    if len(message) > _MESSAGE_CHARACTERS or len(message.split()) > _MESSAGE_WORDS:
        message = finding.title
    if not finding.artifact:
        return Sentence(full_stop(message))
    first, _, rest = message.partition(" ")
    if rest and first[:1].isupper() and first[1:].isalpha() and first[1:].islower():
        message = f"{first.lower()} {rest}"
    return Sentence(full_stop(message), finding.artifact)


def _how_many(count: int, tail: str, told: int) -> str:
    words = (
        tail
        if count > 1
        else tail.replace("findings reach", "finding reaches").replace("findings keep", "finding keeps")
    )
    return f"{count:,} {words if told else words.removeprefix('more ')}"


def _first_sentence(text: str) -> str:
    first, dot, _ = text.partition(". ")
    short = shorten(first, head=_FIX_CHARACTERS, tail=0, limit=_FIX_CHARACTERS)
    return short.head + (" …" if short.left_out else dot.rstrip(" "))


def _finding_reason(finding: Finding, anchors: Anchors) -> Reason:
    is_whole = len(finding.message) <= _MESSAGE_CHARACTERS
    return Reason(
        severity=finding.severity,
        href=anchors.finding(finding.fingerprint),
        text=finding.message.rstrip(".") if is_whole else finding.title,
        path=finding.artifact,
        fix=_first_sentence(finding.remediation),
    )


def _pass_reasons(report: Report) -> Iterator[Reason]:
    counts = report.verdict.counts
    explained = counts.size - counts.unexplained
    yield Reason(
        mark="ok",
        word="Read",
        href="#coverage",
        text=f"{counts.files_read:,} of {counted(counts.files, 'file')}, "
        f"{explained:,} of {counted(counts.size, 'byte')}",
        fix="No gap: every byte is in one of the groups of section 1.",
    )
    yield Reason(
        mark="ok",
        word="Findings",
        href="#findings",
        text=f"{counted(counts.findings, 'finding')}, none at the gate" if counts.findings else "No finding",
        fix=f"{severity_counts(report)}. {_set_aside(report)}" if counts.findings else _set_aside(report),
    )
    for name, axis in zip(("Integrity", "Origin"), _record_axes(report), strict=True):
        mark = MARKS[axis.answer]
        yield Reason(
            mark=mark,
            word=axis.answer.value.capitalize(),
            href=f"#{name.lower()}",
            text=name,
            fix=axis.reason,
        )
