"""Pictures: PNG, JPEG, GIF, BMP, ICO and TIFF, each walked to its end and no further.

SVG is text. WebP lies in a RIFF container, AVIF and HEIC in the boxes of MP4: see ``media``.

Source: PNG 1.2; ITU-T T.81 annex B; GIF89a; Microsoft BITMAPFILEHEADER and icon resources; TIFF 6.0.
"""

from __future__ import annotations

import re

from owaudit.codec.measured import Steps, measured_reader, number, starts_with
from owaudit.codec.reader import Head
from owaudit.codec.window import Window
from owaudit.errors import FormatError
from owaudit.model.limits import Limits

_PNG = b"\x89PNG\r\n\x1a\n"
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_BMP_HEADERS = {12, 16, 40, 52, 56, 64, 108, 124}
_TIFF_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_TIFF_DATA = {273: 279, 324: 325}
"""Tags of offsets of strips and tiles, and the tags of their sizes."""


def _png_end(window: Window, limits: Limits) -> int:
    steps = Steps(limits)
    at = len(_PNG)
    while True:
        steps.take()
        head = window.exactly(at, 8, "chunk")
        at += 12 + int.from_bytes(head[:4], "big")
        if head[4:] == b"IEND":
            return at
        if not head[4:].isalpha():
            raise FormatError(
                "chunk", expected="a chunk type of four letters", found=ascii(head[4:]), start=at
            )


def _jpeg_end(window: Window, limits: Limits) -> int:
    """Follow markers; a picture right behind another, as cameras write previews, is taken along."""
    steps = Steps(limits)
    at = 0
    while window.read(at, 3) == b"\xff\xd8\xff":
        at = _one_jpeg_end(window, at + 2, steps)
    return at


def _one_jpeg_end(window: Window, at: int, steps: Steps) -> int:
    while True:
        steps.take()
        lead, marker = window.exactly(at, 2, "marker")
        if lead != 0xFF:
            raise FormatError("marker", expected="0xff", found=hex(lead), start=at)
        if marker == 0xD9:
            return at + 2
        if marker == 0xFF:
            at += 1
        elif marker == 1 or 0xD0 <= marker <= 0xD7:
            at += 2
        else:
            at += 2 + number(window, at + 2, 2)
            if marker == 0xDA:
                at = _next_marker(window, at)


def _next_marker(window: Window, at: int) -> int:
    """Skip coded picture bytes: 0xff in them is followed by 0 or a restart marker."""
    while at < window.size:
        piece = window.read(at, 1024 * 1024)
        match = _MARKER.search(piece)
        if match:
            return at + match.end() - 2
        at += len(piece) if len(piece) < 2 or piece[-1] != 0xFF else len(piece) - 1
        if len(piece) < 2:
            break
    raise FormatError(
        "marker", expected="the end of the image", found="the end of the file", start=window.size
    )


def _gif_end(window: Window, limits: Limits) -> int:
    steps = Steps(limits)
    at = 13 + _colour_table(window.exactly(10, 1, "screen descriptor")[0])
    while True:
        steps.take()
        kind = window.exactly(at, 1, "block")[0]
        if kind == 0x3B:
            return at + 1
        if kind == 0x2C:
            at += 10 + _colour_table(window.exactly(at + 9, 1, "image descriptor")[0]) + 1
        elif kind == 0x21:
            at += 2
        else:
            raise FormatError("block", expected="an image, extension or trailer", found=hex(kind), start=at)
        at = _sub_blocks_end(window, at, steps)


