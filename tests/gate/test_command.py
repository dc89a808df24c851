"""``owaudit gate`` on its own: named models, anchors, joint SARIF, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fixtures import Files, write
from fixtures.demo import samples
from owaudit.cli import main

HOSTILE = b"cos\nsystem\n(S'echo hi'\ntR."
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository, and a mounted folder beside it."""
    repository = tmp_path / "repository"
    repository.mkdir()
    monkeypatch.chdir(repository)
    monkeypatch.delenv("GITHUB_OUTPUT", raising=False)
    return repository


def put(folder: Path, files: Files) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write(files, folder)
    return folder


def gate(*words: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error; a traceback fails the test."""
    done = CliRunner().invoke(main, ["gate", "--no-second-opinion", "--jobs", "1", *words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr


def places(folder: Path) -> list[tuple[str, int, str]]:
    """Path, line and rule of each SARIF result."""
    run = json.loads((folder / "report.sarif").read_text("utf-8"))["runs"][0]
    found = []
    for one in run["results"]:
        at = one["locations"][0]["physicalLocation"]
        found.append((at["artifactLocation"]["uri"], at["region"]["startLine"], one["ruleId"]))
        assert run["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] == one["ruleId"]
    return found


def subjects(folder: Path) -> dict[str, dict[str, Any]]:
    rows = json.loads((folder / "gate.json").read_text("utf-8"))["subjects"]
    return {row["name"]: row for row in rows}


def test_named_models_are_audited_where_they_are_and_shown_where_they_are_named(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(here.parent / "cache"))
    put(here.parent / "cache/models--org--enc/snapshots" / COMMIT, {"model.pkl": HOSTILE})
    put(here.parent / "mounted", {"notes.txt": b"Hello.\n"})
    (here / "owaudit.models.toml").write_text(
        f"""# our models
schema = 1

[[model]]
name = "encoder"
revision = "{COMMIT}"
source = "hf:org/enc"

[[model]]
name = "mounted"
source = "../mounted"
sha256 = {{ "notes.txt" = "{"0" * 64}" }}

[[model]]
name = "absent"
source = "hf:org/other"
"""
    )
    code, text, _ = gate("--models", "owaudit.models.toml", "--output-dir", "out")
    assert code == 1
    assert text.splitlines()[-1] == "Gate: fail (2 fail, 1 error). Exit code 1."
    assert places(here / "out") == [
        ("owaudit.models.toml", 7, "OWA1001"),
        ("owaudit.models.toml", 11, "OWA3001"),
    ]
    found = subjects(here / "out")
    assert {name: row["verdict"] for name, row in found.items()} == {
        "encoder": "fail", "mounted": "fail", "absent": "error",
    }  # fmt: skip
    assert found["absent"]["problem"] == "hf:org/other: not in the cache of the Hugging Face client"


def test_a_model_with_a_lock_is_shown_at_the_line_of_its_file(here: Path) -> None:
    mounted = put(here.parent / "mounted", {"a.txt": b"a\n", "b.txt": b"b\n"})
    CliRunner().invoke(main, ["lock", str(mounted), "-o", "owaudit.lock"])
    assert gate(str(mounted), "--lock", "owaudit.lock")[0] == 0
    (mounted / "b.txt").write_bytes(b"c\n")
    assert gate(str(mounted), "--lock", "owaudit.lock", "--output-dir", "out")[0] == 1
    lines = (here / "owaudit.lock").read_text().splitlines()
    assert places(here / "out") == [("owaudit.lock", lines.index('path = "b.txt"') + 1, "OWA3001")]


def test_pins_of_a_list_are_those_of_the_trusted_tree(here: Path) -> None:
    put(here.parent / "mounted", {"notes.txt": b"Hello.\n"})
    import hashlib

    now = hashlib.sha256(b"Hello.\n").hexdigest()
    entry = '[[model]]\nname = "mounted"\nsource = "../mounted"\nsha256 = {{ "notes.txt" = "{}" }}\n'
    (here / "owaudit.models.toml").write_text("schema = 1\n" + entry.format(now))
    words = ("--models", "owaudit.models.toml", "--output-dir", "out")
    assert gate(*words)[0] == 0
    trusted = put(
        here.parent / "base", {"owaudit.models.toml": b"schema = 1\n" + entry.format("0" * 64).encode()}
    )
    assert gate(*words, "--trusted", str(trusted))[0] == 1
    empty = put(here.parent / "empty", {})
    code, _, said = gate(*words, "--trusted", str(empty))
    assert code == 0
    assert said == "owaudit: mounted: named by this change alone, so its digests do not count\n"
    report = json.loads((here / "out/report.json").read_text("utf-8"))
    assert report["axes"]["integrity"]["answer"] == "absent"


def test_many_subjects_become_one_run_with_marks_of_their_own(here: Path) -> None:
    for number in range(25):
        put(here / f"m{number:02d}", {"model.pkl": HOSTILE})
    names = [f"m{number:02d}" for number in range(25)]
    code, text, _ = gate(*names, "--output-dir", "out", "--formats", "sarif", "--category", "models")
    assert (code, text.splitlines()[-1]) == (1, "Gate: fail (25 fail). Exit code 1.")
    log = json.loads((here / "out/report.sarif").read_text("utf-8"))
    assert len(log["runs"]) == 1
    run = log["runs"][0]
    assert run["automationDetails"] == {"id": "models/"}
    marks = {one["partialFingerprints"]["primaryLocationLineHash"] for one in run["results"]}
    assert len(marks) == len(run["results"]) == 25
    assert [place for place, _, _ in places(here / "out")] == [f"{name}/model.pkl" for name in names]


def test_files_of_the_same_name_are_audited_side_by_side(here: Path) -> None:
    put(here / "a", {"model.safetensors": samples()["renamed"]["model.safetensors"]})
    put(here / "b", {"model.safetensors": b"\x02" + b"\0" * 7 + b"{}"})
    code, text, _ = gate("a/model.safetensors", "b/model.safetensors", "--fail-on", "critical")
    assert (code, text.splitlines()[-1]) == (1, "Gate: fail (1 fail, 1 pass). Exit code 1.")


def test_no_policy_is_looked_for(here: Path) -> None:
    (here / "owaudit.toml").write_text('[gate]\nfail_on = "none"\n')
    put(here / "model", {"model.pkl": HOSTILE})
    assert gate("model")[0] == 1
    assert gate("model", "--policy", "owaudit.toml")[0] != 1


def test_nothing_named_is_not_a_pass(here: Path) -> None:
    code, text, _ = gate()
    assert (code, text) == (3, "Gate: inconclusive (nothing to audit). Exit code 3.\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the key 'schema' is missing"),
        ("schema = 2\n", "schema: expected 1"),
        ("schema = 1\n", "model: expected at least one model"),
        ('schema = 1\n[[model]]\nname = "a b"\nsource = "x"\n', "expected letters, digits"),
        (
            'schema = 1\n[[model]]\nname = "a"\nsource = "x"\nrevision = "1"\n',
            "only a source that starts with",
        ),
        ('schema = 1\n[[model]]\nname = "a"\nsource = "hf:o/n"\nrevision = "main"\n', "a commit of 40 hex"),
        ('schema = 1\n[[model]]\nname = "a"\nsource = "hf:o/n@main"\n', "the revision has a key of its own"),
        ('schema = 1\n[[model]]\nname = "a"\nsource = "x"\nlock = "../l"\n', "a path below the folder"),
        ('schema = 1\n[[model]]\nname = "a"\nsource = "x"\nsha256 = { "f" = "00" }\n', "expected a SHA-256"),
        ('schema = 1\n[[model]]\nname = "a"\nsource = "x"\nsha = "00"\n', "unknown key 'sha'"),
        (
            'schema = 1\n[[model]]\nname="a"\nsource="x"\n[[model]]\nname="A"\nsource="y"\n',
            "two models are called",
        ),
    ],
)
def test_a_wrong_list_is_a_usage_error(here: Path, text: str, message: str) -> None:
    (here / "owaudit.models.toml").write_text(text)
    code, out, said = gate("--models", "owaudit.models.toml")
    assert (code, out) == (2, "")
    assert message in said


@pytest.mark.parametrize("severity", ["critical", "high", "medium", "low", "info", "none"])
def test_every_severity_can_be_the_gate(here: Path, severity: str) -> None:
    put(here / "model", {"model.pkl": b"cpkg.mod\nrun\n)R."})
    code = gate("model", "--fail-on", severity)[0]
    assert code == (3 if severity in ("critical", "none") else 1)
