"""The typed rows of rule packs, and how they are read from TOML.

A TOML file of a pack is one of these, told apart by its keys:

* ``id`` and ``on``: a rule that is a table. ``on = "pickle.name"`` is a list of powerful names;
  any other kind needs ``field`` and is a table rule of the generic kind (``judge.tables``);
* ``reviewed = "pickle"``: names that a person has read and found inert;
* ``table = "outcomes"``: the metadata of the findings that the engine itself makes;
* ``table = "modules"``: names of modules that other modules re-export;
* ``table = "loader"``: what one loader does with the formats it reads (``judge.loaders``).
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from owaudit.errors import UsageError
from owaudit.judge import patterns
from owaudit.judge.sheets import Sheet
from owaudit.judge.strict import Section
from owaudit.model.observation import Use
from owaudit.model.rule import Axis, RuleMeta, Severity

NAMES_KIND = "pickle.name"

_ID = re.compile(r"[A-Z]{2,10}[0-9]{3,6}\Z")
_RULE_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
_USES = (Use.REFERENCE, Use.CONSTRUCT, Use.BUILD, Use.CALL)


def use_rank(use: Use) -> int:
    """0 for a reference up to 3 for a call and 4 for altering; a use includes the weaker ones."""
    return 4 if use is Use.ALTER else _USES.index(use)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One entry list of a table: what it matches, why, and where that can be read."""

    match: tuple[str, ...]
    why: str
    source: str
    file: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerfulTable:
    """One rule over names: the names of one family that are powerful whoever reviews them."""

    meta: RuleMeta
    deny: Sheet[Row]
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What may stand in one argument position of a reviewed call.

    None means that this side of the condition was not given. With ``use``, a name in the slot
    counts as used that way; ``arguments_from`` is the position from which this call's arguments
    are those of the name (-1: unknown).
    """

    slot: int
    use: Use | None = None
    strings: tuple[str, ...] | None = None
    names: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    at_most: int | None = None
    arguments_from: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewedRow:
    """Exact names that were read, and the strongest use that was found inert."""

    match: tuple[str, ...]
    use: Use
    why: str
    source: str
    library: str
    version: str
    arity: tuple[int, ...] | None
    conditions: tuple[Condition, ...]
    over: tuple[str, ...]
    file: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Metadata of a finding that the engine makes; ``role`` is how the engine asks for it."""

    role: str
    meta: RuleMeta


@dataclass(frozen=True, slots=True, kw_only=True)
class LoaderTable:
    """One loader: the formats it opens, how it treats pickles in them, and the call to use.

    ``kind`` is ``pickle`` (runs every pickle), ``allow-list`` (runs a pickle only as far as
    ``names`` and ``opcodes`` go), ``arrays`` (refuses files with pickles) or ``inert`` (reads
    numbers). ``member`` is the last name of the member that it unpickles in an archive, empty for any.
    ``instead`` names the loader whose ``call`` to advise where that one loads inertly.
    """

    loader: str
    era: str
    formats: tuple[str, ...]
    kind: str
    member: str
    library: str
    call: str
    instead: str
    names: frozenset[str]
    opcodes: frozenset[str]
    source: str


def check_meta(meta: RuleMeta, where: str) -> RuleMeta:
    """Return the metadata, or raise UsageError where id, name or texts are not as they must be."""
    if not _ID.match(meta.id):
        raise UsageError(f"{where}: expected an id such as OWA1001, found {meta.id!r}")
    if not _RULE_NAME.match(meta.name):
        raise UsageError(f"{where}: expected a kebab-case rule name, found {meta.name!r}")
    for label in ("title", "explanation", "remediation"):
        if not getattr(meta, label).strip():
            raise UsageError(f"{where}: {meta.id} has no {label}")
    return meta


def read_meta(section: Section, parent: RuleMeta | None = None) -> RuleMeta:
    """Read rule metadata; texts that are missing come from ``parent`` where there is one.

    Raises:
        UsageError: a key is missing or wrong.
    """
    inherit = (
        {}
        if parent is None
        else {
            "title": parent.title,
            "explanation": parent.explanation,
            "remediation": parent.remediation,
        }
    )
    meta = RuleMeta(
        id=section.text("id"),
        name=section.text("name"),
        severity=section.choice("severity", Severity),
        title=section.text("title", **_default(inherit, "title")),
        explanation=section.text("explanation", **_default(inherit, "explanation")),
        remediation=section.text("remediation", **_default(inherit, "remediation")),
        references=section.texts("references", parent.references if parent else ()),
        axis=section.choice("axis", Axis, parent.axis if parent else Axis.LOAD),
        leaves_open=section.boolean("leaves_open", False),
        family=section.text("family", parent.family if parent else ""),
    )
    return check_meta(meta, f"{section.file}: {section.place or 'top'}")


def _default(inherit: dict[str, str], key: str) -> dict[str, str]:
    return {"default": inherit[key]} if key in inherit else {}


