"""Every row of ``fixtures/MANIFEST.toml`` is a test, and every recipe has a row."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TypedDict, cast

import pytest
from scanning import scan_files

from fixtures import HERE, all_recipes, digest


class Row(TypedDict):
    name: str
    sha256: str
    source: str
    rules: list[str]
    exit: int


_RULE = re.compile(r"OWA\d{4}\Z")


def rows() -> list[Row]:
    """The rows of the manifest."""
    manifest = tomllib.loads((HERE / "MANIFEST.toml").read_text(encoding="utf-8"))
    return cast(list[Row], manifest["recipe"])


_ROWS = {row["name"]: row for row in rows()}
_RECIPES = {recipe.name: recipe for recipe in all_recipes()}


def test_rows_and_recipes_are_the_same() -> None:
    assert [row["name"] for row in rows()] == list(_RECIPES)


@pytest.mark.parametrize("name", sorted(_RECIPES.keys() & _ROWS.keys()))
def test_digest_is_pinned(name: str) -> None:
    assert digest(_RECIPES[name].build()) == _ROWS[name]["sha256"]


@pytest.mark.parametrize("row", rows(), ids=lambda row: cast(Row, row)["name"])
def test_row_is_complete(row: Row) -> None:
    assert sorted(row) == ["exit", "name", "rules", "sha256", "source"]
    assert row["source"]
    assert row["exit"] in (0, 1, 3)
    assert row["rules"] == sorted(set(row["rules"]))
    assert all(_RULE.match(rule) for rule in row["rules"])


def test_different_recipes_give_different_files() -> None:
    seen: dict[tuple[str, str], str] = {}
    for name, recipe in _RECIPES.items():
        files = recipe.build()
        if not name.startswith("demo-"):  # the demonstration shows recipes again
            key = (",".join(sorted(files)), digest(files))
            assert seen.setdefault(key, name) == name


@pytest.mark.parametrize("name", sorted(_RECIPES.keys() & _ROWS.keys()))
def test_findings_and_exit_code_are_exact(name: str, tmp_path: Path) -> None:
    audit = scan_files(_RECIPES[name].build(), tmp_path / "target")
    assert (audit.rules, audit.exit_code) == (_ROWS[name]["rules"], _ROWS[name]["exit"])
