"""What can be told before a step starts: whose commands would run here."""

import re
from collections.abc import Callable, Iterator

from tiphys import manifest as manifests
from tiphys.errors import TiphysError, UserError
from tiphys.manifest.model import Call, Manifest, Resource, Template
from tiphys.runtime import memory
from tiphys.runtime.images import Images

TAG = re.compile(r"\{\{")


class RefusedCommandsError(UserError):
    """Commands that may not run here: all of them, one a line, each with its position."""

    def __init__(self, problems: list[UserError]) -> None:
        super().__init__("", "\n".join(dict.fromkeys(str(problem) for problem in problems)))


def check_commands(manifest: Manifest, images: Images, warned: Callable[[str], None]) -> None:
    """Refuse the manifest when a template that may run has a command that may not.

    Raises: RefusedCommandsError: with every such template.
    """
    problems: list[UserError] = []
    for template in reachable(manifest):
        container = template.container
        if container is None or TAG.search(container.image):
            continue
        if "memory" in (container.resources.get("limits") or {}) and memory.groups() is None:
            warned("memory limits are not enforced on this machine.")
        try:
            images.command(container)
        except UserError as problem:
            problems.append(problem)
    if problems:
        raise RefusedCommandsError(problems)


def reachable(manifest: Manifest) -> Iterator[Template]:
    """Yield each template that the run may come to, as far as names are written out."""
    workflow = manifests.joined(manifest)
    spec = workflow.spec
    seen: set[int] = set()
    todo = [(workflow, name) for name in (spec.entrypoint, spec.on_exit) if name]
    while todo:
        scope, name = todo.pop()
        for template in (one for one in scope.spec.templates if one.name == name):
            if id(template) in seen:
                continue
            seen.add(id(template))
            for inner in _with_inlines(template):
                yield inner
                for call in _calls(inner):
                    todo.extend(_called(manifest, scope, call))


def _with_inlines(template: Template) -> Iterator[Template]:
    yield template
    for call in _calls(template):
        if call.inline is not None:
            yield from _with_inlines(call.inline)


def _calls(template: Template) -> Iterator[Call]:
    for group in template.steps or ():
        yield from group
    if template.dag is not None:
        yield from template.dag.tasks


def _called(manifest: Manifest, scope: Resource, call: Call) -> Iterator[tuple[Resource, str]]:
    for name in (call.template, call.on_exit):
        if name:
            yield scope, name
    if call.template_ref is not None:
        try:
            yield (
                manifests.referenced(manifest.library, call.template_ref),
                call.template_ref.template,
            )
        except TiphysError:
            return  # the engine says so when it comes to it
