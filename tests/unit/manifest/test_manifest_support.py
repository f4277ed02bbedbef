"""Every field of Argo's API has a row: checked against Hera's models of Argo v4.0."""

import typing

import pydantic
import pytest
from hera.workflows import models

from tiphys.manifest import support
from tiphys.manifest.support import Level

ROOTS = ("Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate", "CronWorkflow")


def innermost(shape):
    """Return what a notation is made of: a scalar, or the name of a kind."""
    return innermost(shape[1:-1]) if shape[0] in "[{" else shape


def referred_models(annotation):
    """Return the models in a field's type; a model that only wraps a value is looked through."""
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        root = annotation.model_fields.get("root")
        return referred_models(root.annotation) if root else [annotation]
    return [each for inner in typing.get_args(annotation) for each in referred_models(inner)]


def pairs():
    """Yield Hera's model and our kind, from the documents down to where a shape ends."""
    seen = set()
    waiting = [(getattr(models, root), root) for root in ROOTS]
    while waiting:
        model, kind = waiting.pop()
        if (model, kind) in seen:
            continue
        seen.add((model, kind))
        yield model, kind
        for name, field in model.model_fields.items():
            row = support.KINDS[kind].get(field.alias or name)
            inner = "LifecycleHook" if name == "hooks" else row and innermost(row.shape)
            if support.KINDS.get(inner):
                waiting += [(each, inner) for each in referred_models(field.annotation)]


PAIRS = sorted(pairs(), key=lambda pair: pair[1])
ROWS = [
    (kind, field, row)
    for kind, rows in support.KINDS.items()
    for field, row in (rows or {}).items()
]
SCALARS = {
    "text",
    "any-text",
    "whole",
    "number",
    "flag",
    "whole-or-text",
    "quantity",
    "json",
    "pod-patch",
}


@pytest.mark.parametrize(("model", "kind"), PAIRS, ids=[kind for _, kind in PAIRS])
def test_every_field_of_argo_has_a_row(model, kind):
    fields = {field.alias or name for name, field in model.model_fields.items()}

    assert set(support.KINDS[kind]) == fields


def test_every_kind_is_reached_or_taken_as_it_is():
    reached = {kind for _, kind in PAIRS}
    whole = {kind for kind, rows in support.KINDS.items() if rows is None}

    empty = {kind for kind, rows in support.KINDS.items() if rows == {}}
    assert set(support.KINDS) - reached - whole - empty == {"ConfigMap", "Hooks", "ResourceList"}


def test_every_shape_is_one_that_check_knows():
    shapes = {innermost(row.shape) for _, _, row in ROWS}

    assert {each for each in shapes - SCALARS - set(support.KINDS) if "|" not in each} == set()


def test_what_is_ignored_or_refused_says_why():
    silent = [
        (kind, field) for kind, field, row in ROWS if row.level is not Level.RUNS and not row.text
    ]

    assert silent == []


def test_what_is_refused_is_a_sentence():
    texts = {row.text for _, _, row in ROWS if row.level is Level.REFUSED or row.loud}

    assert {each for each in texts if not each.endswith(".")} == set()
