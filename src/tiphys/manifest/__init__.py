"""YAML to frozen values that know file, line and column.

Pure: no I/O but reading the files it is given, and no opinion on how a manifest runs. Every
problem of every file is collected; nothing raises for what a user wrote.
"""

from tiphys.manifest.decode import decode_template
from tiphys.manifest.join import joined, referenced, with_defaults
from tiphys.manifest.load import load
from tiphys.manifest.model import Manifest, Position
from tiphys.manifest.problem import Loaded, Problem, Severity

__all__ = [
    "Loaded",
    "Manifest",
    "Position",
    "Problem",
    "Severity",
    "decode_template",
    "joined",
    "load",
    "referenced",
    "with_defaults",
]
