"""Words and figures that more than one format prints, so that all of them say the same."""

from __future__ import annotations

import datetime
import re

from owaudit.model.location import Location
from owaudit.model.report import Answer, Finding, Outcome, Report, Status
from owaudit.model.rule import Severity

GROUPED_FROM = 200
"""With more findings than this they are shown by rule."""
PLACES_PER_RULE = 5
"""Places shown of one rule when findings are shown by rule."""

OUTCOME_WORDS = {Outcome.PASS: "Pass", Outcome.FAIL: "Fail", Outcome.INCONCLUSIVE: "Inconclusive"}

_EXIT_MEANINGS = {
    0: "completely audited, nothing at or above the gate",
    1: "the policy says no",
    2: "the audit could not run",
    3: "something could not be audited, or there was nothing to audit",
}
# fmt: off
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)
# fmt: on
_MOMENT = re.compile(r"(\d{4})-(\d{2})-(\d{2})T(\d{2}:\d{2}:\d{2})Z\Z")
_CWE = re.compile(r"CWE-(\d{1,5})\b")
_LINK = re.compile(r"https://[!-~]+\Z")


def number(value: int) -> str:
    """Return an integer with thousands separated by commas."""
    return f"{value:,}"


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return ``1 file`` or ``2 files``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def full_stop(text: str) -> str:
    """Return a sentence with its full stop, whether or not it came with one."""
    return text if not text or text.endswith((".", "!", "?", "…")) else text + "."


def share(part: int, whole: int) -> str:
    """Return a share in percent, to three places, rounded half up by integers.

    A share that is not nothing is never shown as 0, nor one that is not everything as 100.
    """
    if part == 0 or whole == 0:
        return "0 %"
    if part == whole:
        return "100 %"
    thousandths = (part * 200_000 + whole) // (2 * whole)
    if thousandths == 0:
        return "< 0.001 %"
    if thousandths >= 100_000:
        return "> 99.999 %"
    return f"{thousandths // 1000}.{thousandths % 1000:03d} %"


def exit_meaning(report: Report) -> str:
    """Say what the exit code of the report means."""
    code = report.verdict.exit_code
    if code == 0 and report.verdict.result is not Outcome.PASS:
        return "asked for whatever the verdict"
    return _EXIT_MEANINGS.get(code, "not one of owaudit's")


def gate_phrase(report: Report) -> str:
    """Say which severities fail under the policy."""
    gate = report.policy.effective.gate.fail_on
    if gate is None:
        return "no severity fails"
    return "fails on critical" if gate is Severity.CRITICAL else f"fails on {gate} and above"


def severity_counts(report: Report) -> str:
    """Return the findings by severity, the worst first, without the empty ones."""
    counts = report.verdict.counts
    by_severity = ((severity, getattr(counts, severity.value)) for severity in Severity)
    return ", ".join(f"{count:,} {severity}" for severity, count in by_severity if count)


def closing_line(report: Report) -> str:
    """Return the last line of every text: the verdict, the counts, the meaning of the exit code."""
    counts = report.verdict.counts
    found = "no finding"
    if counts.findings:
        at_gate = f"{counts.gating:,} at the gate" if counts.gating else "none at the gate"
        found = f"{counted(counts.findings, 'finding')} ({severity_counts(report)}), {at_gate}"
        set_aside = ((counts.waived, "waived"), (counts.baseline, "known before"))
        found += "".join(f", {count:,} {word}" for count, word in set_aside if count)
    read = f"{counts.files_read:,} of {counted(counts.files, 'file')} read completely"
    word = OUTCOME_WORDS[report.verdict.result]
    return f"{word}: {found}; {read}. Exit code {report.verdict.exit_code}: {exit_meaning(report)}."


def is_waived(finding: Finding) -> bool:
    """Does the policy set this finding aside? It stays visible and does not decide."""
    return finding.status is Status.WAIVED


def answer_word(answer: Answer | Outcome) -> str:
    """Return the answer of an axis as a word that starts a line."""
    return answer.value.capitalize()


def location_notes(location: Location) -> tuple[str, ...]:
    """Return what a location says beyond file, member and bytes: line, tensor, pointer."""
    notes: list[str] = []
    if location.line is not None:
        notes.append(f"line {location.line:,}")
    if location.tensor is not None:
        notes.append(f"tensor {location.tensor}")
    if location.pointer is not None:
        notes.append(f"at {location.pointer}")
    return tuple(notes)


def day(moment: str) -> str:
    """Return ``20 November 2026`` for an ISO 8601 moment in UTC, or nothing for anything else."""
    match = _MOMENT.match(moment)
    if match is None or not 1 <= int(match[2]) <= len(_MONTHS):
        return ""
    return f"{int(match[3])} {_MONTHS[int(match[2]) - 1]} {match[1]}"


def is_date(text: str) -> bool:
    """Is this a date that exists, as ``2026-01-31``?"""
    try:
        return len(text) == 10 and bool(datetime.date.fromisoformat(text))
    except ValueError:
        return False


def short_day(date: str) -> str:
    """Return ``20 Nov 2026`` for an ISO date, or nothing for anything else."""
    if not is_date(date):
        return ""
    return f"{int(date[8:])} {_MONTHS[int(date[5:7]) - 1][:3]} {date[:4]}"


def standing(finding: Finding) -> str:
    """Say what sets a finding aside, or nothing for an open one."""
    if finding.status is Status.WAIVED:
        return f"waived by {finding.waiver}" if finding.waiver else "waived"
    return "known from the baseline" if finding.status is Status.BASELINE else ""


def is_moment(moment: str) -> bool:
    """Is this an ISO 8601 moment in UTC, to the second?"""
    return _MOMENT.match(moment) is not None


def reference_link(reference: str) -> str:
    """Return the address of a reference in rule metadata, or nothing. Never for scanned strings."""
    if match := _CWE.match(reference):
        return f"https://cwe.mitre.org/data/definitions/{match[1]}.html"
    return reference if _LINK.match(reference) else ""
