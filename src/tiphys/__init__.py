"""Tiphys steers models to production on Argo Workflows.

The manifest is the only interface: `author` writes it, everything else starts from it.
"""
