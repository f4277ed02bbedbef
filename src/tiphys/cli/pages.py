"""The page of a run: what belongs to it is gathered from its place, then written as one file."""

import json
from collections.abc import Iterator
from pathlib import Path

from tiphys.cli.place import Place, Workflow
from tiphys.report.run import Document, Material, Point, run_page
from tiphys.runtime.clock import SystemClock

METRIC = "tiphys.metric "
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
    for node, line in where.logs(name, None, follow=False):
        mark, found, text = line.partition(METRIC)
        if mark or not found:
            continue
        try:
            metric = json.loads(text)
            count = counts[node, metric["name"]] = counts.get((node, metric["name"]), 0) + 1
            step = metric.get("step")
            x = float(count if step is None else step)
            yield Point(node=node, name=metric["name"], step=x, value=float(metric["value"]))
        except (ValueError, KeyError, TypeError):
            continue  # a line that only looks like a metric
