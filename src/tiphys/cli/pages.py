"""The page of a run: what belongs to it is gathered from its place, then written as one file."""

from collections.abc import Iterator
from pathlib import Path

from tiphys.cli import place
from tiphys.cli.place import Place
from tiphys.report.run import Document, Material, Point, run_page
from tiphys.runtime import Workflow
from tiphys.runtime.clock import SystemClock
from tiphys.step import report

ARCHIVES = (".tgz", ".zip")
LARGEST_BYTES = 1_000_000


def write(where: Place, workflow: Workflow) -> Path:
    """Write the page of *workflow* and return where."""
    name = workflow["metadata"]["name"]
    material = Material(
        documents=list(_documents(where, workflow)), points=list(_points(where, name))
    )
    path = where.page(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(run_page(workflow, material, SystemClock().now()), encoding="utf-8")
    return path


def _documents(where: Place, workflow: Workflow) -> Iterator[Document]:
    """Yield the artifacts that are stored as they are and hold HTML or JSON."""
    name = workflow["metadata"]["name"]
    for node in (workflow["status"].get("nodes") or {}).values():
        if node["type"] != "Pod":
            continue
        for artifact in (node.get("outputs") or {}).get("artifacts") or ():
            if str((artifact.get("s3") or {}).get("key", "")).endswith(ARCHIVES):
                continue
            content = where.artifact(name, node["id"], artifact["name"])
            if content and len(content) < LARGEST_BYTES and content[:1] in {b"<", b"{"}:
                text = content.decode("utf-8", errors="replace")
                yield Document(node=node["id"], name=artifact["name"], text=text)


def _points(where: Place, name: str) -> Iterator[Point]:
    """Yield every metric that the steps logged, in order."""
    counts: dict[tuple[str, str], int] = {}
    for node, line in place.heard(where, name):
        said = report.read_metric(line)
        if said is None:
            continue
        count = counts[node, said.name] = counts.get((node, said.name), 0) + 1
        step = float(count) if said.step is None else said.step
        yield Point(node=node, name=said.name, step=step, value=said.value)
