"""The ML-BOM: the official schemas, what the library would drop, facts as found, determinism."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from odd_report import artifact, assembled, empty_report, finding, odd_report, pass_report, plain_report

from owaudit.model.artifact import Digest
from owaudit.model.policy import Waiver
from owaudit.model.report import (
    ControlEvidence,
    ControlResult,
    ControlState,
    FrameworkUsed,
    InventoryItem,
    Outcome,
    Report,
    Status,
    WaiverResult,
    WaiverState,
)
from owaudit.model.rule import Confidence
from owaudit.render import RenderOptions, renderer_for

VERSIONS = {"cyclonedx": SchemaVersion.V1_6, "cyclonedx-1.7": SchemaVersion.V1_7}


def text_of(report: Report, name: str = "cyclonedx") -> str:
    return renderer_for(name).render(report, RenderOptions())


def bom_of(report: Report) -> Any:
    return json.loads(text_of(report))


def rich_report() -> Report:
    """A report with inventory, waiver, purl, revision and a framework."""
    items = (
        finding("OWA1002", "a", status=Status.WAIVED, waiver="w-1"),
        finding("OWA1003", "b", references=("CWE-502: x", "https://example.org/advisory", "https://bad>x")),
    )
    report = assembled(
        (artifact("a", 1), artifact("b", 2)), items, result=Outcome.PASS, reasons=(), load_reason="No."
    )
    waiver = Waiver(id="w-1", owner="Ada", reason="Read it")
    framework = FrameworkUsed(
        key="x", name="X", edition="1.0", source="s", checked="c", mapping="m",
        confidence=Confidence.HIGH, reading="How to read this.",
    )  # fmt: skip
    states = (
        ControlState.SUPPORTS,
        ControlState.PARTIAL,
        ControlState.CONTRADICTS,
        ControlState.NO_EVIDENCE,
    )
    controls = tuple(
        ControlResult(
            framework="x",
            id=f"X-{state}",
            title=f"Title {state}",
            state=state,
            seen=(ControlEvidence(text=f"Seen {state}", section="s"),),
            limit="Not more.",
            confidence=Confidence.MEDIUM,
        )
        for state in states
    )
    facts = (
        InventoryItem(label="architecture", value="PelicanForCausalLM", artifact="config.json", place="/a"),
        InventoryItem(label="licence", value="apache-2.0", artifact="README.md"),
        InventoryItem(label="base model", value="org/base", artifact="README.md"),
        InventoryItem(label="parameters", value="3,000", artifact="m.safetensors"),
    )
    purl = "pkg:huggingface/org/pelican@0123456789abcdef0123456789abcdef01234567"
    return dataclasses.replace(
        report,
        waivers=(WaiverResult(waiver=waiver, state=WaiverState.ACTIVE, detail="", findings=()),),
        frameworks=(framework,),
        controls=controls,
        inventory=facts,
        subject=dataclasses.replace(report.subject, purl=purl, revision="0123456"),
    )


REPORTS = {
    "odd": odd_report(),
    "pass": pass_report(),
    "plain": plain_report(),
    "empty": empty_report(),
    "rich": rich_report(),
}


@pytest.mark.parametrize("name", VERSIONS)
@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_the_strict_schema_accepts_it(report: Report, name: str) -> None:
    assert JsonStrictValidator(VERSIONS[name]).validate_str(text_of(report, name)) is None


@pytest.mark.parametrize("key", ["declarations", "definitions", "vulnerabilities", "modelCard"])
def test_the_validator_would_see_a_fault_there(key: str) -> None:
    bom = bom_of(rich_report())
    (bom["metadata"]["component"] if key == "modelCard" else bom)[key] = {"wrong": 1}
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bom)) is not None


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_every_reference_points_at_something_that_is_there_once(report: Report) -> None:
    bom = bom_of(report)
    defined: list[str] = []
    used: list[str] = []

    def walk(value: Any, key: str = "") -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                walk(inner, name)
        elif isinstance(value, list):
            for inner in value:
                walk(inner, key)
        elif key == "bom-ref":
            defined.append(value)
        elif key in (
            "ref",
            "dependsOn",
            "requirement",
            "claims",
            "counterClaims",
            "evidence",
            "target",
            "assessor",
        ):
            used.append(value)

    walk(bom)
    assert len(set(defined)) == len(defined)
    assert set(used) <= set(defined)
    assert {artifact["name"] for artifact in bom.get("components", [])} == {
        c["name"] for c in bom["components"] if c["bom-ref"] in bom["dependencies"][0]["dependsOn"]
    }


def test_facts_stand_as_the_files_state_them() -> None:
    model = bom_of(rich_report())["metadata"]["component"]
    assert model["type"] == "machine-learning-model"
    assert model["licenses"] == [{"license": {"id": "Apache-2.0", "acknowledgement": "declared"}}]
    assert model["pedigree"]["ancestors"] == [{"name": "org/base", "type": "machine-learning-model"}]
    assert model["purl"] == "pkg:huggingface/org/pelican@0123456789abcdef0123456789abcdef01234567"
    assert model["version"] == "0123456"
    assert model["modelCard"]["modelParameters"] == {"modelArchitecture": "PelicanForCausalLM"}
    facts = {p["name"]: p["value"] for p in model["modelCard"]["properties"]}
    assert facts["owaudit:parameters"] == "3,000 (m.safetensors)"
    assert facts["owaudit:architecture"] == "PelicanForCausalLM (config.json, /a)"


def test_a_licence_without_identifier_is_named_and_a_bad_purl_is_kept_as_text() -> None:
    report = pass_report()
    odd = (InventoryItem(label="licence", value="my\nown\u202e", artifact="x"),)
    report = dataclasses.replace(
        report, inventory=odd, subject=dataclasses.replace(report.subject, purl="pkg:nothing")
    )
    model = bom_of(report)["metadata"]["component"]
    assert model["licenses"] == [{"license": {"name": "my\\nown<U+202E>", "acknowledgement": "declared"}}]
    assert "purl" not in model
    assert {"name": "owaudit:purl", "value": "pkg:nothing"} in model["properties"]


def test_findings_are_vulnerabilities_of_their_files() -> None:
    waived, found = sorted(bom_of(rich_report())["vulnerabilities"], key=lambda v: v["id"])
    refs = {c["bom-ref"]: c["name"] for c in bom_of(rich_report())["components"]}
    assert [refs[v["affects"][0]["ref"]] for v in (waived, found)] == ["a", "b"]
    assert waived["analysis"] == {"detail": "Waived by the policy. Read it."}
    assert "analysis" not in found
    assert found["cwes"] == [502]
    assert found["advisories"] == [{"url": "https://example.org/advisory"}]
    assert found["source"] == {"name": "owaudit"}
    assert found["detail"] == "Something was found. Place: b."


def test_declarations_claim_what_was_seen_and_never_conformance() -> None:
    bom = bom_of(rich_report())
    own, framework = bom["declarations"]["attestations"]
    mapped = {row["requirement"]: row for row in framework["map"]}
    titles = {r["bom-ref"]: r["identifier"] for r in bom["definitions"]["standards"][1]["requirements"]}
    said = {titles[ref]: [key for key in row if "laims" in key] for ref, row in mapped.items()}
    assert said == {
        "X-supports": ["claims"],
        "X-partial": ["claims"],
        "X-contradicts": ["counterClaims"],
        "X-no-evidence": [],
    }
    assert {row["conformance"]["rationale"].partition(". ")[2] for row in mapped.values()} == {
        "Limit: Not more."
    }
    assert all(list(row["conformance"]) == ["rationale"] for row in [*own["map"], *framework["map"]])
    assert bom["declarations"]["assessors"][0]["thirdParty"] is False


def test_the_serial_number_is_of_the_report_and_the_version() -> None:
    later = dataclasses.replace(pass_report(), run=dataclasses.replace(pass_report().run, ended="", jobs=9))
    first, second = bom_of(pass_report()), bom_of(later)
    assert first["serialNumber"] == second["serialNumber"]
    assert first["serialNumber"] != json.loads(text_of(pass_report(), "cyclonedx-1.7"))["serialNumber"]
    assert first["serialNumber"] != bom_of(odd_report())["serialNumber"]
    assert first["metadata"]["timestamp"] == "2026-11-20T14:32:07+00:00"
    assert "timestamp" not in second["metadata"]


def test_only_digests_that_the_format_names_are_hashes() -> None:
    digests = (Digest("sha256", "0" * 64), Digest("git-sha1", "0" * 40), Digest("blake2b", "0" * 128))
    one = dataclasses.replace(artifact("m.bin", 1), digests=digests)
    report = assembled((one,), (), result=Outcome.PASS, reasons=(), load_reason="No.")
    bom = bom_of(report)
    assert [h["alg"] for h in bom["components"][0]["hashes"]] == ["BLAKE2b-512", "SHA-256"]
    assert bom["metadata"]["component"]["hashes"] == bom["components"][0]["hashes"]
