"""What every container of ours says of itself, so that Pod Security `restricted` admits it.

No user is named: any that is not root will do, with group 0, as OpenShift assigns them. The root
is read-only, so whatever is written goes to `/tmp` or, in a step, to where its outputs lie.
"""

from typing import Any

Json = dict[str, Any]

CONTAINER: Json = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""A container's `securityContext`."""

POD: Json = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
"""A pod's, for containers that somebody else adds."""


def scratch(**folders: str) -> tuple[list[Json], list[Json]]:
    """Return volumes and their mounts, for folders that are empty when a pod starts, by name."""
    volumes: list[Json] = [{"name": name, "emptyDir": {}} for name in folders]
    mounts: list[Json] = [{"name": name, "mountPath": path} for name, path in folders.items()]
    return volumes, mounts
