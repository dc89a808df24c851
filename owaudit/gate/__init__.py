"""The gate: several models, one verdict, and what a pipeline wants to know of it."""
