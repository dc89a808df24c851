"""The part of a program that a finding needs: the lines it is about, and a few around them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from owaudit.model.report import Finding, Listing, ListingLine, Report
from owaudit.render.escape import shorten
from owaudit.render.phrases import counted

_LINES = 40
_AROUND = 3
_LINE_LIMIT = 1200
_LINE_HEAD = 900
_LINE_TAIL = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcerptLine:
    """A line of pseudo-Python in three parts, so that ``mark`` can be set off; or a comment."""

    span: tuple[str, str] = ("", "")
    before: str = ""
    mark: str = ""
    after: str = ""
    comment: str = ""
    is_hit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """Some lines of one pickle, in order, with comments where lines are left out."""

    listing: Listing
    lines: tuple[ExcerptLine, ...]


class Programs:
    """The listings of a report, by the findings that their lines belong to."""

    def __init__(self, report: Report) -> None:
        self._hits: dict[str, tuple[Listing, list[int]]] = {}
        for listing in report.listings:
            for place, line in enumerate(listing.lines):
                for fingerprint in line.findings:
                    known, hits = self._hits.setdefault(fingerprint, (listing, []))
                    if known is listing and len(hits) < _LINES:
                        hits.append(place)

    def excerpt(self, finding: Finding) -> Excerpt | None:
        """Return the lines that a finding is about, or None where no program shows it."""
        listing, hits = self._hits.get(finding.fingerprint, (None, []))
        if listing is None:
            return None
        return Excerpt(listing=listing, lines=tuple(_lines(listing, hits)))


def _lines(listing: Listing, hits: Sequence[int]) -> list[ExcerptLine]:
    total = len(listing.lines)
    if total <= _LINES:
        chosen = list(range(total))
    else:
        near = {p for hit in hits for p in range(hit - _AROUND, hit + _AROUND + 1) if 0 <= p < total}
        chosen = sorted(set(sorted(near, key=lambda p: (p not in hits, p))[:_LINES]))
    lines: list[ExcerptLine] = []
    done = 0
    for place in chosen:
        lines += _left_out(place - done)
        lines.append(_shown(listing.lines[place], is_hit=place in hits))
        done = place + 1
    return lines + _left_out(total - done + listing.left_out)


def _left_out(count: int) -> list[ExcerptLine]:
    if count <= 0:
        return []
    return [ExcerptLine(comment=f"# {counted(count, 'more line')}")]


def _shown(line: ListingLine, *, is_hit: bool) -> ExcerptLine:
    program = line.line
    short = shorten(program.text, head=_LINE_HEAD, tail=_LINE_TAIL, limit=_LINE_LIMIT)
    text = short.head
    if short.left_out:
        text = f"{short.head} ({counted(short.left_out, 'character')} left out) {short.tail}"
    start, end = _marked(text, program.names) if is_hit else (len(text), len(text))
    return ExcerptLine(
        span=(f"{program.start:,}", f"{program.end:,}"),
        before=text[:start],
        mark=text[start:end],
        after=text[end:],
        comment=f"  # {program.times:,} times" if program.times > 1 else "",
        is_hit=is_hit,
    )


def _marked(text: str, names: Sequence[str]) -> tuple[int, int]:
    """Where the first of the names, or its last component, stands in the text as a word."""
    for name in names:
        for spelling in (name, name.rpartition(".")[2]):
            match = re.search(rf"(?<!\w){re.escape(spelling)}(?!\w)", text) if spelling else None
            if match:
                return match.span()
    return len(text), len(text)
