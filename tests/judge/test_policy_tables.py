"""The tables of a policy about formats, limits, rules, packs, frameworks and waivers."""

from __future__ import annotations

from pathlib import Path

import pytest

from owaudit.errors import UsageError
from owaudit.judge.policy import read_policy
from owaudit.model.limits import Limits
from owaudit.model.policy import FormatsPolicy, PacksPolicy, Policy, RuleChange, Waiver, Waiving
from owaudit.model.rule import Severity

_DIGEST = "0123456789abcdef" * 4
_WHOLE = f"""
[formats]
allow = ["safetensors", "json"]
deny = ["pickle"]

[limits]
nesting_depth = 4

[[rules]]
id = "OWA2012"
severity = "info"
reason = "our mirror renames files"

[packs]
folders = ["../our-rules"]
required = ["acme"]

[frameworks]
show = ["nist-sp-800-218a", "owasp-aisvs"]

[waiving]
days = 90
also = ["OWA9002"]

[[waivers]]
id = "W-1"
rule = "OWA1003"
sha256 = "sha256:{_DIGEST.upper()}"
owner = "models"
reason = "read in full"
created = 2026-09-01
expires = "2026-11-30"
approved_by = "security"
ticket = "T-1"

[[waivers]]
id = "W-2"
rule = "OWA1004"
artifact = "sub/**"
owner = 3
"""


def _read(tmp_path: Path, text: str) -> Policy:
    path = tmp_path / "p.toml"
    path.write_text(text, encoding="utf-8")
    return read_policy(path)


def test_every_table(tmp_path: Path) -> None:
    assert _read(tmp_path, _WHOLE) == Policy(
        source="p.toml",
        formats=FormatsPolicy(allow=("json", "safetensors"), deny=("pickle",)),
        limits=Limits(nesting_depth=4),
        rules=(RuleChange(rule="OWA2012", severity=Severity.INFO, reason="our mirror renames files"),),
        packs=PacksPolicy(folders=("../our-rules",), required=("acme",)),
        frameworks=("nist-sp-800-218a", "owasp-aisvs"),
        waiving=Waiving(days=90, also=("OWA9002",)),
        waivers=(
            Waiver(
                id="W-1",
                rule="OWA1003",
                sha256=(_DIGEST,),
                owner="models",
                reason="read in full",
                created="2026-09-01",
                expires="2026-11-30",
                approved_by="security",
                ticket="T-1",
            ),
            Waiver(
                id="W-2",
                rule="OWA1004",
                artifact="sub/**",
                problem="Owner: expected a string, found 3.",
            ),
        ),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[formats]\nallow = ["a"]\ndeny = ["a"]', "p.toml: formats.deny: 'a' stands in allow too"),
        ("[limits]\nseconds = 0", "p.toml: limits.seconds: expected an integer from 1, found 0"),
        ("[limits]\nsecond = 1", "p.toml: limits.second: unknown key 'second'; did you mean 'seconds'?"),
        ('[[rules]]\nid = "OWA1"\nseverity = "low"', "p.toml: rules[0]: the key 'reason' is missing"),
        (
            '[[rules]]\nid = "OWA1"\nseverity = "off"\nreason = "x"',
            "p.toml: rules[0].severity: expected one of critical, high, medium, low, info; found 'off'",
        ),
        (
            '[packs]\nfolders = ["/etc/rules"]',
            "p.toml: packs.folders: expected a path relative to the policy, found '/etc/rules'",
        ),
        (
            '[[waivers]]\nid = "W"\nexpiry = 2026-01-01',
            "p.toml: waivers[0].expiry: unknown key 'expiry'; did you mean 'expires'?",
        ),
        ("[waivers]\nid = 1", "p.toml: waivers: expected a list of tables, found {'id': 1}"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        _read(tmp_path, text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('id = ""', "Id: expected a string that is not empty."),
        ("rule = 1", "Rule: expected a string, found 1."),
        ("sha256 = [1]", "Sha256[0]: expected a string that is not empty, found 1."),
        ("expires = 2026-01-01T00:00:00Z", "Expires: expected a string, found datetime.datetime("),
        ("created = 20260101", "Created: expected a string, found 20260101."),
    ],
)
def test_a_waiver_with_a_fault_is_kept_with_it(line: str, problem: str, tmp_path: Path) -> None:
    (waiver,) = _read(tmp_path, f"[[waivers]]\n{line}\n").waivers
    assert waiver.problem.startswith(problem)


def test_a_waiver_without_id_has_a_number(tmp_path: Path) -> None:
    (waiver,) = _read(tmp_path, '[[waivers]]\nrule = "OWA1001"\n').waivers
    assert (waiver.id, waiver.problem) == ("(waiver 1)", "It has no id.")
