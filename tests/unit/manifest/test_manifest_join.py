"""The effective workflow (rules 59, 60)."""

import pytest

from tiphys.errors import UnknownNameError
from tiphys.manifest import decode_template, joined, referenced, with_defaults
from tiphys.manifest.model import Library, Manifest, Resource, Template, TemplateRef, WorkflowSpec

SHARED = """\
    apiVersion: argoproj.io/v1alpha1
    kind: WorkflowTemplate
    metadata: {name: shared}
    spec:
      entrypoint: main
      parallelism: 5
      arguments:
        parameters:
        - {name: a, value: far, description: kept out, enum: [far, near]}
        - {name: b, description: about b}
        - {name: c, value: far}
      templateDefaults: {retryStrategy: {limit: 1, expression: "true"}, timeout: 1m}
      templates:
      - name: main
        container: {image: busybox}
    """


def test_the_workflow_beats_what_it_refers_to(loaded):
    manifest = loaded(
        """\
        apiVersion: argoproj.io/v1alpha1
        kind: Workflow
        metadata: {name: a}
        spec:
          workflowTemplateRef: {name: shared}
          templateDefaults: {retryStrategy: {limit: 3}}
          arguments:
            parameters: [{name: d, value: new}, {name: a, value: near}, {name: b, default: x}]
        """,
        b=SHARED,
    )

    effective = joined(manifest)

    spec = effective.spec
    assert (effective.name, spec.entrypoint, spec.parallelism) == ("a", "main", 5)
    assert [(each.name, each.value, each.default) for each in spec.arguments.parameters] == [
        ("a", "near", None),
        ("b", None, "x"),
        ("c", "far", None),
        ("d", "new", None),
    ]
    assert spec.arguments.parameters[0].enum == ()  # a parameter with a value is taken whole
    assert spec.template_defaults["timeout"] == "1m"
    (template,) = spec.templates
    assert (template.timeout, template.retry_strategy.limit) == ("1m", "3")
    assert template.retry_strategy.expression == "true"
    assert effective.raw is manifest.main.raw


def test_a_workflow_of_its_own_stays_as_it_is(loaded):
    manifest = loaded("""\
        apiVersion: argoproj.io/v1alpha1
        kind: Workflow
        metadata: {name: a}
        spec: {entrypoint: main, templates: [{name: main, container: {image: busybox}}]}
        """)

    assert joined(manifest) == manifest.main


@pytest.mark.parametrize(
    ("template", "command"),
    [
        ({"container": {"image": "a"}}, ("from container",)),
        ({"script": {"image": "a", "source": "x"}}, ("from script",)),
        ({"container": {"image": "a", "command": ["own"]}}, ("own",)),
    ],
)
def test_defaults_of_a_type_apply_to_that_type(template, command):
    defaults = {
        "container": {"command": ["from container"]},
        "script": {"command": ["from script"]},
        "steps": [[{"name": "x", "template": "y"}]],
    }

    made = with_defaults(decode_template({"name": "t", **template}), defaults)

    assert made.container.command == command
    assert made.steps is None
    assert made.name == "t"


def test_defaults_fill_steps_and_dags_but_give_them_no_container():
    defaults = {"container": {"image": "x"}, "failFast": True, "metadata": {"labels": {"a": "b"}}}
    for raw in ({"steps": []}, {"dag": {"tasks": []}}):
        made = with_defaults(decode_template({"name": "t", **raw}), defaults)
        assert (made.container, made.fail_fast, made.labels) == (None, True, {"a": "b"})


def test_what_is_written_as_false_or_zero_beats_a_default():
    own = decode_template({"name": "t", "failFast": False, "parallelism": 0, "dag": {"tasks": []}})

    made = with_defaults(own, {"failFast": True, "parallelism": 5})

    assert (made.fail_fast, made.parallelism) == (False, 0)


def test_lists_of_named_things_are_merged_by_name():
    own = decode_template(
        {"container": {"image": "a", "env": [{"name": "A", "value": "own"}, {"name": "C"}]}}
    )
    defaults = {
        "container": {"env": [{"name": "B", "value": "far"}, {"name": "A", "value": "far"}]}
    }

    env = with_defaults(own, defaults).container.env

    assert [(each.name, each.value) for each in env] == [("B", "far"), ("A", "own"), ("C", None)]


def test_without_defaults_a_template_is_itself():
    template = Template(name="t")

    assert with_defaults(template, None) is template


def test_a_reference_to_nothing_names_what_there_is():
    ref = TemplateRef(name="sharde", template="")
    shared = Resource(kind="WorkflowTemplate", name="shared", spec=WorkflowSpec())
    library = Library(templates={"shared": shared}, cluster_templates={})

    assert referenced(library, TemplateRef(name="shared", template="")) is shared
    with pytest.raises(UnknownNameError, match='Did you mean "shared"'):
        referenced(library, ref)
    with pytest.raises(UnknownNameError, match="There are none"):
        referenced(library, TemplateRef(name="shared", template="", cluster_scope=True))
    main = Resource(kind="Workflow", name="a", spec=WorkflowSpec(workflow_template_ref=ref))
    with pytest.raises(UnknownNameError):
        joined(Manifest(main=main, library=library))
