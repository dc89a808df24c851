"""What stands on the symbolic stack of the pickle machine.

Constants are themselves (``None``, ``bool``, ``int``, ``float``, ``str``, ``bytes``, ``tuple``).
Everything else is one of the classes here. None of them holds anything that was imported: a name
stays a name.
"""

from __future__ import annotations

_TEXT_BUDGET = 240
"""Characters of pseudo-Python per expression; the offsets lead to the rest."""
_SHOWN_ITEMS = 8
KEPT_STRINGS = 24
"""Different texts of one argument position that are kept."""
LONGEST_STRING = 80
"""Characters of a text that is kept; conditions on arguments name short words."""
_SHOWN_DEPTH = 4


class Name:
    """A resolved import: ``module`` and ``qualname`` (empty for the module itself)."""

    __slots__ = ("calls", "dotted", "fold", "instance", "module", "qualname", "seen", "spelling", "uses")

    def __init__(self, module: str, qualname: str, spelling: str) -> None:
        self.module = module
        self.qualname = qualname
        self.dotted = f"{module}.{qualname}" if qualname else module
        self.spelling = spelling
        self.uses: dict[str, UseRecord] = {}
        self.calls: dict[int, UseRecord] = {}
        self.seen = 0
        """Calls and constructions in the current stream."""
        self.fold: Line | None = None
        self.instance: Instance | None = None
        """The shared result of calls that are no longer shown one by one."""


class Instance:
    """What a call or construction gave. ``variable`` is its name in the program, or empty.

    ``args`` and ``state`` are kept only where a decoder needs them later.
    """

    __slots__ = ("args", "of", "state", "variable")

    def __init__(self, of: Name, variable: str, args: tuple[object, ...]) -> None:
        self.of = of
        self.variable = variable
        self.args = args
        self.state: object = None


class Items:
    """A container that the stream fills. ``kept`` holds the first items (keys and values in turn
    for a dict), ``count`` how many there were."""

    __slots__ = ("ceiling", "count", "kept", "shape")

    def __init__(self, shape: str, ceiling: int = 256) -> None:
        self.shape = shape
        self.ceiling = ceiling
        self.kept: list[object] = []
        self.count = 0

    def extend(self, items: list[object]) -> None:
        room = self.ceiling - len(self.kept)
        if room > 0:
            self.kept.extend(items[:room])
        self.count += len(items)

    def get(self, key: str) -> object:
        """The value a dict holds for a text key, or ``MISSING``; the last one wins."""
        found: object = MISSING
        if self.shape == "dict":
            for i in range(0, len(self.kept) - 1, 2):
                if self.kept[i] == key:
                    found = self.kept[i + 1]
        return found


class Partial:
    """A callable with arguments bound to it."""

    __slots__ = ("args", "function", "instance")

    def __init__(self, function: object, args: tuple[object, ...], instance: Instance) -> None:
        self.function = function
        self.args = args
        self.instance = instance


class Getter:
    """``operator.attrgetter`` (``attribute``), ``itemgetter`` (``item``), or a bound method
    (``method``, with the arguments that ``methodcaller`` brings)."""

    __slots__ = ("args", "instance", "keys", "shape")

    def __init__(
        self, shape: str, keys: tuple[object, ...], args: tuple[object, ...], instance: Instance
    ) -> None:
        self.shape = shape
        self.keys = keys
        self.args = args
        self.instance = instance


class Method:
    """An attribute of a value that is not a name: ``owner.attribute``."""

    __slots__ = ("attribute", "owner")

    def __init__(self, owner: object, attribute: str) -> None:
        self.owner = owner
        self.attribute = attribute


class Blob:
    """A long constant that stays in the file: bytes ``start`` to ``start + size`` of the window.

    ``transcoded``: the bytes meant are those that the UTF-8 text there gives as Latin-1, which is
    how protocols below 3 write byte strings.
    """

    __slots__ = ("size", "start", "text", "transcoded")

    def __init__(self, start: int, size: int, text: bool, transcoded: bool = False) -> None:
        self.start = start
        self.size = size
        self.text = text
        self.transcoded = transcoded


