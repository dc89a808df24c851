"""Section 7: what the audit says about controls, with the limit beside each; and what files state."""

from __future__ import annotations

from dataclasses import dataclass

from owaudit.model.report import ControlResult, ControlState, FrameworkUsed, InventoryItem, Report
from owaudit.render.phrases import day

SECTIONS = {
    "coverage": 1,
    "findings": 2,
    "loaders": 3,
    "integrity": 4,
    "origin": 5,
    "waivers": 6,
    "controls": 7,
    "files": 8,
    "reproduce": 9,
}
"""Sections that a control may point to, and their numbers."""
MARKS = {
    ControlState.SUPPORTS: "plus",
    ControlState.CONTRADICTS: "no",
    ControlState.PARTIAL: "half",
    ControlState.NO_EVIDENCE: "none",
    ControlState.OUT_OF_SCOPE: "out",
}
"""The mark of a state; evidence for a control is never green."""
_INVENTORY = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlRow:
    """One control and the word of its state; ``confidence`` is said where it is not the framework's."""

    control: ControlResult
    mark: str
    word: str
    confidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameworkTable:
    """One framework, the day on which its ids were checked, and its rows in the order of the source."""

    used: FrameworkUsed
    checked: str
    rows: tuple[ControlRow, ...]


def framework_tables(report: Report) -> tuple[FrameworkTable, ...]:
    """Return section 7 of a report: a table for each framework, in the order asked for."""
    return tuple(
        FrameworkTable(
            used=used,
            checked=day(f"{used.checked}T00:00:00Z"),
            rows=tuple(_row(control, used) for control in report.controls if control.framework == used.key),
        )
        for used in report.frameworks
    )


def inventory_rows(report: Report) -> tuple[tuple[InventoryItem, ...], int]:
    """Return what the files state, as much as fits, and how many statements are left out."""
    return report.inventory[:_INVENTORY], max(0, len(report.inventory) - _INVENTORY)


def _row(control: ControlResult, used: FrameworkUsed) -> ControlRow:
    return ControlRow(
        control=control,
        mark=MARKS[control.state],
        word=control.state.value.replace("-", " ").capitalize(),
        confidence=control.confidence.value if control.confidence is not used.confidence else "",
    )
