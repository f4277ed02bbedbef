"""A pin's files into a folder: from a cache or a remote, verified, by hard link where possible.

A hard link shares its bytes with the cache: who writes into the folder would change the cache too.
So what is linked is hashed each time, and a change is found before it is used.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import BinaryIO
from uuid import uuid4

from obstore.store import ObjectStore

from tiphys.errors import UserError
from tiphys.ml.data.pin import Pin, object_key
from tiphys.ml.storage import local_directory, locate, open_store, reach

AT_ONCE = 16
"""Downloads at the same time: small files wait for the network, not for us."""


class MissingObjectError(UserError):
    """Neither cache nor remote has an object."""

    def __init__(self, name: str, key: str, place: str) -> None:
        super().__init__(
            name,
            f"its object {key} is not in {place}.",
            "Run `dvc push` where the data are, or `dvc repro` to make them.",
        )


class ClosedCacheError(UserError):
    """The folder that the pods of a node share cannot be written to."""

    def __init__(self, cache: Path) -> None:
        found = f"user {os.geteuid()} of group {os.getegid()} may not write here."
        super().__init__(str(cache), found, "On the node: chmod -R g+rwX, and group 0.")


class UnsafePathError(UserError):
    """The list of a folder's files would write where it must not."""

    def __init__(self, pin: Pin, path: str) -> None:
        super().__init__(
            str(pin), f'it lists the file "{path}".', "Paths must be below the folder, each once."
        )


class WrongTotalError(UserError):
    """Every object is right, but together they are not what was pinned."""

    def __init__(self, pin: Pin, found: "Fetched") -> None:
        super().__init__(
            str(pin),
            f"there are {found.files} files of {found.bytes} bytes, "
            f"but its pin says {pin.nfiles} files of {pin.size} bytes.",
            "Was dvc.lock edited by hand? Run `dvc commit` and commit the result.",
        )


class CorruptObjectError(UserError):
    """An object is not what its name says."""

    def __init__(self, name: str, key: str, place: str, found: str) -> None:
        super().__init__(
            name,
            f"its object {key} in {place} is corrupted: {found}.",
            "Remove it there, then `dvc push` it again.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What was brought."""

    files: int
    bytes: int
    downloaded_bytes: int
    """What was copied from the remote; what was linked, or in the cache already, does not count."""


def node_cache(environ: Mapping[str, str]) -> Path | None:
    """Return the folder that the steps on this node share, where it has one."""
    folder = environ.get("TIPHYS_CACHE")
    return Path(folder) if folder else None


def materialise(pin: Pin, target: Path, *, remote: str, cache: Path | None = None) -> Fetched:
    """Place the files of *pin* in the folder *target*.

    Args:
        pin: what to bring
        target: a folder, made when it is not there; a pinned file is put into it by its name
        remote: the URL of a DVC remote or cache
        cache: a folder that keeps each object brought from the remote, for the next time
    Raises:
        MissingObjectError, CorruptObjectError: an object cannot be had.
        UnsafePathError, WrongTotalError: the list of the folder's files is not what was pinned.
        ClosedCacheError: this user may not write to the cache.
        Temporary: the remote does not answer.
    """
    target.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".incoming-", dir=target) as scratch:
        objects = _Objects.at(remote, cache or Path(scratch))
        files = _files(pin, objects)
        with ThreadPoolExecutor(AT_ONCE if objects.store else 1) as pool:
            done = list(pool.map(lambda one: objects.put(pin, one, target), files.items()))
    fetched = Fetched(
        files=len(files),
        bytes=sum(size for size, _ in done),
        downloaded_bytes=sum(downloaded for _, downloaded in done),
    )
    if (fetched.files, fetched.bytes) != (pin.nfiles, pin.size):
        raise WrongTotalError(pin, fetched)
    return fetched


