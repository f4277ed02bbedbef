"""Files become a main workflow and its library."""

from pathlib import Path

from tiphys.manifest import Severity, joined, load
from tiphys.manifest.model import Archive, Item, Kind, RetryPolicy, TemplateKind

TEMPLATE = """\
    apiVersion: argoproj.io/v1alpha1
    kind: WorkflowTemplate
    metadata: {name: training, namespace: ml}
    spec:
      entrypoint: main
      arguments: {parameters: [{name: seed, value: 7}]}
      templates:
      - name: main
        container: {image: busybox}
    """

WORKFLOW = """\
    apiVersion: argoproj.io/v1alpha1
    kind: Workflow
    metadata: {generateName: a-}
    spec: {workflowTemplateRef: {name: training}}
    """


def test_a_workflow_template_runs_as_a_workflow_that_refers_to_it(loaded):
    main = loaded(TEMPLATE).main

    assert (main.kind, main.name, main.generate_name) == (Kind.WORKFLOW, "", "training-")
    assert main.labels == {"workflows.argoproj.io/workflow-template": "training"}
    assert main.raw == {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"generateName": "training-", "namespace": "ml", "labels": dict(main.labels)},
        "spec": {"workflowTemplateRef": {"name": "training"}},
    }


def test_a_cluster_workflow_template_runs_too(loaded):
    main = loaded(TEMPLATE.replace("kind: Work", "kind: ClusterWork")).main

    assert main.raw["spec"] == {"workflowTemplateRef": {"name": "training", "clusterScope": True}}
    assert main.labels == {"workflows.argoproj.io/cluster-workflow-template": "training"}


def test_a_cron_workflow_runs_now_with_its_metadata(loaded):
    main = loaded(
        """\
        apiVersion: argoproj.io/v1alpha1
        kind: CronWorkflow
        metadata: {name: nightly, labels: {owner: me}}
        spec:
          schedules: ["0 3 * * *"]
          workflowMetadata: {labels: {team: flights}, annotations: {a: b}}
          workflowSpec: {workflowTemplateRef: {name: training}}
        """,
        b=TEMPLATE,
    ).main

    assert (main.kind, main.generate_name) == (Kind.WORKFLOW, "nightly-")
    assert main.labels == {"team": "flights", "workflows.argoproj.io/cron-workflow": "nightly"}
    assert main.annotations == {"a": "b"}
    assert main.raw["spec"] == {"workflowTemplateRef": {"name": "training"}}
    assert main.spec.workflow_template_ref.name == "training"


def test_a_workflow_is_preferred_to_what_stands_before_it(loaded):
    manifest = loaded(TEMPLATE + "\n    ---\n" + WORKFLOW)

    assert manifest.main.generate_name == "a-"
    assert list(manifest.library.templates) == ["training"]


def test_further_files_bring_the_library(loaded):
    manifest = loaded(
        WORKFLOW,
        b=TEMPLATE,
        c=TEMPLATE.replace("kind: Work", "kind: ClusterWork"),
        d="""\
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: settings, labels: {a: b}}
        data: {rate: "0.1"}
        """,
    )

    assert list(manifest.library.cluster_templates) == ["training"]
    assert manifest.library.config_maps["settings"].data == {"rate": "0.1"}
    assert manifest.files == ("a.yaml", "b.yaml", "c.yaml", "d.yaml")


def test_a_missing_file_that_lies_beside_is_named(write):
    workflow, template = write(a=WORKFLOW, templates=TEMPLATE)

    (problem,) = load([workflow]).problems

    assert str(problem) == (
        'a.yaml:4:29: there is no WorkflowTemplate "training" in the given files.'
        " Add templates.yaml to the command."
    )
    assert not load([workflow, template]).problems


def test_files_beside_that_define_something_else_are_not_named(write, tmp_path):
    workflow, _ = write(a=WORKFLOW, other=TEMPLATE.replace("name: training", "name: else"))
    (tmp_path / "folder.yaml").mkdir()

    (problem,) = load([workflow]).problems

    assert problem.advice == "Add the file that defines it."


def test_files_that_cannot_be_read_are_all_named(write, tmp_path):
    (empty,) = write(empty="# nothing\n")
    (tmp_path / "binary.yaml").write_bytes(b"a: \xff")

    lines = [str(each) for each in load([Path("none.yaml"), empty, Path("binary.yaml")]).problems]

    assert lines == [
        "none.yaml: no such file or directory. Check the path.",
        "empty.yaml: the file is empty.",
        "binary.yaml: byte 3 is not UTF-8 text.",
    ]


def test_no_file_is_nothing_to_run():
    (problem,) = load([]).problems

    assert problem.found == "there is nothing to run here."


def test_a_file_without_a_workflow_is_nothing_to_run(printed):
    (line,) = printed("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}", b=TEMPLATE)

    assert line == (
        "a.yaml: there is nothing to run here."
        " Put the file with the Workflow or WorkflowTemplate first."
    )


def test_only_errors_make_a_manifest_unusable(write):
    text = TEMPLATE.replace("- name: main", "- name: main\n        nodeSelector: {gpu: a100}")

    result = load(write(a=text))

    assert result.manifest
    assert not result.errors
    assert [each.severity for each in result.warnings] == [Severity.WARNING]


