"""OpenSSF Model Signing: the manifest of a folder inside a signed statement.

Version 1.0: one subject whose digest is SHA-256 over the digests of ``predicate.resources``; each
resource is a file, or a shard of one. Specification and library spell shards differently:
``<path>:shard-<i>`` with method ``file-shard-<size>``, and ``<path>:<start>:<end>`` with
``shard_size``. The single file of a one-file signature is called ``.``. Version 0.1: the files are
the subjects.

Source: OMS specification 1.0; model-transparency 0.2.0 to 1.1.1, as their signatures are.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import Any

from owaudit.errors import FormatError
from owaudit.model.claim import Statement
from owaudit.provenance.envelope import InToto
from owaudit.provenance.kinds import MOST_STATEMENTS, algorithm_name, digest_problem
from owaudit.provenance.names import problem_of, repeated, statement

PREDICATE = "https://model_signing/signature/v1.0"
PREDICATE_01 = "https://model_signing/Digests/v0.1"
ALWAYS_IGNORED = (".git", ".gitignore", ".gitattributes", ".github")

_SHARD_METHOD = re.compile(r"file-shard-([1-9][0-9]{0,17})\Z")
_SHARD_SPEC = re.compile(r"(?P<path>.+):shard-(?P<index>[0-9]{1,9})\Z", re.DOTALL)
_SHARD_LIBRARY = re.compile(r"(?P<path>.+):(?P<start>[0-9]{1,18}):(?P<end>[0-9]{1,18})\Z", re.DOTALL)
_SHARDED = re.compile(r"(?P<algorithm>[a-z0-9]+)-sharded-[0-9]{1,18}\Z")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a signature says of a folder. ``problem`` is a reason code where it says too little."""

    statements: tuple[Statement, ...]
    ignored: tuple[str, ...]
    closed: bool
    problem: str = ""
    detail: str = ""


def is_oms(said: InToto) -> bool:
    """Is this the statement of a model signature?"""
    return said.predicate_type in (PREDICATE, PREDICATE_01)


def manifest_of(said: InToto, folder: str) -> Manifest:
    """Read the manifest; names are relative to ``folder``.

    Raises:
        FormatError: the predicate is not as specified, or the root digest does not fit the list.
    """
    if said.predicate_type == PREDICATE_01:
        named = [(item.name, item.algorithm, item.digest) for item in said.subjects]
        return _manifest([_stated(folder, *item, 0) for item in named], _spoilt(named), (), closed=True)
    predicate = said.predicate
    if not isinstance(predicate, dict) or not isinstance(predicate.get("resources"), list):
        raise FormatError("predicate", expected="resources", found=type(predicate).__name__)
    serialization = predicate.get("serialization")
    if not isinstance(serialization, dict):
        raise FormatError("predicate", expected="a serialization", found=type(serialization).__name__)
    named = [_resource(item) for item in predicate["resources"]]
    if len(named) > MOST_STATEMENTS:
        raise FormatError("resources", expected=f"at most {MOST_STATEMENTS}", found=str(len(named)))
    if len(said.subjects) != 1:
        raise FormatError("subject", expected="one subject", found=str(len(said.subjects)))
    _check_root(named, said.subjects[0].digest)
    if len(named) == 1 and named[0][0] == ".":
        _, algorithm, digest = named[0]
        only = statement(folder, said.subjects[0].name, algorithm=algorithm, digest=digest)
        return _manifest([only], set(), (), closed=False)
    ignored = _ignored(serialization)
    size = _shard_size(serialization)
    return _manifest([_stated(folder, *item, size) for item in named], _spoilt(named), ignored, closed=True)


def _manifest(
    statements: list[Statement], again: set[str], ignored: tuple[str, ...], *, closed: bool
) -> Manifest:
    marked = tuple(
        replace(item, problem="duplicate") if not item.problem and item.path in again else item
        for item in statements
    )
    problem, detail = "", ""
    if any(path.strip("/") in ("", ".") for path in ignored):
        problem, detail = "ignores-everything", "the signer's list of ignored paths covers the whole folder"
    elif not statements:
        problem, detail = "covers-nothing", "the signature names no file"
    return Manifest(marked, ignored, closed, problem, detail)


def _spoilt(named: list[tuple[str, str, str]]) -> set[str]:
    return repeated(name for name, _, _ in named)


def _resource(item: Any) -> tuple[str, str, str]:
    values = [item.get(key) if isinstance(item, dict) else None for key in ("name", "algorithm", "digest")]
    name, algorithm, digest = values
    if not (isinstance(name, str) and isinstance(algorithm, str) and isinstance(digest, str)):
        raise FormatError("resource", expected="name, algorithm and digest", found=repr(values)[:80])
    sharded = _SHARDED.match(algorithm)
    algorithm = algorithm_name(sharded["algorithm"] if sharded else algorithm)
    if algorithm == "blake2":
        algorithm = "blake2b"
    if digest_problem(algorithm, digest.lower()):
        raise FormatError(
            "resource", expected="a digest of a known algorithm", found=f"{algorithm} {digest[:80]}"
        )
    if algorithm in ("md5", "sha1", "git-sha1"):
        raise FormatError("resource", expected="sha256, blake2b or blake3", found=algorithm)
    return name, algorithm, digest.lower()


def _check_root(named: list[tuple[str, str, str]], root: str) -> None:
    """The subject's digest is over the digests in the order of names."""
    for order in (named, sorted(named)):
        if hashlib.sha256(b"".join(bytes.fromhex(digest) for _, _, digest in order)).hexdigest() == root:
            return
    raise FormatError("root digest", expected=root, found="another digest over the resources")


def _ignored(serialization: dict[str, Any]) -> tuple[str, ...]:
    paths = serialization.get("ignore_paths", [])
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise FormatError("ignore_paths", expected="a list of paths", found=type(paths).__name__)
    return tuple(sorted(set(paths)))


def _shard_size(serialization: dict[str, Any]) -> int:
    match = _SHARD_METHOD.match(str(serialization.get("method")))
    return int(match[1]) if match else 0


def _stated(folder: str, name: str, algorithm: str, digest: str, shard_size: int) -> Statement:
    start, end = 0, -1
    if shard_size and (match := _SHARD_SPEC.match(name)):
        name, start = match["path"], int(match["index"]) * shard_size
        end = start + shard_size
    elif (match := _SHARD_LIBRARY.match(name)) and int(match["start"]) < int(match["end"]):
        name, start, end = match["path"], int(match["start"]), int(match["end"])
    if problem_of(name):
        return statement(folder, name, algorithm=algorithm, digest=digest)
    return statement(folder, name, algorithm=algorithm, digest=digest, start=start, end=end)
