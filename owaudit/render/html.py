"""The report as one HTML page that loads nothing: an audit letter with ten numbered sections.

The page carries its style and script; a content security policy allows exactly these two blocks
by their SHA-256 and nothing else. Every expression of the templates passes through ``escape``
before it is written, whether or not a template asks for it, so a string from a file can reach the
page only as text with its hidden characters spelled out.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from owaudit.model.limits import Limits
from owaudit.model.report import Outcome, Report
from owaudit.render import phrases
from owaudit.render.json_report import report_digest
from owaudit.render.page.anchors import Anchors
from owaudit.render.page.bars import bars
from owaudit.render.page.controls import SECTIONS, framework_tables, inventory_rows
from owaudit.render.page.cover import MARKS, contents, lead, reasons
from owaudit.render.page.files import files_view, gap_rows, loader_rows
from owaudit.render.page.findings import findings_view
from owaudit.render.page.vouching import CLAIM_MARKS, integrity_view, origin_view
from owaudit.render.page.waivers import waivers_view
from owaudit.render.renderer import Renderer, RenderOptions

if TYPE_CHECKING:
    import jinja2

_TEMPLATES = Path(__file__).resolve().parent / "templates"
_VERDICT_MARKS = {Outcome.PASS: "ok", Outcome.FAIL: "no", Outcome.INCONCLUSIVE: "unk"}
_DIAGNOSTICS = 50


def render(report: Report, options: RenderOptions) -> str:  # noqa: ARG001 - a page has no width
    """Return the page of a report."""
    from owaudit.render.page.environment import as_is, environment, json_block

    digest = report_digest(report)
    digest_words = " ".join(re.findall("....", digest)[:3])
    style = _text("report.css").replace("@digest@", digest_words)
    style = style.replace("@verdict@", report.verdict.result.value)
    script = _text("report.js")
    files = files_view(report)
    page: jinja2.Template = environment(_TEMPLATES).get_template("report.html.j2")
    return page.render(
        report=report,
        style=as_is(style),
        style_hash=_hash(style),
        script=as_is(script),
        script_hash=_hash(script),
        newline=as_is("\n"),
        report_digest=digest,
        digest_words=digest_words,
        listed_json=json_block(files.listed),
        files=files,
        **_shown(report),
    )


def _shown(report: Report) -> dict[str, Any]:
    findings = findings_view(report)
    anchors = Anchors(report, findings.written_out)
    gaps, gaps_left_out = gap_rows(report)
    loaders = loader_rows(report)
    inventory, inventory_left_out = inventory_rows(report)
    waivers = waivers_view(report)
    result = report.verdict.result
    return {
        "anchors": anchors,
        "bars": bars(report),
        "claim_marks": CLAIM_MARKS,
        "changed_limits": _changed_limits(report.limits),
        "contents": contents(
            report,
            gaps=len(gaps) + gaps_left_out,
            loaders=len({(row.answer.loader, row.answer.era) for row in loaders}),
            waivers=waivers.count,
        ),
        "diagnostics": report.diagnostics[:_DIAGNOSTICS],
        "diagnostics_left_out": max(0, len(report.diagnostics) - _DIAGNOSTICS),
        "exit_meaning": phrases.exit_meaning(report),
        "findings": findings,
        "frameworks": framework_tables(report),
        "gaps": gaps,
        "gaps_left_out": gaps_left_out,
        "gate": phrases.gate_phrase(report),
        "hashed": sum(1 for artifact in report.artifacts if artifact.digests),
        "integrity": integrity_view(report),
        "inventory": inventory,
        "inventory_left_out": inventory_left_out,
        "lead": lead(report),
        "limits_reached": sum(row.reason == "limit-reached" for a in report.artifacts for row in a.coverage),
        "loaders": loaders,
        "marks": MARKS,
        "origin": origin_view(report),
        "places_per_rule": phrases.PLACES_PER_RULE,
        "reasons": reasons(report, anchors),
        "run_day": phrases.day(report.run.ended),
        "sections": SECTIONS,
        "verdict_mark": _VERDICT_MARKS[result],
        "waivers": waivers,
        "verdict_word": phrases.OUTCOME_WORDS[result],
    }


def _changed_limits(limits: Limits) -> list[tuple[str, int]]:
    defaults = Limits()
    names = [field.name for field in dataclasses.fields(Limits)]
    return [
        (name, getattr(limits, name)) for name in names if getattr(limits, name) != getattr(defaults, name)
    ]


@functools.cache
def _text(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _hash(block: str) -> str:
    """The hash of a block as a content security policy spells it: base64 of SHA-256."""
    return base64.b64encode(hashlib.sha256(block.encode("utf-8")).digest()).decode("ascii")


RENDERER = Renderer("html", (".html", ".htm"), render)
