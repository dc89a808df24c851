"""Judging the names that pickles reach: powerful, reviewed, or neither.

Per file or member and name, in this order:

1. a powerful row covers the name, or a worse one what it re-exports: that rule, the most severe
   row first, unless a reviewed row takes the exact name out of it (``over``) and its conditions hold;
2. a reviewed row names it: quiet if the uses and the arguments are those that were reviewed,
   condition broken (OWA1015) if the arguments are not;
3. it is a powerful name under another module that re-exports it (``shutil.os.system``);
4. otherwise unreviewed, by the strongest use: call, class, or reference.

What a reviewed trampoline is given counts as used the way the trampoline uses it. A name that the
policy lists exactly is quiet; if it is powerful, a diagnostic says so. Setting attributes on the
imported object itself is never covered by any list.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from owaudit.errors import UsageError
from owaudit.judge import conditions, patterns, wording
from owaudit.judge.packs import BUILT_IN, Pack
from owaudit.judge.patterns import Hit, PatternIndex
from owaudit.judge.rows import PowerfulTable, ReviewedRow, Row, use_rank
from owaudit.judge.sheets import Sheet
from owaudit.model.evidence import Diagnostic, Evidence
from owaudit.model.location import Location
from owaudit.model.observation import KEPT_LOCATIONS, NameUsed, UnresolvedUse, Use
from owaudit.model.policy import AllowedName, Policy
from owaudit.model.rule import Confidence, Match, RuleMeta

ROLES = (
    "unreviewed-call",
    "unreviewed-class",
    "unreviewed-reference",
    "unresolved-name",
    "alters-import",
    "condition-broken",
)
"""The outcomes that some pack must describe before names can be judged."""

_ENDS = 16
"""Positions looked at from each end of a name: a walk through modules ends in what it reaches."""

Unit = tuple[str, tuple[str, ...]]
Deny = tuple[PowerfulTable, Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A match of a name rule; ``use`` is the use that decided it."""

    meta: RuleMeta
    match: Match
    use: Use
    powerful: bool = False


