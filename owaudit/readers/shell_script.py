"""Shell scripts and container recipes: listed, and searched for the few commands that always matter.

A shell is not followed: what a script does depends on the machine it runs on. Commands that run what
they download, that open a shell to the network or that unpack what they run are told by their
shape, in comments they do not count.

Source: POSIX.1-2017, Shell Command Language; Dockerfile reference.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from owaudit.codec.reader import PARSED, Head, Place, Reader, Span, Yield
from owaudit.codec.secrets_seen import secrets
from owaudit.codec.window import Window
from owaudit.errors import LimitExceeded
from owaudit.model.artifact import Format
from owaudit.model.code_facts import ProgramCall, ProgramRead
from owaudit.model.limits import Limits

LONGEST = 256 * 1024
MOST_LINES = 20

_SUFFIXES = (".sh", ".bash", ".zsh", ".ksh", ".fish", ".bat", ".cmd", ".ps1")
_NAMES = ("dockerfile", "containerfile", "makefile", "gnumakefile", "justfile", "procfile")
_SHEBANG = re.compile(rb"(?:\xef\xbb\xbf)?#![^\n]{0,80}\b(?:sh|bash|zsh|dash|ksh|fish|ash|busybox)\b")

_RUNNERS = r"(?:sudo\s+)?(?:ba|z|k|da|a|c)?sh|python[0-9.]*|perl|ruby|node|iex|powershell|source"
_FETCH = r"(?:curl|wget|fetch|aria2c|http|iwr|Invoke-WebRequest|DownloadString)"
_SIGNS = (
    ("download-run", re.compile(rf"\b{_FETCH}\b[^\n;|]{{0,300}}\|\s*(?:{_RUNNERS})\b", re.IGNORECASE)),
    (
        "download-run",
        re.compile(rf"\b(?:{_RUNNERS}|eval)\s+(?:-c\s+)?[\"']?(?:<\(|\$\(|`|\()\s*{_FETCH}\b", re.IGNORECASE),
    ),
    ("decode-run", re.compile(rf"base64\s+(?:-d|-D|--decode)[^\n|]{{0,100}}\|\s*(?:{_RUNNERS})\b")),
    ("decode-run", re.compile(r"\s-e(?:nc(?:odedcommand)?)?\s+[A-Za-z0-9+/=]{40}", re.IGNORECASE)),
    ("reverse-shell", re.compile(r"/dev/(?:tcp|udp)/|\bn(?:c|cat)\s[^\n|;]{0,40}\s?-(?:e|c)\s")),
    ("persistence", re.compile(r"\bcrontab\s+-|/etc/cron|authorized_keys|/etc/(?:shadow|ld\.so\.preload)\b")),
)
_SEPARATOR = re.compile(r"&&|\|\||[;|]")
_FETCHER = re.compile(rf"\b{_FETCH}\b", re.IGNORECASE)
_TARGET = re.compile(r"(?:-o|-O|--output|--output-document|>)[ =]?(\S{1,200})")
_STARTERS = {
    "chmod", "sh", "bash", "zsh", "dash", "source", ".", "sudo", "python", "python3", "perl", "exec", "nohup",
}  # fmt: skip
_COMMENT = re.compile(r"(?m)^[ \t]*(?:#|::|rem\b)[^\n]*", re.IGNORECASE)


def _is_shell(head: Head) -> bool:
    if b"\0" in head.start or not head.start:
        return False
    named = head.name.endswith(_SUFFIXES) or head.name in _NAMES or head.name.startswith("dockerfile.")
    return named or bool(_SHEBANG.match(head.start))


def read(window: Window, place: Place, _limits: Limits) -> Iterator[Yield]:
    """Yield that there is a script, and its commands of note.

    Raises:
        LimitExceeded: longer than scripts are.
    """
    if window.size > LONGEST:
        raise LimitExceeded("header_bytes", actual=window.size, allowed=LONGEST)
    text = window.read(0, window.size).decode("utf-8", "replace")
    # continued lines are one command; a comment is none
    joined = _COMMENT.sub("", text.replace("\\\n", "  "))
    found: set[str] = set()
    for line, example in _fetched_then_run(joined):
        found.add("download-run")
        yield ProgramCall(
            locations=place.at(line=line),
            name="download-run",
            capability="download-run",
            moment="call",
            example=example,
        )
    for capability, sign in _SIGNS:
        for match in itertools.islice(sign.finditer(joined), MOST_LINES):
            found.add(capability)
            yield ProgramCall(
                locations=place.at(line=joined.count("\n", 0, match.start()) + 1),
                name=capability,
                capability=capability,
                moment="call",
                example=" ".join(match.group().split())[:160],
            )
    yield ProgramRead(
        locations=place.at(), language=_language(place), understood=False, capabilities=tuple(sorted(found))
    )
    yield from secrets(text, place)
    yield Span(PARSED, 0, window.size)


def _fetched_then_run(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of the first commands that run a file which an earlier one fetched."""
    fetched: set[str] = set()
    left = MOST_LINES
    for number, line in enumerate(text.splitlines(), start=1):
        for command in _SEPARATOR.split(line):
            words = [_bare(word) for word in command.split()]
            if not words or not left:
                continue
            if fetched.intersection(words) and (words[0] in _STARTERS or words[0] in fetched):
                left -= 1
                yield number, " ".join(command.split())[:160]
            if _FETCHER.search(command[:400]):
                fetched.update(_bare(word) for word in _TARGET.findall(command))
                fetched.update(word.rpartition("/")[2] for word in words if "://" in word)
                fetched.discard("")


def _bare(word: str) -> str:
    return word.strip("\"'").removeprefix("./")


def _language(place: Place) -> str:
    name = (place.members[-1] if place.members else place.artifact).rpartition("/")[2].lower()
    if name.startswith(("dockerfile", "containerfile")):
        return "container recipe"
    return "makefile" if name.endswith(("makefile", "justfile", "procfile")) else "shell"


READER = Reader(
    format=Format("shell"),
    source="POSIX.1-2017, Shell Command Language; Dockerfile reference",
    looks_like=_is_shell,
    read=read,
    rank=76,
    hides=("source-code", "text"),
    extensions=_SUFFIXES,
)
