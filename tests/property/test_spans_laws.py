"""Laws of byte ranges, against sets of single offsets."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from owaudit.codec.spans import Ranges, overlaps

RANGES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=12)


class TestRanges:
    """A union of ranges holds exactly the offsets of its parts, and gaps are the rest."""

    @given(ranges=RANGES, size=st.integers(0, 50))
    def test_union_and_gaps(self, ranges: list[tuple[int, int]], size: int) -> None:
        offsets = {i for start, end in ranges for i in range(start, end)}
        union = Ranges(ranges)
        joined = list(union)
        assert {i for start, end in joined for i in range(start, end)} == offsets
        assert all(a_end < b_start for (_, a_end), (b_start, _) in itertools.pairwise(joined))
        assert union.covered() == len(offsets)
        assert union.covered(size) == len(offsets & set(range(size)))
        assert {i for start, end in union.gaps(size) for i in range(start, end)} == set(range(size)) - offsets


class TestOverlaps:
    """Overlaps are found exactly when the parts hold more bytes than their union."""

    @given(ranges=RANGES)
    def test_found_when_bytes_are_shared(self, ranges: list[tuple[int, int]]) -> None:
        found = overlaps([start for start, _ in ranges], [end for _, end in ranges], kept=100)
        total = sum(max(0, end - start) for start, end in ranges)
        assert (found.count > 0) == (total > Ranges(ranges).covered())
        assert len(found.examples) == found.count
        for overlap in found.examples:
            for start, end in (ranges[overlap.first], ranges[overlap.second]):
                assert start <= overlap.start < overlap.end <= end
