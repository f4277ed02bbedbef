"""The pipelines of the reference project."""
