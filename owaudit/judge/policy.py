"""Finding and reading the policy: the gate, the names a team has reviewed, the second opinion.

::

    [gate]
    fail_on = "high"            # critical, high, medium, low, info or none
    fail_on_inconclusive = false

    [imports]
    allow = [{ name = "acme.nets.Encoder", use = "build", reason = "read by A. on 2026-01-10" }]

    [second_opinion]
    enabled = true
    file_bytes = 268435456
    instructions = 2000000

    [integrity]
    required = "transport"      # authenticated, pinned or transport; nothing is required without it
    records = ["oms"]           # kinds of records that must be there and agree
    revision = "0123…"          # the commit that the files must be of
    allow_unrecorded = ["README.md"]

    [origin]
    required = true

    [[origin.signers]]          # one way each: identity and issuer, key, or ca
    model = "granite-*"
    identity = "release@example.org"
    issuer = "https://accounts.example.org"

    [[origin.signers]]
    key = "publisher.pem"       # a file beside the policy, or the text of the key itself

``judge.policy_tables`` has the other tables: formats, limits, rules, packs, frameworks and waivers.
The same tables may stand below ``[tool.owaudit]`` in ``pyproject.toml``. No policy is ever taken
from what is audited.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from owaudit.errors import UsageError
from owaudit.judge.policy_tables import (
    read_formats,
    read_frameworks,
    read_limits,
    read_packs,
    read_rules,
    read_waivers,
    read_waiving,
)
from owaudit.judge.strict import Section, parse
from owaudit.judge.vouching import read_integrity, read_origin
from owaudit.model.evidence import Diagnostic
from owaudit.model.observation import Use
from owaudit.model.policy import AllowedName, Gate, Policy, SecondOpinion
from owaudit.model.rule import Severity

POLICY_FILE = "owaudit.toml"
PROJECT_FILE = "pyproject.toml"

_LARGEST = 4 * 1024 * 1024
"""Bytes of a policy file; a longer one was not written by a person."""

_NO_GATE = "none"
_USES = (Use.REFERENCE, Use.CONSTRUCT, Use.BUILD, Use.CALL)


def find_policy(
    working_directory: Path, targets: Sequence[Path]
) -> tuple[Path | None, tuple[Diagnostic, ...]]:
    """Look for a policy file from the working directory upwards.

    In each directory ``owaudit.toml`` comes before a ``pyproject.toml`` with ``[tool.owaudit]``.
    Files inside or at a target are passed over, each with a diagnostic.

    Raises:
        UsageError: a file on the way cannot be read.
    """
    scanned = [target.resolve() for target in targets]
    notes: list[Diagnostic] = []
    start = working_directory.resolve()
    for directory in (start, *start.parents):
        for name in (POLICY_FILE, PROJECT_FILE):
            path = directory / name
            if not path.is_file():
                continue
            inside = any(
                place.is_relative_to(target) for place in (path, path.resolve()) for target in scanned
            )
            if name == PROJECT_FILE and not _mentions_owaudit(path, parse_it=not inside):
                continue
            if not inside:
                return path, tuple(notes)
            notes.append(
                Diagnostic(
                    level="warning",
                    source="policy",
                    message=f"{name} lies in the scanned target and was not used as policy; "
                    "name it with --policy if it is yours",
                )
            )
    return None, tuple(notes)


def _mentions_owaudit(path: Path, *, parse_it: bool) -> bool:
    """Does a project file hold a policy? One that is being audited is only searched for the words."""
    raw = _read(path)
    if b"owaudit" not in raw:
        return False
    if not parse_it:
        return True
    project = parse(raw, path.name)
    tool = project.section("tool")
    return tool is not None and "owaudit" in tool


def read_policy(path: Path) -> Policy:
    """Read a policy file; ``pyproject.toml`` is read at ``[tool.owaudit]``.

    Raises:
        UsageError: the file cannot be read, a key is unknown, or a value is wrong.
    """
    section: Section | None = parse(_read(path), path.name)
    if path.name == PROJECT_FILE:
        tool = section.section("tool") if section is not None else None
        section = tool.section("owaudit") if tool is not None else None
    if section is None:
        raise UsageError(f"{path.name}: holds no table [tool.owaudit]")
    policy = Policy(
        source=path.name,
        gate=_gate(section),
        allowed_names=_imports(section),
        second_opinion=_second_opinion(section),
        integrity=read_integrity(section),
        origin=read_origin(section, path.parent),
        formats=read_formats(section),
        limits=read_limits(section),
        rules=read_rules(section),
        packs=read_packs(section),
        frameworks=read_frameworks(section),
        waiving=read_waiving(section),
        waivers=read_waivers(section),
    )
    section.finish()
    return policy


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            raw = stream.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError(f"policy {path.name}: {error.strerror or error}") from error
    if len(raw) > _LARGEST:
        raise UsageError(f"policy {path.name}: longer than {_LARGEST} bytes")
    return raw


def _gate(section: Section) -> Gate:
    inner = section.section("gate")
    if inner is None:
        return Gate()
    word = inner.choice("fail_on", (*map(str, Severity), _NO_GATE), str(Severity.HIGH))
    inconclusive = inner.boolean("fail_on_inconclusive", False)
    inner.finish()
    return Gate(fail_on=None if word == _NO_GATE else Severity(word), fail_on_inconclusive=inconclusive)


def _imports(section: Section) -> tuple[AllowedName, ...]:
    inner = section.section("imports")
    if inner is None:
        return ()
    found: dict[str, AllowedName] = {}
    for item in inner.sections("allow"):
        row = AllowedName(
            name=item.text("name"), use=item.choice("use", _USES, Use.CALL), reason=item.text("reason")
        )
        item.finish()
        if "*" in row.name:
            raise item.error("name", f"expected one exact dotted name, found {row.name!r}")
        if row.name in found:
            raise item.error("name", f"{row.name!r} stands twice")
        found[row.name] = row
    inner.finish()
    return tuple(found[name] for name in sorted(found))


def _second_opinion(section: Section) -> SecondOpinion:
    inner = section.section("second_opinion")
    if inner is None:
        return SecondOpinion()
    usual = SecondOpinion()
    opinion = SecondOpinion(
        enabled=inner.boolean("enabled", usual.enabled),
        file_bytes=inner.integer("file_bytes", usual.file_bytes),
        instructions=inner.integer("instructions", usual.instructions),
    )
    inner.finish()
    return opinion
