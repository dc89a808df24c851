"""The rules of a SARIF log, as far as the findings of a report tell them.

GitHub grades by ``security-severity``, a number on the rule; the numbers lie in the middle of the
bands that it documents (above 9.0 critical, 7.0 to 8.9 high, 4.0 to 6.9 medium, 0.1 to 3.9 low).
What is only information carries none and is no security alert.

Source: SARIF 2.1.0 sections 3.19 and 3.49; GitHub documentation, SARIF support for code scanning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from owaudit.model.report import Finding, Report
from owaudit.model.rule import Confidence, Severity
from owaudit.render import escape, phrases
from owaudit.render.places import shown

LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
_SECURITY_SEVERITY = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
}
_PROBLEM_SEVERITY = {"error": "error", "warning": "warning", "note": "recommendation"}
_TAGS = 10
"""GitHub refuses a rule with more than 20 tags and shows 10."""
_NAME = 255
_DESCRIPTION = 1024
"""Longest name and description, in characters, that GitHub takes."""
_HELP = 8_000
_CWE = re.compile(r"CWE-(\d{1,5})\b[:\s]*(.*)", re.S)


def by_rule(report: Report) -> dict[str, list[Finding]]:
    """Return the findings of each rule, the rules in order of their ids."""
    found: dict[str, list[Finding]] = {}
    for finding in report.findings:
        found.setdefault(finding.rule, []).append(finding)
    return dict(sorted(found.items()))


def rule_descriptor(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the ``reportingDescriptor`` of the rule that these findings share."""
    first = findings[0]
    severity = max((f.severity for f in findings), key=lambda s: s.rank)
    level = LEVELS[severity]
    numbers = list(cwes(findings))
    properties: dict[str, Any] = {
        "precision": str(max((f.confidence for f in findings), key=list(reversed(Confidence)).index)),
        "problem.severity": _PROBLEM_SEVERITY[level],
        "tags": _tags(first, severity, numbers),
    }
    if severity in _SECURITY_SEVERITY:
        properties["security-severity"] = _SECURITY_SEVERITY[severity]
    text, markdown = _help(findings)
    descriptor: dict[str, Any] = {
        "id": shown(first.rule, _NAME),
        "name": _pascal(first.name) or shown(first.rule, _NAME),
        "shortDescription": {"text": _sentence(first.title, first.rule)},
        "fullDescription": {"text": _sentence(first.explanation, first.title or first.rule)},
        "help": {"text": text, "markdown": markdown},
        "defaultConfiguration": {"level": level},
        "properties": properties,
    }
    if numbers:
        target = [{"id": f"CWE-{number}", "toolComponent": {"name": "CWE"}} for number in numbers]
        descriptor["relationships"] = [{"target": t, "kinds": ["relevant"]} for t in target]
    return descriptor


def cwes(findings: Iterable[Finding]) -> dict[int, str]:
    """Return the weaknesses that the findings refer to: number and title, where one is given."""
    found: dict[int, str] = {}
    for finding in findings:
        for reference in finding.references:
            if match := _CWE.match(reference):
                number, title = int(match[1]), shown(match[2], _NAME)
                found[number] = found.get(number) or title
    return dict(sorted(found.items()))


def taxonomy(titles: Mapping[int, str]) -> dict[str, Any]:
    """Return the CWE entries that the rules relate to, as a ``toolComponent``."""
    taxa = []
    for number, title in titles.items():
        link = phrases.reference_link(f"CWE-{number}")
        titled = {"name": title, "shortDescription": {"text": phrases.full_stop(title)}} if title else {}
        taxa.append({"id": f"CWE-{number}", "helpUri": link, **titled})
    return {
        "name": "CWE",
        "organization": "MITRE",
        "informationUri": "https://cwe.mitre.org/",
        "shortDescription": {"text": "The MITRE Common Weakness Enumeration."},
        "isComprehensive": False,
        "taxa": taxa,
    }


def shared_remedy(findings: Sequence[Finding]) -> str:
    """Return what to do, where all findings of the rule say the same; otherwise nothing."""
    remedies = {finding.remediation for finding in findings}
    return remedies.pop() if len(remedies) == 1 else ""


def _tags(finding: Finding, severity: Severity, numbers: Sequence[int]) -> list[str]:
    own = [f"owaudit/{finding.axis}"]
    if finding.family:
        own.append("owaudit/" + shown(finding.family, 60))
    weaknesses = [f"external/cwe/cwe-{number:03}" for number in numbers]
    security = ["security"] if severity in _SECURITY_SEVERITY else []
    return sorted([*security, *own, *weaknesses][:_TAGS])


def _help(findings: Sequence[Finding]) -> tuple[str, str]:
    first = findings[0]
    remedy = shared_remedy(findings)
    references = [shown(reference, _NAME) for reference in first.references]
    rule = shown(first.rule, _NAME)
    plain = [_sentence(first.explanation, first.title or first.rule)]
    marked = [escape.markdown(plain[0])]
    if remedy:
        plain.append(f"What to do: {shown(remedy, _DESCRIPTION)}")
        marked.append(f"**What to do:** {escape.markdown(shown(remedy, _DESCRIPTION))}")
    if references:
        plain.append("See: " + "; ".join(references))
        marked.append("\n".join(f"- {_linked(reference)}" for reference in references))
    plain.append(f"More: owaudit rules show {rule}")
    marked.append(f"More: `owaudit rules show {rule.replace('`', '')}`")
    return "\n\n".join(plain)[:_HELP], "\n\n".join(marked)[:_HELP]


def _linked(reference: str) -> str:
    address = phrases.reference_link(reference)
    plain = address and not re.search(r"[()<>\\\s`\"\[\]]", address)
    return f"[{escape.markdown(reference)}]({address})" if plain else escape.markdown(reference)


def _sentence(text: str, otherwise: str) -> str:
    return shown(phrases.full_stop(text.strip() or otherwise.strip() or "owaudit"), _DESCRIPTION)


def _pascal(name: str) -> str:
    """``pickle-powerful-import`` as ``PicklePowerfulImport``, which viewers expect of a name."""
    return "".join(word[:1].upper() + word[1:] for word in re.findall(r"[A-Za-z0-9]+", name))[:_NAME]