class NameLists:
    """All lists of all packs, ready to be asked.

    Strings of the lists lead to the blocks they stand in; a block is parsed when a name leads to
    it, and decides only if its row really names the entry.
    """

    def __init__(self, packs: Sequence[Pack]) -> None:
        """Index the lists.

        Raises:
            UsageError: no pack describes what the engine finds, or packs that did not ship with
                owaudit bring names into both lists.
        """
        self.modules: frozenset[str] = frozenset().union(*(pack.modules for pack in packs))
        self.outcomes: dict[str, RuleMeta] = {
            outcome.role: outcome.meta for pack in packs for outcome in pack.outcomes
        }
        for role in ROLES:
            if role not in self.outcomes:
                raise UsageError(f"no rule pack describes the outcome {role!r}")
        self._packs = packs
        self._entries: dict[str, list[tuple[PowerfulTable, int]]] = defaultdict(list)
        self._globs: PatternIndex[tuple[PowerfulTable, int]] = PatternIndex()
        self._deepest: dict[str, int] = defaultdict(int)
        self._names: dict[str, list[tuple[Sheet[ReviewedRow], int]]] = defaultdict(list)
        self._rows: dict[str, list[ReviewedRow]] = {}
        self._indexed = False
        if any(pack.used.source != BUILT_IN and (pack.powerful or pack.reviewed) for pack in packs):
            for contradiction in self.contradictions():
                raise UsageError(contradiction)

    def _index(self) -> None:
        """Read the strings of all lists, once, when the first name is asked for."""
        if self._indexed:
            return
        self._indexed = True
        for pack in self._packs:
            for table in pack.powerful:
                for block, text in table.deny.strings():
                    if "*" in text.removesuffix(".*"):
                        if not patterns.problem(text):
                            self._globs.add(text, (table, block))
                    else:
                        self._entries[text].append((table, block))
                        root = text.partition(".")[0]
                        self._deepest[root] = max(self._deepest[root], text.count(".") + 1)
            for sheet in pack.reviewed:
                for block, text in sheet.strings():
                    self._names[text].append((sheet, block))

    def contradictions(self) -> Iterator[str]:
        """Yield every reviewed name that a powerful row covers and ``over`` does not mention."""
        for pack in self._packs:
            for row in (row for sheet in pack.reviewed for row in sheet.rows()):
                for name in row.match:
                    for hit in self.powerful(name):
                        if not _is_over(row, hit):
                            yield (
                                f"{row.file}: {row.place}: {name!r} is also covered by the powerful entry "
                                f"{hit.entry!r}; a name stands in one list"
                            )

    def reviewed(self, name: str) -> list[ReviewedRow]:
        """The rows that name exactly this name, in the order of packs and files."""
        self._index()
        rows = self._rows.get(name)
        if rows is None:
            blocks = dict.fromkeys((id(sheet), block) for sheet, block in self._names.get(name, ()))
            sheets = {id(sheet): sheet for sheet, _ in self._names.get(name, ())}
            found = [sheets[sheet].row(block) for sheet, block in blocks]
            rows = self._rows[name] = [row for row in found if name in row.match]
        return rows

    def powerful(self, name: str) -> list[Hit[Deny]]:
        """Every powerful row that covers the name, the one that decides first."""
        return sorted(self._covering(name.split(".")), key=_deny_order)

    def _covering(self, components: Sequence[str]) -> Iterator[Hit[Deny]]:
        self._index()
        for hit in self._globs.walk(components):
            table, block = hit.value
            yield from self._checked(hit.entry, hit.depth, [(table, block)])
        prefix = ""
        for depth, component in enumerate(components[: self._deepest.get(components[0], 0)]):
            if depth:
                yield from self._checked(prefix + ".*", depth, self._entries.get(prefix + ".*", ()))
            prefix = f"{prefix}.{component}" if depth else component
            yield from self._checked(prefix, depth + 1, self._entries.get(prefix, ()))

    def _checked(
        self, entry: str, depth: int, places: Iterable[tuple[PowerfulTable, int]]
    ) -> Iterator[Hit[Deny]]:
        for table, block in places:
            row = table.deny.row(block)
            if entry in row.match:
                yield Hit(entry, depth, (table, row))

    def reexported(self, name: str, spellings: Iterable[str]) -> tuple[str, Hit[Deny]] | None:
        """Find the powerful row that the name reaches through another module's attributes.

        Components after the imported module are attributes, so a module among them is that
        module. Components of the module path itself are usually submodules of a package, so
        there only entries that spell more than the module count: ``six.moves.builtins.eval``,
        not ``acme.code.Net``.
        """
        components = name.split(".")
        boundary = _module_length(name, spellings)
        found: list[tuple[str, Hit[Deny]]] = []
        for start in _starts(len(components)):
            for module in dict.fromkeys((components[start], components[start].lstrip("_"))):
                if module not in self.modules:
                    continue
                candidate = (module, *components[start + 1 : start + patterns.DEEPEST + 1])
                found += [
                    (".".join(candidate), hit)
                    for hit in self._covering(candidate)
                    if start >= boundary or hit.depth > 1
                ]
        return min(found, key=lambda pair: _deny_order(pair[1]), default=None)


def _starts(count: int) -> Iterator[int]:
    """Positions after the first at which a module may stand; the ends alone of a very long name."""
    for start in range(1, count):
        if start <= _ENDS or start >= count - _ENDS:
            yield start


def _deny_order(hit: Hit[Deny]) -> tuple[int, int, str, str]:
    meta = hit.value[0].meta
    return (-meta.severity.rank, -hit.depth, meta.id, hit.entry)


def _module_length(name: str, spellings: Iterable[str]) -> int:
    """Components of the name that were written as the module; 1 where that is not certain."""
    lengths = []
    for spelling in spellings:
        _, _, attribute = spelling.partition(" ")
        if not attribute or not name.endswith("." + attribute):
            return 1
        lengths.append(name.count(".") - attribute.count("."))
    return max(1, min(lengths, default=1))


