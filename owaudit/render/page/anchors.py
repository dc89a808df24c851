"""Addresses within the page. They come from indices and fingerprints, never from a scanned string."""

from __future__ import annotations

import re
from collections.abc import Iterable

from owaudit.model.report import Report

_FINGERPRINT = re.compile(r"[0-9a-f]{8,64}\Z")
_RULE = re.compile(r"[A-Z]{2,8}[0-9]{1,8}\Z")


class Anchors:
    """Where each finding and file of a report stands on its page.

    A finding that is not written out itself is reached through the group of its rule.
    """

    def __init__(self, report: Report, written_out: Iterable[str]) -> None:
        shown = set(written_out)
        self._findings: dict[str, str] = {}
        for finding in report.findings:
            own = finding_anchor(finding.fingerprint)
            is_shown = finding.fingerprint in shown and own
            self._findings[finding.fingerprint] = (
                own if is_shown else group_anchor(finding.rule) or "findings"
            )

    def finding(self, fingerprint: str) -> str:
        """Return the address of a finding, with its ``#``."""
        return "#" + self._findings.get(fingerprint, "findings")


def finding_anchor(fingerprint: str) -> str:
    """Return the id of a finding's article, or nothing where the fingerprint is not one."""
    return f"f-{fingerprint}" if _FINGERPRINT.match(fingerprint) else ""


def group_anchor(rule: str) -> str:
    """Return the id of a rule's group, or nothing where the rule id is not one."""
    return f"r-{rule}" if _RULE.match(rule) else ""


def file_anchor(index: int) -> str:
    """Return the id of a file's row; ``index`` counts the files of the report from 0."""
    return f"a-{index + 1}"
