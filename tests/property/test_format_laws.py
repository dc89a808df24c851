"""What every format promises for every string that comes from a file."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
import xml.etree.ElementTree as ET

import markdown_it
from hypothesis import given
from hypothesis import strategies as st
from odd_report import artifact, assembled, finding

from owaudit.model.location import Location
from owaudit.model.report import Outcome, Report
from owaudit.model.rule import EvidenceItem
from owaudit.render import RenderOptions, renderer_for
from owaudit.render.escape import markdown

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=40)
PIECES = (
    "<script>alert(1)</script>", "](javascript:x)", "![x](http://e/x.png)", "`", "|", "\n", "\r\n", "\u2028",
    "::error::x", "::stop-commands::t", "##[error]x", "##vso[x]", "%0A", "\x1b[31m", "\x9b2J", "\u202e",
    "\u2066", "\u200b", "\ufeff", "\ud800", "\udcff", "\ufffe", "\U000e0041", "@user", "#1", "&lt;", "&#60;",
    "]]>", "<!--", "-->", "http://x.y", "www.x.y", "a@b.cd", "=1+1", "@SUM(1)",
    '"', "'", ",", "{0}", "\\", "\x00",
    "\x0b", "*", "_", "~~", "$x$", "- ", "1. ", "> ", "# ", "---", "\t", "/", "../", "C:\\",
)  # fmt: skip
HOSTILE = st.lists(st.sampled_from(PIECES) | ANY_TEXT, max_size=6).map("".join)
TEXT_FORMATS = ("annotations", "codeclimate", "csv", "cyclonedx", "junit", "markdown", "sarif", "sarif-full")


def report_of(text: str) -> Report:
    """Return a report in which every string of a file is the text."""
    location = Location(
        artifact=text, members=(text,), start=1, end=2, tensor=text or None, pointer=text or None
    )
    item = finding(
        "OWA1002",
        text,
        message=text,
        location=location,
        locations=(location,) * 3,
        evidence=(EvidenceItem(label=text, value=text),),
        corroborated_by=(text,),
        policy_line=text,
        gating=True,
    )
    return assembled(
        (artifact(text, 1),),
        (item,),
        result=Outcome.FAIL,
        reasons=(text,),
        load_reason=text,
        name=text,
    )


def output(name: str, text: str) -> str:
    return renderer_for(name).render(report_of(text), RenderOptions())


def hidden(text: str) -> list[str]:
    """Return the characters that nobody sees, apart from the line ends of the format."""
    return [
        c
        for c in text
        if c not in "\r\n"
        and (unicodedata.category(c)[0] == "C" or (unicodedata.category(c)[0] == "Z" and c != " "))
    ]


class TestEveryFormat:
    """Nothing hidden is left, the bytes are UTF-8, and the lines are those of the format alone."""

    @given(HOSTILE)
    def test_nothing_hidden_and_no_line_of_its_own(self, text: str) -> None:
        for name in TEXT_FORMATS:
            shown = output(name, text)
            shown.encode("utf-8")
            assert hidden(shown) == [], name
            if name not in ("cyclonedx", "sarif", "sarif-full"):
                assert shown.count("\n") == output(name, "plain").count("\n") or name == "junit", name


class TestWorkflowCommands:
    """Each line is one command that we wrote, and no text starts another."""

    @given(HOSTILE)
    def test_two_commands(self, text: str) -> None:
        error, notice = output("annotations", text).removesuffix("\n").split("\n")
        head, _, message = error.removeprefix("::error ").partition("::")
        assert error.startswith("::error ")
        assert notice.startswith("::notice title=owaudit::Fail: ")
        assert "::" not in message
        assert "##" not in error
        assert {part.partition("=")[0] for part in head.split(",")} <= {"file", "line", "title"}
        assert not re.search("%(?!25|3A|2C)", error)


class TestMarkdownText:
    """Escaped text parses to that text and nothing else: no link, tag, code, cell or list."""

    @given(HOSTILE)
    def test_only_text(self, text: str) -> None:
        parser = markdown_it.MarkdownIt("commonmark").enable(["table", "strikethrough"])
        for line in (f"- x {markdown(text)}", f"## x {markdown(text)}"):
            for token in parser.parse(line):
                assert token.type != "html_block"
                inner = {child.type for child in token.children or ()}
                assert inner <= {"text", "text_special"}, (line, inner)

    @given(HOSTILE)
    def test_a_cell_stays_one_cell(self, text: str) -> None:
        parser = markdown_it.MarkdownIt("commonmark").enable(["table", "strikethrough"])
        tokens = parser.parse(f"| a | b |\n| --- | --- |\n| {markdown(text)} | end |\n")
        cells = [token.content for token in tokens if token.type == "inline"]
        assert len(cells) == 4
        assert cells[-1] == "end"

    @given(HOSTILE)
    def test_no_address_or_mention_is_left_to_link(self, text: str) -> None:
        shown = markdown(text)
        assert not re.search(r"https?://|(?i:www)\.|(?<!\w)@\w|(?<![\\&])#\d", shown)


class TestXml:
    """The document parses, and its cases are those of the report."""

    @given(HOSTILE)
    def test_it_parses(self, text: str) -> None:
        root = ET.fromstring(output("junit", text))
        assert [suite.tag for suite in root] == ["testsuite", "testsuite"]
        assert [len(suite.findall("testcase")) for suite in root] == [4, 2]


class TestTables:
    """A row stays one row, and no cell is a formula."""

    @given(HOSTILE)
    def test_three_rows(self, text: str) -> None:
        rows = list(csv.reader(io.StringIO(output("csv", text), newline="")))
        assert [len(row) for row in rows] == [18, 18, 18]
        assert not [c for row in rows for c in row if re.match(r"\s*[=+\-@＝＋－＠]", c)]


class TestSarif:
    """The log parses, its places are relative, and no message holds a link or a placeholder."""

    @given(HOSTILE)
    def test_places_and_messages(self, text: str) -> None:
        for name in ("sarif", "sarif-full"):
            run = json.loads(output(name, text))["runs"][0]
            (result,) = run["results"]
            uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
            assert re.fullmatch(r"[A-Za-z0-9_.~%/-]+", uri)
            assert not uri.startswith("/")
            assert ".." not in uri.split("/")
            assert "](" not in result["message"]["text"]
            assert not re.search(r"\{\d+\}", result["message"]["text"])
