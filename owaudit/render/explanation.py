"""What loading would do, for a terminal: pseudo-Python with byte offsets, and each loader's answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from owaudit.model.report import Finding, Listing, ListingLine, LoaderAnswer, Reaction, Report
from owaudit.render.escape import visible_short
from owaudit.render.phrases import counted, full_stop
from owaudit.render.renderer import RenderOptions
from owaudit.render.terminal import SEVERITY_STYLES, Sheet, columns, wrap

REACTION_WORDS = {
    Reaction.REFUSES: "refuses",
    Reaction.INERT: "runs nothing",
    Reaction.RUNS: "runs code",
    Reaction.UNKNOWN: "not known",
}
_LINE_LIMIT = 2000
"""Characters of one program line; an argument may be megabytes long."""


def render_explanation(report: Report, options: RenderOptions) -> str:
    """Return every listing of the report and what each loader would do, as lines of text."""
    sheet = Sheet(options)
    findings = {finding.fingerprint: finding for finding in report.findings}
    for listing in report.listings:
        sheet.blank()
        add_listing(sheet, listing, findings)
    if not report.listings:
        sheet.paragraph("No pickle was found, so there is no program to show.")
    add_loaders(sheet, report.loaders)
    return sheet.text()


def add_listing(sheet: Sheet, listing: Listing, findings: Mapping[str, Finding]) -> None:
    """Add what an unrestricted loader does with one pickle; lines of findings carry their rules."""
    sheet.paragraph(_path(str(listing.location)), style="strong")
    sheet.paragraph(
        f"protocol {listing.protocol}, {counted(listing.instructions, 'instruction')}, "
        f"ends with {visible_short(listing.ending)}",
        indent=2,
    )
    gutter = max((len(_span(line)) for line in listing.lines), default=1)
    for line in listing.lines:
        _add_line(sheet, line, gutter, [findings[f] for f in line.findings if f in findings])
    if listing.left_out:
        sheet.line(f"  {'':>{gutter}} │ # {counted(listing.left_out, 'more line')}, not kept")


def add_loaders(sheet: Sheet, answers: Sequence[LoaderAnswer]) -> None:
    """Add a table with what each loader would do; nothing where no loader was asked."""
    if not answers:
        return
    sheet.blank()
    sheet.paragraph("What each loader would do", style="strong")
    rows = []
    for (loader, reaction, detail, safe_call), units in _alike(answers).items():
        more = f" and {len(units) - 1:,} more" if len(units) > 1 else ""
        word = "Call" if reaction is Reaction.INERT else "Instead"
        instead = f" {word}: {visible_short(safe_call)}." if safe_call else ""
        said = f"{_path(units[0])}{more}: {visible_short(full_stop(detail))}{instead}"
        rows.append((visible_short(loader), REACTION_WORDS[reaction], said))
    sheet.table(("loader", "answer", "what happens"), rows)


def _alike(answers: Iterable[LoaderAnswer]) -> dict[tuple[str, Reaction, str, str], list[str]]:
    units: dict[tuple[str, Reaction, str, str], list[str]] = {}
    for answer in answers:
        loader = f"{answer.loader} ({answer.era})" if answer.era else answer.loader
        units.setdefault((loader, answer.reaction, answer.detail, answer.safe_call), []).append(answer.unit)
    return units


def _add_line(sheet: Sheet, line: ListingLine, gutter: int, findings: Sequence[Finding]) -> None:
    text = visible_short(line.line.text, limit=_LINE_LIMIT, head=_LINE_LIMIT - 400, tail=400)
    if line.line.times > 1:
        text += f"  # {counted(line.line.times, 'time')}"
    rules = sorted({finding.rule for finding in findings})
    if rules:
        text += "  # " + ", ".join(visible_short(rule) for rule in rules)
    worst = max(findings, key=lambda finding: finding.severity.rank, default=None)
    style = SEVERITY_STYLES[worst.severity] if worst else ""
    mark = ">" if rules else " "
    first = f"{mark} {_span(line):>{gutter}} │ "
    hanging = f"  {'':>{gutter}} │ "
    room = sheet.options.columns - columns(first)
    for count, part in enumerate(wrap(text, room)):
        sheet.line((hanging if count else first) + sheet.ink(style, part))


def _span(line: ListingLine) -> str:
    return f"{line.line.start}-{line.line.end}"


def _path(text: str) -> str:
    return visible_short(text, head=768, tail=256, limit=1024)
