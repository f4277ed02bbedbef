"""Which model serves: immutable versions and, per alias, a log that only grows.

Every write is create-if-absent, so of two writers one wins and the other decides again. There is
no database and nothing to keep running: a directory or a bucket is the registry.
"""

from tiphys.ml.registry.entry import Entry, Provenance
from tiphys.ml.registry.registry import MovedError, OutdatedError, Registry
from tiphys.ml.registry.versions import CorruptVersionError, Version

__all__ = [
    "CorruptVersionError",
    "Entry",
    "MovedError",
    "OutdatedError",
    "Provenance",
    "Registry",
    "Version",
]
