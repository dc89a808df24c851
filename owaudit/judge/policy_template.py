"""The policy that ``owaudit policy init`` writes: every table, with the defaults in force."""

from __future__ import annotations

TEMPLATE = """\
# The policy of owaudit. Found from the working directory upwards, never inside what is audited.
# 'owaudit policy check' reads it; 'owaudit schema --policy' prints its JSON Schema for editors.

[gate]
fail_on = "high"                # critical, high, medium, low, info or none
fail_on_inconclusive = false    # true: an unanswered question exits with 1 in place of 3

# Names that pickles may reach, read by your team. Findings print the line to add;
# 'owaudit policy derive SOURCE_DIR' writes lines for your own classes.
[imports]
allow = [
  # { name = "ourmodels.blocks.Schedule", use = "build", reason = "only assigns fields, read at 1.4.0" },
]

# Formats by the names that a report shows. Text, pictures and the like need no permission.
# [formats]
# allow = ["safetensors", "hub-config"]
# deny = ["pickle"]

# What the bytes need: a record of at least this authority (authenticated, pinned or transport).
# [integrity]
# required = "transport"
# revision = "0123456789abcdef0123456789abcdef01234567"
# allow_unrecorded = ["README.md"]

# Who may vouch, each by identity and issuer, by key, or by ca.
# [origin]
# required = true
# [[origin.signers]]
# model = "*"
# identity = "release@example.org"
# issuer = "https://accounts.example.org"

# Any limit that a report names, in the same units.
# [limits]
# nesting_depth = 8
# seconds = 3600

# Another severity for one rule.
# [[rules]]
# id = "OWA2012"
# severity = "info"
# reason = "our mirror renames files"

# Folders of rules relative to this file, and packs that must be there.
# [packs]
# folders = ["../our-rules"]
# required = ["our-rules"]

# 'owaudit policy frameworks' names them all.
# [frameworks]
# show = ["nist-sp-800-218a", "owasp-aisvs"]

[second_opinion]
enabled = true
file_bytes = 268435456          # larger files are not given to the other scanner
instructions = 2000000          # nor are longer pickles

[waiving]
days = 180                      # the longest that a waiver may run
also = []                       # rules of integrity, origin or coverage that may be waived at all

# An excuse for one rule and exact bytes (or a pattern of paths), by somebody, until a day.
# [[waivers]]
# id = "W-0001"
# rule = "OWA1003"
# sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
# owner = "model platform"
# reason = "read in full on 1 September; assigns fields only"
# created = 2026-09-01
# expires = 2027-02-28
# approved_by = "security review"
# ticket = "INTAKE-437"
"""
