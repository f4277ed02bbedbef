"""Data by their DVC pins: resolved from git or a folder, brought from a store, never trusted.

DVC writes, this package reads: the format of its files is the contract, the package `dvc` is not
needed where a step runs. No torch, no pandas, no numpy.
"""

from tiphys.ml.data.pin import Pin

__all__ = ["Pin"]
