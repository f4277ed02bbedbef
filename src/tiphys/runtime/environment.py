"""The environment of an attempt: its container's `env`, and what Tiphys adds on a laptop.

What the host's own environment has stays: a step here is a process of this host.
"""

import json
import os
import re
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from tiphys.engine.actions import StartAttempt
from tiphys.manifest.model import Container, Json
from tiphys.runtime.expansion import expanded
from tiphys.runtime.request import Host
from tiphys.step import telemetry

SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['([^']*)'\]")


def declared(action: StartAttempt, host: Host) -> dict[str, str]:
    """Return the container's own variables; a value may use those before it."""
    container = action.template.container
    assert container is not None  # noqa: S101 -- the engine starts pods only
    found = _from_maps(container, host)
    for variable in container.env:
        if variable.value_from is None:
            found[variable.name] = expanded(variable.value or "", found)
            continue
        given = _referenced(variable.name, variable.value_from, action, host)
        if given is not None:
            found[variable.name] = given
    return found


def ours(node: Path, host: Host) -> dict[str, str]:
    """Return what Tiphys adds for the attempt in the folder *node*."""
    bin_folder = str(Path(sys.executable).parent)
    return {
        **telemetry.OFF,
        "PATH": os.pathsep.join([bin_folder, os.environ.get("PATH", os.defpath)]),
        "TIPHYS_STORAGE": json.dumps(dict(host.settings.storage)),
        "TIPHYS_SERVING": "local",
        "TIPHYS_PROJECT": str(host.settings.project or host.settings.root),
        "TIPHYS_TERMINATION_LOG": str(node / "message"),
        "ARGO_PROGRESS_FILE": str(node / "progress"),
    }


HERE = {"TIPHYS_GANG": "local", "TIPHYS_CACHE": ""}
"""What no manifest can change: a gang is processes of this host, which needs no node's cache."""


def _from_maps(container: Container, host: Host) -> dict[str, str]:
    found: dict[str, str] = {}
    for source in container.env_from:
        prefix = str(source.get("prefix", ""))
        if "secretRef" in source:
            name = source["secretRef"].get("name", "")
            host.observer.warned(
                f'secret "{name}" is not on this machine: its variables are unset.'
            )
            continue
        name = source.get("configMapRef", {}).get("name", "")
        known = host.library.config_maps.get(name)
        if known is None:
            host.observer.warned(f'config map "{name}" was not given: its variables are unset.')
            continue
        found.update({prefix + key: value for key, value in known.data.items()})
    return found


def _referenced(
    variable: str, source: Mapping[str, Json], action: StartAttempt, host: Host
) -> str | None:
    if "fieldRef" in source:
        return _pod_field(str(source["fieldRef"].get("fieldPath", "")), action, host)
    if "configMapKeyRef" in source:
        reference = source["configMapKeyRef"]
        known = host.library.config_maps.get(reference.get("name", ""))
        if known is not None and reference.get("key") in known.data:
            return known.data[reference["key"]]
        if not reference.get("optional"):
            wanted = f"{reference.get('name')}/{reference.get('key')}"
            host.observer.warned(f"config map key {wanted} was not given: ${variable} is unset.")
        return None
    if "secretKeyRef" in source:
        name = source["secretKeyRef"].get("name", "")
        if not (variable.startswith("AWS_") and host.settings.storage):
            host.observer.warned(f'secret "{name}" is not on this machine: ${variable} is unset.')
        return None
    kind = next(iter(source), "nothing")
    host.observer.warned(f"`{kind}` has no value on this machine: ${variable} is unset.")
    return None


def _pod_field(path: str, action: StartAttempt, host: Host) -> str | None:
    template = action.template
    known = {
        "metadata.name": action.pod_name,
        "metadata.namespace": host.namespace,
        "metadata.uid": action.node,
        "spec.nodeName": socket.gethostname(),
        "spec.serviceAccountName": "default",
        "status.podIP": "127.0.0.1",
        "status.hostIP": "127.0.0.1",
    }
    if found := SUBSCRIPT.fullmatch(path):
        labels = {"workflows.argoproj.io/workflow": host.folder.name, **template.labels}
        values = labels if found[1] == "labels" else template.annotations
        return values.get(found[2], "")
    return known.get(path)
