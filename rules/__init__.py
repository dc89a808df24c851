"""The built-in rule pack: tables in TOML, relations between facts in Python."""
