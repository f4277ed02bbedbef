"""The labels and annotations of a run: those of its document, and what `workflowMetadata` adds."""

import re

from tiphys.engine import variables
from tiphys.engine.faults import TemplateError
from tiphys.engine.state import State
from tiphys.manifest.model import Json

VALUE = re.compile(r"(?=.{0,63}\Z)([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")


def begin(state: State) -> None:
    """Make them, once, and let every text of the run name them.

    Raises: TemplateError: an expression has no value, or one that is no label's.
    """
    spec = state.workflow.spec
    state.labels = {**state.workflow.labels, **spec.workflow_metadata_labels}
    state.annotations = {**state.workflow.annotations, **spec.workflow_metadata_annotations}
    names = state.globals
    variables.listed(names, "workflow.annotations", state.annotations)
    variables.listed(names, "workflow.labels", state.labels)
    words = variables.words(state)
    for name, expression in sorted(spec.workflow_metadata_labels_from.items()):
        state.labels[name] = names[f"workflow.labels.{name}"] = _label(
            name, expression, words.evaluated(expression)
        )


def _label(name: str, expression: str, value: Json) -> str:
    if not isinstance(value, str):
        problem = f"evaluated to {type(value).__name__} but must be a string"
        subject = f'label "{name}": expression "{expression}"'
        raise TemplateError(subject, problem)
    if VALUE.fullmatch(value) is None:
        problem = f'invalid label value "{value}" for label "{name}"'
        raise TemplateError(problem, f'and expression "{expression}"')
    return value
