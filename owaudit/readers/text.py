"""Text: prose, tables and settings count as read; program source and Git LFS pointers do not.

No model loader executes Markdown, licences, CSV, JSON or XML, whatever stands in them. The whole
file is checked to be text, in UTF-8 or in UTF-16 with its mark: where it stops being text,
reading stops. Program source is told by its name or its first line and left unread; a template is
a program too. A pointer stands in for a file that was not downloaded.

Source: RFC 3629 (UTF-8), RFC 2781 (UTF-16); Git LFS specification, "The Pointer".
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from owaudit.codec.reader import INERT, Halt, Head, Place, Reader, Span, Yield
from owaudit.codec.stated import CARD, stated_by_card
from owaudit.codec.window import Window
from owaudit.model.artifact import Format
from owaudit.model.limits import Limits

_LFS_START = b"version https://git-lfs.github.com/spec/"
_LFS_LONGEST = 1024
"""The specification keeps pointers under this many bytes."""

_NOT_TEXT = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
"""Control characters that no text holds; tabs, line and page breaks and ESC are not among them."""

_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_SHEBANG = re.compile(rb"(?:\xef\xbb\xbf)?(?:#!|<\?php|@echo off)", re.IGNORECASE)
_YAML_OBJECT = re.compile(rb"!!python/|!<tag:yaml\.org,2002:python/|tag:yaml\.org,2002:python/")
_PATH_FILE_CODE = re.compile(rb"^import[ \t]", re.MULTILINE)

_SOURCE_SUFFIXES = {
    "py", "pyw", "pyi", "pyx", "pxd", "ipynb", "sh", "bash", "zsh", "fish", "ksh", "csh", "bat", "cmd",
    "ps1", "psm1", "vbs", "js", "mjs", "cjs", "jsx", "ts", "tsx", "wasm", "php", "rb", "pl", "pm",
    "lua", "r", "rmd", "jl", "go", "rs", "c", "h", "cc", "cxx", "cpp", "hpp", "hh", "cu", "cuh", "cl",
    "java", "kt", "kts", "scala", "groovy", "gradle", "swift", "m", "mm", "cs", "fs", "vb", "asm", "s",
    "ptx", "tcl", "awk", "sed", "cmake", "mk", "mak", "el", "clj", "hs", "ml", "erl", "ex", "exs",
    "dart", "nim", "zig", "nix", "tf", "sql", "jinja", "jinja2", "j2", "tmpl", "hta", "reg", "desktop",
    "applescript", "service",
}  # fmt: skip
_SOURCE_NAMES = {
    "makefile", "gnumakefile", "dockerfile", "containerfile", "jenkinsfile", "vagrantfile", "rakefile",
    "gemfile", "procfile", "justfile", "cmakelists.txt", "meson.build", "wscript", ".bashrc",
    ".bash_profile", ".profile", ".zshrc", ".envrc",
}  # fmt: skip
_TEXT_SUFFIXES = (
    ".txt", ".md", ".csv", ".tsv", ".json", ".jsonl", ".yaml", ".yml", ".toml", ".xml", ".svg",
)  # fmt: skip


def _encoding(start: bytes) -> str:
    return _UTF16.get(start[:2], "utf-8")


def _is_text(head: Head) -> bool:
    """The first bytes are text; a character may be cut at their end."""
    if not head.start:
        return False
    try:
        decoded = codecs.getincrementaldecoder(_encoding(head.start))().decode(head.start)
    except UnicodeDecodeError:
        return False
    return not _NOT_TEXT.search(decoded)


def _is_pointer(head: Head) -> bool:
    return head.size <= _LFS_LONGEST and head.start.startswith(_LFS_START)


def _is_source(head: Head) -> bool:
    name = head.name
    suffix = name.rpartition(".")[2] if "." in name else ""
    known = suffix in _SOURCE_SUFFIXES or name in _SOURCE_NAMES or name.partition(".")[0] == "dockerfile"
    return (known or _runs_anyway(suffix, head)) and _is_text(head)


def _runs_anyway(suffix: str, head: Head) -> bool:
    """A first line that names an interpreter; the odd settings file that makes Python run code."""
    if suffix in ("yaml", "yml"):
        return any(_YAML_OBJECT.search(piece) for _, piece in _overlapping(head.window))
    if suffix == "pth":
        return any(_PATH_FILE_CODE.search(piece) for _, piece in _overlapping(head.window))
    return _SHEBANG.match(head.start) is not None


def _overlapping(window: Window) -> Iterator[tuple[int, bytes]]:
    tail = b""
    for offset, piece in window.pieces():
        yield offset - len(tail), tail + piece
        tail = piece[-64:]


def read_text(window: Window, place: Place, _limits: Limits) -> Iterator[Yield]:
    """Yield the span that is text, and a halt if it ends before the file does; of a card, what it states."""
    decoder = codecs.getincrementaldecoder(_encoding(window.read(0, 2)))()
    encoding = _encoding(window.read(0, 2))
    for offset, piece in window.pieces():
        held = len(decoder.getstate()[0])
        try:
            decoded = decoder.decode(piece, final=offset + len(piece) >= window.size)
        except UnicodeDecodeError as error:
            decoded = error.object[: error.start].decode(encoding)
            end = offset - held + error.start
        else:
            end = -1
        match = _NOT_TEXT.search(decoded)
        if match:
            end = offset - held + len(decoded[: match.start()].encode(encoding))
        if end >= 0:
            if end:
                yield Span(INERT, 0, end)
            yield Halt("unknown-format", f"text ends at byte {end}")
            return
    yield Span(INERT, 0, window.size)
    if (place.members[-1] if place.members else place.artifact).rpartition("/")[2].lower() == CARD:
        yield from stated_by_card(window, place)


def _read_source(_window: Window, _place: Place, _limits: Limits) -> Iterator[Yield]:
    yield Halt("source-code", "program source is not read yet")


def _read_pointer(_window: Window, _place: Place, _limits: Limits) -> Iterator[Yield]:
    yield Halt("lfs-pointer", "a Git LFS pointer: the file it stands for is not here")


READERS = (
    Reader(
        format=Format("lfs-pointer"),
        source="Git LFS specification, The Pointer",
        looks_like=_is_pointer,
        read=_read_pointer,
        rank=85,
        hides=("source-code", "text"),
        extensions=_TEXT_SUFFIXES,
    ),
    Reader(
        format=Format("source-code"),
        source="Customary file names and first lines of programs",
        looks_like=_is_source,
        read=_read_source,
        rank=86,
        hides=("text",),
        extensions=_TEXT_SUFFIXES,
    ),
    Reader(
        format=Format("text"),
        source="RFC 3629, RFC 2781",
        looks_like=_is_text,
        read=read_text,
        rank=90,
        extensions=(
            ".txt",
            ".md",
            ".csv",
            ".tsv",
            ".json",
            ".jsonl",
            ".yaml",
            ".yml",
            ".toml",
            ".xml",
            ".svg",
        ),
    ),
)
