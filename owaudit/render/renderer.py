"""What a renderer is: a name, the suffixes it answers to, and a function from report to text.

A renderer sees a ``Report`` and the options of the place it is shown in, and nothing behind it.
The same report with the same options gives the same text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from owaudit.model.report import Report

NARROWEST = 60
WIDEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderOptions:
    """How the place looks that the text is shown in.

    ``width`` is in columns, held between 60 and 200; ``colour`` allows SGR sequences and
    ``hyperlinks`` OSC 8 links. Formats for files ignore all of them.

    Formats whose reader opens files in a repository use the rest: ``base`` is the folder of the
    target, relative to the repository; ``anchor`` is the file, also relative, that stands for a
    model which is not in the repository, and ``anchor_line`` the line that names the model.
    """

    width: int = 80
    colour: bool = False
    hyperlinks: bool = False
    quiet: bool = False
    verbose: bool = False
    base: str = ""
    anchor: str = ""
    anchor_line: int = 1

    @property
    def columns(self) -> int:
        """The width that is used."""
        return max(NARROWEST, min(WIDEST, self.width))


@dataclass(frozen=True, slots=True)
class Renderer:
    """One output format. ``suffixes`` are the ends of file names that ask for it."""

    name: str
    suffixes: tuple[str, ...]
    render: Callable[[Report, RenderOptions], str]
