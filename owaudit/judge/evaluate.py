"""From evidence to report: run every rule, build the findings, answer, decide.

The report follows from evidence, policy and packs alone; ``run`` is carried through. A rule that
crashes is a finding of its own (OWA9006), its matches up to there stay, the others go on, and the
verdict is inconclusive at best.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import TypeVar

from owaudit.errors import UsageError
from owaudit.judge import summaries, tables, verdict
from owaudit.judge.baseline import Baseline, apply_baseline
from owaudit.judge.changed_rules import with_severities
from owaudit.judge.controls import with_controls
from owaudit.judge.findings import Ruled, corroborated, make
from owaudit.judge.formats import refused_formats
from owaudit.judge.frameworks import wanted_frameworks
from owaudit.judge.inventory import inventory
from owaudit.judge.loaders import loader_answers
from owaudit.judge.names import Judged, NameLists, judge_names
from owaudit.judge.packs import Pack, outcome_of
from owaudit.judge.standing import Files, excused
from owaudit.judge.waivers import apply_waivers
from owaudit.model import wire
from owaudit.model.evidence import Diagnostic, Evidence
from owaudit.model.limits import Limits
from owaudit.model.policy import Policy
from owaudit.model.report import PolicyUsed, Report, Run, Tool
from owaudit.model.rule import EvidenceItem, Match, PythonRule

T = TypeVar("T")

CRASH_ROLE = "rule-crashed"


def judge(
    evidence: Evidence,
    policy: Policy,
    packs: Sequence[Pack],
    *,
    run: Run,
    tool_version: str,
    diagnostics: Sequence[Diagnostic] = (),
    baseline: Baseline | None = None,
) -> Report:
    """Judge the evidence with the rules of the packs under the policy.

    ``diagnostics`` are notes of the caller, such as a policy file that was ignored; they come
    first in the report. Waivers are held against the day on which the run started.

    Raises:
        UsageError: the packs hold no rules or their lists contradict each other, or the policy asks
            for a rule, pack or framework that is not there.
    """
    session = _Session(evidence, packs)
    frameworks = wanted_frameworks(packs, policy.frameworks)
    lists = NameLists(packs)
    nothing: tuple[list[Judged], list[Diagnostic]] = ([], [])
    judged, notes = session.guard(lambda: judge_names(evidence, lists, policy), nothing, _NAMES)
    session.ruled += [Ruled(item.meta, item.match) for item in judged]
    session.ruled += refused_formats(evidence, policy.formats, packs)
    for rule in session.rules:
        session.run(rule)
    known_rules = frozenset(meta.id for pack in packs for meta in pack.metas())
    ruled = with_severities(session.ruled, policy.rules, known_rules)
    made = corroborated(make(ruled, policy.gate), evidence)
    files = Files(evidence)
    waived = apply_waivers(policy, made, files, known_rules, run.started[:10])
    existing, baseline_used = apply_baseline(baseline, made, files, policy)
    made = excused(made, waived.covered, existing)
    findings = tuple(item.finding for item in made)
    crashed = bool(session.crashes)
    answers = verdict.axes(evidence, findings, crashed=crashed)
    loaders = [table for pack in packs for table in pack.loaders]
    report = Report(
        tool=Tool(
            name="owaudit",
            version=tool_version,
            packs=tuple(pack.used for pack in packs),
            rules_evaluated=sum(len(pack.metas()) for pack in packs),
        ),
        run=run,
        policy=PolicyUsed(effective=policy, sha256=policy_digest(policy)),
        limits=evidence.limits,
        subject=summaries.subject(evidence),
        axes=answers,
        verdict=verdict.verdict(evidence, policy, findings, answers, crashed=crashed),
        artifacts=summaries.artifact_reports(evidence, made),
        findings=findings,
        listings=summaries.listings(evidence, made),
        loaders=loader_answers(evidence, judged, loaders),
        diagnostics=(
            *diagnostics,
            *evidence.diagnostics,
            *notes,
            *session.crashes,
            *waived.diagnostics,
            *_other_limits(evidence, policy),
        ),
        records=evidence.provenance.records,
        signatures=evidence.provenance.signatures,
        claims=evidence.provenance.claims,
        vouched=evidence.provenance.vouched,
        waivers=waived.results,
        baseline=baseline_used,
        inventory=inventory(evidence),
    )
    return with_controls(report, frameworks)


def _other_limits(evidence: Evidence, policy: Policy) -> tuple[Diagnostic, ...]:
    if policy.limits in (Limits(), evidence.limits):
        return ()
    message = "the files were read under other limits than those of the policy"
    return (Diagnostic(level="warning", source="policy", message=message),)


def policy_digest(policy: Policy) -> str:
    """SHA-256 in hex over the canonical JSON of the policy."""
    return hashlib.sha256(wire.dumps(policy).encode("utf-8")).hexdigest()


_NAMES = ("names", "the lists of names")


class _Session:
    """The matches of one evaluation and what went wrong in it."""

    def __init__(self, evidence: Evidence, packs: Sequence[Pack]) -> None:
        self.evidence = evidence
        self.ruled: list[Ruled] = []
        self.crashes: list[Diagnostic] = []
        self.rules: list[PythonRule] = [rule for pack in packs for rule in pack.rules]
        for pack in packs:
            for table in pack.tables:
                self.rules += tables.rules_of(table)
        self._crash_meta = outcome_of(packs, CRASH_ROLE)
        if not self.rules and not any(pack.powerful for pack in packs):
            raise UsageError("no rules were loaded; nothing can be judged without rules")

    def run(self, rule: PythonRule) -> None:
        """Keep the matches of one rule, up to where it crashes."""
        name = (rule.meta.id, f"rule {rule.meta.id} ({rule.meta.name})")
        self.guard(lambda: self._collect(rule), None, name)

    def _collect(self, rule: PythonRule) -> None:
        for match in rule.check(self.evidence):
            if not isinstance(match, Match):
                raise TypeError(f"a rule returns Match, not {type(match).__name__}")
            self.ruled.append(Ruled(rule.meta, match))

    def guard(self, step: Callable[[], T], otherwise: T, name: tuple[str, str]) -> T:
        """Run a step; its crash becomes a finding and a diagnostic, never a traceback."""
        try:
            return step()
        except Exception as error:  # noqa: BLE001 - a crash of any kind is an incident, not an end
            key, words = name
            where = _where(error)
            message = f"{words} stopped with {type(error).__name__}"
            message = message[0].upper() + message[1:]
            self.crashes.append(Diagnostic(level="error", source=key, message=f"{message} at {where}"))
            self.ruled.append(
                Ruled(
                    self._crash_meta,
                    Match(
                        message,
                        key=key,
                        evidence=(
                            EvidenceItem(label="error", value=type(error).__name__),
                            EvidenceItem(label="at", value=where),
                        ),
                    ),
                )
            )
            return otherwise


def _where(error: BaseException) -> str:
    """File name and line where the error was raised, without the folder."""
    trace = error.__traceback__
    if trace is None:
        return "an unknown place"
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{PurePath(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
