"""What a step's pod is beside its container: whose rights it has and where it may write."""

from tiphys import restricted
from tiphys.author import access
from tiphys.author.access import Access
from tiphys.author.document import Json
from tiphys.author.step import StepTemplate
from tiphys.manifest.profile import Profile
from tiphys.step.failures import NODE

OUT = "/tiphys/out"

LABELS = {"app.kubernetes.io/managed-by": "tiphys", "app.kubernetes.io/part-of": "tiphys"}
"""On all that is installed, and on all that runs make: one selector finds it."""

EXECUTOR = "tiphys-executor"
"""Argo's own containers report a step's outputs with this account; no step ever has its token."""

VOLUMES, MOUNTS = restricted.scratch(tmp="/tmp", out=OUT)  # noqa: S108 -- a volume of the pod
"""The only places a container can write to, for its root is read-only."""


def fields(step: StepTemplate, profile: Profile, given: Json) -> Json:
    """Return *given*, what the tier says of the pod, with account and volumes."""
    found = {**given, "volumes": [*VOLUMES, *given.get("volumes", [])]}
    return found | _account(step, profile)


def rights(step: StepTemplate, profile: Profile) -> Access:
    """Return what *step* may do: what it declares, and a launcher's part on several nodes."""
    gang = profile.gang == "jobset" and profile.tier(step.tier).nodes > 1
    return step.access + (access.GANG if gang else access.NONE)


def annotations(step: StepTemplate, profile: Profile) -> dict[str, str]:
    """Return the rights of *step*, for whoever reads the template."""
    return dict(access.annotation(rights(step, profile))) if profile.built else {}


def own_node(step: StepTemplate) -> list[Json]:
    """Return the variable with the node's name, where *step* may have to call its device bad."""
    if not any(policy.another_node for policy in step.retry):
        return []
    return [{"name": NODE, "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]


def of_the_run(profile: Profile) -> Json:
    """Return the fields of a workflow's spec that hold for every pod of it."""
    safe = {"securityContext": {**restricted.POD, **profile.spec.get("securityContext", {})}}
    if not profile.built:
        return {**profile.spec, **safe}
    return {
        "serviceAccountName": EXECUTOR,
        "automountServiceAccountToken": False,
        "executor": {"serviceAccountName": EXECUTOR},
        **profile.spec,
        **safe,
    }


def _account(step: StepTemplate, profile: Profile) -> Json:
    """Return the account of *step*, and its token if there is anything to do with it."""
    if not profile.built:  # a laptop has no accounts
        return {}
    given = rights(step, profile)
    name = access.account(step.name, step.access, given)
    token = {"automountServiceAccountToken": True} if given.rules else {}
    return {"serviceAccountName": name, **token}
