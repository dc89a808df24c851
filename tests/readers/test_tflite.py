"""The tflite reader: facts and spans of a small model; the recipes hold a fault for each index."""

from __future__ import annotations

from fixtures.flatbuffers import Blob, Numbers, Scalar, Table, Tables, Text, flatbuffer
from fixtures.tensors import numbers
from owaudit.codec.reader import INERT, PAYLOAD, Place, Span, Yield
from owaudit.codec.spans import Ranges
from owaudit.codec.window import Window
from owaudit.model.graph_facts import OperatorUsed
from owaudit.model.limits import Limits
from owaudit.model.observation import BoundsViolation, TensorTable
from owaudit.readers.tflite import READER

PLACE = Place("m.tflite")


def read(content: bytes) -> list[Yield]:
    return list(READER.read(Window.of(content), PLACE, Limits()))


def subgraph(operators: list[Table], tensors: int = 1) -> Table:
    described = [Table({0: Numbers((2, 2)), 1: Scalar(0, 1), 2: Scalar(1)}) for _ in range(tensors)]
    return Table({0: Tables(described), 3: Tables(operators)})


def model(subgraphs: list[Table]) -> bytes:
    code = Table({0: Scalar(32, 1), 1: Text("FlexAddV2"), 3: Scalar(32)})
    buffers = [Table(), Table({0: Blob(numbers(16))})]
    return flatbuffer(Table({0: Scalar(3), 1: Tables([code]), 2: Tables(subgraphs), 4: Tables(buffers)}))


def test_a_model_is_explained_to_the_last_byte() -> None:
    content = model([subgraph([Table({1: Numbers((0,)), 2: Numbers((0,))})])])
    used, table, *spans = read(content)
    assert isinstance(used, OperatorUsed)
    assert (used.operator, used.format) == ("tensorflow.AddV2", "tflite")
    assert table == TensorTable(
        locations=PLACE.at(), tensors=1, parameters=4, size=16, element_types=(("float32", 1),)
    )
    assert all(isinstance(span, Span) for span in spans)
    covered = Ranges((span.start, span.end) for span in spans if isinstance(span, Span))
    assert covered.covered() == len(content)
    payload = [(s.start, s.end) for s in spans if isinstance(s, Span) and s.group == PAYLOAD]
    assert [content[start:end] for start, end in payload] == [numbers(16)]
    padding = [(s.start, s.end) for s in spans if isinstance(s, Span) and s.group == INERT]
    assert all(not content[start:end].strip(b"\0") for start, end in padding)


def test_indices_are_held_against_the_subgraph_around_them() -> None:
    reads_third = Table({1: Numbers((2,)), 2: Numbers((0,))})
    fine = model([subgraph([reads_third], tensors=3), subgraph([Table()])])
    wrong = model([subgraph([Table()], tensors=3), subgraph([reads_third])])
    assert [item.clause for item in read(fine) if isinstance(item, BoundsViolation)] == []
    assert [item.found for item in read(wrong) if isinstance(item, BoundsViolation)] == ["2"]
