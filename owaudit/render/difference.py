"""The difference of two audits, as text for a terminal, as Markdown, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from owaudit.errors import UsageError
from owaudit.model import wire
from owaudit.model.difference import Change, Difference, Kind, Side
from owaudit.render.escape import markdown, visible_short
from owaudit.render.phrases import OUTCOME_WORDS, counted
from owaudit.render.renderer import RenderOptions
from owaudit.render.terminal import Sheet

FORMATS = ("text", "json", "markdown")
_SHOWN = 40
"""Changes of one part in text and Markdown; all of them are in the JSON."""
_SIGNS = {Kind.ADDED: "+", Kind.REMOVED: "-", Kind.CHANGED: "~", Kind.MOVED: ">"}
_STYLES = {Kind.ADDED: "ok", Kind.REMOVED: "no", Kind.CHANGED: "unk", Kind.MOVED: "unk"}
_SHORT = 12


def render_difference(found: Difference, format_name: str, options: RenderOptions) -> str:
    """Return the difference in one of ``FORMATS``.

    Raises:
        UsageError: another format.
    """
    if format_name == "json":
        return wire.dumps(found)
    if format_name == "markdown":
        return "\n".join(_markdown(found)) + "\n"
    if format_name == "text":
        return _text(found, options)
    raise UsageError(f"expected a format out of {', '.join(FORMATS)}, found {format_name!r}")


def _parts(found: Difference) -> Iterator[tuple[str, Sequence[Change]]]:
    names = dict.fromkeys(change.part for change in found.changes)
    for name in names:
        yield name, [change for change in found.changes if change.part == name]


def _answers(side: Side) -> str:
    axes = side.axes
    word = OUTCOME_WORDS[side.result]
    return (
        f"{word}; load {axes.load.answer}, integrity {axes.integrity.answer}, origin {axes.origin.answer}; "
        f"{counted(side.files, 'file')}, {counted(side.size, 'byte')}"
    )


def _summary(found: Difference) -> str:
    if not found.changes:
        return "Nothing differs in what was compared."
    counts = []
    for name, changes in _parts(found):
        kinds = [f"{sum(c.kind is kind for c in changes):,} {kind}" for kind in Kind]
        counts.append(f"{name} {', '.join(words for words in kinds if not words.startswith('0 '))}")
    return "; ".join(counts) + "."


def _words(change: Change) -> str:
    """What stands on the two sides, with digests of files cut short."""
    old, new = change.old, change.new
    if change.part == "files" and change.kind is Kind.MOVED:
        return f"from {old}"
    if change.part == "files":
        old, new = old[:_SHORT], new[:_SHORT]
    return f"{old} → {new}" if change.kind is Kind.CHANGED else old or new


# Terminal -----------------------------------------------------------------------------------------


def _text(found: Difference, options: RenderOptions) -> str:
    sheet = Sheet(options)
    for label, side in (("old", found.old), ("new", found.new)):
        sheet.paragraph(f"{visible_short(side.name)}: {_answers(side)}", label=f"{label}  ")
    for name, changes in _parts(found):
        sheet.blank()
        sheet.paragraph(name.capitalize(), style="strong")
        for change in changes[:_SHOWN]:
            _add_change(sheet, change)
        if len(changes) > _SHOWN:
            sheet.paragraph(f"and {len(changes) - _SHOWN:,} more, all in the JSON", indent=2, style="faint")
    if found.not_compared:
        sheet.blank()
        sheet.paragraph("Not compared", style="strong")
        for sentence in found.not_compared:
            sheet.paragraph(visible_short(sentence), indent=2)
    sheet.blank()
    sheet.paragraph(_summary(found))
    return sheet.text()


def _add_change(sheet: Sheet, change: Change) -> None:
    place = "" if change.part == "files" else f"{visible_short(change.artifact)}: " if change.artifact else ""
    said = f"{place}{visible_short(change.subject, limit=480)} ({visible_short(_words(change), limit=480)})"
    sheet.paragraph(said, indent=2, label=f"{_SIGNS[change.kind]} ", label_style=_STYLES[change.kind])


# Markdown -----------------------------------------------------------------------------------------


def _markdown(found: Difference) -> Iterator[str]:
    yield "## What differs between two audits"
    yield ""
    yield "| audit | name | answers |"
    yield "|---|---|---|"
    for label, side in (("old", found.old), ("new", found.new)):
        yield f"| {label} | {markdown(visible_short(side.name))} | {_answers(side)} |"
    yield ""
    yield _summary(found)
    for name, changes in _parts(found):
        yield ""
        yield f"### {name.capitalize()}"
        yield ""
        yield "| | where | what | how it stands |"
        yield "|---|---|---|---|"
        for change in changes[:_SHOWN]:
            cells = (change.artifact, change.subject, _words(change))
            yield f"| {change.kind} | " + " | ".join(markdown(visible_short(c)) for c in cells) + " |"
        if len(changes) > _SHOWN:
            yield ""
            yield f"and {len(changes) - _SHOWN:,} more, all in the JSON"
    if found.not_compared:
        yield ""
        yield from (f"Not compared: {sentence}" for sentence in found.not_compared)
