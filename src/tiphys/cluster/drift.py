"""Whether an object on a cluster is already what a manifest says.

The server writes out what the manifest leaves empty, so the two are never the same text. An update
that changes nothing would still show up in everybody's `kubectl diff`.
"""

from collections.abc import Mapping
from typing import Any

_EMPTY: tuple[object, ...] = (None, "", {}, [])


def is_there(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Return whether *found*, from the server, says all that *wanted* says, and no more.

    >>> found = {"spec": {"entrypoint": "a", "arguments": {}}, "metadata": {"uid": "1"}}
    >>> is_there(found, {"spec": {"entrypoint": "a"}, "metadata": {}})
    True
    >>> is_there(found, {"spec": {}, "metadata": {}})
    False
    """
    there, here = found.get("metadata", {}), wanted.get("metadata", {})
    described = all(
        (there.get(kind) or {}).get(name) == text
        for kind in ("labels", "annotations")
        for name, text in (here.get(kind) or {}).items()
    )
    return described and _same(found.get("spec"), wanted.get("spec"))


def _same(found: object, wanted: object) -> bool:
    if isinstance(found, dict) and isinstance(wanted, dict):
        more = [found[name] for name in found if name not in wanted]
        return all(value in _EMPTY for value in more) and all(
            name in found and _same(found[name], value) for name, value in wanted.items()
        )
    if isinstance(found, list) and isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(_same, found, wanted))
    return found == wanted
