"""What one node does for a training: brings the data, looks at the rows, starts its workers.

Every node of a gang reads the same rows and so learns the same preprocessing from them.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tiphys.errors import UserError
from tiphys.ml import tabular
from tiphys.ml.data import materialise
from tiphys.ml.features import Features
from tiphys.ml.storage import local_directory, open_store, reach
from tiphys.ml.tabular import Preprocessing
from tiphys.ml.training import folders, gang
from tiphys.ml.training.job import Job
from tiphys.ml.training.outcome import DESCRIPTION, WEIGHTS, Answer
from tiphys.ml.training.request import Request, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What the artifact `checkpoint` says of the training it comes from."""

    months: Sequence[str]
    features: Features
    preprocessing: Preprocessing
    settings: Settings
    answer: Answer

    def write(self, checkpoint: Path) -> None:
        """Write it beside the weights."""
        raw = asdict(self) | {"preprocessing": self.preprocessing.to_json()}
        text = json.dumps(raw, indent=1) + "\n"
        (checkpoint / DESCRIPTION).write_text(text, encoding="utf-8")


def fit(request: Request, checkpoint: Path) -> Answer:
    """Train until all epochs are done and write the directory *checkpoint*.

    Raises: UserError: the data cannot be had or do not suit. What `gang.train` raises.
    """
    with _trained(request, _made(checkpoint.parent)) as job:
        answer = Answer.read(job.output)
        shutil.copyfile(job.output / WEIGHTS, _made(checkpoint) / WEIGHTS)
    Trained(
        months=job.months,
        features=job.features,
        preprocessing=job.preprocessing,
        settings=job.settings,
        answer=answer,
    ).write(checkpoint)
    return answer


def assist(request: Request) -> None:
    """Do the part of a node that does not lead: the same, and nothing to show for it."""
    with _trained(request, None):
        pass


@contextmanager
def _trained(request: Request, near: Path | None) -> Iterator[Job]:
    """Train in a folder of its own, made in *near*, on whose disk a cache may be."""
    with tempfile.TemporaryDirectory(prefix=".gang-", dir=near) as folder:
        job = _with_checkpoints(_job(request, Path(folder)), request.place)
        gang.train(job)
        yield job


def load(checkpoint: Path) -> Trained:
    """Return what the artifact *checkpoint* says.

    Raises: UserError: it is no such artifact.
    """
    path = checkpoint / DESCRIPTION
    if not path.is_file() or not (checkpoint / WEIGHTS).is_file():
        found = f"there is no {WEIGHTS} with a {DESCRIPTION}: no training wrote this."
        raise UserError(str(checkpoint), found)
    raw: dict[str, Any] = json.loads(path.read_bytes())
    return Trained(
        months=raw["months"],
        features=Features.from_json(raw["features"]),
        preprocessing=Preprocessing.from_json(raw["preprocessing"]),
        settings=Settings(**raw["settings"]),
        answer=Answer(**raw["answer"]),
    )


def _job(request: Request, folder: Path) -> Job:
    """Bring the data into *folder* and say what the workers of this node do with them."""
    request.check_shares()
    data = folder / "data"
    brought = materialise.materialise(
        request.dataset, data, remote=request.remote, cache=materialise.node_cache(os.environ)
    )
    table = tabular.read(data, request.months, request.features.columns)
    tabular.labels(table, request.features.label)
    if table.num_rows < 10 * request.workers:
        found = f"there are {table.num_rows} rows in {', '.join(request.months)}."
        enough = f"{request.workers} workers need {10 * request.workers}."
        raise UserError(str(request.dataset), found, enough)
    return Job(
        data=data.absolute(),
        months=request.months,
        features=request.features,
        preprocessing=tabular.fit(table, request.features),
        settings=request.settings,
        workers=request.workers_of_a_node,
        nodes=request.nodes,
        checkpoints=folder / "checkpoints",
        output=folder,
        downloaded_bytes=brought.downloaded_bytes,
    )


def _with_checkpoints(job: Job, place: str) -> Job:
    """Say where the checkpoints are; those of a remote place are brought here first."""
    if directory := local_directory(place):
        return replace(job, checkpoints=directory)
    with reach(place):
        folders.download_newest(open_store(place), job.checkpoints)
    return replace(job, upload=place)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
