"""HDF5 virtual datasets: the files and datasets that one is put together from.

Source: HDF5 File Format Specification 3.0, "Disk Format: Global Heap Block for Virtual Datasets".
"""

from __future__ import annotations

from collections.abc import Iterator

from owaudit.codec.hdf5_file import Fields
from owaudit.errors import FormatError

_NONE, _POINTS, _HYPERSLAB, _ALL = 0, 1, 2, 3
SAME_FILE = "."


def virtual_sources(fields: Fields) -> Iterator[tuple[str, str]]:
    """Yield file and dataset of every source, as written; ``SAME_FILE`` is the file itself.

    Raises:
        FormatError: the block breaks off, or a selection is of a kind that is not known.
    """
    version = fields.number(1)
    if version not in (0, 1):
        raise FormatError("virtual", expected="version 0 or 1", found=str(version), start=fields.start)
    files: list[str] = []
    names: list[str] = []
    for _ in range(fields.length()):
        flags = fields.number(1) if version else 0
        # From version 1 a name may be that of an earlier entry, or that of the file itself.
        if flags & 4:
            files.append(SAME_FILE)
        else:
            files.append(_earlier(files, fields) if flags & 1 else fields.text())
        names.append(_earlier(names, fields) if flags & 2 else fields.text())
        yield files[-1], names[-1]
        _step_over_selection(fields)
        _step_over_selection(fields)


def _earlier(known: list[str], fields: Fields) -> str:
    index = fields.length()
    if index >= len(known):
        found = f"number {index}"
        raise FormatError("virtual", expected="an earlier entry", found=found, start=fields.place)
    return known[index]


def _step_over_selection(fields: Fields) -> None:
    kind, version = fields.number(4), fields.number(4)
    if kind in (_NONE, _ALL):
        fields.take(8)
    elif version == 1 or (kind == _HYPERSLAB and version == 2):
        fields.take(4 if version == 1 else 1)
        fields.take(fields.number(4))
    elif kind in (_HYPERSLAB, _POINTS) and version <= 3:
        is_regular = bool(fields.number(1) & 1) if kind == _HYPERSLAB else False
        width, rank = fields.number(1), fields.number(4)
        if is_regular:
            fields.take(4 * rank * width)
        else:
            fields.take(fields.number(width) * rank * width * (2 if kind == _HYPERSLAB else 1))
    else:
        raise FormatError("virtual", expected="a selection", found=f"kind {kind}", start=fields.place)
