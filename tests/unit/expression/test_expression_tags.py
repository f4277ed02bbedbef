"""Tags in text, as one pass of Argo replaces them."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiphys.expression import (
    Environment,
    ExpressionError,
    MissingNameError,
    Scope,
    substitute,
    tags,
    under,
)

SCOPE = Scope(
    {
        "inputs.parameters.x": "1",
        "inputs.parameters.x-y": "dashed",
        "inputs.parameters": "[]",
        "item": "x",
        "steps.a.outputs.result": None,
        "steps.a.status": "Skipped",
        "workflow.name": "w",
    },
    Environment(now=datetime(2024, 1, 2, tzinfo=UTC), seed=1),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nothing to do", "nothing to do"),
        ("{{ workflow.name }}-{{item}}", "w-x"),
        ("{{inputs.parameters}}", "[]"),
        ("{{unknown}} {{", "{{unknown}} {{"),
        ("{{inputs.parameters.{{item}}}}", "{{inputs.parameters.x}}"),
        ("{{= asInt(inputs.parameters.x) + 1 }}", "2"),
        ("{{=inputs.parameters['x-y']}}", "dashed"),
        ("{{=inputs.parameters}}", '{"x":"1","x-y":"dashed"}'),
        ("{{=steps.a.outputs.result ?? 'none'}}", "none"),
        ("{{=steps.a.outputs.result}}", "{{=steps.a.outputs.result}}"),
        ("{{=retries ?? '0'}}", "{{=retries ?? '0'}}"),
        ("{{=sprig.nonsense(1)}}", "{{=sprig.nonsense(1)}}"),
        ("{{='a' < 'b'}}{{=[1.0, '<']}}", 'true[1,"\\u003c"]'),
    ],
)
def test_a_lenient_pass_leaves_what_it_cannot_resolve(text, expected):
    assert substitute(text, SCOPE) == expected


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("{{steps.b.status}}", "steps.b.status"),
        ("{{= steps.b.status }}", "steps.b"),
        ("{{= steps.a.nonsense == 'x' }}", "steps.a.nonsense"),
    ],
)
def test_a_name_that_this_pass_must_resolve_is_missed(text, missing):
    with pytest.raises(MissingNameError) as caught:
        substitute(text, SCOPE, strict=under("steps", "tasks"))
    assert caught.value.name == missing


def test_artifacts_are_resolved_by_other_means():
    text = "{{steps.b.outputs.artifacts.model}}"
    assert substitute(text, SCOPE, strict=under("steps")) == text
    with pytest.raises(MissingNameError):
        substitute(text, SCOPE, strict=True)


def test_an_absent_output_is_an_error_at_once():
    with pytest.raises(ExpressionError, match="absent") as caught:
        substitute("{{steps.a.outputs.result}}", SCOPE)
    assert not isinstance(caught.value, MissingNameError)
    with pytest.raises(ExpressionError, match="absent"):
        substitute("{{x.{{steps.a.outputs.result}}}}", SCOPE)


@pytest.mark.parametrize("strict", [True, False])
def test_a_syntax_error_cannot_wait(strict):
    with pytest.raises(ExpressionError, match="Expected a value"):
        substitute("{{=1 +}}", SCOPE, strict=strict)


def test_a_strict_pass_says_what_is_wrong_with_an_expression():
    with pytest.raises(ExpressionError, match="this is nil"):
        substitute("{{=steps.a.outputs.result}}", SCOPE, strict=True)


def test_names_are_found_in_tags_and_in_expressions():
    text = "{{a.b}} {{x.{{item}}}} {{= tasks['c-d'].outputs.result + steps.e?.status ?? f }} {{=!}}"
    assert tags(text) == {
        "a.b",
        "x.",
        "item",
        "tasks.c-d.outputs.result",
        "steps.e.status",
        "f",
    }


def test_functions_and_variables_are_no_names():
    text = "{{= let v = asInt(inputs.parameters.x); sprig.max(v, retries) > len($env.item) }}"
    assert tags(text) == {"inputs.parameters.x", "retries"}
    assert tags("{{= nonsense(x) }}") == {"nonsense", "x"}


def test_a_scope_extended_hides_names_and_leaves_the_first_alone():
    more = SCOPE.extended({"item": "y", "steps.a.status": "Failed", "steps.z.status": "Succeeded"})
    text = "{{item}} {{=steps.a.status}} {{=steps.z.status ?? '-'}} {{=inputs.parameters.x}}"
    assert substitute(text, more) == "y Failed Succeeded 1"
    assert substitute(text, SCOPE) == "x Skipped {{=steps.z.status ?? '-'}} 1"
    again = more.extended({"item": "z"})
    assert substitute(text, again) == "z Failed Succeeded 1"


def test_a_dotted_name_hides_the_name_it_begins_with_in_expressions_only():
    scope = Scope({"a.b": "inner", "a": "outer"})
    assert substitute("{{a}} {{=a.b}}", scope) == "outer inner"
    assert scope.tree() == Scope({"a": "outer", "a.b": "inner"}).tree()


@given(st.text().filter(lambda text: "{{" not in text))
def test_text_without_tags_stays_as_it_is(text):
    assert substitute(text, SCOPE, strict=True) == text


@given(st.text(alphabet="{}= axi.'+"))
def test_a_lenient_pass_gives_text_or_an_expression_error(text):
    with suppress(ExpressionError):
        assert isinstance(substitute(text, SCOPE), str)
