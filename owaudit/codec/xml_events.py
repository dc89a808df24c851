"""XML, read in a stream with expat: nothing is fetched, and no entity is put in its place.

The document type is stated as a fact. As soon as a document declares entities, reading stops at the
end of the declaration: what its text says then depends on who reads it.

Source: XML 1.0 (fifth edition), 4.2 "Entity Declarations"; Python library reference, "XML
vulnerabilities".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from owaudit.codec.reader import Place
from owaudit.codec.window import Window
from owaudit.errors import FormatError, LimitExceeded
from owaudit.model.format_facts import XmlDeclaration

DEEPEST: Final = 256
MOST_ELEMENTS: Final = 50_000_000
KEPT_TEXT: Final = 4096
MOST_DECLARATIONS: Final = 200
_PIECE: Final = 256 * 1024


@dataclass(slots=True)
class Element:
    """An element that began (``opens``) or ended, its attributes, and its first text when it ended."""

    name: str
    path: tuple[str, ...]
    at: int
    opens: bool
    attributes: Mapping[str, str] = field(default_factory=dict)
    text: str = ""


class XmlReader:
    """Reads one document. ``declarations`` holds what its document type declares."""

    def __init__(self, window: Window, place: Place, format_name: str) -> None:
        self._window = window
        self._place = place
        self._format = format_name
        self._parser = expat.ParserCreate()
        self._queue: list[Element] = []
        self._path: list[str] = []
        self._texts: list[list[str]] = []
        self._elements = 0
        self._root = ""
        self._entities = 0
        self.declarations: list[XmlDeclaration] = []
        self.stopped = False
        self._set_handlers()

    def _set_handlers(self) -> None:
        parser = self._parser
        parser.buffer_text = False
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EndDoctypeDeclHandler = self._doctype_end
        parser.EntityDeclHandler = self._entity
        # With a default handler expat hands references on instead of replacing them.
        parser.DefaultHandler = lambda _: None

    def events(self) -> Iterator[Element]:
        """Yield the beginning and end of every element, in order.

        Raises:
            FormatError: not well-formed, or too deep.
            LimitExceeded: more than ``MOST_ELEMENTS`` elements.
        """
        try:
            for _, piece in self._window.pieces(size=_PIECE):
                self._parser.Parse(piece, False)
                yield from self._drain()
            self._parser.Parse(b"", True)
        except _StopError:
            self.stopped = True
        except (expat.ExpatError, ValueError) as error:
            yield from self._drain()
            words = str(error)[:80]
            at = max(0, self._parser.ErrorByteIndex)
            raise FormatError("xml", expected="a well-formed document", found=words, start=at) from error
        yield from self._drain()

    def _drain(self) -> Iterator[Element]:
        queue, self._queue = self._queue, []
        yield from queue

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > MOST_ELEMENTS:
            raise LimitExceeded("fields", actual=self._elements, allowed=MOST_ELEMENTS)
        if len(self._path) >= DEEPEST:
            expected = f"at most {DEEPEST} levels"
            raise FormatError("xml-depth", expected=expected, found="more", start=self._at())
        self._path.append(name.rpartition(":")[2][:200])
        self._texts.append([])
        self._queue.append(Element(self._path[-1], tuple(self._path), self._at(), True, attributes))

    def _end(self, _name: str) -> None:
        path = tuple(self._path)
        text = "".join(self._texts.pop())[:KEPT_TEXT]
        self._queue.append(Element(self._path.pop(), path, self._at(), False, text=text))

    def _text(self, text: str) -> None:
        if self._texts and len(self._texts[-1]) < 64:
            self._texts[-1].append(text[:KEPT_TEXT])

    def _at(self) -> int:
        return max(0, self._parser.CurrentByteIndex)

    def _doctype(self, name: str, system: str | None, _public: str | None, _subset: int) -> None:
        self._root = name[:200]
        self._declare("doctype", name, system or "", 0, nested=False)

    def _doctype_end(self) -> None:
        if self._entities:
            raise _StopError

    def _entity(
        self,
        name: str,
        parameter: int,
        value: str | None,
        _base: str | None,
        system: str | None,
        public: str | None,
        _notation: str | None,
    ) -> None:
        what = "parameter-entity" if parameter else "entity"
        text = value or ""
        self._entities += 1
        self._declare(what, name, system or public or "", len(text), nested="&" in text or "%" in text)

    def _declare(self, what: str, name: str, system: str, size: int, *, nested: bool) -> None:
        if len(self.declarations) < MOST_DECLARATIONS:
            self.declarations.append(
                XmlDeclaration(
                    locations=self._place.at(self._at()),
                    format=self._format,
                    what=what,
                    name=name[:200],
                    system=system[:1000],
                    size=size,
                    nested=nested,
                    root=self._root,
                )
            )


class _StopError(Exception):
    """Leaves the parser; never leaves this module."""
