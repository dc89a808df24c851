"""Whole outputs, compared with the stored ones."""

from __future__ import annotations

import goldens
import pytest


@pytest.mark.parametrize("name", sorted(goldens.outputs()))
def test_output_is_as_stored(name: str) -> None:
    assert goldens.outputs()[name] == goldens.read(name)


def test_every_stored_output_is_made() -> None:
    assert {path.name for path in goldens.FOLDER.iterdir()} == set(goldens.outputs())
