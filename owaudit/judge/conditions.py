"""Do the arguments of a use keep what the reviewed row asks for?

What cannot be seen counts as broken: an unknown number of arguments, a text list that was cut
short, a value that only exists at run time.

What may lie in a slot, by what the condition gives:

=============  ====================================  ============================
condition      names there                           other values there
=============  ====================================  ============================
``names``      those listed                          none, unless ``types``/``strings``
``types``      none, unless ``names``/``use``        the kinds listed
``strings``    none, unless ``names``/``use``        ``str``, unless ``types``
``use``        any (judged with that use)            constants and plain containers
``at_most``    none, unless ``names``/``use``        constants and plain containers
=============  ====================================  ============================
"""

from __future__ import annotations

from owaudit.judge.rows import Condition, ReviewedRow, use_rank
from owaudit.model.observation import NameUsed, Slot, Use

PLAIN = frozenset(
    {
        "NoneType",
        "bool",
        "int",
        "float",
        "complex",
        "str",
        "bytes",
        "bytearray",
        "blob",
        "Ellipsis",
        "tuple",
        "list",
        "dict",
        "set",
        "frozenset",
    }
)
"""Kinds whose values run nothing whoever receives them."""

ANY_INSTANCE = "instance:*"
"""What any call or construction gave: for rows where the maker is judged under its own name."""

_TO_SHOW = 80


def broken(row: ReviewedRow, use: NameUsed) -> str:
    """Return in words the first condition of the row that this use does not keep, or "".

    Conditions apply to calls and constructions; the strength of the use is not looked at here.
    """
    if use.use not in (Use.CALL, Use.CONSTRUCT) or (row.arity is None and not row.conditions):
        return ""
    if use.arity < 0:
        return "how many arguments it gets cannot be told"
    if row.arity is not None and use.arity not in row.arity:
        allowed = " or ".join(str(number) for number in row.arity)
        return f"it gets {use.arity} arguments, reviewed with {allowed}"
    for condition in row.conditions:
        if condition.slot >= use.arity:
            continue
        if condition.slot >= len(use.slots):
            return f"argument {condition.slot} is not known"
        wrong = _wrong_in_slot(condition, use.slots[condition.slot])
        if wrong:
            return f"argument {condition.slot} {wrong}"
    return ""


def _wrong_in_slot(condition: Condition, slot: Slot) -> str:
    if condition.names is not None:
        for name in slot.names:
            if name not in condition.names:
                return f"is {_short(name)}, reviewed with {_some(condition.names)}"
    elif slot.names and condition.use is None:
        return f"is the name {_short(slot.names[0])}, reviewed without names"
    kinds = _kinds(condition)
    for kind in slot.types:
        if kind not in kinds and not (kind.startswith("instance:") and ANY_INSTANCE in kinds):
            return f"is of kind {_short(kind)}, which was not reviewed"
    return _wrong_value(condition, slot)


def _wrong_value(condition: Condition, slot: Slot) -> str:
    if condition.strings is not None:
        if not slot.strings_complete:
            return "holds more texts than are listed"
        for text in slot.strings:
            if text not in condition.strings:
                return f"is the text {_short(text)!r}, reviewed with {_some(condition.strings)}"
    if condition.at_most is not None and slot.largest > condition.at_most:
        return f"is {slot.largest}, reviewed up to {condition.at_most}"
    return ""


def _kinds(condition: Condition) -> frozenset[str]:
    if condition.types is not None:
        return frozenset(condition.types)
    if condition.strings is not None:
        return frozenset({"str"})
    return frozenset() if condition.names is not None else PLAIN


def handed_on(row: ReviewedRow, use: NameUsed) -> list[NameUsed]:
    """Return what a trampoline does with the names it is given, as uses of those names."""
    found: list[NameUsed] = []
    if use.use not in (Use.CALL, Use.CONSTRUCT):
        return found
    for condition in row.conditions:
        if condition.use is None or condition.slot >= len(use.slots):
            continue
        slot = use.slots[condition.slot]
        arity = -1
        slots: tuple[Slot, ...] = ()
        if condition.arguments_from >= 0 and len(use.slots) == use.arity:
            slots = use.slots[condition.arguments_from :]
            arity = len(slots)
        found += [
            NameUsed(
                locations=use.locations,
                count=use.count,
                name=name,
                use=condition.use,
                arity=arity,
                slots=slots,
                example=use.example,
            )
            for name in dict.fromkeys((*slot.names, *slot.held))
        ]
    return found


def covers(row: ReviewedRow, use: Use) -> bool:
    """Does the strongest reviewed use include this one? Altering is never included."""
    return use is not Use.ALTER and use_rank(use) <= use_rank(row.use)


def _short(text: str) -> str:
    return text if len(text) <= _TO_SHOW else text[: _TO_SHOW - 1] + "…"


def _some(values: tuple[str, ...]) -> str:
    return " or ".join(repr(value) for value in values[:4]) + (" …" if len(values) > 4 else "")
