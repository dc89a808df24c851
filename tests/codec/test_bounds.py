"""Paths that leave their folder, and errors that become facts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from owaudit.codec.bounds import OutOfBounds, path_problem, reported
from owaudit.codec.breaches import Breaches
from owaudit.codec.reader import PARSED, Halt, Place, Span, Yield
from owaudit.errors import FormatError
from owaudit.model.observation import BoundsViolation, SpecViolation

PLACE = Place("m")


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("model.onnx_data", ""),
        ("sub/folder/w.bin", ""),
        ("a..b/c...d", ""),
        ("100%/50%25.bin", ""),
        ("", ""),
        ("/etc/hostname", "absolute"),
        ("\\\\server\\share", "absolute"),
        ("..", "parent"),
        ("a/../../b", "parent"),
        ("a\\..\\b", "parent"),
        ("C:w", "drive"),
        ("file:///w", "url"),
        ("s3://bucket/w", "url"),
        ("a://b", "drive"),
        ("~/w", "home"),
        ("$HOME/w", "home"),
        ("w\0.bin", "nul"),
        ("%2e%2e/w", "encoded"),
        ("%252e%252e/w", "encoded"),
        ("%2fetc", "encoded"),
    ],
)
def test_path_problem(path: str, problem: str) -> None:
    assert path_problem(path) == problem


def _items(error: Exception | None) -> Iterator[Yield]:
    yield Span(PARSED, 0, 1)
    if error is not None:
        raise error


def test_breaches_follow_the_items() -> None:
    breaches = Breaches("f")
    breaches.note("c", "x", "y", PLACE.at(1))
    breaches.outside("o", "x", "y", PLACE.at(2))
    assert list(reported(_items(None), "f", PLACE, breaches)) == [
        Span(PARSED, 0, 1),
        SpecViolation(locations=PLACE.at(1), format="f", clause="c", expected="x", found="y"),
        BoundsViolation(locations=PLACE.at(2), format="f", clause="o", expected="x", found="y"),
    ]


def test_out_of_bounds_becomes_a_fact() -> None:
    error = OutOfBounds("size", expected="3", found="9", start=7)
    assert list(reported(_items(error), "f", PLACE, Breaches("f"))) == [
        Span(PARSED, 0, 1),
        BoundsViolation(locations=PLACE.at(7), format="f", clause="size", expected="3", found="9"),
        Halt("malformed", "size: expected 3, found 9 (at byte 7)"),
    ]


def test_other_errors_go_on_after_the_breaches() -> None:
    breaches = Breaches("f")
    breaches.note("c", "x", "y", PLACE.at(1))
    walk = reported(_items(FormatError("end", expected="x", found="y")), "f", PLACE, breaches)
    assert next(walk) == Span(PARSED, 0, 1)
    assert isinstance(next(walk), SpecViolation)
    with pytest.raises(FormatError, match="end"):
        next(walk)
