"""Table rules of the generic kind: another format is another table, not another module."""

from __future__ import annotations

from pathlib import Path

import pytest
from evidence_maker import evidence, place
from pack_maker import builtin_without_names

from owaudit.errors import UsageError
from owaudit.judge.packs import load_packs
from owaudit.judge.tables import rules_of
from owaudit.model.observation import DuplicateName, MetadataEntry
from owaudit.model.rule import EvidenceItem, Match

_TABLE = """
id = "ACME001"
name = "acme-key"
title = "A key of ours"
severity = "medium"
explanation = "Why."
remediation = "What."
references = ["CWE-1"]
on = "metadata.entry"
field = "key"
message = "{value} is ours: {why}"
where = { value = ["x", "y"] }
otherwise = { id = "ACME002", name = "acme-other", severity = "low", title = "Another key" }

[[deny]]
match = ["acme", "other.name*"]
why = "it is"
source = "here"

[[allow]]
match = ["acme.public", "free"]
why = "it may be"
source = "there"
"""


def _found(tmp_path: Path, *keys: str, value: str = "x") -> list[tuple[str, str]]:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.toml").write_text(_TABLE)
    pack = load_packs([tmp_path / "mine"], builtin=builtin_without_names(tmp_path), installed=False)[1]
    seen = evidence(*(MetadataEntry(locations=(place(),), key=key, value=value, size=1) for key in keys))
    (table,) = pack.tables
    return [(rule.meta.id, match.message) for rule in rules_of(table) for match in rule.check(seen)]


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("acme", [("ACME001", "acme is ours: it is")]),
        ("acme.inner", [("ACME001", "acme.inner is ours: it is")]),
        ("acme.public", []),
        ("acme.publicity", [("ACME001", "acme.publicity is ours: it is")]),
        ("other.names", [("ACME001", "other.names is ours: it is")]),
        ("free.below", []),
        ("acmes", [("ACME002", "Another key: acmes")]),
        ("{why}", [("ACME002", "Another key: {why}")]),
    ],
)
def test_rows(tmp_path: Path, key: str, found: list[tuple[str, str]]) -> None:
    assert _found(tmp_path, key) == found


def test_where_leaves_other_observations_out(tmp_path: Path) -> None:
    assert _found(tmp_path, "acme", "acmes", value="z") == []


def test_the_match_carries_the_row(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "a.toml").write_text(
        _TABLE.replace("metadata.entry", "archive.duplicate_name")
        .replace('field = "key"', 'field = "spellings"')
        .replace('where = { value = ["x", "y"] }', "")
    )
    pack = load_packs([folder], builtin=builtin_without_names(tmp_path), installed=False)[1]
    seen = DuplicateName(locations=(place(),), name="n", spellings=("free", "acme.a"))
    rule = rules_of(pack.tables[0])[0]
    assert list(rule.check(evidence(seen))) == [
        Match(
            "acme.a is ours: it is",
            seen,
            key="acme.a",
            evidence=(
                EvidenceItem(label="spellings", value="acme.a"),
                EvidenceItem(label="matched", value="acme"),
                EvidenceItem(label="why", value="it is"),
                EvidenceItem(label="source", value="here"),
            ),
        )
    ]
    assert (rules_of(pack.tables[0])[1].meta.explanation, pack.used.rules) == ("Why.", 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("metadata.entry", "metadata.entri"), "mine/a.toml: on: expected one of archive.code"),
        (('"free"', '"acme"'), "stands in both lists"),
        (("where = {", "where = { size_ = [],"), "mine/a.toml: where.size_: unknown key 'size_'"),
        (('match = ["acme", "other.name*"]', "match = [1]"), "deny[0].match[0]: expected a string"),
    ],
)
def test_wrong_tables_are_refused(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.toml").write_text(_TABLE.replace(*change))
    with pytest.raises(UsageError) as caught:
        load_packs([tmp_path / "mine"], builtin=builtin_without_names(tmp_path), installed=False)
    assert message in str(caught.value)
