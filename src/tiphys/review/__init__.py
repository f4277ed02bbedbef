"""Manifest and profile to findings. Pure."""
