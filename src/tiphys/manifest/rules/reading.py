"""References: every `{{tasks.x.outputs.parameters.y}}` must be given by something, in time."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tiphys.errors import nearest
from tiphys.manifest import tree
from tiphys.manifest.model import Call, Inputs, Outputs, Position, Template, TemplateKind
from tiphys.manifest.rules import tags
from tiphys.manifest.rules.context import Context, close, title
from tiphys.manifest.rules.tags import Path

_EXPRESSIONS = frozenset({"expression", "fromExpression"})
_ELSEWHERE = frozenset({"steps", "dag", "inline", "hooks", "retryStrategy", "metrics"})
"""Parts of a template or call whose texts have a scope of their own."""

_OF_CALL = frozenset(
    {"id", "name", "status", "ip", "startedAt", "finishedAt", "hostNodeName", "exitCode", "outputs"}
)
_OF_WORKFLOW = frozenset(
    {
        *("name", "namespace", "uid", "mainEntrypoint", "serviceAccountName", "priority"),
        *("status", "failures", "duration", "creationTimestamp", "scheduledTime"),
        *("parameters", "annotations", "labels", "outputs"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What one text may read."""

    reader: str
    """Who reads, for the message: `task "deploy"`."""
    template: Template
    """The template it stands in."""
    inputs: Inputs
    calls: Mapping[str, Mapping[str, Call]]
    """All calls by name, under the word they are read by: `steps` or `tasks`."""
    in_time: Callable[[str, str], bool]
    """Whether what that word and name mean has ended when the text is read."""
    advice: str = ""
    """What to do when it has not; `{name}` is the call's name."""


def check(value: tree.Value, scope: Scope, context: Context) -> None:
    """Report what the texts of *value* read and nothing gives; nested scopes are left out."""
    for key, text in _texts(value, ""):
        paths = (
            tags.read_by_expression(text.text) if key in _EXPRESSIONS else tags.read_by(text.text)
        )
        for path in paths:
            _check_path(path, text.at, scope, context)


def _texts(value: tree.Value, key: str) -> Iterator[tuple[str, tree.Scalar]]:
    match value:
        case tree.Scalar(value=str()):
            yield key, value
        case tree.Sequence():
            for each in value.items:
                yield from _texts(each, key)
        case tree.Mapping():
            for name, entry in value.entries.items():
                if name not in _ELSEWHERE:
                    yield from _texts(entry.value, name)
        case _:
            pass


def _check_path(path: Path, at: Position, scope: Scope, context: Context) -> None:
    if path.may_be_absent or len(path.names) < 2:
        return
    match path.names[0]:
        case "inputs":
            problem = _input(path, scope)
        case "workflow":
            problem = _workflow(path, context)
        case "tasks" | "steps":
            problem = _call(path, scope, context)
        case _:
            return
    if problem:
        found, advice = problem
        context.findings.error(at, f"{scope.reader} reads {path}, but {found}", advice)


_Problem = tuple[str, str] | None
"""What is wrong, and advice."""


def _input(path: Path, scope: Scope) -> _Problem:
    declared = _by_kind(scope.inputs, path.names[1])
    if declared is None:
        return "inputs are parameters or artifacts.", ""
    if len(path.names) < 3:
        return None
    who = title(scope.template)
    return _undeclared("it" if who == scope.reader else who, path.names[2], declared, "input")


def _by_kind(given: Inputs | Outputs, kind: str) -> frozenset[str] | None:
    match kind:
        case "parameters":
            return frozenset(each.name for each in given.parameters)
        case "artifacts":
            return frozenset(each.name for each in given.artifacts)
        case _:
            return None


def _undeclared(who: str, name: str, declared: frozenset[str], what: str) -> _Problem:
    if name in declared:
        return None
    if not declared:
        return f"{who} declares no such {what}.", ""
    return f"{who} declares: {', '.join(sorted(declared))}.", close(name, declared)


def _workflow(path: Path, context: Context) -> _Problem:
    _, field, *rest = path.names
    if field not in _OF_WORKFLOW:
        return "a workflow has no such value.", nearest(field, _OF_WORKFLOW)
    if field == "parameters" and rest and context.globals.parameters is not None:
        declared = context.globals.parameters | {"json"}
        if rest[0] not in declared:
            return _undeclared("the workflow", rest[0], declared - {"json"}, "parameter")
    if field == "outputs" and len(rest) > 1:
        declared_outputs = context.globals.outputs.get(rest[0])
        if declared_outputs is not None and rest[1] not in declared_outputs:
            found = f"no output has `globalName: {rest[1]}`."
            return found, close(rest[1], declared_outputs)
    return None


def _call(path: Path, scope: Scope, context: Context) -> _Problem:
    kind, name, *rest = path.names
    noun = kind[:-1]
    if name == "name" and not rest:
        return None
    if kind not in scope.calls:
        return _other_kind(path, scope)
    call = scope.calls[kind].get(name)
    if call is None:
        if path.followed_by == "-":
            return "`-` is a minus in an expression.", f"Write {kind}['{name}-…'] instead."
        return f'there is no {noun} "{name}".', nearest(name, scope.calls[kind])
    if not scope.in_time(kind, name):
        return "may start before that has ended.", scope.advice.replace("{name}", name)
    return _output(path, rest, context.template_of(call)) if rest else None


def _other_kind(path: Path, scope: Scope) -> _Problem:
    own = next(iter(scope.calls), "")
    what = {"tasks": "a dag", "steps": "steps", "": "a container"}[own]
    advice = f"Write {'.'.join((own, *path.names[1:]))}." if own else "Pass it as an argument."
    return f"{title(scope.template)} is {what}.", advice


def _output(path: Path, rest: list[str], template: Template | None) -> _Problem:
    if rest[0] not in _OF_CALL:
        return f"a {path.names[0][:-1]} has no such value.", nearest(rest[0], _OF_CALL)
    if rest[0] != "outputs" or template is None or len(rest) < 2:
        return None
    declared = _by_kind(template.outputs, rest[1])
    who = title(template)
    if declared is not None:
        return _undeclared(who, rest[2], declared, "output") if len(rest) > 2 else None
    if rest[1] not in {"result", "exitCode"}:
        advice = nearest(rest[1], ("parameters", "artifacts", "result", "exitCode"))
        return "outputs have no such part.", advice
    if rest[1] == "result" and template.kind is not TemplateKind.POD:
        return f"{who} runs no container, so it has no result.", "Declare an output parameter."
    return None
