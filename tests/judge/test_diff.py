"""What differs between two audits, part by part."""

from __future__ import annotations

from dataclasses import replace

from evidence_maker import evidence, place, read, used

from owaudit.judge.diff import Audit, difference
from owaudit.judge.evaluate import judge
from owaudit.judge.packs import load_packs
from owaudit.model import wire
from owaudit.model.artifact import Artifact, Digest, Format
from owaudit.model.claim import Authority, ClaimState, Provenance, RecordCheck, Signature, Source
from owaudit.model.code_facts import CodeReference, ProgramCall, TemplateExpression
from owaudit.model.difference import Difference, Kind
from owaudit.model.evidence import Evidence
from owaudit.model.graph_facts import OperatorUsed
from owaudit.model.location import Location
from owaudit.model.observation import MetadataEntry, Observation, PickleStream, ProgramLine, TensorTable, Use
from owaudit.model.policy import Policy
from owaudit.model.report import Outcome, Run

PACKS = load_packs(installed=False)


def _seen(*observations: Observation, **paths: str) -> Evidence:
    """Evidence of files, ``a_pkl="1"`` being ``a.pkl`` with the digest 111…."""
    files = paths or {"a_pkl": "1"}
    artifacts = [
        Artifact(
            path=name.replace("_", "."),
            size=10,
            digests=(Digest("sha256", digit * 64),),
            formats=(Format("pickle"),),
        )
        for name, digit in files.items()
    ]
    return evidence(*observations, artifacts=artifacts, coverage=[read(a.path) for a in artifacts])


def _audit(seen: Evidence, *, alone: bool = False) -> Audit:
    report = judge(seen, Policy(), PACKS, run=Run(), tool_version="1")
    return Audit(report, None if alone else seen)


def _changes(old: Evidence, new: Evidence, *, alone: bool = False) -> list[tuple[str, ...]]:
    found = difference(_audit(old, alone=alone), _audit(new, alone=alone))
    assert wire.loads(wire.dumps(found), Difference) == found
    return [(c.part, c.kind.value, c.artifact, c.subject, c.old, c.new) for c in found.changes]


def _where(path: str = "a.pkl") -> tuple[Location, ...]:
    return (Location(artifact=path),)


def test_equal_audits_do_not_differ() -> None:
    seen = _seen(used("collections.OrderedDict", arity=0))
    assert _changes(seen, seen) == []


def test_findings_and_imports_come_and_go() -> None:
    calm, loud = _seen(), _seen(used("os.system"), a_pkl="1")
    (finding,) = _audit(loud).report.findings
    shown = f"OWA1001 {finding.message}"
    assert _changes(calm, loud) == [
        ("findings", "added", "a.pkl@3-9", shown, "", "critical, open, at the gate"),
        ("imports", "added", "a.pkl", "os.system", "", "call"),
    ]
    assert _changes(loud, calm) == [
        ("findings", "removed", "a.pkl@3-9", shown, "critical, open, at the gate", ""),
        ("imports", "removed", "a.pkl", "os.system", "call", ""),
    ]


def test_a_use_that_grows_is_a_change() -> None:
    name = "collections.OrderedDict"
    old, new = _seen(used(name, Use.REFERENCE)), _seen(used(name, arity=0))
    assert _changes(old, new) == [("imports", "changed", "a.pkl", name, "reference", "call")]


def test_files_are_added_removed_changed_and_moved() -> None:
    old = _seen(a_pkl="1", b_pkl="2", c_pkl="3", d_pkl="4")
    new = _seen(a_pkl="1", b_pkl="5", e_pkl="3", f_pkl="6")
    assert _changes(old, new) == [
        ("files", "added", "f.pkl", "f.pkl", "", "6" * 64),
        ("files", "removed", "d.pkl", "d.pkl", "4" * 64, ""),
        ("files", "changed", "b.pkl", "b.pkl", "2" * 64, "5" * 64),
        ("files", "moved", "c.pkl", "e.pkl", "c.pkl", "e.pkl"),
    ]


