"""``owaudit policy`` and ``owaudit schema --policy``: what they write, and that it is what is read."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # ships without types
import pytest
from click.testing import CliRunner
from scanning import run

from owaudit.cli import main
from owaudit.judge.policy import read_policy
from owaudit.judge.policy_schema import policy_schema
from owaudit.judge.policy_template import TEMPLATE
from owaudit.model.policy import Policy

_WHOLE = re.sub(r"^(\s*)# (?=[\[{a-z].*[\]}\"'0-9e,]$)", r"\1", TEMPLATE, flags=re.M)
"""The template with every comment that is a line of TOML uncommented."""
_WAIVER = """
[[waivers]]
id = "W-1"
rule = "OWA1003"
artifact = "*.bin"
owner = "models"
reason = "read"
created = "2026-09-01"
expires = "2026-11-30"
"""


def _written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "owaudit.toml"
    path.write_text(text, encoding="utf-8")
    return path


def _as_json(value: Any) -> Any:
    """TOML as an editor's schema sees it: dates are strings."""
    return json.loads(json.dumps(value, default=str))


def test_the_template_is_the_built_in_policy(tmp_path: Path) -> None:
    assert replace(read_policy(_written(tmp_path, TEMPLATE)), source="built-in") == Policy()


def test_every_comment_of_the_template_is_a_line_that_is_read(tmp_path: Path) -> None:
    policy = read_policy(_written(tmp_path, _WHOLE))
    assert [waiver.problem for waiver in policy.waivers] == [""]
    assert set(tomllib.loads(_WHOLE)) == set(policy_schema()["properties"])
    assert [signer.identity for signer in policy.origin.signers] == ["release@example.org"]


@pytest.mark.parametrize(
    "text", [TEMPLATE, _WHOLE, _WAIVER, ""], ids=["template", "whole", "waiver", "empty"]
)
def test_the_schema_accepts_what_is_read(text: str, tmp_path: Path) -> None:
    read_policy(_written(tmp_path, text))
    jsonschema.Draft202012Validator.check_schema(policy_schema())
    jsonschema.validate(_as_json(tomllib.loads(text)), policy_schema(), cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    "text",
    [
        "[gates]",
        '[gate]\nfail_on = "hihg"',
        '[imports]\nallow = [{ name = "a.b" }]',
        '[imports]\nallow = [{ name = "a.*", reason = "x" }]',
        "[limits]\nseconds = 0",
        '[[rules]]\nid = "OWA1001"\nseverity = "off"\nreason = "x"',
        '[integrity]\nrequired = "self"',
        '[[waivers]]\nid = "W"\nexpiry = "2026-01-01"',
    ],
)
def test_the_schema_refuses_what_is_refused(text: str, tmp_path: Path) -> None:
    assert CliRunner().invoke(main, ["policy", "check", str(_written(tmp_path, text))]).exit_code == 2
    errors = jsonschema.Draft202012Validator(policy_schema()).iter_errors(_as_json(tomllib.loads(text)))
    assert len(list(errors)) > 0


def test_the_schema_knows_every_key_that_is_read(tmp_path: Path) -> None:
    """A key that the reader knows and the schema does not would be marked as wrong in an editor."""

    def keys(schema: dict[str, Any], name: str) -> set[str]:
        table = schema["properties"][name]
        return set(table.get("items", table)["properties"])

    for name in policy_schema()["properties"]:
        is_list = policy_schema()["properties"][name]["type"] == "array"
        path = _written(tmp_path, f"[[{name}]]\nzzz = 1" if is_list else f"[{name}]\nzzz = 1")
        outcome = CliRunner().invoke(main, ["policy", "check", str(path)])
        found = re.search(r"unknown key 'zzz'; known keys: ([a-z0-9_, ]+)", outcome.stderr)
        if found is not None:
            assert set(found[1].split(", ")) == keys(policy_schema(), name)
        else:
            assert "the key 'id' is missing" in outcome.stderr, (name, outcome.stderr)


