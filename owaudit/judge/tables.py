"""Table rules: names or other texts of observations, held against rows.

``on`` is the kind of the observation, ``field`` its text (or tuple of texts) to match. A value that
an ``[[allow]]`` row covers is quiet, one that a ``[[deny]]`` row covers is a match of the rule, and
what neither covers is a match of ``otherwise`` where the table has one. ``message`` may use
``{value}`` and ``{why}``. ``where`` asks for exact texts in other fields.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

from owaudit.judge.patterns import Hit, PatternIndex
from owaudit.judge.rows import Row, read_meta, read_row
from owaudit.judge.strict import Section
from owaudit.model.evidence import Evidence
from owaudit.model.observation import Observation, observation_types
from owaudit.model.rule import EvidenceItem, Match, PythonRule, RuleMeta


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRule:
    """A table of the generic kind. ``otherwise`` applies to values that no row covers."""

    meta: RuleMeta
    on: str
    field: str
    message: str
    where: tuple[tuple[str, tuple[str, ...]], ...]
    deny: tuple[Row, ...]
    allow: tuple[Row, ...]
    otherwise: RuleMeta | None
    otherwise_message: str
    file: str


def read_table(section: Section) -> TableRule:
    """Read a table rule. Raises UsageError, also for a kind or field that does not exist."""
    on = section.choice("on", sorted(observation_types()))
    fields = sorted(f.name for f in dataclasses.fields(observation_types()[on]))
    meta = read_meta(section)
    other = section.section("otherwise")
    otherwise, otherwise_message = None, ""
    if other is not None:
        otherwise_message = other.text("message", "")
        otherwise = read_meta(other, parent=meta)
        other.finish()
    table = TableRule(
        meta=meta,
        on=on,
        field=section.choice("field", fields),
        message=section.text("message", ""),
        where=_where(section, fields),
        deny=tuple(read_row(row) for row in section.sections("deny")),
        allow=tuple(read_row(row) for row in section.sections("allow")),
        otherwise=otherwise,
        otherwise_message=otherwise_message,
        file=section.file,
    )
    section.finish()
    if not table.deny and otherwise is None:
        raise section.error("deny", "a table without rows says nothing")
    denied = {entry for row in table.deny for entry in row.match}
    for row in table.allow:
        for entry in row.match:
            if entry in denied:
                raise section.error(row.place, f"{entry!r} stands in both lists")
    return table


def _where(section: Section, fields: list[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    inner = section.section("where")
    if inner is None:
        return ()
    found = tuple((name, inner.text_or_texts(name)) for name in fields if name in inner)
    inner.finish()
    return found


def rules_of(table: TableRule) -> tuple[PythonRule, ...]:
    """Turn a table into the rules that the engine runs: one, or two with ``otherwise``."""
    index: PatternIndex[tuple[bool, Row]] = PatternIndex()
    for allowed, rows in ((False, table.deny), (True, table.allow)):
        for row in rows:
            for entry in row.match:
                index.add(entry, (allowed, row))

    def denied(evidence: Evidence) -> Iterator[Match]:
        for observation, value in _values(table, evidence):
            hit = _deciding(index, value)
            if hit is not None and not hit.value[0]:
                yield _match(table, observation, value, hit)

    def uncovered(evidence: Evidence) -> Iterator[Match]:
        for observation, value in _values(table, evidence):
            if _deciding(index, value) is None:
                yield _match(table, observation, value, None)

    rules = [PythonRule(table.meta, denied)] if table.deny else []
    if table.otherwise is not None:
        rules.append(PythonRule(table.otherwise, uncovered))
    return tuple(rules)


def _deciding(index: PatternIndex[tuple[bool, Row]], value: str) -> Hit[tuple[bool, Row]] | None:
    """The row with the longest entry decides; of two equally long ones the denying."""
    return max(index.find(value), key=lambda hit: (hit.depth, not hit.value[0]), default=None)


def _values(table: TableRule, evidence: Evidence) -> Iterator[tuple[Observation, str]]:
    cls = observation_types()[table.on]
    for observation in evidence.of(cls):
        if any(str(getattr(observation, name)) not in allowed for name, allowed in table.where):
            continue
        value = getattr(observation, table.field)
        for text in value if isinstance(value, tuple) else (value,):
            yield observation, str(text)


def _match(
    table: TableRule, observation: Observation, value: str, hit: Hit[tuple[bool, Row]] | None
) -> Match:
    evidence = [EvidenceItem(label=table.field, value=value)]
    why = ""
    if hit is not None:
        row = hit.value[1]
        why = row.why
        evidence += [
            EvidenceItem(label="matched", value=hit.entry),
            EvidenceItem(label="why", value=row.why),
            EvidenceItem(label="source", value=row.source),
        ]
        template = table.message or f"{table.meta.title}: {{value}}"
    else:
        assert table.otherwise is not None
        template = table.otherwise_message or f"{table.otherwise.title}: {{value}}"
    # The value comes last and through replace: it may hold braces, and nothing reads them.
    message = template.replace("{why}", why).replace("{value}", value)
    return Match(message, observation, evidence=tuple(evidence), key=value)
