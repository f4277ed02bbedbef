"""Whose command runs here, and which command that is."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from tiphys.manifest.model import Container
from tiphys.runtime.faults import ForeignImageError, NoCommandError

ENTRYPOINTS: Mapping[str, tuple[str, ...]] = {
    "busybox": (),
    "alpine": (),
    "debian": (),
    "python": (),
}
"""Images that mean "a plain system": their commands are the host's. None has an entrypoint."""

OURS = "tiphys.local/"
"""What a profile without images calls its roles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """The images whose commands may run on this host."""

    mapped: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """`repository:tag`, or `repository` for every tag, to its entrypoint: from tiphys.toml."""
    repositories: Collection[str] = ()
    """Those that the profile beside the manifest builds."""
    allow_host: bool = False
    """Whether any image's command may run here, as `--allow-host` says."""

    def command(self, container: Container) -> list[str]:
        """Return the whole command of *container*, as its image would run it.

        Raises: ForeignImageError, NoCommandError: it is not to run here, or not known.
        """
        where, image = str(container.at), container.image
        entrypoint = self._entrypoint(image)
        if entrypoint is None and not self.allow_host:
            raise ForeignImageError(where, image)
        if container.command:
            return [*container.command, *container.args]
        if entrypoint is None or not (*entrypoint, *container.args):
            raise NoCommandError(where, image)
        return [*entrypoint, *container.args]

    def _entrypoint(self, image: str) -> tuple[str, ...] | None:
        for name in (image, repository(image)):
            if name in self.mapped:
                return self.mapped[name]
        if image.startswith(OURS) or repository(image) in self.repositories:
            return ()
        return ENTRYPOINTS.get(plain(repository(image)))


def repository(image: str) -> str:
    """Return *image* without its tag and digest.

    >>> repository("registry.example:5000/flights/step:3@sha256:0a")
    'registry.example:5000/flights/step'
    """
    name = image.partition("@")[0]
    head, slash, tail = name.rpartition("/")
    return head + slash + tail.partition(":")[0]


def plain(name: str) -> str:
    """Return the short name of an official image.

    >>> plain("docker.io/library/alpine")
    'alpine'
    """
    return name.removeprefix("docker.io/").removeprefix("library/")
