"""The library's answer: from the header alone, steady, and never an exception."""

from __future__ import annotations

import os
import resource
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from owaudit.model.location import Location
from owaudit.model.observation import LibraryAnswer
from owaudit.opinion.safetensors_library import answer

WHERE = (Location(artifact="m.safetensors"),)
GOOD = '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tmp_path / "m.safetensors"


def write(path: Path, header: str, size: int) -> str:
    raw = header.encode()
    with path.open("wb") as stream:
        stream.write(struct.pack("<Q", len(raw)) + raw)
        stream.truncate(8 + len(raw) + size)
    return str(path)


def said(accepts: bool, message: str = "") -> LibraryAnswer:
    return LibraryAnswer(locations=WHERE, library="safetensors", accepts=accepts, message=message)


def test_a_sound_file_is_accepted(model: Path) -> None:
    assert answer(write(model, GOOD, 4), WHERE) == said(True)


def test_a_refusal_carries_the_reason_without_the_path(model: Path) -> None:
    path = write(model, GOOD, 5)
    assert answer(path, WHERE) == said(False, "incomplete metadata, file not fully covered")
    model.write_bytes(b"")
    assert answer(path, WHERE) == said(False, "header too small")


def test_control_characters_do_not_leave_the_file(model: Path) -> None:
    path = write(model, GOOD.replace("F32", "\\n\\u001b[31m\\u202e" + "x" * 300), 4)
    found = answer(path, WHERE)
    assert found is not None
    assert found.message.startswith("invalid JSON in header: unknown variant `\\n\\x1b[31m\\u202exxx")
    assert len(found.message) == 200


def test_the_message_does_not_depend_on_the_order_of_a_hash_map(model: Path) -> None:
    entry = '{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'
    path = write(model, "{" + ",".join(f'"{name}":{entry}' for name in "abcdefgh") + "}", 4)
    assert {answer(path, WHERE) for _ in range(20)} == {said(False, "invalid offset for tensor")}


def test_what_cannot_be_opened_has_no_answer(tmp_path: Path) -> None:
    assert answer(str(tmp_path / "absent"), WHERE) is None
    assert answer(str(tmp_path), WHERE) is None


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory in KiB, /proc")
def test_a_large_file_costs_no_memory_and_a_descriptor_is_enough(model: Path) -> None:
    size = 1 << 30
    path = write(model, f'{{"a":{{"dtype":"U8","shape":[{size}],"data_offsets":[0,{size}]}}}}', size)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    descriptor = os.open(path, os.O_RDONLY)
    try:
        model.unlink()
        assert answer(f"/proc/self/fd/{descriptor}", WHERE) == said(True)
        assert os.lseek(descriptor, 0, os.SEEK_CUR) == 0
    finally:
        os.close(descriptor)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40 * 1024


ALONE = """
import sys
from owaudit.model.location import Location
import owaudit.opinion.safetensors_library as library
assert "safetensors" not in sys.modules
blocked = sys.argv[2:]
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name in blocked:
            raise ModuleNotFoundError(name)
        return None
real = library.importlib.util.find_spec
library.importlib.util.find_spec = lambda name: None if name in blocked else object()
sys.meta_path.insert(0, Absent())
print(library.answer(sys.argv[1], (Location(artifact="m"),)).accepts, "numpy" in sys.modules)
"""


@pytest.mark.parametrize("absent", [["paddle", "torch", "numpy"], ["torch"], ["numpy", "torch"]])
def test_no_array_package_is_needed_or_imported(model: Path, absent: list[str]) -> None:
    path = write(model, GOOD, 4)
    done = subprocess.run(
        [sys.executable, "-c", ALONE, path, *absent], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "False"]


def test_a_panic_of_the_library_is_a_refusal(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import safetensors

    panic = type("PanicException", (BaseException,), {})

    def panicking(*_: object, **__: object) -> None:
        raise panic

    monkeypatch.setattr(safetensors, "safe_open", panicking)
    assert answer(write(model, GOOD, 4), WHERE) == said(False, "the library panicked")

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(safetensors, "safe_open", interrupted)
    with pytest.raises(KeyboardInterrupt):
        answer(str(model), WHERE)
