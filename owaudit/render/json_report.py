"""The report as canonical JSON, and the digest that names it.

The JSON is the complete report: every other format shows a part of it.
"""

from __future__ import annotations

import hashlib

from owaudit.model import wire
from owaudit.model.report import Report
from owaudit.render.renderer import Renderer, RenderOptions


def render(report: Report, options: RenderOptions) -> str:  # noqa: ARG001 - a file has no width
    """Return the canonical JSON of the report, with a final newline."""
    return wire.dumps(report)


def report_digest(report: Report) -> str:
    """Return SHA-256, in hex, over the canonical JSON of the report without its ``run`` block.

    ``run`` is the only block that differs from run to run, so two audits of the same bytes with
    the same rules have the same digest.
    """
    settled = wire.encode(report)
    del settled["run"]
    return hashlib.sha256(wire.dumps(settled).encode("utf-8")).hexdigest()


RENDERER = Renderer("json", (".json",), render)
