"""Parts of the page that decide what is shown: shares, leads, excerpts, bars."""

from __future__ import annotations

import dataclasses

import pytest
from odd_report import artifact, assembled, empty_report, finding, odd_report, pass_report

from owaudit.model.coverage import Coverage, State, state_of
from owaudit.model.report import Answer, AxisResult, Outcome, Report
from owaudit.model.rule import Severity
from owaudit.render import phrases
from owaudit.render.page.anchors import Anchors
from owaudit.render.page.bars import bars
from owaudit.render.page.cover import lead, reasons
from owaudit.render.page.excerpts import Programs


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        (0, 10, "0 %"),
        (10, 10, "100 %"),
        (1, 3, "33.333 %"),
        (2, 3, "66.667 %"),
        (1, 10**9, "< 0.001 %"),
        (10**9 - 1, 10**9, "> 99.999 %"),
        (0, 0, "0 %"),
        (12864154800, 12872429371, "99.936 %"),
    ],
)
def test_shares_are_rounded_but_never_to_nothing_or_everything(part: int, whole: int, shown: str) -> None:
    assert phrases.share(part, whole) == shown


def failing(count: int, message: str = "Loading calls x.y('z'), which is on no reviewed list") -> Report:
    findings = tuple(
        finding(
            "OWA1002", f"f{n}.pkl", severity=Severity.HIGH, gating=True, leaves_open=True, message=message
        )
        for n in range(count)
    )
    files = tuple(artifact(f"f{n}.pkl", 1) for n in range(count))
    return assembled(files, findings, result=Outcome.FAIL, reasons=(), load_reason="It fails.")


def told(report: Report) -> str:
    return " ".join((f"In {s.path}, " if s.path else "") + s.text for s in lead(report))


def test_a_lead_names_what_fits_and_counts_the_rest() -> None:
    sentence = "loading calls x.y('z'), which is on no reviewed list."
    assert told(failing(1)) == f"In f0.pkl, {sentence}"
    assert told(failing(3)) == " ".join(f"In f{n}.pkl, {sentence}" for n in range(3))
    assert told(failing(9)) == (
        f"In f0.pkl, {sentence} In f1.pkl, {sentence} In f2.pkl, {sentence} 6 more findings reach the gate."
    )


def test_a_long_message_gives_way_to_the_title_of_its_rule() -> None:
    report = failing(1, message="word " * 200)
    assert told(report) == "In f0.pkl, pickle constructs a class that nobody has reviewed."


def test_leads_of_the_other_verdicts() -> None:
    assert told(pass_report()) == (
        "No open finding reaches the gate, and all 9 files were read to the last byte. "
        "No record was given, and none is read by this version. Nothing was checked that could be signed."
    )
    assert told(empty_report()) == (
        "Nothing failed, but the audit could not be finished. The target holds no file."
    )


def test_a_failed_axis_is_a_reason_of_its_own() -> None:
    report = failing(0)
    failed = AxisResult(answer=Answer.FAILED, reason="The signer is not expected")
    report = dataclasses.replace(report, axes=dataclasses.replace(report.axes, origin=failed))
    rows = reasons(report, Anchors(report, ()))
    assert [(row.word, row.href, row.text) for row in rows] == [
        ("Failed", "#origin", "The signer is not expected")
    ]
    assert told(report) == "The signer is not expected."


def test_reasons_stop_at_seven_and_say_how_many_more() -> None:
    report = failing(19)
    rows = reasons(report, Anchors(report, [f.fingerprint for f in report.findings]))
    assert len(rows) == 8
    assert rows[0].href == f"#f-{report.findings[0].fingerprint}"
    assert rows[7].text == "and 12 more"


def test_an_excerpt_shows_the_hits_with_what_is_around_them() -> None:
    report = odd_report()
    excerpt = Programs(report).excerpt(report.findings[0])
    assert excerpt is not None
    assert [(line.span[0], line.mark, line.is_hit, line.comment) for line in excerpt.lines] == [
        ("2", "system", True, ""),
        ("18", "system", True, ""),
        ("67", "", False, ""),
        ("94", "", False, ""),
        ("200", "", False, ""),
        ("", "", False, "# 74 more lines"),
    ]
    assert Programs(report).excerpt(report.findings[1]) is None


def test_an_excerpt_of_very_many_hits_is_bounded() -> None:
    report = odd_report()
    (listing,) = report.listings
    hit = report.findings[0].fingerprint
    lines = tuple(dataclasses.replace(line, findings=(hit,)) for line in listing.lines)
    report = dataclasses.replace(report, listings=(dataclasses.replace(listing, lines=lines),))
    excerpt = Programs(report).excerpt(report.findings[0])
    assert excerpt is not None
    assert len(excerpt.lines) == 41
    assert excerpt.lines[40].comment == f"# {len(lines) - 40 + listing.left_out} more lines"


def test_bars_leave_the_lens_out_where_there_is_no_gap() -> None:
    assert [segment.fill for segment in bars(pass_report()).whole] == ["f-tensor", "f-read", "f-inert"]
    assert bars(pass_report()).lens == ()
    assert bars(empty_report()).whole == ()


@pytest.mark.parametrize(
    ("rows", "state"),
    [
        ([], State.UNREAD),
        ([((), State.READ)], State.READ),
        ([((), State.UNREAD)], State.UNREAD),
        ([((), State.READ), (("m",), State.UNREAD)], State.PARTIAL),
        ([((), State.PARTIAL), (("m",), State.READ)], State.PARTIAL),
        ([(("m",), State.READ)], State.READ),
    ],
)
def test_a_file_is_read_when_it_and_all_its_members_are(
    rows: list[tuple[tuple[str, ...], State]], state: State
) -> None:
    coverage = [Coverage(artifact="a", members=members, state=s, size=1) for members, s in rows]
    assert state_of(coverage) is state
