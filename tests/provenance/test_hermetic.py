"""Checking signatures touches no network and no home, and starts light where nothing is signed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from checking import VECTORS, needs_vectors

_REPORT = """
import json, os, sys
opened = []
def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], str | bytes):
        opened.append(os.fsdecode(arguments[0]))
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        opened.append(event)
sys.addaudithook(watch)
from owaudit.cli import main
try:
    main(["verify", sys.argv[1], "--format", "json", "--identity", "stefanb@us.ibm.com",
          "--issuer", "https://sigstore.verify.ibm.com/oauth2", "-o", sys.argv[2]])
except SystemExit as end:
    code = end.code
home = os.environ["HOME"]
print(json.dumps([code, [name for name in opened if name.startswith(home) or name.startswith("socket")]]),
      file=sys.stderr)
"""


def _home(tmp_path: Path, *, planted: bool) -> Path:
    """A home that cannot be written, with an altered trusted root in the cache of sigstore."""
    home = tmp_path / ("planted" if planted else "empty")
    home.mkdir()
    if planted:
        for base in (".local/share", ".cache"):
            folder = home / base / "sigstore-python" / "tuf" / "https%3A%2F%2Ftuf-repo-cdn.sigstore.dev"
            folder.mkdir(parents=True)
            (folder / "trusted_root.json").write_text("{}", encoding="utf-8")
    for place in (home, *home.rglob("*")):
        place.chmod(0o555 if place.is_dir() else 0o444)
    return home


def _tree(folder: Path) -> dict[str, str]:
    return {
        str(place.relative_to(folder)): sha256(place.read_bytes()).hexdigest() if place.is_file() else ""
        for place in sorted(folder.rglob("*"))
    }


@needs_vectors
@pytest.mark.parametrize("planted", [False, True], ids=["empty", "planted"])
def test_nothing_of_the_home_is_used(planted: bool, tmp_path: Path) -> None:
    target = tmp_path / "model"
    shutil.copytree(VECTORS / "model-transparency" / "v1.0.0-sigstore", target)
    home = _home(tmp_path, planted=planted)
    before = _tree(home)
    environment = {**os.environ, "HOME": str(home), "SOURCE_DATE_EPOCH": "1795000000"}
    output = tmp_path / "report.json"
    run = subprocess.run(
        [sys.executable, "-c", _REPORT, str(target), str(output)],
        capture_output=True, text=True, check=False, env=environment, cwd=tmp_path,
    )  # fmt: skip
    assert run.stderr.splitlines()[-1] == "[0, []]", run.stderr
    assert _tree(home) == before
    text = output.read_text(encoding="utf-8")
    assert '"answer": "verified"' in text


_LIGHT = """
import sys
from owaudit.cli import main
try:
    main(["verify", sys.argv[1]])
except SystemExit as end:
    assert end.code == 3, end.code
heavy = ("sigstore", "cryptography", "tuf", "requests", "pydantic", "jinja2")
print(*[name for name in heavy if name in sys.modules], file=sys.stderr)
"""


def test_checksum_lists_alone_import_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"\0\1")
    (tmp_path / "SHA256SUMS").write_text(f"{sha256(b'x').hexdigest()}  b.bin\n", encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-c", _LIGHT, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "\n")
