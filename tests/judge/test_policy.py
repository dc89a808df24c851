"""The policy file: what it may say, where it is found, and where it is never taken from."""

from __future__ import annotations

from pathlib import Path

import pytest

from owaudit.errors import UsageError
from owaudit.judge.evaluate import policy_digest
from owaudit.judge.policy import find_policy, read_policy
from owaudit.model.evidence import Diagnostic
from owaudit.model.observation import Use
from owaudit.model.policy import AllowedName, Gate, Policy, SecondOpinion
from owaudit.model.rule import Severity

_WHOLE = """
[gate]
fail_on = "medium"

[imports]
allow = [
  { name = "pkg.b", reason = "read" },
  { name = "pkg.a", use = "build", reason = "…" },
]

[second_opinion]
enabled = false
file_bytes = 10
instructions = 20
"""


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_whole_policy(tmp_path: Path) -> None:
    assert read_policy(_write(tmp_path / "team.toml", _WHOLE)) == Policy(
        source="team.toml",
        gate=Gate(fail_on=Severity.MEDIUM),
        allowed_names=(
            AllowedName(name="pkg.a", use=Use.BUILD, reason="…"),
            AllowedName(name="pkg.b", use=Use.CALL, reason="read"),
        ),
        second_opinion=SecondOpinion(enabled=False, file_bytes=10, instructions=20),
    )


def test_an_empty_policy_is_the_built_in_one_under_another_name(tmp_path: Path) -> None:
    assert read_policy(_write(tmp_path / "p.toml", "")) == Policy(source="p.toml")


def test_no_gate(tmp_path: Path) -> None:
    assert read_policy(_write(tmp_path / "p.toml", '[gate]\nfail_on = "none"')).gate == Gate(fail_on=None)


def test_the_project_file_holds_the_same_tables(tmp_path: Path) -> None:
    text = '[project]\nname = "x"\n[tool.other]\na = 1\n[tool.owaudit.gate]\nfail_on = "low"\n'
    assert read_policy(_write(tmp_path / "pyproject.toml", text)) == Policy(
        source="pyproject.toml", gate=Gate(fail_on=Severity.LOW)
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[gates]", "p.toml: gates: unknown key 'gates'; did you mean 'gate'?"),
        ('[gate]\nfial_on = "high"', "p.toml: gate.fial_on: unknown key 'fial_on'; did you mean 'fail_on'?"),
        (
            "zzz = 1",
            "p.toml: zzz: unknown key 'zzz'; known keys: formats, frameworks, gate, imports, integrity, "
            "limits, origin, packs, rules, second_opinion, waivers, waiving",
        ),
        ("gate = 1", "p.toml: gate: expected a table, found 1"),
        (
            '[gate]\nfail_on = "hihg"',
            "p.toml: gate.fail_on: expected one of critical, high, medium, low, info, none; found 'hihg'",
        ),
        ('[imports]\nallow = ["pkg.a"]', "p.toml: imports.allow[0]: expected a table, found 'pkg.a'"),
        ('[imports]\nallow = [{ name = "pkg.a" }]', "p.toml: imports.allow[0]: the key 'reason' is missing"),
        (
            '[imports]\nallow = [{ name = "pkg.a", reason = " " }]',
            "p.toml: imports.allow[0].reason: expected a string that is not empty",
        ),
        (
            '[imports]\nallow = [{ name = "pkg.a", use = "alter", reason = "x" }]',
            "p.toml: imports.allow[0].use: expected one of reference, construct, build, call; found 'alter'",
        ),
        (
            '[imports]\nallow = [{ name = "pkg.*", reason = "x" }]',
            "p.toml: imports.allow[0].name: expected one exact dotted name, found 'pkg.*'",
        ),
        (
            '[imports]\nallow = [{ name = "a", reason = "x" }, { name = "a", reason = "y" }]',
            "p.toml: imports.allow[1].name: 'a' stands twice",
        ),
        (
            "[second_opinion]\nfile_bytes = -1",
            "p.toml: second_opinion.file_bytes: expected an integer from 0, found -1",
        ),
        ("[second_opinion]\nenabled = 1", "p.toml: second_opinion.enabled: expected true or false, found 1"),
        ("x = [", "p.toml: not a TOML file: Invalid value (at end of document)"),
    ],
)
def test_wrong_policies_are_refused_with_file_and_place(tmp_path: Path, text: str, message: str) -> None:
    path = _write(tmp_path / "p.toml", text)
    with pytest.raises(UsageError) as caught:
        read_policy(path)
    assert str(caught.value) == message


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"policy gone\.toml: No such file or directory"):
        read_policy(tmp_path / "gone.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff")
    with pytest.raises(UsageError, match=r"bytes\.toml: not a TOML file"):
        read_policy(tmp_path / "bytes.toml")
    with pytest.raises(UsageError, match=r"pyproject\.toml: holds no table \[tool\.owaudit\]"):
        read_policy(_write(tmp_path / "pyproject.toml", "[tool.ruff]"))


