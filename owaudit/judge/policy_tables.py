"""The tables of a policy about formats, limits, rules, packs, frameworks and waivers.

::

    [formats]
    allow = ["safetensors", "json", "jinja"]   # formats by the names that a report shows
    deny = ["pickle"]

    [limits]
    nesting_depth = 4                # any limit that a report names, in the same units

    [[rules]]
    id = "OWA2012"
    severity = "info"
    reason = "our mirror renames files"

    [packs]
    folders = ["../our-rules"]       # relative to this file
    required = ["acme"]

    [frameworks]
    show = ["nist-sp-800-218a"]

    [waiving]
    days = 180                       # the longest that a waiver may run
    also = ["OWA9002"]               # rules of integrity, signatures or coverage that may be waived at all

    [[waivers]]
    id = "W-0011"
    rule = "OWA1003"
    sha256 = "…"                     # or a list: every file that the finding rests on
    artifact = "models/*.bin"        # a pattern of paths, in place of sha256 or beside it
    owner = "model platform"
    reason = "read in full"
    created = 2026-09-01
    expires = 2027-02-28

A key that is not known is an error everywhere. Another fault of a waiver is kept with it: the waiver
covers nothing, and every report says why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import TypeVar

from owaudit.errors import UsageError
from owaudit.judge.strict import Section
from owaudit.model.limits import Limits
from owaudit.model.policy import FormatsPolicy, PacksPolicy, RuleChange, Waiver, Waiving
from owaudit.model.rule import Severity

T = TypeVar("T")

_TEXTS = ("id", "rule", "artifact", "owner", "reason", "approved_by", "ticket")
_DATES = ("created", "expires")


def read_formats(section: Section) -> FormatsPolicy:
    """Read ``[formats]``. Raises UsageError for a wrong value, or a format in both lists."""
    inner = section.section("formats")
    if inner is None:
        return FormatsPolicy()
    read = FormatsPolicy(allow=_names(inner, "allow"), deny=_names(inner, "deny"))
    inner.finish()
    for name in read.allow:
        if name in read.deny:
            raise inner.error("deny", f"{name!r} stands in allow too")
    return read


def read_limits(section: Section) -> Limits:
    """Read ``[limits]``. Raises UsageError for a wrong value; no limit may be 0."""
    inner = section.section("limits")
    if inner is None:
        return Limits()
    usual = Limits()
    given = {field.name: inner.integer(field.name, getattr(usual, field.name)) for field in fields(Limits)}
    inner.finish()
    for name, value in given.items():
        if value < 1:
            raise inner.error(name, "expected an integer from 1, found 0")
    return Limits(**given)


def read_rules(section: Section) -> tuple[RuleChange, ...]:
    """Read every ``[[rules]]``, sorted by id. Raises UsageError for a wrong value or an id twice."""
    found: dict[str, RuleChange] = {}
    for item in section.sections("rules"):
        change = RuleChange(
            rule=item.text("id"),
            severity=item.choice("severity", tuple(Severity)),
            reason=item.text("reason"),
        )
        item.finish()
        if change.rule in found:
            raise item.error("id", f"{change.rule!r} stands twice")
        found[change.rule] = change
    return tuple(found[rule] for rule in sorted(found))


def read_packs(section: Section) -> PacksPolicy:
    """Read ``[packs]``. Raises UsageError for a wrong value; folders are relative to the policy."""
    inner = section.section("packs")
    if inner is None:
        return PacksPolicy()
    read = PacksPolicy(folders=inner.texts("folders", ()), required=_names(inner, "required"))
    inner.finish()
    for folder in read.folders:
        if folder.startswith(("/", "\\", "~")) or folder[1:2] == ":":
            raise inner.error("folders", f"expected a path relative to the policy, found {folder!r}")
    return read


def read_frameworks(section: Section) -> tuple[str, ...]:
    """Read ``[frameworks]``. Raises UsageError for a wrong value."""
    inner = section.section("frameworks")
    if inner is None:
        return ()
    shown = inner.texts("show", ())
    inner.finish()
    return tuple(dict.fromkeys(shown))


def read_waiving(section: Section) -> Waiving:
    """Read ``[waiving]``. Raises UsageError for a wrong value."""
    inner = section.section("waiving")
    if inner is None:
        return Waiving()
    usual = Waiving()
    read = Waiving(days=inner.integer("days", usual.days), also=_names(inner, "also"))
    inner.finish()
    return read


def read_waivers(section: Section) -> tuple[Waiver, ...]:
    """Read every ``[[waivers]]`` in order; what is wrong with one becomes its ``problem``.

    Raises:
        UsageError: a key that no waiver has.
    """
    return tuple(_waiver(item, number) for number, item in enumerate(section.sections("waivers"), 1))


def _waiver(item: Section, number: int) -> Waiver:
    lenient = _Lenient(item)
    texts = {key: lenient.read(key, item.text, "") for key in _TEXTS}
    dates = {key: lenient.read(key, item.day, "") for key in _DATES}
    none: tuple[str, ...] = ()
    digests = lenient.read("sha256", lambda key, _: item.text_or_texts(key), none)
    item.finish()
    return Waiver(
        **{key: value for key, value in (*texts.items(), *dates.items()) if key != "id"},
        id=texts["id"] or f"(waiver {number})",
        sha256=tuple(sorted({text.lower().removeprefix("sha256:") for text in digests})),
        problem=lenient.problem or ("" if texts["id"] else "It has no id."),
    )


class _Lenient:
    """Reads the keys of one waiver; the first thing that is wrong becomes a sentence."""

    def __init__(self, item: Section) -> None:
        self._item = item
        self.problem = ""

    def read(self, key: str, ask: Callable[[str, T], T], default: T) -> T:
        """The value of a key, or the default where the value is wrong."""
        try:
            return ask(key, default)
        except UsageError as error:
            said = str(error).removeprefix(f"{self._item.file}: {self._item.place}.")
            self.problem = self.problem or f"{said[:1].upper()}{said[1:200]}."
            return default


def _names(section: Section, key: str) -> tuple[str, ...]:
    return tuple(sorted(set(section.texts(key, ()))))