def test_a_manifest_for_a_cluster_may_ask_for_what_a_laptop_lacks(write):
    asked = "resource: {action: get}\n        nodeSelector: {gpu: a100}"

    files = write(a=TEMPLATE.replace("container: {image: busybox}", asked))

    assert load(files).errors
    assert not load(files, on_cluster=True).problems


def test_parameters_given_beside_the_file_count_as_declared(write):
    files = write(a=TEMPLATE.replace("busybox", "'{{workflow.parameters.image}}'"))

    assert load(files).errors
    assert not load(files, parameters=["image"]).errors


def test_every_field_that_runs_arrives(loaded):
    manifest = loaded(
        """\
        apiVersion: argoproj.io/v1alpha1
        kind: Workflow
        metadata: {name: a, annotations: {note: "x"}}
        spec:
          entrypoint: main
          onExit: bye
          parallelism: 3
          workflowMetadata: {labels: {team: flights}}
          hooks: {exit: {template: main}}
          templates:
          - name: main
            failFast: false
            metadata: {labels: {a: b}, annotations: {pod: "1"}}
            annotations: {pod: "2"}
            steps:
            - - name: a
                template: work
                withItems: [1.0, "x", {b: 1, a: [2]}, yes, null, 1e30]
                continueOn: {failed: true}
                hooks: {exit: {template: bye}}
          - name: work
            nodeSelector: {gpu: a100}
            retryStrategy: {limit: 2, retryPolicy: Always, backoff: {duration: "1", factor: 2}}
            outputs:
              parameters: [{name: p, valueFrom: {path: /p, default: ""}}]
              artifacts: [{name: m, path: /m, archive: {none: {}}, s3: {key: k}, mode: 0o644}]
            script: {image: busybox, command: [sh]}
          - name: bye
            container: {image: "", args: [""], resources: {limits: {cpu: 0.5, memory: 2Gi}}}
          templateDefaults: {container: {image: busybox}, timeout: 1m}
        """
    )

    spec = manifest.main.spec
    main, work, bye = spec.templates
    (call,) = main.steps[0]
    assert (spec.parallelism, spec.on_exit, spec.workflow_metadata_labels) == (
        3,
        "bye",
        {"team": "flights"},
    )
    assert (main.kind, main.fail_fast) == (TemplateKind.STEPS, False)
    assert (main.labels, main.annotations) == ({"a": "b"}, {"pod": "2"})
    assert call.with_items == tuple(
        Item(json=each) for each in ("1", '"x"', '{"a":[2],"b":1}', "true", "null", "1e+30")
    )
    assert (call.continue_on.failed, call.on_exit) == (True, "bye")
    assert work.pod == {"nodeSelector": {"gpu": "a100"}}
    assert work.container.source == ""
    assert work.retry_strategy.policy is RetryPolicy.ALWAYS
    assert (work.retry_strategy.limit, work.retry_strategy.backoff.factor) == ("2", "2")
    assert work.outputs.parameters[0].value_from.default == ""
    artifact = work.outputs.artifacts[0]
    assert (artifact.archive, artifact.location, artifact.mode) == (
        Archive.NONE,
        {"s3": {"key": "k"}},
        0o644,
    )
    assert bye.container.resources == {"limits": {"cpu": "0.5", "memory": "2Gi"}}
    assert joined(manifest).spec.templates[2].container.image == "busybox"


def test_merge_keys_and_aliases_are_followed(loaded):
    manifest = loaded(
        """\
        apiVersion: argoproj.io/v1alpha1
        kind: Workflow
        metadata: {name: a}
        spec:
          entrypoint: main
          templates:
          - name: main
            container: &c {image: busybox, workingDir: /a}
          - name: two
            container: {<<: *c, workingDir: /b}
          - name: three
            container: {<<: [{image: alpine}, *c]}
        """
    )

    containers = [each.container for each in manifest.main.spec.templates]
    assert [(each.image, each.working_dir) for each in containers] == [
        ("busybox", "/a"),
        ("busybox", "/b"),
        ("alpine", "/a"),
    ]


def test_an_alias_bomb_is_refused(printed):
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 8)
    )

    assert printed(bomb) == ["a.yaml:6:5: aliases make this larger than 1000000 values."]


def test_very_deep_yaml_is_refused(printed):
    assert printed("a: " + "[" * 200 + "]" * 200) == [
        "a.yaml:1:103: there are more than 100 levels here."
    ]


def test_a_control_character_is_no_yaml(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfkind: \x00")

    (problem,) = load([tmp_path / "a.yaml"]).problems

    assert "this is not YAML: " in problem.found


def test_explicit_tags_count_as_in_go(loaded):
    manifest = loaded(
        """\
        apiVersion: argoproj.io/v1alpha1
        kind: Workflow
        metadata: {name: a}
        spec:
          entrypoint: main
          parallelism: !!int "3"
          templates:
          - name: main
            container: {image: !!str 3}
        """
    )

    assert manifest.main.spec.parallelism == 3
    assert manifest.main.spec.templates[0].container.image == "3"