def test_facts_of_every_part_are_compared() -> None:
    old = _seen(
        TensorTable(
            locations=_where(), tensors=2, parameters=10, size=20, element_types=(("F16", 1), ("F32", 1))
        ),
        MetadataEntry(locations=_where(), key="license", value="mit", size=3),
    )
    new = _seen(
        TensorTable(locations=_where(), tensors=3, parameters=1200, size=20, element_types=(("F32", 3),)),
        MetadataEntry(locations=_where(), key="license", value="apache-2.0", size=3),
        OperatorUsed(locations=_where(), count=2, format="onnx", domain="x", name="Py", operator="onnx.x.Py"),
        TemplateExpression(locations=_where(), feature="attribute", name="append", expression="a.append(1)"),
        ProgramCall(locations=_where(), name="os.system", capability="processes", moment="import"),
        CodeReference(
            locations=_where(), mechanism="auto_map", key="AutoModel", target="m.M", path="gone.py"
        ),
    )
    changes = [change for change in _changes(old, new) if change[0] != "findings"]
    assert changes == [
        ("operators", "added", "a.pkl", "onnx.x.Py", "", "used × 2"),
        ("templates", "added", "a.pkl", "attribute append", "", "a.append(1)"),
        ("programs", "added", "a.pkl", "os.system", "", "processes, on import"),
        ("settings", "added", "a.pkl", "auto_map AutoModel", "", "m.M"),
        (
            "tensors",
            "changed",
            "a.pkl",
            "tensors",
            "2 tensors, 10 parameters, F16 1, F32 1",
            "3 tensors, 1,200 parameters, F32 3",
        ),
        ("metadata", "changed", "a.pkl", "license", "mit", "apache-2.0"),
    ]


def _signed(identity: str, agreeing: int) -> Evidence:
    check = RecordCheck(
        record="model.sig",
        kind="oms",
        title="a model signature",
        source=Source.TARGET,
        authority=Authority.AUTHENTICATED,
        named=1,
        agreeing=agreeing,
        is_counted=agreeing == 1,
        counts="…",
    )
    signature = Signature(
        record="model.sig",
        method="sigstore",
        state=ClaimState.VERIFIED,
        sound=True,
        reason="",
        detail="",
        identities=(identity,),
    )
    return replace(_seen(), provenance=Provenance(records=(check,), signatures=(signature,)))


def test_records_and_signers_are_compared_from_reports_alone() -> None:
    assert _changes(_signed("a@x", 1), _signed("b@x", 0), alone=True) == [
        (
            "records",
            "changed",
            "model.sig",
            "a model signature",
            "1 of 1 agree, counts",
            "0 of 1 agree, does not count",
        ),
        ("signers", "changed", "model.sig", "sigstore", "verified: a@x", "verified: b@x"),
    ]


def test_two_reports_say_what_they_do_not_hold() -> None:
    line = ProgramLine(start=0, end=1, text="x", names=("collections.OrderedDict",))
    stream = PickleStream(
        locations=(place(start=0, end=10),),
        protocol=4,
        index=0,
        instructions=4,
        ending="stop",
        program=(line,),
        program_left_out=7,
    )
    old, new = _audit(_seen(), alone=True), _audit(_seen(stream))
    found = difference(old, new)
    assert [(c.part, c.kind, c.subject, c.new) for c in found.changes] == [
        ("imports", Kind.ADDED, "collections.OrderedDict", "named")
    ]
    assert found.not_compared == (
        "A report does not hold operators, templates, programs, settings, tensors and metadata: "
        "give the files or their evidence on both sides.",
        "Imports are those of the listings, which leave out 7 lines.",
    )
    assert (found.old.has_evidence, found.new.has_evidence, found.new.result) == (False, True, Outcome.PASS)