def _colour_table(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _sub_blocks_end(window: Window, at: int, steps: Steps) -> int:
    while True:
        piece = window.read(at, 64 * 1024)
        inside = 0
        while inside < len(piece):
            steps.take()
            size = piece[inside]
            inside += 1 + size
            if size == 0:
                return at + inside
        if not piece:
            raise FormatError("sub-block", expected="a terminator", found="the end of the file", start=at)
        at += inside


def _is_bmp(head: Head) -> bool:
    return (
        head.start.startswith(b"BM")
        and head.start[6:10] == bytes(4)
        and int.from_bytes(head.start[14:18], "little") in _BMP_HEADERS
    )


def _bmp_end(window: Window, _limits: Limits) -> int:
    size = number(window, 2, 4, "little")
    offset = number(window, 10, 4, "little")
    if size < offset:
        raise FormatError("size", expected=f"at least {offset} bytes", found=str(size), start=2)
    return size


def _is_ico(head: Head) -> bool:
    count = int.from_bytes(head.start[4:6], "little")
    return (
        head.start.startswith((b"\0\0\1\0", b"\0\0\2\0")) and 1 <= count <= 256 and head.start[9:10] == b"\0"
    )


def _ico_end(window: Window, _limits: Limits) -> int:
    count = number(window, 4, 2, "little")
    end = 6 + 16 * count
    for entry in range(6, end, 16):
        size, offset = number(window, entry + 8, 4, "little"), number(window, entry + 12, 4, "little")
        if offset < 6 + 16 * count:
            raise FormatError("entry", expected="an offset after the table", found=str(offset), start=entry)
        end = max(end, offset + size)
    return end


def _tiff_end(window: Window, limits: Limits) -> int:
    order = "little" if window.read(0, 2) == b"II" else "big"
    steps = Steps(limits)
    seen: set[int] = set()
    end = 8
    directory = number(window, 4, 4, order)
    while directory and directory not in seen:
        seen.add(directory)
        count = number(window, directory, 2, order)
        ranges: dict[int, list[int]] = {}
        for entry in range(directory + 2, directory + 2 + 12 * count, 12):
            steps.take()
            tag, kind = number(window, entry, 2, order), number(window, entry + 2, 2, order)
            items = number(window, entry + 4, 4, order)
            width = _TIFF_SIZES.get(kind, 1)
            at = entry + 8 if items * width <= 4 else number(window, entry + 8, 4, order)
            end = max(end, at + items * width)
            if tag in _TIFF_DATA or tag in _TIFF_DATA.values():
                ranges[tag] = _tiff_numbers(window, at, items, width, order, steps)
        end = max(end, directory + 6 + 12 * count, *map(sum, _tiff_pairs(ranges)), 0)
        directory = number(window, directory + 2 + 12 * count, 4, order)
    return end


def _tiff_numbers(window: Window, at: int, items: int, width: int, order: str, steps: Steps) -> list[int]:
    found = []
    for index in range(items):
        steps.take()
        found.append(number(window, at + index * width, width, order))
    return found


def _tiff_pairs(ranges: dict[int, list[int]]) -> list[tuple[int, int]]:
    return [
        pair
        for offsets, sizes in _TIFF_DATA.items()
        for pair in zip(ranges.get(offsets, ()), ranges.get(sizes, ()), strict=False)
    ]


READERS = (
    measured_reader(
        "png", source="PNG 1.2", looks_like=starts_with(_PNG), end_of=_png_end, extensions=(".png",)
    ),
    measured_reader(
        "jpeg",
        source="ITU-T T.81, annex B",
        looks_like=starts_with(b"\xff\xd8\xff"),
        end_of=_jpeg_end,
        extensions=(".jpg", ".jpeg"),
    ),
    measured_reader(
        "gif",
        source="GIF89a",
        looks_like=starts_with(b"GIF87a", b"GIF89a"),
        end_of=_gif_end,
        extensions=(".gif",),
    ),
    measured_reader(
        "bmp", source="BITMAPFILEHEADER", looks_like=_is_bmp, end_of=_bmp_end, extensions=(".bmp",)
    ),
    measured_reader(
        "ico", source="Icon resources", looks_like=_is_ico, end_of=_ico_end, extensions=(".ico",)
    ),
    measured_reader(
        "tiff",
        source="TIFF 6.0",
        looks_like=starts_with(b"II*\0", b"MM\0*"),
        end_of=_tiff_end,
        extensions=(".tif", ".tiff"),
    ),
)
