"""One training from data to weights: looks at the rows, starts the gang, keeps what it made.

What it makes, the artifact `checkpoint`, is a directory: `weights.pt`, a PyTorch state dict, and
`training.json`, which holds all that is needed to build the network again and to say of what.
"""

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tiphys.errors import UserError
from tiphys.ml import tabular
from tiphys.ml.storage import local_directory, open_store, reach
from tiphys.ml.tabular import Features, Preprocessing
from tiphys.ml.training import folders, gang
from tiphys.ml.training.job import Answer, Job, Settings

WEIGHTS, DESCRIPTION = "weights.pt", "training.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What is trained on."""

    data: Path
    """A folder of one parquet file a month."""
    months: Sequence[str]
    features: Features


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


def fit(
    material: Material, settings: Settings, *, workers: int, checkpoints: str, checkpoint: Path
) -> Answer:
    """Train until all epochs are done and write the directory *checkpoint*.

    Args:
        material: the rows
        settings: how to train
        workers: how many processes share each step
        checkpoints: a URL; a training with the same inputs resumes from what lies there
        checkpoint: the directory to write
    Raises: UserError: the rows do not suit. What `gang.train` raises.
    """
    table = tabular.read(material.data, material.months, material.features.columns)
    tabular.labels(table, material.features.label)
    if table.num_rows < 10 * workers:
        found = f"there are {table.num_rows} rows in {', '.join(material.months)}."
        raise UserError(str(material.data), found, f"{workers} workers need {10 * workers}.")
    preprocessing = tabular.fit(table, material.features)
    with tempfile.TemporaryDirectory(prefix="gang-") as folder:
        job = Job(
            data=material.data.absolute(),
            months=list(material.months),
            features=material.features,
            preprocessing=preprocessing,
            settings=settings,
            workers=workers,
            checkpoints=Path(folder) / "checkpoints",
            output=Path(folder),
        )
        answer = gang.train(_with_checkpoints(job, checkpoints))
        checkpoint.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(job.output / WEIGHTS, checkpoint / WEIGHTS)
    Trained(
        months=job.months,
        features=job.features,
        preprocessing=job.preprocessing,
        settings=job.settings,
        answer=answer,
    ).write(checkpoint)
    return answer


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


def _with_checkpoints(job: Job, url: str) -> Job:
    """Say where the checkpoints are; those of a remote place are brought here first."""
    place = f"{url.rstrip('/')}/{job.fingerprint}"
    if directory := local_directory(place):
        return replace(job, checkpoints=directory)
    with reach(place):
        folders.download_newest(open_store(place), job.checkpoints)
    return replace(job, upload=place)
