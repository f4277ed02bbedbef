"""Two runs of one manifest, compared node by node: the local engine and a real Argo must agree.

A run becomes lines that hold all that must be equal, and nothing else; two runs agree when their
lines do. Times, hosts and identifiers differ by nature. So do, with their rules:

- a metric is measured: its name is compared, not its value;
- an address says where: only its path is compared;
- a time says when: that there is one is compared;
- an attempt that infrastructure ended is Failed or Error by chance of timing, and whether what it
  had written could still be saved is chance, too: both read "Lost";
  one that the kernel killed for its memory is not: both say OOMKilled;
- whether a step that a stop has ended has what its last attempt had given is chance, too;
- a pod that a stop has ended says so, or only with which code, as the controller looks at it before
  or after its end: both say that it was shut down;
- whether a pod that was ended at its deadline still left a code or outputs is chance, too;
- a message that says how something ended is compared, up to the words of the step itself; one
  that says what could not be resolved is a fault on both sides, each in its own words.
"""

import difflib
import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tiphys.engine import naming
from tiphys.engine.deadlines import SHUT_DOWN
from tiphys.engine.status import nodes as nodes_of
from tiphys.errors import UserError

Object = Mapping[str, Any]
MANIFEST = "tiphys.dev/manifest-sha256"
"""The annotation of a run that names the file it came from."""

KILLED_CODES = frozenset({"137", "143", None})

OVERDUE = frozenset(
    {
        "Pod was active on the node longer than the specified deadline",
        "timeout",
        "Step exceeded its deadline",
    }
)
"""The kubelet and Argo's controller end a pod at its deadline, whoever looks first."""

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

MAIN = re.compile(r"main: \w+ \(exit code \d+\)")

STOPPED = "Stopped with strategy"

RESUMED = "Resumed by"
"""Argo names who has let a step go on; here there is only one user."""

FATES = re.compile(
    r"wait: |child '|when '|omitted: |Skipped, |No more retries|Backoff would|Max duration"
    r"|retryStrategy\.expression evaluated|Stopped with|workflow shut"
    r"|task '\S+' errored: \S+ exceeded its deadline"
)
"""How Argo's messages begin that say the same of two runs of one file."""


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


def fingerprint(content: bytes) -> str:
    """Return what tells one manifest from another: the SHA-256 of the file that was run."""
    return hashlib.sha256(content).hexdigest()


def lines(run: Object) -> list[str]:
    """Return what must be equal in two runs, a line a fact, sorted by node."""
    status = run.get("status") or {}
    nodes = nodes_of(run)
    tale = _Tale(
        run=str(run["metadata"]["name"]),
        nodes=nodes,
        names={identity: str(node["name"]) for identity, node in nodes.items()},
        shutdown=str((run.get("spec") or {}).get("shutdown") or ""),
        attempts={c for n in nodes.values() if n["type"] == "Retry" for c in n.get("children", ())},
    )
    facts = [f"phase {status.get('phase')}{tale.said(status)}", *tale.given("outputs", status)]
    for identity, node in sorted(nodes.items(), key=lambda item: str(item[1]["name"])):
        facts.extend(tale.node(identity, node))
    return facts


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tale:
    """How the nodes of one run are told, so that another run can say the same."""

    run: str
    nodes: Mapping[str, Object]
    names: Mapping[str, str]
    """Of the nodes, by their identifiers."""
    shutdown: str
    """The strategy with which somebody has stopped or terminated the run; "" for nobody."""
    attempts: Collection[str]

    def node(self, identity: str, node: Object) -> Iterator[str]:
        code = (node.get("outputs") or {}).get("exitCode")
        phase, said = node.get("phase"), self.said(node)
        message = str(node.get("message") or "")
        overdue = message in OVERDUE
        for_memory = "OOMKilled" in message
        killed = phase in {"Failed", "Error"} and code in KILLED_CODES and not for_memory
        shut_down = message if message.startswith(SHUT_DOWN) else ""
        if self.shutdown and killed and code and node["type"] == "Pod":
            shut_down = shut_down or f"{SHUT_DOWN}:  {self.shutdown}"
        if shut_down:
            said = f": {shut_down}"
        if killed and identity in self.attempts:
            phase, said = "Lost", ""
        if overdue or shut_down or (killed and (phase == "Lost" or node["type"] == "Retry")):
            code = None
        where = self.own(str(node["name"]))
        exited = f" exit {code}" if code is not None else ""
        yield f"{where} {node['type']} {phase}{exited}{said}"
        shown = str(node.get("displayName", ""))
        if shown and shown != naming.known_as(node, self.nodes):
            yield f"{where} displayed as {self.own(shown)}"
        for child in sorted(self.names.get(one, one) for one in node.get("children") or ()):
            yield f"{where} -> {self.own(child)}"
        stopped = said.startswith(f": {STOPPED}") and node["type"] == "Retry"
        if not overdue and not stopped and (phase, node["type"]) != ("Lost", "Pod"):
            yield from self.given(where, node)

    def given(self, where: str, giver: Object) -> Iterator[str]:
        """Yield the outputs of a node, or of the whole workflow."""
        outputs = giver.get("outputs") or {}
        for parameter in sorted(outputs.get("parameters") or (), key=lambda p: str(p["name"])):
            if "value" in parameter:  # Argo also lists those that were not written
                yield f"{where} {parameter['name']} = {_comparable(parameter, self.run)}"
        for artifact in sorted(str(a["name"]) for a in outputs.get("artifacts") or ()):
            if not artifact.endswith("-logs"):
                yield f"{where} artifact {artifact}"
        if "result" in outputs:
            yield f"{where} result = {self.own(str(outputs['result']))}"

    def said(self, teller: Object) -> str:
        """Return the message of a node, or of the whole workflow, as far as it must be equal."""
        text = str(teller.get("message") or "")
        if not text or text.startswith(RESUMED):
            return ""
        if main := MAIN.match(text):
            return f": {main[0]}"
        if text in OVERDUE:
            return ": its time was up"
        if not FATES.match(text):
            return ": a fault"
        own_id = re.compile(rf"{re.escape(self.run)}-\d+")
        named = own_id.sub(lambda found: self.names.get(found[0], found[0]), text)
        return f": {self.own(named)}"

    def own(self, text: str) -> str:
        """Return *text* with the name of the run as `$`."""
        return text.replace(self.run, "$")


def _comparable(parameter: Object, run: str) -> str:
    value = str(parameter.get("value", ""))
    if parameter["name"] == "metrics":
        return ", ".join(sorted(json.loads(value or "{}")))
    if value.startswith(("http://", "https://")):
        return urlsplit(value).path
    if TIME.fullmatch(value):
        return "a time"
    return value.replace(run, "$")


def _file(run: Object) -> str:
    return str((run["metadata"].get("annotations") or {}).get(MANIFEST, ""))
