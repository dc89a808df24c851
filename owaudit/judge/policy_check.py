"""What a policy means on a given day, without an audit: its parts, and the state of its waivers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from owaudit.errors import UsageError
from owaudit.judge.frameworks import wanted_frameworks
from owaudit.judge.packs import Pack
from owaudit.judge.waivers import with_problems
from owaudit.model.policy import Policy, Waiver

IN_FORCE = "in force"


def check_references(policy: Policy, packs: Sequence[Pack]) -> None:
    """Refuse a policy that asks for what is not there.

    Raises:
        UsageError: no pack has a rule whose severity is changed, or a framework that is shown.
    """
    known = _rules(packs)
    for change in policy.rules:
        if change.rule not in known:
            raise UsageError(f"{policy.source}: rules: no loaded rule has the id {change.rule!r}")
    for rule in policy.waiving.also:
        if rule not in known:
            raise UsageError(f"{policy.source}: waiving.also: no loaded rule has the id {rule!r}")
    wanted_frameworks(packs, policy.frameworks)


def waiver_states(policy: Policy, packs: Sequence[Pack], today: str) -> tuple[tuple[Waiver, str, str], ...]:
    """Each waiver with ``in force``, ``expired`` or ``invalid`` and the reason, in order."""
    found = []
    for waiver, problem in with_problems(policy, _rules(packs), today):
        if problem:
            found.append((waiver, "invalid", problem))
        elif waiver.expires < today:
            found.append((waiver, "expired", f"It ended on {waiver.expires}."))
        else:
            found.append((waiver, IN_FORCE, f"Until {waiver.expires}."))
    return tuple(found)


def described(policy: Policy) -> Iterator[tuple[str, str]]:
    """Yield what each part of the policy says, as a label and words."""
    gate = policy.gate
    fails = f"fails on {gate.fail_on} and above" if gate.fail_on else "no severity fails"
    yield (
        "gate",
        f"{fails}; an unanswered question {'fails' if gate.fail_on_inconclusive else 'exits with 3'}",
    )
    yield "imports", f"{len(policy.allowed_names):,} names allowed"
    formats = policy.formats
    if formats.allow:
        yield "formats", f"only {', '.join(formats.allow)}"
    if formats.deny:
        yield "formats", f"never {', '.join(formats.deny)}"
    if policy.integrity.authority is not None:
        yield "integrity", f"a record of authority {policy.integrity.authority} or more is required"
    if policy.integrity.revision:
        yield "integrity", f"revision {policy.integrity.revision}"
    if policy.origin.signers or policy.origin.required:
        wanted = "required" if policy.origin.required else "not required"
        yield "origin", f"a signature is {wanted}; {len(policy.origin.signers):,} signers"
    for change in policy.rules:
        yield "rules", f"{change.rule} is {change.severity}: {change.reason}"
    if policy.packs.folders or policy.packs.required:
        yield "packs", ", ".join((*policy.packs.folders, *policy.packs.required))
    if policy.frameworks:
        yield "frameworks", ", ".join(policy.frameworks)
    opinion = "is asked" if policy.second_opinion.enabled else "is not asked"
    yield "second opinion", f"another scanner {opinion} where it is installed"


def _rules(packs: Sequence[Pack]) -> frozenset[str]:
    return frozenset(meta.id for pack in packs for meta in pack.metas())
