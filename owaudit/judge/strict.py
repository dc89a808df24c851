"""Reading TOML strictly: every key has one type, unknown keys are errors with file and place.

Rule packs and policies are written by people; a key that is silently ignored is a rule that
silently does not run. ``tomllib`` gives no line numbers, so a place is the path of keys, such as
``deny[3].match[1]``.
"""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from owaudit.errors import UsageError

T = TypeVar("T", bound=str)

_REQUIRED: Any = object()


def parse(raw: bytes, file: str) -> Section:
    """Parse the bytes of one TOML file; ``file`` is its name in messages.

    Raises:
        UsageError: not UTF-8 or not TOML.
    """
    try:
        return Section(tomllib.loads(raw.decode("utf-8")), file)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{file}: not a TOML file: {error}") from error


class Section:
    """One TOML table and the place it stands at. ``finish`` refuses keys that nobody asked for."""

    __slots__ = ("_asked", "_raw", "file", "place")

    def __init__(self, raw: dict[str, Any], file: str, place: str = "") -> None:
        self._raw = raw
        self._asked: set[str] = set()
        self.file = file
        self.place = place

    def __contains__(self, key: str) -> bool:
        return key in self._raw

    def __iter__(self) -> Iterator[str]:
        """The keys as written, for tables whose keys are free; the values still have to be asked for."""
        return iter(tuple(self._raw))

    def at(self, key: str) -> str:
        """Name the place of a key: ``deny[3].match``."""
        return f"{self.place}.{key}" if self.place else key

    def error(self, key: str, problem: str) -> UsageError:
        """Make the error for a key; the caller raises it."""
        return UsageError(f"{self.file}: {self.at(key) if key else self.place or 'top'}: {problem}")

    def text(self, key: str, default: str = _REQUIRED) -> str:
        """A non-empty string; only the default may be empty.

        Raises:
            UsageError: missing without default, another type, or blank.
        """
        value = self._take(key, str, "a string", default)
        if key in self._raw and not value.strip():
            raise self.error(key, "expected a string that is not empty")
        return value  # type: ignore[no-any-return]

    def integer(self, key: str, default: int = _REQUIRED) -> int:
        """An integer that is not negative. Raises UsageError like ``text``."""
        value = self._take(key, int, "an integer", default)
        if key in self._raw and (isinstance(value, bool) or value < 0):
            raise self.error(key, f"expected an integer from 0, found {value!r}")
        return value  # type: ignore[no-any-return]

    def day(self, key: str, default: str = _REQUIRED) -> str:
        """A date, as TOML writes it or as a string, as ``2026-01-31``. Raises UsageError like ``text``.

        Whether a string is a date is left to the caller.
        """
        value = self._raw.get(key)
        if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
            self._asked.add(key)
            return value.isoformat()
        return self.text(key, default)

    def boolean(self, key: str, default: bool = _REQUIRED) -> bool:
        """True or false. Raises UsageError like ``text``."""
        return self._take(key, bool, "true or false", default)  # type: ignore[no-any-return]

    def choice(self, key: str, options: Iterable[T], default: T = _REQUIRED) -> T:
        """One of ``options``. Raises UsageError like ``text``."""
        if key not in self._raw and default is not _REQUIRED:
            self._asked.add(key)
            return default
        value = self.text(key)
        known = {str(option): option for option in options}
        if value not in known:
            raise self.error(key, f"expected one of {', '.join(known)}; found {value!r}")
        return known[value]

    def text_or_texts(self, key: str) -> tuple[str, ...]:
        """A string, a list of strings, or nothing at all. Raises UsageError like ``text``."""
        if isinstance(self._raw.get(key), str):
            return (self.text(key),)
        return self.texts(key, ())

    def texts(
        self, key: str, default: tuple[str, ...] = _REQUIRED, *, blank: bool = False
    ) -> tuple[str, ...]:
        """A list of strings, none of them empty unless ``blank``. Raises UsageError like ``text``."""
        values = self._take(key, list, "a list of strings", default)
        for index, value in enumerate(values):
            if not isinstance(value, str) or not (blank or value.strip()):
                raise self.error(f"{key}[{index}]", f"expected a string that is not empty, found {value!r}")
        return tuple(values)

    def integers(self, key: str, default: tuple[int, ...] = _REQUIRED) -> tuple[int, ...]:
        """A list of integers that are not negative. Raises UsageError like ``text``."""
        values = self._take(key, list, "a list of integers", default)
        for index, value in enumerate(values):
            if type(value) is not int or value < 0:
                raise self.error(f"{key}[{index}]", f"expected an integer from 0, found {value!r}")
        return tuple(values)

    def section(self, key: str) -> Section | None:
        """A table within, or None where there is none. Raises UsageError for another type."""
        value = self._take(key, dict, "a table", None)
        return None if value is None else Section(value, self.file, self.at(key))

    def sections(self, key: str) -> list[Section]:
        """A list of tables, empty where there is none. Raises UsageError for another type."""
        found = []
        for index, value in enumerate(self._take(key, list, "a list of tables", [])):
            if not isinstance(value, dict):
                raise self.error(f"{key}[{index}]", f"expected a table, found {value!r}")
            found.append(Section(value, self.file, f"{self.at(key)}[{index}]"))
        return found

    def finish(self) -> None:
        """Raise UsageError for the first key that was never asked for."""
        for key in self._raw:
            if key not in self._asked:
                import difflib

                near = difflib.get_close_matches(key, sorted(self._asked), n=1, cutoff=0.5)
                known = ", ".join(sorted(self._asked))
                advice = f"did you mean {near[0]!r}?" if near else f"known keys: {known}"
                raise self.error(key, f"unknown key {key!r}; {advice}")

    def _take(self, key: str, cls: type, expected: str, default: Any) -> Any:
        self._asked.add(key)
        value = self._raw.get(key, default)
        if value is _REQUIRED:
            raise self.error("", f"the key {key!r} is missing")
        if key in self._raw and not isinstance(value, cls):
            raise self.error(key, f"expected {expected}, found {value!r}")
        return value
