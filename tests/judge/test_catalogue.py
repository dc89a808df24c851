"""The catalogue: current, complete, and short where lists are long."""

from __future__ import annotations

import pytest

from owaudit.errors import UsageError
from owaudit.judge.catalogue import find_rule, render_catalogue, rule_metas
from owaudit.judge.names import NameLists
from owaudit.judge.packs import load_packs
from owaudit.shipped import shipped

PACKS = load_packs(installed=False)


def test_the_page_is_current() -> None:
    page = (shipped("rules") / "README.md").read_text(encoding="utf-8")
    assert page == render_catalogue(PACKS), (
        "write it again: python -c 'from owaudit.judge.catalogue import *; "
        "from owaudit.judge.packs import *; "
        "print(render_catalogue(load_packs(installed=False)), end=str())' > rules/README.md"
    )


def test_every_rule_is_on_the_page_once() -> None:
    page = render_catalogue(PACKS)
    for meta in rule_metas(PACKS):
        assert page.count(f"### {meta.id} {meta.name}\n") == 1


def test_rules_are_found_by_id_or_name() -> None:
    assert find_rule(PACKS, "owa9005").name == "nothing-to-audit"
    assert find_rule(PACKS, "nothing-to-audit").id == "OWA9005"
    with pytest.raises(UsageError, match="no rule is called 'OWA0000'"):
        find_rule(PACKS, "OWA0000")


def test_the_lists_that_ship_do_not_contradict_each_other() -> None:
    lists = NameLists(PACKS)
    idle = [
        (name, row.over)
        for name, rows in lists.reviewed.items()
        for row in rows
        if row.over and not {hit.entry for hit in lists.powerful(name)}.intersection(row.over)
    ]
    assert idle == []


def test_ids_have_one_severity_and_say_why() -> None:
    metas = rule_metas(PACKS)
    assert len({meta.id for meta in metas}) == len(metas)
    assert len({meta.name for meta in metas}) == len(metas)
    for meta in metas:
        assert meta.references, meta.id
        assert meta.explanation.endswith("."), meta.id
        assert meta.remediation.endswith("."), meta.id
