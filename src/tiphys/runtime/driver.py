"""The driver: carries out what the engine wants and tells it what happened.

One thread, one selector: the nursery, the attempts' breaths, signals, and the control FIFO. Each
event is in the journal before the engine sees it. An attempt is prepared, the journal is on the
disk, then it is started; so after a crash at any point the folder of the attempt says what to do:
no request (prepare it), a request (start it; starting twice is impossible), `alive` (adopt it).
"""

import heapq
import json
import os
import socket
import time
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from tiphys import engine
from tiphys.engine.actions import Action, Finish, Kill, StartAttempt, WakeAt
from tiphys.engine.events import (
    ClockReached,
    Event,
    Exited,
    Interrupted,
    Lost,
    Started,
)
from tiphys.engine.state import State
from tiphys.errors import UserError
from tiphys.runtime import nursery, pod
from tiphys.runtime.attempts import Attempts, Gone, Notice, NotStarted, Running
from tiphys.runtime.clock import Clock
from tiphys.runtime.control import control, events
from tiphys.runtime.faults import DiskFullError
from tiphys.runtime.journal import Journal, disk_is_full
from tiphys.runtime.picture import Picture
from tiphys.runtime.progress import Tail
from tiphys.runtime.record import Record
from tiphys.runtime.request import INTERRUPTED, Host, Outcome
from tiphys.runtime.signals import Interruptions, interruptions

LISTEN_SECONDS = 0.25
"""How often running steps are asked for progress and metrics."""

FULL_BYTES = 64 * 1024
"""With less than this a step that fails is taken to have failed for want of space."""


