"""Findings as the page shows them: each one written out, or by rule where there are very many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from owaudit.model.report import Finding, Report, Status
from owaudit.render import phrases
from owaudit.render.page.anchors import finding_anchor, group_anchor
from owaudit.render.page.excerpts import Excerpt, Programs

_EVIDENCE_ITEMS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingView:
    """One finding that is written out. ``number`` counts them on the page from 1."""

    finding: Finding
    anchor: str
    number: int
    is_complete: bool
    excerpt: Excerpt | None
    notes: tuple[str, ...]
    policy_lines: tuple[str, ...]
    references: tuple[tuple[str, str], ...]
    evidence_left_out: int
    standing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleGroup:
    """The findings of one rule: the first is written out, the next few are places, the rest a count."""

    anchor: str
    first: FindingView
    places: tuple[Finding, ...]
    total: int
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingsView:
    """Section 2. Either the lists of findings or the lists of groups are used."""

    gate: tuple[FindingView, ...]
    below: tuple[FindingView, ...]
    aside: tuple[FindingView, ...]
    gate_groups: tuple[RuleGroup, ...]
    below_groups: tuple[RuleGroup, ...]
    aside_groups: tuple[RuleGroup, ...]
    is_grouped: bool

    @property
    def written_out(self) -> Iterator[str]:
        """The fingerprints that have an article of their own."""
        for view in (*self.gate, *self.below, *self.aside):
            yield view.finding.fingerprint
        for group in (*self.gate_groups, *self.below_groups, *self.aside_groups):
            yield group.first.finding.fingerprint


def findings_view(report: Report) -> FindingsView:
    """Return section 2 of a report, in the order of the report."""
    programs = Programs(report)
    gate = [finding for finding in report.findings if finding.gating]
    below = [f for f in report.findings if not f.gating and f.status is Status.OPEN]
    aside = [f for f in report.findings if not f.gating and f.status is not Status.OPEN]
    if len(report.findings) <= phrases.GROUPED_FROM:
        views = [_view(finding, place, programs) for place, finding in enumerate((*gate, *below, *aside), 1)]
        return FindingsView(
            gate=tuple(views[: len(gate)]),
            below=tuple(views[len(gate) : len(gate) + len(below)]),
            aside=tuple(views[len(gate) + len(below) :]),
            gate_groups=(),
            below_groups=(),
            aside_groups=(),
            is_grouped=False,
        )
    gate_groups = _groups(gate, programs, 1)
    below_groups = _groups(below, programs, len(gate_groups) + 1)
    taken = {group.anchor for group in (*gate_groups, *below_groups)}
    return FindingsView(
        gate=(),
        below=(),
        aside=(),
        gate_groups=gate_groups,
        below_groups=below_groups,
        aside_groups=tuple(
            replace(group, anchor=f"{group.anchor}-aside") if group.anchor in taken else group
            for group in _groups(aside, programs, len(gate_groups) + len(below_groups) + 1)
        ),
        is_grouped=True,
    )


def _groups(findings: Sequence[Finding], programs: Programs, first_number: int) -> tuple[RuleGroup, ...]:
    by_rule: dict[str, list[Finding]] = {}
    for finding in findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    return tuple(
        RuleGroup(
            anchor=group_anchor(rule) or f"g-{number}",
            first=_view(same[0], number, programs),
            places=tuple(same[1 : phrases.PLACES_PER_RULE]),
            total=len(same),
            left_out=max(0, len(same) - phrases.PLACES_PER_RULE),
        )
        for number, (rule, same) in enumerate(by_rule.items(), first_number)
    )


def _view(finding: Finding, number: int, programs: Programs) -> FindingView:
    return FindingView(
        finding=finding,
        anchor=finding_anchor(finding.fingerprint) or f"n-{number}",
        number=number,
        is_complete=finding.gating or finding.leaves_open,
        excerpt=programs.excerpt(finding),
        notes=phrases.location_notes(finding.location) if finding.location else (),
        policy_lines=tuple(finding.policy_line.splitlines()),
        references=tuple((text, phrases.reference_link(text)) for text in finding.references),
        evidence_left_out=max(0, len(finding.evidence) - _EVIDENCE_ITEMS),
        standing=phrases.standing(finding),
    )
