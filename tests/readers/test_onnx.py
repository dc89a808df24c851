"""The ONNX reader: facts and spans of a small model, recognition in any order of fields."""

from __future__ import annotations

import pytest

from fixtures.onnx_parts import attribute, function, graph, model, node, tensor
from fixtures.protobufs import block, number
from owaudit.codec.reader import PARSED, PAYLOAD, Place, Span, Yield
from owaudit.codec.window import Window
from owaudit.model.graph_facts import ExternalReference, OperatorUsed
from owaudit.model.limits import Limits
from owaudit.model.observation import TensorTable
from owaudit.pipeline.identify import head_of
from owaudit.readers.onnx import READER

PLACE = Place("m.onnx")
RELU = graph([node("Relu")])


def read(content: bytes) -> list[Yield]:
    return list(READER.read(Window.of(content), PLACE, Limits()))


def looks(content: bytes, name: str = "model") -> bool:
    return READER.looks_like(head_of(Window.of(content), name))


def test_a_model_is_explained_to_the_last_byte() -> None:
    content = model(graph([node("MatMul")], [tensor("w", (2, 2))]))
    used, table, *spans = read(content)
    start = content.index(b"\x4a\x10") + 2
    assert isinstance(used, OperatorUsed)
    assert (used.operator, used.count, used.reached) == ("onnx.ai.onnx.MatMul", 1, "")
    assert table == TensorTable(
        locations=PLACE.at(), tensors=1, parameters=4, size=16, element_types=(("float32", 1),)
    )
    assert spans == [
        Span(PARSED, 0, start),
        Span(PARSED, start + 16, len(content)),
        Span(PAYLOAD, start, start + 16),
    ]


def test_operators_by_how_they_are_reached() -> None:
    content = model(
        graph([node("F", "my.own"), node("G", "other"), node("Relu", "local")]),
        functions=[function("my.own", "F", [node("Exp")])],
    )
    found = [item.operator for item in read(content) if isinstance(item, OperatorUsed)]
    assert found == ["onnx.ai.onnx.Exp", "onnx.local.Relu", "onnx:local.my.own.F", "onnx.other.G"]


def test_ranges_of_one_file_are_joined() -> None:
    tensors = [
        tensor("a", (4,), external={"location": "w", "offset": "0"}),
        tensor("b", (4,), external={"location": "w", "offset": "16", "length": "16"}),
        tensor("c", (4,), external={"location": "w", "offset": "1000000"}),
    ]
    (seen,) = [item for item in read(model(graph([], tensors))) if isinstance(item, ExternalReference)]
    assert (seen.path, seen.count, seen.ranges) == ("w", 3, ((0, 32), (1_000_000, 1_000_016)))


def test_texts_of_attributes_are_told() -> None:
    content = model(graph([node("PyOp", "ai.onnx.contrib", [attribute("module", "os")])]))
    (used,) = [item for item in read(content) if isinstance(item, OperatorUsed)]
    assert used.texts == ("module=os",)


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        (model(RELU), "model", True),
        (block(7, RELU) + number(1, 9), "model", True),
        (model(RELU)[:40], "model", True),
        (block(7, RELU), "model", False),
        (block(7, RELU), "model.onnx", True),
        (block(99, "x") + model(RELU), "model", False),
        (block(99, "x") + model(RELU), "model.onnx", True),
        (number(1, 9) + block(2, "text"), "model.onnx", False),
        (number(1, 9) + block(7, b"\xff\xff"), "model", False),
        (b"", "model.onnx", False),
    ],
)
def test_recognition(content: bytes, name: str, expected: bool) -> None:
    assert looks(content, name) is expected
