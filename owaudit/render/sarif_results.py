"""The results of a SARIF log: one for each finding, with everything that tells where it is.

A line is only stated where the text of the file has one; elsewhere the region is the first character
of the file together with the bytes, where these count in the file itself. Bytes inside an archive
member count in the member, so they stand in the logical location and the message, like all that is
beyond 2 GiB.

Source: SARIF 2.1.0 sections 3.27 to 3.33; GitHub documentation, SARIF support for code scanning.
"""

from __future__ import annotations

import re
from typing import Any

from owaudit.model.location import Location
from owaudit.model.report import Finding, Report, Status
from owaudit.render import phrases
from owaudit.render.places import primary, relative_uri, repository_place, shown, where
from owaudit.render.renderer import RenderOptions
from owaudit.render.sarif_rules import LEVELS

LARGEST = 2**31 - 1
"""The SARIF SDK reads offsets and lengths as 32-bit integers and drops a whole log for one larger."""
_MESSAGE = 1_000
_RELATED = 10
_EVIDENCE = 20
_VALUE = 2_000
# A viewer would replace ``{0}`` and link ``[text](address)`` in what is meant as plain text. No
# producer doubles every brace, as section 3.11.5 asks, and no viewer undoes it; these two are broken.
_PLACEHOLDER = re.compile(r"\{(\d+)\}")


def github_result(
    finding: Finding, mark: str, report: Report, options: RenderOptions, *, remedy: str
) -> dict[str, Any]:
    """Return one result in the size and shape that GitHub shows.

    ``mark`` is the fingerprint with its occurrence; ``remedy`` is what to do, where the help of the
    rule does not say it.
    """
    properties: dict[str, Any] = {
        "severity": str(finding.severity),
        "confidence": str(finding.confidence),
        "atGate": finding.gating,
        "keepsOpen": finding.leaves_open,
        "count": finding.count,
    }
    related = [
        {"id": number, **_location(location, report, options)}
        for number, location in enumerate(finding.locations[1 : 1 + _RELATED], 1)
    ]
    shape: dict[str, Any] = {
        "ruleId": shown(finding.rule, 255),
        "level": LEVELS[finding.severity],
        "message": {"text": _message(finding, options, remedy)},
        "locations": [_location(primary(finding), report, options)],
        "partialFingerprints": {
            "owaudit/v1": shown(finding.fingerprint, 64),
            "primaryLocationLineHash": shown(mark, 80),
        },
        "properties": properties,
    }
    if related:
        shape["relatedLocations"] = related
    return shape


def full_result(
    finding: Finding, mark: str, report: Report, options: RenderOptions, *, remedy: str
) -> dict[str, Any]:
    """Return one result with its evidence, its standing and, where it is waived, the suppression."""
    shape = github_result(finding, mark, report, options, remedy=remedy)
    shape["properties"] |= {
        "status": str(finding.status),
        "axis": str(finding.axis),
        "evidence": [
            {"label": shown(item.label, 200), "value": shown(item.value, _VALUE)}
            for item in finding.evidence[:_EVIDENCE]
        ],
        "remediation": shown(finding.remediation, _VALUE),
    }
    # Once a log has suppressions, a result without the property would count as not known.
    shape["suppressions"] = [_suppression(finding, report)] if phrases.is_waived(finding) else []
    if report.baseline is not None:
        shape["baselineState"] = "unchanged" if finding.status is Status.BASELINE else "new"
    if finding.policy_line:
        shape["properties"]["policyLine"] = [shown(s, _VALUE) for s in finding.policy_line.splitlines()]
    if finding.corroborated_by:
        shape["properties"]["corroboratedBy"] = [shown(s, 200) for s in finding.corroborated_by]
    return shape


def plain_message(text: str) -> str:
    """Return text for a SARIF message in which nothing is a link or a placeholder."""
    return _PLACEHOLDER.sub(r"{\1\\x7d", text.replace("](", "]\\x28"))


def _suppression(finding: Finding, report: Report) -> dict[str, Any]:
    shape: dict[str, Any] = {"kind": "external", "status": "accepted"}
    for row in report.waivers:
        if row.waiver.id == finding.waiver:
            shape["justification"] = shown(row.waiver.reason, _MESSAGE)
            shape["properties"] = {
                "waiver": shown(row.waiver.id, 200),
                "owner": shown(row.waiver.owner, 200),
                "created": shown(row.waiver.created, 20),
                "expires": shown(row.waiver.expires, 20),
            }
            break
    return shape


def _message(finding: Finding, options: RenderOptions, remedy: str) -> str:
    parts = [phrases.full_stop(shown(finding.message, _MESSAGE)), f"Place: {where(finding)}."]
    if options.anchor:
        parts.append("The model is not in this repository; the line shown here stands for it.")
    if remedy:
        parts.append(f"What to do: {shown(remedy, _MESSAGE)}")
    return plain_message(" ".join(parts))


def _location(location: Location, report: Report, options: RenderOptions) -> dict[str, Any]:
    place = repository_place(location, report, options)
    region: dict[str, Any] = {"startLine": place.line}
    if place.is_anchor or location.line is None or location.members:
        region |= {"startColumn": 1, "endLine": place.line, "endColumn": 2}
    if not place.is_anchor and not location.members:
        region |= _bytes(location)
    shape: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": {"uri": relative_uri(place.path)}, "region": region}
    }
    if logical := _logical(location):
        shape["logicalLocations"] = logical
    return shape


def _bytes(location: Location) -> dict[str, int]:
    start, end = location.start, location.end
    if start is None or not 0 <= start <= LARGEST:
        return {}
    if end is None or not 0 <= end - start <= LARGEST:
        return {"byteOffset": start}
    return {"byteOffset": start, "byteLength": end - start}


def _logical(location: Location) -> list[dict[str, Any]]:
    """What a location names inside its file: the member with its bytes, the tensor, the JSON value."""
    named: list[dict[str, Any]] = []
    if location.members:
        row = {
            "name": shown(location.members[-1], 500),
            "fullyQualifiedName": shown(location.unit, 2_000),
            "kind": "resource",
        }
        if location.start is not None:
            row["decoratedName"] = shown(str(location), 2_000)
        named.append(row)
    for kind, mark, value in (("variable", "!", location.tensor), ("value", "#", location.pointer)):
        if value:
            last = value.rpartition("/")[2] if kind == "value" else value
            whole = shown(f"{location.unit}{mark}{value}", 2_000)
            named.append({"name": shown(last, 500) or kind, "fullyQualifiedName": whole, "kind": kind})
    return named
