"""A pull request cannot excuse itself: what decides comes from the base commit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from gate_steps import Ran, Runner
from scanning import run

from fixtures import Files, write
from fixtures.demo import samples

HOSTILE: Files = {"model.pkl": b"cos\nsystem\n(S'echo hi'\ntR."}
UNREVIEWED: Files = {"model.pkl": b"cpkg.mod\nrun\n)R."}
LAX = b"""
[gate]
fail_on = "none"
[imports]
allow = [{ name = "pkg.mod.run", use = "call", reason = "says the author of the change" }]
[packs]
folders = ["rules"]
"""
ALLOWING = b"""
[imports]
allow = [{ name = "pkg.mod.run", use = "call", reason = "read at 1.0" }]
"""
PACK = b"""
reviewed = "pickle"
library = "acme"
version = "1.0"

[[allow]]
match = ["acme.Box"]
use = "call"
why = "a container"
source = "acme 1.0"
"""
RULES: Files = {
    "mine.py": b"raise SystemExit(0)\n",
    "reviewed/os.toml": b"""
reviewed = "pickle"
library = "os"
version = "1"
[[allow]]
match = ["os.system", "pkg.mod.run"]
use = "call"
why = "x"
source = "y"
""",
}


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    made = Runner(tmp_path)
    monkeypatch.chdir(made.workspace)
    return made


def put(runner: Runner, folder: str, files: Files) -> None:
    (runner.workspace / folder).mkdir(parents=True, exist_ok=True)
    write(files, runner.workspace / folder)


def lock(runner: Runner, folder: str, file: str = "owaudit.lock") -> None:
    run("lock", folder, "-o", str(runner.workspace / file))


def pull_request(runner: Runner, base: str, **inputs: str) -> Ran:
    runner.event.write_text(json.dumps({"pull_request": {"base": {"sha": base}}}), encoding="utf-8")
    return runner.use(runner={"GITHUB_EVENT_NAME": "pull_request"}, **inputs)


def push(runner: Runner, **inputs: str) -> Ran:
    runner.event.write_text("{}", encoding="utf-8")
    return runner.use(runner={"GITHUB_SHA": runner.git("rev-parse", "HEAD")}, **inputs)


def test_a_policy_and_rules_that_a_pull_request_adds_do_not_count(runner: Runner) -> None:
    put(runner, ".", {"README.md": b"Hello.\n"})
    base = runner.commit()
    put(runner, "models", HOSTILE | UNREVIEWED | {"owaudit.toml": LAX})
    put(runner, "models", HOSTILE)
    put(runner, "rules", RULES)
    put(runner, ".", {"owaudit.toml": LAX, "pyproject.toml": b'[tool.owaudit.gate]\nfail_on = "none"\n'})
    runner.commit()
    ran = pull_request(runner, base, paths="models", policy="owaudit.toml")
    assert (ran.code, ran.outputs["verdict"]) == (1, "fail")
    assert "owaudit.toml is not in the trusted tree: it is not used" in ran.commands[1]
    assert ran.summary.startswith("# owaudit: fail\n\n- owaudit.toml is not in the trusted tree")
    assert pull_request(runner, base, paths="models").code == 1


def test_a_policy_that_a_pull_request_changes_is_that_of_the_base(runner: Runner) -> None:
    put(runner, ".", {"owaudit.toml": b'[gate]\nfail_on = "low"\n'})
    put(runner, "models", UNREVIEWED)
    base = runner.commit()
    put(runner, ".", {"owaudit.toml": ALLOWING})
    runner.commit()
    assert pull_request(runner, base, paths="models", policy="owaudit.toml").code == 1
    assert push(runner, paths="models", policy="owaudit.toml").code == 0
    allowed = pull_request(runner, base, paths="models", policy="owaudit.toml", trust_pull_request="true")
    assert allowed.code == 0


def test_a_policy_that_is_not_committed_does_not_count_either(runner: Runner) -> None:
    put(runner, "models", UNREVIEWED)
    runner.commit()
    put(runner, ".", {"owaudit.toml": ALLOWING})
    assert push(runner, paths="models", policy="owaudit.toml").code == 1


def test_a_policy_of_the_base_brings_its_rules_folder(runner: Runner) -> None:
    put(runner, ".", {"ci/owaudit.toml": b'[packs]\nfolders = ["rules"]\n'})
    put(runner, "models", samples()["honest"])
    base = runner.commit()
    ran = pull_request(runner, base, paths="models", policy="ci/owaudit.toml")
    assert (ran.code, ran.outputs["verdict"]) == (2, "error")  # the folder is not there
    put(runner, "ci/rules", {"mine.toml": PACK})
    base = runner.commit()
    ran = pull_request(runner, base, paths="models", policy="ci/owaudit.toml")
    packs = json.loads(Path(ran.outputs["json"]).read_text("utf-8"))["tool"]["packs"]
    assert (ran.code, [row["name"] for row in packs]) == (0, ["owaudit", "rules"])


def test_a_lock_that_a_pull_request_writes_does_not_count(runner: Runner) -> None:
    put(runner, "models", {"notes.txt": b"first\n"})
    lock(runner, "models")
    base = runner.commit()
    assert pull_request(runner, base, paths="models", lock="owaudit.lock").outputs["integrity"] == "verified"
    put(runner, "models", {"notes.txt": b"second\n"})
    lock(runner, "models")
    runner.commit()
    ran = pull_request(runner, base, paths="models", lock="owaudit.lock")
    assert (ran.code, ran.outputs["integrity"]) == (1, "failed")
    rows = [row for row in ran.summary.splitlines() if row.startswith("| files |")]
    assert [row.split(" | ")[1:3] for row in rows] == [["changed", "notes.txt"]]
    assert push(runner, paths="models", lock="owaudit.lock").code == 0


def test_a_lock_beside_a_hostile_model_does_not_make_it_pass(runner: Runner) -> None:
    base = runner.commit()
    put(runner, "models", HOSTILE)
    (runner.workspace / "models/owaudit.lock").write_bytes(b"")
    runner.git("add", "--all")
    run("lock", "models", "-o", str(runner.workspace / "owaudit.lock"))
    (runner.workspace / "models/owaudit.lock").write_bytes((runner.workspace / "owaudit.lock").read_bytes())
    runner.commit()
    for trusted in ("false", "true"):
        ran = pull_request(
            runner, base, paths="models", lock="owaudit.lock", trust_pull_request=trusted, fail_on="high"
        )
        assert (ran.code, ran.outputs["verdict"], ran.outputs["load"]) == (1, "fail", "fail"), ran.log


def test_a_baseline_that_a_pull_request_writes_does_not_count(runner: Runner) -> None:
    base = runner.commit()
    put(runner, "models", UNREVIEWED)
    run("scan", "models", "-o", str(runner.workspace / "known.json"), "--no-second-opinion")
    runner.commit()
    assert pull_request(runner, base, paths="models", baseline="known.json").code == 1
    ran = push(runner, paths="models", baseline="known.json")
    assert (ran.outputs["known"], ran.outputs["gating"]) == ("1", "0")
    assert "Nothing differs from the baseline." in ran.summary


def test_without_the_base_commit_nothing_is_guessed(runner: Runner) -> None:
    put(runner, "models", samples()["honest"])
    put(runner, ".", {"owaudit.toml": ALLOWING})
    runner.commit()
    for base in ("f" * 40, "main", "--help"):
        ran = pull_request(runner, base, paths="models", policy="owaudit.toml")
        assert (ran.code, ran.outputs["verdict"]) == (2, "error")
        assert "check out with fetch-depth: 0" in ran.commands[0]


def test_a_missing_base_commit_is_fetched_once(runner: Runner, tmp_path: Path) -> None:
    put(runner, "models", UNREVIEWED)
    put(runner, ".", {"owaudit.toml": ALLOWING})
    base = runner.commit()
    runner.git("clone", "--quiet", "--bare", ".", str(tmp_path / "origin.git"))
    runner.git("-C", str(tmp_path / "origin.git"), "config", "uploadpack.allowAnySHA1InWant", "true")
    put(runner, ".", {"owaudit.toml": b'[gate]\nfail_on = "critical"\n'})
    runner.commit()
    runner.git("push", "--quiet", str(tmp_path / "origin.git"), "HEAD:refs/heads/change")
    shallow = Runner.__new__(Runner)
    shallow.workspace, shallow.temporary = tmp_path / "shallow", tmp_path / "shallow-runner"
    shallow.event = runner.event
    shallow.temporary.mkdir()
    origin = (tmp_path / "origin.git").as_uri()
    runner.git("clone", "--quiet", "--depth=1", "--branch=change", origin, str(shallow.workspace))
    assert pull_request(shallow, base, paths="models", policy="owaudit.toml").code == 0


def test_a_link_in_place_of_the_policy_is_not_followed(runner: Runner) -> None:
    put(runner, "models", UNREVIEWED)
    base = runner.commit()
    put(runner, "conf", {"owaudit.toml": ALLOWING})
    (runner.workspace / "owaudit.toml").symlink_to("conf/owaudit.toml")
    runner.commit()
    assert pull_request(runner, base, paths="models", policy="owaudit.toml").code == 1
    assert push(runner, paths="models", policy="owaudit.toml").code == 1


def test_what_a_pull_request_changes_is_told(runner: Runner) -> None:
    template = b'{"chat_template": "%s"}'
    put(runner, "models", {"tokenizer_config.json": template % b"a", "old.txt": b"old\n"})
    run("scan", "models", "-o", str(runner.workspace / "known.json"), "--no-second-opinion")
    base = runner.commit()
    put(runner, "models", {"tokenizer_config.json": template % b"b", "model.pkl": UNREVIEWED["model.pkl"]})
    (runner.workspace / "models/old.txt").unlink()
    runner.commit()
    ran = pull_request(runner, base, paths="models", baseline="known.json")
    changes = json.loads(Path(ran.outputs["gate"]).read_text("utf-8"))["subjects"][0]["changes"]
    assert [(row["part"], row["kind"], row["subject"].split(" ")[0]) for row in changes] == [
        ("imports", "added", "pkg.mod.run"),
        ("templates", "changed", "tokenizer_config.json"),
        ("findings", "added", "OWA1002"),
        ("files", "added", "model.pkl"),
        ("files", "removed", "old.txt"),
    ]
    assert "### Changed since the baseline" in ran.summary
