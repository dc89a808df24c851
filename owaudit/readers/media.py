"""Sound and video: RIFF (WAV, WebP, AVI), Ogg, FLAC, MP3 and the boxes of MP4.

FLAC frames carry no length, so a FLAC file is taken to its end; all others are walked.

Source: Microsoft RIFF; RFC 3533 (Ogg); RFC 9639 (FLAC); ISO/IEC 11172-3 (MPEG audio) and ID3v2.4;
ISO/IEC 14496-12 (boxes).
"""

from __future__ import annotations

from owaudit.codec.measured import Steps, measured_reader, number, starts_with
from owaudit.codec.reader import Head
from owaudit.codec.window import Window
from owaudit.errors import FormatError
from owaudit.model.limits import Limits

_RIFF_KINDS = (b"WAVE", b"WEBP", b"AVI ")

_BITRATES = {  # kbit/s by index, for (MPEG 1 or not, layer)
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_SAMPLE_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def _is_riff(head: Head) -> bool:
    return head.start.startswith((b"RIFF", b"RIFX")) and head.start[8:12] in _RIFF_KINDS


def _riff_end(window: Window, _limits: Limits) -> int:
    """The size field counts from itself; a missing pad byte at the very end is forgiven."""
    size = number(window, 4, 4, "big" if window.read(0, 4) == b"RIFX" else "little")
    return min(8 + size + size % 2, max(window.size, 8 + size))


def _ogg_end(window: Window, limits: Limits) -> int:
    steps = Steps(limits)
    at = 0
    while window.read(at, 4) == b"OggS":
        steps.take()
        segments = window.exactly(at + 26, 1, "page")[0]
        at += 27 + segments + sum(window.exactly(at + 27, segments, "page"))
    return at


def _flac_end(window: Window, limits: Limits) -> int:
    steps = Steps(limits)
    at = 4
    while True:
        steps.take()
        head = window.exactly(at, 4, "metadata block")
        at += 4 + int.from_bytes(head[1:], "big")
        if head[0] & 0x80:
            return max(at, window.size)


def _is_mp3(head: Head) -> bool:
    if head.start.startswith(b"ID3"):
        return len(head.start) >= 10 and max(head.start[6:10]) < 0x80
    # Two bytes of sync are weak evidence: another frame must follow where the first one ends.
    size = _frame_size(head.start[:4])
    return size > 0 and _frame_size(head.window.read(size, 4)) > 0


def _mp3_end(window: Window, limits: Limits) -> int:
    steps = Steps(limits)
    at = _id3_size(window, 0)
    while size := _frame_size(window.read(at, 4)):
        steps.take()
        at += size
    at = min(at, window.size)
    if window.size - at >= 128 and window.read(at, 3) == b"TAG":
        at += 128
    return at


def _id3_size(window: Window, at: int) -> int:
    head = window.read(at, 10)
    if not head.startswith(b"ID3"):
        return 0
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size + (10 if head[5] & 0x10 else 0)


def _frame_size(head: bytes) -> int:
    """Return the bytes of the MPEG audio frame with this header, 0 where it is none."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    bitrate, rate, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer == 4 or bitrate in (0, 15) or rate == 3:
        return 0
    bits = _BITRATES[version == 3, layer][bitrate] * 1000
    samples = _SAMPLE_RATES[version][rate]
    if layer == 1:
        return (12 * bits // samples + padding) * 4
    return (72 if layer == 3 and version != 3 else 144) * bits // samples + padding


def _is_mp4(head: Head) -> bool:
    return head.start[4:8] == b"ftyp" and 8 <= int.from_bytes(head.start[:4], "big") <= 4096


def _mp4_end(window: Window, limits: Limits) -> int:
    steps = Steps(limits)
    at = 0
    while len(head := window.read(at, 16)) >= 8 and head[4:8].isalnum():
        steps.take()
        size = int.from_bytes(head[:4], "big")
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        elif size == 0 and head[4:8] == b"mdat":
            return window.size
        if size < 8:
            raise FormatError("box", expected="a size of 8 or more", found=str(size), start=at)
        at += size
    return at


READERS = (
    measured_reader(
        "riff",
        source="Microsoft RIFF",
        looks_like=_is_riff,
        end_of=_riff_end,
        extensions=(".wav", ".webp", ".avi"),
    ),
    measured_reader(
        "ogg",
        source="RFC 3533",
        looks_like=starts_with(b"OggS\0"),
        end_of=_ogg_end,
        extensions=(".ogg", ".oga", ".ogv", ".opus"),
    ),
    measured_reader(
        "flac", source="RFC 9639", looks_like=starts_with(b"fLaC"), end_of=_flac_end, extensions=(".flac",)
    ),
    measured_reader(
        "mp3",
        source="ISO/IEC 11172-3, ID3v2.4",
        looks_like=_is_mp3,
        end_of=_mp3_end,
        extensions=(".mp3",),
    ),
    measured_reader(
        "mp4",
        source="ISO/IEC 14496-12",
        looks_like=_is_mp4,
        end_of=_mp4_end,
        extensions=(".mp4", ".m4a", ".m4v", ".mov", ".avif", ".heic"),
    ),
)
