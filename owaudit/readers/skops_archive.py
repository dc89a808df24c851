"""skops: a zip archive with a tree of typed nodes in ``schema.json``, and arrays beside it.

The names in the tree go through the same lists as those of a pickle: the loader imports them all.

Source: skops 0.14, skops/io/_persist.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from owaudit.codec.breaches import Breaches
from owaudit.codec.carried import account, opened
from owaudit.codec.json_text import document
from owaudit.codec.reader import Halt, Head, Member, Place, Reader, Yield
from owaudit.codec.skops_nodes import LOADERS, MOST_TYPES, PLAIN, Node, is_node, nodes
from owaudit.codec.window import Window
from owaudit.codec.zip_facts import archive_facts, archive_members
from owaudit.codec.zip_records import read_archive
from owaudit.errors import FormatError, LimitExceeded
from owaudit.model.artifact import Format
from owaudit.model.format_facts import NodeTyped
from owaudit.model.limits import Limits
from owaudit.model.observation import NameUsed, Use

_FORMAT = Format("skops")
_SCHEMA = "schema.json"
_LONGEST_NAME = 400
SCHEMA_CHARACTERS = 48 * 1024 * 1024


def looks_like(head: Head) -> bool:
    """A zip archive named as skops files are, or with a schema in its directory."""
    if not head.start.startswith(b"PK\x03\x04"):
        return False
    return head.name.endswith(".skops") or (_SCHEMA.encode() in head.end and _opens_as_skops(head.window))


def _opens_as_skops(window: Window) -> bool:
    limits = Limits(members=1000)
    try:
        members = archive_members(read_archive(window, limits))
        for entry, member in members:
            if entry.name == _SCHEMA and isinstance(member, Member):
                inner, _ = opened(window, member, limits)
                return any(b"__loader__" in piece for _, piece in inner.pieces())
    except (FormatError, LimitExceeded):
        return False
    return False


def read(window: Window, place: Place, limits: Limits) -> Iterator[Yield]:
    """Yield the archive's facts, the names of its tree, and its other members."""
    archive = read_archive(window, limits)
    yield from archive_facts(archive, place)
    breaches = Breaches(_FORMAT)
    members = list(archive_members(archive))
    names = {entry.name for entry, _ in members}
    if _SCHEMA not in names:
        breaches.note("schema", "a member schema.json", "none", place.at())
    for entry, member in members:
        if entry.name == _SCHEMA and isinstance(member, Member) and not member.sealed:
            yield from _schema(window, place, member, names, breaches, limits)
        else:
            yield member
    yield from breaches.observations()


def _schema(
    window: Window, place: Place, member: Member, names: set[str], breaches: Breaches, limits: Limits
) -> Iterator[Yield]:
    inner, halt = opened(window, member, limits)
    inside = place.inside(member.name)
    if halt is None:
        try:
            tree, repeated = document(inner, ceiling=SCHEMA_CHARACTERS, constants=True)
        except FormatError as error:
            breaches.note(error.clause, error.expected, error.found, inside.at(error.start))
            halt = Halt("malformed", str(error))
        except LimitExceeded as error:
            halt = Halt(f"limit:{error.limit}", str(error))
        else:
            for pointer in repeated[:64]:
                breaches.note("duplicate-key", "each name once", ascii(pointer), inside.at(pointer=pointer))
            if not is_node(tree):
                breaches.note("node", "a tree of nodes", type(tree).__name__, inside.at())
            yield from _names(nodes(tree), names, inside, breaches)
    yield account(member, inner.size, halt, "json")


def _names(tree: Iterator[Node], names: set[str], place: Place, breaches: Breaches) -> Iterator[Yield]:
    seen: Counter[tuple[str, str]] = Counter()
    for node in tree:
        if node.loader not in LOADERS:
            breaches.note("loader", "a loader that skops has", node.loader, place.at())
        if node.file and node.file not in names:
            breaches.note("file", "a member of the archive", node.file, place.at())
        name = f"{node.name}.{node.method}" if node.method else node.name
        key = (node.loader[:80], name[:_LONGEST_NAME])
        if key in seen or len(seen) < MOST_TYPES:
            seen[key] += 1
        else:
            seen["", "(further names)"] += 1
    for (loader, name), count in sorted(seen.items()):
        yield NodeTyped(locations=place.at(), count=count, format=_FORMAT, loader=loader, name=name)
        use = LOADERS.get(loader, Use.REFERENCE)
        if loader not in PLAIN:
            yield NameUsed(
                locations=place.at(),
                count=count,
                name=name,
                use=use,
                spellings=(" ".join(name.rpartition(".")[::2]),),
                example=f"{loader}({name})",
            )


READER = Reader(
    format=_FORMAT,
    source="skops 0.14, skops/io/_persist.py",
    looks_like=looks_like,
    read=read,
    rank=20,
    hides=("zip",),
    extensions=(".skops",),
)
