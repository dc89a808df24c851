"""The walk over protocol buffers: every wire type, packed numbers, bounds, what is kept."""

from __future__ import annotations

import pytest

from fixtures.protobufs import block, fixed32, number, varint
from owaudit.codec.protobuf import DEEPEST, Message, Walk, Wire, fits, schema, signed
from owaudit.codec.window import Window
from owaudit.errors import FormatError, LimitExceeded
from owaudit.model.limits import Limits

KNOWN = schema("""
Root = 1 count int, 2 name text, 3 inner Root, 4 - text, 5 numbers f32, 6 raw data, 7 where place,
    8 wide f64, 9 many ints, 10 - int
""")


def walk(content: bytes, limits: Limits | None = None) -> tuple[list[Message], Walk]:
    walked = Walk(Window.of(content), KNOWN, limits or Limits())
    return list(walked.messages("Root", 0, len(content))), walked


@pytest.mark.parametrize(
    ("content", "value"),
    [(b"\x00", 0), (b"\x7f", 127), (b"\x80\x01", 128), (b"\xff" * 9 + b"\x01", 2**64 - 1)],
)
def test_varints(content: bytes, value: int) -> None:
    assert Wire(Window.of(content)).varint(0, len(content)) == (value, len(content))


@pytest.mark.parametrize("content", [b"", b"\x80", b"\x80" * 10 + b"\x01"])
def test_varints_that_do_not_end(content: bytes) -> None:
    with pytest.raises(FormatError, match="varint"):
        Wire(Window.of(content)).varint(0, len(content))


def test_a_varint_ends_with_its_message() -> None:
    with pytest.raises(FormatError, match="varint"):
        Wire(Window.of(b"\x80\x01")).varint(0, 1)


def test_signed() -> None:
    assert (signed(5), signed(2**64 - 3)) == (5, -3)


@pytest.mark.parametrize(
    ("content", "clause"),
    [
        (b"\x0b", "wire-type"),
        (b"\x00\x00", "field-number"),
        (block(2, "abc", claimed=4), "field-length"),
        (varint(5 << 3 | 5) + b"\0\0\0", "field-length"),
    ],
)
def test_broken_fields(content: bytes, clause: str) -> None:
    with pytest.raises(FormatError) as caught:
        walk(content)
    assert caught.value.clause == clause


def test_values_are_kept_and_the_last_wins() -> None:
    content = number(1, 7) + number(1, 9) + block(2, "a") + block(2, "b") + block(4, "left out")
    (message,), walked = walk(content)
    assert (message.number("count"), message.text("name"), message.texts) == (9, "b", {"name": ["a", "b"]})
    assert (list(walked.unknown), list(walked.payload), walked.reached) == ([], [], len(content))


def test_packed_and_single_numbers_are_the_same() -> None:
    (message,), walked = walk(
        block(1, varint(3) + varint(300)) + number(1, 4) + block(5, b"\0" * 8) + fixed32(5, 1)
    )
    assert message.numbers == {"count": [3, 300, 4]}
    assert message.sizes["numbers"] == 12
    assert list(walked.payload) == [(9, 17)]


def test_places_are_offsets() -> None:
    (message,), _ = walk(number(10, 1) + block(7, "hello"))
    assert message.numbers == {"where": [4, 9]}


def test_inner_messages_come_first_and_know_their_parent() -> None:
    messages, _ = walk(block(3, number(1, 1) + block(3, b"")) + number(1, 2))
    assert [(one.label, one.number("count")) for one in messages] == [("inner", 0), ("inner", 1), ("", 2)]
    assert messages[0].parent is messages[1]
    messages[0].attach()
    assert messages[1].nested == {"inner": [messages[0]]}


@pytest.mark.parametrize("content", [block(99, "x"), number(2, 1), fixed32(1, 1)])
def test_unknown_fields_are_set_apart(content: bytes) -> None:
    _, walked = walk(content)
    assert list(walked.unknown) == [(0, len(content))]


def test_nesting_has_an_end() -> None:
    content = b""
    for _ in range(DEEPEST):
        content = block(3, content)
    with pytest.raises(FormatError, match="nesting"):
        walk(content)


def test_the_number_of_fields_has_an_end() -> None:
    with pytest.raises(LimitExceeded, match="limit fields: 4 is over 3"):
        walk(number(1, 1) * 4, Limits(fields=3))


def test_what_is_kept_has_an_end() -> None:
    content = b"".join(block(3, block(2, "x" * 16_000) * 1000) for _ in range(1))
    deep = content
    for _ in range(5):
        deep = block(2, "x" * 16_000) * 1000 + block(3, deep)
    with pytest.raises(LimitExceeded, match="header_bytes"):
        walk(deep)


@pytest.mark.parametrize(
    ("content", "tolerant", "expected"),
    [
        (number(1, 1) + block(2, "a"), False, frozenset({1, 2})),
        (number(2, 1), False, None),
        (block(99, "x") + number(1, 1), False, None),
        (block(99, "x") + number(1, 1), True, frozenset({1})),
        (block(2, "a", claimed=100), False, frozenset({2})),
        (b"", False, frozenset()),
    ],
)
def test_fits(content: bytes, tolerant: bool, expected: frozenset[int] | None) -> None:
    wire = Wire(Window.of(content))
    assert fits(wire, KNOWN, "Root", 0, len(content), tolerant=tolerant) == expected


def test_a_schema_names_only_what_it_has() -> None:
    with pytest.raises(ValueError, match="no message"):
        schema("Root = 1 inner Missing")
