"""Options about records and signers, and what they become."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import click

from owaudit.errors import UsageError
from owaudit.intake.hub_cache import PREFIX, locate
from owaudit.judge.vouching import key_text, signer_problem
from owaudit.model.policy import OriginPolicy, Policy, Signer

F = TypeVar("F", bound=Callable[..., object])


def recording(command: F) -> F:
    """Options of every command that reads files and checks records."""
    for option in reversed(
        (
            click.option("--record", "records", multiple=True, type=click.Path(path_type=Path),
                         metavar="FILE",
                         help="A checksum list or signature from outside the target; may be repeated."),
            click.option("--lock", "lock_file", type=click.Path(path_type=Path), metavar="FILE",
                         help="Lock file that the target must still agree with."),
        )
    ):  # fmt: skip
        command = option(command)
    return trusting(command)


def trusting(command: F) -> F:
    """The trusted root, for every command that checks signatures."""
    option = click.option(
        "--trusted-root",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Sigstore trusted root to use in place of the embedded one.",
    )
    return option(command)


def signing(command: F) -> F:
    """Who may sign, said on the command line."""
    for option in reversed(
        (
            click.option("--identity", default="", help="Identity that must have signed (with --issuer)."),
            click.option("--issuer", default="", help="Issuer that vouches for the identity."),
            click.option("--key", "key_file", default="", metavar="FILE",
                         help="Public key that must have signed."),
            click.option("--ca", "ca_file", default="", metavar="FILE",
                         help="Root certificates that the signer's certificate must chain to."),
        )
    ):  # fmt: skip
        command = option(command)
    return command


def with_signers(policy: Policy, *, identity: str, issuer: str, key_file: str, ca_file: str) -> Policy:
    """The policy with the signers of the command line; these replace those of the file.

    Raises:
        UsageError: an identity without issuer or the reverse, or a file that cannot be read.
    """
    here = Path.cwd()
    if issuer and not identity:
        raise UsageError("--issuer needs --identity")
    given = [
        Signer(identity=identity, issuer=issuer) if identity else None,
        Signer(key=key_text(key_file, here)) if key_file else None,
        Signer(ca=key_text(ca_file, here)) if ca_file else None,
    ]
    signers = tuple(signer for signer in given if signer is not None)
    for signer in signers:
        if problem := signer_problem(signer):
            raise UsageError(problem)
    if not signers:
        return policy
    return replace(policy, origin=OriginPolicy(required=True, signers=signers))


def resolved(targets: Sequence[Path]) -> tuple[Path, ...]:
    """The targets, with ``hf:org/name`` replaced by its snapshot in the cache."""
    return tuple(
        locate(target.as_posix(), os.environ) if str(target).startswith(PREFIX) else target
        for target in targets
    )
