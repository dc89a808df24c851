"""The only place that knows every stage: walk, open, hash, read, judge."""

from __future__ import annotations

from owaudit.pipeline.target import collect, scan
from owaudit.pipeline.verdicts import judged

__all__ = ["collect", "judged", "scan"]
