"""SARIF: what GitHub takes, stable marks, places of every kind, both flavours."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
import sarif_checks
from odd_report import (
    assembled,
    empty_report,
    finding,
    many_findings_report,
    odd_report,
    pass_report,
    plain_report,
)

from owaudit.model.location import Location
from owaudit.model.policy import Waiver
from owaudit.model.report import BaselineUsed, Outcome, Report, Status, WaiverResult, WaiverState
from owaudit.model.rule import Severity
from owaudit.render import RenderOptions, renderer_for

REPORTS = {
    "odd": odd_report(),
    "pass": pass_report(),
    "plain": plain_report(),
    "empty": empty_report(),
    "many": many_findings_report(),
}


def text_of(report: Report, flavour: str = "sarif", **options: Any) -> str:
    return renderer_for(flavour).render(report, RenderOptions(**options))


def run_of(report: Report, flavour: str = "sarif", **options: Any) -> Any:
    return json.loads(text_of(report, flavour, **options))["runs"][0]


def one(**changes: Any) -> Report:
    item = finding("OWA1002", changes.pop("artifact", "a.bin"), **changes)
    return assembled((), (item,), result=Outcome.FAIL, reasons=(), load_reason="No.", name="one")


@pytest.mark.parametrize("flavour", ["sarif", "sarif-full"])
@pytest.mark.parametrize("name", ["odd", "pass", "plain", "empty"])
def test_github_takes_the_log(name: str, flavour: str) -> None:
    assert sarif_checks.faults(text_of(REPORTS[name], flavour)) == []


def test_results_are_cut_to_what_github_shows_and_the_cut_is_said() -> None:
    text = text_of(REPORTS["many"])
    run = json.loads(text)["runs"][0]
    assert sarif_checks.faults(text) == []
    assert len(run["results"]) == 5000
    assert [r["ruleId"] for r in run["results"][2999:3001]] == ["OWA1002", "OWA1004"]
    said = "1,000 results left out, to stay inside what GitHub takes. The JSON report has all."
    assert run["invocations"][0]["toolExecutionNotifications"] == [
        {"level": "warning", "message": {"text": said}}
    ]
    assert len(run_of(REPORTS["many"], "sarif-full")["results"]) == 6000


def test_long_results_are_cut_by_size() -> None:
    report = many_findings_report(2000)
    long = tuple(dataclasses.replace(f, message=f.fingerprint * 60) for f in report.findings)
    related = tuple(Location(artifact="x" * 400, start=n) for n in range(10))
    long = tuple(dataclasses.replace(f, locations=related) for f in long)
    text = text_of(dataclasses.replace(report, findings=long))
    assert 8_900_000 < len(text) < 10_000_000
    assert 0 < len(json.loads(text)["runs"][0]["results"]) < 4000


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda run: run["results"][0].update(locations=[]), "a result without location"),
        (lambda run: _uri(run).update(uri=""), "an empty uri"),
        (lambda run: _uri(run).update(uri="/tmp/x"), "a uri that is not a plain relative path: '/tmp/x'"),
        (lambda run: _uri(run).update(uri="a b"), "a uri that is not a plain relative path: 'a b'"),
        (lambda run: _rule(run)["properties"].update(tags=list("x" * 21)), "OWA1001 has too many tags"),
        (lambda run: _rule(run).update(help={"text": " "}), "OWA1001 has no help"),
        (
            lambda run: _rule(run).update(fullDescription={"text": "x" * 1025}),
            "OWA1001 has a long description",
        ),
        (lambda run: run["results"][0].pop("partialFingerprints"), "a result without fingerprint"),
        (lambda run: run["results"][0]["message"].update(text=""), "a result without message"),
        (lambda run: run["results"][0].update(ruleIndex=99), "a result of no rule"),
        (lambda run: _region(run).update(byteLength=2**31), "a region out of range"),
        (lambda run: _region(run).update(startLine=0), "a region out of range"),
        (lambda run: run["automationDetails"].update(id="x"), "the category does not end with a slash"),
        (
            lambda run: run["invocations"][0].pop("executionSuccessful"),
            "an invocation does not say whether it was successful",
        ),
        (
            lambda run: run["results"].extend([run["results"][0]] * 24_999),
            "too many results",
        ),
    ],
)
def test_the_check_sees(spoil: Callable[[Any], object], fault: str) -> None:
    log = json.loads(text_of(REPORTS["odd"]))
    spoil(log["runs"][0])
    assert fault in sarif_checks.faults(json.dumps(log))


def test_the_check_sees_doubles_and_a_large_file() -> None:
    log = json.loads(text_of(REPORTS["odd"]))
    run = log["runs"][0]
    run["results"].append(run["results"][0])
    mark = run["results"][0]["partialFingerprints"]["primaryLocationLineHash"]
    assert sarif_checks.faults(json.dumps(log)) == [f"fingerprint {mark} occurs 2 times"]


def _uri(run: Any) -> Any:
    return run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]


def _region(run: Any) -> Any:
    return run["results"][0]["locations"][0]["physicalLocation"]["region"]


def _rule(run: Any) -> Any:
    return run["tool"]["driver"]["rules"][0]


def place(**where: Any) -> Any:
    return run_of(one(location=Location(**where)))["results"][0]["locations"][0]


def test_bytes_of_a_binary_file_stand_beside_its_first_character() -> None:
    assert place(artifact="a.bin", start=8, end=24) == {
        "physicalLocation": {
            "artifactLocation": {"uri": "a.bin"},
            "region": {
                "startLine": 1,
                "startColumn": 1,
                "endLine": 1,
                "endColumn": 2,
                "byteOffset": 8,
                "byteLength": 16,
            },
        }
    }


def test_bytes_of_a_member_do_not_pose_as_bytes_of_the_file() -> None:
    shown = place(artifact="a.zip", members=("b.tar", "c.pkl"), start=8, end=24)
    assert "byteOffset" not in shown["physicalLocation"]["region"]
    assert shown["logicalLocations"] == [
        {
            "name": "c.pkl",
            "fullyQualifiedName": "a.zip!b.tar!c.pkl",
            "decoratedName": "a.zip!b.tar!c.pkl@8-24",
            "kind": "resource",
        }
    ]


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (2**31, 2**31 + 5, {}),
        (5, 2**31 + 5, {"byteOffset": 5}),
        (2**31 - 1, None, {"byteOffset": 2**31 - 1}),
        (5, 5, {"byteOffset": 5, "byteLength": 0}),
        (-1, 5, {}),
        (9, 5, {"byteOffset": 9}),
    ],
)
def test_only_bytes_that_readers_can_hold_are_stated(start: int, end: int | None, said: Any) -> None:
    region = place(artifact="a.bin", start=start, end=end)["physicalLocation"]["region"]
    assert {key: value for key, value in region.items() if key.startswith("byte")} == said


def test_a_line_of_a_text_is_true_and_a_pointer_is_named() -> None:
    shown = place(artifact="config.json", line=12, pointer="/auto_map/AutoModel", start=200, end=230)
    assert shown["physicalLocation"]["region"] == {"startLine": 12, "byteOffset": 200, "byteLength": 30}
    assert shown["logicalLocations"] == [
        {
            "name": "AutoModel",
            "fullyQualifiedName": "config.json#/auto_map/AutoModel",
            "kind": "value",
        }
    ]


def test_a_line_inside_a_member_is_no_line_of_the_file() -> None:
    region = place(artifact="a.zip", members=("x.json",), line=12)["physicalLocation"]["region"]
    assert region == {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 2}


@pytest.mark.parametrize(
    ("artifact", "uri"),
    [
        ("a b<c>.bin", "a%20b%3Cc%3E.bin"),
        ("/etc/passwd", "etc/passwd"),
        ("../../x", "x"),
        ("C:\\x", "C%3A%5Cx"),
        ("http://host/x", "http%3A/host/x"),
        ("\u202ex\n", "%E2%80%AEx%0A"),
        ("\udcff", "%5Cudcff"),
        ("", "one"),
        ("..", "one"),
    ],
)
def test_a_path_becomes_a_relative_uri(artifact: str, uri: str) -> None:
    run = run_of(one(artifact=artifact))
    assert _uri(run) == {"uri": uri}


def test_the_folder_of_the_target_stands_before_the_path() -> None:
    assert _uri(run_of(one(), base="models/pelican")) == {"uri": "models/pelican/a.bin"}


def test_an_anchor_stands_for_a_model_outside_the_repository() -> None:
    run = run_of(
        one(location=Location(artifact="a.bin", start=4, end=9)), anchor="models.lock", anchor_line=7
    )
    assert _uri(run) == {"uri": "models.lock"}
    assert _region(run) == {"startLine": 7, "startColumn": 1, "endLine": 7, "endColumn": 2}
    assert run["results"][0]["message"]["text"] == (
        "Something was found. Place: a.bin@4-9. The model is not in this repository; the line shown here "
        "stands for it."
    )


def test_the_mark_does_not_depend_on_the_place_in_the_repository_or_the_message() -> None:
    first = run_of(one(fingerprint="0" * 16), base="x")
    second = run_of(one(fingerprint="0" * 16, message="Else.", severity=Severity.LOW), anchor="y")
    marks = [run["results"][0]["partialFingerprints"] for run in (first, second)]
    assert marks == [{"owaudit/v1": "0000000000000000", "primaryLocationLineHash": "0000000000000000:1"}] * 2


def test_equal_fingerprints_are_told_apart() -> None:
    same = tuple(finding("OWA1002", "a", fingerprint="f" * 16) for _ in range(3))
    run = run_of(assembled((), same, result=Outcome.FAIL, reasons=(), load_reason="No."))
    marks = [r["partialFingerprints"]["primaryLocationLineHash"] for r in run["results"]]
    assert marks == [f"{'f' * 16}:{n}" for n in (1, 2, 3)]


def test_no_message_holds_a_link_or_a_placeholder() -> None:
    run = run_of(one(message="see [here](http://x) and {0}"))
    text = run["results"][0]["message"]["text"]
    assert text == "see [here]\\x28http://x) and {0\\x7d. Place: a.bin."


@pytest.mark.parametrize(
    ("severity", "level", "number", "security"),
    [
        (Severity.CRITICAL, "error", "9.5", True),
        (Severity.HIGH, "error", "8.0", True),
        (Severity.MEDIUM, "warning", "5.5", True),
        (Severity.LOW, "note", "2.0", True),
        (Severity.INFO, "note", None, False),
    ],
)
def test_grades(severity: Severity, level: str, number: str | None, security: bool) -> None:
    rule = _rule(run_of(one(severity=severity)))
    assert rule["defaultConfiguration"] == {"level": level}
    assert rule["properties"].get("security-severity") == number
    assert ("security" in rule["properties"]["tags"]) is security


def test_weaknesses_are_tags_and_relations() -> None:
    run = run_of(one(references=("CWE-502: Deserialization of Untrusted Data", "CWE-78", "CVE-1-2", "x")))
    rule = _rule(run)
    assert rule["properties"]["tags"] == [
        "external/cwe/cwe-078",
        "external/cwe/cwe-502",
        "owaudit/load",
        "security",
    ]
    assert [r["target"]["id"] for r in rule["relationships"]] == ["CWE-78", "CWE-502"]
    assert [t.get("name") for t in run["taxonomies"][0]["taxa"]] == [
        None,
        "Deserialization of Untrusted Data",
    ]
    assert rule["help"]["markdown"].splitlines()[-1] == "More: `owaudit rules show OWA1002`"
    links = "[CWE-78](https://cwe.mitre.org/data/definitions/78.html)"
    assert f"- {links}" in rule["help"]["markdown"].splitlines()


def test_what_to_do_stands_in_the_rule_or_where_it_differs_in_the_result() -> None:
    shared = run_of(one(remediation="Delete it."))
    assert "What to do: Delete it." in _rule(shared)["help"]["text"]
    assert "Delete it." not in shared["results"][0]["message"]["text"]
    two = (finding("OWA1002", "a", remediation="Delete a."), finding("OWA1002", "b", remediation="Read b."))
    differs = run_of(assembled((), two, result=Outcome.FAIL, reasons=(), load_reason="No."))
    assert "What to do" not in _rule(differs)["help"]["text"]
    texts = [r["message"]["text"] for r in differs["results"]]
    assert texts == [
        "Something was found. Place: a. What to do: Delete a.",
        "Something was found. Place: b. What to do: Read b.",
    ]


def test_the_full_flavour_holds_evidence_files_and_suppressions() -> None:
    run = run_of(REPORTS["odd"], "sarif-full")
    waived = [finding.status is Status.WAIVED for finding in REPORTS["odd"].findings]
    assert [len(r["suppressions"]) for r in run["results"]] == waived
    assert run["results"][0]["properties"]["evidence"][1] == {"label": "Spelled", "value": "posix system"}
    sizes = {a["location"]["uri"]: (a.get("length"), a["properties"]["size"]) for a in run["artifacts"]}
    assert sizes["LICENSE"] == (11357, 11357)
    assert sizes["pytorch_model.bin"] == (None, 6432410537)


def test_a_waived_finding_is_suppressed_in_full_and_left_out_for_github() -> None:
    items = (
        finding("OWA1002", "a", status=Status.WAIVED, waiver="w-1"),
        finding("OWA1002", "b", status=Status.BASELINE),
        finding("OWA1002", "c"),
    )
    report = assembled((), items, result=Outcome.PASS, reasons=(), load_reason="No.")
    waiver = Waiver(id="w-1", owner="Ada", reason="Read it.", created="2026-01-01", expires="2026-03-01")
    row = WaiverResult(waiver=waiver, state=WaiverState.ACTIVE, detail="", findings=(items[0].fingerprint,))
    baseline = BaselineUsed(sha256="0" * 64, known=1, reopened=(), vanished=0)
    report = dataclasses.replace(report, waivers=(row,), baseline=baseline)
    assert [_uri({"results": [r]})["uri"] for r in run_of(report)["results"]] == ["b", "c"]
    full = run_of(report, "sarif-full")["results"]
    assert [r["suppressions"] for r in full] == [
        [
            {
                "kind": "external",
                "status": "accepted",
                "justification": "Read it.",
                "properties": {
                    "waiver": "w-1",
                    "owner": "Ada",
                    "created": "2026-01-01",
                    "expires": "2026-03-01",
                },
            }
        ],
        [],
        [],
    ]
    assert [r["baselineState"] for r in full] == ["new", "unchanged", "new"]