def _files(pin: Pin, objects: "_Objects") -> Mapping[str, str]:
    """Return the MD5 of each file of *pin* by its path below the target.

    Raises: UnsafePathError: a path leaves the target.
    """
    if not pin.is_directory:
        return {PurePosixPath(pin.path).name: pin.md5}
    listing, _ = objects.get(pin.path, pin.md5)
    found = {}
    for entry in json.loads(listing.read_bytes()):
        path = PurePosixPath(entry["relpath"])
        if path.is_absolute() or ".." in path.parts or not path.parts or str(path) in found:
            raise UnsafePathError(pin, entry["relpath"])
        found[str(path)] = entry["md5"]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Objects:
    """Where objects are looked for, in this order: *near*, *root* or *store*."""

    near: Path
    """A cache, or a folder that is thrown away."""
    root: Path | None
    """The remote, where it is a folder of this machine."""
    store: ObjectStore | None
    place: str
    """The remote, for people."""

    @classmethod
    def at(cls, remote: str, near: Path) -> "_Objects":
        root = local_directory(remote)
        store = None if root else open_store(remote)
        return cls(near=near, root=root, store=store, place=locate(remote))

    def get(self, name: str, md5: str) -> tuple[Path, int]:
        """Return a file here with the object in it, verified, and how many bytes were copied."""
        kept = self.near / object_key(md5)
        if kept.is_file() and _md5(kept) == md5.removesuffix(".dir"):
            return kept, 0  # what is damaged in a cache is brought again
        if self.root and (file := self.root / object_key(md5)).is_file():
            _verify(file, name, md5, str(self.root))
            return file, 0
        if self.store is None:
            raise MissingObjectError(name, object_key(md5), self.place)
        return self._download(self.store, name, md5)

    def put(self, pin: Pin, item: tuple[str, str], target: Path) -> tuple[int, int]:
        """Place one file; return its size and how much of it was copied."""
        path, md5 = item
        file, copied = self.get(f"{pin.path}/{path}" if pin.is_directory else pin.path, md5)
        size, goal = file.stat().st_size, target / path
        goal.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(file, goal)
        except FileExistsError:
            raise
        except OSError:  # another file system, or one that knows no hard links
            shutil.copyfile(file, goal)
            copied = size if self.root and file.is_relative_to(self.root) else copied
        return size, copied

    def _download(self, store: ObjectStore, name: str, md5: str) -> tuple[Path, int]:
        file = self.near / object_key(md5)
        arriving = file.with_name(f"{file.name}.{uuid4().hex}")  # pods that share a cache
        with _written(arriving, self.near) as out, reach(self.place):
            try:
                found = store.get(object_key(md5))
            except FileNotFoundError:
                raise MissingObjectError(name, object_key(md5), self.place) from None
            for chunk in found.stream():
                out.write(chunk)
        _verify(arriving, name, md5, self.place)
        arriving.chmod(0o444)
        arriving.rename(file)
        return file, file.stat().st_size


@contextmanager
def _written(file: Path, cache: Path) -> Iterator[BinaryIO]:
    """Open a new file below *cache*; it does not stay where what should be in it does not come.

    Any user of the group may add to the folders: the pods that share a cache need not be one user.
    """
    try:
        for folder in reversed([file.parent, *file.parent.parents]):
            if folder.is_relative_to(cache):
                _shared(folder)
        out = file.open("wb")
    except PermissionError as refused:
        raise ClosedCacheError(cache) from refused
    try:
        with out:
            yield out
    except BaseException:
        file.unlink()
        raise


def _shared(folder: Path) -> None:
    with suppress(FileExistsError):
        folder.mkdir()
        folder.chmod(0o775)  # whatever the umask


def _md5(file: Path) -> str:
    with file.open("rb") as opened:
        return file_digest(opened, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _verify(file: Path, name: str, md5: str, place: str) -> None:
    found = _md5(file)
    if found != md5.removesuffix(".dir"):
        size = file.stat().st_size
        if file.name != PurePosixPath(object_key(md5)).name:  # it was on its way into a cache
            file.unlink()
        raise CorruptObjectError(name, object_key(md5), place, f"{size} bytes with MD5 {found}")
