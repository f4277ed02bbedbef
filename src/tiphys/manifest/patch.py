"""What a `podSpecPatch` asks for."""

import re

from tiphys.manifest import tree
from tiphys.manifest.problem import Findings

_TAG = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_PLACEMENT = frozenset({"affinity", "nodeSelector", "tolerations"})
_RESOURCES = frozenset({"name", "resources"})


def harmless(text: str) -> bool:
    """Whether the patch *text* only says where a pod runs and what its containers get.

    Here every step runs on this machine, and its memory limit is read from the patch.

    >>> harmless('{"containers": [{"name": "main", "resources": {"limits": {}}}]}')
    True
    >>> harmless("nodeSelector: {gpu: '{{x}}'}")
    True
    >>> harmless("hostNetwork: true"), harmless("{"), harmless("5")
    (False, False, False)
    """
    patches = _patches(_TAG.sub("0", text))
    return bool(patches) and all(
        isinstance(each, dict)
        and set(each) <= {"containers", *_PLACEMENT}
        and _all_resources(each.get("containers", []))
        for each in patches
    )


def memory_limit(text: str, container: str) -> str | None:
    """Return the memory limit that the patch *text* gives *container*, or None.

    >>> memory_limit("containers: [{name: main, resources: {limits: {memory: 8Gi}}}]", "main")
    '8Gi'
    >>> memory_limit("{", "main"), memory_limit("containers: 5", "main")
    (None, None)
    """
    for each in _patches(text):
        containers = each.get("containers") if isinstance(each, dict) else None
        for one in containers if isinstance(containers, list) else ():
            if isinstance(one, dict) and one.get("name") == container:
                limits = (one.get("resources") or {}).get("limits") or {}
                if "memory" in limits:
                    return str(limits["memory"])
    return None


def _patches(text: str) -> list[object]:
    return [tree.plain(each) for each in tree.parse("", text, Findings())]


def _all_resources(containers: object) -> bool:
    return isinstance(containers, list) and all(
        isinstance(each, dict) and set(each) <= _RESOURCES for each in containers
    )
