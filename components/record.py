"""Write down what a run was, however it ended: the exit handler."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from tiphys.errors import UserError
from tiphys.ml.data.locked import resolve
from tiphys.ml.data.revision import Folder
from tiphys.ml.gate.decision import Decision
from tiphys.ml.registry import Registry
from tiphys.step import Output


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is known now."""

    runs: int
    """How many runs the registry has a record of, this one included."""


def record(
    *,
    source: Path,
    registry: str,
    workflow: str,
    status: str,
    failures: str,
    revision: str = "",
    commit: str = "",
    code_hash: str = "",
    pin: str = "",
    dataset: str = "data/flights",
    decision: Path | None,
    lineage: Annotated[Path, Output(view="json")],
) -> Record:
    """Append the lineage of this run to the registry.

    Nothing that an earlier step should have made is needed: a run that failed at once is written
    down too.

    Args:
        source: the project at the revision of the run
        registry: URL of the registry
        workflow: the name of the run
        status: how it ended, as Argo says it
        failures: Argo's list of failed nodes, JSON
        revision: of the code, as it was asked for
        commit: of the code, as `resolve` found it; a branch may have moved since. Where it came to
            nothing, the commit is read from *source*
        code_hash: of the code, as `resolve` found it
        pin: of the data, as `resolve` found it, JSON
        dataset: the path whose pin is noted where `resolve` came to nothing
        decision: the gate's, where the run came that far
        lineage: the record, for people
    """
    folder = Folder.of(source, revision)
    resolved = _given(pin)
    run = {
        "workflow": workflow,
        "status": status,
        "failures": _failures(failures),
        "revision": _given(commit) or folder.name,
        "revision_asked": revision,
        "code_hash": _given(code_hash),
        "data": json.loads(resolved) if resolved else _pin(folder, dataset),
        "decision": _decision(decision),
    }
    number = Registry.open(registry).record(run)
    text = json.dumps({"number": number, **run}, indent=1, ensure_ascii=False)
    lineage.write_text(text + "\n", encoding="utf-8")
    print(f"{workflow} {status}: record {number} of {registry}")  # noqa: T201 - the log of the step
    return Record(runs=number)


def _failures(text: str) -> Any:
    """Return the list; Argo quotes it twice, and leaves the tag as it is where none failed."""
    try:
        found = json.loads(text)
        return (json.loads(found) if isinstance(found, str) else found) or []
    except ValueError:
        return [] if text.startswith("{{") or not text else text


def _given(text: str) -> str:
    """Return the text; Argo leaves the tag as it is where the step that gives it did not end."""
    return "" if text.startswith("{{") else text


def _pin(folder: Folder, dataset: str) -> dict[str, Any]:
    try:
        return asdict(resolve(folder, dataset).pin)
    except UserError as error:
        return {"unknown": str(error)}


def _decision(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    try:
        judged = Decision.decode(path.read_bytes())
    except UserError as error:
        return {"unknown": str(error)}
    checks = {check.name: check.verdict for check in judged.checks}
    return {**asdict(judged), "checks": checks}
