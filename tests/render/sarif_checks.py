"""What GitHub refuses in a SARIF log and the usual validators let pass.

Source: GitHub documentation, SARIF support for code scanning and its limits; the SARIF SDK, whose
offsets and lengths are 32-bit integers.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

COMPRESSED = 10_000_000
RESULTS = 25_000
TAGS = 20
TEXT = 1024
INTEGER = 2**31 - 1


def faults(text: str) -> list[str]:
    """Return what is wrong with a log, in words; an empty list for one that GitHub takes."""
    log = json.loads(text)
    found = list(_file_faults(text, log))
    for run in log.get("runs", []):
        found += _run_faults(run)
        for result in run.get("results", []):
            found += _result_faults(result, len(run["tool"]["driver"]["rules"]))
        for rule in run["tool"]["driver"]["rules"]:
            found += _rule_faults(rule)
    return found


def _file_faults(text: str, log: dict[str, Any]) -> Iterator[str]:
    if log.get("version") != "2.1.0" or not log.get("$schema"):
        yield "no version or schema"
    if len(text) > COMPRESSED and len(gzip.compress(text.encode("utf-8"), 1)) > COMPRESSED:
        yield "the file is too large"


def _run_faults(run: dict[str, Any]) -> Iterator[str]:
    if len(run["results"]) > RESULTS:
        yield "too many results"
    marks = Counter(r.get("partialFingerprints", {}).get("primaryLocationLineHash") for r in run["results"])
    yield from (f"fingerprint {mark} occurs {count} times" for mark, count in marks.items() if count > 1)
    if None in marks or "" in marks:
        yield "a result without fingerprint"
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    if len(set(ids)) != len(ids):
        yield "a rule occurs twice"
    if not re.fullmatch(r"[^\s]+/", run["automationDetails"]["id"]):
        yield "the category does not end with a slash"
    if any("executionSuccessful" not in invocation for invocation in run["invocations"]):
        yield "an invocation does not say whether it was successful"


def _rule_faults(rule: dict[str, Any]) -> Iterator[str]:
    for key in ("shortDescription", "fullDescription", "help"):
        if not rule.get(key, {}).get("text", "").strip():
            yield f"{rule['id']} has no {key}"
    if any(len(rule.get(key, {}).get("text", "")) > TEXT for key in ("shortDescription", "fullDescription")):
        yield f"{rule['id']} has a long description"
    if len(rule["properties"].get("tags", [])) > TAGS:
        yield f"{rule['id']} has too many tags"


def _result_faults(result: dict[str, Any], rules: int) -> Iterator[str]:
    if not result.get("locations"):
        yield "a result without location"
    if not result["message"].get("text", "").strip():
        yield "a result without message"
    if not 0 <= result["ruleIndex"] < rules:
        yield "a result of no rule"
    for place in [*result.get("locations", []), *result.get("relatedLocations", [])]:
        physical = place["physicalLocation"]
        uri = physical["artifactLocation"]["uri"]
        if not uri:
            yield "an empty uri"
        if uri.startswith("/") or ":" in uri or ".." in uri.split("/") or re.search(r"[^!-~]|[<>\\]", uri):
            yield f"a uri that is not a plain relative path: {uri!r}"
        region = physical["region"]
        if region["startLine"] < 1 or any(not 0 <= value <= INTEGER for value in region.values()):
            yield "a region out of range"