def test_a_policy_is_found_upwards(tmp_path: Path) -> None:
    policy = _write(tmp_path / "owaudit.toml", "")
    work = tmp_path / "a" / "b"
    work.mkdir(parents=True)
    _write(tmp_path / "a" / "pyproject.toml", "[tool.ruff]\n")
    models = tmp_path / "models"
    models.mkdir()
    assert find_policy(work, [models]) == (policy, ())
    near = _write(tmp_path / "a" / "pyproject.toml", "[tool.owaudit]\n")
    assert find_policy(work, [models]) == (near, ())


def test_no_policy_anywhere(tmp_path: Path) -> None:
    assert find_policy(tmp_path, [tmp_path / "models"]) == (None, ())


def _note(name: str) -> Diagnostic:
    return Diagnostic(
        level="warning",
        source="policy",
        message=(
            f"{name} lies in the scanned target and was not used as policy; "
            "name it with --policy if it is yours"
        ),
    )


def test_a_policy_in_the_target_is_passed_over_and_told(tmp_path: Path) -> None:
    target = tmp_path / "downloaded"
    _write(target / "owaudit.toml", '[gate]\nfail_on = "none"')
    _write(target / "pyproject.toml", "[tool.owaudit]\n")
    (target / "sub").mkdir()
    notes = (_note("owaudit.toml"), _note("pyproject.toml"))
    assert find_policy(target, [target]) == (None, notes)
    assert find_policy(target / "sub", [target]) == (None, notes)
    outer = _write(tmp_path / "owaudit.toml", "")
    assert find_policy(target / "sub", [target]) == (outer, notes)
    assert find_policy(tmp_path, [outer]) == (None, (_note("owaudit.toml"),))


def test_a_link_does_not_bring_a_policy_out_of_the_target(tmp_path: Path) -> None:
    target = tmp_path / "downloaded"
    inside = _write(target / "owaudit.toml", "")
    work = tmp_path / "work"
    work.mkdir()
    (work / "owaudit.toml").symlink_to(inside)
    assert find_policy(work, [target]) == (None, (_note("owaudit.toml"),))
    (tmp_path / "same").symlink_to(target)
    assert find_policy(tmp_path / "same", [target]) == (None, (_note("owaudit.toml"),))


def test_a_broken_project_file_in_the_target_is_not_parsed(tmp_path: Path) -> None:
    _write(tmp_path / "pyproject.toml", "owaudit = [")
    assert find_policy(tmp_path, [tmp_path]) == (None, (_note("pyproject.toml"),))
    with pytest.raises(UsageError, match=r"pyproject\.toml: not a TOML file"):
        find_policy(tmp_path, [])


def test_the_digest_follows_the_policy(tmp_path: Path) -> None:
    assert policy_digest(Policy()) == "8d5fe8db08fb86c410586953ff5b3f02a5bc0ebf737ce605f6f4636ea0185805"
    assert policy_digest(Policy(gate=Gate(fail_on=None))) != policy_digest(Policy())
