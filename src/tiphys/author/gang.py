"""A step on a tier of several nodes: a launcher takes its place, and the tier goes to its gang.

The launcher is the same function in the same template, on a small tier without devices.
`TIPHYS_GANG` tells it what each pod of the gang is; `tiphys.ml.training.jobset` makes the rest.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from tiphys import restricted
from tiphys.author import cache, keys, pod, tier
from tiphys.author.document import Json
from tiphys.author.faults import AuthoringError
from tiphys.author.step import StepTemplate
from tiphys.manifest.profile import Profile

LAUNCHER_TIER, LAUNCHER_ROLE = "cpu-small", "step"
WAITING = timedelta(days=1)
"""How long a launcher may wait for nodes beside the time that its gang may run, which the launcher
counts itself. The run's own deadline ends a longer wait, as that of a pod."""
OF_THE_RUN = (
    "imagePullSecrets",
    "tolerations",
    "priorityClassName",
    "hostAliases",
    "dnsConfig",
)
"""What a profile's `spec` says of every pod of a run, and so of a gang's."""


def own_place(step: StepTemplate, profile: Profile) -> StepTemplate:
    """Return *step* as its own pod has it: itself, or the launcher of a gang.

    A retry changes nothing about a launcher: memory and nodes are its gang's.

    Raises: AuthoringError: the cluster runs no gangs.
    """
    hardware = profile.tier(step.tier)
    if hardware.nodes == 1:
        return step
    if profile.gang != "jobset":
        raise AuthoringError(
            step.name,
            f'is on tier "{step.tier}" of {hardware.nodes} nodes, which needs a gang of pods.',
            f"Say `gang: jobset` in {profile.folder / 'profile.yaml'} where JobSet is installed, "
            "or take a tier of one node.",
        )
    if step.gang is None:
        raise AuthoringError(
            step.name,
            f'is on tier "{step.tier}" of {hardware.nodes} nodes but is no gang.',
            "Say `gang=`, the argument with the number of workers, or take a tier of one node.",
        )
    return replace(step, tier=LAUNCHER_TIER, role=LAUNCHER_ROLE, retry=())


def deadline(step: StepTemplate, place: StepTemplate) -> timedelta:
    """Return when Argo ends an attempt of *step*: its pod, or a launcher that waits for nodes."""
    return step.timeout if place is step else step.timeout + WAITING


def environment(
    step: StepTemplate, plain: Sequence[Json], texts: Sequence[str], profile: Profile
) -> list[Json]:
    """Return what a launcher of *step* needs to know.

    *plain* are the variables that every step has, *texts* what it is given.
    """
    told = {
        "workflow": "{{workflow.name}}",
        "nodes": profile.tier(step.tier).nodes,
        "timeout_seconds": int(step.timeout.total_seconds()),
        "pod": _pod(step, plain, texts, profile),
    }
    return [
        {"name": "TIPHYS_GANG", "value": json.dumps(told, separators=(",", ":"))},
        _of_the_pod("TIPHYS_WORKFLOW_NODE", "annotations['workflows.argoproj.io/node-name']"),
        _of_the_pod("POD_NAME", "name"),
        _of_the_pod("POD_UID", "uid"),
    ]


def _pod(step: StepTemplate, plain: Sequence[Json], texts: Sequence[str], profile: Profile) -> Json:
    """Return the spec of each pod of the gang, which no one but us writes anything into."""
    hardware = profile.tier(step.tier)
    fields = tier.fields(hardware, step.retry, saves=True)
    patch = json.loads(fields.pop("podSpecPatch", "{}"))
    grown = patch.pop("containers", [{}])[0].get("resources", {}).get("limits", {})
    volumes, mounts = restricted.scratch(tmp="/tmp")  # noqa: S108 -- a volume of the pod
    volumes.append({"name": "shm", "emptyDir": {"medium": "Memory"}})
    mounts.append({"name": "shm", "mountPath": "/dev/shm"})  # noqa: S108 -- as above
    cached = cache.has(texts, profile)
    resources = tier.resources(hardware).model_dump(mode="json", exclude_none=True)
    container = {
        "name": "node",
        "image": profile.image(step.role),
        "imagePullPolicy": "IfNotPresent",
        "env": [
            *plain,
            *pod.own_node(step),
            *keys.environment(texts, profile),
            *[cache.ENVIRONMENT] * cached,
        ],
        "resources": {**resources, "limits": {**resources.get("limits", {}), **grown}},
        "securityContext": restricted.CONTAINER,
        "volumeMounts": [*mounts, *[cache.MOUNT] * cached],
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    selector = {**fields.get("nodeSelector", {}), **patch.get("nodeSelector", {})}
    return {
        "automountServiceAccountToken": False,
        "securityContext": pod.of_the_run(profile)["securityContext"],
        **{key: profile.spec[key] for key in OF_THE_RUN if key in profile.spec},
        **fields,
        **patch,
        **({"nodeSelector": selector} if selector else {}),
        "volumes": [*volumes, *fields.get("volumes", []), *[cache.volume(profile)] * cached],
        "containers": [container],
    }


def _of_the_pod(name: str, field: str) -> Json:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": f"metadata.{field}"}}}
