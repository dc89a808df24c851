"""Lists of names on disk, parsed row by row when a name needs them.

The lists hold thousands of names, and a TOML parser in Python takes longer over them than an audit
of a small model takes as a whole. So a list is cut before every line that is ``[[deny]]`` or
``[[allow]]``; the part before the first cut is parsed at once, a block when one of the strings in
it is asked for. What is found by the text of a block is believed only after the block was parsed.
Parsing block by block gives the rows that parsing the file gives: a test holds that for the lists
that ship, and other packs are parsed whole when they are loaded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from owaudit.errors import UsageError
from owaudit.judge.strict import Section, parse

R = TypeVar("R")

_CUT = re.compile(rb"(?m)^(?=\[\[(?:deny|allow)\]\])")
_STRING = re.compile(r"\"([^\"\\\n]+)\"|'([^'\n]+)'")


@dataclass(frozen=True, slots=True)
class Sheet(Generic[R]):
    """The rows of one list: ``blocks`` are their TOML texts, ``key`` is ``deny`` or ``allow``."""

    file: str
    key: str
    blocks: tuple[bytes, ...]
    read: Callable[[Section], R] = field(compare=False)
    _rows: dict[int, R] = field(default_factory=dict, compare=False, repr=False)

    def row(self, index: int) -> R:
        """Parse one row, once.

        Raises:
            UsageError: the block is not one row as it should be.
        """
        row = self._rows.get(index)
        if row is None:
            section = parse(self.blocks[index], self.file)
            items = section.sections(self.key)
            section.finish()
            if len(items) != 1:
                raise UsageError(f"{self.file}: {self.key}[{index}]: expected one row")
            items[0].place = f"{self.key}[{index}]"
            row = self._rows[index] = self.read(items[0])
        return row

    def rows(self) -> tuple[R, ...]:
        """Parse every row. Raises UsageError like ``row``."""
        return tuple(self.row(index) for index in range(len(self.blocks)))

    def strings(self) -> Iterator[tuple[int, str]]:
        """Yield every string without escapes in the text of a block, with the number of the block.

        The names of the row are among them; reasons and sources are too.
        """
        for index, block in enumerate(self.blocks):
            for double, single in _STRING.findall(block.decode("utf-8", "replace")):
                yield index, double or single


def cut(raw: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    """Split the text of a list into its head and the blocks of its rows."""
    head, *blocks = _CUT.split(raw)
    return head, tuple(blocks)
