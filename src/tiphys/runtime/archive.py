"""Archives as Argo makes and opens them (rule 39), and so that equal files give equal bytes."""

import gzip
import io
import posixpath
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from tiphys.runtime.faults import ArtifactError

GZIP_MAGIC = b"\x1f\x8b"
LEVEL = 6


def packed(folder: Path, names: Iterable[str], top: str) -> bytes:
    """Return a gzipped tar of the files *names* of *folder*; no time, owner or order is in it.

    All of it is below the one entry *top*, so that unpacking gives the same tree for one file too.
    """
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted(names):
            _add(tar, folder / name, f"{top}/{name}")
    return gzip.compress(plain.getvalue(), compresslevel=LEVEL, mtime=0)


def pack(source: Path, target: Path, name: str) -> None:
    """Write *source*, a file or a folder, as a gzipped tar with the single top entry *name*."""
    with (
        target.open("wb") as raw,
        gzip.GzipFile("", "wb", LEVEL, raw, mtime=0) as file,
        tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        _add(tar, source, name)
        for path in sorted(source.rglob("*")) if source.is_dir() else ():
            _add(tar, path, f"{name}/{path.relative_to(source).as_posix()}")


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    entry = tar.gettarinfo(path, name)
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
    if entry.isfile():
        with path.open("rb") as content:
            tar.addfile(entry, content)
    else:
        tar.addfile(entry)


def is_tar(path: Path) -> bool:
    """Return whether *path* is a gzipped tar, which Argo unpacks unasked."""
    with path.open("rb") as file:
        if file.read(2) != GZIP_MAGIC:
            return False
    try:
        with tarfile.open(path, "r:gz") as tar:
            tar.next()
    except (tarfile.TarError, OSError, EOFError):
        return False
    return True


def unpack(archive: Path, target: Path, name: str) -> None:
    """Unpack *archive* so that a single top entry takes the path *target* (rule 39).

    Raises: ArtifactError: it cannot be read, or would write outside of *target*.
    """
    aside = target.with_name(f".{target.name}.unpacked")
    aside.mkdir(parents=True)
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as zipped:
                zipped.extractall(aside)  # noqa: S202 -- zipfile drops `..` and `/`
        else:
            with tarfile.open(archive, "r:*") as tar:
                tar.extractall(aside, _inside(tar))  # noqa: S202 -- looked at one by one
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as problem:
        raise ArtifactError(name, f"{archive} cannot be unpacked: {problem}.") from problem
    entries = list(aside.iterdir())
    if len(entries) == 1:
        entries[0].rename(target)
        aside.rmdir()
    else:
        aside.rename(target)


def _inside(tar: tarfile.TarFile) -> list[tarfile.TarInfo]:
    """Return the entries of *tar*, all of which stay below where they are unpacked.

    The filter "data" of tarfile does this too; Debian 12 has the last Python without it.

    Raises: tarfile.TarError: one is a device, or it or what it links to would lie outside.
    """
    entries = tar.getmembers()
    for entry in entries:
        beside = PurePosixPath(entry.name).parent if entry.issym() else PurePosixPath()
        regular = entry.isfile() or entry.isdir() or entry.issym() or entry.islnk()
        if not regular or _leaves(entry.name) or _leaves(str(beside / entry.linkname)):
            text = f"{entry.name} would be outside of it, or is no file"
            raise tarfile.TarError(text)
    return entries


def _leaves(place: str) -> bool:
    """Return whether a relative path leads out of the folder it starts from.

    >>> _leaves("a/../../b"), _leaves("a/../b"), _leaves("/a")
    (True, False, True)
    """
    plain = posixpath.normpath(place)
    return plain.startswith("/") or plain.partition("/")[0] == ".."
