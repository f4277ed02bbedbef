"""A pin: which version of which data, as DVC wrote it down at a revision."""

from dataclasses import dataclass

DIRECTORY_SUFFIX = ".dir"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One version of a file or folder that DVC keeps."""

    path: str
    """Relative to the project's root."""
    md5: str
    """Of the file, or of the list of the folder's files, then with the ending `.dir`."""
    size: int
    """In bytes, of all files together."""
    nfiles: int
    """1 for a file."""
    revision: str
    """The git revision at which it was read."""

    @property
    def is_directory(self) -> bool:
        """Whether a folder is pinned."""
        return self.md5.endswith(DIRECTORY_SUFFIX)

    @property
    def key(self) -> str:
        """Where the object lies, in a cache and in a remote alike."""
        return object_key(self.md5)

    def __str__(self) -> str:
        return f"{self.path}@{self.md5[:8]}"


def object_key(md5: str) -> str:
    """Return where an object with this hash lies in a DVC cache or remote.

    >>> object_key("5a75ee9dd9aa937d78c162835e0a89c7.dir")
    'files/md5/5a/75ee9dd9aa937d78c162835e0a89c7.dir'
    """
    return f"files/md5/{md5[:2]}/{md5[2:]}"