def judge_names(
    evidence: Evidence, lists: NameLists, policy: Policy
) -> tuple[list[Judged], list[Diagnostic]]:
    """Judge every name of the evidence; the order of its observations does not matter."""
    allowed = {row.name: row for row in policy.allowed_names}
    judged: list[Judged] = []
    quiet: set[str] = set()
    for (_, name), uses in sorted(_by_name(evidence, lists).items()):
        judged += _judge_name(name, uses, lists, allowed, quiet)
    judged += _unresolved(evidence, lists)
    return judged, [
        Diagnostic(
            level="warning",
            source="policy",
            message=f"the policy allows {name}, which is on the list of powerful names",
        )
        for name in sorted(quiet)
    ]


def _by_name(evidence: Evidence, lists: NameLists) -> dict[tuple[Unit, str], list[NameUsed]]:
    """Group uses by unit and name, those that trampolines cause included."""
    found: dict[tuple[Unit, str], list[NameUsed]] = defaultdict(list)
    for use in evidence.of(NameUsed):
        unit = (use.location.artifact, use.location.members)
        found[unit, use.name].append(use)
        for row in _rows_that_apply(lists.reviewed(use.name), use):
            for caused in conditions.handed_on(row, use):
                found[unit, caused.name].append(caused)
    return found


def _rows_that_apply(rows: Sequence[ReviewedRow], use: NameUsed) -> Sequence[ReviewedRow]:
    """The first row whose conditions hold, or all of them where none does."""
    for row in rows:
        if conditions.covers(row, use.use) and not conditions.broken(row, use):
            return (row,)
    return rows


def _judge_name(
    name: str,
    uses: Sequence[NameUsed],
    lists: NameLists,
    allowed: Mapping[str, AllowedName],
    quiet: set[str],
) -> Iterator[Judged]:
    altered = [use for use in uses if use.use is Use.ALTER]
    plain = [use for use in uses if use.use is not Use.ALTER]
    if altered:
        merged = _merge(altered)
        yield Judged(
            meta=lists.outcomes["alters-import"],
            use=Use.ALTER,
            match=Match(wording.alters(merged), merged, evidence=wording.facts(merged), key=name),
        )
    hits = lists.powerful(name)
    own = allowed.get(name)
    if own is not None and all(use_rank(use.use) <= use_rank(own.use) for use in plain):
        if hits or lists.reexported(name, _spellings(uses)):
            quiet.add(name)
        return
    if hits:
        uncovered = [use for use in plain if not _is_reviewed(lists, use, hits)] or altered
        if uncovered:
            through = lists.reexported(name, _spellings(uses))
            if through is None or not _is_worse(through[1], hits[0]):
                through = ("", hits[0])
            yield _powerful(_merge(uncovered), through[1], through[0])
        return
    if plain:
        yield from _judge_plain(name, plain, lists)


def _judge_plain(name: str, uses: Sequence[NameUsed], lists: NameLists) -> Iterator[Judged]:
    uncovered = [use for use in uses if not _is_reviewed(lists, use)]
    if not uncovered:
        return
    rows = lists.reviewed(name)
    failed = [(use, row) for use in uncovered for row in rows if conditions.covers(row, use.use)]
    if failed:
        strongest = _merge([use for use, _ in failed])
        row = next(row for use, row in failed if use.use is strongest.use)
        problems = sorted({conditions.broken(row, use) for use, row in failed})
        yield Judged(
            meta=lists.outcomes["condition-broken"],
            use=strongest.use,
            match=Match(
                wording.condition_broken(strongest, problems[0]),
                strongest,
                evidence=(*wording.facts(strongest), *wording.reviewed_row(row, problems)),
                key=name,
            ),
        )
        return
    through = lists.reexported(name, _spellings(uses))
    if through is not None:
        yield _powerful(_merge(uncovered), through[1], through[0])
        return
    yield _unreviewed(_merge(uncovered), rows, lists)


def _is_reviewed(lists: NameLists, use: NameUsed, hits: Sequence[Hit[Deny]] = ()) -> bool:
    """Does a row allow this use? Of a powerful name only one that is taken out of every hit.

    A public attribute that is only taken from a reviewed class, as bound methods are, is as
    reviewed as the class: nothing is called.
    """
    owner, _, attribute = use.name.rpartition(".")
    if use.use is Use.REFERENCE and not hits and not attribute.startswith("_") and lists.reviewed(owner):
        return True
    return any(
        conditions.covers(row, use.use)
        and not conditions.broken(row, use)
        and all(_is_over(row, hit) for hit in hits)
        for row in lists.reviewed(use.name)
    )


