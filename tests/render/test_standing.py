"""Waivers, baselines, controls and the inventory as the page and the terminal show them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from odd_report import finding, many_findings_report, odd_report, pass_report

from owaudit.model.report import BaselineUsed, ControlState, Report, Status
from owaudit.model.rule import Severity
from owaudit.render import RenderOptions, renderer_for

ODD = odd_report()


def _page(report: Report) -> str:
    return renderer_for("html").render(report, RenderOptions())


def _text(report: Report, *, verbose: bool = False) -> str:
    return renderer_for("text").render(report, RenderOptions(width=200, verbose=verbose))


def _section(page: str, name: str) -> str:
    match = re.search(rf'<section class="sec" id="{name}".*?</section>', page, re.S)
    assert match is not None
    return match.group()


def _cells(row: str) -> list[str]:
    cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)
    return [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", cell)).strip() for cell in cells]


def _rows(section: str) -> list[list[str]]:
    return [_cells(row) for row in re.findall(r"<tr[^>]*>(.*?)</tr>", section, re.S)][1:]


def test_waivers_that_cover_nothing_come_first() -> None:
    rows = _rows(_section(_page(ODD), "waivers"))
    assert [row[0] for row in rows] == ["W-0007", "W-0009", "&lt;script&gt;alert(6)&lt;/script&gt;", "W-0011"]
    assert [row[1] for row in rows] == [
        "Expired 20 days ago It ended on 2026-10-31.",
        "Unmatched This target has no finding of OWA2012.",
        "Invalid It has no owner.",
        "Active 100 days left",
    ]
    assert [row[4] for row in rows] == [
        "31 Oct 2026 from 4 Aug 2026",
        "28 Feb 2027 from 1 Sep 2026",
        "no date",
        "28 Feb 2027 from 1 Sep 2026",
    ]


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        ("2027-02-28T23:00:00Z", "Active ends today"),
        ("2027-02-27T00:00:00Z", "Active 1 day left"),
        ("2027-03-01T00:00:00Z", "Active 1 day ago"),
        ("", "Active"),
    ],
)
def test_days_follow_the_run(ended: str, words: str) -> None:
    report = replace(ODD, run=replace(ODD.run, ended=ended))
    assert _rows(_section(_page(report), "waivers"))[-1][1] == words


def test_every_control_has_its_limit_and_the_page_its_states() -> None:
    rows = [row for row in _rows(_section(_page(ODD), "controls")) if row[0] != "Control"]
    assert [(row[1], row[2], row[3]) for row in rows] == [
        (
            "Contradicts",
            "Loading fails the policy ( 2 ). 3 of 10 files were not read completely ( 1 ).",
            "Static reading.",
        ),
        ("Partial", "3 of 10 files were not read completely ( 1 ).", "Static reading."),
        ("Supports", "3 of 10 files were not read completely ( 1 ).", "Static reading."),
        ("No evidence", "Nothing in this audit speaks to it.", "Static reading."),
        ("Out of scope", "Nothing.", "Static reading."),
    ]
    assert {control.state for control in ODD.controls} == set(ControlState)


def test_evidence_for_a_control_is_never_green() -> None:
    assert 'class="st ok"' not in _section(_page(ODD), "controls")


def test_empty_sections_say_why() -> None:
    page = _page(pass_report())
    assert "<b>Nothing is waived.</b> The policy holds no waiver" in _section(page, "waivers")
    assert "<b>No control was looked up.</b> The policy names no framework" in _section(page, "controls")
    assert 'id="inventory"' not in page


def test_what_files_state_is_shown_as_stated() -> None:
    page = _page(ODD)
    assert "As the files state it" not in _text(ODD)
    assert "architecture   <b>llama</b>\\x1b[31m (" in _text(ODD, verbose=True)
    assert "<b>llama" not in page
    assert "Nobody has checked that it is true." in _section(page, "files")


def test_a_baseline_without_waivers_is_told() -> None:
    used = BaselineUsed(sha256="0" * 64, known=2, reopened=(), vanished=1)
    section = _section(_page(replace(pass_report(), baseline=used)), "waivers")
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", section))
    assert (
        "2 findings were there in an earlier report, on the same bytes, and do not decide again. "
        "0 findings are open again because a file changed or the finding is graver. 1 finding has gone."
    ) in words


def test_many_findings_of_one_rule_open_and_set_aside_have_one_address_each() -> None:
    report = many_findings_report(200)
    aside = tuple(
        finding("OWA1002", f"waived-{n}.pkl", severity=Severity.HIGH, status=Status.WAIVED, waiver="W-1")
        for n in range(3)
    )
    counts = replace(report.verdict.counts, high=203, waived=3)
    report = replace(
        report,
        findings=(*report.findings, *aside),
        verdict=replace(report.verdict, counts=counts),
    )
    page = _page(report)
    ids = re.findall(r'id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert "r-OWA1002-aside" in ids
    assert "3 findings of OWA1002. The first is written out." in page
