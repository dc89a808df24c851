"""Models as XML: PMML and OpenVINO IR, and documents whose type declares something.

Neither format holds code of its own. What is looked for is what an XML parser does on its own
account (entities), scripts in PMML extensions, and layers and libraries that OpenVINO must be given.

Source: PMML 4.4, "Extension Mechanisms"; OpenVINO 2025, "OpenVINO IR format" and ir_deserializer.cpp.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from owaudit.codec.bounds import path_problem
from owaudit.codec.external_ranges import ExternalRanges
from owaudit.codec.reader import INERT, PARSED, Halt, Head, Place, Reader, Span, Yield
from owaudit.codec.window import Window
from owaudit.codec.xml_events import Element, XmlReader
from owaudit.errors import FormatError
from owaudit.model.artifact import Format
from owaudit.model.format_facts import FormatFeature
from owaudit.model.graph_facts import ExternalReference
from owaudit.model.limits import Limits
from owaudit.model.observation import BoundsViolation, SpecViolation

_SKIPPED: Final = r"(?:\s|<\?.*?\?>|<!--.*?-->)*"
_ROOT: Final = re.compile(
    rf"\ufeff?{_SKIPPED}(?:<!DOCTYPE\s+(?P<type>[\w:.-]+)|<(?P<root>[\w:.-]+))", re.DOTALL
)
_DECLARES: Final = re.compile(r"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_SCRIPT: Final = re.compile(
    r"<\s*/?\s*script|javascript:|\b(?:exec|eval|system|popen|Runtime|ProcessBuilder|importlib|__import__|"
    r"require|loadClass|ScriptEngine|subprocess|urlopen)\b\s*[.(]|\bimport\s+\w+|#!/",
    re.IGNORECASE,
)
_OPSET: Final = re.compile(r"opset[1-9]\d?\Z")
_LIBRARY: Final = re.compile(r"\.(?:so(?:\.\d+)*|dll|dylib|pyd|exe)\Z", re.IGNORECASE)
MOST_FEATURES: Final = 1000


def _text(head: Head) -> str:
    start = head.start
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return start.decode("utf-16", "replace")
    if start[:4] in (b"<\0?\0", b"<\0!\0") or start[1:4:2] == b"\0\0":
        return start.decode("utf-16-le", "replace")
    if start[:4] in (b"\0<\0?", b"\0<\0!"):
        return start.decode("utf-16-be", "replace")
    return start.decode("utf-8", "replace")


def _root(head: Head) -> str:
    match = _ROOT.match(_text(head))
    return (match["type"] or match["root"]).rpartition(":")[2] if match else ""


def _is_pmml(head: Head) -> bool:
    return _root(head) == "PMML" or (
        head.name.endswith(".pmml") and _text(head).lstrip("\ufeff \r\n\t").startswith("<")
    )


def _is_openvino(head: Head) -> bool:
    text = _text(head)
    return _root(head) == "net" and ("<net" not in text or "<layers" in text or "version=" in text)


def _is_declaring(head: Head) -> bool:
    """Any other document with a type of its own, under a name that XML parsers are given."""
    return (
        head.name.endswith((".xml", ".rdf", ".xsl", ".xslt", ".owl", ".mlxml"))
        and bool(_root(head))
        and _DECLARES.search(_text(head)) is not None
        and _root(head).lower() not in ("html", "svg")
    )


def _read_pmml(window: Window, place: Place, _limits: Limits) -> Iterator[Yield]:
    """Yield declarations and extensions with scripts. Raises FormatError where XML breaks."""
    reader = XmlReader(window, place, "pmml")
    yield from _guarded(reader, window, _pmml(reader, place))


def _pmml(reader: XmlReader, place: Place) -> Iterator[Yield]:
    found = 0
    root = ""
    for element in reader.events():
        root = root or element.name
        if "Extension" not in element.path or found >= MOST_FEATURES:
            continue
        texts = [element.text, *element.attributes.values()]
        if element.name.lower() == "script" or any(_SCRIPT.search(text) for text in texts):
            found += 1
            shown = next((text for text in texts if _SCRIPT.search(text)), element.name)
            yield FormatFeature(
                locations=place.at(element.at), format="pmml", feature="extension-script", name=shown[:120]
            )
    if root != "PMML" and not reader.stopped:
        yield SpecViolation(
            locations=place.at(), format="pmml", clause="root", expected="PMML", found=root[:80] or "none"
        )


def _read_openvino(window: Window, place: Place, _limits: Limits) -> Iterator[Yield]:
    """Yield declarations, layers of extensions and ranges of the file beside it."""
    reader = XmlReader(window, place, "openvino")
    yield from _guarded(reader, window, _Network(place).read(reader))


class _Network:
    def __init__(self, place: Place) -> None:
        self._place = place
        name = (place.members[-1] if place.members else place.artifact).rpartition("/")[2]
        self._beside = (name[:-4] if name.lower().endswith(".xml") else name) + ".bin"
        self._ranges = ExternalRanges()
        self._shown = 0

    def read(self, reader: XmlReader) -> Iterator[Yield]:
        for element in reader.events():
            if not element.opens:
                continue
            if element.name == "layer" and self._shown < MOST_FEATURES:
                yield from self._layer(element)
            if element.name == "data" and "offset" in element.attributes:
                yield from self._data(element)
            if self._shown < MOST_FEATURES:
                yield from self._libraries(element)
        yield from self._ranges.references()

    def _layer(self, element: Element) -> Iterator[Yield]:
        version = element.attributes.get("version", "")
        # Older files (IR 7 and before) have no operator sets.
        if (
            version
            and not _OPSET.match(version)
            and version not in ("experimental", "util", "type_relaxed_opset")
        ):
            self._shown += 1
            kind = element.attributes.get("type", "")[:100]
            yield FormatFeature(
                locations=self._place.at(element.at),
                format="openvino",
                feature="extension-layer",
                name=kind,
                example=f"version={version[:80]}",
            )

    def _data(self, element: Element) -> Iterator[Yield]:
        values = [element.attributes.get(key, "") for key in ("offset", "size")]
        where = self._place.at(element.at)
        if not all(value.isdecimal() and len(value) < 20 for value in values):
            yield BoundsViolation(
                locations=where,
                format="openvino",
                clause="range",
                expected="offset and size",
                found=str(values)[:80],
            )
            return
        if int(values[1]):
            self._ranges.add(self._beside, int(values[0]), int(values[1]), where)

    def _libraries(self, element: Element) -> Iterator[Yield]:
        for key, value in element.attributes.items():
            if _LIBRARY.search(value) or (key.lower() in ("library", "extension", "plugin") and "/" in value):
                self._shown += 1
                where = self._place.at(element.at)
                yield FormatFeature(
                    locations=where,
                    format="openvino",
                    feature="native-library",
                    name=value[:200],
                    example=key[:80],
                )
                if path_problem(value):
                    yield ExternalReference(
                        locations=where, purpose="native", path=value[:1000], problem=path_problem(value)
                    )


def _read_declaring(window: Window, place: Place, _limits: Limits) -> Iterator[Yield]:
    """Yield what the document type declares; the rest is a text that no loader runs."""
    reader = XmlReader(window, place, "xml")
    try:
        for _ in reader.events():
            pass
    except FormatError:
        pass  # as before: a text is a text, well-formed or not
    yield from reader.declarations
    yield Span(INERT, 0, window.size)


def _guarded(reader: XmlReader, window: Window, items: Iterator[Yield]) -> Iterator[Yield]:
    """Pass on what ``items`` yields, then the declarations, also where reading broke off."""
    try:
        yield from items
    except FormatError:
        yield from reader.declarations
        raise
    yield from reader.declarations
    if reader.stopped:
        yield Halt("entities", "the document declares entities, so its text depends on who reads it")
    else:
        yield Span(PARSED, 0, window.size)


_HIDDEN = ("text", "source-code", "xml-declaring")
READERS = (
    Reader(
        format=Format("pmml"), source="PMML 4.4", looks_like=_is_pmml, read=_read_pmml, rank=50,
        hides=_HIDDEN, extensions=(".pmml",),
    ),
    Reader(
        format=Format("openvino"), source="OpenVINO 2025, OpenVINO IR format", looks_like=_is_openvino,
        read=_read_openvino, rank=50, hides=_HIDDEN, extensions=(".xml",),
    ),
    Reader(
        format=Format("xml-declaring"), source="XML 1.0, 4.2", looks_like=_is_declaring,
        read=_read_declaring, rank=75, hides=("text", "source-code"), extensions=(".xml",),
    ),
)  # fmt: skip
