"""CatBoost models: ``CBM1``, the size of the core, the core as a Flatbuffer, and parts behind it.

Trees, borders and leaf values stand in the core. Statistics of categories follow as counted
Flatbuffers, each behind its size. Numbers and names alone, no code. A size is a u32, or the u32
0xFFFFFFFF and a u64. Parts for texts and embeddings are not read.

Source: CatBoost 1.2, catboost/libs/model/model.cpp and flatbuffers/model.fbs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from owaudit.codec.bounds import OutOfBounds, reported
from owaudit.codec.breaches import Breaches
from owaudit.codec.flatbuffer_part import Part
from owaudit.codec.flatbuffers import KEPT_VECTOR, Table, schema
from owaudit.codec.reader import PARSED, Halt, Head, Place, Reader, Span, Yield
from owaudit.codec.window import Window
from owaudit.errors import ReadError
from owaudit.model.artifact import Format
from owaudit.model.limits import Limits
from owaudit.model.location import Location
from owaudit.model.observation import UnclaimedBytes

_FORMAT = Format("catboost")
_MAGIC: Final = b"CBM1"
_WIDE: Final = 0xFFFFFFFF
_VERSION: Final = "FlabuffersModel_v1"
"""The format's own spelling."""
_UNREAD_PARTS: Final = (b"text_process_", b"embed_process_", b"embedding_process_")
_SCHEMA: Final = schema("""
Core = 0 version text, 1 trees Trees, 2 - [KeyValue], 3 parts [text]
KeyValue = 0 key text, 1 value text
Trees = 0 - 32, 1 splits [s32], 2 sizes [s32], 3 starts [s32], 4 - [CatFeature], 5 - [FloatFeature],
    6 - [OneHotFeature], 7 - [CtrFeature], 8 - [64], 9 - [64], 10 steps [32], 11 leaves [32],
    12 - [CatFeature], 13 - [EstimatedFeature], 16 - [64], 17 - [32], 18 - [CatFeature]
CatFeature = 2 - text
FloatFeature = 3 - [32], 4 - text
OneHotFeature = 1 - [32], 2 - [text]
EstimatedFeature = 3 - [32]
CtrFeature = 0 ctr Ctr, 1 - [32]
Ctr = 0 base CtrBase
CtrBase = 0 combination Combination
Combination = 0 - [32], 1 - [64], 2 - [64]
CtrTable = 0 base CtrBase, 1 hashes data, 2 blob data
""")


def looks_like(head: Head) -> bool:
    return head.start.startswith(_MAGIC)


def read(window: Window, place: Place, limits: Limits) -> Iterator[Yield]:
    """Yield what does not fit. Raises FormatError and LimitExceeded as ``Part.tables``."""
    breaches = Breaches(_FORMAT)
    yield from reported(_model(window, place, limits, breaches), _FORMAT, place, breaches)


def _model(window: Window, place: Place, limits: Limits, breaches: Breaches) -> Iterator[Yield]:
    start, end = _sized(window, 4, "core-size")
    yield Span(PARSED, 0, start)
    part = Part(window, start, end, _SCHEMA, limits)
    parts = 0
    stopped: ReadError | None = None
    try:
        for table in part.tables("Core"):
            if table.kind == "Core":
                parts = table.counts.get("parts", 0)
                _check_version(table, place, start, breaches)
            elif table.kind == "Trees":
                _check_trees(table, place.at(start, end), breaches)
    except ReadError as error:
        stopped = error
    yield from part.spans(place)
    if stopped is not None:
        raise stopped
    if parts:
        yield from _parts(window, end, place, limits)
    elif end < window.size:
        where = place.at(end, window.size)
        yield UnclaimedBytes(locations=where, position="after", size=window.size - end)


def _sized(window: Window, at: int, clause: str) -> tuple[int, int]:
    """Where the bytes behind a size begin and end. Raises OutOfBounds and FormatError."""
    size, start = int.from_bytes(window.exactly(at, 4, clause), "little"), at + 4
    if size == _WIDE:
        size, start = int.from_bytes(window.exactly(start, 8, clause), "little"), start + 8
    if size > window.size - start:
        expected = f"at most the {window.size - start} bytes left"
        raise OutOfBounds(clause, expected=expected, found=str(size), start=at)
    return start, start + size


def _check_version(core: Table, place: Place, start: int, breaches: Breaches) -> None:
    found = core.texts.get("version", "none")
    if found != _VERSION:
        breaches.note("format-version", _VERSION, found, place.at(start))


def _check_trees(trees: Table, where: tuple[Location, ...], breaches: Breaches) -> None:
    """Each tree is a range of the splits; the loader takes it without a look."""
    splits = trees.counts.get("splits", 0)
    sizes, starts = trees.vectors.get("sizes"), trees.vectors.get("starts")
    if sizes is None:
        return
    if trees.counts["sizes"] <= KEPT_VECTOR and sum(sizes) != splits:
        breaches.outside("tree-sizes", f"{splits} splits in all", str(sum(sizes)), where)
    for size, first in zip(sizes, starts or (), strict=False):
        if size < 0 or first < 0 or first + size > splits:
            found = f"{size} from {first}"
            breaches.outside("tree-range", f"a range of {splits} splits", found, where)


def _parts(window: Window, at: int, place: Place, limits: Limits) -> Iterator[Yield]:
    """Statistics of categories, then parts that are not read."""
    if not window.read(at, 32).startswith(_UNREAD_PARTS):
        count = int.from_bytes(window.exactly(at, 4, "table-count"), "little")
        if count > (window.size - at) // 8:
            expected = f"at most {(window.size - at) // 8} tables"
            raise OutOfBounds("table-count", expected=expected, found=str(count), start=at)
        yield Span(PARSED, at, at + 4)
        at += 4
        for _ in range(count):
            start, end = _sized(window, at, "table-size")
            yield Span(PARSED, at, start)
            part = Part(window, start, end, _SCHEMA, limits)
            for _table in part.tables("CtrTable"):
                pass
            yield from part.spans(place)
            at = end
    if window.read(at, 32).startswith(_UNREAD_PARTS):
        yield Halt("format-not-read", f"parts for texts and embeddings, from byte {at} on, are not read")
    elif at < window.size:
        yield UnclaimedBytes(locations=place.at(at, window.size), position="after", size=window.size - at)


READER = Reader(
    format=_FORMAT,
    source="CatBoost 1.2, catboost/libs/model/flatbuffers/model.fbs",
    looks_like=looks_like,
    read=read,
    rank=20,
    extensions=(".cbm",),
)
