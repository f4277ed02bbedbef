"""The Retry node: a parent of attempts `X(0)`, `X(1)` … whose last one speaks for it (rule 45)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from tiphys.engine import deadlines, durations, inputs, limits, naming, retry, tree, variables
from tiphys.engine.faults import TemplateError
from tiphys.engine.node import Node, NodeType, Phase
from tiphys.engine.state import Attempt, RetryFrame, State
from tiphys.engine.words import Words
from tiphys.manifest.model import RetryStrategy, TemplateKind


def begin(state: State, frame: RetryFrame) -> None:
    """Make the Retry node and its first attempt."""
    node = tree.add(state, frame.site, NodeType.RETRY, Phase.RUNNING)
    tree.receive(state, node.id, frame.bound)
    state.frames[node.id] = frame
    another(state, frame, None)


def another(state: State, frame: RetryFrame, failure: retry.Failure | None) -> None:
    """Put the next attempt on the agenda."""
    name = f"{frame.site.name}({len(frame.attempts)})"
    frame.attempts.append(tree.identify(state, name))
    frame.wakes_at = None
    tree.link(state, frame.id, frame.attempts[-1])
    names: dict[str, str | None] = {**retry.tags(failure)}
    if frame.bound.template.kind is TemplateKind.POD:
        pod = frame.bound.template.name
        names["pod.name"] = naming.pod_name(state.begun.name, name, pod)
    words = variables.words(state).more(names)
    template = inputs.filled(replace(frame.bound.template, retry_strategy=None), words)
    site = replace(frame.site, name=name, owner=frame.id, retried=True)
    state.entries.append(
        Attempt(
            site=site,
            bound=replace(frame.bound, template=template),
            context=frame.context,
            cut_off=frame.cut_off,
        )
    )


def ended(state: State, frame: RetryFrame) -> None:
    """An attempt has ended: take its result, try again, wait or give up."""
    last = state.nodes[frame.attempts[-1]]
    if not last.phase.unsuccessful:
        tree.give(state, frame.id, last.outputs)
        tree.finish(state, frame.id, Phase.SUCCEEDED, "")
        return
    if stopped := _stop_message(state):
        give_up(state, frame, stopped)
        return
    if limits.failing(state, frame.site.boundary):
        return
    try:
        decision = retry.decide(_strategy(frame), _failure(state, frame), _judge(state))
    except TemplateError as error:
        tree.finish(state, frame.id, Phase.ERROR, str(error), raised=str(error))
        return
    _follow(state, frame, decision)


def _follow(state: State, frame: RetryFrame, decision: retry.Again | retry.GiveUp) -> None:
    last = state.nodes[frame.attempts[-1]]
    match decision:
        case retry.Again():
            frame.cut_off, frame.give_up = decision.cut_off, None
        case retry.GiveUp():
            frame.give_up = decision.reason
    wakes_at = (last.finished_at or state.now) + decision.after
    if wakes_at > state.now:
        frame.wakes_at = wakes_at
        deadlines.wake(state, wakes_at, frame.id)
        wait = durations.human(decision.after)
        tree.phase(state, frame.id, Phase.RUNNING, f"Backoff for {wait}")
    else:
        proceed(state, frame)


def proceed(state: State, frame: RetryFrame) -> None:
    """The back-off, if any, is over."""
    tree.phase(state, frame.id, Phase.RUNNING, "")
    if frame.give_up is not None:
        give_up(state, frame, frame.give_up)
    else:
        another(state, frame, _failure(state, frame))


def clock(state: State, frame: RetryFrame) -> None:
    """The clock was read: go on if the back-off is over."""
    if frame.wakes_at is None or frame.wakes_at > state.now:
        return
    frame.wakes_at = None
    if tree.alive(state, frame.id) and not limits.failing(state, frame.site.boundary):
        proceed(state, frame)


def interrupt(state: State, frame: RetryFrame) -> None:
    """The run is stopped or its deadline passed: no back-off is waited out any more."""
    if frame.wakes_at is not None and (message := _stop_message(state)):
        frame.wakes_at = None
        give_up(state, frame, message)


def give_up(state: State, frame: RetryFrame, reason: str) -> None:
    last = state.nodes[frame.attempts[-1]]
    tree.give(state, frame.id, last.outputs)
    tree.finish(state, frame.id, last.phase, reason)


def _stop_message(state: State) -> str | None:
    if state.shutdown is not None:
        return state.shutdown.message
    if state.expired and state.deadline is not None:
        return f"retry exceeded workflow deadline {variables.rfc3339(state.deadline)}"
    return None


def _strategy(frame: RetryFrame) -> RetryStrategy:
    return frame.bound.template.retry_strategy or RetryStrategy()


def _failure(state: State, frame: RetryFrame) -> retry.Failure:
    first, last = state.nodes[frame.attempts[0]], state.nodes[frame.attempts[-1]]
    return retry.Failure(
        phase=last.phase,
        message=last.message,
        attempts=len(frame.attempts),
        exit_code=last.outputs.exit_code,
        first_started=_start(first, state),
        started=_start(last, state),
        ended=last.finished_at or state.now,
    )


def _start(node: Node, state: State) -> datetime:
    return node.started_at or state.now


def _judge(state: State) -> retry.Judge:
    def judge(source: str, names: Mapping[str, str]) -> bool:
        value = Words(names, variables.environment(state)).evaluated(source)
        if not isinstance(value, bool):
            raise TemplateError(f'"{source}"', f"gives {value!r}, not true or false")
        return value

    return judge
