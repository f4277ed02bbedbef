"""Git's objects, read without git: the images have none, and Argo leaves a whole checkout.

An object is a file of its own, or lies in a pack beside an index of it, maybe as the difference to
another. https://git-scm.com/docs/gitformat-pack
"""

import re
import struct
import zlib
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from mmap import ACCESS_READ, mmap
from pathlib import Path

COMMIT = 1
NEAR, NAMED = 6, 7
"""Kinds of pack entries: the difference to one further up in this pack, or to one by its name."""

FANOUT = 8
TABLE = FANOUT + 256 * 4
"""Where the names begin in an index of version 2."""


GENERATIONS = 64
"""How far back clocks are compared: further, no two people's commits are still mixed up."""


def committed_at(git: Path, commit: str) -> datetime | None:
    """Return when *commit* was made, and after its parents; None where it cannot be read.

    People's clocks differ, so a commit may bear an earlier time than the one it was made on. As in
    git's own "corrected commit date", it counts as a second later than that.

    Args:
        git: the folder `.git`; what a shallow clone leaves out counts as old
        commit: a full hash
    """
    newest, names = None, [commit]
    for generation in range(GENERATIONS):
        found = [each for name in names if (each := _read(git, name))]
        times = [each.seconds + generation for each in found]
        newest = max(times, default=newest) if newest is None else max([newest, *times])
        names = list(dict.fromkeys(parent for each in found for parent in each.parents))
    return None if newest is None else datetime.fromtimestamp(newest, UTC)


@dataclass(frozen=True, slots=True)
class _Commit:
    seconds: int
    parents: list[str]


def _read(git: Path, name: str) -> _Commit | None:
    try:
        text = _loose(git / "objects", name) or _packed(git / "objects" / "pack", name)
    except (OSError, ValueError, IndexError, struct.error, zlib.error):
        return None
    head = (text or b"").partition(b"\n\n")[0].decode(errors="replace")
    time = re.search(r"^committer .* (\d+) [+-]\d{4}$", head, re.MULTILINE)
    parents = re.findall(r"^parent ([0-9a-f]+)$", head, re.MULTILINE)
    return _Commit(int(time[1]), parents) if time else None


def _loose(objects: Path, name: str) -> bytes | None:
    file = objects / name[:2] / name[2:]
    return zlib.decompress(file.read_bytes()).partition(b"\0")[2] if file.is_file() else None


def _packed(packs: Path, name: str) -> bytes | None:
    for index in sorted(packs.glob("*.idx")):
        pack = _Pack(index.with_suffix(".pack"), index)
        if (offset := pack.find(bytes.fromhex(name))) is not None:
            return pack.read(offset)
    return None


def _offset(index: mmap, name: bytes) -> int | None:
    """Return where *name* begins in the pack that *index* is of, None where it is not in it."""
    if index[:8] != b"\xfftOc\0\0\0\2":
        return None  # version 1, which git wrote before 2008
    width = len(name)
    (count,) = struct.unpack_from(">I", index, TABLE - 4)
    names = _Names(index, width, count)
    at = bisect_left(names, name)
    if at == count or names[at] != name:
        return None
    offsets = TABLE + count * (width + 4)
    (offset,) = struct.unpack_from(">I", index, offsets + at * 4)
    if offset < 1 << 31:
        return int(offset)
    (far,) = struct.unpack_from(">Q", index, offsets + count * 4 + (offset - (1 << 31)) * 8)
    return int(far)


@dataclass(frozen=True, slots=True)
class _Names:
    """The sorted names of an index, as far as a search looks at them."""

    index: mmap
    width: int
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, at: int) -> bytes:
        begin = TABLE + at * self.width
        return self.index[begin : begin + self.width]


@dataclass(frozen=True, slots=True)
class _Pack:
    file: Path
    index: Path

    def find(self, name: bytes) -> int | None:
        """Return where the object *name* begins; an index may be large, and is only looked into."""
        with self.index.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as index:
            return _offset(index, name)

    def read(self, offset: int) -> bytes:
        """Return the content of the object at *offset*."""
        with self.file.open("rb") as pack:
            pack.seek(offset)
            head = pack.read(64)
            kind, begin = head[0] >> 4 & 7, next(i for i, b in enumerate(head) if b < 128) + 1
            base: int | None = None
            if kind == NEAR:
                distance, begin = _distance(head, begin)
                base = offset - distance
            elif kind == NAMED:
                width = 20
                base = self.find(head[begin : begin + width])
                begin += width
            pack.seek(offset + begin)
            content = _inflated(pack)
        return content if base is None else _patched(self.read(base), content)


def _inflated(pack: Iterator[bytes]) -> bytes:
    inflate = zlib.decompressobj()
    found = []
    for chunk in pack:
        found.append(inflate.decompress(chunk))
        if inflate.eof:
            break
    return b"".join(found)


def _distance(head: bytes, at: int) -> tuple[int, int]:
    """Return how far above its base lies, and where that number ends."""
    value = head[at] & 127
    while head[at] >= 128:
        at += 1
        value = (value + 1 << 7) | head[at] & 127
    return value, at + 1


def _patched(base: bytes, delta: bytes) -> bytes:
    """Return what *delta* makes of *base*: copies of it, and new bytes."""
    at = _after_size(delta, _after_size(delta, 0))
    found = bytearray()
    while at < len(delta):
        order, at = delta[at], at + 1
        if order < 128:
            found += delta[at : at + order]
            at += order
            continue
        fields = []
        for bit in range(7):
            given = bool(order & 1 << bit)
            fields.append(delta[at] if given else 0)
            at += given
        begin = int.from_bytes(fields[:4], "little")
        size = int.from_bytes(fields[4:], "little") or 0x10000
        found += base[begin : begin + size]
    return bytes(found)


def _after_size(delta: bytes, at: int) -> int:
    while delta[at] >= 128:
        at += 1
    return at + 1
