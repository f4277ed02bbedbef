"""A cluster's profile: what tiers, images, storage and source mean there. Written by hand.

`manifests/<cluster>/profile.yaml`, and beside it `images.yaml`, which the image build writes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from tiphys.errors import UnknownNameError
from tiphys.manifest.model import Json
from tiphys.recipe import Recipe

ORDINARY = {"cpu", "memory", "ephemeral-storage", "storage"}
"""Resources every node has; any other name in a tier's limits is a device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Which nodes of a tier: its selector's values, where they differ, and what is tolerated."""

    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, Json], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A name for hardware: what a step asks for when it asks for `gpu-1`."""

    name: str
    requests: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, str] = field(default_factory=dict)
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, Json], ...] = ()
    on_demand: Placement | None = None
    """Where the last attempt goes when the tier's own nodes may be taken away; None: nowhere."""
    nodes: int = 1
    """How many nodes one step takes."""
    capacity: int | None = None
    """How many devices (cores, where it has none) the cluster has; None: nobody said."""
    price: Decimal | None = None
    """For one node and one hour, for estimates."""
    pod: Mapping[str, Json] = field(default_factory=dict)
    """Any other field of a pod's spec, as written: runtimeClassName, priorityClassName …"""

    @property
    def devices(self) -> int:
        """How many accelerators a pod of this tier has, whatever they are called."""
        return sum(int(n) for name, n in self.limits.items() if _is_device(name) and n.isdigit())


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    image: str
    """`repository@digest`, or a tag where images are side-loaded."""
    recipe: Recipe
    """What it was built from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitSource:
    """Argo fetches the project's code from here."""

    git: str
    secret: str = ""
    """The Secret with `username` and `password` for it, where it wants them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveSource:
    """`tiphys run` uploads the project's code to the artifact repository."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """URL roots: `s3://bucket/prefix`, `file:///folder`, or relative to the project root."""

    artifacts: str
    registry: str
    checkpoints: str
    dvc: str
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The Secret with the keys to the object store, and where that is."""

    secret: str
    access: str
    secret_key: str
    endpoint: str = ""
    """Its URL; "" for AWS."""
    region: str = ""
    """Where its buckets are; "" for what the store takes without one: us-east-1 at AWS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgoServer:
    server: str
    token_variable: str = "ARGO_TOKEN"  # noqa: S105 -- a name, no token
    """The environment variable that holds the token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    name: str
    """The folder's name: `production`."""
    folder: Path
    namespace: str
    built: bool
    """Whether images are built for it: `images: none` makes it a laptop."""
    images: Mapping[str, Image]
    tiers: Mapping[str, Tier]
    gang: str
    """`pod` or `jobset`: how a step on several processes runs."""
    source: GitSource | ArchiveSource
    storage: Storage
    cache: str = ""
    """A PersistentVolumeClaim, the same for all pods of a node, that keeps data objects."""
    credentials: Credentials | None = None
    """For every storage that has none of its own."""
    own_credentials: Mapping[str, Credentials] = field(default_factory=dict)
    """A storage's name, as in `storage`, to what it has of its own."""
    registries: tuple[str, ...] = ()
    """Where images may come from, and then by digest; empty: from anywhere."""
    serving: Json = "local"
    """`local`, or `{"kubernetes": {…}}`."""
    argo: ArgoServer | None = None
    kubernetes: str = ""
    """The context of a kubeconfig with which `why`, `top` and `doctor` may look closer."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Name to URL: what people look for beside a run. `{pipeline}` in it is the pipeline's name."""
    spec: Mapping[str, Json] = field(default_factory=dict)
    """Fields that every workflow's spec has here: serviceAccountName, securityContext …"""

    def tier(self, name: str) -> Tier:
        """Return the tier *name*; `UnknownNameError` names those there are."""
        if name not in self.tiers:
            raise UnknownNameError(str(self.folder / "profile.yaml"), "tier", name, self.tiers)
        return self.tiers[name]

    def credentials_of(self, url: str) -> Credentials | None:
        """Return the credentials for *url*, which lies below one of the storage roots."""
        for name, credentials in self.own_credentials.items():
            root = str(getattr(self.storage, name))
            if url == root or url.startswith(f"{root}/"):
                return credentials
        return self.credentials

    def image(self, role: str) -> str:
        """Return the image of *role*; a laptop has a name for each, and no image."""
        if not self.built:
            return f"tiphys.local/{role}"
        if role not in self.images:
            raise UnknownNameError(str(self.folder / "images.yaml"), "role", role, self.images)
        return self.images[role].image

    @property
    def tags(self) -> dict[str, str]:
        """Return what each role's image is of, as its tag says it; a laptop has no images."""
        return {role: image.recipe.tag for role, image in self.images.items()}

    @property
    def target(self) -> str:
        """Where a model is served, in a deploy step's words: `local` or `kubernetes`."""
        return self.serving if isinstance(self.serving, str) else next(iter(self.serving))


def _is_device(name: str) -> bool:
    return name not in ORDINARY and not name.startswith("hugepages-")
