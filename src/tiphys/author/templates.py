"""The templates that a rendered document holds, wherever Argo lets one stand."""

from collections.abc import Iterator

from tiphys.author.document import Json

DEFAULTS = "templateDefaults"


def of(document: Json) -> Iterator[Json]:
    """Yield every template of *document*: those of a CronWorkflow, defaults, inline ones, too.

    Each has a name to tell people where it stands.
    """
    for part in specs(document):
        if defaults := part.get(DEFAULTS):
            yield {**defaults, "name": DEFAULTS}
        for template in part.get("templates") or ():
            yield from _with_inline(template)


def specs(document: Json) -> Iterator[Json]:
    """Yield the spec of *document*, and below it that of a CronWorkflow's workflows."""
    spec = document.get("spec") or {}
    yield spec
    yield spec.get("workflowSpec") or {}


def _with_inline(template: Json) -> Iterator[Json]:
    yield template
    calls = [*((template.get("dag") or {}).get("tasks") or ())]
    calls += [call for group in template.get("steps") or () for call in group]
    for call in calls:
        if inline := call.get("inline"):
            yield from _with_inline({**inline, "name": f"{template['name']}.{call['name']}"})
