"""The gate as Markdown for a job summary or a pull request: the verdict first, then each subject.

Everything that comes from a file is escaped by the renderers; the size stays below what GitHub takes
of one step, 1 MiB.
"""

from __future__ import annotations

from owaudit.gate.changes import Changes
from owaudit.gate.outcome import Audited, Gate
from owaudit.render import RenderOptions, renderer_for
from owaudit.render.escape import markdown
from owaudit.render.places import shown

BYTES = 900_000
_CHANGES = 100
_NOTES = 50
_ROWS = 500


def summary_text(gate: Gate) -> str:
    """Return the summary, at most ``BYTES`` long."""
    one = gate.audited[0] if len(gate.audited) == 1 else None
    parts = []
    if one is None or one.report is None or gate.notes:
        parts += _opening(gate)
    size = _size(parts)
    for number, audited in enumerate(gate.audited):
        part = _part(audited)
        if size + len(part.encode("utf-8")) > BYTES:
            left_out = len(gate.audited) - number
            parts.append(f"\n{left_out:,} more reports are in the output folder.\n")
            break
        parts.append(part)
        size += len(part.encode("utf-8"))
    return "\n".join(parts) + "\n"


def _size(parts: list[str]) -> int:
    return sum(len(part.encode("utf-8")) + 1 for part in parts)


def _opening(gate: Gate) -> list[str]:
    lines = [f"# owaudit: {gate.verdict}", ""]
    lines += [f"- {_text(note)}" for note in gate.notes[:_NOTES]]
    if len(gate.audited) != 1 or gate.audited[0].report is None:
        lines += [
            "",
            "| model | verdict | load | integrity | origin | at the gate |",
            "|---|---|---|---|---|---|",
        ]
        lines += [_row(audited) for audited in gate.audited[:_ROWS]]
        if len(gate.audited) > _ROWS:
            lines += ["", f"{len(gate.audited) - _ROWS:,} more models are in gate.json."]
    return [*lines, ""]


def _row(audited: Audited) -> str:
    name = _text(audited.subject.name, 200)
    report = audited.report
    if report is None:
        return f"| {name} | **error** | | | | {_text(audited.problem)} |"
    axes = report.axes
    answers = " | ".join(axis.answer.value for axis in (axes.load, axes.integrity, axes.origin))
    return f"| {name} | **{audited.verdict}** | {answers} | {report.verdict.counts.gating:,} |"


def _part(audited: Audited) -> str:
    if audited.report is None:
        return ""
    text = renderer_for("markdown").content(audited.report, RenderOptions()).decode("utf-8")
    return text + (_changes(audited.changes) if audited.changes is not None else "")


def _changes(changes: Changes) -> str:
    if not changes.found:
        return f"\nNothing differs from {changes.against}.\n"
    lines = ["", f"### Changed since {changes.against}", ""]
    lines += ["| part | | what | before | now |", "|---|---|---|---|---|"]
    for change in changes.found[:_CHANGES]:
        place = f"{change.artifact}: " if change.artifact and change.artifact != change.subject else ""
        cells = (_text(f"{place}{change.subject}"), _text(change.old, 100), _text(change.new, 100))
        lines.append(f"| {change.part} | {change.kind} | {' | '.join(cells)} |")
    if len(changes.found) > _CHANGES:
        lines += ["", f"{len(changes.found) - _CHANGES:,} more differences are in gate.json."]
    return "\n".join(lines) + "\n"


def _text(value: str, limit: int = 400) -> str:
    return markdown(shown(value, limit))
