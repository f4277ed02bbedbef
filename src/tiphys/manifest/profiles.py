"""Reading profiles: every problem with its line, and no field that nobody reads."""

import re
from dataclasses import fields
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tiphys.errors import nearest
from tiphys.manifest.model import Json
from tiphys.manifest.profile import (
    ArchiveSource,
    ArgoServer,
    Credentials,
    GitSource,
    Image,
    Placement,
    Profile,
    Storage,
    Tier,
)
from tiphys.manifest.settings import Section, SettingsError, Source
from tiphys.manifest.support.workflow import WORKFLOW_SPEC
from tiphys.recipe import Recipe

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

OF_A_PIPELINE = frozenset(
    (
        "arguments",
        "entrypoint",
        "hooks",
        "metrics",
        "onExit",
        "templates",
        "workflowMetadata",
        "workflowTemplateRef",
    )
)
"""The fields of a workflow's spec that say what is done: no profile may say them."""

_LINK = re.compile(r"https?://[^\s()<>]+")
_A_LINK = "Expected a name without brackets, and a URL that begins with https:// or http://."


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
        source=(code := _source(root)),
        cache=root.text("cache", ""),
        storage=_storage(root.section("storage"), archived=isinstance(code, ArchiveSource)),
        **_all_credentials(root),
        registries=root.items("registries"),
        serving=_serving(root),
        argo=_argo(root.section("argo")) if "argo" in root else None,
        kubernetes=_kubernetes(root.section("kubernetes")) if "kubernetes" in root else "",
        links=_links(root.section("links")),
        spec=_spec(root),
    )
    root.close()
    if problems := source.problems + problems:
        raise SettingsError(problems)
    return profile


def _images(folder: Path) -> tuple[dict[str, Image], list[str]]:
    path = folder / "images.yaml"
    if not path.exists():
        return {}, [
            f"{path}: is missing. Build the images: .venv/bin/python .ci/images.py {folder.name}"
        ]
    source = Source(path)
    images = {}
    for role in source.root.keys:
        section = source.root.section(role)
        recipe = Recipe(lock=section.text("lock"), library=section.text("library", ""))
        images[role] = Image(image=section.text("image"), recipe=recipe)
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


def _storage(section: Section, *, archived: bool) -> Storage:
    storage = Storage(
        artifacts=section.text("artifacts"),
        registry=section.text("registry"),
        checkpoints=section.text("checkpoints"),
        dvc=section.text("dvc"),
        code=section.text("code", ""),
    )
    if archived and storage.code.startswith("s3://") and urlsplit(storage.code).path != "/code":
        found = f"code is {storage.code}, where no run looks for the code."
        advice = "Write s3://BUCKET/code, BUCKET being that of Argo's artifact repository."
        section.wrong("code", found, advice)
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


def _spec(root: Section) -> dict[str, Json]:
    """Return what every workflow's spec has here: fields that Argo knows and no pipeline writes."""
    section = root.section("spec")
    for name in section.keys:
        if name in OF_A_PIPELINE:
            section.wrong(name, f"spec.{name} is written by each pipeline.", "Leave it out.")
        elif name not in WORKFLOW_SPEC:
            section.wrong(name, f'unknown key "{name}".', nearest(name, WORKFLOW_SPEC))
    section.mapping("securityContext")
    return root.mapping("spec")


def _argo(section: Section) -> ArgoServer:
    token, server = section.section("token"), section.text("server")
    argo = ArgoServer(server=server, token_variable=token.text("env", "ARGO_TOKEN"))
    if isinstance(section.free("server"), str) and not _LINK.fullmatch(server):
        found = f'argo.server is "{server}", expected a URL.'
        section.wrong("server", found, "Write it with https:// or http:// before it.")
    token.close()
    section.close()
    return argo
