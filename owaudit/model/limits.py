"""The bounds of one audit. Every limit that is reached is named in the coverage."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one artifact may cost. Sizes are bytes, counts are items, ``seconds`` is wall time.

    The defaults leave honest files of hundreds of gigabytes untouched: they bound what is parsed
    and what is unpacked, not what is hashed.
    """

    nesting_depth: int = 8
    """Containers inside containers."""
    members: int = 50_000
    """Members read over all containers of one artifact."""
    unpacked_bytes: int = 8 * GIB
    """Bytes that decompression may give over one artifact."""
    unpack_ratio: int = 200
    """Bytes out per byte in: of one member once it has given more than 64 MiB, and of the whole
    artifact once it has given more than 512 MiB."""
    spool_memory_bytes: int = 16 * MIB
    """Unpacked bytes of one member held in memory; more goes to an unnamed temporary file."""
    header_bytes: int = 100_000_000
    """The longest header (safetensors: the ceiling of the format's own loader)."""
    tensors: int = 1_000_000
    """Entries of one tensor table."""
    fields: int = 100_000_000
    """Fields of one protocol buffer, entries of one flatbuffer."""
    pickle_instructions: int = 250_000_000
    """Opcodes over one artifact."""
    pickle_stack: int = 10_000_000
    """Values on the stack, and entries of the memo, of one pickle."""
    pickle_streams: int = 10_000
    """Pickles that follow one another in one member."""
    facts: int = 20_000
    """Observations kept for one artifact; the rest is counted."""
    seconds: int = 3600
    """Wall time of one artifact."""
