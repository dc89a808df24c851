"""One file of a target, and the values that name its bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NewType

Format = NewType("Format", str)
"""The name of a byte format, such as ``safetensors``. A new reader brings its own."""

_HEX = re.compile(r"[0-9a-f]+\Z")
_DIGEST_HEX_LENGTHS = {
    "sha256": 64, "sha384": 96, "sha512": 128, "blake2b": 128, "blake3": 64,
    "sha1": 40, "git-sha1": 40, "md5": 32,
}  # fmt: skip
"""``git-sha1`` is SHA-1 over git's blob header and the content."""


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A digest that is known to have the length and alphabet of its algorithm."""

    algorithm: str
    hex: str

    def __post_init__(self) -> None:
        length = _DIGEST_HEX_LENGTHS.get(self.algorithm)
        if length is None:
            raise ValueError(f"expected a known digest algorithm, found {self.algorithm!r}")
        if len(self.hex) != length or not _HEX.match(self.hex):
            raise ValueError(f"expected {length} lower-case hex digits, found {self.hex[:80]!r}")

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Read ``algorithm:hex``; upper-case hex is accepted.

        Raises:
            ValueError: unknown algorithm, wrong length or not hex.
        """
        algorithm, _, digits = text.partition(":")
        return cls(algorithm.lower(), digits.lower())

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One file: ``path`` is POSIX and relative to the target, ``size`` is in bytes.

    ``path`` shows bytes that are not UTF-8 as ``\\xff``. ``digests`` is empty when the bytes could
    not be read to their end. ``formats`` holds every format that fits, the most specific first.
    """

    path: str
    size: int
    digests: tuple[Digest, ...] = ()
    formats: tuple[Format, ...] = ()

    @property
    def sha256(self) -> str | None:
        """The SHA-256 in hex, or None where the file was not read to its end."""
        return next((d.hex for d in self.digests if d.algorithm == "sha256"), None)
