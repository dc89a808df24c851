"""Files that only have a meaning through another file: raw numbers that a model keeps beside itself.

Such a file has no format of its own, so on its own it counts as unknown. Where a model that was read
says which of its bytes are numbers, those bytes are payload, and only the rest is not explained.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from owaudit.codec.external_ranges import JOINED
from owaudit.codec.spans import Ranges
from owaudit.model.artifact import Format
from owaudit.model.coverage import Coverage, Gap, State
from owaudit.model.graph_facts import ExternalReference
from owaudit.pipeline.artifact import Collected
from owaudit.pipeline.ledger import KEPT_GAPS

RAW_NUMBERS = Format("raw-numbers")


def explain_referenced(collected: Sequence[Collected]) -> list[Collected]:
    """Return the same files; those that others refer to for numbers are explained as far as they say."""
    claimed: dict[str, Ranges] = defaultdict(Ranges)
    for one in collected:
        for seen in one.observations:
            if isinstance(seen, ExternalReference) and seen.purpose == "tensors" and not seen.problem:
                if seen.location.members:
                    continue
                path = posixpath.join(posixpath.dirname(one.artifact.path), seen.path)
                for start, end in seen.ranges:
                    claimed[posixpath.normpath(path)].add(start, end)
    return [
        _explained(one, claimed[one.artifact.path]) if one.artifact.path in claimed else one
        for one in collected
    ]


def _explained(one: Collected, claimed: Ranges) -> Collected:
    own = [row for row in one.coverage if not row.members]
    if one.artifact.formats or len(own) != 1 or own[0].reason != "unknown-format":
        return one
    row = _account(own[0], claimed)
    coverage = tuple(row if other is own[0] else other for other in one.coverage)
    return replace(one, artifact=replace(one.artifact, formats=(RAW_NUMBERS,)), coverage=coverage)


def _account(row: Coverage, claimed: Ranges) -> Coverage:
    """Claimed bytes are payload; a hole that alignment explains was searched and is inert."""
    payload = claimed.covered(row.size)
    holes = list(claimed.gaps(row.size))
    small = [(start, end) for start, end in holes if end - start < JOINED and payload]
    inert = _size(small)
    unexplained = row.size - payload - inert
    state = State.READ if not unexplained else State.PARTIAL if payload else State.UNREAD
    gaps = tuple(
        Gap(start=start, end=end, reason="bytes-unclaimed") for start, end in holes if end - start >= JOINED
    )
    return replace(
        row,
        state=state,
        reason="" if not unexplained else "bytes-unclaimed",
        detail="" if not unexplained else f"{unexplained} bytes belong to no tensor of the files beside it",
        payload=payload,
        inert=inert,
        unexplained=unexplained,
        gaps=gaps[:KEPT_GAPS],
    )


def _size(ranges: Iterable[tuple[int, int]]) -> int:
    return sum(end - start for start, end in ranges)
