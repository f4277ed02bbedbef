"""Live metrics of a run on a cluster, read from its log as the steps print them.

A thread follows the log, because a stream blocks; it only ever writes one dictionary entry at a
time, and the reader copies.
"""

import threading
from collections.abc import Mapping
from copy import copy
from typing import Any

from argo_workflows.api.workflow_service_api import WorkflowServiceApi

from tiphys.cluster.connection import Connection, Object, stream
from tiphys.errors import UserError
from tiphys.step import report


class MetricTap:
    """Follows the log of one run and knows the latest value of each metric of each pod."""

    def __init__(self, connection: Connection, run: str) -> None:
        self._connection, self._run = connection, run
        self._latest: dict[str, dict[str, float]] = {}
        self._open = True
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def merged(self, run: Object) -> Object:
        """Return *run* with `metrics` on the nodes that have printed some."""
        latest, nodes = dict(self._latest), (run.get("status") or {}).get("nodes")
        if not latest or not nodes:
            return run
        with_metrics = {
            identity: {**node, "metrics": dict(found)}
            if (found := latest.get(identity.rpartition("-")[2]))
            else node
            for identity, node in nodes.items()
        }
        merged = copy(run)
        merged["status"] = {**run["status"], "nodes": with_metrics}
        return merged

    def close(self) -> None:
        """Let the last lines arrive, for at most a second."""
        self._open = False
        self._thread.join(timeout=1.0)

    def _follow(self) -> None:
        api = WorkflowServiceApi(self._connection.client)
        while self._open:
            asked: dict[str, Any] = {
                "log_options_container": "main",
                "log_options_follow": True,
                "grep": report.MARK.strip(),
            }
            try:
                for line in stream(
                    self._connection,
                    api.workflow_logs_endpoint,
                    self._connection.namespace,
                    self._run,
                    **asked,
                ):
                    self._read(line)
            except UserError:
                return  # metrics are a courtesy: the watch itself reports what is wrong

    def _read(self, line: Mapping[str, Any]) -> None:
        said = report.read_metric(str(line.get("content", "")))
        if said is not None:
            pod = str(line.get("podName", "")).rpartition("-")[2]
            self._latest.setdefault(pod, {})[said.name] = said.value
