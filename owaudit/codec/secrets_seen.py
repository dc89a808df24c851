"""Texts with the shape of a well-known credential; only their first characters leave here.

Source: the publishers' documentation of their token formats (GitHub, Hugging Face, AWS, Google,
OpenAI, Slack, Stripe, PyPI), RFC 7468 for private keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from owaudit.codec.reader import Place
from owaudit.model.code_facts import SecretShape

MOST = 20
SHOWN = 6

_SHAPES = (
    ("Hugging Face token", re.compile(r"\bhf_[A-Za-z0-9]{34,40}\b")),
    ("GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{82})\b")),
    ("AWS access key", re.compile(r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b")),
    ("Google API key", re.compile(r"\bAIza[A-Za-z0-9_-]{35}\b")),
    ("OpenAI key", re.compile(r"\bsk-(?:proj-)?[A-Za-z0-9_-]{20,90}T3BlbkFJ[A-Za-z0-9_-]{20,90}")),
    ("Anthropic key", re.compile(r"\bsk-ant-[A-Za-z0-9_-]{80,120}\b")),
    ("Slack token", re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{20,}")),
    ("Stripe key", re.compile(r"\b[rs]k_live_[A-Za-z0-9]{24,}\b")),
    ("Weights and Biases key", re.compile(r"WANDB_API_KEY\W{1,8}([0-9a-f]{40})\b")),
    (
        "private key",
        re.compile(r"-----BEGIN (?:RSA |EC |OPENSSH |DSA )?PRIVATE KEY-----\s{1,4}[A-Za-z0-9+/]{32}"),
    ),
)


def secrets(text: str, place: Place) -> Iterator[SecretShape]:
    """Yield the credentials in a text, the first ``MOST`` of them."""
    left = MOST
    for family, shape in _SHAPES:
        for found in shape.finditer(text):
            if not left:
                return
            left -= 1
            token = found.group(found.lastindex or 0)
            yield SecretShape(
                locations=place.at(line=text.count("\n", 0, found.start()) + 1),
                family=family,
                shown=token[:SHOWN] + "…",
            )