class Wrapped:
    """A stream object or similar around content: ``io.BytesIO(b"...")``."""

    __slots__ = ("content", "instance")

    def __init__(self, content: object, instance: Instance) -> None:
        self.content = content
        self.instance = instance


class Persistent:
    """What the loader's ``persistent_load`` gives for ``pid``."""

    __slots__ = ("pid",)

    def __init__(self, pid: object) -> None:
        self.pid = pid


class Unknown:
    """A value that cannot be told from the bytes; ``why`` says it in words."""

    __slots__ = ("why",)

    def __init__(self, why: str) -> None:
        self.why = why


MISSING = Unknown("missing")


class Line:
    """One line of the program; ``times`` grows while equal uses are folded into it."""

    __slots__ = ("end", "names", "start", "text", "times")

    def __init__(self, start: int, end: int, text: str, names: tuple[str, ...]) -> None:
        self.start = start
        self.end = end
        self.text = text
        self.names = names
        self.times = 1


class SlotRecord:
    """What stood in one argument position so far. See ``model.observation.Slot``."""

    __slots__ = ("held", "largest", "names", "strings", "strings_complete", "types")

    def __init__(self) -> None:
        self.names: dict[str, None] = {}
        self.held: dict[str, None] = {}
        self.types: dict[str, None] = {}
        self.strings: dict[str, None] = {}
        self.strings_complete = True
        self.largest = -1

    def add(self, value: object) -> None:
        """Take note of one value."""
        if isinstance(value, str):
            self.types["str"] = None
            if self.strings_complete and value not in self.strings:
                if len(self.strings) >= KEPT_STRINGS or len(value) > LONGEST_STRING:
                    self.strings_complete = False
                else:
                    self.strings[value] = None
        elif isinstance(value, bool):
            self.types["bool"] = None
        elif isinstance(value, int):
            self.types["int"] = None
            if value > self.largest:
                self.largest = value
        elif isinstance(value, Name):
            if len(self.names) < 256:
                self.names[value.dotted] = None
            else:
                self.types["unknown"] = None
        else:
            self.types[kind_of(value)] = None
            if not isinstance(value, bytes | float | Blob) and value is not None:
                for name in names_in(value):
                    if len(self.held) < 256:
                        self.held[name.dotted] = None
            if isinstance(value, Blob) and value.text:
                self.strings_complete = False


class UseRecord:
    """One use of one name with one number of arguments."""

    __slots__ = ("arity", "count", "example", "places", "slots", "spellings", "use")

    def __init__(self, use: str, arity: int) -> None:
        self.use = use
        self.arity = arity
        self.count = 0
        self.example = ""
        self.places: list[tuple[int, int]] = []
        self.slots: list[SlotRecord] = [SlotRecord() for _ in range(min(arity, 16))] if arity > 0 else []
        self.spellings: dict[str, None] = {}


def kind_of(value: object) -> str:
    """The word for a value in ``Slot.types``."""
    if value is None:
        return "NoneType"
    if isinstance(value, Items):
        return value.shape
    if isinstance(value, Instance):
        return "instance:" + value.of.dotted
    if isinstance(value, Partial | Getter | Wrapped):
        return "instance:" + value.instance.of.dotted
    if isinstance(value, Blob):
        return "str" if value.text else "blob"
    if isinstance(value, Persistent):
        return "persistent"
    if isinstance(value, bool | int | float | str | bytes | tuple):
        return type(value).__name__
    return "unknown"


