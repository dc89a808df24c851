"""Which renderer answers to which name and suffix, and what asking costs."""

from __future__ import annotations

import subprocess
import sys

import pytest
from odd_report import odd_report, plain_report

from owaudit.errors import UsageError
from owaudit.render import Renderer, RenderOptions, format_for_suffix, renderer_for, renderers


def test_the_formats_of_this_version() -> None:
    assert {name: renderer.suffixes for name, renderer in renderers().items()} == {
        "annotations": (".annotations.txt",),
        "codeclimate": (".codeclimate.json",),
        "csv": (".csv",),
        "cyclonedx": (".cdx.json",),
        "cyclonedx-1.7": (".cdx17.json",),
        "html": (".html", ".htm"),
        "json": (".json",),
        "junit": (".junit.xml",),
        "markdown": (".md",),
        "pdf": (".pdf",),
        "sarif": (".sarif", ".sarif.json"),
        "sarif-full": (".full.sarif",),
        "text": (".txt",),
    }


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/report.json", "json"),
        ("REPORT.JSON", "json"),
        ("out.txt", "text"),
        ("a.b.HTML", "html"),
        ("x.sarif", "sarif"),
        ("x.sarif.json", "sarif"),
        ("x.full.sarif", "sarif-full"),
    ],
)
def test_the_suffix_picks_the_format(path: str, name: str) -> None:
    assert format_for_suffix(path) == name


@pytest.mark.parametrize("path", ["report", "report.docx", "json", ""])
def test_an_unknown_suffix_is_a_usage_error(path: str) -> None:
    with pytest.raises(UsageError, match="expected a file name that ends in one of"):
        format_for_suffix(path)


def test_an_unknown_format_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="found 'docx'"):
        renderer_for("docx")


@pytest.mark.parametrize(
    "asked", ["renderer_for", "renderer_for('text')", "renderer_for('json')", "renderer_for('html')"]
)
def test_no_heavy_library_is_imported_before_a_page_is_made(asked: str) -> None:
    program = f"import sys; from owaudit.render import renderer_for; {asked}; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert not {"jinja2", "rich", "numpy", "cyclonedx", "weasyprint"} & set(modules.stdout.split())


def test_a_missing_library_is_a_usage_error_that_names_the_extra() -> None:
    renderer = Renderer("odd", (".odd",), lambda report, options: "", needs="owaudit_missing", extra="odd")
    wanted = r"the format odd needs owaudit_missing: install owaudit with the extra \[odd\]"
    for ask in (renderer.require, lambda: renderer.content(plain_report(), RenderOptions())):
        with pytest.raises(UsageError, match=wanted):
            ask()


def test_the_bytes_of_a_text_are_utf8_whatever_it_holds() -> None:
    renderer = Renderer("odd", (".odd",), lambda report, options: "ü\udcff\r\n")
    assert renderer.content(plain_report(), RenderOptions()) == b"\xc3\xbc\\udcff\r\n"


def test_the_page_on_paper() -> None:
    try:
        first = renderer_for("pdf").content(odd_report(), RenderOptions())
    except UsageError as missing:
        pytest.skip(str(missing))
    assert first.startswith(b"%PDF-")
    assert first == renderer_for("pdf").content(odd_report(), RenderOptions())
