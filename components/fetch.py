"""Bring the pinned data into the run, every file verified."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tiphys.ml.data import Pin
from tiphys.ml.data.materialise import materialise
from tiphys.step import Output


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What was brought."""

    files: int
    bytes: int
    downloaded_bytes: int
    """What was really copied: files linked from a cache on the same disk do not count."""


def fetch(*, dataset: Pin, remote: str, directory: Annotated[Path, Output()]) -> Fetched:
    """Place the files of *dataset* in *directory*.

    Args:
        dataset: what `resolve` found
        remote: the URL of the DVC remote; a laptop's profile has the project's own cache instead
        directory: the folder to write
    """
    done = materialise(dataset, directory, remote=remote)
    return Fetched(files=done.files, bytes=done.bytes, downloaded_bytes=done.downloaded_bytes)
