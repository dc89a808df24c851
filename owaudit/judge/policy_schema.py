"""The JSON Schema of a policy file, for editors that complete and check TOML.

Draft 2020-12. What the schema accepts and what ``judge.policy`` reads is the same set of keys; a test
holds both to one example with every key. Dates are strings or TOML dates, which schemas of TOML see
as strings too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from owaudit.model.claim import Authority
from owaudit.model.limits import Limits
from owaudit.model.observation import Use
from owaudit.model.policy import Gate, SecondOpinion, Waiving
from owaudit.model.rule import Severity

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_RULE = "^[A-Z]{2,8}[0-9]{1,8}$"
_DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


def policy_schema() -> dict[str, Any]:
    """Return the JSON Schema of a policy as a value that ``json`` can write."""
    return {
        "$schema": _DRAFT,
        "$id": "urn:owaudit:policy:1",
        "title": "owaudit policy",
        **_table(
            "What one team accepts of model files.",
            gate=_gate(),
            imports=_imports(),
            formats=_table(
                "Formats by the names that a report shows; what no loader executes is always allowed.",
                allow=_texts("No other format is accepted."),
                deny=_texts("Never accepted."),
            ),
            integrity=_integrity(),
            origin=_origin(),
            limits=_limits(),
            rules=_list(_rule_change()),
            packs=_table(
                "Rule packs.",
                folders=_texts("Folders of rules, relative to this file."),
                required=_texts("Names of packs that must be loaded."),
            ),
            frameworks=_table("Frameworks in the report.", show=_texts("Keys of frameworks.")),
            second_opinion=_second_opinion(),
            waiving=_waiving(),
            waivers=_list(_waiver()),
        ),
    }


def schema_text() -> str:
    """Return the JSON Schema of a policy as text: sorted keys, two-space indent, final newline."""
    return json.dumps(policy_schema(), ensure_ascii=False, sort_keys=True, indent=2) + "\n"


def _table(description: str, *, needs: Iterable[str] = (), **properties: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "description": description,
        "properties": properties,
        "additionalProperties": False,
    }
    wanted = sorted(needs)
    return {**schema, "required": wanted} if wanted else schema


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _text(description: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, "minLength": 1, **more}


def _texts(description: str) -> dict[str, Any]:
    return {
        "type": "array",
        "description": description,
        "items": {"type": "string", "minLength": 1},
    }


def _number(description: str, default: int, least: int = 0) -> dict[str, Any]:
    return {"type": "integer", "description": description, "minimum": least, "default": default}


def _flag(description: str, *, default: bool) -> dict[str, Any]:
    return {"type": "boolean", "description": description, "default": default}


def _words(description: str, options: Iterable[str], default: str = "") -> dict[str, Any]:
    schema = {"enum": [str(option) for option in options], "description": description}
    return {**schema, "default": default} if default else schema


def _gate() -> dict[str, Any]:
    usual = Gate()
    return _table(
        "What fails.",
        fail_on=_words("Lowest severity that fails.", (*Severity, "none"), str(usual.fail_on)),
        fail_on_inconclusive=_flag(
            "Whether an unanswered question is a no.", default=usual.fail_on_inconclusive
        ),
    )


def _imports() -> dict[str, Any]:
    uses = (Use.REFERENCE, Use.CONSTRUCT, Use.BUILD, Use.CALL)
    row = _table(
        "A name that the team has read.",
        needs=("name", "reason"),
        name=_text("One exact dotted name.", pattern=r"^[^*]+$"),
        use=_words("The strongest use that is allowed.", uses, str(Use.CALL)),
        reason=_text("Why it is inert."),
    )
    return _table("Names that pickles may reach.", allow=_list(row))


def _integrity() -> dict[str, Any]:
    authorities = (Authority.AUTHENTICATED, Authority.PINNED, Authority.TRANSPORT)
    return _table(
        "What the bytes need.",
        required=_words("The least authority of a record that counts.", ("no", *authorities), "no"),
        records=_texts("Kinds of records that must be there and agree."),
        revision=_text("The revision that the files must be of."),
        allow_unrecorded=_texts("Patterns of paths that a complete record need not name."),
    )


def _origin() -> dict[str, Any]:
    signer = _table(
        "Somebody whose signature counts: identity and issuer, key, or ca.",
        model=_text("Pattern of target names.", default="*"),
        identity=_text("Identity of a Sigstore certificate."),
        issuer=_text("Issuer that vouches for the identity."),
        source_repository=_text("Repository that the certificate must name."),
        key=_text("Public key, or the file beside the policy that holds it."),
        ca=_text("Root certificates, or the file beside the policy that holds them."),
        name=_text("Name that the certificate must carry."),
    )
    return _table(
        "Who may vouch.",
        required=_flag("Whether a signature by a signer is required.", default=False),
        signers=_list(signer),
    )


def _limits() -> dict[str, Any]:
    usual = Limits()
    return _table(
        "How much one file may cost. Sizes are bytes, counts are items, seconds are wall time.",
        **{
            field.name: _number(field.name.replace("_", " "), getattr(usual, field.name), 1)
            for field in fields(Limits)
        },
    )


def _rule_change() -> dict[str, Any]:
    return _table(
        "Another severity for one rule.",
        needs=("id", "severity", "reason"),
        id=_text("Id of the rule.", pattern=_RULE),
        severity=_words("Its severity here.", Severity),
        reason=_text("Why."),
    )


def _second_opinion() -> dict[str, Any]:
    usual = SecondOpinion()
    return _table(
        "Another scanner.",
        enabled=_flag("Whether it is asked.", default=usual.enabled),
        file_bytes=_number("The largest file that it is given, in bytes.", usual.file_bytes),
        instructions=_number("The most instructions of a pickle that it is given.", usual.instructions),
    )


def _waiving() -> dict[str, Any]:
    return _table(
        "What waivers may do.",
        days=_number("The longest that a waiver may run, in days.", Waiving().days),
        also=_texts("Rules about integrity, origin or coverage that may be waived or be in a baseline."),
    )


def _waiver() -> dict[str, Any]:
    digest = {"type": "string", "pattern": "^(sha256:)?[0-9a-fA-F]{64}$"}
    schema = _table(
        "An excuse for one rule and exact bytes or paths, by somebody, for a while.",
        needs=("id", "rule", "owner", "reason", "created", "expires"),
        id=_text("A name for the waiver."),
        rule=_text("Id of the rule.", pattern=_RULE),
        sha256={
            "description": "Digest of the file, or digests of every file that the finding rests on.",
            "anyOf": [digest, {"type": "array", "items": digest, "minItems": 1}],
        },
        artifact=_text("Pattern of paths: * and ? within a folder, ** across folders."),
        owner=_text("Who answers for it."),
        reason=_text("Why."),
        created=_text("First day, as 2026-01-31.", pattern=_DATE),
        expires=_text("Last day; it counts.", pattern=_DATE),
        approved_by=_text("Who approved it."),
        ticket=_text("Where it is discussed."),
    )
    return {**schema, "anyOf": [{"required": ["sha256"]}, {"required": ["artifact"]}]}
