"""Exit codes that are not a verdict. The verdict's own code stands in the report."""

COULD_NOT_RUN = 2
INTERRUPTED = 130
