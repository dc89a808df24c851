"""What a report says about the controls of frameworks, and where its word ends.

Evidence for an assessor, not an assessment: a state says what was seen in these files at this time,
and every control carries its limit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from owaudit.judge.control_facts import facts_of
from owaudit.judge.frameworks import Control, EvidenceRow, Framework
from owaudit.model.report import ControlEvidence, ControlResult, ControlState, Report

_NOTHING = ControlEvidence(text="Nothing in this audit speaks to it.", section="")
_OUTSIDE = ControlEvidence(text="Nothing: an audit of files does not see this.", section="")


def with_controls(report: Report, frameworks: Sequence[Framework]) -> Report:
    """The report with the state of every control of the frameworks."""
    if not frameworks:
        return report
    facts = facts_of(report)
    return replace(
        report,
        frameworks=tuple(framework.used for framework in frameworks),
        controls=tuple(
            _result(framework.used.key, control, facts)
            for framework in frameworks
            for control in framework.controls
        ),
    )


def _result(framework: str, control: Control, facts: Mapping[str, ControlEvidence]) -> ControlResult:
    row = next((row for row in control.rows if _fits(row, facts)), None)
    seen: tuple[ControlEvidence, ...] = (_OUTSIDE,)
    state = ControlState.OUT_OF_SCOPE
    if row is not None:
        state, seen = row.state, _told(row, facts)
        if state is ControlState.SUPPORTS and control.only_partly:
            state = ControlState.PARTIAL
    elif not control.out_of_scope:
        state, seen = ControlState.NO_EVIDENCE, (_missing(control, facts),)
    return ControlResult(
        framework=framework,
        id=control.id,
        title=control.title,
        state=state,
        seen=seen,
        limit=control.limit,
        confidence=control.confidence,
    )


def _fits(row: EvidenceRow, facts: Mapping[str, ControlEvidence]) -> bool:
    return (
        all(name in facts for name in row.all)
        and (not row.any or any(name in facts for name in row.any))
        and not any(name in facts for name in row.none)
    )


def _told(row: EvidenceRow, facts: Mapping[str, ControlEvidence]) -> tuple[ControlEvidence, ...]:
    """The facts of a row that hold, each once, in the order of the row."""
    names = dict.fromkeys((*row.all, *row.any, *row.also))
    return tuple(facts[name] for name in names if name in facts)


def _missing(control: Control, facts: Mapping[str, ControlEvidence]) -> ControlEvidence:
    """What was looked for in vain: an axis that is absent, if the control asks for one."""
    asked = {name for row in control.rows for name in (*row.all, *row.any)}
    for axis in ("integrity", "origin"):
        if any(name.startswith(f"{axis}-") for name in asked) and f"{axis}-absent" in facts:
            return facts[f"{axis}-absent"]
    return _NOTHING
