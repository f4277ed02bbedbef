"""Decide what this run is about: which code, which data, which months. All as of now.

It reads nothing but the project's code at the revision: the pin of the data and the months they
hold stand in dvc.lock, where `ingest` was recorded with its parameters.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from tiphys import recipe
from tiphys.ml import digest
from tiphys.ml.data import Pin, calendar, locked, objects
from tiphys.ml.data.revision import Folder
from tiphys.recipe import Recipe
from tiphys.step import Output, WrongInput

CODE = ("components", "quality", "gate")
FILES = ("dvc.yaml", "dvc.lock", "params.yaml", "pyproject.toml")
"""What a step may find at /tiphys/code: the components and what they read. No pipelines, no tests,
no library: that is in the image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What the rest of the run works with."""

    dataset: Pin
    months: list[str]
    """The window to train on, the oldest first."""
    holdout: str
    """The month after the window, to judge on."""
    revision: str
    """The commit, where the source is a checkout, else as it was asked for."""
    code_hash: str
    """SHA-256 over the files of the code."""
    order: str
    """When the code was new, RFC 3339 in UTC: no deployment goes back behind that of the champion.
    The time of the commit, where the source is a checkout, else of the run's creation."""


def resolve(
    *,
    source: Path,
    revision: str,
    window: int = 3,
    holdout: str = "latest",
    dataset: str = "data/flights",
    created: str = "",
    images: dict[str, str] | None = None,
    code: Annotated[Path, Output()],
) -> Resolution:
    """Find the data of *revision* and choose the months.

    Args:
        source: the project at *revision*: an unpacked archive or a checkout
        revision: its name, for pin and lineage where the source is no checkout
        window: how many months to train on
        holdout: the month to judge on, or "latest", the newest there is
        dataset: the path of the data in the project
        created: when the run was, RFC 3339
        images: the tag of each role's image, which says what it was built from
        code: what every later step gets
    """
    folder = Folder.of(source, revision)
    _check_images(images or {}, source, folder.name)
    pinned = locked.resolve(folder, dataset)
    months, month = _choose(_months_of(pinned), window, holdout)
    _copy(source, code)
    return Resolution(
        dataset=pinned.pin,
        months=months,
        holdout=month,
        revision=folder.name,
        code_hash=digest.of_directory(code),
        order=_order(objects.committed_at(source / ".git", folder.name), created),
    )


def _check_images(images: Mapping[str, str], source: Path, revision: str) -> None:
    """See that no image is older than the code: a push may overtake the build of one before it.

    An archive has no locks: `tiphys run` brought it, beside the manifests.

    Raises: WrongInput: CI builds what is missing, and then starts the run.
    """
    if not (source / recipe.LOCKS).is_dir():
        return
    library = recipe.library_of(source) if any("-" in tag for tag in images.values()) else ""
    for role, tag in images.items():
        now = Recipe(lock=recipe.lock_of(source, role), library=library if "-" in tag else "")
        if tag != now.tag:
            problem = (
                f'The image of "{role}" is of {tag}, and {revision[:12]} asks for {now.tag}: its '
                "lock or the library has changed. CI builds it after such a push and starts the "
                "run then. By hand: make release PROFILE=… PIPELINE=…"
            )
            raise WrongInput(problem)


def _order(committed: datetime | None, created: str) -> str:
    """Return the time that orders deployments, as a text that compares as it does.

    >>> _order(None, "2026-01-31T07:05:04+01:00")
    '2026-01-31T06:05:04Z'
    """
    if committed is None and not created:
        return ""
    moment = committed or datetime.fromisoformat(created).astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _months_of(pinned: locked.Locked) -> list[str]:
    try:
        first, last = (str(pinned.parameters[f"ingest.{name}"]) for name in ("first", "last"))
    except KeyError as error:
        problem = f"dvc.lock: {pinned.pin.path} has no parameter {error}. Run `dvc repro`."
        raise WrongInput(problem) from None
    return calendar.months(first, last)


def _choose(known: list[str], window: int, holdout: str) -> tuple[list[str], str]:
    """Return the window and the month after it.

    >>> _choose(["2013-01", "2013-02", "2013-03"], 2, "latest")
    (['2013-01', '2013-02'], '2013-03')
    """
    month = known[-1] if holdout == "latest" else holdout
    if month not in known:
        problem = f'The data have no month "{month}": they run from {known[0]} to {known[-1]}.'
        raise WrongInput(problem)
    before = known.index(month)
    if not 1 <= window <= before:
        problem = (
            f"There are {before} months before {month}, and {window} are asked for. "
            "Choose another window or holdout."
        )
        raise WrongInput(problem)
    return known[before - window : before], month


def _copy(source: Path, code: Path) -> None:
    code.mkdir(parents=True, exist_ok=True)
    for name in CODE:
        if (source / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source / name, code / name, ignore=ignored, dirs_exist_ok=True)
    for name in FILES:
        if (source / name).is_file():
            shutil.copyfile(source / name, code / name)
