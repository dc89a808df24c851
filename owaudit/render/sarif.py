"""SARIF 2.1.0 as GitHub code scanning takes it: inside its limits, with marks that stay.

GitHub refuses a whole upload for one result without a place, and ignores suppressions, so waived
findings are left out here and kept in ``sarif-full``. What it refuses above is documented
as 10 MB of compressed file, 20 runs and 25,000 results a run, of which it shows 5,000.

Source: SARIF 2.1.0 (OASIS, 27 March 2020); GitHub documentation, SARIF support for code scanning.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from owaudit.model.evidence import Diagnostic
from owaudit.model.report import Finding, Report
from owaudit.render import phrases
from owaudit.render.places import numbered, relative_uri, shown
from owaudit.render.renderer import Renderer, RenderOptions
from owaudit.render.sarif_results import github_result, plain_message
from owaudit.render.sarif_rules import by_rule, cwes, rule_descriptor, shared_remedy, taxonomy

RESULTS = 5_000
"""Results written for GitHub: as many as it shows of a run."""
RESULT_BYTES = 9_000_000
"""Bytes of all results together. A file of less than 10 MB is one when it is compressed, too,
whatever compresses it; the rules and the run take the rest."""
_RULES = 2_000
_NOTIFICATIONS = 100
_EXTENSIONS = 100
_NOTE_LEVELS = {"note": "note", "warning": "warning", "error": "error"}
_SEMANTIC = re.compile(r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?\Z")
SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

ResultOf = Callable[..., dict[str, Any]]


def render(report: Report, options: RenderOptions) -> str:
    """Return the log for GitHub: what is not waived, the worst first, as many as fit."""
    chosen = [finding for finding in report.findings if not phrases.is_waived(finding)]
    run = run_of(report, options, chosen, github_result)
    kept = _fitting(run["results"])
    left_out = len(run["results"]) - kept
    del run["results"][kept:]
    if left_out:
        notes = run["invocations"][0]["toolExecutionNotifications"]
        said = f"{phrases.counted(left_out, 'result')} left out, to stay inside what GitHub takes."
        notes.append({"level": "warning", "message": {"text": f"{said} The JSON report has all."}})
    return log_text(run)


def run_of(
    report: Report, options: RenderOptions, findings: Sequence[Finding], result_of: ResultOf
) -> dict[str, Any]:
    """Return the run of a log with one result for each of these findings."""
    rules = dict(list(by_rule(report).items())[:_RULES])
    index = {rule: number for number, rule in enumerate(rules)}
    remedies = {rule: shared_remedy(of_rule) for rule, of_rule in rules.items()}
    marks = numbered(finding.fingerprint for finding in findings)
    results = []
    for finding, mark in zip(findings, marks, strict=True):
        if finding.rule not in rules:
            continue
        remedy = "" if remedies[finding.rule] else finding.remediation
        result = result_of(finding, mark, report, options, remedy=remedy)
        results.append(result | {"ruleIndex": index[finding.rule]})
    titles = cwes(finding for of_rule in rules.values() for finding in of_rule)
    run: dict[str, Any] = {
        "tool": _tool(report, rules, with_cwe=bool(titles)),
        "automationDetails": {"id": _category(report)},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(report)],
        "results": results,
        "properties": _summary(report),
    }
    if titles:
        run["taxonomies"] = [taxonomy(titles)]
    return run


def log_text(run: dict[str, Any]) -> str:
    """Return a log with one run as text: sorted keys, one space of indent, final newline."""
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, ensure_ascii=False, sort_keys=True, indent=1) + "\n"


def _fitting(results: Sequence[dict[str, Any]]) -> int:
    """How many of the results, from the first on, stay inside both limits."""
    total = 0
    for count, result in enumerate(results[:RESULTS]):
        written = json.dumps(result, ensure_ascii=False, indent=1)
        # Inside the log each line stands three spaces further in.
        total += len(written.encode("utf-8")) + 4 * (written.count("\n") + 1)
        if total > RESULT_BYTES:
            return count
    return min(len(results), RESULTS)


def _tool(report: Report, rules: dict[str, list[Finding]], *, with_cwe: bool) -> dict[str, Any]:
    driver: dict[str, Any] = {
        "name": shown(report.tool.name, 255) or "owaudit",
        **_versions(report.tool.version),
        "shortDescription": {"text": "Audits open-weight model files without loading them."},
        "fullDescription": {
            "text": "Audits open-weight model files without loading them: what would run on load, "
            "whether the bytes are those that a record names, and who vouches for them."
        },
        "rules": [rule_descriptor(findings) for findings in rules.values()],
    }
    if with_cwe:
        driver["supportedTaxonomies"] = [{"name": "CWE"}]
    packs = [
        {
            "name": shown(pack.name, 255) or "pack",
            **_versions(pack.version),
            "properties": {"digest": str(pack.digest), "rules": pack.rules},
        }
        for pack in report.tool.packs[:_EXTENSIONS]
    ]
    return {"driver": driver} | ({"extensions": packs} if packs else {})


def _versions(version: str) -> dict[str, str]:
    stated = {"version": shown(version, 100)} if version else {}
    return stated | ({"semanticVersion": version} if _SEMANTIC.match(version) else {})


def _category(report: Report) -> str:
    """Two uploads in one category replace each other, so each subject has its own."""
    name = relative_uri(shown(report.subject.name, 100)).replace("/", "%2F")
    return f"owaudit/{name or 'target'}/"


def _invocation(report: Report) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "executionSuccessful": report.verdict.exit_code != 2,
        "exitCode": report.verdict.exit_code,
        "exitCodeDescription": phrases.exit_meaning(report),
        "toolExecutionNotifications": [
            {
                "level": _NOTE_LEVELS.get(diagnostic.level, "none"),
                "message": {
                    "text": plain_message(shown(f"{diagnostic.source}: {diagnostic.message}", 1_000))
                },
            }
            for diagnostic in report.diagnostics[:_NOTIFICATIONS]
        ],
    }
    moments = {"startTimeUtc": report.run.started, "endTimeUtc": report.run.ended}
    return shape | {key: moment for key, moment in moments.items() if phrases.is_moment(moment)}


def _notification(diagnostic: Diagnostic) -> dict[str, Any]:
    said = shown(f"{diagnostic.source}: {diagnostic.message}", 1_000)
    return {"level": _NOTE_LEVELS.get(diagnostic.level, "none"), "message": {"text": plain_message(said)}}


def _summary(report: Report) -> dict[str, Any]:
    verdict, counts = report.verdict, report.verdict.counts
    axes = (("load", report.axes.load), ("integrity", report.axes.integrity), ("origin", report.axes.origin))
    return {
        "verdict": str(verdict.result),
        "exitCode": verdict.exit_code,
        "reasons": [shown(reason, 1_000) for reason in verdict.reasons[:50]],
        "axes": {name: {"answer": str(a.answer), "reason": shown(a.reason, 1_000)} for name, a in axes},
        "counts": {
            **{key: getattr(counts, key) for key in ("critical", "high", "medium", "low", "info")},
            "findings": counts.findings,
            "atGate": counts.gating,
            "keepOpen": counts.open,
            "waived": counts.waived,
            "baseline": counts.baseline,
            "files": counts.files,
            "filesRead": counts.files_read,
            "filesPartial": counts.files_partial,
            "filesUnread": counts.files_unread,
        },
        "rootDigest": report.subject.root_digest,
    }


RENDERER = Renderer("sarif", (".sarif", ".sarif.json"), render)
