"""What exists is written down: a new reader, a new rule or a lost one shows in review."""

from __future__ import annotations

import re
from pathlib import Path

from owaudit.judge.packs import load_packs
from owaudit.readers import readers
from owaudit.shipped import shipped

_RULES = Path(__file__).with_name("rule_ids.txt")
_READERS = Path(__file__).with_name("readers.txt")


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]


def _rules() -> list[str]:
    return sorted(
        {f"{meta.id} {meta.name} {meta.severity}" for pack in load_packs() for meta in pack.metas()}
    )


def test_readers_are_those_on_the_list() -> None:
    assert [f"{reader.format} {reader.rank}" for reader in readers()] == _lines(_READERS)


def test_rules_are_those_on_the_list() -> None:
    assert _rules() == _lines(_RULES)


def test_an_id_means_one_rule() -> None:
    ids = [line.partition(" ")[0] for line in _lines(_RULES)]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"OWA[1-9]\d{3}", rule) for rule in ids)


def test_the_catalogue_names_every_rule() -> None:
    catalogue = (shipped("rules") / "README.md").read_text(encoding="utf-8")
    assert [line for line in _rules() if line.partition(" ")[0] not in catalogue] == []
