"""Which of a template's volumes this machine has something of its own for."""

from collections.abc import Iterator, Mapping
from typing import Any

from tiphys.manifest import tree
from tiphys.manifest.support.kubernetes import CACHE

SCRATCH = "/tmp"  # noqa: S108 -- a path in a pod


def spared(template: tree.Mapping) -> frozenset[str]:
    """Return the volumes of *template* that a step can be without here.

    Those are the cache of data, what lies at `/tmp`, and an empty one at a folder in which the
    template's inputs or outputs lie: each attempt has its own folder in its place.
    """
    raw = _mapping(tree.plain(template))
    own = [*_paths(raw, "inputs"), *_paths(raw, "outputs")]
    elsewhere = {
        str(mount.get("name"))
        for mount in _items(_mapping(raw.get("container")).get("volumeMounts"))
        if not _is_own(str(mount.get("mountPath", "")).rstrip("/"), own)
    }
    empty = {str(each.get("name")) for each in _items(raw.get("volumes")) if "emptyDir" in each}
    return frozenset({CACHE} | empty - elsewhere)


def _is_own(folder: str, paths: list[str]) -> bool:
    return folder == SCRATCH or any(path.startswith(f"{folder}/") for path in paths)


def _paths(raw: Mapping[str, Any], side: str) -> Iterator[str]:
    """Yield where the artifacts and parameters of *side* lie."""
    for kind in ("artifacts", "parameters"):
        for each in _items(_mapping(raw.get(side)).get(kind)):
            yield str(each.get("path") or _mapping(each.get("valueFrom")).get("path") or "")


def _items(value: object) -> list[Mapping[str, Any]]:
    return [_mapping(each) for each in value] if isinstance(value, list) else []


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
