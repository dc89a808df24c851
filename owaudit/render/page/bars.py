"""The coverage bars: all bytes, and what is not tensor data, enlarged.

Widths are percentages in SVG attributes, computed by integers in thousandths of a percent. What
is not nothing is wide enough to be seen; the table below the bars has the true figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from owaudit.model.report import Counts, Report

_WHOLE = 100_000
_LEAST = 300
_LEAST_GAP = 700
"""2 px of a bar that is 288 px wide, the narrowest a page gets."""
_GAPS_DRAWN = 12


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar; ``x`` and ``width`` are percentages as SVG takes them."""

    fill: str
    x: str
    width: str
    is_gap: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Both bars. ``lens`` is empty where there is no gap or no tensor data to leave out."""

    whole: tuple[Segment, ...]
    lens: tuple[Segment, ...]
    lens_from: str
    """The x coordinate, out of 1,000, where what the lens enlarges begins."""
    rest: int
    factor: int


def bars(report: Report) -> Bars:
    """Return the bars of a report; they are empty where the target has no bytes."""
    counts = report.verdict.counts
    rest = counts.parsed + counts.inert + counts.unexplained
    whole = _segments(
        (
            ("f-tensor", counts.payload),
            ("f-read", counts.parsed),
            ("f-inert", counts.inert),
            ("f-gap", counts.unexplained),
        )
    )
    if not (counts.payload and counts.unexplained):
        return Bars(whole=whole, lens=(), lens_from="0", rest=rest, factor=1)
    gaps = [("f-gap", size) for size in _gap_sizes(report, counts)]
    lens = _segments((("f-read", counts.parsed), ("f-inert", counts.inert), *gaps))
    start = next((segment.x for segment in whole if segment.fill != "f-tensor"), "0%")
    return Bars(
        whole=whole,
        lens=lens,
        lens_from=f"{int(float(start.rstrip('%')) * 10)}",
        rest=rest,
        factor=max(1, (counts.size + rest // 2) // rest),
    )


def _gap_sizes(report: Report, counts: Counts) -> Sequence[int]:
    """The unexplained bytes by file, the largest first, the smallest of many as one."""
    sizes = sorted(
        (
            sum(row.unexplained for row in artifact.coverage if not row.members)
            for artifact in report.artifacts
        ),
        reverse=True,
    )
    drawn = [size for size in sizes[:_GAPS_DRAWN] if size]
    rest = counts.unexplained - sum(drawn)
    return [*drawn, rest] if rest > 0 else drawn


def _segments(parts: Sequence[tuple[str, int]]) -> tuple[Segment, ...]:
    parts = [(fill, size) for fill, size in parts if size > 0]
    total = sum(size for _, size in parts)
    if not total:
        return ()
    widths = [max(size * _WHOLE // total, _LEAST_GAP if fill == "f-gap" else _LEAST) for fill, size in parts]
    widest = max(range(len(widths)), key=widths.__getitem__)
    widths[widest] += _WHOLE - sum(widths)
    segments, x = [], 0
    for (fill, _), width in zip(parts, widths, strict=True):
        segments.append(Segment(fill, _percent(x), _percent(width), is_gap=fill == "f-gap"))
        x += width
    return tuple(segments)


def _percent(thousandths: int) -> str:
    return f"{thousandths // 1000}.{thousandths % 1000:03d}%"
