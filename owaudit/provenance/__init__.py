"""Records that vouch for bytes: reading them, and checking what they say against what was read."""
