"""Waivers: an excuse for one rule and exact bytes (or paths), by somebody, for a while.

A waiver that is malformed, expired or begins later covers nothing, and the report says so. What it
covers stays in every format and every count. An unmatched waiver is reported, because it either
has done its work or never did any.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from owaudit.judge.findings import Made
from owaudit.judge.globs import path_matches
from owaudit.judge.standing import COVERAGE_RULES, Files, is_guarded
from owaudit.model.evidence import Diagnostic
from owaudit.model.policy import Policy, Waiver
from owaudit.model.report import WaiverResult, WaiverState

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_LONGEST = 5
"""Files named in one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waived:
    """``covered`` is the id of the waiver by fingerprint; ``results`` has every waiver of the policy."""

    covered: dict[str, str] = field(default_factory=dict)
    results: tuple[WaiverResult, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


def apply_waivers(
    policy: Policy, made: Sequence[Made], files: Files, known_rules: frozenset[str], today: str
) -> Waived:
    """Hold the waivers of the policy against the findings.

    ``today`` is an ISO date; without one no waiver is in force. Where two waivers fit a finding, the
    first in the policy covers it and both are active.
    """
    covered: dict[str, str] = {}
    results = []
    for waiver, problem in with_problems(policy, known_rules, today):
        result = _judged(waiver, problem, _Match(waiver, policy, made, files), today)
        results.append(result)
        if result.state is WaiverState.ACTIVE:
            for fingerprint in result.findings:
                covered.setdefault(fingerprint, waiver.id)
    return Waived(covered=covered, results=tuple(results), diagnostics=_diagnostics(results))


def with_problems(policy: Policy, known_rules: frozenset[str], today: str) -> Iterator[tuple[Waiver, str]]:
    """Yield each waiver with what keeps it from ever covering anything, empty when it is well formed.

    Expiry is no such problem.
    """
    seen: set[str] = set()
    for waiver in policy.waivers:
        problem = _problem(waiver, policy.waiving.days, today)
        if not problem and waiver.id in seen:
            problem = "Another waiver has the same id."
        if not problem and waiver.rule not in known_rules:
            problem = f"No loaded rule has the id {waiver.rule}."
        seen.add(waiver.id)
        yield waiver, problem


def _problem(waiver: Waiver, days: int, today: str) -> str:
    if waiver.problem:
        return waiver.problem
    for key in ("rule", "owner", "reason"):
        if not getattr(waiver, key).strip():
            return f"It has no {key}."
    if not waiver.sha256 and not waiver.artifact:
        return "It names neither the sha256 of a file nor an artifact."
    for digest in waiver.sha256:
        if not _SHA256.match(digest):
            return f"{digest[:80]!r} is not a SHA-256: 64 hex digits in lower case."
    created, expires = as_date(waiver.created), as_date(waiver.expires)
    if created is None or expires is None:
        key, text = ("created", waiver.created) if created is None else ("expires", waiver.expires)
        return f"{key} is not a date such as 2026-01-31: {text[:40]!r}." if text else f"It has no date {key}."
    if expires < created:
        return "It expires before it was created."
    if (expires - created).days > days:
        return f"It runs for {(expires - created).days:,} days; the policy allows {days:,}."
    now = as_date(today)
    if now is None:
        return "The day of the audit is not known."
    return "It was created after the day of this audit." if created > now else ""


def as_date(text: str) -> datetime.date | None:
    """Read ``2026-01-31``, or return None."""
    try:
        return datetime.date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


class _Match:
    """Which findings one waiver fits, and why those of its rule do not fit that nearly do."""

    def __init__(self, waiver: Waiver, policy: Policy, made: Sequence[Made], files: Files) -> None:
        self.findings: list[str] = []
        self.refused = ""
        self.near = ""
        for item in made:
            if item.finding.rule != waiver.rule or not item.finding.artifact:
                continue
            reason = self._differs(waiver, item, files)
            if reason:
                self.near = self.near or reason
                continue
            self.refused = self.refused or _refusal(waiver, item, policy)
            if not _refusal(waiver, item, policy):
                self.findings.append(item.finding.fingerprint)

    @staticmethod
    def _differs(waiver: Waiver, item: Made, files: Files) -> str:
        """Why the waiver does not fit this finding of its rule, empty when it does."""
        if waiver.artifact and not path_matches(waiver.artifact, item.finding.artifact):
            return f"{waiver.rule} stands, but not in {waiver.artifact}."
        if not waiver.sha256:
            return ""
        rests_on = files.files_of(item)
        missing = [path for path in rests_on if files.digest(path) not in waiver.sha256]
        if not missing:
            return ""
        if len(missing) == len(rests_on):
            return f"{waiver.rule} stands, but in other bytes than these."
        return "Its digests leave out what the finding rests on too: " + ", ".join(missing[:_LONGEST]) + "."


def _refusal(waiver: Waiver, item: Made, policy: Policy) -> str:
    if not is_guarded(item.finding):
        return ""
    if waiver.rule not in policy.waiving.also:
        return f"{waiver.rule} can be waived only when the policy names it in [waiving] also."
    if waiver.rule.startswith(COVERAGE_RULES) and not waiver.sha256:
        return f"{waiver.rule} can be waived for exact bytes only: give their sha256."
    return ""


def _judged(waiver: Waiver, problem: str, match: _Match, today: str) -> WaiverResult:
    findings = tuple(match.findings)
    if problem or (match.refused and not findings):
        return WaiverResult(
            waiver=waiver, state=WaiverState.INVALID, detail=problem or match.refused, findings=findings
        )
    if waiver.expires < today:
        return WaiverResult(
            waiver=waiver,
            state=WaiverState.EXPIRED,
            detail=f"It ended on {waiver.expires}.",
            findings=findings,
        )
    if not findings:
        detail = match.near or f"This target has no finding of {waiver.rule}."
        return WaiverResult(waiver=waiver, state=WaiverState.UNMATCHED, detail=detail, findings=())
    return WaiverResult(waiver=waiver, state=WaiverState.ACTIVE, detail="", findings=findings)


def _diagnostics(results: Sequence[WaiverResult]) -> tuple[Diagnostic, ...]:
    return tuple(
        Diagnostic(
            level="warning",
            source="policy",
            message=f"waiver {result.waiver.id or '(without id)'} is {result.state} and covers nothing: "
            f"{result.detail}",
        )
        for result in results
        if result.state is not WaiverState.ACTIVE
    )
