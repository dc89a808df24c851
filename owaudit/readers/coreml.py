"""Core ML: one protocol buffer with a model, and the file of numbers beside it in a package.

Numbers and layers of the format itself cannot carry code. What is stated: custom models and layers,
which are classes of the app, other models that are linked, and files of numbers outside the package.

Source: coremltools 9.0, mlmodel/format; milstoragepackager, StorageFormat.hpp.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from owaudit.codec.bounds import path_problem
from owaudit.codec.breaches import Breaches
from owaudit.codec.coreml_schema import COREML, KINDS
from owaudit.codec.payload import payload_start
from owaudit.codec.protobuf import Message, Walk, Wire, fits
from owaudit.codec.protobuf_facts import top_level
from owaudit.codec.reader import PARSED, PAYLOAD, Head, Place, Reader, Span, Yield
from owaudit.codec.window import Window
from owaudit.errors import FormatError, ReadError
from owaudit.model.artifact import Format
from owaudit.model.format_facts import FormatFeature
from owaudit.model.graph_facts import ExternalReference
from owaudit.model.limits import Limits

_FORMAT, _WEIGHTS = Format("coreml"), Format("coreml-weights")
_INSIDE: Final = "@model_path/"
_SENTINEL: Final = 0xDEADBEEF
_ALIGNMENT: Final = 64
MOST_FACTS: Final = 1000


def _is_model(head: Head) -> bool:
    if head.name.endswith(".mlmodel"):
        return head.start[:1] in (b"\x08", b"\x12")
    if head.start[:1] != b"\x08" or not 0 < head.start[1] < 32 or head.start[2:3] != b"\x12":
        return False
    numbers = fits(Wire(head.window), COREML, "Model", 0, head.size)
    return numbers is not None and {1, 2} <= numbers and bool(numbers & set(KINDS))


def _read_model(window: Window, place: Place, limits: Limits) -> Iterator[Yield]:
    """Yield custom parts, links and files. Raises FormatError and LimitExceeded as ``Walk``."""
    walk = Walk(window, COREML, limits)
    breaches = Breaches(_FORMAT)
    stopped: ReadError | None = None
    shown = 0
    kinds = 0
    try:
        for message in walk.messages("Model", 0, window.size):
            kinds += message.parent is not None and message.parent.kind == "Model"
            for fact in _facts(message, place):
                shown += 1
                if shown <= MOST_FACTS:
                    yield fact
    except ReadError as error:
        stopped = error
    yield from top_level(window, place, COREML, "Model")
    if stopped is not None:
        raise stopped
    present = fits(Wire(window), COREML, "Model", 0, window.size)
    if present is None or not present & set(KINDS):
        breaches.note("kind", "a kind of model", "none that is known", place.at())
    yield from breaches.observations()


def _facts(message: Message, place: Place) -> Iterator[Yield]:
    where = place.at(message.start, message.end)
    match message.kind:
        case "CustomModel":
            yield _feature("custom-model", message.text("class_name"), where)
        case "CustomLayerParams":
            yield _feature("custom-layer", message.text("class_name"), where)
        case "StringParameter":
            for path in message.texts.get("value", ()):
                yield _reference("part", path, place, message)
        case "BlobFileValue":
            path = message.text("file")
            rest = path.removeprefix(_INSIDE)
            if rest == path or path_problem(rest):
                yield _reference("tensors", path, place, message)


def _feature(feature: str, name: str, where: tuple[object, ...]) -> FormatFeature:
    return FormatFeature(locations=where, format=_FORMAT, feature=feature, name=name[:200])  # type: ignore[arg-type]


def _reference(purpose: str, path: str, place: Place, message: Message) -> ExternalReference:
    return ExternalReference(
        locations=place.at(message.start, message.end),
        purpose=purpose,
        path=path[:1000],
        problem=path_problem(path.removeprefix(_INSIDE)),
    )


def _is_weights(head: Head) -> bool:
    return (
        len(head.start) >= 68
        and head.start[4:8] == b"\x02\0\0\0"
        and not any(head.start[8:64])
        and int.from_bytes(head.start[64:68], "little") == _SENTINEL
    )


def _read_weights(window: Window, place: Place, _limits: Limits) -> Iterator[Yield]:
    """Yield each blob as payload. Raises FormatError where the chain of blobs breaks."""
    count = int.from_bytes(window.exactly(0, 4, "header"), "little")
    yield Span(PARSED, 0, _ALIGNMENT)
    at = _ALIGNMENT
    for _ in range(count):
        raw = window.exactly(at, _ALIGNMENT, "blob")
        sentinel, size = int.from_bytes(raw[:4], "little"), int.from_bytes(raw[8:16], "little")
        start = int.from_bytes(raw[16:24], "little")
        if sentinel != _SENTINEL:
            raise FormatError("blob", expected=f"the mark {_SENTINEL:x}", found=f"{sentinel:x}", start=at)
        if start < at + _ALIGNMENT or start + size > window.size:
            expected = f"a range behind {at} and inside {window.size} bytes"
            raise FormatError("blob-range", expected=expected, found=f"{size} bytes at {start}", start=at)
        yield Span(PARSED, at, start)
        yield Span(PAYLOAD, start, start + size)
        yield from payload_start(window, place, start, start + size)
        end = start + size
        at = end + -end % _ALIGNMENT
        yield Span(PARSED, end, min(at, window.size))


_SOURCE = "coremltools 9.0, mlmodel/format"
READERS = (
    Reader(
        format=_FORMAT, source=_SOURCE, looks_like=_is_model, read=_read_model, rank=42,
        hides=("text",), extensions=(".mlmodel",),
    ),
    Reader(format=_WEIGHTS, source=_SOURCE, looks_like=_is_weights, read=_read_weights, rank=42,
        extensions=(".bin",)),
)  # fmt: skip
