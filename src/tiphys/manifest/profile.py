"""A cluster's profile: what tiers, images, storage and source mean there. Written by hand.

`manifests/<cluster>/profile.yaml`, and beside it `images.yaml`, which the image build writes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from tiphys.errors import UnknownNameError
from tiphys.manifest.model import Json
from tiphys.manifest.settings import Section, SettingsError, Source

ORDINARY = {"cpu", "memory", "ephemeral-storage", "storage"}
"""Resources every node has; any other name in a tier's limits is a device."""

POD_FIELDS = frozenset(
    (
        "activeDeadlineSeconds",
        "affinity",
        "automountServiceAccountToken",
        "dnsConfig",
        "dnsPolicy",
        "enableServiceLinks",
        "hostAliases",
        "hostIPC",
        "hostNetwork",
        "hostPID",
        "hostUsers",
        "hostname",
        "imagePullSecrets",
        "initContainers",
        "nodeName",
        "os",
        "overhead",
        "preemptionPolicy",
        "priority",
        "priorityClassName",
        "readinessGates",
        "resourceClaims",
        "resources",
        "restartPolicy",
        "runtimeClassName",
        "schedulerName",
        "schedulingGates",
        "securityContext",
        "serviceAccountName",
        "setHostnameAsFQDN",
        "shareProcessNamespace",
        "subdomain",
        "terminationGracePeriodSeconds",
        "topologySpreadConstraints",
        "volumes",
    )
)
"""What else a tier may say: the fields of Kubernetes' PodSpec, passed through as they are."""

_LINK = re.compile(r"https?://[^\s()<>]+")
_A_LINK = "Expected a name without brackets, and a URL that begins with https:// or http://."


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
    lock: str
    """SHA-256 of the `requirements/<role>.lock` it was built from."""


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
    def target(self) -> str:
        """Where a model is served, in a deploy step's words: `local` or `kubernetes`."""
        return self.serving if isinstance(self.serving, str) else next(iter(self.serving))


def load(folder: Path) -> Profile:
    """Return the profile in *folder*.

    Raises:
        SettingsError: a file is missing or wrong; it tells every problem.
    """
    source = Source(folder / "profile.yaml")
    root = source.root
    repository = root.text("images")
    images, problems = ({}, []) if repository in {"none", ""} else _images(folder)
    profile = Profile(
        name=folder.name,
        folder=folder,
        namespace=root.text("namespace", "default"),
        built=repository != "none",
        images=images,
        tiers=_tiers(root.section("tiers")),
        gang=root.choice("gang", ("pod", "jobset")),
        source=_source(root),
        cache=root.text("cache", ""),
        storage=_storage(root.section("storage")),
        **_all_credentials(root),
        registries=root.items("registries"),
        serving=_serving(root),
        argo=_argo(root.section("argo")) if "argo" in root else None,
        kubernetes=_kubernetes(root.section("kubernetes")) if "kubernetes" in root else "",
        links=_links(root.section("links")),
        spec=root.mapping("spec"),
    )
    root.close()
    if problems := source.problems + problems:
        raise SettingsError(problems)
    return profile


def _images(folder: Path) -> tuple[dict[str, Image], list[str]]:
    path = folder / "images.yaml"
    if not path.exists():
        return {}, [f"{path}: is missing. Build the images: .ci/images.py {folder.name}"]
    source = Source(path)
    images = {}
    for role in source.root.keys:
        section = source.root.section(role)
        images[role] = Image(image=section.text("image"), lock=section.text("lock"))
        section.close()
    return images, source.problems


def _tiers(section: Section) -> dict[str, Tier]:
    return {name: _tier(name, section.section(name)) for name in section.keys}


def _tier(name: str, section: Section) -> Tier:
    tier = Tier(
        name=name,
        requests=section.quantities("requests"),
        limits=section.quantities("limits"),
        node_selector=section.mapping("nodeSelector"),
        tolerations=section.items("tolerations"),
        on_demand=_on_demand(section) if "onDemand" in section else None,
        nodes=section.number("nodes") or 1,
        capacity=section.number("capacity"),
        price=_price(section),
        pod=section.rest(),
    )
    section.close(POD_FIELDS)
    return tier


def _on_demand(tier: Section) -> Placement:
    spot, section = tier.mapping("nodeSelector"), tier.section("onDemand")
    placement = Placement(
        node_selector=section.mapping("nodeSelector"), tolerations=section.items("tolerations")
    )
    section.close()
    for name in placement.node_selector:
        if name not in spot:
            found = f'onDemand selects nodes by "{name}", the tier itself does not.'
            tier.wrong("onDemand", found, f"Say {name} in the tier's nodeSelector, too.")
    return placement


def _price(section: Section) -> Decimal | None:
    value = section.free("price")
    if value is None:
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation:
        section.wrong("price", f"price is {value!r}, expected an amount an hour such as 2.40.")
        return None


def _source(root: Section) -> GitSource | ArchiveSource:
    if root.free("source", "archive") == "archive":
        return ArchiveSource()
    section = root.section("source")
    source = GitSource(git=section.text("git"), secret=section.text("secret", ""))
    section.close()
    return source


def _storage(section: Section) -> Storage:
    storage = Storage(
        artifacts=section.text("artifacts"),
        registry=section.text("registry"),
        checkpoints=section.text("checkpoints"),
        dvc=section.text("dvc"),
        code=section.text("code", ""),
    )
    section.close()
    return storage


def _all_credentials(root: Section) -> dict[str, Any]:
    """Return both fields: one Secret for all, or `default` and those of single storages."""
    if "credentials" not in root:
        return {}
    section = root.section("credentials")
    if "default" not in section:
        return {"credentials": _credentials(section)}
    default = _credentials(section.section("default"))
    own = {
        name: _credentials(section.section(name), default.endpoint, default.region)
        for name in (each.name for each in fields(Storage))
        if name in section
    }
    section.close()
    return {"credentials": default, "own_credentials": own}


def _credentials(section: Section, endpoint: str = "", region: str = "") -> Credentials:
    credentials = Credentials(
        secret=section.text("secret"),
        access=section.text("access"),
        secret_key=section.text("secretKey"),
        endpoint=section.text("endpoint", endpoint),
        region=section.text("region", region),
    )
    section.close()
    return credentials


def _serving(root: Section) -> Json:
    if root.free("serving", "local") == "local":
        return "local"
    section = root.section("serving")
    kubernetes = section.mapping("kubernetes")
    section.close()
    return {"kubernetes": kubernetes}


def _kubernetes(section: Section) -> str:
    context = section.text("context")
    section.close()
    return context


def _links(section: Section) -> dict[str, str]:
    links = {name: str(section.free(name)) for name in section.keys}
    for name, url in links.items():
        if not _LINK.fullmatch(url) or set("[]") & set(name):
            section.wrong(name, f"{name}: {url} is no link.", _A_LINK)
    return links


def _argo(section: Section) -> ArgoServer:
    token = section.section("token")
    argo = ArgoServer(server=section.text("server"), token_variable=token.text("env", "ARGO_TOKEN"))
    token.close()
    section.close()
    return argo


def _is_device(name: str) -> bool:
    return name not in ORDINARY and not name.startswith("hugepages-")
