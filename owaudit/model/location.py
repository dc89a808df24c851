"""Where a fact was seen: file, members inside it, bytes inside the innermost member."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Location:
    """A place in a target.

    ``members`` names the chain of containers from the outside in. ``start`` is included and
    ``end`` is not; both are byte offsets in the innermost member, or None for the whole of it.
    ``line`` counts from 1; ``pointer`` is a JSON pointer; ``tensor`` is a tensor name.
    """

    artifact: str
    members: tuple[str, ...] = ()
    start: int | None = None
    end: int | None = None
    line: int | None = None
    tensor: str | None = None
    pointer: str | None = None

    @property
    def unit(self) -> str:
        """The file and member alone: ``model.pt!archive/data.pkl``."""
        return "!".join((self.artifact, *self.members))

    def __str__(self) -> str:
        if self.start is None:
            return self.unit
        if self.end is None:
            return f"{self.unit}@{self.start}"
        return f"{self.unit}@{self.start}-{self.end}"
