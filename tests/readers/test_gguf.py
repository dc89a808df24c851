"""The gguf reader: every fact and span of a small file, and where the vocabulary misleads loaders."""

from __future__ import annotations

import pytest

from fixtures.ggufs import ARRAY, I32, STRING, U16, U32, Tensor, Writer, gguf
from owaudit.codec.reader import INERT, PARSED, PAYLOAD, Halt, Member, Place, Span, Yield
from owaudit.codec.window import Window
from owaudit.model.graph_facts import ExternalReference
from owaudit.model.limits import Limits
from owaudit.model.observation import BoundsViolation, MetadataEntry, TensorTable
from owaudit.readers.gguf import READERS

READER, LEGACY = READERS
PLACE = Place("m.gguf")
W = Writer()


def read(content: bytes, place: Place = PLACE) -> list[Yield]:
    return list(READER.read(Window.of(content), place, Limits()))


def test_a_file_is_explained_to_the_last_byte() -> None:
    content = gguf([W.key("a.b", U32, 7)], [Tensor("w", (4, 2))])
    data = len(content) - 32
    assert read(content) == [
        Span(PARSED, 0, 24),
        MetadataEntry(locations=PLACE.at(24, 43), key="a.b", value="7", size=1),
        Span(PARSED, 24, 43),
        Span(PARSED, 43, 84),
        Span(INERT, 84, 96),
        TensorTable(locations=PLACE.at(0, 96), tensors=1, parameters=8, size=32, element_types=(("F32", 1),)),
        Span(PAYLOAD, data, data + 32),
    ]


def test_a_template_is_a_member() -> None:
    content = gguf([W.key("tokenizer.chat_template.tool", STRING, "{{ x }}")])
    (member,) = [item for item in read(content) if isinstance(item, Member)]
    assert (member.name, member.hint) == ("tokenizer.chat_template.tool", "jinja-template")
    assert content[member.start : member.end] == b"{{ x }}"


def test_long_vocabularies_are_walked_through_the_buffer() -> None:
    tokens = [f"token {number} of many" for number in range(50_000)] + ["<0x-2>"]
    content = gguf([W.key("tokenizer.ggml.tokens", ARRAY, (STRING, tokens))])
    (seen,) = [item for item in read(content) if isinstance(item, BoundsViolation)]
    at = seen.location.start or 0
    assert (seen.clause, seen.found, content[at + 8 : at + 14]) == ("byte-token", "b'<0x-2>'", b"<0x-2>")


@pytest.mark.parametrize(
    ("token", "kind", "speaks"),
    [("<0x41>", 6, False), ("<0xZZ>", 1, False), ("<0xZZ>", 6, True), ("<0x+1>", 1, True), ("<0x", 1, False)],
)
def test_byte_tokens(token: str, kind: int, speaks: bool) -> None:
    keys = [
        W.key("tokenizer.ggml.tokens", ARRAY, (STRING, ["a", token])),
        W.key("tokenizer.ggml.token_type", ARRAY, (I32, [1, kind])),
    ]
    assert any(isinstance(item, BoundsViolation) for item in read(gguf(keys))) is speaks


@pytest.mark.parametrize(
    ("name", "number", "paths"),
    [
        ("d/m-00001-of-00003.gguf", 0, ["m-00002-of-00003.gguf", "m-00003-of-00003.gguf"]),
        ("d/m-00003-of-00003.gguf", 2, ["m-00001-of-00003.gguf"]),
        ("d/other.gguf", 0, []),
    ],
)
def test_parts_of_a_set(name: str, number: int, paths: list[str]) -> None:
    content = gguf([W.key("split.no", U16, number), W.key("split.count", U16, 3)])
    found = [item.path for item in read(content, Place(name)) if isinstance(item, ExternalReference)]
    assert found == paths


def test_older_formats_are_named() -> None:
    assert list(LEGACY.read(Window.of(b"lmgg" + bytes(40)), PLACE, Limits())) == [
        Span(PARSED, 0, 4),
        Halt("unsupported-version", "ggml, a format before GGUF that only unmaintained programs load"),
    ]
