from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiphys.engine.events import (
    Begun,
    ClockReached,
    Event,
    Exited,
    Interrupted,
    Lost,
    Progressed,
    Resumed,
    Retried,
    Started,
    Stopped,
)
from tiphys.engine.node import ArtifactLocation, NodeOutputs, Usage
from tiphys.runtime import journal
from tiphys.runtime.codec import decode_event, encode_event
from tiphys.runtime.faults import JournalError
from tiphys.runtime.journal import Journal

NOW = datetime(2026, 1, 31, 6, 5, 4, 123456, tzinfo=UTC)

EVENTS: list[Event] = [
    Begun(at=NOW, name="r", uid="u", parameters={"a": "ä\n"}, seed=3),
    Started(at=NOW, node="n", host="h"),
    Progressed(at=NOW, node="n", progress="1/2", metrics={"loss": 0.5}),
    Exited(
        at=NOW,
        node="n",
        exit_code=0,
        outputs=NodeOutputs(
            parameters={"p": "1", "absent": None},
            artifacts={"x": ArtifactLocation(name="x", key="k", fields={"raw": {"data": "d"}})},
            result="",
            exit_code=0,
        ),
        usage=Usage(peak_memory_bytes=1, cpu_seconds=0.1),
    ),
    Lost(at=NOW, node="n", message="gone"),
    Interrupted(at=NOW, node="n"),
    ClockReached(at=NOW),
    Stopped(at=NOW, message="enough"),
    Resumed(at=NOW),
    Retried(at=NOW, parameters={"a": "b"}),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_comes_back_as_it_was(event):
    assert decode_event(encode_event(event)) == event


@given(st.dictionaries(st.text(), st.text() | st.none()), st.text())
def test_any_text_survives(parameters, message):
    event = Exited(
        at=NOW, node="n", exit_code=1, message=message, outputs=NodeOutputs(parameters=parameters)
    )
    assert decode_event(encode_event(event)) == event


def test_a_journal_gives_back_its_events_in_order(tmp_path):
    path = tmp_path / "journal.jsonl"
    with Journal(path) as written:
        for event in EVENTS:
            written.append(event)
        written.sync()
    assert list(journal.read(path)) == EVENTS


def test_a_line_that_a_crash_cut_short_never_happened(tmp_path):
    path = tmp_path / "journal.jsonl"
    with Journal(path) as written:
        written.append(EVENTS[0])
    with path.open("a") as torn:
        torn.write('{"event":"Sta')
    assert list(journal.read(path)) == EVENTS[:1]
    with Journal(path) as written:
        written.append(EVENTS[1])
    assert list(journal.read(path)) == EVENTS[:2]


@pytest.mark.parametrize("line", ["no json\n", "{}\n", '{"event":"Unheard"}\n', "[]\n"])
def test_a_line_that_is_no_event_is_named(tmp_path, line):
    path = tmp_path / "journal.jsonl"
    with Journal(path) as written:
        written.append(EVENTS[0])
    with path.open("a") as edited:
        edited.write(line)
    with pytest.raises(JournalError, match=r"journal\.jsonl:2: this is no event"):
        list(journal.read(path))
