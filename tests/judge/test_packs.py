"""Packs: what they hold, their digests, and everything they are refused for."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest
from evidence_maker import evidence, used
from pack_maker import POWERFUL, REVIEWED, builtin_without_names, small_packs

from owaudit.errors import UsageError
from owaudit.judge.names import NameLists, judge_names
from owaudit.judge.packs import load_packs
from owaudit.model.observation import Use
from owaudit.model.policy import Policy

_META = """
id = "ACME001"
name = "acme-rule"
title = "A rule"
severity = "low"
explanation = "Why."
remediation = "What."
"""

_TABLE = (
    _META
    + """
on = "metadata.entry"
field = "key"

[[deny]]
match = ["secret"]
why = "w"
source = "s"
"""
)

_PYTHON = """
from owaudit.model.rule import Match, PythonRule, RuleMeta, Severity

META = RuleMeta(id="{id}", name="acme-python", title="T", severity=Severity.LOW, explanation="E",
                remediation="R", references=())

def check(evidence):
    yield Match("always")

RULE = PythonRule(META, check)
"""


def _directory(tmp_path: Path, **files: str) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def _load(tmp_path: Path, folder: Path, *targets: Path) -> list[tuple[str, str, int]]:
    packs = load_packs([folder], targets=targets, builtin=builtin_without_names(tmp_path), installed=False)
    return [(pack.used.name, pack.used.source, pack.used.rules) for pack in packs]


def test_a_directory_of_tables_and_modules(tmp_path: Path) -> None:
    folder = _directory(
        tmp_path, a__toml=_TABLE, b__py=_PYTHON.replace("{id}", "ACME002"), _c__py="raise OSError"
    )
    (folder / "frameworks").mkdir()
    (folder / "frameworks" / "other.toml").write_text("anything = true")
    assert _load(tmp_path, folder) == [("owaudit", "built-in", 8), ("mine", "--rules", 2)]


def test_the_digest_is_over_sorted_paths_and_contents(tmp_path: Path) -> None:
    folder = _directory(
        tmp_path, b__toml=_TABLE, a__py=_PYTHON.replace("{id}", "ACME002"), README__md="not a rule"
    )
    pack = load_packs([folder], builtin=builtin_without_names(tmp_path), installed=False)[1]
    lines = "".join(
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in ("a.py", "b.toml")
    )
    assert pack.used.digest.hex == hashlib.sha256(lines.encode()).hexdigest()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "rule pack mine: holds no rules"),
        ({"a__toml": "x ="}, "mine/a.toml: not a TOML file: Invalid value (at end of document)"),
        ({"a__toml": "x = 1"}, "mine/a.toml: top: expected one of the keys 'on', 'reviewed' and 'table'"),
        (
            {"a__toml": 'table = "loder"'},
            "mine/a.toml: table: expected one of outcomes, modules, loader; found 'loder'",
        ),
        (
            {"a__toml": _TABLE.replace('"low"', '"hihg"')},
            "mine/a.toml: severity: expected one of critical, high, medium, low, info; found 'hihg'",
        ),
        ({"a__toml": _TABLE.replace("why =", "wy =")}, "mine/a.toml: deny[0]: the key 'why' is missing"),
        (
            {"a__toml": _TABLE + 'wjy = "x"'},
            "mine/a.toml: deny[0].wjy: unknown key 'wjy'; did you mean 'why'?",
        ),
        (
            {"a__toml": _TABLE.replace('"key"', '"kye"')},
            "mine/a.toml: field: expected one of count, key, locations, size, value; found 'kye'",
        ),
        (
            {"a__toml": _TABLE.replace('["secret"]', "[]")},
            "mine/a.toml: deny[0].match: expected at least one entry",
        ),
        (
            {"a__toml": _TABLE.replace('"secret"', '"a..b"')},
            "mine/a.toml: deny[0].match[0]: 'a..b' has an empty component",
        ),
        (
            {"a__toml": _TABLE.replace("ACME001", "acme-1")},
            "mine/a.toml: top: expected an id such as OWA1001, found 'acme-1'",
        ),
        (
            {"a__toml": _TABLE.replace("acme-rule", "Acme Rule")},
            "mine/a.toml: top: expected a kebab-case rule name, found 'Acme Rule'",
        ),
        ({"a__toml": _TABLE, "b__toml": _TABLE}, "rule pack mine: the id ACME001 is used twice"),
        (
            {"a__toml": _TABLE.replace("ACME001", "OWA1002")},
            "rule pack mine: the id OWA1002 (acme-rule) is taken in rule pack owaudit",
        ),
        (
            {"a__toml": REVIEWED.replace('"acme.flag"', '"acme.*"')},
            "mine/a.toml: allow[6].match[0]: expected an exact dotted name, found 'acme.*'",
        ),
        (
            {"a__toml": REVIEWED.replace('use = "build"', 'use = "alter"')},
            "mine/a.toml: allow[4].use: expected one of reference, construct, build, call; found 'alter'",
        ),
        (
            {"a__toml": POWERFUL.replace('"os.system"', '"os.\\u0073ystem"')},
            "mine/a.toml: deny[0]: write 'os.system' on one line and without escapes",
        ),
        (
            {"a__py": "RULE = 1"},
            "mine/a.py: expected RULE = PythonRule(...) or RULES = (PythonRule(...), ...)",
        ),
        (
            {"a__py": "import nowhere_at_all"},
            "mine/a.py: cannot be loaded: ModuleNotFoundError: No module named 'nowhere_at_all'",
        ),
        ({"a__py": _PYTHON.replace("{id}", "x")}, "mine/a.py: expected an id such as OWA1001, found 'x'"),
    ],
)
def test_wrong_packs_are_refused_with_file_and_place(
    tmp_path: Path, files: dict[str, str], message: str
) -> None:
    folder = _directory(tmp_path, **files)
    with pytest.raises(UsageError) as caught:
        _load(tmp_path, folder)
    assert str(caught.value) == message


@pytest.mark.parametrize(("rules", "target"), [("t/rules", "t"), ("t", "t"), ("t", "t/models/a.pkl")])
def test_rules_that_overlap_a_target_are_refused(tmp_path: Path, rules: str, target: str) -> None:
    for name in {rules, "t/models"}:
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    (tmp_path / "t" / "models" / "a.pkl").write_bytes(b"N.")
    (tmp_path / rules / "a.toml").write_text(_TABLE)
    with pytest.raises(UsageError, match="overlaps the scanned target"):
        _load(tmp_path, tmp_path / rules, tmp_path / target)


def test_a_link_does_not_hide_that_rules_lie_in_a_target(tmp_path: Path) -> None:
    target = tmp_path / "t"
    (target / "rules").mkdir(parents=True)
    (target / "rules" / "a.toml").write_text(_TABLE)
    (tmp_path / "link").symlink_to(target / "rules")
    with pytest.raises(UsageError, match="overlaps the scanned target"):
        _load(tmp_path, tmp_path / "link", target)
    outside = _directory(tmp_path)
    (outside / "a.toml").symlink_to(target / "rules" / "a.toml")
    (tmp_path / "again").mkdir()
    with pytest.raises(UsageError, match=r"a\.toml: leads into a scanned target"):
        _load(tmp_path / "again", outside, target)


def test_a_name_stands_in_one_list(tmp_path: Path) -> None:
    folder = _directory(
        tmp_path, p__toml=POWERFUL, r__toml=REVIEWED.replace("acme.Plain", "acme.tools.Plain")
    )
    with pytest.raises(UsageError) as caught:
        NameLists(load_packs([folder], builtin=builtin_without_names(tmp_path), installed=False))
    assert str(caught.value) == (
        "mine/r.toml: allow[4]: 'acme.tools.Plain' is also covered by the powerful entry 'acme.tools'; "
        "a name stands in one list"
    )


def test_a_name_in_both_lists_that_ship_counts_as_powerful(tmp_path: Path) -> None:
    folder = builtin_without_names(tmp_path)
    (folder / "p.toml").write_text(POWERFUL)
    (folder / "r.toml").write_text(REVIEWED.replace("acme.Plain", "acme.tools.Plain"))
    lists = NameLists(load_packs(builtin=folder, installed=False))
    judged, _ = judge_names(evidence(used("acme.tools.Plain", Use.BUILD)), lists, Policy())
    assert [item.meta.id for item in judged] == ["OWA1001"]


def test_over_covers_the_other_spellings_of_the_same_row(tmp_path: Path) -> None:
    folder = _directory(
        tmp_path,
        p__toml=POWERFUL,
        r__toml=REVIEWED.replace('match = ["acme.flag"]', 'match = ["acme.tools.flag"]\nover = "os.system"'),
    )
    packs = load_packs([folder], builtin=builtin_without_names(tmp_path), installed=False)
    flag = used("acme.tools.flag", Use.REFERENCE)
    assert judge_names(evidence(flag), NameLists(packs), Policy()) == ([], [])


def test_taking_a_name_out_of_a_powerful_row_needs_conditions(tmp_path: Path) -> None:
    folder = _directory(tmp_path, a__toml=REVIEWED.replace('use = "build"', 'use = "build"\nover = "acme"'))
    with pytest.raises(UsageError, match=r"allow\[4\]\.over: needs conditions, or only the use 'reference'"):
        _load(tmp_path, folder)


def test_names_cannot_be_judged_without_the_outcomes(tmp_path: Path) -> None:
    (tmp_path / "only").mkdir()
    (tmp_path / "only" / "p.toml").write_text(POWERFUL)
    packs = load_packs(builtin=tmp_path / "only", installed=False)
    with pytest.raises(UsageError, match="no rule pack describes the outcome 'unreviewed-call'"):
        NameLists(packs)


def _install(site: Path, value: str) -> None:
    info = site / "acme_rules-2.5.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-rules\nVersion: 2.5\n")
    (info / "entry_points.txt").write_text(f"[owaudit.rules]\nacme = {value}\n")
    (site / "acme_rules").mkdir()
    (site / "acme_rules" / "__init__.py").write_text("raise RuntimeError('imported')")
    (site / "acme_rules" / "a.toml").write_text(_TABLE)


def test_installed_distributions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install(tmp_path / "site", "acme_rules")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site")])
    packs = load_packs(builtin=builtin_without_names(tmp_path))
    assert [(p.used.name, p.used.source, p.used.version, p.used.rules) for p in packs[1:]] == [
        ("acme", "installed", "2.5", 1)
    ]
    inside = load_packs(builtin=tmp_path / "builtin", targets=[tmp_path / "site"])
    assert len(inside) == 1, "a distribution inside the target is not installed, it is scanned"


def test_an_entry_point_that_is_no_package_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _install(tmp_path / "site", "acme_rules:RULES")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site")])
    with pytest.raises(UsageError) as caught:
        load_packs(builtin=builtin_without_names(tmp_path))
    assert str(caught.value) == (
        "entry point acme of owaudit.rules: expected the name of an installed package, "
        "found 'acme_rules:RULES'"
    )


def test_loading_twice_gives_equal_packs(tmp_path: Path) -> None:
    first = small_packs(tmp_path)
    assert load_packs(builtin=tmp_path / "builtin", installed=False) == first
