"""The golden outputs of the renderers.

``PYTHONPATH=tests python tests/render/goldens.py`` writes them anew; then read the difference.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

from odd_report import empty_report, many_findings_report, odd_report, pass_report, plain_report

from owaudit.render import RenderOptions, renderer_for
from owaudit.render.explanation import render_explanation
from owaudit.render.schema import schema_text

FOLDER = Path(__file__).parent / "golden"


FORMATS = {
    "annotations": ".annotations.txt",
    "codeclimate": ".codeclimate.json",
    "csv": ".csv",
    "cyclonedx": ".cdx.json",
    "cyclonedx-1.7": ".cdx17.json",
    "junit": ".junit.xml",
    "markdown": ".md",
    "sarif": ".sarif",
    "sarif-full": ".full.sarif",
}
"""Formats for other programs, and the ends of their golden files."""


@functools.cache
def outputs() -> dict[str, str]:
    """Return every golden output by the name of its file."""
    text = renderer_for("text").render
    json = renderer_for("json").render
    page = renderer_for("html").render
    plain = RenderOptions()
    return {
        "odd.txt": text(odd_report(), plain),
        "odd-60.txt": text(odd_report(), RenderOptions(width=60)),
        "odd-verbose-200.txt": text(odd_report(), RenderOptions(width=200, verbose=True)),
        "odd-colour.txt": text(odd_report(), RenderOptions(verbose=True, colour=True, hyperlinks=True)),
        "odd-quiet.txt": text(odd_report(), RenderOptions(quiet=True)),
        "odd-explained.txt": render_explanation(odd_report(), plain),
        "odd.json": json(odd_report(), plain),
        "many.txt": text(many_findings_report(), plain),
        "pass.txt": text(pass_report(), plain),
        "plain.txt": text(plain_report(), plain),
        "plain-quiet.txt": text(plain_report(), RenderOptions(quiet=True)),
        "empty.txt": text(empty_report(), plain),
        "empty-explained.txt": render_explanation(empty_report(), plain),
        "report.schema.json": schema_text(),
        "odd.html": without_blocks(page(odd_report(), plain)),
        "pass.html": without_blocks(page(pass_report(), plain)),
        **{
            f"odd{suffix}": without_digest(renderer_for(name).render(odd_report(), plain))
            for name, suffix in FORMATS.items()
        },
        "empty.html": without_blocks(page(empty_report(), plain)),
    }


def without_blocks(page: str) -> str:
    """Return a page without its style and script, which change for reasons of their own."""
    page = re.sub(r"<(style|script)>.*?</\1>", r"<\1>…</\1>", page, flags=re.S)
    return re.sub(r"sha256-[A-Za-z0-9+/]{43}=", "sha256-…", page)


def without_digest(document: str) -> str:
    """Return a document without the digest of the report, which changes with the shape of any of it."""
    document = re.sub(r'("serialNumber": )"[^"]*"', r'\1"…"', document)
    return re.sub(r'("owaudit:report-sha256",\s*"value": )"[0-9a-f]{64}"', r'\1"…"', document)


def read(name: str) -> str:
    """Return a golden file as it is stored."""
    return (FOLDER / name).read_bytes().decode("utf-8")


if __name__ == "__main__":
    for name, output in outputs().items():
        (FOLDER / name).write_bytes(output.encode("utf-8"))
