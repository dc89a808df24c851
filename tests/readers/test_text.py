"""Text counts as read as far as it is text; programs and pointers do not."""

from __future__ import annotations

import codecs

import pytest

from owaudit.codec.reader import INERT, Halt, Head, Place, Reader, Span, Yield
from owaudit.codec.window import Window
from owaudit.model.limits import Limits
from owaudit.readers.text import READERS

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
SOURCE = Halt("source-code", "program source is not read yet")


def identified(content: bytes, name: str) -> Reader | None:
    """The reader that the order of ranks and what they hide leave."""
    head = Head(content[:4096], content[-65_578:], len(content), name, Window.of(content))
    fitting = sorted((r for r in READERS if r.looks_like(head)), key=lambda r: r.rank)
    hidden = {name for reader in fitting for name in reader.hides}
    left = [reader for reader in fitting if reader.format not in hidden]
    assert len(left) <= 1
    return left[0] if left else None


def read(content: bytes, name: str = "notes.txt") -> list[Yield]:
    reader = identified(content, name)
    assert reader is not None
    return list(reader.read(Window.of(content), Place(name), Limits()))


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"# Model card\n\nSome *text*.\r\n\tcode\n\x0c", "readme.md"),
        (b'{"a": 1}', "config.json"),
        (b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n", ".gitattributes"),
        ("a,b\n1,ü€😀\n".encode(), "data.csv"),
        (codecs.BOM_UTF8 + b"text", "license"),
        (codecs.BOM_UTF16_LE + "text ü😀".encode("utf-16-le"), "notes.txt"),
        (codecs.BOM_UTF16_BE + "text ü😀".encode("utf-16-be"), "notes.txt"),
        (b"<svg><script>alert(1)</script></svg>", "logo.svg"),
        (b"\x1b[1mbold\x1b[0m", "log"),
        (b"import os\n", "notes.txt"),
        (b"key: !!str value\n", "config.yaml"),
        (b"/some/folder\n", "paths.pth"),
        (b"x", "v"),
        (("äöü€" * 700_000).encode(), "long.txt"),
    ],
)
def test_text_is_inert_to_its_end(content: bytes, name: str) -> None:
    assert read(content, name) == [Span(INERT, 0, len(content))]


@pytest.mark.parametrize(
    ("text", "tail"),
    [
        (b"text " * 1000, b"\0"),
        (b"text " * 1000, b"\x80\x04N."),
        (b"text " * 300_000, b"\x01"),
        ("ä".encode() * 600_000, b"\xc3"),
        (b"a" * 1_048_575, b"\xe2\x82"),
        (codecs.BOM_UTF16_LE + "tä".encode("utf-16-le") * 3000, b"\x00\xd8"),
        (codecs.BOM_UTF16_LE + "tä".encode("utf-16-le") * 3000, b"\x00\x00\x41\x00"),
        (codecs.BOM_UTF16_LE + "tä".encode("utf-16-le") * 3000, b"A"),
    ],
)
def test_reading_stops_where_text_does(text: bytes, tail: bytes) -> None:
    assert read(text + tail) == [
        Span(INERT, 0, len(text)),
        Halt("unknown-format", f"text ends at byte {len(text)}"),
    ]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"import os\n", "modeling.py"),
        (b'{"cells": []}', "demo.ipynb"),
        (b"#!/bin/sh\necho\n", "install"),
        (codecs.BOM_UTF8 + b"#!/usr/bin/env python3\n", "run.txt"),
        (b"<?php echo 1;", "index"),
        (b"@echo off\r\n", "run"),
        (b"all:\n\techo\n", "makefile"),
        (b"FROM scratch\n", "dockerfile"),
        (b"FROM scratch\n", "dockerfile.gpu"),
        (b"{{ messages }}", "chat_template.jinja"),
        (b"a: !!python/object/apply:os.system ['true']\n", "config.yaml"),
        (b"a: !<tag:yaml.org,2002:python/object:x.Y>\n", "config.yml"),
        (b"/folder\nimport os; os.system('true')\n", "x.pth"),
        (b"cmake_minimum_required(VERSION 3)\n", "cmakelists.txt"),
    ],
)
def test_program_source_is_left_unread(content: bytes, name: str) -> None:
    assert read(content, name) == [SOURCE]


def test_an_object_far_inside_a_settings_file_is_found() -> None:
    content = b"# comment\n" * 104_857 + b"a: !!python/name:os.system\n" + b"# comment\n" * 50_000
    assert read(content, "config.yaml") == [SOURCE]


def test_a_pointer_says_that_the_weights_are_elsewhere() -> None:
    expected = [Halt("lfs-pointer", "a Git LFS pointer: the file it stands for is not here")]
    assert read(POINTER, "model.safetensors") == expected
    assert read(POINTER, "setup.py") == expected
    assert read(POINTER + b"x" * 2000) == [Span(INERT, 0, len(POINTER) + 2000)]


@pytest.mark.parametrize(
    "content",
    [b"", b"\0", b"\x80\x04N.", b"\x08\x07\x12\x04onnx", b"\xff\xfe\x00\x00", b"caf\xe9 au lait",
     b"a\x1ab", b"\xed\xa0\x80"],
)  # fmt: skip
def test_other_bytes_are_not_text(content: bytes) -> None:
    assert identified(content, "notes.txt") is None


def test_a_character_cut_by_the_end_of_the_head_is_text() -> None:
    content = b"a" * 4095 + "ä".encode() + b"\n"
    assert read(content) == [Span(INERT, 0, len(content))]