def test_init_writes_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("policy", "init")[0] == 0
    assert (tmp_path / "owaudit.toml").read_text(encoding="utf-8") == TEMPLATE
    again = CliRunner().invoke(main, ["policy", "init"])
    assert (again.exit_code, again.stderr) == (
        2,
        "owaudit: owaudit.toml exists already; nothing was written\n",
    )
    assert run("policy", "init", "-o", "-") == (0, TEMPLATE)


def test_check_says_what_a_policy_means(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795132800")  # 2026-11-20
    path = _written(tmp_path, '[gate]\nfail_on = "medium"\n[formats]\nallow = ["safetensors"]\n' + _WAIVER)
    code, text = run("policy", "check", str(path))
    lines = text.splitlines()
    assert re.fullmatch(r"  sha256          [0-9a-f]{64}", lines.pop(5))
    assert (code, lines) == (
        0,
        [
            "owaudit.toml: in order",
            "  gate            fails on medium and above; an unanswered question exits with 3",
            "  imports         0 names allowed",
            "  formats         only safetensors",
            "  second opinion  another scanner is asked where it is installed",
            "  waiver          W-1: in force. Until 2026-11-30.",
        ],
    )


def test_check_tells_waivers_that_hold_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1796083200")  # 2026-12-01
    broken = _WAIVER.replace("W-1", "W-2").replace('owner = "models"\n', "")
    code, text = run("policy", "check", str(_written(tmp_path, _WAIVER + broken)))
    assert code == 1
    assert text.splitlines()[0] == "owaudit.toml: a waiver is not in order"
    assert text.splitlines()[-2:] == [
        "  waiver          W-1: expired. It ended on 2026-11-30.",
        "  waiver          W-2: invalid. It has no owner.",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[[rules]]\nid = "OWA1999"\nseverity = "low"\nreason = "x"',
            "owaudit.toml: rules: no loaded rule has the id 'OWA1999'",
        ),
        ('[waiving]\nalso = ["OWA1999"]', "owaudit.toml: waiving.also: no loaded rule has the id 'OWA1999'"),
        ('[frameworks]\nshow = ["iso"]', "no framework is called 'iso'; known are csa-aicm"),
        (
            '[packs]\nrequired = ["acme"]',
            "the policy requires the rule pack 'acme', which is not installed or named",
        ),
    ],
)
def test_check_refuses_what_is_not_there(text: str, message: str, tmp_path: Path) -> None:
    outcome = CliRunner().invoke(main, ["policy", "check", str(_written(tmp_path, text))])
    assert outcome.exit_code == 2
    assert message in outcome.stderr


def test_check_without_a_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = CliRunner().invoke(main, ["policy", "check"])
    assert (outcome.exit_code, outcome.stdout) == (2, "")


def test_folders_of_a_policy_are_relative_to_it(tmp_path: Path) -> None:
    rules = tmp_path / "our-rules"
    rules.mkdir()
    table = 'table = "modules"\nsource = "ours"\nmodules = ["acme"]\n'
    (rules / "modules.toml").write_text(table, encoding="utf-8")
    (tmp_path / "team").mkdir()
    policy = '[packs]\nfolders = ["../our-rules"]\nrequired = ["our-rules"]\n'
    code, text = run("policy", "check", str(_written(tmp_path / "team", policy)))
    assert (code, text.splitlines()[3]) == (0, "  packs           ../our-rules, our-rules")


def test_the_frameworks_are_listed_with_their_editions() -> None:
    _, text = run("policy", "frameworks")
    assert (
        "s2c2f              S2C2F, Requirements as read in November 2026; 8 controls, high confidence" in text
    )
    assert len(text.splitlines()) == 12


def test_the_schema_is_printed() -> None:
    assert json.loads(run("schema", "--policy")[1]) == policy_schema()
