"""Other severities for rules, as the policy says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from owaudit.errors import UsageError
from owaudit.judge.findings import Ruled
from owaudit.model.policy import RuleChange
from owaudit.model.rule import EvidenceItem


def with_severities(
    ruled: Iterable[Ruled], changes: Iterable[RuleChange], known_rules: frozenset[str]
) -> list[Ruled]:
    """Give each match the severity of the policy; the finding says so among its evidence.

    Raises:
        UsageError: the policy changes a rule that no pack has.
    """
    wanted = {change.rule: change for change in changes}
    for change in wanted.values():
        if change.rule not in known_rules:
            raise UsageError(f"policy: rules: no loaded rule has the id {change.rule!r}")
    return [_changed(item, wanted[item.meta.id]) if item.meta.id in wanted else item for item in ruled]


def _changed(item: Ruled, change: RuleChange) -> Ruled:
    said = f"{change.severity} in place of {item.meta.severity}: {change.reason}"
    noted = EvidenceItem(label="severity by policy", value=said)
    return Ruled(
        replace(item.meta, severity=change.severity),
        replace(item.match, evidence=(*item.match.evidence, noted)),
    )
