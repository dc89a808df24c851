"""The HDF5 reader: every byte of honest files explained, links and values seen, limits kept."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from fixtures.hdf5s import (
    FLOAT32,
    UINT8,
    Layout,
    attribute,
    chunk_tree,
    chunked,
    contiguous,
    dataspace,
    external,
    global_heap,
    group,
    hard,
    soft,
    symbol_group,
    text_attribute,
)
from owaudit.codec.reader import INERT, PARSED, PAYLOAD, Head, Member, Place, Span, Yield
from owaudit.codec.window import Window
from owaudit.errors import FormatError, LimitExceeded
from owaudit.model.keras_facts import FileOpened
from owaudit.model.limits import Limits
from owaudit.model.observation import TensorTable, UnclaimedBytes
from owaudit.readers.hdf5 import BEHIND_SOMETHING, READER

PLACE = Place("w.h5")
NUMBERS = struct.pack("<4f", 1, 2, 3, 4)


def read(content: bytes, limits: Limits | None = None) -> list[Yield]:
    return list(READER.read(Window.of(content), PLACE, limits or Limits()))


def groups(items: list[Yield]) -> dict[str, int]:
    """Bytes in each group of spans."""
    found = {PARSED: 0, PAYLOAD: 0, INERT: 0}
    for item in items:
        if isinstance(item, Span):
            found[item.group] += item.end - item.start
    return found


def others(items: list[Yield]) -> list[Yield]:
    return [item for item in items if not isinstance(item, Span | TensorTable)]


def weights(*links: tuple[int, bytes], user_block: bytes = b"") -> bytes:
    layout = Layout()
    dataset = layout.place(contiguous(FLOAT32, dataspace(4), layout.place(NUMBERS), 16))
    return layout.file(layout.place(group([hard("w", dataset), *links])), user_block=user_block)


def test_an_honest_file_is_explained_to_the_last_byte() -> None:
    content = weights()
    items = read(content)
    assert groups(items) == {PARSED: len(content) - 16, PAYLOAD: 16, INERT: 0}
    assert [item for item in items if not isinstance(item, Span)] == [
        TensorTable(locations=PLACE.at(), tensors=1, parameters=4, size=16, element_types=(("f4", 1),))
    ]


@pytest.mark.parametrize(
    ("block", "claimed"),
    [
        (bytes(512), True),
        (b"MATLAB 7.3 MAT-file".ljust(512, b"\0"), True),
        (b"#!/bin/sh\necho hi\n".ljust(1024, b"\0"), False),
        (b"\x7fELF".ljust(512, b"\1"), False),
    ],
)
def test_a_block_in_front_is_a_label_or_it_belongs_to_nobody(block: bytes, claimed: bool) -> None:
    content = weights(user_block=block)
    items = read(content)
    unclaimed = UnclaimedBytes(locations=PLACE.at(0, len(block)), position="before", size=len(block))
    assert groups(items)[INERT] == (len(block) if claimed else 0)
    assert others(items) == ([] if claimed else [unclaimed])


def test_a_file_behind_another_is_found_only_alone() -> None:
    """A tar archive has its first member at byte 512 as well, and its base is 0."""
    content = bytes(512) + weights()
    head = Head(start=content[:4096], end=content, size=len(content), name="a", window=Window.of(content))
    assert (READER.looks_like(head), BEHIND_SOMETHING.looks_like(head)) == (False, True)


def test_links_lead_to_names() -> None:
    items = others(read(weights(external("x", "other.h5", "/a"), soft("y", "/w"))))
    assert [(f.mechanism, f.key, f.path) for f in items if isinstance(f, FileOpened)] == [
        ("external_link", "/x", "other.h5")
    ]
    assert len(items) == 1


def test_the_symbol_table_is_followed() -> None:
    layout = Layout()
    dataset = layout.place(contiguous(FLOAT32, dataspace(4), layout.place(NUMBERS), 16))
    inner = layout.place(symbol_group(layout.next, [("a", dataset), ("b", dataset)]))
    content = layout.file(layout.place(symbol_group(layout.next, [("g", inner)])))
    assert groups(read(content)) == {PARSED: len(content) - 16, PAYLOAD: 16, INERT: 0}


def test_chunks_are_payload() -> None:
    layout = Layout()
    tree = layout.place(chunk_tree(2, [(layout.place(NUMBERS), 16)], 4))
    dataset = layout.place(chunked(FLOAT32, dataspace(4), tree, (4, 4)))
    content = layout.file(layout.place(group([hard("w", dataset)])))
    assert groups(read(content)) == {PARSED: len(content) - 16, PAYLOAD: 16, INERT: 0}


def test_settings_in_an_attribute_are_handed_on_without_padding() -> None:
    settings = b'{"class_name": "Sequential"}'
    layout = Layout()
    content = layout.file(layout.place(group([], text_attribute("any", settings + bytes(4)))))
    start = content.index(settings)
    assert others(read(content)) == [
        Member(name="@any", start=start, end=start + len(settings), hint="keras-config")
    ]


def test_values_of_variable_length_are_followed() -> None:
    settings = b'{"class_name": "Sequential"}'
    layout = Layout()
    heap = layout.place(global_heap(settings))
    variable = struct.pack("<B3sI", 0x19, b"\x01\x00\x00", 16) + UINT8
    value = struct.pack("<IQI", len(settings), heap, 1)
    content = layout.file(layout.place(group([], attribute("model_config", variable, dataspace(), value))))
    start = content.index(settings)
    assert others(read(content)) == [
        Member(name="@model_config", start=start, end=start + len(settings), hint="keras-config")
    ]


def test_values_that_no_attribute_leads_to_are_looked_at() -> None:
    settings = b'{"class_name": "Sequential"}'
    layout = Layout()
    layout.place(global_heap(settings))
    content = layout.file(layout.place(group([])))
    start = content.index(settings)
    name = f"value at {start}"
    assert others(read(content)) == [
        Member(name=name, start=start, end=start + len(settings), hint="keras-config")
    ]


def broken() -> Iterator[tuple[bytes, str]]:
    whole = weights()
    yield whole[:40], "superblock"
    yield whole[:8] + b"\x09" + whole[9:], "superblock-version"
    yield whole[:13] + b"\x03" + whole[14:], "widths"
    yield whole[:64] + b"\xff" * 8 + whole[72:], "root-group"


@pytest.mark.parametrize(("content", "clause"), list(broken()))
def test_what_cannot_be_read_at_all_is_refused(content: bytes, clause: str) -> None:
    with pytest.raises(FormatError) as caught:
        read(content)
    assert caught.value.clause == clause


def test_objects_are_counted_against_the_limit() -> None:
    with pytest.raises(LimitExceeded, match="limit tensors: 2 is over 1"):
        read(weights(), Limits(tensors=1))
