"""Control evidence and what files state about the model, as lines for a terminal."""

from __future__ import annotations

from owaudit.model.report import ControlResult, ControlState, InventoryItem, Report
from owaudit.render.escape import visible_short
from owaudit.render.phrases import counted
from owaudit.render.terminal import Sheet

_STYLES = {
    ControlState.SUPPORTS: "",
    ControlState.CONTRADICTS: "no",
    ControlState.PARTIAL: "unk",
    ControlState.NO_EVIDENCE: "faint",
    ControlState.OUT_OF_SCOPE: "faint",
}
_INVENTORY_SHOWN = 20
_INDENT = 2
_LABEL = 15


def add_controls(sheet: Sheet, report: Report) -> None:
    """Add every framework that was asked for, each control with what was seen and its limit."""
    for framework in report.frameworks:
        sheet.blank()
        sheet.paragraph(
            f"{visible_short(framework.name)}, {visible_short(framework.edition)}", style="strong"
        )
        sheet.paragraph(visible_short(framework.reading, limit=480), indent=_INDENT, style="faint")
        for control in report.controls:
            if control.framework == framework.key:
                _add_control(sheet, control)


def _add_control(sheet: Sheet, control: ControlResult) -> None:
    head = f"{visible_short(control.id)}  {visible_short(control.title)}"
    sheet.paragraph(
        head, indent=_INDENT, label=f"{control.state:<{_LABEL}}", label_style=_STYLES[control.state]
    )
    for item in control.seen:
        sheet.paragraph(visible_short(item.text), indent=_INDENT + _LABEL)
    sheet.paragraph(visible_short(control.limit), indent=_INDENT + _LABEL, label="Limit: ", style="faint")


def add_inventory(sheet: Sheet, items: tuple[InventoryItem, ...]) -> None:
    """Add what the files state about the model, the first of it."""
    if not items:
        return
    sheet.blank()
    sheet.paragraph("As the files state it", style="strong")
    for item in items[:_INVENTORY_SHOWN]:
        place = f"{visible_short(item.artifact)}{', ' + visible_short(item.place) if item.place else ''}"
        sheet.paragraph(
            f"{visible_short(item.value)} ({place})", indent=_INDENT, label=f"{item.label:<{_LABEL}}"
        )
    if len(items) > _INVENTORY_SHOWN:
        rest = counted(len(items) - _INVENTORY_SHOWN, "more statement")
        sheet.paragraph(f"and {rest}, all in the JSON report", indent=_INDENT, style="faint")
