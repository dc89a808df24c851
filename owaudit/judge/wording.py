"""The sentences and evidence of findings about names. Plain, without adjectives.

Every part that comes from a file is cut to a bounded length; escaping is the renderer's work.
"""

from __future__ import annotations

from collections.abc import Sequence

from owaudit.judge.rows import PowerfulTable, ReviewedRow, Row
from owaudit.model.observation import NameUsed, Slot, UnresolvedUse, Use
from owaudit.model.rule import EvidenceItem

LONGEST_TEXT = 400
"""Characters of one text from a file in one message; the whole stands in the listing."""

_FEW = 8

_DOES = {
    Use.REFERENCE: "imports",
    Use.CONSTRUCT: "constructs",
    Use.BUILD: "sets the state of an instance of",
    Use.CALL: "calls",
    Use.ALTER: "sets attributes on",
}


def cut(text: str, longest: int = LONGEST_TEXT) -> str:
    """Shorten a text to ``longest`` characters."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _shown(use: NameUsed) -> str:
    """The use as pseudo-Python where that says more than the name."""
    if use.use in (Use.CALL, Use.CONSTRUCT, Use.BUILD) and use.name in use.example:
        return cut(use.example)
    return cut(use.name)


def _happens(use: NameUsed) -> str:
    shown = _shown(use)
    if use.use is Use.BUILD and use.example:
        return f"Loading {_DOES[use.use]} {cut(use.name)}: {cut(use.example)}"
    if use.example and use.name not in use.example and use.use in (Use.CALL, Use.CONSTRUCT):
        return f"Loading {_DOES[use.use]} {shown} through {cut(use.example)}"
    return f"Loading {_DOES[use.use]} {shown}"


def powerful(use: NameUsed, through: str) -> str:
    """``Loading calls os.system('echo hi')``."""
    return _happens(use) + (f", which is {cut(through)}" if through else "")


def unreviewed(use: NameUsed) -> str:
    """``Loading calls somepkg.mod.fn('x'), which is on no reviewed list``."""
    return _happens(use) + ", which is on no reviewed list"


def alters(use: NameUsed) -> str:
    """``Loading sets attributes on pkg.mod.Thing itself …``."""
    return f"Loading sets attributes on {cut(use.name)} itself, for everything that uses it later"


def condition_broken(use: NameUsed, problem: str) -> str:
    """``Loading calls x(…), but argument 0 is …``."""
    return f"{_happens(use)}, but {cut(problem)}"


def unresolved(use: UnresolvedUse) -> str:
    """``Loading calls a name that only exists at run time: …``."""
    return f"Loading {_DOES[use.use]} a name that only exists at run time: {cut(use.expression)}"


def unresolved_facts(use: UnresolvedUse) -> tuple[EvidenceItem, ...]:
    """The expression and why it could not be followed."""
    return _items(("expression", use.expression), ("use", use.use), ("reason", use.reason))


def facts(use: NameUsed) -> tuple[EvidenceItem, ...]:
    """What the pickle does with the name."""
    return _items(
        ("name", use.name),
        ("written as", "; ".join(use.spellings[:_FEW])),
        ("use", use.use),
        ("example", use.example),
        ("arguments", _arguments(use)),
    )


def powerful_row(table: PowerfulTable, row: Row, entry: str, through: str) -> tuple[EvidenceItem, ...]:
    """The row of the powerful list that matched."""
    return _items(
        ("reaches", through),
        ("list", f"powerful: {table.meta.family or table.meta.name}"),
        ("matched", entry),
        ("why", row.why),
        ("source", row.source),
    )


def reviewed_row(row: ReviewedRow, problems: Sequence[str]) -> tuple[EvidenceItem, ...]:
    """The reviewed row whose use or conditions were not kept."""
    return _items(
        ("list", f"reviewed: {row.library} {row.version}"),
        *(("differs", problem) for problem in problems[:_FEW]),
        ("reviewed because", row.why),
        ("source", row.source),
    )


def policy_line(name: str, use: Use) -> str:
    """The TOML that allows the name, or "" where no TOML can spell it."""
    quoted = _toml_string(name)
    if not quoted:
        return ""
    return f'[imports]\nallow = [{{ name = {quoted}, use = "{use}", reason = "…" }}]'


def _toml_string(text: str) -> str:
    out = []
    for character in text:
        code = ord(character)
        if 0xD800 <= code <= 0xDFFF:
            return ""
        if character in '"\\':
            out.append("\\" + character)
        elif character.isprintable():
            out.append(character)
        else:
            out.append(f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}")
    return '"' + "".join(out) + '"'


def _arguments(use: NameUsed) -> str:
    if use.arity < 0:
        return ""
    shown = [f"{position}: {_slot(slot)}" for position, slot in enumerate(use.slots[:_FEW])]
    if len(use.slots) > _FEW:
        shown.append(f"and {len(use.slots) - _FEW} more")
    return "; ".join(shown)


def _slot(slot: Slot) -> str:
    parts = [f"name {cut(name, 80)}" for name in slot.names[:_FEW]]
    parts += [repr(cut(text, 80)) for text in slot.strings[:_FEW]]
    parts += [cut(kind, 80) for kind in slot.types[:_FEW] if kind != "str" or not slot.strings]
    parts += [f"holding {cut(name, 80)}" for name in slot.held[:_FEW]]
    return ", ".join(parts) or "nothing known"


def _items(*pairs: tuple[str, str]) -> tuple[EvidenceItem, ...]:
    return tuple(EvidenceItem(label=label, value=cut(str(value), 2000)) for label, value in pairs if value)
