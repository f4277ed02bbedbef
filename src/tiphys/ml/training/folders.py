"""Folders of checkpoints, `step-00000050` each: which are complete, which may go, their copies.

A checkpoint is complete once it has `.metadata`, which torch writes last and which we upload last.
"""

import shutil
from pathlib import Path

from obstore.store import ObjectStore

COMPLETE = ".metadata"
KEEP = 2
"""One to resume from, and the one before, which a reader may still be copying."""


def folder(directory: Path, step: int) -> Path:
    """Return where the checkpoint after *step* steps lies."""
    return directory / f"step-{step:08}"


def step_of(checkpoint: Path) -> int:
    """Return after how many steps *checkpoint* was saved."""
    return int(checkpoint.name.removeprefix("step-"))


def newest(directory: Path) -> Path | None:
    """Return the newest complete checkpoint, None when there is none."""
    return max(_complete(directory), default=None)


def prune(directory: Path) -> None:
    """Remove all but the newest complete checkpoints, and the incomplete ones before them."""
    kept = sorted(_complete(directory))[-KEEP:]
    for one in directory.glob("step-*"):
        if kept and one < kept[0]:
            shutil.rmtree(one, ignore_errors=True)


def upload(checkpoint: Path, store: ObjectStore) -> None:
    """Copy a complete checkpoint to *store*, what makes it complete last; remove old copies."""
    files = sorted(checkpoint.iterdir(), key=lambda path: path.name == COMPLETE)
    for path in files:
        store.put(f"{checkpoint.name}/{path.name}", path)
    copies = _copies(store)
    done = sorted(name for name, files in copies.items() if COMPLETE in files)
    for name in sorted(copies):
        if name < done[-KEEP:][0]:
            store.delete([f"{name}/{file}" for file in copies[name]])


def download_newest(store: ObjectStore, directory: Path) -> Path | None:
    """Bring the newest complete checkpoint of *store* here, None when there is none."""
    copies = _copies(store)
    done = sorted(name for name, files in copies.items() if COMPLETE in files)
    if not done:
        return None
    target = directory / done[-1]
    target.mkdir(parents=True, exist_ok=True)
    for file in sorted(copies[target.name], key=lambda name: name == COMPLETE):
        (target / file).write_bytes(bytes(store.get(f"{target.name}/{file}").bytes()))
    return target


def _complete(directory: Path) -> list[Path]:
    return [path.parent for path in directory.glob(f"step-*/{COMPLETE}")]


def _copies(store: ObjectStore) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for page in store.list():
        for one in page:
            name, _, file = one["path"].partition("/")
            if name.startswith("step-") and file:
                found.setdefault(name, []).append(file)
    return found
