"""Bring the pinned data into the run, every file verified."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tiphys.ml.data import Pin
from tiphys.ml.data.materialise import materialise, node_cache
from tiphys.step import Output, metric


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What was brought."""

    files: int
    bytes: int


def fetch(*, dataset: Pin, remote: str, directory: Annotated[Path, Output()]) -> Fetched:
    """Place the files of *dataset* in *directory*.

    The metric `downloaded_bytes` counts what was really copied: files linked from a cache on the
    same disk do not count.

    Args:
        dataset: what `resolve` found
        remote: the URL of the DVC remote; a laptop's profile has the project's own cache instead
        directory: the folder to write
    """
    done = materialise(dataset, directory, remote=remote, cache=node_cache(os.environ))
    metric("downloaded_bytes", done.downloaded_bytes)
    return Fetched(files=done.files, bytes=done.bytes)
