"""Every error owaudit raises on purpose.

    OwauditError
      UsageError                 wrong invocation, bad policy or pack          exit 2
      ReadError                  bytes could not be read as intended
        FormatError              the bytes break the law of their format
        LimitExceeded            reading on would cost more than the limits allow
      VerificationError          a check that ran and said no
      NetworkError               a check that could not run

Errors are raised in the depths. They become words in ``cli``, and coverage or an incident in
``pipeline`` and ``judge.evaluate``; nothing in between swallows them.
"""

from __future__ import annotations


class OwauditError(Exception):
    """The root of every error that owaudit raises on purpose."""


class UsageError(OwauditError):
    """The invocation, a policy or a rule pack is wrong; the process ends with exit code 2."""


class ReadError(OwauditError):
    """Bytes could not be read as intended; what was found before stays."""


class FormatError(ReadError):
    """The bytes break the law of their format.

    ``start`` is the byte offset in the innermost container where the breach was seen;
    ``expected`` and ``found`` are short texts, one noun phrase each.
    """

    def __init__(self, clause: str, *, expected: str, found: str, start: int = 0) -> None:
        super().__init__(f"{clause}: expected {expected}, found {found} (at byte {start})")
        self.clause = clause
        self.expected = expected
        self.found = found
        self.start = start


class LimitExceeded(ReadError):
    """Reading on would cost more than the limits allow.

    ``limit`` is the name of the field of ``Limits``; ``actual`` is in the unit of that field.
    """

    def __init__(self, limit: str, *, actual: int, allowed: int) -> None:
        super().__init__(f"limit {limit}: {actual} is over {allowed}")
        self.limit = limit
        self.actual = actual
        self.allowed = allowed


class VerificationError(OwauditError):
    """A check ran to its end and said no."""


class NetworkError(OwauditError):
    """A check could not run because the network did not answer as needed."""
