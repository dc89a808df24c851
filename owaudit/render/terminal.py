"""Lines for a terminal: wrapping by display width, colour, links and small tables.

Colour is the last thing said: every word stands without it. What is wrapped here has been through
``escape`` before, so a character is one or two columns wide and none is a control.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

from owaudit.model.rule import Severity
from owaudit.render.renderer import RenderOptions

_SGR = {
    "no": "31",
    "no-strong": "1;31",
    "ok": "32",
    "unk": "33",
    "strong": "1",
    "faint": "2",
}
SEVERITY_STYLES = {
    Severity.CRITICAL: "no-strong",
    Severity.HIGH: "no",
    Severity.MEDIUM: "unk",
    Severity.LOW: "",
    Severity.INFO: "faint",
}


class Sheet:
    """Lines that are being written for one place."""

    def __init__(self, options: RenderOptions) -> None:
        self.options = options
        self._lines: list[str] = []

    def ink(self, style: str, text: str) -> str:
        """Return the text in a style, or as it is where colour is off or the style is empty."""
        if not self.options.colour or not style:
            return text
        return f"\x1b[{_SGR[style]}m{text}\x1b[0m"

    def link(self, text: str, address: str) -> str:
        """Return the text as an OSC 8 link, or as it is where links are off."""
        if not self.options.hyperlinks or not address:
            return text
        return f"\x1b]8;;{address}\x1b\\{text}\x1b]8;;\x1b\\"

    def blank(self) -> None:
        """Add one empty line, never two in a row and none at the top."""
        if self._lines and self._lines[-1]:
            self._lines.append("")

    def line(self, text: str) -> None:
        """Add a line as it is."""
        self._lines.append(text.rstrip(" "))

    def paragraph(
        self, text: str, *, indent: int = 0, label: str = "", style: str = "", label_style: str = ""
    ) -> None:
        """Add escaped text, wrapped; ``label`` stands before the first line, the rest hangs.

        A label that would take more than half of the width gets a line of its own.
        """
        used = indent + columns(label)
        if used > self.options.columns // 2:
            self.paragraph(label.rstrip(" "), indent=indent, style=label_style)
            self.paragraph(text, indent=indent + 2, style=style)
            return
        for count, part in enumerate(wrap(text, self.options.columns - used)):
            first = " " * indent + self.ink(label_style, label)
            self.line((" " * used if count else first) + self.ink(style, part))

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[str]], *, indent: int = 2) -> None:
        """Add escaped cells in columns; the last column wraps, the others share what is left."""
        gap = 2
        room = self.options.columns - indent - gap * (len(heads) - 1)
        widths = _column_widths([heads, *rows], room)
        for count, row in enumerate([heads, *rows]):
            cells = [list(wrap(cell, width)) for cell, width in zip(row, widths, strict=True)]
            for step in range(max(len(lines) for lines in cells)):
                parts = [
                    _padded(lines[step] if step < len(lines) else "", width)
                    for lines, width in zip(cells, widths, strict=True)
                ]
                style = "" if count else "faint"
                self.line(" " * indent + self.ink(style, (" " * gap).join(parts).rstrip(" ")))

    def text(self) -> str:
        """Return what was written, with a final newline."""
        return "\n".join(self._lines) + "\n"


def columns(text: str) -> int:
    """Return how many columns a terminal gives to escaped text."""
    if text.isascii():
        return len(text)
    return sum(_width(character) for character in text)


def wrap(text: str, width: int) -> Iterator[str]:
    """Yield the lines of escaped text, broken at spaces, and within a word where it is too long."""
    start = text.lstrip(" ")
    line, text = (" " * min(len(text) - len(start), width // 2)), start
    for word in text.split(" "):
        candidate = f"{line} {word}" if line.strip(" ") else line + word
        if columns(candidate) <= width:
            line = candidate
            continue
        if line.strip(" "):
            yield line
        *whole, line = _broken(word, width)
        yield from whole
    yield line


def _broken(word: str, width: int) -> list[str]:
    if columns(word) <= width:
        return [word]
    parts, part, used = [], "", 0
    for character in word:
        size = _width(character)
        if used + size > width and part:
            parts.append(part)
            part, used = "", 0
        part += character
        used += size
    return [*parts, part]


def _width(character: str) -> int:
    if character.isascii():
        return 1
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _padded(text: str, width: int) -> str:
    return text + " " * (width - columns(text))


def _column_widths(rows: Sequence[Sequence[str]], room: int) -> list[int]:
    wanted = [max(columns(cell) for cell in column) for column in zip(*rows, strict=True)]
    widths = [min(want, max(8, room // len(wanted))) for want in wanted[:-1]]
    spare = room - sum(widths)
    for place, want in enumerate(wanted[:-1]):  # narrow tables give the first columns what they want
        more = max(0, min(want - widths[place], spare - min(wanted[-1], room // 2)))
        widths[place] += more
        spare -= more
    return [*widths, max(8, spare)]
