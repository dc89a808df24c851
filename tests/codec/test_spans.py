"""Ranges join, leave gaps and overlap as counted by hand."""

from __future__ import annotations

from owaudit.codec.spans import NamedOverlap, Overlap, Overlaps, Ranges, in_order, named_overlaps, overlaps


def test_ranges_that_touch_or_share_bytes_are_joined() -> None:
    ranges = Ranges([(8, 10), (0, 4), (4, 6), (9, 12), (20, 20), (30, 25)])
    assert list(ranges) == [(0, 6), (8, 12)]
    assert ranges.covered() == 10
    assert ranges.covered(9) == 7
    assert list(ranges.gaps(15)) == [(6, 8), (12, 15)]
    assert list(ranges.gaps(7)) == [(6, 7)]
    assert list(ranges.gaps(5)) == []


def test_no_range_leaves_one_gap() -> None:
    assert not Ranges()
    assert list(Ranges()) == []
    assert list(Ranges().gaps(3)) == [(0, 3)]
    assert list(Ranges().gaps(0)) == []


def test_update_adds_the_ranges_of_another() -> None:
    ranges = Ranges([(0, 2)])
    ranges.update(Ranges([(1, 5), (7, 8)]))
    assert list(ranges) == [(0, 5), (7, 8)]


def test_a_row_of_neighbours_is_one_range_whatever_their_order() -> None:
    ranges = Ranges((i * 4, i * 4 + 4) for i in [*range(5000), *range(9999, 4999, -1)])
    assert list(ranges) == [(0, 40_000)]


def test_overlaps_are_counted_against_the_farthest_reach() -> None:
    starts, ends = [0, 10, 2, 4, 6], [10, 20, 5, 4, 12]
    assert in_order(starts, ends) == [0, 2, 3, 4, 1]
    assert overlaps(starts, ends) == Overlaps(
        count=3, examples=(Overlap(0, 2, 2, 5), Overlap(0, 4, 6, 10), Overlap(4, 1, 10, 12))
    )
    assert overlaps(starts, ends, kept=1) == Overlaps(count=3, examples=(Overlap(0, 2, 2, 5),))


def test_order_that_is_given_is_kept_and_ends_decide_ties() -> None:
    assert in_order([0, 4, 4], [4, 4, 8]) == range(3)
    assert in_order([4, 4, 0], [8, 4, 4]) == [2, 1, 0]


def test_overlaps_carry_names() -> None:
    assert named_overlaps([(0, 4, "a"), (3, 6, "b")]) == (1, (NamedOverlap("a", "b", 3, 4),))
    assert named_overlaps([(0, 4, "a"), (4, 6, "b")]) == (0, ())
