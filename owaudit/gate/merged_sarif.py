"""One SARIF run for all subjects of a gate, so that one upload with one category carries them.

GitHub takes 20 runs a file, 25,000 results a run, and shows 5,000; a run for each subject would stop at
twenty models. Marks of several subjects differ by the name of the subject.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from owaudit.render.sarif import RESULT_BYTES, RESULTS

_ORDER = {"error": 0, "warning": 1, "note": 2, "none": 3}
_MARK = "primaryLocationLineHash"
_NOTIFICATIONS = 100


def merged(logs: Sequence[tuple[str, str]], category: str) -> str:
    """Return one log. ``logs`` are pairs of subject name and the text of its log for GitHub."""
    runs = [(name, json.loads(text)) for name, text in logs]
    first = runs[0][1]
    run: dict[str, Any] = dict(first["runs"][0])
    if len(runs) > 1:
        run = _joined(runs, run)
    run["automationDetails"] = {"id": f"{category}/"}
    log = {"$schema": first["$schema"], "version": first["version"], "runs": [run]}
    return json.dumps(log, ensure_ascii=False, sort_keys=True, indent=1) + "\n"


def _joined(logs: Sequence[tuple[str, Any]], first: dict[str, Any]) -> dict[str, Any]:
    rules: dict[str, Any] = {}
    results: list[Any] = []
    taxa: dict[str, Any] = {}
    notes: list[Any] = []
    for name, log in logs:
        run = log["runs"][0]
        for rule in run["tool"]["driver"]["rules"]:
            rules.setdefault(rule["id"], rule)
        for taxonomy in run.get("taxonomies", ()):
            for taxon in taxonomy.get("taxa", ()):
                taxa.setdefault(taxon["id"], taxon)
        results += [_marked(result, name) for result in run["results"]]
        notes += run["invocations"][0]["toolExecutionNotifications"]
    results.sort(key=lambda result: _ORDER.get(result.get("level", "none"), 3))
    kept = _fitting(results)
    if kept < len(results):
        said = f"{len(results) - kept:,} results left out, to stay inside what GitHub takes."
        notes.insert(0, {"level": "warning", "message": {"text": f"{said} The JSON reports have all."}})
    index = {rule: number for number, rule in enumerate(rules)}
    run = dict(first)
    run["tool"] = {**first["tool"], "driver": {**first["tool"]["driver"], "rules": list(rules.values())}}
    run["results"] = [{**result, "ruleIndex": index[result["ruleId"]]} for result in results[:kept]]
    worst = max(log["runs"][0]["invocations"][0]["exitCode"] for _, log in logs)
    run["invocations"] = [
        {
            "executionSuccessful": True,
            "exitCode": 1 if any(_exit(log) == 1 for _, log in logs) else worst,
            "toolExecutionNotifications": notes[:_NOTIFICATIONS],
        }
    ]
    run.pop("properties", None)
    taxonomy = next(
        (log["runs"][0]["taxonomies"][0] for _, log in logs if log["runs"][0].get("taxonomies")), None
    )
    if taxonomy is not None:
        run["taxonomies"] = [{**taxonomy, "taxa": [taxa[key] for key in sorted(taxa)]}]
        run["tool"]["driver"]["supportedTaxonomies"] = [{"name": taxonomy["name"]}]
    return run


def _exit(log: Any) -> int:
    code = log["runs"][0]["invocations"][0]["exitCode"]
    return code if isinstance(code, int) else 0


def _marked(result: dict[str, Any], subject: str) -> dict[str, Any]:
    prints = dict(result["partialFingerprints"])
    digest = hashlib.sha256(f"{subject}\0{prints[_MARK]}".encode("utf-8", "surrogatepass")).hexdigest()
    prints[_MARK] = f"{digest[:16]}:1"
    return {**result, "partialFingerprints": prints}


def _fitting(results: Sequence[Any]) -> int:
    total = 0
    for count, result in enumerate(results[:RESULTS]):
        written = json.dumps(result, ensure_ascii=False, indent=1)
        total += len(written.encode("utf-8")) + 4 * (written.count("\n") + 1)
        if total > RESULT_BYTES:
            return count
    return min(len(results), RESULTS)
