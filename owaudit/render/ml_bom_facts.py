"""What an ML-BOM says beyond components: the model card and the declarations.

cyclonedx-python-lib knows neither and would drop both, so they are made here as plain JSON and put
into what it wrote. A declaration maps one requirement to claims, for what speaks for it, and to
counter-claims, for what speaks against it. No conformance is scored: an audit of files gives evidence
about bytes, and its limit stands in the rationale of every requirement.

Source: CycloneDX 1.6, modelCard and declarations (ECMA-424).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from owaudit.model.report import Answer, ControlState, InventoryItem, Report
from owaudit.render import phrases
from owaudit.render.places import shown

MODEL = "model"
"""The reference of the component that the document is about."""
_ASSESSOR = "assessor-owaudit"
_TEXT = 2_000
_QUESTIONS = {
    "load": "What runs, or breaks, when a library loads this?",
    "integrity": "Are these the bytes that some record names?",
    "origin": "Who vouches for them, and is it the one we expect?",
}
_OWN_LIMIT = "A statement about these bytes under this policy, by this version of the program and its rules."
_FOR = {Answer.PASS, Answer.VERIFIED}
_AGAINST = {Answer.FAIL, Answer.FAILED}
_ARCHITECTURE = "architecture"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Requirement:
    """One requirement of a standard and what the audit says about it."""

    key: str
    identifier: str
    title: str
    rationale: str
    confidence: str
    seen: tuple[str, ...]
    speaks_for: bool
    speaks_against: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standard:
    """A set of requirements: our own three questions, or a framework."""

    key: str
    name: str
    version: str
    description: str
    requirements: tuple[_Requirement, ...]


def model_card(report: Report) -> dict[str, Any]:
    """Return the model card: facts as the files state them, nothing that nobody wrote."""
    card: dict[str, Any] = {"bom-ref": "model-card"}
    named = sorted({item.value for item in report.inventory if item.label == _ARCHITECTURE})
    if len(named) == 1:
        card["modelParameters"] = {"modelArchitecture": shown(named[0], _TEXT)}
    properties = [_fact(item) for item in report.inventory]
    properties += [_property(f"format:{name}", f"{count:,}") for name, count in report.subject.formats]
    properties += [
        _property(f"summary:{artifact.path}", artifact.summary)
        for artifact in report.artifacts[:1_000]
        if artifact.summary
    ]
    if properties:
        card["properties"] = properties
    return card


def definitions(report: Report) -> dict[str, Any]:
    """Return the standards whose requirements the declarations map."""
    return {"standards": [_standard(standard) for standard in _standards(report)]}


def declarations(report: Report) -> dict[str, Any]:
    """Return assessor, attestations, claims and evidence of every standard."""
    standards = _standards(report)
    claims, evidence = [], []
    for standard in standards:
        for requirement in standard.requirements:
            claims += list(_claims(requirement))
            evidence += list(_evidence(requirement))
    tool = shown(report.tool.name, 255) or "owaudit"
    block: dict[str, Any] = {
        "assessors": [
            {"bom-ref": _ASSESSOR, "thirdParty": False, "organization": {"name": f"{tool} (program)"}}
        ],
        "attestations": [_attestation(standard) for standard in standards],
    }
    if claims:
        block["claims"] = claims
    if evidence:
        block["evidence"] = evidence
    return block


def _fact(item: InventoryItem) -> dict[str, str]:
    where = f" ({item.artifact}{', ' + item.place if item.place else ''})" if item.artifact else ""
    return _property(item.label.replace(" ", "-"), item.value + where)


def _property(name: str, value: str) -> dict[str, str]:
    return {"name": f"owaudit:{shown(name, 255)}", "value": shown(value, _TEXT)}


def _standards(report: Report) -> Sequence[_Standard]:
    own = _Standard(
        key="owaudit",
        name="owaudit: three questions about open-weight files",
        version=str(report.schema),
        description="What an audit without loading answers about the files of a model.",
        requirements=tuple(_own(report)),
    )
    return [own, *_frameworks(report)]


def _own(report: Report) -> Iterator[_Requirement]:
    axes = {"load": report.axes.load, "integrity": report.axes.integrity, "origin": report.axes.origin}
    for name, axis in axes.items():
        yield _Requirement(
            key=f"owaudit-{name}",
            identifier=name,
            title=_QUESTIONS[name],
            rationale=f"Answer: {axis.answer}. {_OWN_LIMIT}",
            confidence="The answer follows from bytes, rules and policy.",
            seen=(axis.reason,),
            speaks_for=axis.answer in _FOR,
            speaks_against=axis.answer in _AGAINST,
        )


def _frameworks(report: Report) -> Iterator[_Standard]:
    for number, framework in enumerate(report.frameworks):
        controls = [control for control in report.controls if control.framework == framework.key]
        requirements = tuple(
            _Requirement(
                key=f"framework-{number}-{place}",
                identifier=control.id,
                title=control.title,
                rationale=f"State: {control.state}. Limit: {control.limit}",
                confidence=f"Confidence of the mapping: {control.confidence}.",
                seen=tuple(evidence.text for evidence in control.seen),
                speaks_for=control.state in (ControlState.SUPPORTS, ControlState.PARTIAL),
                speaks_against=control.state is ControlState.CONTRADICTS,
            )
            for place, control in enumerate(controls)
        )
        yield _Standard(
            key=f"framework-{number}",
            name=framework.name,
            version=framework.edition,
            description=framework.reading,
            requirements=requirements,
        )


def _standard(standard: _Standard) -> dict[str, Any]:
    return {
        "bom-ref": standard.key,
        "name": shown(standard.name, 255),
        "version": shown(standard.version, 100),
        "description": shown(standard.description, _TEXT),
        "requirements": [
            {"bom-ref": r.key, "identifier": shown(r.identifier, 100), "title": shown(r.title, 500)}
            for r in standard.requirements
        ],
    }


def _attestation(standard: _Standard) -> dict[str, Any]:
    name = f"{shown(standard.name, 255)}, {shown(standard.version, 100)}"
    return {
        "summary": f"Evidence for {name}; no conformance is claimed.",
        "assessor": _ASSESSOR,
        "map": [_mapped(requirement) for requirement in standard.requirements],
    }


def _mapped(requirement: _Requirement) -> dict[str, Any]:
    mapped: dict[str, Any] = {
        "requirement": requirement.key,
        "conformance": {"rationale": shown(requirement.rationale, _TEXT)},
        "confidence": {"rationale": shown(requirement.confidence, _TEXT)},
    }
    refs = [claim["bom-ref"] for claim in _claims(requirement)]
    if refs:
        mapped["counterClaims" if requirement.speaks_against else "claims"] = refs
    return mapped


def _claims(requirement: _Requirement) -> Iterator[dict[str, Any]]:
    if not (requirement.speaks_for or requirement.speaks_against):
        return
    for number, text in enumerate(requirement.seen):
        yield {
            "bom-ref": f"claim-{requirement.key}-{number}",
            "target": MODEL,
            "predicate": shown(phrases.full_stop(text), _TEXT),
            "evidence": [f"evidence-{requirement.key}-{number}"],
        }


def _evidence(requirement: _Requirement) -> Iterator[dict[str, Any]]:
    for number, text in enumerate(requirement.seen):
        yield {
            "bom-ref": f"evidence-{requirement.key}-{number}",
            "propertyName": f"owaudit:{shown(requirement.identifier, 100)}",
            "description": shown(phrases.full_stop(text), _TEXT),
        }
