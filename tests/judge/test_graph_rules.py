"""The rules over graphs, bounds and files that models open: where they speak, and near misses."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from evidence_maker import ZEROS, evidence, place

from owaudit.judge.packs import load_packs
from owaudit.judge.tables import rules_of
from owaudit.model.artifact import Artifact
from owaudit.model.graph_facts import ExternalReference, OperatorDefined, OperatorUsed
from owaudit.model.observation import (
    BoundsViolation,
    LinkProblem,
    MetadataEntry,
    Observation,
    TensorTable,
)

PACK = load_packs(installed=False)[0]
IDS = ("OWA1101", "OWA1102", "OWA1103", "OWA1104", "OWA1105", "OWA1106", "OWA1107", "OWA1108", "OWA2020")
RULES = [
    rule
    for rule in (*PACK.rules, *(rule for table in PACK.tables for rule in rules_of(table)))
    if rule.meta.id in IDS
]
MODEL = (place("d/m.onnx"),)


def found(
    *observations: Observation, files: Sequence[tuple[str, int]] = (("d/m.onnx", 10),)
) -> list[tuple[str, str]]:
    artifacts = [Artifact(path=path, size=size, digests=(ZEROS,)) for path, size in files]
    seen = evidence(*observations, artifacts=artifacts)
    return sorted((rule.meta.id, match.message) for rule in RULES for match in rule.check(seen))


def external(path: str, problem: str = "", **more: object) -> ExternalReference:
    ranges = more.get("ranges", ())
    assert isinstance(ranges, tuple)
    return ExternalReference(
        locations=MODEL,
        purpose=str(more.get("purpose", "tensors")),
        path=path,
        problem=problem,
        ranges=ranges,
    )


def operator(name: str) -> OperatorUsed:
    return OperatorUsed(locations=MODEL, format="f", domain="", name=name, operator=name)


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("tensorflow.WriteFile", "OWA1102"),
        ("tensorflow.SaveV2", "OWA1102"),
        ("tensorflow:saver.SaveV2", ""),
        ("tensorflow:saver.WriteFile", "OWA1104"),
        ("tensorflow:file.PrintV2", "OWA1102"),
        ("tensorflow.PrintV2", ""),
        ("tensorflow.ReadFile", "OWA1103"),
        ("tensorflow:asset.InitializeTableFromTextFileV2", ""),
        ("tensorflow.XlaCustomCallV2", "OWA1101"),
        ("tensorflow.XlaCallModule", "OWA1104"),
        ("tensorflow.PyFunc", "OWA1107"),
        ("tensorflow.MatMul", ""),
        ("tensorflow.matmul", "OWA1104"),
        ("tensorflow:local.__inference_f_1", ""),
        ("onnx.ai.onnx.MatMul", ""),
        ("onnx.ai.onnx.MatMulX", "OWA1104"),
        ("onnx.ai.onnx.contrib.PyOp", "OWA1107"),
        ("onnx.ai.onnx.contrib.StringUpper", ""),
        ("onnx.com.microsoft.QAttention", ""),
        ("onnx.com.microsoft.EPContext", "OWA1107"),
        ("onnx.com.microsoft_.QAttention", "OWA1104"),
        ("onnx:local.my.own.F", ""),
        ("onnx.local.F", "OWA1104"),
        ("tflite.builtin.CONV_2D", ""),
        ("tflite.custom.Mfcc", ""),
        ("tflite.custom.Mfccs", "OWA1104"),
    ],
)
def test_operators(name: str, rule: str) -> None:
    assert [one for one, _ in found(operator(name))] == ([rule] if rule else [])


@pytest.mark.parametrize(
    ("observations", "expected"),
    [
        (
            [external("/etc/x", "absolute")],
            [("OWA1105", "Loading reads its numbers from an absolute path: /etc/x")],
        ),
        (
            [external("../v", "parent", purpose="asset")],
            [("OWA1105", "Loading reads an asset from a path through a parent folder: ../v")],
        ),
        (
            [external("w"), LinkProblem(locations=(place("d/w"),), problem="outside", leads_to="/etc/x")],
            [("OWA1105", "Loading reads its numbers from a link to /etc/x: w")],
        ),
        ([external("w"), LinkProblem(locations=(place("w"),), problem="outside", leads_to="/etc/x")], []),
        ([external("w")], []),
        ([external("./sub/../w")], []),
        (
            [external("other")],
            [("OWA1106", "Loading reads its numbers from other, which is not among the audited files")],
        ),
        ([external("w", ranges=((0, 64),))], []),
        (
            [external("w", ranges=((0, 65),))],
            [("OWA2020", "Numbers up to byte 65 of w are asked for, which has 64 bytes")],
        ),
        (
            [BoundsViolation(locations=MODEL, format="gguf", clause="count", expected="3", found="9")],
            [("OWA2020", "gguf: count: expected 3, found 9")],
        ),
        (
            [OperatorDefined(locations=MODEL, format="onnx", domain="ai.onnx", name="Relu")],
            [("OWA1108", "The file defines ai.onnx.Relu itself")],
        ),
    ],
)
def test_relations(observations: list[Observation], expected: list[tuple[str, str]]) -> None:
    assert found(*observations, files=(("d/m.onnx", 10), ("d/w", 64))) == expected


def _part(name: str, other: str, number: int, stated: int, tensors: int) -> list[Observation]:
    where = (place(name),)
    return [
        ExternalReference(locations=where, purpose="part", path=other),
        MetadataEntry(locations=where, key="split.no", value=str(number), size=1),
        MetadataEntry(locations=where, key="split.tensors.count", value=str(stated), size=1),
        TensorTable(locations=where, tensors=tensors, parameters=0, size=0),
    ]


@pytest.mark.parametrize(
    ("held", "expected"),
    [(3, []), (2, [("OWA1106", "The set that starts with a says 5 tensors, its files hold 4")])],
)
def test_a_set_adds_up(held: int, expected: list[tuple[str, str]]) -> None:
    facts = [*_part("a", "b", 0, 5, 2), *_part("b", "a", 1, 5, held)]
    assert found(*facts, files=(("a", 1), ("b", 1))) == expected
