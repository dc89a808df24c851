"""CycloneDX 1.7: the document of ``ml_bom`` for platforms that ask for the newer version."""

from __future__ import annotations

from owaudit.model.report import Report
from owaudit.render.ml_bom import bom_text
from owaudit.render.renderer import Renderer, RenderOptions


def render(report: Report, options: RenderOptions) -> str:  # noqa: ARG001 - a file has no width
    """Return the document in version 1.7."""
    return bom_text(report, "1.7")


RENDERER = Renderer("cyclonedx-1.7", (".cdx17.json",), render)
