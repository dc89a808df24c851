"""Puts this folder on the path, so that tests share what lies in it, and scrubs the environment.

No test sees the settings, the home or the terminal of the machine, and none reaches a network.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

_SEEN = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "LINES", "TERM", "PAGER")
_NETWORK_EVENTS = frozenset({"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"})


def _refuse_network(event: str, arguments: tuple[object, ...]) -> None:
    if event in _NETWORK_EVENTS:
        raise RuntimeError(f"a test asked for the network: {event}")


# An audit hook cannot be removed again, which is what is wanted here.
sys.addaudithook(_refuse_network)


@pytest.fixture(autouse=True)
def _scrubbed(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home of its own, a terminal without colour and 100 columns, no settings from outside."""
    for name in [*_SEEN, *(name for name in os.environ if name.startswith(("OWAUDIT_", "XDG_", "GITHUB_")))]:
        monkeypatch.delenv(name, raising=False)
    home = _home(tmp_path_factory)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "dumb")


def _home(factory: pytest.TempPathFactory) -> Path:
    home = factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    return home
