"""Lock files: written twice the same, and every kind of drift told in one sentence."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from scanning import run
from signing import EC_KEY, OTHER_KEY, pem, sign

from owaudit.cli import main
from owaudit.errors import UsageError, VerificationError
from owaudit.provenance.locked import open_locked


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A signed folder of two texts, and a policy that names the signer."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text('{"hidden_size": 4}\n', encoding="utf-8")
    (folder / "notes.txt").write_text("notes\n", encoding="utf-8")
    (tmp_path / "ci.pem").write_text(pem(EC_KEY), encoding="ascii")
    (tmp_path / "policy.toml").write_text('[[origin.signers]]\nkey = "ci.pem"\n', encoding="utf-8")
    return sign(folder)


def _locked(model: Path, name: str = "owaudit.lock") -> Path:
    place = model.parent / name
    outcome = CliRunner().invoke(main, ["lock", str(model), "-o", str(place), *_policy(model)])
    assert (outcome.exit_code, outcome.stdout) == (0, "")
    return place


def _policy(model: Path) -> tuple[str, str]:
    return "--policy", str(model.parent / "policy.toml")


def _verify(model: Path, lock: Path) -> tuple[int, str]:
    code, text = run("verify", str(model), "--lock", str(lock), "--format", "json", *_policy(model))
    return code, json.loads(text)["axes"]["integrity"]["reason"]


def test_written_twice_it_is_the_same(model: Path) -> None:
    first, second = _locked(model), _locked(model, "second.lock")
    assert first.read_bytes() == second.read_bytes()
    text = first.read_text(encoding="utf-8")
    assert 'trust = "signed"' in text
    assert 'verdict = "pass"' in text
    assert str(model) not in text


def test_the_first_lock_says_that_it_trusts_what_it_saw(model: Path) -> None:
    (model / "model.sig").unlink()
    place = model.parent / "owaudit.lock"
    outcome = CliRunner().invoke(main, ["lock", str(model), "-o", str(place)])
    assert outcome.stderr.splitlines()[-1] == (
        "Nobody signed them: the lock trusts what it saw now, and shows what changes later."
    )
    assert 'trust = "first-use"' in place.read_text(encoding="utf-8")


def test_no_change_passes(model: Path) -> None:
    assert _verify(model, _locked(model)) == (0, "All 3 files match owaudit.lock and 1 more.")


def _append(path: str) -> Callable[[Path], None]:
    def change(model: Path) -> None:
        (model / path).write_bytes((model / path).read_bytes()[:-1] + b"x")

    return change


def _add(model: Path) -> None:
    (model / "new.txt").write_text("new", encoding="utf-8")
    sign(model)


def _remove(model: Path) -> None:
    (model / "notes.txt").unlink()
    sign(model)


def _unsign(model: Path) -> None:
    (model / "model.sig").unlink()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_append("notes.txt"), "notes.txt is changed"),
        (_add, "new.txt is added since the lock file"),
        (_remove, "notes.txt is missing"),
        (_unsign, "It was signed when it was locked, and no sound signature is left"),
    ],
    ids=["changed", "added", "removed", "unsigned"],
)
def test_drift(change: Callable[[Path], None], words: str, model: Path) -> None:
    lock = _locked(model)
    change(model)
    code, reason = _verify(model, lock)
    assert code == 1
    assert words in reason


def test_another_signer(model: Path) -> None:
    lock = _locked(model)
    sign(model, key=OTHER_KEY)
    (model.parent / "ci.pem").write_text(pem(OTHER_KEY), encoding="ascii")
    code, reason = _verify(model, lock)
    assert code == 1
    assert "Another signer than when it was locked" in reason


def test_a_verdict_that_is_no_pass_any_more(model: Path) -> None:
    lock = _locked(model)
    text = lock.read_text(encoding="utf-8")
    (model / "blob.bin").write_bytes(b"\xd7\xcd\xc6\x9a" * 9)
    sign(model)
    rows = []
    for name in ("blob.bin", "model.sig"):
        content = (model / name).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        rows.append(f'[[file]]\npath = "{name}"\nsize = {len(content)}\nsha256 = "{digest}"\n')
    start = text.index('[[file]]\npath = "model.sig"')
    end = text.index("[[file]]", start + 1)
    lock.write_text(text[:start] + text[end:] + "\n" + "\n".join(rows), encoding="utf-8")
    code, text = run(
        "scan", str(model), "--lock", str(lock), "--format", "json", "--no-second-opinion", *_policy(model)
    )
    verdict = json.loads(text)["verdict"]
    assert (code, verdict["reasons"][-1]) == (
        1,
        "The lock file was written at a pass, and now the verdict is inconclusive.",
    )


def test_a_lock_file_in_the_target_counts_for_nothing(model: Path) -> None:
    (model / "model.sig").unlink()
    text = _locked(model).read_text(encoding="utf-8")
    (model / "owaudit.lock").write_text(text, encoding="utf-8")
    code, text = run("verify", str(model), "--format", "json")
    assert (code, json.loads(text)["axes"]["integrity"]["answer"]) == (3, "unverifiable")


def test_it_is_not_written_into_the_target(model: Path) -> None:
    outcome = CliRunner().invoke(main, ["lock", str(model), "-o", str(model / "owaudit.lock")])
    assert outcome.exit_code == 2
    assert not (model / "owaudit.lock").exists()


def test_opening_a_locked_file(model: Path) -> None:
    lock = _locked(model)
    opened = open_locked(lock, model, "notes.txt")
    with opened as stream:
        assert stream.read() == b"notes\n"
        assert opened.still_same()
        (model / "notes.txt").write_bytes(b"other\n\n")
        assert not opened.still_same()
    with pytest.raises(VerificationError, match=r"notes\.txt: expected sha256:"):
        open_locked(lock, model, "notes.txt")
    with pytest.raises(UsageError, match=r"does not name other\.txt"):
        open_locked(lock, model, "other.txt")


def test_a_locked_name_that_became_a_link(model: Path) -> None:
    lock = _locked(model)
    (model.parent / "same.txt").write_bytes((model / "notes.txt").read_bytes())
    (model / "notes.txt").unlink()
    os.symlink("../same.txt", model / "notes.txt")
    with pytest.raises(VerificationError, match=r"notes\.txt"):
        open_locked(lock, model, "notes.txt")
