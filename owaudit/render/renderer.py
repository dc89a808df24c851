"""What a renderer is: a name, the suffixes it answers to, and a function from report to text.

A renderer sees a ``Report`` and the options of the place it is shown in, and nothing behind it.
The same report with the same options gives the same text.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from owaudit.errors import UsageError
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
    model which is not in the repository, and ``anchor_line`` the line that names the model;
    ``anchor_lines`` are the lines that name single files of it, by the path of the artifact.
    """

    width: int = 80
    colour: bool = False
    hyperlinks: bool = False
    quiet: bool = False
    verbose: bool = False
    base: str = ""
    anchor: str = ""
    anchor_line: int = 1
    anchor_lines: Mapping[str, int] = field(default_factory=dict)

    @property
    def columns(self) -> int:
        """The width that is used."""
        return max(NARROWEST, min(WIDEST, self.width))


@dataclass(frozen=True, slots=True)
class Renderer:
    """One output format. ``suffixes`` are the ends of file names that ask for it.

    ``draw`` makes the bytes of a binary format from the text. ``extra`` is the extra of the package
    that brings the module ``needs``; both are empty where nothing but the package is needed.
    """

    name: str
    suffixes: tuple[str, ...]
    render: Callable[[Report, RenderOptions], str]
    draw: Callable[[str], bytes] | None = None
    needs: str = ""
    extra: str = ""

    def content(self, report: Report, options: RenderOptions) -> bytes:
        """Return the output as it is written: bytes of a binary format, or UTF-8.

        Raises:
            UsageError: the library that the format needs is not installed or cannot start.
        """
        self.require()
        text = self.render(report, options)
        return self.draw(text) if self.draw else text.encode("utf-8", "backslashreplace")

    def require(self) -> None:
        """Say early that something is missing.

        Raises:
            UsageError: the library that the format needs is not installed.
        """
        if self.needs and importlib.util.find_spec(self.needs) is None:
            raise UsageError(
                f"the format {self.name} needs {self.needs}: install owaudit with the extra [{self.extra}]"
            )
