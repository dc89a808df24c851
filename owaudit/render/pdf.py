"""The HTML page drawn on paper as PDF, by WeasyPrint, which comes with the extra ``[pdf]``.

The drawing loads nothing: every address is refused. WeasyPrint runs no script, and its layout fails
where a grid inside a grid breaks over pages, so the outer ones are blocks here.
"""

from __future__ import annotations

import logging
from typing import Any, NoReturn

from owaudit.errors import UsageError
from owaudit.render.html import render
from owaudit.render.renderer import Renderer

_PAPER = """
.cover, .duo { display: block !important }
.refs { margin-top: 6mm !important }
.bars, .swatch, .mark { display: none !important }
"""
"""The drawings of the page get no colour from its style here; every one repeats a word or a table."""


def _drawn(page: str) -> bytes:
    try:
        import weasyprint
    except OSError as error:  # the package is there, a library of the system is not
        raise UsageError(f"the format pdf needs the system libraries of WeasyPrint: {error}") from error
    logging.getLogger("weasyprint").setLevel(logging.CRITICAL)  # it notes every property it does not know
    document: Any = weasyprint.HTML(string=page, url_fetcher=_refused)
    drawn: bytes = document.write_pdf(stylesheets=[weasyprint.CSS(string=_PAPER)])
    return drawn


def _refused(url: str, *_: object, **__: object) -> NoReturn:
    raise ValueError(f"a report loads nothing, and not {url[:80]!r}")


RENDERER = Renderer("pdf", (".pdf",), render, draw=_drawn, needs="weasyprint", extra="pdf")
