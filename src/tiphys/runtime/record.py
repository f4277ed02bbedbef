"""What the driver itself must remember of a journal, beside the engine's state."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tiphys import engine
from tiphys.engine.actions import Action, Finish
from tiphys.engine.events import Begun, Event, Exited, Interrupted, Lost, Retried, Started
from tiphys.engine.state import State
from tiphys.manifest.model import Manifest
from tiphys.runtime import journal
from tiphys.runtime.faults import JournalError
from tiphys.runtime.folder import RunFolder


@dataclass(slots=True)
class Record:
    """Which start of a node is meant, and which attempts are known to run."""

    interruptions: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    started: set[str] = field(default_factory=set)
    finish: Finish | None = None
    """Set while the run has ended."""

    def round(self, node: str) -> int:
        """Return the number of this start of *node*: a folder of an earlier one is moved aside."""
        return self.interruptions[node] + self.retries

    def note(self, event: Event, actions: Sequence[Action]) -> None:
        """Take an event that was applied, and what the engine wants done since."""
        match event:
            case Started(node=node):
                self.started.add(node)
            case Interrupted(node=node):
                self.interruptions[node] += 1
                self.started.discard(node)
            case Exited(node=node) | Lost(node=node):
                self.started.discard(node)
            case Retried():
                self.retries += 1
                self.finish = None
            case _:
                pass
        for action in actions:
            if isinstance(action, Finish):
                self.finish = action


def given(folder: RunFolder) -> Mapping[str, str]:
    """Return the parameters that *folder*'s run was given beside its files."""
    first = next(journal.read(folder.journal), None)
    return first.parameters if isinstance(first, Begun) else {}


def replay(folder: RunFolder, manifest: Manifest) -> tuple[State, Record]:
    """Return the state that *folder*'s journal leads to.

    Raises: JournalError: it does not begin with the beginning.
    """
    events = journal.read(folder.journal)
    first = next(events, None)
    if not isinstance(first, Begun):
        raise JournalError(folder.journal, 1, "the journal does not begin with a run.")
    record = Record()
    state, actions = engine.begin(manifest, first)
    record.note(first, actions)
    for event in events:
        state, actions = engine.advance(state, event)
        record.note(event, actions)
    return state, record
