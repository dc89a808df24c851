"""The catalogue of rules: what ``owaudit rules`` lists, and ``rules/README.md`` as Markdown.

Long lists of names are counted, not printed; the rows stand in the tables themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from owaudit.errors import UsageError
from owaudit.judge.packs import Pack
from owaudit.model.rule import RuleMeta

_FAMILIES = {
    "OWA1": "Code on load",
    "OWA2": "Structure and disguise",
    "OWA3": "Integrity",
    "OWA4": "Signature and provenance",
    "OWA5": "Configuration, templates, repository code",
    "OWA6": "Identity, licence, inventory",
    "OWA9": "Coverage and tool",
}

_HEAD = """\
# The rules

This page is generated from the rules themselves and a test holds it current.
One id has one severity and is never used again for something else. *Leaves the question open* means
that the load axis does not pass while such a finding stands, whatever the gate is.
"""


def rule_metas(packs: Sequence[Pack]) -> tuple[RuleMeta, ...]:
    """The metadata of every rule of every pack, sorted by id."""
    return tuple(sorted((meta for pack in packs for meta in pack.metas()), key=lambda meta: meta.id))


def find_rule(packs: Sequence[Pack], wanted: str) -> RuleMeta:
    """Return the rule with this id or name, in any case of letters.

    Raises:
        UsageError: no rule is called that.
    """
    for meta in rule_metas(packs):
        if wanted.lower() in (meta.id.lower(), meta.name):
            return meta
    raise UsageError(f"no rule is called {wanted!r}; 'owaudit rules list' names them all")


def render_catalogue(packs: Sequence[Pack]) -> str:
    """Return the catalogue as Markdown, with a final newline."""
    lines = [_HEAD]
    rows = row_counts(packs)
    family = ""
    for meta in rule_metas(packs):
        heading = _FAMILIES.get(meta.id[:4], "Rules of other packs")
        if heading != family:
            family = heading
            lines += [f"## {heading}", ""]
        lines += [*_rule(meta, rows[meta.id]), ""]
    lines += list(_reviewed(packs))
    return "\n".join(lines).rstrip("\n") + "\n"


def row_counts(packs: Sequence[Pack]) -> Counter[str]:
    """How many entries each table rule holds, by rule id."""
    counts: Counter[str] = Counter()
    for pack in packs:
        for names in pack.powerful:
            counts[names.meta.id] += sum(len(row.match) for row in names.deny.rows())
        for table in pack.tables:
            counts[table.meta.id] += sum(len(row.match) for row in table.deny)
    return counts


def reviewed_counts(packs: Sequence[Pack]) -> Counter[tuple[str, str]]:
    """How many names each reviewed list holds, by library and version."""
    counts: Counter[tuple[str, str]] = Counter()
    for pack in packs:
        for row in (row for sheet in pack.reviewed for row in sheet.rows()):
            counts[row.library, row.version] += len(row.match)
    return counts


def _rule(meta: RuleMeta, rows: int) -> Iterator[str]:
    yield f"### {meta.id} {meta.name}"
    yield ""
    notes = [f"**{meta.severity}**"]
    notes += ["leaves the question open"] if meta.leaves_open else []
    notes += [f"family: {meta.family}"] if meta.family else []
    notes += [f"{rows:,} {'entry' if rows == 1 else 'entries'}"] if rows else []
    yield " · ".join(notes)
    yield ""
    yield f"{meta.title}."
    yield ""
    yield f"- Why: {meta.explanation}"
    yield f"- What to do: {meta.remediation}"
    if meta.references:
        yield f"- References: {'; '.join(meta.references)}"


def _reviewed(packs: Sequence[Pack]) -> Iterator[str]:
    counts = reviewed_counts(packs)
    if counts:
        yield "## Reviewed names"
        yield ""
        yield "Exact names that were read and found inert, by library and the version that was read."
        yield ""
        for (library, version), count in sorted(counts.items()):
            yield f"- {library} {version}: {count:,} {'name' if count == 1 else 'names'}"
