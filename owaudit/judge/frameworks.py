"""Frameworks as data: controls with their edition, and which evidence speaks to each.

A pack holds them below ``frameworks``. A file with the key ``framework`` describes one edition of one
framework::

    framework = "acme-checks"          # what --framework is given
    name = "ACME checks"
    edition = "2.1, May 2026"
    source = "ACME checks 2.1, table 3"
    checked = "2026-11-20"             # when the ids were compared with the source
    mapping = "2026.11"
    confidence = "high"                # of the ids; a control may say its own
    reading = "What supports and contradicts mean for these rows."

    [[control]]
    id = "A-1"
    title = "In our own words"
    evidence = "scan"                  # or: out_of_scope = true
    limit = "What the audit cannot show of it."
    only_partly = true                 # optional: the control asks for much more than files can show

A file with the key ``evidence`` holds rows ``name``, ``state`` and the facts that must hold: ``all`` of
them, ``any`` one, ``none``; ``also`` names facts that are told with them. The first row of a name
that fits decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from owaudit.errors import UsageError
from owaudit.judge.control_facts import FACTS
from owaudit.judge.packs import Pack
from owaudit.judge.strict import Section, parse
from owaudit.model.report import ControlState, FrameworkUsed
from owaudit.model.rule import Confidence

_CONFIDENCES = (Confidence.HIGH, Confidence.MEDIUM)
"""What is known less well than that is left out, not marked."""
_STATES = (ControlState.SUPPORTS, ControlState.CONTRADICTS, ControlState.PARTIAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRow:
    """One step of a named ladder: a state, and the facts that lead to it."""

    state: ControlState
    all: tuple[str, ...] = ()
    any: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One control; ``rows`` is empty for one that no audit of files can speak to.

    With ``only_partly`` what would support it is no more than a part.
    """

    id: str
    title: str
    limit: str
    confidence: Confidence
    out_of_scope: bool
    only_partly: bool
    rows: tuple[EvidenceRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """A framework and its controls, in the order of the file."""

    used: FrameworkUsed
    controls: tuple[Control, ...]


def load_frameworks(packs: Sequence[Pack]) -> Mapping[str, Framework]:
    """Read the frameworks of all packs, by key, sorted.

    Raises:
        UsageError: a file is wrong, a key is used twice, or evidence or a fact is not known.
    """
    ladders: dict[str, list[EvidenceRow]] = {}
    sections = [parse(raw, file) for pack in packs for file, raw in pack.frameworks]
    for section in sections:
        if "evidence" in section:
            _read_ladders(section, ladders)
    found: dict[str, Framework] = {}
    for section in sections:
        if "evidence" not in section:
            framework = _read_framework(section, ladders)
            if framework.used.key in found:
                raise section.error("framework", f"{framework.used.key!r} is there twice")
            found[framework.used.key] = framework
    return dict(sorted(found.items()))


def wanted_frameworks(packs: Sequence[Pack], keys: Sequence[str]) -> list[Framework]:
    """The frameworks of these keys, in this order; no pack is asked when there is no key.

    Raises:
        UsageError: a key that no framework has.
    """
    if not keys:
        return []
    known = load_frameworks(packs)
    for key in keys:
        if key not in known:
            raise UsageError(f"no framework is called {key!r}; known are {', '.join(known)}")
    return [known[key] for key in keys]


def _read_ladders(section: Section, ladders: dict[str, list[EvidenceRow]]) -> None:
    section.text("evidence")
    for item in section.sections("row"):
        name = item.text("name")
        row = EvidenceRow(
            state=item.choice("state", _STATES),
            all=_facts(item, "all"),
            any=_facts(item, "any"),
            none=_facts(item, "none"),
            also=_facts(item, "also"),
        )
        item.finish()
        if not row.all and not row.any:
            raise item.error("", "a row needs facts in 'all' or 'any'")
        ladders.setdefault(name, []).append(row)
    section.finish()


def _facts(item: Section, key: str) -> tuple[str, ...]:
    names = item.texts(key, ())
    for name in names:
        if name not in FACTS:
            raise item.error(key, f"no fact is called {name!r}")
    return names


def _read_framework(section: Section, ladders: Mapping[str, Sequence[EvidenceRow]]) -> Framework:
    used = FrameworkUsed(
        key=section.text("framework"),
        name=section.text("name"),
        edition=section.text("edition"),
        source=section.text("source"),
        checked=section.text("checked"),
        mapping=section.text("mapping"),
        confidence=section.choice("confidence", _CONFIDENCES),
        reading=section.text("reading"),
        note=section.text("note", ""),
    )
    controls = tuple(_control(item, used.confidence, ladders) for item in section.sections("control"))
    section.finish()
    ids = [control.id for control in controls]
    for control in controls:
        if ids.count(control.id) > 1:
            raise section.error("control", f"{control.id!r} stands twice")
    if not controls:
        raise section.error("control", "expected at least one")
    return Framework(used=used, controls=controls)


def _control(item: Section, usual: Confidence, ladders: Mapping[str, Sequence[EvidenceRow]]) -> Control:
    is_out = item.boolean("out_of_scope", False)
    name = item.text("evidence", "")
    control = Control(
        id=item.text("id"),
        title=item.text("title"),
        limit=item.text("limit"),
        confidence=item.choice("confidence", _CONFIDENCES, usual),
        out_of_scope=is_out,
        only_partly=item.boolean("only_partly", False),
        rows=tuple(ladders.get(name, ())),
    )
    item.finish()
    if is_out == bool(name):
        raise item.error("evidence", "a control names its evidence or is out_of_scope, one of the two")
    if name and name not in ladders:
        raise item.error("evidence", f"no evidence is called {name!r}")
    return control
