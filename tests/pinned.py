"""A folder as DVC would keep it, for tests that train."""

import hashlib
import json
from pathlib import Path

from tiphys.ml.data import Pin
from tiphys.ml.data.pin import object_key


def pin(folder: Path, store: Path) -> Pin:
    """Put the files of *folder* into the DVC remote *store* and return their pin."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    listing = []
    for path in files:
        md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        _made(store / object_key(md5)).write_bytes(path.read_bytes())
        listing.append({"md5": md5, "relpath": path.name})
    text = json.dumps(listing).encode()
    md5 = hashlib.md5(text, usedforsecurity=False).hexdigest() + ".dir"
    _made(store / object_key(md5)).write_bytes(text)
    size = sum(path.stat().st_size for path in files)
    return Pin(path="data/flights", md5=md5, size=size, nfiles=len(files), revision="test")


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
