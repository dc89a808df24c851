"""Which readers fit these bytes: by content, all that fit, the most specific first."""

from __future__ import annotations

from owaudit.codec.reader import HEAD_SIZE, TAIL_SIZE, Head, Reader
from owaudit.codec.window import Window
from owaudit.readers import readers


def head_of(window: Window, name: str, hint: str = "") -> Head:
    """What identification sees of a window; ``hint`` is the format that its container implies."""
    tail = min(window.size, TAIL_SIZE)
    return Head(
        start=window.read(0, min(window.size, HEAD_SIZE)),
        end=window.read(window.size - tail, tail),
        size=window.size,
        name=name.lower(),
        window=window,
        hint=hint,
    )


def identify(head: Head) -> tuple[Reader, ...]:
    """Every reader that fits, less those that only carry or imitate a more specific one.

    The readers come most specific first, so one that must be alone sees all others before it.
    """
    fitting: list[Reader] = []
    hidden: set[str] = set()
    for reader in readers():
        if reader.format in hidden or (reader.alone and fitting):
            continue
        if reader.looks_like(head):
            fitting.append(reader)
            hidden.update(reader.hides)
    return tuple(reader for reader in fitting if reader.format not in hidden)


def promised_formats(name: str) -> tuple[str, tuple[str, ...]]:
    """The extension of a name and the formats that usually have it; empty where none does."""
    extension = name[name.rfind(".") :] if "." in name else ""
    formats = (reader.format for reader in readers() if extension and extension in reader.extensions)
    return extension, tuple(dict.fromkeys(formats))
