"""Section 6: what the policy excuses, what it excuses no more, and what an earlier report knew."""

from __future__ import annotations

import datetime
from collections import Counter
from dataclasses import dataclass

from owaudit.model.report import Finding, Report, WaiverResult, WaiverState
from owaudit.render.phrases import counted, is_date, short_day

_MARKS = {
    WaiverState.ACTIVE: "dot",
    WaiverState.EXPIRED: "no",
    WaiverState.UNMATCHED: "unk",
    WaiverState.INVALID: "unk",
}
_ORDER = (WaiverState.EXPIRED, WaiverState.UNMATCHED, WaiverState.INVALID, WaiverState.ACTIVE)
_ROWS = 500
_COVERED = 5
_DIGESTS = 5
_KINDS_COUNTED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverRow:
    """One waiver. ``days`` says how long it still runs, or when it ended, as words."""

    result: WaiverResult
    anchor: str
    mark: str
    days: str
    covered: tuple[Finding, ...]
    covered_left_out: int
    digests: tuple[str, ...]
    digests_left_out: int
    people: str
    ends: str
    begins: str

    @property
    def is_active(self) -> bool:
        """Does it cover something in this report?"""
        return self.result.state is WaiverState.ACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiversView:
    """Section 6: the rows, the worst first, how many were left out, and one short count."""

    rows: tuple[WaiverRow, ...]
    left_out: int
    count: str
    reopened: tuple[str, ...]


def waivers_view(report: Report) -> WaiversView:
    """Return section 6 of a report: what covers nothing comes before what is in force."""
    by_print = {finding.fingerprint: finding for finding in report.findings}
    ordered = sorted(enumerate(report.waivers), key=lambda pair: (_ORDER.index(pair[1].state), pair[0]))
    rows = [_row(result, number, by_print, report.run.ended) for number, result in ordered[:_ROWS]]
    return WaiversView(
        rows=tuple(rows),
        left_out=max(0, len(ordered) - _ROWS),
        count=_count(report),
        reopened=report.baseline.reopened[:_COVERED] if report.baseline is not None else (),
    )


def _count(report: Report) -> str:
    states = Counter(result.state for result in report.waivers)
    parts = [f"{states[state]:,} {state}" for state in (WaiverState.ACTIVE, *_ORDER[:3]) if states[state]]
    if len(parts) > _KINDS_COUNTED:
        active = states[WaiverState.ACTIVE]
        parts = [f"{active:,} active", f"{len(report.waivers) - active:,} not"]
    return ", ".join(parts) or ("a baseline" if report.baseline is not None else "none")


def _row(result: WaiverResult, number: int, by_print: dict[str, Finding], ended: str) -> WaiverRow:
    waiver = result.waiver
    covered = [by_print[print_] for print_ in result.findings if print_ in by_print]
    people = ((("Owner", waiver.owner)), ("Approved by", waiver.approved_by), ("Ticket", waiver.ticket))
    return WaiverRow(
        result=result,
        anchor=f"w-{number + 1}",
        mark=_MARKS[result.state],
        days=_days(waiver.expires, ended),
        covered=tuple(covered[:_COVERED]),
        covered_left_out=max(0, len(covered) - _COVERED),
        digests=waiver.sha256[:_DIGESTS],
        digests_left_out=max(0, len(waiver.sha256) - _DIGESTS),
        people=" ".join(f"{label}: {text}." for label, text in people if text),
        ends=short_day(waiver.expires),
        begins=short_day(waiver.created),
    )


def _days(expires: str, ended: str) -> str:
    """``100 days left`` or ``20 days ago``; nothing where one of the dates is none."""
    if not (is_date(expires) and is_date(ended[:10])):
        return ""
    left = (datetime.date.fromisoformat(expires) - datetime.date.fromisoformat(ended[:10])).days
    if left < 0:
        return f"{counted(-left, 'day')} ago"
    return "ends today" if left == 0 else f"{counted(left, 'day')} left"
