"""The TensorFlow readers: how paths are followed, what the small files are, what an index says."""

from __future__ import annotations

import pytest

from fixtures.protobufs import block, number
from fixtures.tensorflow_parts import (
    STRING,
    bundle_entry,
    checkpoint_index,
    constant,
    function,
    function_value,
    graph,
    meta_graph,
    node,
    saved_model,
)
from owaudit.codec.reader import PARSED, Member, Place, Span, Yield
from owaudit.codec.window import Window
from owaudit.model.graph_facts import ExternalReference, OperatorUsed
from owaudit.model.limits import Limits
from owaudit.model.observation import TensorTable
from owaudit.pipeline.identify import head_of
from owaudit.readers import readers, tensorflow_checkpoint

READERS = {str(reader.format): reader for reader in readers()}
PLACE = Place("saved_model.pb")


def read(content: bytes, format_name: str = "tensorflow-saved-model", place: Place = PLACE) -> list[Yield]:
    return list(READERS[format_name].read(Window.of(content), place, Limits()))


def operators(content: bytes, format_name: str = "tensorflow-graph") -> list[str]:
    return [item.operator for item in read(content, format_name) if isinstance(item, OperatorUsed)]


def formats(content: bytes, name: str) -> list[str]:
    head = head_of(Window.of(content), name)
    return [name for name, reader in READERS.items() if "tensor" in name and reader.looks_like(head)]


SAVE = node("save", "SaveV2", ["path", "w"])


@pytest.mark.parametrize(
    ("source", "reached"),
    [
        ([node("path", "Placeholder")], ":saver"),
        ([constant("path", "model")], ""),
        ([], ""),
        ([constant("d", "model"), node("path", "PlaceholderWithDefault", ["d"])], ":saver"),
        ([constant("d", "/etc/x"), node("path", "PlaceholderWithDefault", ["d"])], ""),
        ([node("p", "Placeholder"), constant("c", "x"), node("path", "StringJoin", ["p", "c"])], ":saver"),
        ([node("p", "Placeholder"), constant("c", "../x"), node("path", "StringJoin", ["p", "c"])], ""),
        ([node("p", "Placeholder"), node("path", "Mystery", ["p"])], ""),
        ([node("a", "Identity", ["path"]), node("path", "Identity", ["a"])], ""),
    ],
)
def test_where_a_saver_gets_its_path_from(source: list[bytes], reached: str) -> None:
    found = [name for name in operators(graph([*source, SAVE])) if "SaveV2" in name]
    assert found == [f"tensorflow{reached}.SaveV2"]


@pytest.mark.parametrize(
    ("call", "reached"),
    [
        ([], ":saver"),
        ([node("p", "Placeholder"), node("c", "PartitionedCall", ["p"], f=function_value("fn_1"))], ":saver"),
        ([constant("p", "/x"), node("c", "PartitionedCall", ["p"], f=function_value("fn_1"))], ""),
        ([node("p", "Placeholder"), node("c", "If", ["p", "p"], then_branch=function_value("fn_1"))], ""),
        ([node("p", "Placeholder"), node("c", "fn_1", ["p"])], ":saver"),
        ([node("c", "PartitionedCall", [], f=function_value("fn_1"))], ""),
    ],
)
def test_paths_are_followed_through_calls(call: list[bytes], reached: str) -> None:
    body = function("fn_1", ["path"], [SAVE])
    assert f"tensorflow{reached}.SaveV2" in operators(graph([*call, node("x", "Relu")], [body]))


def test_texts_that_a_file_operator_is_given_are_told() -> None:
    content = graph([constant("p", "/etc/hostname"), node("n", "ReadFile", ["p"])])
    (used,) = [
        one for one in read(content, "tensorflow-graph") if isinstance(one, OperatorUsed) and one.texts
    ]
    assert (used.name, used.texts, used.location.pointer) == ("ReadFile", ("/etc/hostname",), "n")


def test_assets_in_a_collection() -> None:
    asset = block(1, block(1, "p:0")) + block(2, "vocab.txt")
    packed = block(5, block(1, block(1, "type.googleapis.com/tensorflow.AssetFileDef") + block(2, asset)))
    nodes = [
        constant("p", "/home/vocab.txt"),
        node("t", "HashTableV2"),
        node("i", "InitializeTableFromTextFileV2", ["t", "p"]),
    ]
    content = saved_model(
        meta_graph(graph(nodes)) + block(4, block(1, "saved_model_assets") + block(2, packed))
    )
    assert "tensorflow:asset.InitializeTableFromTextFileV2" in operators(content, "tensorflow-saved-model")
    assert [one.path for one in read(content) if isinstance(one, ExternalReference)] == ["assets/vocab.txt"]


def test_settings_of_keras_are_members() -> None:
    layer = b'{"class_name": "Lambda"}'
    objects = block(1, block(4, block(1, "_tf_keras_layer") + block(3, layer)))
    content = saved_model(meta_graph(graph([node("x", "Relu")]), objects=objects))
    (member,) = [item for item in read(content) if isinstance(item, Member)]
    assert (content[member.start : member.end], member.hint) == (layer, "keras-config")


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        (saved_model(meta_graph(graph([node("x", "Relu")]))), "saved_model.pb", ["tensorflow-saved-model"]),
        (saved_model(meta_graph(graph([node("x", "Relu")]))), "other", ["tensorflow-saved-model"]),
        (number(1, 1) + block(2, b""), "saved_model.pb", ["tensorflow-saved-model"]),
        (number(1, 1) + block(2, b""), "other", []),
        (meta_graph(graph([node("x", "Relu")])), "m.meta", ["tensorflow-meta-graph"]),
        (graph([node("x", "Relu")]), "frozen", ["tensorflow-graph"]),
        (graph([], [function("f", [], [node("x", "Relu")])]), "frozen.pb", ["tensorflow-graph"]),
        (block(1, block(1, "x") + block(2, "not an operator")), "frozen.pb", []),
        (block(9, "x") + graph([node("x", "Relu")]), "frozen.pb", ["tensorflow-graph"]),
        (block(9, "x") + graph([node("x", "Relu")]), "frozen", []),
        (checkpoint_index([]), "m.index", ["tensorflow-checkpoint"]),
        (b"", "saved_model.pb", []),
    ],
)
def test_recognition(content: bytes, name: str, expected: list[str]) -> None:
    assert formats(content, name) == expected


def test_an_index_is_explained_to_the_last_byte() -> None:
    content = checkpoint_index([("a", bundle_entry(0, 8)), ("b", bundle_entry(8, 8, kind=STRING))])
    place = Place("d/model.index")
    assert list(tensorflow_checkpoint.READER.read(Window.of(content), place, Limits())) == [
        TensorTable(
            locations=place.at(),
            tensors=2,
            parameters=0,
            size=16,
            element_types=(("float32", 1), ("string", 1)),
        ),
        ExternalReference(
            locations=(place.at(9, 26, tensor="a")[0], place.at(30, 47, tensor="b")[0]),
            count=2,
            purpose="tensors",
            path="model.data-00000-of-00001",
            ranges=((0, 16),),
        ),
        Span(PARSED, 0, len(content)),
    ]