def _is_over(row: ReviewedRow, hit: Hit[Deny]) -> bool:
    """Does ``over`` mention an entry of the powerful row? Rows list the spellings of one thing."""
    return any(entry in row.over for entry in hit.value[1].match)


def _unreviewed(use: NameUsed, rows: Sequence[ReviewedRow], lists: NameLists) -> Judged:
    role = {Use.CALL: "unreviewed-call", Use.REFERENCE: "unreviewed-reference"}.get(
        use.use, "unreviewed-class"
    )
    line = wording.policy_line(use.name, use.use)
    evidence = [*wording.facts(use)]
    for row in rows:
        evidence += wording.reviewed_row(row, [f"reviewed for {row.use} only"])
    meta = lists.outcomes[role]
    match = Match(wording.unreviewed(use), use, evidence=tuple(evidence), key=use.name, policy_line=line)
    return Judged(meta=meta, match=match, use=use.use)


def _is_worse(one: Hit[Deny], other: Hit[Deny]) -> bool:
    return one.value[0].meta.severity.rank > other.value[0].meta.severity.rank


def _powerful(use: NameUsed, hit: Hit[Deny], through: str) -> Judged:
    table, row = hit.value
    evidence = (*wording.facts(use), *wording.powerful_row(table, row, hit.entry, through))
    confidence = Confidence.MEDIUM if through else Confidence.HIGH
    match = Match(wording.powerful(use, through), use, confidence=confidence, evidence=evidence, key=use.name)
    return Judged(meta=table.meta, match=match, use=use.use, powerful=True)


def _unresolved(evidence: Evidence, lists: NameLists) -> list[Judged]:
    found: dict[tuple[Unit, str], list[UnresolvedUse]] = defaultdict(list)
    for use in evidence.of(UnresolvedUse):
        unit = (use.location.artifact, use.location.members)
        found[unit, use.expression].append(use)
    meta = lists.outcomes["unresolved-name"]
    judged = []
    for _, uses in sorted(found.items()):
        strongest = _strongest(uses)
        judged.append(
            Judged(
                meta=meta,
                use=strongest.use,
                match=Match(
                    wording.unresolved(strongest),
                    strongest,
                    evidence=wording.unresolved_facts(strongest),
                    key=strongest.expression,
                ),
            )
        )
    return judged


def _spellings(uses: Iterable[NameUsed]) -> list[str]:
    return sorted({spelling for use in uses for spelling in use.spellings})


def _place(location: Location) -> tuple[str, tuple[str, ...], int, int]:
    return (location.artifact, location.members, location.start or 0, location.end or 0)


def _strongest(uses: Sequence[UnresolvedUse]) -> UnresolvedUse:
    best = max(use_rank(use.use) for use in uses)
    same = [use for use in uses if use_rank(use.use) == best]
    first = min(same, key=lambda use: (_place(use.location), use.reason))
    return replace(first, count=sum(use.count for use in same), locations=_first_places(same))


def _merge(uses: Sequence[NameUsed]) -> NameUsed:
    """The strongest use with the places and counts of all uses as strong."""
    best = max(use_rank(use.use) for use in uses)
    same = [use for use in uses if use_rank(use.use) == best]
    # What the name itself is given says more than that it was handed to something that calls it.
    own = [use for use in same if use.example.startswith(use.name)] or same
    first = min(own, key=lambda use: (_place(use.location), use.arity, use.example))
    return replace(
        first,
        count=sum(use.count for use in same),
        locations=_first_places(same),
        spellings=tuple(_spellings(uses)),
    )


def _first_places(uses: Sequence[NameUsed] | Sequence[UnresolvedUse]) -> tuple[Location, ...]:
    places = {location for use in uses for location in use.locations}
    return tuple(sorted(places, key=_place)[:KEPT_LOCATIONS])
