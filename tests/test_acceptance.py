"""What a user is promised of single samples: the words, the place, and the line that allows a name."""

from __future__ import annotations

from pathlib import Path

import pytest
from scanning import run, scan, scan_files

from fixtures import all_recipes, write
from fixtures.demo import SAMPLES, honest, samples

_RECIPES = {recipe.name: recipe for recipe in all_recipes()}
_PAYLOADS_IN_TORCH = [
    f"torch-call-{route}"
    for route in (
        "os-system", "posix-system", "getattr", "dotted", "partial", "inst", "obj", "newobj-ex", "build",
        "broken",
    )
]  # fmt: skip


@pytest.mark.parametrize("name", _PAYLOADS_IN_TORCH)
def test_a_process_is_critical_with_its_argument_member_and_offset(name: str, tmp_path: Path) -> None:
    audit = scan_files(_RECIPES[name].build(), tmp_path / "target")
    (found,) = [finding for finding in audit.report["findings"] if finding["rule"] == "OWA1001"]
    assert (found["severity"], found["gating"], audit.exit_code) == ("critical", True, 1)
    assert found["location"]["members"] == ["model/data.pkl"]
    assert found["location"]["start"] is not None
    assert "system" in found["message"]
    _, story = run("explain", str(tmp_path / "target" / "model.pt"))
    assert "echo hi" in story


def test_the_message_names_the_call(tmp_path: Path) -> None:
    audit = scan_files(_RECIPES["torch-call-os-system"].build(), tmp_path / "target")
    (found,) = audit.report["findings"]
    assert "os.system('echo hi')" in found["message"]
    assert (found["location"]["members"], found["location"]["start"]) == (["model/data.pkl"], 26)


def test_explain_prints_the_program(tmp_path: Path) -> None:
    write(_RECIPES["torch-call-os-system"].build(), tmp_path)
    _, text = run("explain", str(tmp_path / "model.pt"))
    assert "from os import system" in text
    assert "os.system('echo hi')" in text


def test_explain_prints_numbers_as_they_are(tmp_path: Path) -> None:
    write(_RECIPES["unreviewed-class"].build(), tmp_path)
    _, text = run("explain", str(tmp_path / "model.pkl"))
    assert "{'rate': 0.1}" in text


@pytest.mark.parametrize(
    ("name", "rule", "code"), [("unreviewed-call", "OWA1002", 1), ("unreviewed-class", "OWA1003", 3)]
)
def test_the_policy_line_allows_the_name(name: str, rule: str, code: int, tmp_path: Path) -> None:
    refused = scan_files(_RECIPES[name].build(), tmp_path / "target")
    assert (refused.rules, refused.exit_code) == ([rule], code)
    (line,) = [finding["policy_line"] for finding in refused.report["findings"]]
    assert "somepkg.mod" in line
    policy = tmp_path / "policy.toml"
    policy.write_text(line + "\n", encoding="utf-8")
    allowed = scan(tmp_path / "target", "--policy", str(policy))
    assert (allowed.rules, allowed.exit_code) == ([], 0)


def test_a_call_is_not_allowed_by_a_line_for_building(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(
        '[imports]\nallow = [{ name = "somepkg.mod.fn", use = "build", reason = "read" }]\n', encoding="utf-8"
    )
    audit = scan_files(_RECIPES["unreviewed-call"].build(), tmp_path / "target", "--policy", str(policy))
    assert (audit.rules, audit.exit_code) == (["OWA1002"], 1)


def test_the_demonstration_says_what_it_shows(tmp_path: Path) -> None:
    for folder, files in samples().items():
        write(files, tmp_path / folder)
    audit = scan(tmp_path)
    failing = {
        finding["artifact"].partition("/")[0] for finding in audit.report["findings"] if finding["gating"]
    }
    assert failing == {sample.folder for sample in SAMPLES} - honest()


def test_many_files_are_audited(tmp_path: Path) -> None:
    write({f"{index % 20}/part-{index}.txt": b"words\n" for index in range(2_000)}, tmp_path / "target")
    audit = scan(tmp_path / "target")
    assert (audit.rules, audit.exit_code, len(audit.report["artifacts"])) == ([], 0, 2_000)
