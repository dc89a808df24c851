"""What a file name hides from a reader: direction marks, invisible and look-alike letters, two suffixes.

Source: Unicode 15, UAX 9 (bidirectional algorithm) and UTS 39 (security mechanisms); Microsoft, "Naming
Files, Paths, and Namespaces"; CVE-2021-42574.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from owaudit.codec.reader import Place
from owaudit.model.format_facts import NameProblem

_ESCAPED: Final = re.compile(r"\\x[0-9a-f]{2}")
_DIRECTION: Final = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c]")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2064\u206a-\u206f\u3164"
    "\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_SPACES: Final = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_RESERVED: Final = re.compile(
    r"(?:con|prn|aux|nul|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3])(?:\.|\Z)", re.IGNORECASE
)
_SEPARATORS: Final = re.compile(
    r"[\\\u2044\u2215\u29f8\uff0f\uff3c\u29f5]|\A\.\.+\Z|%2e%2e|%2f|%5c", re.IGNORECASE
)
_DRIVE: Final = re.compile(r"\A[A-Za-z]:|:\$|::")
_EMOJI_JOIN: Final = re.compile("[\u2600-\u27bf\U0001f000-\U0001faff]")

_WEIGHTS: Final = (
    "safetensors|bin|pt|pth|ckpt|gguf|onnx|h5|keras|pb|tflite|npy|npz|msgpack|json|txt|md|csv|yaml|yml|pdf|png|jpg|"
    "jpeg|model|weights|mlmodel"
)
_RUNS: Final = (
    "exe|scr|bat|cmd|com|pif|vbs|vbe|js|jse|wsf|hta|lnk|msi|ps1|sh|py|pyw|so|dll|dylib|jar|app|desktop"
)
_DOUBLE: Final = re.compile(rf"\.(?:{_WEIGHTS})\s*\.(?P<last>{_RUNS})\Z", re.IGNORECASE)
_OBJECTS: Final = re.compile(
    r"\.(?:safetensors|gguf|onnx|tflite|json|txt|md|csv|yaml|yml)\.(?P<last>pkl|pickle|joblib|dill)\Z",
    re.IGNORECASE,
)

_LOOKALIKES: Final = {
    "CYRILLIC": "асеорхуіјѕһԁԛԝвкмнтАВСЕНКМОРТХІЈЅ",
    "GREEK": "ονιρυαΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "ARMENIAN": "օսհոցԼՕՏ",
    "LATIN": "ɑɡıℓ",
}  # fmt: skip
_ALL_LOOKALIKES: Final = frozenset("".join(_LOOKALIKES.values()))


def name_problems(name: str) -> Iterator[tuple[str, str]]:
    """Yield each problem of one name (a file or folder, no path) and a detail: what stood there."""
    if match := _DIRECTION.search(name):
        yield "direction", _code(match.group())
    if match := _CONTROL.search(name):
        yield "control", _code(match.group())
    if (match := _INVISIBLE.search(name)) and not _EMOJI_JOIN.search(name):
        yield "invisible", _code(match.group())
    if letter := _confusable(name):
        yield "confusable", f"{_code(letter)} {unicodedata.name(letter, '')}"
    if _RESERVED.match(name):
        yield "reserved", name.partition(".")[0]
    if name != name.strip(" .") and name.rstrip(" .") != name:
        yield "edge", "ends in a dot or space"
    elif name.startswith(" ") or _SPACES.search(name):
        yield "edge", "a space that does not look like one"
    if (match := _SEPARATORS.search(name)) or (match := _DRIVE.search(name)):
        yield "parent", match.group()
    if match := _DOUBLE.search(name) or _OBJECTS.search(name):
        yield "double-extension", f".{match['last']}"


def name_facts(path: str, place: Place) -> Iterator[NameProblem]:
    """Yield the problems of every part of a POSIX path, whose bytes that are not UTF-8 read ``\\xff``."""
    for part in path.split("/"):
        for problem, detail in name_problems(_ESCAPED.sub("?", part)):
            yield NameProblem(
                locations=place.at(), problem=problem, shown=ascii(part)[1:-1][:400], detail=detail[:100]
            )


def _confusable(name: str) -> str:
    """The first letter that stands among Latin letters and looks like one of them.

    Whole words in another script are names, not disguise; so only words that mix scripts count, and
    full-width forms, which fold to the letters themselves.
    """
    for word in re.split(r"[^\w]|_|\d", name):
        has_latin = any("a" <= letter.lower() <= "z" for letter in word)
        for letter in word:
            if letter in _ALL_LOOKALIKES and has_latin:
                return letter
    for letter in name:
        folded = unicodedata.normalize("NFKC", letter)
        if letter > "\x7f" and folded.isascii() and folded.isalnum() and not folded.isdigit():
            return letter
        if letter in "．﹒․。":
            return letter
    suffix = name.rpartition(".")[2] if "." in name else ""
    return next((letter for letter in suffix if letter in _ALL_LOOKALIKES), "")


def _code(letter: str) -> str:
    return f"U+{ord(letter[0]):04X}"
