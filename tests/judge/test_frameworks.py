"""The frameworks that ship: exact ids, a limit beside every control, and the states of real audits."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from evidence_maker import ZEROS, evidence, pickle_file, read, used

from owaudit.errors import UsageError
from owaudit.judge.control_facts import FACTS
from owaudit.judge.evaluate import judge
from owaudit.judge.frameworks import load_frameworks, wanted_frameworks
from owaudit.judge.packs import load_packs
from owaudit.model.artifact import Artifact, Format
from owaudit.model.claim import Authority, Claim, ClaimState, Provenance, RecordCheck, Source, Vouched
from owaudit.model.coverage import Coverage, State
from owaudit.model.evidence import Evidence
from owaudit.model.location import Location
from owaudit.model.observation import MetadataEntry, TensorTable, Use
from owaudit.model.policy import FormatsPolicy, Policy, Waiver
from owaudit.model.report import ControlState, InventoryItem, Report, Run
from owaudit.shipped import shipped

BUILTIN = load_packs(installed=False)
SHIPPED = load_frameworks(BUILTIN)

# Editions and ids as the sources have them, typed again here.
IDS = {
    "csa-aicm": ("1.1, June 2026", "MDS-02 MDS-03 MDS-04 MDS-08 MDS-09 MDS-13 STA-08 STA-16"),
    "eu-ai-act": (
        "2024, with the amendments adopted in June 2026 as far as they are known",
        "Annex IV 2(a), Annex IV 2(g), Annex IV 2(h), Annex IV 6, Art. 12, Art. 15(1), Art. 15(5), "
        "Art. 25(4), Art. 53(1)(a), Art. 53(1)(b), Annex XI 1(1)(d), Annex XI 1(1)(f), Annex XII 1(e), "
        "Annex XII 1(f), Annex XII 1(h), Art. 53(2), Art. 55(1)(d)",
    ),
    "iso-iec-42001": ("2023, Annex A", "A.4.2 A.4.4 A.6.2.4 A.6.2.5 A.6.2.7 A.6.2.8 A.7.5 A.10.3"),
    "mitre-atlas": (
        "5.6.0, May 2026",
        "AML.T0010 AML.T0010.001 AML.T0010.003 AML.T0011 AML.T0011.000 AML.T0018 AML.T0018.000 "
        "AML.T0018.001 AML.T0018.002 AML.T0058 AML.T0074 AML.T0111 AML.T0109 AML.T0060 AML.T0050 "
        "AML.T0072 AML.T0025 AML.T0076 AML.M0011 AML.M0013 AML.M0014 AML.M0016 AML.M0023",
    ),
    "nist-ai-600-1": (
        "July 2024, final",
        "MG-3.1-001 MG-3.1-002 MG-3.1-003 MG-3.1-005 MP-4.1-007 MS-2.7-001",
    ),
    "nist-ai-rmf": (
        "1.0, January 2023",
        "GOVERN 1.6, GOVERN 6.1, GOVERN 6.2, MAP 4.1, MAP 4.2, MEASURE 2.1, MEASURE 2.7, MANAGE 1.3, "
        "MANAGE 1.4, MANAGE 3.1, MANAGE 3.2",
    ),
    "nist-sp-800-218a": (
        "July 2024, final; community profile of SSDF 1.1",
        "PW.4.4.R1 PW.4.4.R2 PW.4.4 PS.1.3 PS.1.3.R2 PS.1.3.R4 PS.2.1.R1 PS.3.1 PS.3.1.N1 PS.3.2 "
        "PS.3.2.R1 PO.3.3 PO.4.1 PO.4.2 RV.1.1 RV.1.2",
    ),
    "nist-sp-800-53": (
        "Revision 5",
        "SI-7 SI-7(1) SI-7(6) SI-7(15) SI-3 SI-10 CM-14 CM-8 CM-7(5) SR-3 SR-4 SR-4(3) SR-4(4) SR-11 "
        "RA-5 RA-3(1) SA-11(1) SR-6",
    ),
    "owasp-aisvs": (
        "1.0, June 2026",
        "6.1.1 6.1.2 6.1.3 6.1.4 6.2.1 6.2.2 6.2.3 3.1.1 3.1.2 3.1.3 4.1.2",
    ),
    "owasp-llm-2025": ("2025", "LLM03:2025 LLM04:2025 LLM05:2025 LLM10:2025"),
    "owasp-llm-2026": ("2026", " ".join(f"LLM{number:02}:2026" for number in range(1, 11))),
    "s2c2f": (
        "Requirements as read in November 2026",
        "ING-1 ING-3 SCA-4 AUD-1 AUD-3 AUD-4 ENF-2 INV-1",
    ),
}  # fmt: skip
INVENTED = ("PW.4.5", "PW.4.3", "CM-5(3)", "SR-11(3)", "AML.T0020")
NEVER = ("complian", "certif", "conform", "safe", "trusted", "secure ", "guarantee")


def _report(seen: Evidence, *keys: str, policy: Policy | None = None) -> Report:
    policy = replace(policy or Policy(), frameworks=keys)
    return judge(seen, policy, BUILTIN, run=Run(started="2026-11-20T00:00:00Z"), tool_version="1")


def _states(report: Report) -> dict[str, str]:
    return {control.id: control.state.value for control in report.controls}


def test_ids_and_editions_are_those_of_the_sources() -> None:
    found = {
        key: (framework.used.edition, [control.id for control in framework.controls])
        for key, framework in SHIPPED.items()
    }
    expected = {
        key: (edition, ids.split(", ") if ", " in ids else ids.split()) for key, (edition, ids) in IDS.items()
    }
    assert found == expected


def test_no_invented_id_is_there() -> None:
    ids = {control.id for framework in SHIPPED.values() for control in framework.controls}
    assert [identity for identity in INVENTED if identity in ids] == []


@pytest.mark.parametrize("key", sorted(SHIPPED))
def test_every_control_has_a_limit_and_no_word_claims_too_much(key: str) -> None:
    framework = SHIPPED[key]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", framework.used.checked)
    text = (shipped("rules") / "frameworks" / f"{key}.toml").read_text(encoding="utf-8").lower()
    assert [word for word in NEVER if word in text] == []
    for control in framework.controls:
        assert control.limit.endswith("."), control.id
        assert not control.title.endswith("."), control.id


def test_no_fact_claims_too_much() -> None:
    report = _report(evidence(), *SHIPPED)
    told = " ".join(item.text.lower() for control in report.controls for item in control.seen)
    assert [word for word in NEVER if word in told] == []


def test_every_row_can_decide() -> None:
    asked = {name for f in SHIPPED.values() for c in f.controls for r in c.rows for name in (*r.all, *r.any)}
    assert asked <= set(FACTS)


_SIGNED = Provenance(
    records=(
        RecordCheck(
            record="model.sig",
            kind="oms",
            title="signature",
            source=Source.TARGET,
            authority=Authority.AUTHENTICATED,
            named=1,
            agreeing=1,
            is_counted=True,
            counts="signed",
        ),
    ),
    vouched=Vouched(digest_files=1, digest_bytes=10),
)
_REFUTED = Provenance(
    claims=(
        Claim(
            record="SHA256SUMS",
            kind="sha256sums",
            artifact="a.pkl",
            state=ClaimState.FAILED,
            reason="digest-mismatch",
            detail="a.pkl differs",
            authority=Authority.PINNED,
        ),
    )
)
_GAP = Coverage(artifact="a.pkl", state=State.PARTIAL, reason="truncated", size=10, parsed=4, unexplained=6)
_218A = "nist-sp-800-218a"


@pytest.mark.parametrize(
    ("seen", "scan", "acquired", "integrity"),
    [
        (evidence(), "supports", "partial", "no-evidence"),
        (evidence(used("somepkg.mod.fn")), "contradicts", "contradicts", "no-evidence"),
        (evidence(used("somepkg.mod.Thing", Use.BUILD)), "partial", "partial", "no-evidence"),
        (evidence(coverage=[_GAP]), "partial", "partial", "no-evidence"),
        (replace(evidence(), provenance=_SIGNED), "supports", "partial", "supports"),
        (replace(evidence(), provenance=_REFUTED), "supports", "contradicts", "contradicts"),
        (evidence(artifacts=[], coverage=[]), "no-evidence", "no-evidence", "no-evidence"),
    ],
    ids=["read", "runs code", "unreviewed", "gap", "recorded", "changed", "nothing"],
)
def test_states_follow_the_report(seen: Evidence, scan: str, acquired: str, integrity: str) -> None:
    states = _states(_report(seen, _218A))
    assert (states["PW.4.4.R2"], states["PW.4.4.R1"], states["PS.1.3.R2"]) == (scan, acquired, integrity)


def test_what_was_seen_is_told_with_its_section_and_findings() -> None:
    report = _report(evidence(used("somepkg.mod.fn"), coverage=[_GAP]), _218A)
    (control,) = [control for control in report.controls if control.id == "PW.4.4.R2"]
    assert [(item.text, item.section) for item in control.seen] == [
        ("Loading fails the policy.", "findings"),
        ("1 of 1 file was not read completely.", "coverage"),
    ]
    assert control.seen[0].findings == (report.findings[0].fingerprint,)
    assert control.limit == "Static reading. No behavioural test, no trained-in backdoor."


def test_a_waived_finding_leaves_no_more_than_partial() -> None:
    waiver = Waiver(
        id="W-1",
        rule="OWA1002",
        sha256=(ZEROS.hex,),
        owner="o",
        reason="r",
        created="2026-11-01",
        expires="2026-12-01",
    )
    report = _report(evidence(used("somepkg.mod.fn")), _218A, "nist-ai-rmf", policy=Policy(waivers=(waiver,)))
    states = _states(report)
    assert report.verdict.exit_code == 0
    assert (states["PW.4.4.R2"], states["MANAGE 1.3"], states["GOVERN 1.6"]) == (
        "partial",
        "supports",
        "out-of-scope",
    )
    expired = replace(waiver, expires="2026-11-02")
    report = _report(evidence(), "nist-ai-rmf", policy=Policy(waivers=(waiver, expired)))
    assert _states(report)["MANAGE 1.3"] == "partial"


def test_formats_speak_when_the_policy_restricts_them() -> None:
    def state(formats: FormatsPolicy) -> str:
        return _states(_report(evidence(), "owasp-aisvs", policy=Policy(formats=formats)))["4.1.2"]

    assert state(FormatsPolicy()) == "no-evidence"
    assert state(FormatsPolicy(allow=("pickle",))) == "partial"
    assert state(FormatsPolicy(allow=("safetensors",))) == "contradicts"


def test_the_inventory_speaks_to_documentation() -> None:
    file = Artifact(path="m.gguf", size=10, digests=(ZEROS,), formats=(Format("gguf"),))
    where = (Location(artifact="m.gguf"),)
    seen = evidence(
        TensorTable(
            locations=where, tensors=2, parameters=1200, size=10, element_types=(("F16", 1), ("F32", 1))
        ),
        MetadataEntry(locations=where, key="general.architecture", value="llama", size=5),
        MetadataEntry(locations=where, key="general.license", value="apache-2.0", size=5),
        MetadataEntry(locations=where, key="general.base_model.0.name", value="Base", size=5),
        MetadataEntry(locations=where, key="general.quantized_by", value="nobody", size=5),
        artifacts=[file],
        coverage=[read("m.gguf")],
    )
    report = _report(seen, "eu-ai-act")
    assert [(item.label, item.value, item.place) for item in report.inventory] == [
        ("architecture", "llama", "general.architecture"),
        ("parameters", "1,200", ""),
        ("tensors", "2", ""),
        ("element type", "F16 (1), F32 (1)", ""),
        ("licence", "apache-2.0", "general.license"),
        ("base model", "Base", "general.base_model.0.name"),
    ]
    assert report.inventory[0] == InventoryItem(
        label="architecture", value="llama", artifact="m.gguf", place="general.architecture"
    )
    states = _states(report)
    assert (states["Annex XI 1(1)(d)"], states["Annex XI 1(1)(f)"], states["Annex IV 2(a)"]) == (
        "supports",
        "partial",
        "partial",
    )
    assert _states(_report(evidence(), "eu-ai-act"))["Annex XI 1(1)(d)"] == "no-evidence"


def test_frameworks_are_asked_for_and_come_in_that_order() -> None:
    assert _report(evidence()).controls == ()
    report = _report(evidence(), "s2c2f", "csa-aicm")
    assert [framework.key for framework in report.frameworks] == ["s2c2f", "csa-aicm"]
    assert len(report.controls) == 16
    with pytest.raises(UsageError, match="no framework is called 'iso-27001'; known are csa-aicm, eu-ai-act"):
        wanted_frameworks(BUILTIN, ["iso-27001"])


def test_out_of_scope_says_so_and_keeps_its_limit() -> None:
    report = _report(evidence(artifacts=[pickle_file()]), "owasp-aisvs")
    (control,) = [control for control in report.controls if control.id == "6.1.4"]
    assert control.state is ControlState.OUT_OF_SCOPE
    assert [item.text for item in control.seen] == ["Nothing: an audit of files does not see this."]
    assert control.limit == "Files are read, not run."


_HEAD = """
framework = "mine"
name = "Mine"
edition = "1"
source = "me"
checked = "2026-01-01"
mapping = "1"
confidence = "high"
reading = "…"
"""
_ROW = 'evidence = "x"\n[[row]]\nname = "x"\nstate = "partial"\n'
_CONTROL = '[[control]]\nid = "A"\ntitle = "T"\nlimit = "L."\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (_HEAD, "control: expected at least one"),
        (_HEAD + _CONTROL, "a control names its evidence or is out_of_scope, one of the two"),
        (_HEAD + _CONTROL + 'evidence = "vibes"', "no evidence is called 'vibes'"),
        (_HEAD + _CONTROL + 'evidence = "scan"\nout_of_scope = true', "one of the two"),
        (_HEAD.replace("high", "low") + _CONTROL, "expected one of high, medium; found 'low'"),
        (_HEAD + (_CONTROL + 'evidence = "scan"\n') * 2, "'A' stands twice"),
        (_HEAD.replace('"mine"', '"s2c2f"') + _CONTROL + 'evidence = "scan"', "'s2c2f' is there twice"),
        (
            'evidence = "x"\n[[row]]\nname = "x"\nstate = "partial"\nall = ["luck"]',
            "no fact is called 'luck'",
        ),
        ('evidence = "x"\n[[row]]\nname = "x"\nstate = "partial"', "a row needs facts in 'all' or 'any'"),
        (
            'evidence = "x"\n[[row]]\nname = "x"\nstate = "no-evidence"',
            "expected one of supports, contradicts",
        ),
    ],
)
def test_wrong_files_of_other_packs_are_refused(text: str, message: str, tmp_path: Path) -> None:
    folder = tmp_path / "mine" / "frameworks"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text(text, encoding="utf-8")
    packs = load_packs([tmp_path / "mine"], installed=False)
    with pytest.raises(UsageError, match=re.escape(message)):
        load_frameworks(packs)


def test_what_asks_for_more_than_files_show_is_never_more_than_partly_supported() -> None:
    states = _states(_report(replace(evidence(), provenance=_SIGNED), _218A, "eu-ai-act", "iso-iec-42001"))
    wide = ("PS.1.3", "Art. 15(1)", "Annex IV 2(h)", "A.6.2.4")
    assert {name: states[name] for name in wide} == dict.fromkeys(wide, "partial")
    failing = _states(_report(evidence(used("somepkg.mod.fn")), "eu-ai-act"))
    assert failing["Art. 15(1)"] == "contradicts"


def test_a_pack_may_hold_nothing_but_a_framework(tmp_path: Path) -> None:
    folder = tmp_path / "mine" / "frameworks"
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text(_HEAD + _CONTROL + 'evidence = "scan"', encoding="utf-8")
    packs = load_packs([tmp_path / "mine"], installed=False)
    (framework,) = wanted_frameworks(packs, ["mine"])
    assert [control.id for control in framework.controls] == ["A"]
    assert framework.controls[0].rows == SHIPPED["s2c2f"].controls[2].rows