def read_row(section: Section) -> Row:
    """Read a ``[[deny]]`` or ``[[allow]]`` row of patterns. Raises UsageError."""
    match = section.texts("match")
    if not match:
        raise section.error("match", "expected at least one entry")
    for index, entry in enumerate(match):
        wrong = patterns.problem(entry)
        if wrong:
            raise section.error(f"match[{index}]", f"{entry!r} has {wrong}")
    row = Row(
        match=match,
        why=section.text("why"),
        source=section.text("source"),
        file=section.file,
        place=section.place,
    )
    section.finish()
    return row


def read_powerful(head: Section, rows: Sheet[Row]) -> PowerfulTable:
    """Read the head of one list of powerful names; its rows are read when asked for.

    Raises:
        UsageError: metadata are missing or wrong, or there are no rows.
    """
    head.text("on")
    meta = read_meta(head)
    head.finish()
    _refuse_no_rows(head, rows)
    return PowerfulTable(meta=meta, deny=rows, file=head.file)


def read_reviewed_list(head: Section, blocks: tuple[bytes, ...]) -> Sheet[ReviewedRow]:
    """Read the head of one list of reviewed names; its rows are read when asked for. Raises UsageError."""
    library, version = _read_library(head)
    head.finish()
    rows: Sheet[ReviewedRow] = Sheet(
        head.file, "allow", blocks, functools.partial(_reviewed_row, library=library, version=version)
    )
    _refuse_no_rows(head, rows)
    return rows


def _refuse_no_rows(head: Section, rows: Sheet[Row] | Sheet[ReviewedRow]) -> None:
    if not rows.blocks:
        raise head.error(rows.key, f"a list without rows says nothing; each row starts with [[{rows.key}]]")


def read_reviewed(section: Section) -> tuple[ReviewedRow, ...]:
    """Read a whole list of reviewed names at once. Raises UsageError."""
    library, version = _read_library(section)
    rows = tuple(_reviewed_row(row, library=library, version=version) for row in section.sections("allow"))
    section.finish()
    return rows


def _read_library(section: Section) -> tuple[str, str]:
    section.choice("reviewed", ("pickle",))
    return section.text("library"), section.text("version")


def _reviewed_row(section: Section, *, library: str, version: str) -> ReviewedRow:
    match = section.texts("match")
    if not match:
        raise section.error("match", "expected at least one name")
    for index, name in enumerate(match):
        if "*" in name or patterns.problem(name):
            raise section.error(f"match[{index}]", f"expected an exact dotted name, found {name!r}")
    row = ReviewedRow(
        match=match,
        use=section.choice("use", _USES),
        why=section.text("why"),
        source=section.text("source"),
        library=library,
        version=version,
        arity=section.integers("arity") if "arity" in section else None,
        conditions=tuple(_condition(item) for item in section.sections("arguments")),
        over=section.text_or_texts("over"),
        file=section.file,
        place=section.place,
    )
    section.finish()
    if row.over and not row.conditions and row.arity is None and row.use is not Use.REFERENCE:
        raise section.error("over", "needs conditions, or only the use 'reference'")
    return row


def _condition(section: Section) -> Condition:
    names = section.texts("names") if "names" in section else None
    use = section.choice("use", _USES) if "use" in section else None
    condition = Condition(
        slot=section.integer("slot"),
        use=use,
        strings=section.texts("strings", blank=True) if "strings" in section else None,
        names=names,
        types=section.texts("types") if "types" in section else None,
        at_most=section.integer("at_most") if "at_most" in section else None,
        arguments_from=section.integer("arguments_from") if "arguments_from" in section else -1,
    )
    section.finish()
    if "arguments_from" in section and use is None:
        raise section.error("arguments_from", "only has a meaning together with 'use'")
    sides = (use, condition.strings, names, condition.types, condition.at_most)
    if all(side is None for side in sides):
        raise section.error("", "a condition that asks for nothing")
    return condition


def read_outcomes(section: Section) -> tuple[Outcome, ...]:
    """Read the metadata of the findings that the engine makes. Raises UsageError."""
    section.text("table")
    found = []
    for item in section.sections("outcome"):
        found.append(Outcome(role=item.text("role"), meta=read_meta(item)))
        item.finish()
    section.finish()
    return tuple(found)


def read_modules(section: Section) -> frozenset[str]:
    """Read a list of module names. Raises UsageError."""
    section.text("table")
    section.text("source")
    modules = section.texts("modules")
    section.finish()
    return frozenset(modules)


def read_loader(section: Section) -> LoaderTable:
    """Read one loader. Raises UsageError."""
    section.text("table")
    names: set[str] = set()
    for item in section.sections("names"):
        module = item.text("module")
        names.update(f"{module}.{name}" for name in item.texts("names"))
        item.finish()
    loader = LoaderTable(
        loader=section.text("loader"),
        era=section.text("era"),
        formats=section.texts("formats"),
        kind=section.choice("kind", ("pickle", "joblib", "allow-list", "arrays", "inert")),
        member=section.text("member", ""),
        library=section.text("library", ""),
        call=section.text("call"),
        instead=section.text("instead", ""),
        names=frozenset(names),
        opcodes=frozenset(section.texts("opcodes", ())),
        source=section.text("source"),
    )
    section.finish()
    return loader
