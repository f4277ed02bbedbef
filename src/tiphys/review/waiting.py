"""What the waiting steps of a run wait for."""

from collections.abc import Iterator, Mapping
from typing import Any

Object = Mapping[str, Any]


def held(workflow: Object) -> Iterator[Object]:
    """Yield the suspend steps that wait for `resume`."""
    for node in ((workflow.get("status") or {}).get("nodes") or {}).values():
        if node["type"] == "Suspend" and node.get("phase") == "Running":
            yield node
