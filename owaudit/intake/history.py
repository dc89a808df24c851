"""What lies in a folder of version control history that version control does not write.

The walk leaves ``.git`` out, because no loader reads it. A file that git does not put there is
still a file of the target, and a place to hide one, so its name is told.

Source: gitrepository-layout(5).
"""

from __future__ import annotations

import os
import re

MOST = 1000
"""Names kept; more of them say nothing new."""
_MOST_SEEN = 2_000_000

_OWN = re.compile(
    rb"(?:[A-Z][A-Z0-9_]*|HEAD|config(?:\.worktree)?|description|index|packed-refs|shallow|commondir|gitdir"
    rb"|gc\.(?:log|pid)|.*\.lock|objects/(?:[0-9a-f]{2}/[0-9a-f]{38,62}|pack/[a-z]+-[0-9a-f]+\.[a-z]+"
    rb"|pack/multi-pack-index.*|info/.+)|refs/.+|logs/.+|hooks/.+|info/[a-z-]+|branches/.+"
    rb"|lfs/(?:objects/[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{64}|cache/.+|tmp/.+|logs/.+)"
    rb"|(?:modules|worktrees)/.+|rebase-(?:merge|apply)/.+|sequencer/.+)\Z",
    re.DOTALL,
)


def strangers(folder: bytes) -> tuple[str, ...]:
    """Paths below a ``.git`` folder, relative to it, that git does not write; sorted, at most ``MOST``."""
    found: list[str] = []
    seen = 0
    for here, folders, names in os.walk(folder):
        folders.sort()
        relative = os.path.relpath(here, folder)
        for name in sorted(names):
            seen += 1
            path = name if relative == b"." else os.path.join(relative, name)
            path = path.replace(os.fsencode(os.sep), b"/")
            if not _OWN.match(path):
                found.append(path.decode("utf-8", "backslashreplace"))
            if seen > _MOST_SEEN or len(found) >= MOST:
                return tuple(found)
    return tuple(found)
