"""Laws of the readers of inert content."""

from __future__ import annotations

import codecs

from hypothesis import given
from hypothesis import strategies as st

from owaudit.codec.reader import Halt, Head, Place, Span
from owaudit.codec.window import Window
from owaudit.errors import FormatError, LimitExceeded
from owaudit.model.limits import Limits
from owaudit.model.observation import Observation
from owaudit.readers import documents, images, media, text

READERS = [reader for module in (images, media, documents, text) for reader in module.READERS]
STARTS = st.sampled_from(
    [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a\1\0\1\0\0\0\0", b"BM", b"\0\0\1\0\1\0",
     b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"RIFF\x04\0\0\0WAVE", b"OggS\0", b"fLaC", b"ID3\4\0\0",
     b"\xff\xfb\x90\0", b"\0\0\0\x10ftyp",
     b"%PDF-", b"\0\1\0\0\0\1", b"ttcf\0\1\0\0\0\0\0\1", b"wOFF", b"\xff\xfe", b"\xfe\xff", b"%%EOF"]
)  # fmt: skip


class TestAnyBytes:
    """Any bytes give spans inside the window, facts, or a typed error; never anything else."""

    @given(start=STARTS, rest=st.binary(max_size=120), name=st.sampled_from(["a", "a.py", "a.yaml", "a.pth"]))
    def test_read(self, start: bytes, rest: bytes, name: str) -> None:
        content = start + rest
        window = Window.of(content)
        head = Head(content[:4096], content, len(content), name, window)
        for reader in READERS:
            reader.looks_like(head)
            try:
                for item in reader.read(window, Place("a"), Limits(members=1000)):
                    assert isinstance(item, Observation | Span | Halt)
                    if isinstance(item, Span):
                        assert 0 <= item.start <= item.end <= len(content)
            except (FormatError, LimitExceeded):
                pass


class TestText:
    """The inert part of a text file is text, and the byte after it does not go on with it."""

    @given(parts=st.lists(st.text(max_size=8).map(str.encode) | st.binary(max_size=3), max_size=6))
    def test_ends_where_utf8_does(self, parts: list[bytes]) -> None:
        content = b"".join(parts)
        if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return
        found = list(text.read_text(Window.of(content), Place("a"), Limits()))
        end = sum(item.end for item in found if isinstance(item, Span))
        prefix = content[:end].decode()
        assert not any(ord(c) < 9 or 14 <= ord(c) < 27 or 28 <= ord(c) < 32 for c in prefix)
        assert any(isinstance(item, Halt) for item in found) == (end < len(content))
