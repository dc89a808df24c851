"""The walk over flatbuffers, and the texts of a FlexBuffer."""

from __future__ import annotations

import pytest

from fixtures.flatbuffers import Blob, Numbers, Scalar, Table, Tables, Text, flatbuffer
from owaudit.codec import flatbuffers
from owaudit.codec.bounds import OutOfBounds
from owaudit.codec.flatbuffers import Flatbuffer, schema
from owaudit.codec.flexbuffers import texts_in_vector
from owaudit.codec.window import Window
from owaudit.errors import LimitExceeded
from owaudit.model.limits import Limits

KNOWN = schema("""
Root = 0 small s8, 1 name text, 2 list [s32], 3 children [Root], 4 child_type 8, 5 child union:Kinds,
    6 raw data, 7 - [text]
""")
UNIONS = {"Kinds": {1: "Root"}}


def walk(content: bytes, limits: Limits | None = None) -> tuple[list[flatbuffers.Table], Flatbuffer]:
    buffer = Flatbuffer(Window.of(content), KNOWN, UNIONS, limits or Limits())
    return list(buffer.tables("Root")), buffer


def test_every_kind_of_field() -> None:
    content = flatbuffer(
        Table(
            {
                0: Scalar(-3, 1),
                1: Text("name"),
                2: Numbers([1, -1]),
                3: Tables([Table({0: Scalar(1, 1)}), Table({0: Scalar(2, 1)})]),
                4: Scalar(1, 1),
                5: Table({0: Scalar(9, 1)}),
                6: Blob(b"0123456789abcdef"),
            }
        )
    )
    tables, buffer = walk(content)
    assert [(table.label, table.numbers.get("small")) for table in tables] == [
        ("children", 1),
        ("children", 2),
        ("child", 9),
        ("", -3),
    ]
    root = tables[-1]
    assert (root.texts, list(root.vectors["list"]), root.counts["children"]) == ({"name": "name"}, [1, -1], 2)
    start, end = root.places["raw"]
    assert content[start:end] == b"0123456789abcdef"
    assert list(buffer.payload) == [(start, end)]
    buffer.explained.update(buffer.payload)
    assert all(not content[a:b].strip(b"\0") for a, b in buffer.explained.gaps(len(content)))


def test_an_unknown_member_of_a_union_is_a_plain_table() -> None:
    tables, _ = walk(flatbuffer(Table({4: Scalar(7, 1), 5: Table({0: Scalar(9, 1)})})))
    assert [(table.kind, table.numbers) for table in tables] == [("Plain", {}), ("Root", {"child_type": 7})]


@pytest.mark.parametrize(
    ("content", "clause"),
    [
        (b"\xff\xff\xff\x7fTFL3", "root-offset"),
        (b"\x00\x00\x00\x00TFL3", "root-offset"),
        (b"\x08\x00\x00\x00TFL3\x00\x00\x00\x80", "vtable"),
        (b"\x08\x00\x00\x00TFL3", "root-offset"),
        (b"", "root"),
        (flatbuffer(Table({1: Text("a")}, broken=1, distance=2**31)), "text-offset"),
        (flatbuffer(Table({1: Text("a", claimed=2**31)})), "text-length"),
        (flatbuffer(Table({2: Numbers([1], claimed=2**30)})), "vector-length"),
        (flatbuffer(Table({3: Tables([Table()], claimed=2**30)})), "vector-length"),
        (flatbuffer(Table({3: Tables([])}))[:-4] + b"\1\0\0\0\xff\xff\xff\x7f", "item-offset"),
    ],
)
def test_offsets_that_leave_the_file(content: bytes, clause: str) -> None:
    with pytest.raises(OutOfBounds) as caught:
        walk(content)
    assert caught.value.clause == clause


def test_tables_that_hold_themselves_come_once() -> None:
    content = bytearray(flatbuffer(Table({3: Tables([Table()])})))
    tables, _ = walk(bytes(content))
    inner, root = tables
    vector = next(
        at
        for at in range(root.at, len(content) - 8, 4)
        if content[at : at + 4] == b"\1\0\0\0" and at != root.at
    )
    # Distances go forward only, so a cycle needs one that wraps; that one is refused.
    content[vector + 4 : vector + 8] = (2**32 - (vector + 4 - root.at)).to_bytes(4, "little")
    with pytest.raises(OutOfBounds, match="item-offset"):
        walk(bytes(content))
    assert inner.parent is root


def test_the_number_of_entries_has_an_end() -> None:
    content = flatbuffer(Table({2: Numbers(range(100))}))
    with pytest.raises(LimitExceeded, match="fields"):
        walk(content, Limits(fields=50))


FLEX = b"\x04Relu\x00" + b"\x03abc" + b"\x02\x0a\x05" + bytes([5 << 2, 25 << 2]) + bytes([4, 10 << 2, 1])


def test_flexbuffer_texts() -> None:
    assert texts_in_vector(FLEX) == (b"Relu", b"abc")


@pytest.mark.parametrize(
    "content", [b"", b"\0\0\0", FLEX[:-1], b"\xff" * 40, FLEX[:-1] + b"\x08", b"\x01\x28\x01"]
)
def test_other_bytes_have_no_texts(content: bytes) -> None:
    assert texts_in_vector(content) == ()
