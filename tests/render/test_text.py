"""The text report: widths, colour, counts and the last line."""

from __future__ import annotations

import dataclasses
import re
import unicodedata

import pytest
from odd_report import empty_report, many_findings_report, odd_report, pass_report, plain_report

from owaudit.model.report import Report
from owaudit.render import RenderOptions
from owaudit.render.explanation import render_explanation
from owaudit.render.terminal import columns, wrap
from owaudit.render.text import render

SEQUENCE = re.compile(r"\x1b\[[0-9;]*m|\x1b\]8;;[^\x1b]*\x1b\\")
REPORTS = [odd_report(), pass_report(), plain_report(), empty_report(), many_findings_report(300)]


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("width", [60, 79, 80, 120, 200])
def test_no_line_is_wider_than_asked_but_the_last_and_what_is_to_be_copied(
    report: Report, width: int, verbose: bool
) -> None:
    text = render(report, RenderOptions(width=width, verbose=verbose))
    copied = {f"{'':14}{line}" for f in report.findings for line in f.policy_line.splitlines()}
    *lines, _ = [line for line in text.splitlines() if line not in copied and "See: " not in line]
    assert [line for line in lines if columns(line) > width] == []
    assert [
        line
        for line in render_explanation(report, RenderOptions(width=width)).splitlines()
        if columns(line) > width
    ] == []


@pytest.mark.parametrize("report", REPORTS)
def test_colour_changes_nothing_but_colour(report: Report) -> None:
    for verbose in (False, True):
        plain = render(report, RenderOptions(verbose=verbose))
        coloured = render(report, RenderOptions(verbose=verbose, colour=True, hyperlinks=True))
        assert SEQUENCE.sub("", coloured) == plain


@pytest.mark.parametrize("report", REPORTS)
def test_nothing_hidden_reaches_the_terminal(report: Report) -> None:
    for text in (render(report, RenderOptions(verbose=True)), render_explanation(report, RenderOptions())):
        assert not [c for c in text if unicodedata.category(c)[0] == "C" and c != "\n"]
        assert "::" not in text
        assert "##" not in text


@pytest.mark.parametrize("width", [-1, 0, 1, 59, 10_000])
def test_odd_widths_are_held_in_bounds(width: int) -> None:
    held = 60 if width < 60 else 200
    assert render(odd_report(), RenderOptions(width=width)) == render(odd_report(), RenderOptions(width=held))


def test_a_zero_exit_code_that_was_asked_for_is_not_called_a_pass() -> None:
    report = odd_report()
    report = dataclasses.replace(report, verdict=dataclasses.replace(report.verdict, exit_code=0))
    last = render(report, RenderOptions()).splitlines()[-1]
    assert last.startswith("Fail: 9 findings")
    assert last.endswith("Exit code 0: asked for whatever the verdict.")


def test_wrapping_counts_columns_not_characters() -> None:
    assert list(wrap("模型模型 ab", 4)) == ["模型", "模型", "ab"]
    assert list(wrap("abcdefgh i", 3)) == ["abc", "def", "gh", "i"]
    assert list(wrap("  if x:  y", 80)) == ["  if x:  y"]
    assert list(wrap("", 5)) == [""]
