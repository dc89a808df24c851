"""``owaudit diff`` on folders, reports and evidence, in every format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from scanning import run

from owaudit.cli import main

_CALM = b"\x80\x02ccollections\nOrderedDict\n)R."
_LOUD = b"\x80\x02cposix\nsystem\nX\x07\x00\x00\x00echo hi\x85R."


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in (("v1", _CALM), ("v2", _LOUD)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.pkl").write_bytes(content)


def test_two_folders_as_text() -> None:
    code, text = run("diff", "v1", "v2")
    lines = text.splitlines()
    assert code == 0
    assert lines == [
        "old  v1: Pass; load pass, integrity absent, origin absent; 1 file, 30 bytes",
        "new  v2: Fail; load fail, integrity absent, origin absent; 1 file, 31 bytes",
        "",
        "Findings",
        "  + a.pkl@29-30: OWA1001 Loading calls posix.system('echo hi') (critical, open, at the gate)",
        "",
        "Files",
        "  ~ a.pkl (5254f1fd6238 → 2ea1ecd7b886)",
        "",
        "Imports",
        "  + a.pkl: posix.system (call, reference)",
        "  - a.pkl: collections.OrderedDict (call, reference)",
        "",
        "findings 1 added; files 1 changed; imports 1 added, 1 removed.",
    ]


def test_every_kind_of_input_tells_the_same() -> None:
    run("collect", "v1", "-o", "v1.json")
    run("collect", "v2", "-o", "v2.json")
    folders = json.loads(run("diff", "v1", "v2", "--format", "json")[1])
    assert json.loads(run("diff", "v1.json", "v2.json", "--format", "json")[1]) == folders
    run("scan", "v1", "-o", "r1.json", "--no-second-opinion")
    run("scan", "v2", "-o", "r2.json", "--no-second-opinion")
    reports = json.loads(run("diff", "r1.json", "r2.json", "--format", "json")[1])
    same = ("findings", "files")
    for part in same:
        assert [c for c in reports["changes"] if c["part"] == part] == [
            c for c in folders["changes"] if c["part"] == part
        ]
    assert len(reports["not_compared"]) == 1


def test_the_exit_code_tells_only_when_asked() -> None:
    assert run("diff", "v1", "v2")[0] == 0
    assert run("diff", "v1", "v2", "--exit-code")[0] == 1
    code, text = run("diff", "v1", "v1", "--exit-code")
    assert (code, text.splitlines()[-1]) == (0, "Nothing differs in what was compared.")


def test_files_are_written_beside() -> None:
    _, text = run("diff", "v1", "v2", "-o", "d.json", "-o", "d.md", "-o", "d.txt")
    assert json.loads(Path("d.json").read_text(encoding="utf-8"))["schema"] == 1
    assert Path("d.txt").read_text(encoding="utf-8") == text
    page = Path("d.md").read_text(encoding="utf-8")
    assert "### Imports\n\n| | where | what | how it stands |\n|---|---|---|---|\n| added |" in page
    outcome = CliRunner().invoke(main, ["diff", "v1", "v2", "-o", "d.pdf"])
    assert (outcome.exit_code, ".json .md .txt" in outcome.stderr) == (2, True)


def test_a_broken_report_is_not_taken_for_a_model() -> None:
    Path("r.json").write_text('{"schema": 1, "verdict": {}, "findings": []}', encoding="utf-8")
    assert CliRunner().invoke(main, ["diff", "r.json", "v2"]).exit_code == 2


def test_hostile_names_are_inert() -> None:
    name = "x\x1b[31m\n::error::|<script>.txt"
    Path("v2", name).write_text("hello", encoding="utf-8")
    for form in ("text", "markdown"):
        _, text = run("diff", "v1", "v2", "--format", form)
        assert "\x1b" not in text
        assert "\n::error" not in text
    assert "<script>" not in text
