"""The page: policy, structure, hostile strings, addresses, counts, scale."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import html.parser
import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from odd_report import (
    assembled,
    empty_report,
    finding,
    many_files_report,
    many_findings_report,
    odd_report,
    pass_report,
    plain_report,
)

from owaudit.model.report import Outcome, Report, Status
from owaudit.render import RenderOptions, renderer_for
from owaudit.render.json_report import report_digest

REPORTS = {
    "odd": odd_report(),
    "pass": pass_report(),
    "plain": plain_report(),
    "empty": empty_report(),
    "many findings": many_findings_report(),
    "many files": many_files_report(),
}
SECTIONS = "coverage findings loaders integrity origin waivers controls files reproduce terms".split()  # noqa: SIM905
VOID = {"meta", "br", "wbr", "input"}


def page_of(report: Report) -> str:
    return renderer_for("html").render(report, RenderOptions())


PAGES = {name: page_of(report) for name, report in REPORTS.items()}


class Outline(html.parser.HTMLParser):
    """Tags with their attributes, in order, and whether every tag is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


OUTLINES = {name: Outline(page) for name, page in PAGES.items()}


def policy_hash(block: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()


@pytest.mark.parametrize("name", REPORTS)
class TestEveryPage:
    def test_the_policy_allows_exactly_the_two_blocks(self, name: str) -> None:
        page = PAGES[name]
        (style,) = re.findall(r"<style>(.*?)</style>", page, re.S)
        (script,) = re.findall(r"<script>(.*?)</script>", page, re.S)
        (policy,) = [a["content"] for t, a in OUTLINES[name].tags if "http-equiv" in a]
        assert policy == (
            f"default-src 'none'; style-src '{policy_hash(style)}'; script-src '{policy_hash(script)}'; "
            "base-uri 'none'; form-action 'none'"
        )

    def test_nothing_is_loaded_and_nothing_runs_from_an_attribute(self, name: str) -> None:
        for tag, attributes in OUTLINES[name].tags:
            assert tag not in {"link", "img", "iframe", "object", "embed", "base", "form", "image", "audio"}
            assert not [a for a in attributes if a == "style" or a.startswith("on") or a in {"src", "srcdoc"}]
            href = attributes.get("href")
            if href is not None:
                assert re.match(r"#|https://(cwe\.mitre\.org|docs\.python\.org)/", href)
                assert tag in {"a", "use"}
        assert not re.search(r"url\((?!#)|@import", PAGES[name])

    def test_scripts_are_the_block_and_a_list_without_markup(self, name: str) -> None:
        kinds = [a.get("type") for tag, a in OUTLINES[name].tags if tag == "script"]
        assert kinds == (["application/json", None] if name.startswith("many") else [None])

    def test_every_tag_is_closed_and_every_id_is_used_once(self, name: str) -> None:
        assert OUTLINES[name].open == []
        ids = [a["id"] for _, a in OUTLINES[name].tags if "id" in a]
        assert len(ids) == len(set(ids))

    def test_every_address_within_the_page_leads_somewhere(self, name: str) -> None:
        ids = {a["id"] for _, a in OUTLINES[name].tags if "id" in a}
        for _, attributes in OUTLINES[name].tags:
            for key in ("href", "data-link", "data-copy", "aria-labelledby"):
                target = attributes.get(key)
                if target and not target.startswith("https:"):
                    assert target.removeprefix("#") in ids
            if "fill" in attributes and str(attributes["fill"]).startswith("url("):
                assert attributes["fill"] == "url(#hatch)"

    def test_no_section_is_left_out(self, name: str) -> None:
        sections = [a["id"] for tag, a in OUTLINES[name].tags if a.get("class") == "sec"]
        assert sections == SECTIONS
        numbers = re.findall(r'<h2 id="\w+-h"><span class="n">(\d+) </span>', PAGES[name])
        assert numbers == [str(n) for n in range(1, 11)]

    def test_nothing_hidden_is_on_the_page(self, name: str) -> None:
        hidden = {c for c in PAGES[name] if unicodedata.category(c)[0] == "C" and c != "\n"}
        assert hidden == set()
        for words in OUTLINES[name].words:
            assert not [c for c in words if unicodedata.category(c)[0] == "C" and c != "\n"]

    def test_the_lead_has_at_most_45_words(self, name: str) -> None:
        (lead,) = re.findall(r'<p class="lead">(.*?)</p>', PAGES[name])
        words = re.sub(r"<[^>]+>", "", lead).split()
        assert 0 < len(words) <= 45

    def test_the_verdict_words_are_never_more_than_they_say(self, name: str) -> None:
        ours = re.sub(r"<(style|script)\b.*?</\1>", "", PAGES[name], flags=re.S)
        shown = re.sub(r"<[^>]+>", " ", ours).lower()
        for word in ("safe", "clean", "trusted", "secure", "compliant", "certified"):
            assert not re.search(rf"\b{word}\b", shown)


class TestCounts:
    @pytest.mark.parametrize("name", REPORTS)
    def test_they_are_those_of_the_report_in_every_format(self, name: str) -> None:
        report = REPORTS[name]
        counts = report.verdict.counts
        text = renderer_for("text").render(report, RenderOptions()).splitlines()[-1]
        found = re.findall(r"([\d,]+) (critical|high|medium|low|info)\b", text)
        assert {severity: int(n.replace(",", "")) for n, severity in found} == {
            s: getattr(counts, s) for s in ("critical", "high", "medium", "low", "info") if getattr(counts, s)
        }
        assert f"{counts.files_read:,} of {counts.files:,} file" in text
        page = PAGES[name]
        gating = f"{counts.gating:,}" if counts.gating else "None"
        aside = counts.waived + counts.baseline
        below = f"{counts.findings - counts.gating - aside:,}" if counts.findings > counts.gating else "none"
        waived = f"{aside} findings are set aside" if aside else "None is waived"
        assert f"<p>{gating} at or above the gate, {below} below it. {waived}.</p>" in page
        assert (", 1 waived, 1 known before" in text) == (name == "odd")
        if counts.files:
            assert f"<p>{counts.files_read:,} of {counts.files:,} file" in page
            for size in (counts.parsed, counts.payload, counts.inert, counts.unexplained, counts.size):
                assert f'<td class="r" data-h="Bytes">{size:,}</td>' in page

    @pytest.mark.parametrize("name", ["odd", "pass", "plain", "empty"])
    def test_every_finding_and_every_file_is_written_out(self, name: str) -> None:
        report = REPORTS[name]
        articles = [a["id"] for tag, a in OUTLINES[name].tags if tag == "article"]
        gate = [f for f in report.findings if f.gating]
        below = [f for f in report.findings if not f.gating and f.status is Status.OPEN]
        aside = [f for f in report.findings if not f.gating and f.status is not Status.OPEN]
        assert articles == [f"f-{f.fingerprint}" for f in (*gate, *below, *aside)]
        rows = [a["id"] for tag, a in OUTLINES[name].tags if tag == "tr" and "id" in a]
        waivers = {"odd": ["w-2", "w-3", "w-4", "w-1"]}.get(name, [])
        assert rows == [*waivers, *(f"a-{n}" for n, _ in enumerate(report.artifacts, 1))]

    def test_the_bars_are_as_wide_as_the_whole(self) -> None:
        bars = re.findall(r'<svg class="bar".*?</svg>', PAGES["odd"])
        assert len(bars) == 2
        for bar in bars:
            rects = re.findall(r'class="(f-\w+)" x="([\d.]+)%" y="1" width="([\d.]+)%"', bar)
            end = 0
            for _, x, width in rects:
                assert round(float(x) * 1000) == end
                end += round(float(width) * 1000)
                assert float(width) >= 0.3
            assert end == 100_000


class TestScale:
    def test_ten_thousand_files_stay_small_and_complete(self) -> None:
        page = PAGES["many files"]
        assert len(page.encode()) < 5_000_000
        (listed,) = re.findall(r'<script type="application/json" id="listed-rows">(.*?)</script>', page)
        assert listed.count("[") - 1 == 9_999
        folders = re.findall(r'data-h="Files">([\d,]+)</td>', page)
        assert sum(int(n.replace(",", "")) for n in folders) == 9_999

    def test_many_findings_are_shown_by_rule_with_the_rest_counted(self) -> None:
        page = PAGES["many findings"]
        assert page.count("<article ") == 2
        assert page.count("and 2,995 more, all in the JSON report") == 2
        assert '<section class="group" id="r-OWA1002"' in page

    def test_hostile_values_cannot_leave_their_block(self) -> None:
        names = many_files_report(2001)
        first = dataclasses.replace(names.artifacts[0], path="</script><script>alert(1)</script>\u2028")
        page = page_of(dataclasses.replace(names, artifacts=(first, *names.artifacts[1:])))
        assert "alert(1)</script>" not in page
        assert "\\u003c/script\\u003e\\u003cscript\\u003ealert(1)" in page


class TestHostileReports:
    """A report file from elsewhere may hold anything its types allow."""

    @pytest.mark.parametrize(
        "text", ['"><script>alert(1)</script>', "' onload='x", "x\u202ey\x00", "{{ 7919*7907 }}", ""]
    )
    def test_any_string_is_text(self, text: str) -> None:
        odd = finding(
            text,
            text,
            fingerprint=text,
            name=text,
            title=text,
            message=text,
            family=text,
            explanation=text,
            remediation=text,
            references=(text, 'https://x" onclick="y'),
            policy_line=text,
            gating=True,
        )
        report = assembled((), (odd,), result=Outcome.FAIL, reasons=(text,), load_reason=text, name=text)
        run = dataclasses.replace(
            report.run, started=text, ended=text, command=text, python=text, machine=text, network=text
        )
        subject = dataclasses.replace(report.subject, revision=text, purl=text, root_digest=text)
        outline = Outline(page_of(dataclasses.replace(report, run=run, subject=subject)))
        assert outline.open == []
        assert [tag for tag, _ in outline.tags].count("script") == 1
        assert not [a for _, a in outline.tags if any(key.startswith("on") for key in a)]
        assert "62615533" not in "".join(outline.words)
        ids = [a["id"] for _, a in outline.tags if "id" in a]
        assert len(ids) == len(set(ids))


def test_the_page_names_the_digest_of_its_report() -> None:
    digest = report_digest(odd_report())
    assert PAGES["odd"].count(digest) == 2
    words = f"{digest[:4]} {digest[4:8]} {digest[8:12]}"
    assert f'content: "owaudit report {words} – verdict: fail"' in PAGES["odd"]


def test_the_same_report_gives_the_same_bytes_in_every_process() -> None:
    program = (
        "import hashlib; from odd_report import odd_report, many_files_report;"
        "from owaudit.render import *; o = RenderOptions(verbose=True);"
        "print([hashlib.sha256(r.render(p, o).encode()).hexdigest() for r in renderers().values()"
        " for p in (odd_report(), many_files_report(2500))])"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            check=True,
            capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[1])},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
