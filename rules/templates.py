"""OWA5001-5004: what a chat template does beyond laying out text.

A template is a program that runs at every request. In a sandbox it can still be wrong; in the
plain environment that some servers use it can run anything. What honest templates use was taken
from those of the common model families.

Source: Jinja 3.1 documentation; CVE-2024-34359, CVE-2025-27516, CVE-2026-5760.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator

from owaudit.model.code_facts import TemplateExpression
from owaudit.model.evidence import Evidence
from owaudit.model.rule import EvidenceItem, Match, PythonRule, RuleMeta, Severity

_INJECTION = "CWE-1336: Improper Neutralization of Special Elements Used in a Template Engine"
_SANDBOX = "CVE-2024-34359: server-side template injection through a chat template"

INTERNALS = RuleMeta(
    id="OWA5001",
    name="template-reaches-internals",
    title="A template reaches the internals of Python",
    severity=Severity.CRITICAL,
    explanation="The template takes attributes of Python objects themselves, such as __class__ or "
    "__globals__, or calls what starts programs. From there every module of the process can be reached. "
    "Laying out a conversation never needs it.",
    remediation="Do not use the model's template. Take the template of the model's original publisher, or "
    "write one, and report the repository.",
    references=(_INJECTION, _SANDBOX, "CWE-94: Improper Control of Generation of Code"),
    family="templates",
)
UNUSUAL = RuleMeta(
    id="OWA5002",
    name="template-unusual-access",
    title="A template reaches attributes or files in a way that sandboxes have been escaped with",
    severity=Severity.HIGH,
    explanation="The template uses the filter attr, takes format methods as values, reads other files, or "
    "puts attribute names together. Published templates do none of it; known escapes do.",
    remediation="Compare the template with the one of the original publisher before using it, and render it "
    "only with a sandboxed jinja2 of version 3.1.6 or later.",
    references=(_INJECTION, "CVE-2025-27516: sandbox breakout through the attr filter", "CVE-2024-56326"),
    leaves_open=True,
    family="templates",
)
UNREVIEWED = RuleMeta(
    id="OWA5003",
    name="template-unreviewed",
    title="A template uses what no known template uses",
    severity=Severity.MEDIUM,
    explanation="The template calls functions, methods, filters or tests outside the vocabulary of published "
    "templates, repeats something very often, or carries hidden or encoded text. What it does was not "
    "judged.",
    remediation="Read the places named in the evidence before using the template.",
    references=(_INJECTION, "CVE-2025-61620: denial of service through chat template arguments"),
    leaves_open=True,
    family="templates",
)
CONDITION = RuleMeta(
    id="OWA5004",
    name="template-content-dependent",
    title="A template says something else depending on the date or on words in a message",
    severity=Severity.LOW,
    explanation="The prompt changes when a message holds certain words or on certain days. That can be a "
    "documented switch; it is also how a template makes a model answer differently for some people.",
    remediation="Read what the template adds under the conditions named in the evidence.",
    references=("OWASP Top 10 for LLM Applications 2025, LLM01 Prompt Injection",),
    family="templates",
)

_DUNDER = re.compile(r"__\w+__\Z|__(?:class|globals|builtins|subclasses|mro|bases?|import|init|dict|code)")
_DEEP = {
    "mro", "func_globals", "func_code", "im_func", "im_class", "im_self", "gi_frame", "gi_code", "cr_frame",
    "cr_code", "ag_frame", "ag_code", "f_globals", "f_builtins", "f_locals", "f_back", "f_code", "tb_frame",
    "tb_next", "co_code", "co_consts", "popen", "subprocess", "importlib", "builtins", "import_module",
    "find_spec", "load_module", "get_flashed_messages", "load_extension",
}  # fmt: skip
_DEEP_WHEN_CALLED = {
    "system", "eval", "exec", "execfile", "compile", "spawn", "Popen", "check_output", "call", "run", "open",
    "getattr", "globals", "locals", "vars", "read", "readlines", "write", "listdir", "unlink", "remove_file",
    "makedirs", "chmod", "urlopen", "subclasses",
}  # fmt: skip
_FUNCTIONS = {
    "cycler", "joiner", "lipsum", "self", "namespace", "range", "dict", "raise_exception", "strftime_now",
    "url_for", "get_flashed_messages", "caller", "super",
}  # fmt: skip
_CALLS = {
    "namespace", "range", "dict", "raise_exception", "strftime_now", "joiner", "cycler", "caller", "super",
    "loop",
}  # fmt: skip
_METHODS = {
    "append", "capitalize", "casefold", "center", "clear", "copy", "count", "current", "cycle", "changed",
    "endswith", "expandtabs", "extend", "find", "format", "fromkeys", "get", "index", "insert", "isalnum",
    "isalpha", "isascii", "isdecimal", "isdigit", "isidentifier", "islower", "isnumeric", "isspace",
    "istitle", "isupper", "items", "join", "keys", "ljust", "lower", "lstrip", "next", "partition", "pop",
    "popitem", "remove", "removeprefix", "removesuffix", "replace", "reset", "reverse", "rfind", "rindex",
    "rjust", "rpartition", "rsplit", "rstrip", "setdefault", "sort", "split", "splitlines", "startswith",
    "strip", "swapcase", "title", "update", "upper", "values", "zfill", "strftime", "isoformat",
}  # fmt: skip
_FILTERS = {
    "abs", "batch", "capitalize", "center", "count", "d", "default", "dictsort", "e", "escape",
    "filesizeformat", "first", "float", "forceescape", "format", "groupby", "indent", "int", "items", "join",
    "last", "length", "list", "lower", "map", "max", "min", "pprint", "reject", "rejectattr", "replace",
    "reverse", "round", "safe", "select", "selectattr", "slice", "sort", "string", "striptags", "sum",
    "title", "tojson", "trim", "truncate", "unique", "upper", "urlencode", "wordcount", "wordwrap",
    "from_json", "fromjson",
}  # fmt: skip
_TESTS = {
    "boolean", "callable", "defined", "divisibleby", "eq", "equalto", "escaped", "even", "false", "filter",
    "float", "ge", "greaterthan", "gt", "in", "integer", "iterable", "le", "lessthan", "lower", "lt",
    "mapping", "ne", "none", "number", "odd", "sameas", "sequence", "string", "test", "true", "undefined",
    "upper", "==", "!=", "<", "<=", ">", ">=",
}  # fmt: skip
_FIELD = re.compile(r"\{[^{}]*[.\[][^{}]*\}")


def _is_deep(use: TemplateExpression) -> bool:
    if use.feature in ("attribute", "item", "method"):
        if _DUNDER.match(use.name) or use.name in _DEEP:
            return True
        if use.feature == "method" and use.name in _DEEP_WHEN_CALLED:
            return True
        return use.on in _FUNCTIONS and use.name not in ("current", "next", "reset")
    if use.feature == "call":
        return use.name in ("eval", "exec", "compile", "__import__", "open", "getattr", "globals", "vars")
    if use.feature == "format":
        return bool(_FIELD.search(use.name)) and "__" in use.name
    return False


def _is_unusual(use: TemplateExpression) -> bool:
    if _is_deep(use):
        return False
    if use.feature in ("attribute", "item", "method") and use.name.startswith("_"):
        return use.feature != "item" or use.computed
    if use.feature == "format":
        return use.computed or use.expression == "format_map" or bool(_FIELD.search(use.name))
    if use.feature == "filter":
        return use.name in ("attr", "(computed)")
    if use.feature == "statement":
        return use.name != "do"
    if use.feature == "literal":
        return use.name.startswith("__")
    return use.feature in ("reference", "fragment")


def _is_unreviewed(use: TemplateExpression) -> bool:
    if _is_deep(use) or _is_unusual(use):
        return False
    known = {"call": _CALLS, "method": _METHODS, "filter": _FILTERS, "test": _TESTS}.get(use.feature)
    if known is not None:
        return use.name not in known
    return use.feature in ("size", "statement") or (use.feature == "literal")


def _is_condition(use: TemplateExpression) -> bool:
    return use.feature == "condition"


_WORDS = {
    "attribute": "takes the attribute {}",
    "item": "takes the item {}",
    "method": "calls the method {}",
    "call": "calls {}",
    "filter": "uses the filter {}",
    "test": "uses the test {}",
    "statement": "uses the statement {}",
    "reference": "takes the method {} as a value",
    "fragment": "puts a name together with {}",
    "format": "formats {}",
    "size": "repeats something very often ({})",
    "literal": "carries the text {}",
    "condition": "depends on {}",
}


def _check(applies: Callable[[TemplateExpression], bool]) -> Callable[[Evidence], Iterator[Match]]:
    def check(evidence: Evidence) -> Iterator[Match]:
        """Match each template once, with everything in it that the rule is about."""
        found: dict[str, list[TemplateExpression]] = defaultdict(list)
        for use in evidence.of(TemplateExpression):
            if applies(use):
                found[use.location.unit].append(use)
        for unit, uses in found.items():
            yield _match(unit, uses)

    return check


def _match(unit: str, uses: list[TemplateExpression]) -> Match:
    first = uses[0]
    more = f" and {len(uses) - 1} more" if len(uses) > 1 else ""
    items = [
        EvidenceItem(label=use.feature, value=f"{use.name}: {use.expression}" if use.expression else use.name)
        for use in uses[:8]
    ]
    names = sorted({use.name for use in uses})
    return Match(
        f"The template in {unit} {_WORDS[first.feature].format(first.name or 'a computed text')}{more}",
        first,
        locations=tuple(use.location for use in uses[:8]),
        evidence=tuple(items),
        key=f"{unit} {', '.join(names[:20])}",
    )


RULES = (
    PythonRule(INTERNALS, _check(_is_deep)),
    PythonRule(UNUSUAL, _check(_is_unusual)),
    PythonRule(UNREVIEWED, _check(_is_unreviewed)),
    PythonRule(CONDITION, _check(_is_condition)),
)
