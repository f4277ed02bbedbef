"""A push without a webhook: the rendered WorkflowEventBinding decides, as Argo Server would.

What it says is evaluated by the same rules, so a team without webhooks gets the same runs under
the same names, and a push that comes both ways still makes one run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tiphys.errors import UserError
from tiphys.expression import Environment, ExpressionError, evaluate

Json = Mapping[str, Any]

KIND = "WorkflowEventBinding"
JOINT = "\n&& "
"""Between the conditions of a selector, as they are rendered: each is a line."""


class BindingError(UserError):
    """There is no binding, or it cannot be evaluated on this event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The run that a push asks for."""

    template: str
    name: str
    parameters: Mapping[str, str]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    @property
    def workflow(self) -> dict[str, Any]:
        """Return the Workflow to create: of the template as it is on the cluster."""
        return {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Workflow",
            "metadata": {
                "name": self.name,
                "labels": dict(self.labels),
                "annotations": dict(self.annotations),
            },
            "spec": {"workflowTemplateRef": {"name": self.template}},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """A push that asks for no run."""

    reason: str
    """The first condition that does not hold."""


def read(manifest: Path) -> Json:
    """Return the binding in a rendered manifest. Raises: BindingError: there is none."""
    if not manifest.exists():
        advice = "Only a profile with `source: {git: …}` has one: `tiphys render`."
        raise BindingError(str(manifest), "there is no such manifest.", advice)
    for document in yaml.safe_load_all(manifest.read_text(encoding="utf-8")):
        if document and document.get("kind") == KIND:
            found: Json = document
            return found
    raise BindingError(str(manifest), f"there is no {KIND} in it.")


def decide(binding: Json, push: Json, environment: Environment) -> Start | Nothing:
    """Return the run that *push*, GitHub's payload, starts, or why it starts none.

    Raises: BindingError: the payload is not what the binding expects.
    """
    names = {
        "discriminator": "git",
        "metadata": {"x-github-event": ["push"]},
        "namespace": binding["metadata"].get("namespace", "default"),
        "payload": push,
    }

    def value(source: str) -> object:
        try:
            return evaluate(source, names, environment)
        except ExpressionError as error:
            where = f"{KIND} {binding['metadata']['name']}"
            raise BindingError(where, str(error), "Is this GitHub's payload of a push?") from None

    for condition in binding["spec"]["event"]["selector"].strip().split(JOINT):
        if value(condition) is not True:
            return Nothing(reason=condition)
    submit = binding["spec"]["submit"]
    metadata = submit["metadata"]
    given = submit.get("arguments", {}).get("parameters", ())
    return Start(
        template=submit["workflowTemplateRef"]["name"],
        name=str(value(metadata["name"])),
        parameters={each["name"]: str(value(each["valueFrom"]["event"])) for each in given},
        labels={name: str(value(source)) for name, source in metadata["labels"].items()},
        annotations={name: str(value(source)) for name, source in metadata["annotations"].items()},
    )
