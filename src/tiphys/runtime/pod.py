"""A pod on this machine: from `StartAttempt` to a request the nursery can start, and back."""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from tiphys.engine.actions import StartAttempt
from tiphys.engine.events import Exited
from tiphys.engine.node import ArtifactLocation, NodeOutputs, Usage
from tiphys.errors import UserError
from tiphys.manifest.model import Container
from tiphys.runtime import artifacts, environment, memory, nursery
from tiphys.runtime.expansion import as_in_a_template, expanded
from tiphys.runtime.folder import write_atomically
from tiphys.runtime.request import Host
from tiphys.runtime.workspace import Workspace, alias, declared_paths, open_workspace

RESULT_BYTES = 256 * 1024
"""What Argo keeps of a captured stdout: the end (rule 34)."""

MESSAGE_BYTES = 4096
"""What Kubernetes keeps of a termination log."""

PYTHONS = frozenset({"python", "python3"})

STEP = ("-m", "tiphys.step")

WAIT = "wait: Error (exit code 64): "

INTERPRETER_VARIABLES = ("PYTHON", "LD_", "DYLD_", "MALLOC_", "GLIBC_")
"""Read when an interpreter starts: a step that sets one needs an interpreter of its own."""


class UnstartableError(UserError):
    """A command that is not on this machine, said as Argo's emissary says it."""

    def __init__(self, command: str) -> None:
        missing = f'exec: "{command}": executable file not found in $PATH'
        super().__init__("", f"failed to find name in PATH: {missing}")


def prepare(action: StartAttempt, round_: int, host: Host) -> Path:
    """Fill the attempt's folder, request last, and return it.

    *round_* tells this start of the node from earlier ones that were interrupted or retried.

    Raises: UserError: the inputs cannot be placed, or the command is not to run here.
    """
    container = action.template.container
    assert container is not None  # noqa: S101 -- the engine starts pods only
    node = host.node(action)
    node.mkdir(parents=True, exist_ok=True)
    workspace = open_workspace(node, action.template)
    artifacts.place_inputs(action, workspace, host)
    declared = environment.declared(action, host)
    argv = _argv(container, declared, workspace, host)
    if container.source is not None:
        argv.append(_script(container.source, workspace, node))
    argv = [sys.executable, *argv[1:]] if argv[0] in PYTHONS else argv
    own = {name: workspace.rewritten(value) for name, value in declared.items()}
    every = {**environment.ours(node, host), **own, **environment.HERE}
    if shutil.which(argv[0], path=every["PATH"]) is None:
        raise UnstartableError(argv[0])
    request = {
        "round": round_,
        "argv": argv,
        "cwd": str(_folder(container, workspace)),
        "env": every,
        "capture": action.capture_result,
        "grace_seconds": host.settings.grace_seconds,
        "step": argv[3:] if _forks(argv, container) else None,
        "memory": memory.request(node, memory.limit(action.template)),
    }
    (node / "exitcode.part").write_text(nursery.PENDING)
    write_atomically(node / "request.json", json.dumps(request, indent=1))
    return node


def _argv(
    container: Container, declared: Mapping[str, str], workspace: Workspace, host: Host
) -> list[str]:
    words = host.settings.images.command(container)
    return [workspace.rewritten(expanded(word, declared)) for word in words]


def _script(source: str, workspace: Workspace, node: Path) -> str:
    script = alias(node) / "script"
    script.write_text(workspace.rewritten(as_in_a_template(source)), encoding="utf-8")
    script.chmod(0o755)
    return str(script)


def _folder(container: Container, workspace: Workspace) -> Path:
    """Return the working folder: of the workspace, unless the template names one of the host."""
    wanted = container.working_dir
    if not wanted:
        return workspace.folder
    rewritten = Path(workspace.rewritten(wanted))
    if str(rewritten) == wanted and not rewritten.is_dir():
        rewritten = workspace.path(wanted)
    rewritten.mkdir(parents=True, exist_ok=True)
    return rewritten


def _forks(argv: list[str], container: Container) -> bool:
    """Whether the command is a step of ours that may run in a fork of the warm interpreter."""
    plain = not any(v.name.startswith(INTERPRETER_VARIABLES) for v in container.env)
    return plain and argv[0] == sys.executable and tuple(argv[1:3]) == STEP


def collect(action: StartAttempt, at: datetime, host: Host) -> Exited:
    """Return what became of an attempt that wrote its `exitcode`. May be repeated."""
    node = host.node(action)
    workspace = Workspace(alias(node) / "work", declared_paths(action.template))
    exit_code = int((node / "exitcode").read_text())
    parameters, missing = _parameters(action, workspace, node)
    kept = artifacts.keep(action, workspace, host)
    missing = missing or _missing_artifacts(action, kept)
    return Exited(
        at=at,
        node=action.node,
        exit_code=exit_code,
        outputs=NodeOutputs(
            parameters=parameters,
            artifacts=kept,
            result=_result(node) if action.capture_result else None,
            exit_code=exit_code,
        ),
        message=_message(node),
        reason="OOMKilled" if (node / nursery.OUT_OF_MEMORY).exists() else "Error",
        problem=missing,
        usage=_usage(node),
    )


def _parameters(
    action: StartAttempt, workspace: Workspace, node: Path
) -> tuple[dict[str, str | None], str]:
    """Return what was written, and what is wrong with the first that was not."""
    found: dict[str, str | None] = {}
    missing = ""
    folder = node / "out" / "parameters"
    for declared in action.template.outputs.parameters:
        source = declared.value_from
        if source is None or source.path is None:
            continue
        written = workspace.path(source.path)
        if written.is_file():
            text = written.read_text(encoding="utf-8", errors="replace").removesuffix("\n")
            found[declared.name] = text
            folder.mkdir(parents=True, exist_ok=True)
            (folder / declared.name).write_text(text, encoding="utf-8")
        elif source.default is None:
            missing = missing or WAIT + _not_written("parameters", source.path)
    return found, missing


def _missing_artifacts(action: StartAttempt, kept: Mapping[str, ArtifactLocation]) -> str:
    missing = [
        _not_written("artifacts", f"{declared.path.rstrip('/')}.tgz") + "; "
        for declared in action.template.outputs.artifacts
        if declared.path and declared.name not in kept and not declared.optional
    ]
    return WAIT + "".join(missing) if missing else ""


def _not_written(kind: str, path: str) -> str:
    """Return Argo's words for an output that main did not write (rule 24)."""
    file = f"/var/run/argo/outputs/{kind}/{path.lstrip('/')}"
    return f"open {file}: no such file or directory"


def _result(node: Path) -> str | None:
    try:
        with (node / "stdout").open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - RESULT_BYTES))
            return file.read().decode(errors="replace").removesuffix("\n")
    except FileNotFoundError:
        return None


def _message(node: Path) -> str:
    with suppress(OSError), (node / "message").open("rb") as file:
        return file.read(MESSAGE_BYTES).decode(errors="replace").strip()
    return ""


def _usage(node: Path) -> Usage | None:
    with suppress(OSError, ValueError, TypeError):
        return Usage(**json.loads((node / "usage.json").read_text()))
    return None
