"""Node names, ids, display names and pod names (rules 1 to 4)."""

import re
from collections.abc import Mapping
from typing import Any

PREFIX_LENGTH = 242
"""A pod name's prefix is cut here, so that hash and dash fit into 253 characters."""

SEPARATOR = re.compile(r"^(\[\d+\])?\.")

DISPLAY = "workflows.argoproj.io/display-name"
"""A template's annotation: what Argo's UI calls its nodes."""

DISPLAYABLE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9-.]{0,61}[a-zA-Z0-9]")


def fnv1a(text: str) -> int:
    """Return the FNV-1a hash of *text*, 32 bits.

    >>> fnv1a("lifecycle-hook-bgsf6[0]")
    2367710970
    """
    digest = 0x811C9DC5
    for byte in text.encode():
        digest = (digest ^ byte) * 0x01000193 & 0xFFFFFFFF
    return digest


def node_id(workflow: str, name: str) -> str:
    """Return the id of the node called *name*.

    >>> node_id("hello", "hello")
    'hello'
    """
    return workflow if name == workflow else f"{workflow}-{fnv1a(name)}"


def display_name(name: str, boundary: str | None) -> str:
    """Return *name* without its boundary's name and the separator after it.

    >>> display_name("hello[0].say", "hello")
    'say'
    """
    if boundary is None:
        return name
    return SEPARATOR.sub("", name.removeprefix(boundary))


def known_as(node: Mapping[str, Any], nodes: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the name of a node of a Workflow object, whatever its template has displayed.

    >>> known_as({"name": "wf.a", "boundaryID": "wf", "displayName": "x"}, {"wf": {"name": "wf"}})
    'a'
    """
    boundary = nodes.get(node.get("boundaryID") or "")
    return display_name(str(node["name"]), str(boundary["name"]) if boundary else None)


def pod_name(workflow: str, node: str, template: str) -> str:
    """Return the name of the pod that runs *node*.

    >>> pod_name("hello", "hello[0].say", "talk")
    'hello-talk-3911069142'
    """
    if node == workflow:
        return workflow
    prefix = f"{workflow}-{template}" if template else workflow
    return f"{prefix[:PREFIX_LENGTH]}-{fnv1a(node)}"