class Driver:
    """Drives one run until it has ended or is left."""

    def __init__(self, host: Host, journal: Journal, clock: Clock, attempts: Attempts) -> None:
        self._host, self._journal, self._clock = host, journal, clock
        self._attempts = attempts
        self._selector = attempts.selector
        self._picture = Picture(host)
        self._waiting: deque[StartAttempt] = deque()
        self._running: dict[str, StartAttempt] = {}
        self._tails: dict[str, Tail] = {}
        self._wakes: list[datetime] = []
        self._listened = 0.0
        self._doomed: set[str] = set()
        self._leaving = 0
        self._full = False

    def take(self, state: State, record: Record, actions: Sequence[Action] = ()) -> None:
        """Begin with *state*, that the journal leads to, and with what is to be done."""
        self._state, self._record = state, record
        for action in actions:
            self._carry_out(action)

    def drive(self, first: Sequence[Event] = ()) -> Outcome:
        """Apply the *first* events, then go on until the run has ended or is left resumable."""
        door = self._host.folder.control
        with interruptions(self._selector) as asked, control(door, self._selector, self._told):
            try:
                self._journal.sync()
                for event in first:
                    self._happen(event)
                self._go_on(asked)
            except OSError as problem:
                if not disk_is_full(problem):
                    raise
                self._full = True
                self._journal.drop_ballast()
                self._go_on(asked)
            self._journal.sync()
        return self._outcome()

    def _over(self) -> bool:
        return self._record.finish is not None

    def _outcome(self) -> Outcome:
        workflow = self._picture.draw(self._state)
        name, finish = self._host.folder.name, self._record.finish
        if finish is not None:
            message = finish.message
            return Outcome(name=name, phase=finish.phase, message=message, workflow=workflow)
        message = f"Interrupted. Take it up again with `tiphys resume {name}`."
        if self._full:
            message = str(DiskFullError(self._host.folder.path, resume=name))
        return Outcome(name=name, phase=INTERRUPTED, message=message, workflow=workflow)

    def _go_on(self, asked: Interruptions) -> None:
        while not self._over():
            if self._leaving < asked.count + self._full:
                self._leave(asked.count + self._full)
            if self._leaving and not self._attempts.alive:
                return
            if not self._leaving:
                self._start_some()
            if self._over():
                return  # what could not be started may have ended the run
            self._picture.draw_if_due(self._state)
            for key, _ in self._selector.select(self._patience()):
                key.data()
            self._hear()

    def _patience(self) -> float | None:
        """Return how many seconds nothing can happen unless it is heard."""
        waits = [self._picture.wait_seconds]
        if self._wakes:
            waits.append((self._wakes[0] - self._clock.now()).total_seconds())
        if self._running:
            waits.append(self._listened + LISTEN_SECONDS - time.monotonic())
        return min((max(0.0, wait) for wait in waits if wait is not None), default=None)

    def _hear(self) -> None:
        while notice := self._attempts.heard():
            self._notice(notice)
        self._kill_doomed()
        now = self._clock.now()
        if not self._leaving and self._wakes and self._wakes[0] <= now:
            while self._wakes and self._wakes[0] <= now:
                heapq.heappop(self._wakes)
            self._happen(ClockReached(at=now))
        if self._running and time.monotonic() >= self._listened + LISTEN_SECONDS:
            self._listened = time.monotonic()
            for node in tuple(self._running):
                self._listen(node)

    def _listen(self, node: str) -> None:
        if news := self._tails[node].news(node, self._clock.now()):
            self._happen(news)

    def _happen(self, event: Event) -> None:
        """Write *event* down, let the engine decide, do what it wants."""
        self._journal.append(event)
        self._state, actions = engine.advance(self._state, event)
        self._record.note(event, actions)
        self._picture.stale()
        for action in actions:
            self._carry_out(action)

    def _carry_out(self, action: Action) -> None:
        match action:
            case StartAttempt() if (self._host.node(action) / "alive").exists():
                self._waiting.appendleft(action)  # runs already, or its folder is moved aside
            case StartAttempt():
                self._waiting.append(action)
            case Kill(node=node, reason=reason):
                self._kill(node, reason)
            case WakeAt(at=at):
                heapq.heappush(self._wakes, at)
            case Finish():
                pass  # the record has it

    def _kill(self, node: str, reason: str) -> None:
        waiting = next((action for action in self._waiting if action.node == node), None)
        if waiting is None or (self._host.node(waiting) / "alive").exists():
            self._doomed.add(node)
            return
        self._waiting.remove(waiting)
        self._happen(Exited(at=self._clock.now(), node=node, exit_code=143, message=reason))

    def _kill_doomed(self) -> None:
        """Ask them to end; one whose supervisor is not known yet is asked next time."""
        for node in self._doomed & self._running.keys():
            if self._attempts.end(self._host.folder.node(node)):
                self._doomed.discard(node)

    def _start_some(self) -> None:
        """Start what waits, as far as there is room, after one wait for the disk."""
        batch: list[StartAttempt] = []
        while self._waiting and len(self._running) + len(batch) < self._host.settings.slots:
            action = self._waiting.popleft()
            try:
                self._make_ready(action)
            except OSError as problem:
                if disk_is_full(problem):
                    raise
                self._not_started(action.node, str(problem))
            except UserError as problem:
                self._not_started(action.node, str(problem), code=_code(problem))
            else:
                batch.append(action)
        if batch:
            self._journal.sync()
        for action in batch:
            folder = self._host.node(action)
            self._running[action.node] = action
            self._tails[action.node] = Tail(folder)
            self._attempts.start(folder)

    def _make_ready(self, action: StartAttempt) -> None:
        folder, round_ = self._host.node(action), self._record.round(action.node)
        had = _round_of(folder)
        if had is not None and had != round_:
            folder.rename(folder.with_name(f"{folder.name}.{had}"))
        if had != round_:
            pod.prepare(action, round_, self._host)

    def _not_started(self, node: str, problem: str, code: int | None = None) -> None:
        at = self._clock.now()
        if code is None:
            self._happen(Exited(at=at, node=node, exit_code=None, problem=problem))
        else:
            self._happen(Exited(at=at, node=node, exit_code=code, message=problem))

    def _notice(self, notice: Notice) -> None:
        node = notice.folder.name
        match notice:
            case Running():
                if node not in self._record.started:
                    at = self._clock.now()
                    self._happen(Started(at=at, node=node, host=socket.gethostname()))
            case NotStarted(reason=reason):
                del self._running[node]
                self._not_started(node, reason)
            case Gone():
                self._listen(node)
                action = self._running.pop(node)
                del self._tails[node]
                self._happen(self._end_of(action))

    def _end_of(self, action: StartAttempt) -> Event:
        at, folder = self._clock.now(), self._host.node(action)
        ended = self._collected(action, at)
        failed = isinstance(ended, Lost) or bool(ended.exit_code)
        if failed and not self._leaving and _no_space(folder):
            self._full = True
            self._journal.drop_ballast()
        if failed and (self._leaving or self._full):
            return Interrupted(at=at, node=action.node)
        return ended

    def _collected(self, action: StartAttempt, at: datetime) -> Exited | Lost:
        if not (self._host.node(action) / "exitcode").exists():
            lost = "the attempt's processes vanished without an exit code"
            return Lost(at=at, node=action.node, message=lost)
        try:
            return pod.collect(action, at, self._host)
        except (UserError, OSError) as problem:
            if isinstance(problem, OSError) and disk_is_full(problem):
                raise
            return Exited(at=at, node=action.node, exit_code=0, problem=str(problem))

    def _leave(self, times: int) -> None:
        """Ask every attempt to end; what is asked twice is killed at once."""
        self._leaving = times
        self._doomed.update(self._running)

    def _told(self, message: Mapping[str, Any]) -> None:
        at = self._clock.now()
        for event in events(message, at, suspended=self._state.suspended):
            self._happen(event)


def _round_of(folder: Path) -> int | None:
    """Return which start of the node *folder* was made for; None when it is not complete."""
    try:
        return int(json.loads((folder / "request.json").read_bytes())["round"])
    except (OSError, ValueError, KeyError):
        return None


def _code(problem: UserError) -> int | None:
    return nursery.CANNOT_START if isinstance(problem, pod.UnstartableError) else None


def _no_space(folder: Path) -> bool:
    free = os.statvfs(folder)
    blocks = free.f_bavail if os.geteuid() else free.f_bfree
    return blocks * free.f_frsize < FULL_BYTES
