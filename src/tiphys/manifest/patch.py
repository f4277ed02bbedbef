"""What a `podSpecPatch` asks for."""

import re

from tiphys.manifest import tree
from tiphys.manifest.problem import Findings

_TAG = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_RESOURCES = frozenset({"name", "resources"})


def only_resources(text: str) -> bool:
    """Whether the patch *text* only sets how much cpu and memory containers get.

    >>> only_resources('{"containers": [{"name": "main", "resources": {"limits": {}}}]}')
    True
    >>> only_resources("nodeSelector: {gpu: '{{x}}'}"), only_resources("{"), only_resources("5")
    (False, False, False)
    """
    documents = tree.parse("", _TAG.sub("0", text), Findings())
    patches = [tree.plain(each) for each in documents]
    return bool(patches) and all(
        isinstance(each, dict)
        and set(each) == {"containers"}
        and _all_resources(each["containers"])
        for each in patches
    )


def _all_resources(containers: object) -> bool:
    return isinstance(containers, list) and all(
        isinstance(each, dict) and set(each) <= _RESOURCES for each in containers
    )
