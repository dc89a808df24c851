"""The catalogue: current, complete, and short where lists are long."""

from __future__ import annotations

import pytest

from owaudit.errors import UsageError
from owaudit.judge.catalogue import find_rule, render_catalogue, rule_metas
from owaudit.judge.names import NameLists
from owaudit.judge.packs import load_packs
from owaudit.judge.rows import read_reviewed, read_row
from owaudit.judge.strict import parse
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
    assert list(NameLists(PACKS).contradictions()) == []


def test_reading_lists_row_by_row_reads_what_is_in_the_file() -> None:
    lists = NameLists(PACKS)
    for path in sorted((shipped("rules") / "reviewed").glob("*.toml")):
        whole = read_reviewed(parse(path.read_bytes(), f"owaudit/reviewed/{path.name}"))
        (sheet,) = [s for s in PACKS[0].reviewed if s.file == f"owaudit/reviewed/{path.name}"]
        assert sheet.rows() == whole
        for row in whole:
            assert [name for name in row.match if row not in lists.reviewed(name)] == []


def test_every_powerful_entry_is_found() -> None:
    lists = NameLists(PACKS)
    for table in PACKS[0].powerful:
        whole = parse((shipped("rules") / table.file.removeprefix("owaudit/")).read_bytes(), table.file)
        rows = tuple(read_row(row) for row in whole.sections("deny"))
        assert table.deny.rows() == rows
        for entry in (entry for row in rows for entry in row.match):
            name = entry.replace("*", "x")
            assert entry in [hit.entry for hit in lists.powerful(name)], entry


def test_ids_have_one_severity_and_say_why() -> None:
    metas = rule_metas(PACKS)
    assert len({meta.id for meta in metas}) == len(metas)
    assert len({meta.name for meta in metas}) == len(metas)
    for meta in metas:
        assert meta.references, meta.id
        assert meta.explanation.endswith("."), meta.id
        assert meta.remediation.endswith("."), meta.id