def names_in(value: object) -> list[Name]:
    """The names inside a value, at most 64 and at most four levels deep."""
    found: list[Name] = []
    todo: list[tuple[object, int]] = [(value, 0)]
    visited = 0
    while todo and len(found) < 64 and visited < 2048:
        item, depth = todo.pop()
        visited += 1
        if isinstance(item, Name):
            found.append(item)
        elif depth < 4:
            inner: list[object] = []
            if isinstance(item, tuple):
                inner = list(item[:64])
            elif isinstance(item, Items):
                inner = item.kept[:64]
            elif isinstance(item, Partial):
                inner = [item.function, *item.args[:64]]
            elif isinstance(item, Getter):
                inner = list(item.args[:64])
            elif isinstance(item, Method):
                inner = [item.owner]
            todo.extend((child, depth + 1) for child in inner)
    return found


def expanded_size(value: object) -> int:
    """How many leaves a walk over a value meets when shared containers are walked each time.

    Looks at 20,000 containers at the most and counts a cycle once.
    """
    sizes: dict[int, int] = {}
    todo: list[tuple[object, bool]] = [(value, False)]
    visited = 0
    while todo and visited < 20_000:
        item, is_done = todo.pop()
        children = item if isinstance(item, tuple) else item.kept if isinstance(item, Items) else ()
        if is_done:
            total = sum(sizes.get(id(child), 1) for child in children)
            sizes[id(item)] = min(total, 1 << 200)
        elif children and id(item) not in sizes:
            visited += 1
            sizes[id(item)] = 1
            todo.append((item, True))
            todo.extend((child, False) for child in children if isinstance(child, tuple | Items))
    return sizes.get(id(value), 1)


def show(value: object, depth: int = 0) -> str:
    """Pseudo-Python for a value, bounded in length and depth."""
    if isinstance(value, str | bytes):
        shown = repr(value[:120])
        return shown + "..." if len(value) > 120 else shown
    if value is None or isinstance(value, bool | float):
        return repr(value)
    if isinstance(value, int):
        return str(value) if value.bit_length() < 256 else f"<int of {value.bit_length()} bits>"
    if isinstance(value, Name):
        return value.dotted
    if isinstance(value, Instance):
        return value.variable or f"<{value.of.dotted}>"
    if isinstance(value, Blob):
        return f"<{value.size} {'characters' if value.text else 'bytes'} at {value.start}>"
    if isinstance(value, Unknown):
        return f"<{value.why}>"
    if depth >= _SHOWN_DEPTH:
        return "..."
    if isinstance(value, Persistent):
        return f"persistent_load({show(value.pid, depth + 1)})"
    if isinstance(value, Partial):
        return f"functools.partial({show_args((value.function, *value.args), depth + 1)})"
    if isinstance(value, Wrapped):
        return f"{value.instance.of.dotted}({show(value.content, depth + 1)})"
    if isinstance(value, Method):
        return f"{show(value.owner, depth + 1)}.{value.attribute}"
    if isinstance(value, Getter):
        return f"{value.instance.of.dotted}({show_args((*value.keys, *value.args), depth + 1)})"
    if isinstance(value, tuple):
        inner = show_args(value, depth + 1)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, Items):
        return _show_items(value, depth + 1)
    return "..."


def show_args(values: tuple[object, ...] | list[object], depth: int = 0) -> str:
    """Arguments, separated by commas, bounded."""
    parts: list[str] = []
    length = 0
    for value in values[:_SHOWN_ITEMS]:
        part = show(value, depth)
        parts.append(part)
        length += len(part)
        if length > _TEXT_BUDGET:
            break
    if len(parts) < len(values):
        parts.append("...")
    return ", ".join(parts)


def _show_items(items: Items, depth: int) -> str:
    if items.shape == "dict":
        kept = items.kept
        pairs = [
            f"{show(kept[i], depth)}: {show(kept[i + 1], depth)}" for i in range(0, min(len(kept), 8) - 1, 2)
        ]
        return "{" + ", ".join(pairs) + (", ..." if items.count > 2 * len(pairs) else "") + "}"
    inner = show_args(items.kept, depth)
    if items.count > len(items.kept) and not inner.endswith("..."):
        inner += ", ..."
    if items.shape == "list":
        return f"[{inner}]"
    return f"{items.shape}([{inner}])"
