"""Every format says the same: counts, verdict and exit code of one report; and says it twice alike."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import pytest
from odd_report import (
    assembled,
    empty_report,
    finding,
    many_findings_report,
    odd_report,
    pass_report,
    plain_report,
)

from owaudit.model.report import Outcome, Report, Status
from owaudit.render import RenderOptions, phrases, renderer_for, renderers

REPORTS = {
    "odd": odd_report(),
    "pass": pass_report(),
    "plain": plain_report(),
    "empty": empty_report(),
}
SEVERITIES = ("critical", "high", "medium", "low", "info")
Said = dict[str, Any]


def output(name: str, report: Report, **options: Any) -> str:
    return renderer_for(name).render(report, RenderOptions(**options))


def truth(report: Report) -> Said:
    """What the report itself says."""
    counts = report.verdict.counts
    return {
        "verdict": str(report.verdict.result),
        "exit": report.verdict.exit_code,
        "gating": counts.gating,
        "findings": counts.findings,
        **{name: getattr(counts, name) for name in SEVERITIES},
    }


def from_closing_line(text: str) -> Said:
    """What the closing line says, in the words of ``phrases.closing_line``."""
    line = re.search(r"(Pass|Fail|Inconclusive): (.*?)\. Exit code (\d+): ", text)
    assert line is not None
    said: Said = {"verdict": line[1].lower(), "exit": int(line[3])}
    for name in SEVERITIES:
        found = re.search(rf"([\d,]+) {name}\b", line[2])
        said[name] = int(found[1].replace(",", "")) if found else 0
    total = re.search(r"([\d,]+) findings?", line[2])
    gating = re.search(r"([\d,]+) at the gate", line[2])
    said["findings"] = int(total[1].replace(",", "")) if total else 0
    said["gating"] = int(gating[1].replace(",", "")) if gating else 0
    return said


def from_sarif(text: str) -> Said:
    run = json.loads(text)["runs"][0]
    summary = run["properties"]
    counts = summary["counts"]
    return {
        "verdict": summary["verdict"],
        "exit": run["invocations"][0]["exitCode"],
        "gating": sum(r["properties"]["atGate"] for r in run["results"]),
        "findings": counts["findings"],
        **{name: counts[name] for name in SEVERITIES},
    }


def from_junit(text: str) -> Said:
    root = ET.fromstring(text)
    values = {p.attrib["name"].removeprefix("owaudit."): p.attrib["value"] for p in root.iter("property")}
    cases = [c for c in root.iter("testcase") if c.attrib["name"].startswith("OWA")]
    bodies = [c[0].text or "" for c in cases]
    of_axes = [
        c for c in root.iter("testcase") if c.attrib["name"] in ("verdict", "load", "integrity", "origin")
    ]
    assert len(of_axes) == 4
    assert int(root.attrib["tests"]) == len(list(root.iter("testcase")))
    assert [int(values[name]) for name in SEVERITIES] == [
        sum(body.startswith(f"{name}: ") for body in bodies) for name in SEVERITIES
    ]
    return {
        "verdict": values["verdict"],
        "exit": int(values["exit-code"]),
        "gating": sum(c.find("failure") is not None for c in cases),
        "findings": len(cases),
        **{name: int(values[name]) for name in SEVERITIES},
    }


def from_csv(text: str) -> Said:
    verdict, *rows = csv.DictReader(io.StringIO(text, newline=""))
    return {
        "verdict": verdict["result"],
        "exit": int(verdict["exit_code"]),
        "gating": sum(row["at_gate"] == "yes" for row in rows),
        "findings": len(rows),
        **{name: sum(row["severity"] == name for row in rows) for name in SEVERITIES},
    }


def from_json(text: str) -> Said:
    report = json.loads(text)
    findings, verdict = report["findings"], report["verdict"]
    return {
        "verdict": verdict["result"],
        "exit": verdict["exit_code"],
        "gating": sum(f["gating"] for f in findings),
        "findings": len(findings),
        **{name: sum(f["severity"] == name for f in findings) for name in SEVERITIES},
    }


def from_bom(text: str) -> Said:
    bom = json.loads(text)
    values = {p["name"].removeprefix("owaudit:"): p["value"] for p in bom["metadata"]["properties"]}
    rated = [v["ratings"][0]["severity"] for v in bom["vulnerabilities"]]
    facts = [{p["name"]: p["value"] for p in v["properties"]} for v in bom["vulnerabilities"]]
    assert [int(values[name]) for name in SEVERITIES] == [rated.count(name) for name in SEVERITIES]
    return {
        "verdict": values["verdict"],
        "exit": int(values["exit-code"]),
        "gating": sum(fact["owaudit:at-gate"] == "yes" for fact in facts),
        "findings": len(rated),
        **{name: rated.count(name) for name in SEVERITIES},
    }


READERS: dict[str, Callable[[str], Said]] = {
    "annotations": lambda text: from_closing_line(text.splitlines()[-1]),
    "csv": from_csv,
    "cyclonedx": from_bom,
    "cyclonedx-1.7": from_bom,
    "json": from_json,
    "junit": from_junit,
    "markdown": lambda text: from_closing_line(text),
    "sarif": from_sarif,
    "sarif-full": from_sarif,
    "text": lambda text: from_closing_line(text.splitlines()[-1]),
}


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
@pytest.mark.parametrize("name", READERS)
def test_counts_verdict_and_exit_code_are_those_of_the_report(name: str, report: Report) -> None:
    assert READERS[name](output(name, report)) == truth(report)


def test_only_formats_without_a_place_for_a_verdict_are_not_read_here() -> None:
    # Code Climate is a list of findings; the page, also on paper, has its own test of counts.
    assert set(renderers()) - set(READERS) == {"codeclimate", "html", "pdf"}


def by_severity(report: Report, *, waived: bool) -> list[int]:
    shown = [f for f in report.findings if waived or f.status is not Status.WAIVED]
    return [sum(f.severity == name for f in shown) for name in SEVERITIES]


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_code_climate_holds_every_finding_that_is_not_waived(report: Report) -> None:
    issues = json.loads(output("codeclimate", report))
    names = ("blocker", "critical", "major", "minor", "info")
    found = [sum(issue["severity"] == name for issue in issues) for name in names]
    assert found == by_severity(report, waived=False)
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
@pytest.mark.parametrize("name", ["sarif", "sarif-full"])
def test_sarif_holds_every_finding_and_for_github_those_that_are_not_waived(
    name: str, report: Report
) -> None:
    results = json.loads(output(name, report))["runs"][0]["results"]
    found = [sum(r["properties"]["severity"] == severity for r in results) for severity in SEVERITIES]
    assert found == by_severity(report, waived=name == "sarif-full")


@pytest.mark.parametrize("name", renderers())
def test_the_same_report_gives_the_same_bytes(name: str) -> None:
    assert output(name, odd_report()) == output(name, odd_report())


@pytest.mark.parametrize("name", ["annotations", "codeclimate", "sarif", "sarif-full"])
def test_no_absolute_path_is_shown_to_a_repository(name: str) -> None:
    item = finding("OWA1002", "/etc/passwd", gating=True, message="Found.")
    report = assembled((), (item,), result=Outcome.FAIL, reasons=(), load_reason="No.")
    shown = re.findall(r'(?:"uri"|"path"): "([^"]*)"|file=([^,]*),', output(name, report))
    assert {a or b for a, b in shown} == {"etc/passwd"}


class TestMarkdown:
    """The summary stays small, whatever the report holds."""

    @pytest.mark.parametrize("report", [many_findings_report(), odd_report()], ids=["many", "odd"])
    def test_it_is_bounded(self, report: Report) -> None:
        assert len(output("markdown", report).encode("utf-8")) <= 60_000

    def test_it_is_bounded_where_every_part_is_long(self) -> None:
        long = "@#|_\u202e" * 400
        items = tuple(
            finding(f"OWA{n:04}", long + str(n), message=long, remediation=long, gating=True)
            for n in range(1000, 2500)
        )
        report = assembled((), items, result=Outcome.FAIL, reasons=(long,) * 50, load_reason=long, name=long)
        text = output("markdown", report)
        assert len(text.encode("utf-8")) <= 60_000
        assert text.count(" more are in the JSON report.") == 3
        assert "### What to do" in text

    def test_what_to_do_is_said_once(self) -> None:
        text = output("markdown", many_findings_report(5))
        assert text.count("- **OWA1002** Read the class before loading the file.") == 1


class TestAnnotations:
    """Ten of a kind and a notice; what decides nothing has none of its own."""

    def test_the_rest_is_summed_up(self) -> None:
        lines = output("annotations", many_findings_report(12)).splitlines()
        assert [line.partition(" ")[0] for line in lines] == ["::error"] * 10 + ["::notice"]
        assert lines[-1].endswith(" 14 findings without an annotation of their own.")

    def test_a_property_and_a_message_are_encoded_as_the_runner_decodes_them(self) -> None:
        item = finding("OWA1002", "a,b:c%d", gating=True, title="T: 1,2", message="50% a:b, c::d ##[e]")
        report = assembled((), (item,), result=Outcome.FAIL, reasons=(), load_reason="No.")
        assert output("annotations", report, base="m").splitlines()[0] == (
            "::error file=m/a%2Cb%3Ac%25d,line=1,title=OWA1002 T%3A 1%2C2"
            "::50%25 a:b, c:\\x3ad #\\x23[e]. Place: a,b:c%25d."
        )


class TestCsv:
    """No cell is a formula to a spreadsheet."""

    @pytest.mark.parametrize(
        "start", ["=1+1", "+1", "-1", "@SUM(1)", "  =1", "\t=1", "\r=1", "＝1", "\u200b=1"]
    )
    def test_a_formula_is_text(self, start: str) -> None:
        item = finding("OWA1002", start, message=start)
        report = assembled((), (item,), result=Outcome.FAIL, reasons=(), load_reason="No.")
        _, row = csv.DictReader(io.StringIO(output("csv", report), newline=""))
        assert row["message"] == row["file"]
        assert not re.match(r"\s*[=+\-@＝＋－＠]", row["message"])

    def test_lines_end_as_the_standard_says(self) -> None:
        text = output("csv", odd_report())
        lines = 2 + len(odd_report().findings)
        assert text.count("\r\n") == text.count("\n") == text.count("\r") == lines


class TestJunit:
    """What a CI system counts."""

    def test_a_waived_finding_is_skipped(self) -> None:
        item = finding("OWA1002", "a", status=Status.WAIVED, gating=False, leaves_open=True)
        report = assembled((), (item,), result=Outcome.PASS, reasons=(), load_reason="No.")
        (case,) = [
            c for c in ET.fromstring(output("junit", report)).iter("testcase") if "OWA" in c.attrib["name"]
        ]
        assert [child.tag for child in case] == ["skipped"]

    def test_a_file_that_was_not_read_is_an_error_even_without_a_finding(self) -> None:
        suites = ET.fromstring(output("junit", odd_report())).findall("testsuite")
        states = {suite.attrib["name"]: [child.tag for child in suite[0]] for suite in suites[1:]}
        assert states["LICENSE"] == []
        assert states["assets/routing.dat"] == ["error"]
        assert states["pytorch_model.bin"] == ["error"]

    def test_a_pass_has_no_failure_and_no_error(self) -> None:
        root = ET.fromstring(output("junit", pass_report()))
        assert (root.attrib["failures"], root.attrib["errors"]) == ("0", "0")

    def test_junitparser_reads_it(self) -> None:
        junitparser = pytest.importorskip("junitparser")
        report = odd_report()
        text = output("junit", report)
        parsed = junitparser.JUnitXml.fromstring(text.encode("utf-8"))
        root = ET.fromstring(text)
        stated = [int(root.attrib[name]) for name in ("tests", "failures", "errors", "skipped")]
        assert [parsed.tests, parsed.failures, parsed.errors, parsed.skipped] == stated
        assert sum(len(list(suite)) for suite in parsed) == 4 + len(report.artifacts) + len(report.findings)


def test_a_waived_finding_does_not_annotate_or_reach_code_climate() -> None:
    items = (
        finding("OWA1002", "a", status=Status.WAIVED, gating=True),
        finding("OWA1003", "b", gating=True),
    )
    report = assembled((), items, result=Outcome.FAIL, reasons=(), load_reason="No.")
    assert [line[:14] for line in output("annotations", report).splitlines()] == [
        "::error file=b",
        "::notice title",
    ]
    assert [issue["location"]["path"] for issue in json.loads(output("codeclimate", report))] == ["b"]


def test_the_command_line_of_a_run_is_all_that_names_the_run() -> None:
    later = dataclasses.replace(
        odd_report(), run=dataclasses.replace(odd_report().run, python="else", jobs=9)
    )
    for name in READERS:
        if name != "json":
            assert output(name, odd_report()) == output(name, later), name


def test_the_closing_line_is_read_as_it_is_written() -> None:
    assert from_closing_line(phrases.closing_line(odd_report())) == truth(odd_report())


def test_the_closing_line_names_what_is_set_aside() -> None:
    report = odd_report()
    counts = dataclasses.replace(report.verdict.counts, waived=2, baseline=1)
    report = dataclasses.replace(report, verdict=dataclasses.replace(report.verdict, counts=counts))
    assert ", 2 at the gate, 2 waived, 1 known before; 7 of 10" in phrases.closing_line(report)
