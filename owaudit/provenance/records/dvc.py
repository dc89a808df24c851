"""DVC: ``*.dvc`` files and ``dvc.lock`` with the MD5 of what they track.

Only the lists below ``outs`` are read, line by line: name, ``md5`` and ``size`` of files. A folder
(``md5`` ending in ``.dir``) is a list of its own in DVC's cache and is not followed.

Source: DVC documentation, ".dvc files" and "dvc.yaml, dvc.lock".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from owaudit.model.claim import Record, Statement
from owaudit.provenance.kinds import MOST_STATEMENTS, Found, RecordKind, Tree
from owaudit.provenance.names import statement, without_clashes

KIND_NAME = "dvc"
_LINE = re.compile(r"(?P<indent> *)(?P<dash>- )?(?P<key>[a-z_0-9]+):(?: +(?P<value>.*?))? *\Z")


def is_named(path: str) -> bool:
    """``model.bin.dvc`` and ``dvc.lock``."""
    name = path.rpartition("/")[2]
    return name == "dvc.lock" or (name.endswith(".dvc") and name != ".dvc")


def parse(found: Found, _tree: Tree) -> Iterator[Record]:
    """Yield one record with the files below every ``outs``."""
    statements = [item for entry in _entries(found) if (item := _stated(found, entry)) is not None]
    if statements:
        yield Record(
            path=found.path,
            kind=KIND_NAME,
            title="DVC tracking file, md5",
            sha256=found.sha256,
            root=found.folder,
            statements=without_clashes(statements[:MOST_STATEMENTS]),
        )


def _entries(found: Found) -> Iterator[dict[str, str]]:
    """The items of the lists below ``outs``, each as its plain keys."""
    entry: dict[str, str] = {}
    outs_at = -1
    for line in found.content.decode("utf-8", "backslashreplace").splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        indent = len(match["indent"])
        if match["key"] == "outs" and not match["value"]:
            outs_at = indent
            continue
        if outs_at < 0:
            continue
        if indent < outs_at or (indent == outs_at and not match["dash"]):
            outs_at = -1
        if match["dash"] or outs_at < 0:
            yield entry
            entry = {}
        if outs_at >= 0:
            entry[match["key"]] = (match["value"] or "").strip("'\"")
    yield entry


def _stated(found: Found, entry: dict[str, str]) -> Statement | None:
    digest, name, size = entry.get("md5", ""), entry.get("path", ""), entry.get("size", "")
    if not name or not re.fullmatch(r"[0-9a-f]{32}", digest):
        return None
    return statement(
        found.folder,
        name,
        algorithm="md5",
        digest=digest,
        size=int(size) if re.fullmatch(r"[0-9]{1,18}", size) else -1,
    )


KIND = RecordKind(kind=KIND_NAME, source="DVC documentation", is_named=is_named, parse=parse)
