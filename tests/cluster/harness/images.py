"""What an image is called: in the cache by what it is made from, on the nodes as manifests say."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One image of the cluster."""

    alias: str
    key: str
    """The hash of what it is made from."""
    name: str
    """What pods call it."""

    @property
    def local(self) -> str:
        """What buildah calls it."""
        return f"localhost/tiphys/{self.alias}:{self.key}"
