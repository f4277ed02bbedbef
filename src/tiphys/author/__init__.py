"""Python to manifest: the only importer of Hera."""
