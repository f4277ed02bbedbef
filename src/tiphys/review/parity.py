"""Two runs of one manifest, compared node by node: the local engine and a real Argo must agree.

A run becomes lines that hold all that must be equal, and nothing else; two runs agree when their
lines do. Times, hosts and identifiers differ by nature. So do, with their rules:

- a metric is measured: its name is compared, not its value;
- an address says where: only its path is compared;
- an attempt that infrastructure ended is Failed or Error by chance of timing: both read "Lost".
"""

import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tiphys.errors import UserError

Object = Mapping[str, Any]
MANIFEST = "tiphys.dev/manifest-sha256"
"""The annotation of a run that names the file it came from."""

KILLED_CODES = frozenset({"137", "143", None})


class DifferentFilesError(UserError):
    """Two runs of two files have nothing to agree on."""

    def __init__(self, local: str, cluster: str) -> None:
        super().__init__(
            "parity",
            f"the runs come from different files: sha256 {local[:12]} here, {cluster[:12]} there.",
            "Run one file on both sides.",
        )


def differences(local: Object, cluster: Object) -> list[str]:
    """Return the two runs' lines as a unified diff; empty when they agree.

    Raises: DifferentFilesError: both say which file they ran, and it is not the same.
    """
    here, there = _file(local), _file(cluster)
    if here and there and here != there:
        raise DifferentFilesError(here, there)
    names = str(local["metadata"]["name"]), str(cluster["metadata"]["name"])
    return list(difflib.unified_diff(lines(local), lines(cluster), *names, lineterm="", n=1))


def fingerprint(files: Sequence[Path]) -> str:
    """Return what tells one manifest from another: the SHA-256 of its files, in their order."""
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def lines(run: Object) -> list[str]:
    """Return what must be equal in two runs, a line a fact, sorted by node."""
    name = str(run["metadata"]["name"])
    status = run.get("status") or {}
    nodes: Mapping[str, Object] = status.get("nodes") or {}
    attempts = {c for n in nodes.values() if n["type"] == "Retry" for c in n.get("children", ())}
    facts = [f"phase {status.get('phase')}"]
    for identity, node in sorted(nodes.items(), key=lambda item: str(item[1]["name"])):
        facts.extend(_node(node, name, is_attempt=identity in attempts))
    return facts


def _node(node: Object, run: str, *, is_attempt: bool) -> Iterator[str]:
    outputs = node.get("outputs") or {}
    code = outputs.get("exitCode")
    phase = node.get("phase")
    if is_attempt and phase in {"Failed", "Error"} and code in KILLED_CODES:
        phase, code = "Lost", None
    where = str(node["name"]).replace(run, "$", 1)
    yield f"{where} {node['type']} {phase}" + (f" exit {code}" if code is not None else "")
    for parameter in sorted(outputs.get("parameters") or (), key=lambda p: str(p["name"])):
        yield f"{where} {parameter['name']} = {_comparable(parameter, run)}"
    for artifact in sorted(str(a["name"]) for a in outputs.get("artifacts") or ()):
        if not artifact.endswith("-logs"):
            yield f"{where} artifact {artifact}"
    if "result" in outputs:
        yield f"{where} result = {str(outputs['result']).replace(run, '$')}"


def _comparable(parameter: Object, run: str) -> str:
    value = str(parameter.get("value", ""))
    if parameter["name"] == "metrics":
        return ", ".join(sorted(json.loads(value or "{}")))
    if value.startswith(("http://", "https://")):
        return urlsplit(value).path
    return value.replace(run, "$")


def _file(run: Object) -> str:
    return str((run["metadata"].get("annotations") or {}).get(MANIFEST, ""))
