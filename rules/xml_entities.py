"""OWA1126: an XML document declares entities, or a type that is read from elsewhere.

Source: XML 1.0, 4.2; CWE-611, CWE-776.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from owaudit.model.evidence import Evidence
from owaudit.model.format_facts import XmlDeclaration
from owaudit.model.rule import EvidenceItem, Match, PythonRule, RuleMeta, Severity

META = RuleMeta(
    id="OWA1126",
    name="xml-entities",
    title="An XML file makes its parser read other files or grow without bound",
    severity=Severity.HIGH,
    explanation="The document type declares entities. Parsers that follow the standard put a file or an "
    "address in the place of an external entity, and nested ones grow to gigabytes. Model formats "
    "have no use for either.",
    remediation="Do not load the file. Use a parser with entities switched off, and ask the publisher for "
    "a file without a document type.",
    references=(
        "CWE-611: Improper Restriction of XML External Entity Reference",
        "CWE-776: Improper Restriction of Recursive Entity References in DTDs ('XML Entity Expansion')",
    ),
    family="formats that run code",
)

_USUAL: Final = ("http://www.dmg.org/", "https://www.dmg.org/", "http://www.w3.org/", "https://www.w3.org/")
"""Homes of the types that old files of PMML and drawings state; parsers that fetch them get a grammar."""
_MODELS: Final = ("pmml", "openvino")


def check(evidence: Evidence) -> Iterator[Match]:
    """Match external and nested entities everywhere, in models every entity."""
    for seen in evidence.of(XmlDeclaration):
        words = _words(seen)
        if words:
            yield Match(
                words,
                seen,
                evidence=(
                    EvidenceItem(label="declares", value=f"{seen.what} {seen.name}"),
                    EvidenceItem(label="address", value=seen.system),
                ),
                key=f"{seen.what} {seen.name} {seen.system}",
            )


def _words(seen: XmlDeclaration) -> str:
    usual = seen.system.startswith(_USUAL)
    if seen.what == "doctype":
        return f"The document takes its type from {seen.system}" if seen.system and not usual else ""
    if seen.system and not usual:
        return f"The entity {seen.name} is read from {seen.system}"
    if seen.nested:
        return f"The entity {seen.name} is made of other entities"
    if seen.what == "parameter-entity":
        return f"The entity {seen.name} writes further declarations"
    return f"The model declares the entity {seen.name}" if seen.format in _MODELS else ""


RULE = PythonRule(META, check)
