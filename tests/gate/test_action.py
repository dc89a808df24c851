"""The action from its inputs to its exit code, against honest, hostile, unreadable and empty models."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from gate_steps import ACTION, Ran, Runner, action

from fixtures import Files, write
from fixtures.demo import samples

HOSTILE: Files = {"model.pkl": b"cos\nsystem\n(S'echo hi'\ntR."}
POINTER: Files = {
    "model.safetensors": b"version https://git-lfs.github.com/spec/v1\noid sha256:"
    + b"a" * 64
    + b"\nsize 9\n"
}
ODD_NAMES = (
    "a\n::error title=x::injected\n.pkl",
    "b%0A::error::injected.pkl",
    "c`whoami`$(whoami)`.pkl",
    "d\r##[error]injected.pkl",
    "e</td><script>alert(1)</script> [x](https://example.org) @someone.pkl",
)


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def models(runner: Runner, **folders: Files) -> None:
    for name, files in folders.items():
        (runner.workspace / name).mkdir(exist_ok=True)
        write(files, runner.workspace / name)


def kinds(ran: Ran) -> list[str]:
    return [command.split(" ")[0].strip(":") for command in ran.commands]


def test_an_honest_model_passes(runner: Runner) -> None:
    models(runner, honest=samples()["honest"])
    ran = runner.use(paths="honest")
    assert (ran.code, kinds(ran)) == (0, ["notice"])
    assert ran.summary.startswith("## Pass: honest\n")
    stated = {name: ran.outputs[name] for name in ("verdict", "load", "integrity", "origin", "exit-code")}
    assert stated == {
        "verdict": "pass", "load": "pass", "integrity": "unverifiable", "origin": "absent", "exit-code": "0",
    }  # fmt: skip
    counts = ("findings", "critical", "high", "medium", "low", "info", "gating", "open", "waived", "known")
    assert [ran.outputs[name] for name in counts] == ["0"] * len(counts)


def test_a_hostile_model_fails_and_its_reports_survive(runner: Runner) -> None:
    models(runner, models=HOSTILE)
    ran = runner.use(paths="models", formats="sarif,html,junit")
    assert (ran.code, kinds(ran)) == (1, ["error", "notice"])
    assert ran.commands[0].startswith("::error file=models/model.pkl,line=1,title=OWA1001 ")
    assert (ran.outputs["verdict"], ran.outputs["gating"], ran.outputs["exit-code"]) == ("fail", "1", "1")
    report = Path(ran.outputs["json"])
    assert hashlib.sha256(report.read_bytes()).hexdigest() == ran.outputs["report-sha256"]
    gate = Path(ran.outputs["gate"])
    assert hashlib.sha256(gate.read_bytes()).hexdigest() == ran.outputs["gate-sha256"]
    assert json.loads(gate.read_text("utf-8"))["subjects"][0]["report_sha256"] == ran.outputs["report-sha256"]
    assert Path(ran.outputs["html"]).read_text("utf-8").startswith("<!")
    log = json.loads(Path(ran.outputs["sarif"]).read_text("utf-8"))["runs"][0]
    place = log["results"][0]["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], log["automationDetails"]["id"]) == (
        "models/model.pkl",
        "owaudit/",
    )
    assert sorted(path.name for path in Path(ran.outputs["output-dir"]).iterdir()) == [
        "gate.json", "gate.md", "report.html", "report.json", "report.junit.xml", "report.sarif",
    ]  # fmt: skip


def test_a_pointer_of_git_lfs_is_not_scanned_and_never_clean(runner: Runner) -> None:
    models(runner, models=POINTER)
    ran = runner.use(paths="models", fail_on="none")
    assert (ran.outputs["verdict"], ran.outputs["load"], ran.outputs["files-not-read"]) == (
        "fail", "inconclusive", "1",
    )  # fmt: skip
    assert "OWA3006" in ran.summary
    assert ran.code == 1


@pytest.mark.parametrize(("lets", "code"), [("true", 3), ("false", 0)])
def test_nothing_to_audit_is_inconclusive(runner: Runner, lets: str, code: int) -> None:
    models(runner, models={})
    ran = runner.use(paths="models", fail_on_inconclusive=lets)
    assert (ran.code, ran.outputs["verdict"], ran.outputs["exit-code"]) == (code, "inconclusive", "3")


def test_letting_inconclusive_pass_lets_nothing_else_pass(runner: Runner) -> None:
    models(runner, models=HOSTILE)
    assert runner.use(paths="models", fail_on_inconclusive="false").code == 1
    assert runner.use(paths="missing", fail_on_inconclusive="false").code == 2


def test_one_that_cannot_be_audited_does_not_hide_one_that_fails(runner: Runner) -> None:
    models(runner, models=HOSTILE, plain={"notes.txt": b"Hello.\n"})
    ran = runner.use(paths="missing\nmodels\nplain\n")
    assert (ran.code, ran.outputs["verdict"], ran.outputs["exit-code"]) == (1, "fail", "1")
    assert [row for row in ran.summary.splitlines() if row.startswith("| ") and "**" in row][:3] == [
        "| missing | **error** | | | | target missing: No such file or directory |",
        "| models | **fail** | fail | absent | absent | 1 |",
        "| plain | **pass** | pass | absent | absent | 0 |",
    ]
    ran = runner.use(paths="missing\nplain")
    assert (ran.code, ran.outputs["verdict"], ran.outputs["exit-code"]) == (2, "error", "2")


@pytest.mark.parametrize(
    "inputs",
    [
        {"paths": "models", "policy": "no-such-policy.toml"},
        {"paths": "models", "fail_on": "sometimes"},
        {"paths": "models", "fail_on_inconclusive": "perhaps"},
        {"paths": "models", "formats": "papyrus"},
        {"paths": " "},
    ],
    ids=lambda inputs: next(iter(reversed(inputs))),
)
def test_a_wrong_input_is_an_error_and_not_a_pass(runner: Runner, inputs: dict[str, Any]) -> None:
    models(runner, models=samples()["honest"])
    runner.commit()
    ran = runner.use(**inputs)
    assert (ran.code, ran.outputs["verdict"], ran.outputs["exit-code"]) == (2, "error", "2")


def test_a_gate_that_does_not_run_is_an_error(runner: Runner) -> None:
    models(runner, models=samples()["honest"])
    ran = runner.use(runner={"PATH": "/nonexistent:/usr/bin:/bin"}, paths="models", output_dir="/dev/null/x")
    assert (ran.code, ran.outputs["verdict"], ran.outputs["exit-code"]) == (2, "error", "2")


def test_names_of_files_are_never_commands_outputs_or_markup(runner: Runner) -> None:
    models(runner, models=dict.fromkeys(ODD_NAMES, HOSTILE["model.pkl"]))
    ran = runner.use(paths="models")
    assert kinds(ran) == ["error"] * len(ODD_NAMES) + ["notice"]
    assert all(command.startswith("::error file=models/") for command in ran.commands[:-1])
    assert all("title=OWA1001 " in command for command in ran.commands[:-1])
    assert set(ran.outputs) == set(action()["outputs"])
    assert ran.outputs["verdict"] == "fail"
    assert "<script>" not in ran.summary
    assert not re.search(r"^(?:::|##\[)", ran.summary, re.MULTILINE)
    assert not re.search(r"(?<!\\)\]\(https://example", ran.summary)
    assert not re.search(r"(?<!\\)`whoami", ran.summary)


def test_a_path_of_the_input_may_be_as_odd_as_a_file(runner: Runner) -> None:
    name = "b%0A::error::x `id` $(id); \"q\" 'p'"
    models(runner, **{name: HOSTILE})
    ran = runner.use(paths=f"{name}\n--exit-zero")
    assert (ran.code, kinds(ran)) == (1, ["error", "error", "notice"])
    assert ran.outputs["gating"] == "1"


def test_thousands_of_findings_stay_inside_what_the_runner_takes(runner: Runner) -> None:
    calls = b"".join(b"cpkg.mod%d\nrun\n)R0" % number for number in range(4_000))
    models(runner, models={"many.pkl": b"\x80\x02" + calls + b"N."})
    ran = runner.use(paths="models")
    assert (ran.code, ran.outputs["findings"], ran.outputs["gating"]) == (1, "4000", "4000")
    assert kinds(ran) == ["error"] * 10 + ["notice"]
    assert "3,990 findings without an annotation" in ran.commands[-1]
    assert len(ran.summary.encode()) < 1_000_000
    log = json.loads(Path(ran.outputs["sarif"]).read_text("utf-8"))["runs"][0]
    assert 0 < len(log["results"]) <= 5_000
    assert Path(ran.outputs["sarif"]).stat().st_size < 10_000_000


def test_summary_and_annotations_can_be_turned_off(runner: Runner) -> None:
    models(runner, models=HOSTILE)
    ran = runner.use(paths="models", summary="false", annotations="false")
    assert (ran.code, ran.commands, ran.summary) == (1, [], "")


def test_modules_of_the_workspace_are_not_imported(runner: Runner) -> None:
    trap = b"raise SystemExit(0)\n"
    models(runner, models=HOSTILE)
    for name in ("json.py", "owaudit.py", "click.py", "sitecustomize.py", "subprocess.py"):
        (runner.workspace / name).write_bytes(trap)
    ran = runner.use(runner={"PYTHONPATH": "."}, paths="models")
    assert (ran.code, ran.outputs["verdict"]) == (1, "fail")


def test_reports_do_not_follow_a_link_out_of_the_workspace(runner: Runner, tmp_path: Path) -> None:
    models(runner, models=HOSTILE)
    (tmp_path / "elsewhere").mkdir()
    (runner.workspace / "reports").symlink_to(tmp_path / "elsewhere")
    ran = runner.use(paths="models", output_dir="reports")
    assert (ran.code, ran.outputs["verdict"]) == (2, "error")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_every_input_reaches_a_script_through_the_environment() -> None:
    for step in action()["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
        uses = step.get("uses")
        assert uses is None or re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", uses)
    last = action()["runs"]["steps"][-1]
    assert (last["name"], last["if"]) == ("Verdict", "${{ !cancelled() }}")


def test_what_is_installed_has_a_digest() -> None:
    lines = (ACTION / "requirements.txt").read_text("utf-8").splitlines()
    heads = [n for n, line in enumerate(lines) if re.match(r"[a-z]", line)]
    assert len(heads) > 20
    assert all("==" in lines[n] and "--hash=sha256:" in lines[n + 1] for n in heads)
