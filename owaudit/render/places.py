"""Where a finding is shown in a repository, for formats whose reader opens files there.

Such a reader wants a path relative to the repository and a line. Artifact paths are relative to the
target, so the options carry the folder of the target; a model that is not in the repository is
shown at an anchor, such as the line of a lock file that names it. Nothing is ever absolute.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass

from owaudit.model.location import Location
from owaudit.model.report import Finding, Report
from owaudit.render import escape, phrases
from owaudit.render.renderer import RenderOptions


@dataclass(frozen=True, slots=True)
class Place:
    """A path inside the repository, as written, and a line that counts from 1.

    ``is_anchor`` says that the path is not that of the artifact but stands for it.
    """

    path: str
    line: int
    is_anchor: bool = False


def repository_place(location: Location, report: Report, options: RenderOptions) -> Place:
    """Return where in the repository a location is shown; never with an empty path.

    The line is that of the location where it is one of the file itself, and 1 elsewhere: bytes of
    a binary file have no line.
    """
    if options.anchor:
        line = options.anchor_lines.get(location.artifact, options.anchor_line)
        return Place(inside(options.anchor) or "owaudit", max(1, line), is_anchor=True)
    path = inside(options.base, location.artifact) or inside(report.subject.name) or "owaudit"
    own_line = location.line if location.line is not None and not location.members else 1
    return Place(path, max(1, own_line))


def primary(finding: Finding) -> Location:
    """Return the primary location of a finding; that of its file where it names none."""
    return finding.location or Location(artifact=finding.artifact)


def inside(*paths: str) -> str:
    """Join paths below the root of a repository; roots, ``.`` and ``..`` fall away."""
    parts = [part for path in paths for part in path.split("/")]
    return "/".join(part for part in parts if part not in ("", ".", ".."))


def relative_uri(path: str) -> str:
    """Return a path as a relative URI reference with everything but plain characters encoded."""
    return urllib.parse.quote(path, safe="/", errors="backslashreplace")


def where(finding: Finding) -> str:
    """Return the place of a finding in words, without hidden characters, and how many more there are."""
    if finding.location is None:
        said = finding.artifact or "the whole target"
    else:
        said = ", ".join((str(finding.location), *phrases.location_notes(finding.location)))
    more = f" and {phrases.counted(finding.count - 1, 'more place')}" if finding.count > 1 else ""
    return shown(said, 1024) + more


def shown(text: str, limit: int) -> str:
    """Return one line of at most about ``limit`` characters, hidden characters spelled out.

    Spelling may lengthen a text by up to eight times, so it is cut before and after.
    """
    tail = limit // 4
    short = escape.shorten(text, head=limit - tail - 40, tail=tail, limit=limit)
    line = escape.spelled(short.head)
    if short.left_out:
        line += f" ({short.left_out:,} characters left out) {escape.spelled(short.tail)}"
    return line if len(line) <= limit else line[: limit - 1] + "…"


def numbered(keys: Iterable[str]) -> list[str]:
    """Return ``key:1`` for each key and ``key:2`` … for the same key again, in order."""
    seen: dict[str, int] = {}
    names = []
    for key in keys:
        seen[key] = seen.get(key, 0) + 1
        names.append(f"{key}:{seen[key]}")
    return names
