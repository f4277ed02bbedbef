"""A world without processes: a virtual clock, and attempts that answer as a script says.

The script maps node names to answers; a list is answered attempt by attempt, the last one again
and again. `default` is for all others. An answer may give `exit`, `after` (seconds),
`parameters`, `artifacts` (names), `result`, `message`, `problem`, `lost`, or `forever: true` for
an attempt that ends only when killed. `events` are the user's: `{at: 10, stop: ""}`.
"""

import heapq
import itertools
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tiphys import engine
from tiphys.engine.actions import Finish, Kill, StartAttempt, WakeAt
from tiphys.engine.events import (
    Begun,
    ClockReached,
    Exited,
    Interrupted,
    Lost,
    Released,
    Resumed,
    Retried,
    Started,
    Stopped,
    Suspended,
    Terminated,
)
from tiphys.engine.node import ArtifactLocation, NodeOutputs

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
ATTEMPT = re.compile(r"\((\d+)\)$")
KILLED = 143
PLAIN = {
    "resume": Resumed,
    "terminate": Terminated,
    "suspend": Suspended,
    "release": Released,
}
"""Events of the user's that say nothing but when."""


@dataclass
class World:
    manifest: object
    script: dict = field(default_factory=dict)
    name: str = "wf"
    journal: list = field(default_factory=list)
    started: list = field(default_factory=list)
    """Every `StartAttempt`, in order."""
    killed: list = field(default_factory=list)
    finished: list = field(default_factory=list)

    def __post_init__(self):
        self._queue, self._order = [], itertools.count()
        self._running, self._times, self.state = {}, Counter(), None

    def run(self, limit=10_000):
        """Run from begin to finish; return the Workflow object."""
        begun = Begun(
            at=BEGINNING,
            name=self.name,
            uid="u-1",
            parameters=self.script.get("parameters", {}),
        )
        self.journal.append(begun)
        self.state, actions = engine.begin(self.manifest, begun)
        self._obey(actions, BEGINNING)
        for event in self.script.get("events", []):
            self._plan_user(dict(event))
        return self.carry_on(limit=limit)

    def carry_on(self, events=(), limit=10_000):
        """Run to the finish, with further *events* at their times; return the Workflow object."""
        for event in events:
            self._put(event.at, event)
        for _ in range(limit):
            if not self._queue:
                break
            self._next()
        return engine.status(self.state)

    def apply(self, event):
        """Journal *event* and apply it."""
        self.journal.append(event)
        self.state, actions = engine.advance(self.state, event)
        self._obey(actions, event.at)

    def _next(self):
        at, _, what = heapq.heappop(self._queue)
        if callable(what):
            what(at)
        elif not (isinstance(what, Exited | Lost) and self._running.pop(what.node, None) is None):
            self.apply(what)

    def _plan_user(self, event):
        at = BEGINNING + timedelta(seconds=event.pop("at"))
        (verb, value), *_ = event.items()
        if verb == "stop":
            self._put(at, Stopped(at=at, message=value or ""))
        elif verb == "retry":
            self._put(at, Retried(at=at, parameters=value or {}))
        elif verb in PLAIN:
            self._put(at, PLAIN[verb](at=at))
        else:
            self._put(at, self._interrupt)

    def _interrupt(self, at):
        for node in list(self._running):
            del self._running[node]
            self.apply(Interrupted(at=at, node=node))

    def _put(self, at, what):
        heapq.heappush(self._queue, (at, next(self._order), what))

    def _obey(self, actions, now):
        for action in actions:
            match action:
                case StartAttempt():
                    if action.node not in self._running:
                        self._start(action, now)
                case Kill():
                    self.killed.append(action)
                    self._put(now, Exited(at=now, node=action.node, exit_code=KILLED))
                case WakeAt():
                    self._put(action.at, ClockReached(at=action.at))
                case Finish():
                    self.finished.append(action)

    def _start(self, action, now):
        self.started.append(action)
        self._times[action.node_name] += 1
        self._running[action.node] = action
        self._put(now, Started(at=now, node=action.node, host="here"))
        answer = self._answer(action.node_name)
        if answer.get("forever"):
            return
        at = now + timedelta(seconds=answer.get("after", 1))
        if "lost" in answer:
            self._put(at, Lost(at=at, node=action.node, message=answer["lost"]))
            return
        self._put(at, exited(at, action, answer))

    def _answer(self, name):
        short = name.removeprefix(self.name).lstrip(".")
        base = ATTEMPT.sub("", short)
        found = self.script.get("nodes", {})
        attempt = 0 if short == base else int(ATTEMPT.search(short)[1])
        for key, index in ((short, self._times[name] - 1), (base, attempt)):
            if key in found:
                answers = found[key] if isinstance(found[key], list) else [found[key]]
                return answers[min(index, len(answers) - 1)]
        return self.script.get("default", {})


def exited(at, action, answer):
    """Return the end of an attempt as *answer* says."""
    declared = [one.name for one in action.template.outputs.artifacts]
    names = answer.get("artifacts", declared if not answer.get("exit") else [])
    places = {name: ArtifactLocation(name=name, node=action.node) for name in names}
    return Exited(
        at=at,
        node=action.node,
        exit_code=answer.get("exit", 0),
        message=answer.get("message", ""),
        problem=answer.get("problem", ""),
        outputs=NodeOutputs(
            parameters={k: str(v) for k, v in answer.get("parameters", {}).items()},
            artifacts=places,
            result=answer.get("result"),
        ),
    )


def seconds(text):
    """Return a status time as seconds since the beginning."""
    if text is None:
        return None
    return int((datetime.fromisoformat(text) - BEGINNING).total_seconds())


def replayed(manifest, journal):
    """Return the state after *journal*, as a new driver would make it."""
    state, _ = engine.begin(manifest, journal[0])
    for event in journal[1:]:
        state, _ = engine.advance(state, event)
    return state
