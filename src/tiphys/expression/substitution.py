"""Tags in text: `{{name}}` and `{{= expression }}`, replaced in one pass.

A tag ends at the first `}}`, whatever is in it, as in Argo. A `{{` without end is text.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache

from tiphys.expression import evaluator, references
from tiphys.expression.environment import Environment, World
from tiphys.expression.evaluator import ARGO
from tiphys.expression.faults import ExpressionError, MissingNameError
from tiphys.expression.scope import Scope
from tiphys.expression.values import Value

Strict = Callable[[str], bool] | bool
LATE = frozenset(
    {
        "item",
        "retries",
        "lastRetry.exitCode",
        "lastRetry.status",
        "lastRetry.duration",
        "lastRetry.message",
        "workflow.status",
        "workflow.failures",
    }
)
"""Names of later passes: an expression that reads one waits for it, `??` or not."""


def under(*prefixes: str) -> Callable[[str], bool]:
    """Return the test "is one of *prefixes* or below one", for `strict`.

    >>> under("tasks")("tasks.a.status"), under("tasks")("tasksx")
    (True, False)
    """
    return lambda name: any(name == p or name.startswith(p + ".") for p in prefixes)


def substitute(text: str, scope: Scope, *, strict: Strict = False) -> str:
    """Return *text* with the tags that *scope* resolves replaced; the others stay literally.

    *strict* tells which names must resolve: all (True), none (False), or those it is true for;
    a function exempts artifacts, which are resolved by other means. `{{a.{{b}}}}` becomes
    `{{a.value-of-b}}`, which the next pass resolves.

    Raises:
        MissingNameError: a name that must resolve is not in the scope.
        ExpressionError: an absent output (None) without a default, a syntax error, or a bad
            expression all of whose names are known.
    """
    if "{{" not in text:
        return text
    parts: list[str] = []
    for literal, tag in pieces(text):
        parts.append(literal)
        if tag is not None:
            parts.append(_replaced(tag, scope, strict))
    return "".join(parts)


def pieces(text: str) -> Iterator[tuple[str, str | None]]:
    """Yield each stretch of plain text with the inside of the tag that follows it, if one does."""
    at = 0
    while (start := text.find("{{", at)) >= 0 and (end := text.find("}}", start + 2)) >= 0:
        yield text[at:start], text[start + 2 : end]
        at = end + 2
    yield text[at:], None


def _replaced(tag: str, scope: Scope, strict: Strict) -> str:
    if tag.startswith("="):
        return _expression(tag[1:], scope, strict)
    name = tag.strip()
    if name in scope.names:
        return _present(tag, name, scope.names[name])
    outer, nested, inner = tag.rpartition("{{")
    if nested and outer and inner in scope.names:
        return "{{" + outer + _present(tag, inner, scope.names[inner])
    if _must_resolve(name, strict):
        raise MissingNameError("{{" + tag + "}}", 2, name)
    return "{{" + tag + "}}"


def _present(tag: str, name: str, value: str | None) -> str:
    if value is None:
        raise ExpressionError(
            "{{" + tag + "}}",
            2,
            f"{name} is absent: its producer was skipped or omitted.",
            "Give the output `valueFrom.default`, or read it with `{{= … ?? … }}`.",
        )
    return value


def _must_resolve(name: str, strict: Strict) -> bool:
    if isinstance(strict, bool):
        return strict
    return strict(name) and ".outputs.artifacts." not in name


def _expression(source: str, scope: Scope, strict: Strict) -> str:
    literally = "{{=" + source + "}}"
    tree = {**ARGO, **scope.tree()}
    missing = [name for name in references.read(source) if not _has(tree, name)]
    for name in missing:
        if strict is True or (not isinstance(strict, bool) and strict(name)):
            raise MissingNameError(literally, 3, name)
    may_wait = bool(missing) or strict is False
    if may_wait and not LATE.isdisjoint(missing):
        return literally
    try:
        written = evaluator.text(source, scope.tree(), World(scope.environment or _NOWHEN))
    except ExpressionError:
        if may_wait:
            return literally
        raise
    if written is None and not may_wait:
        raise ExpressionError(literally, 3, "this is nil.", "Give it a value with `?? …`.")
    return literally if written is None else written


_NOWHEN = Environment(now=datetime(1970, 1, 1, tzinfo=UTC), seed=0)


def _has(tree: Mapping[str, Value], name: str) -> bool:
    owner: Value = tree
    for part in name.split("."):
        if not isinstance(owner, Mapping) or part not in owner:
            return False
        owner = owner[part]
    return True


@lru_cache(maxsize=4096)
def tags(text: str) -> frozenset[str]:
    """Return the dotted names that *text* refers to, in tags and in the expressions of tags.

    >>> sorted(tags("{{inputs.parameters.x}} {{= tasks['a-b'].outputs.result }}"))
    ['inputs.parameters.x', 'tasks.a-b.outputs.result']
    """
    names: set[str] = set()
    for _, tag in pieces(text):
        if tag is None:
            continue
        if tag.startswith("="):
            names |= references.paths(tag[1:])
        else:
            names |= {part.strip() for part in tag.split("{{") if part.strip()}
    return frozenset(names)
