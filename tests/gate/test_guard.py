"""``owaudit.guard``: nothing is handed over that the policy does not pass, and only what was audited."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from scanning import run

import owaudit
from fixtures import write
from fixtures.demo import samples
from owaudit.errors import UsageError, VerificationError

HOSTILE = b"cos\nsystem\n(S'echo hi'\ntR."


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    write(samples()["honest"], folder)
    return folder


def test_what_passes_is_opened(model: Path) -> None:
    with owaudit.guard(model) as guarded:
        assert guarded.report.verdict.result == "pass"
        assert guarded.paths == tuple(artifact.path for artifact in guarded.report.artifacts)
        stream = guarded.open("config.json")
        assert stream.read() == (model / "config.json").read_bytes()
        assert guarded.read("README.md") == (model / "README.md").read_bytes()
    assert stream.closed


def test_a_single_file_is_opened_by_its_name(model: Path) -> None:
    with owaudit.guard(model / "pytorch_model.bin") as guarded:
        assert guarded.read("pytorch_model.bin") == (model / "pytorch_model.bin").read_bytes()


def test_what_fails_is_not_handed_over(model: Path) -> None:
    (model / "extra.pkl").write_bytes(HOSTILE)
    with pytest.raises(owaudit.NotPassed, match=r"os\.system") as caught:
        owaudit.guard(model)
    assert caught.value.report.verdict.result == "fail"


@pytest.mark.parametrize(
    "content", [b"", b"\x80\x04\x95", b"cpkg.mod\nThing\n."], ids=["empty", "cut", "unreviewed"]
)
def test_inconclusive_is_not_a_pass(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model").mkdir()
    if content:
        (tmp_path / "model/model.pkl").write_bytes(content)
    with pytest.raises(owaudit.NotPassed) as caught:
        owaudit.guard(tmp_path / "model")
    assert caught.value.report.verdict.result == "inconclusive"


def test_a_file_that_is_replaced_after_the_audit_is_refused(model: Path) -> None:
    with owaudit.guard(model) as guarded:
        honest = (model / "pytorch_model.bin").read_bytes()
        (model / "pytorch_model.bin").write_bytes(HOSTILE)
        with pytest.raises(VerificationError, match="expected sha256"):
            guarded.open("pytorch_model.bin")
        (model / "pytorch_model.bin").unlink()
        with pytest.raises(VerificationError):
            guarded.read("pytorch_model.bin")
        (model / "pytorch_model.bin").write_bytes(honest)
        assert guarded.read("pytorch_model.bin") == honest


def test_what_was_not_audited_cannot_be_opened(model: Path) -> None:
    with owaudit.guard(model) as guarded:
        (model / "late.pkl").write_bytes(HOSTILE)
        for path in ("late.pkl", "../model/config.json", str(model / "config.json")):
            with pytest.raises(UsageError, match="not among the files"):
                guarded.open(path)


def test_a_lock_and_a_policy_are_held(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run("lock", "model")
    policy = tmp_path / "strict.toml"
    policy.write_text('[integrity]\nrequired = "pinned"\n')
    with owaudit.guard("model", policy=policy, lock="owaudit.lock") as guarded:
        assert guarded.report.axes.integrity.answer == "verified"
    with pytest.raises(owaudit.NotPassed):
        owaudit.guard("model", policy=policy)
    (model / "README.md").write_text("changed\n")
    with pytest.raises(owaudit.NotPassed, match=r"README\.md: the size is another"):
        owaudit.guard("model", lock="owaudit.lock")


def test_no_policy_is_looked_for(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "owaudit.toml").write_text('[gate]\nfail_on = "none"\n')
    (model / "extra.pkl").write_bytes(HOSTILE)
    with pytest.raises(owaudit.NotPassed) as caught:
        owaudit.guard("model")
    assert caught.value.report.verdict.result == "fail"


def test_importing_owaudit_stays_light_and_its_names_stay_what_they_are() -> None:
    probe = (
        "import sys, owaudit\n"
        "print(sorted(n for n in sys.modules if n.startswith('owaudit.')))\n"
        "print(callable(owaudit.guard), callable(owaudit.guard), hasattr(owaudit, 'other'))\n"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\nTrue True False\n"
