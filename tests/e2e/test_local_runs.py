"""Small whole workflows on this machine, one behaviour each."""

import json
import sys

import pytest

from tiphys import runtime
from tiphys.errors import UserError

HEAD = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: test-}
spec:
  entrypoint: main
"""


def workflow(templates, spec=""):
    return HEAD + spec + "  templates:\n" + templates


def shell(script, extra=""):
    return workflow(f"""
  - name: main
    {extra}
    container:
      image: busybox
      command: [sh, -c]
      args: [{json.dumps(script)}]
""")


PRODUCER_AND_CONSUMER = """
  - name: main
    steps:
    - - {name: make, template: make}
    - - name: use
        template: use
        arguments:
          parameters: [{name: p, value: "{{steps.make.outputs.parameters.p}}"}]
          artifacts: [{name: given, from: "{{steps.make.outputs.artifacts.text}}"}]
  - name: make
    container:
      image: busybox
      command: [sh, -c]
      args: ["mkdir -p /tmp/out/sub; echo deep > /tmp/out/sub/file; printf 'four\\n\\n' > /tmp/p"]
    outputs:
      artifacts: [{name: text, path: /tmp/out}]
      parameters: [{name: p, valueFrom: {path: /tmp/p}}]
  - name: use
    inputs:
      parameters: [{name: p}]
      artifacts: [{name: given, path: /data/in}]
    container:
      image: busybox
      command: [sh, -c]
      args: ["cat /data/in/sub/file; echo '[{{inputs.parameters.p}}]'"]
"""


def test_a_container_runs_and_its_log_is_kept(laptop):
    outcome = laptop.run(shell("echo hello; echo trouble >&2"))
    assert (outcome.phase, laptop.logs(outcome)) == ("Succeeded", ["hello", "trouble"])


def test_artifacts_and_parameters_pass_from_step_to_step(laptop):
    outcome = laptop.run(workflow(PRODUCER_AND_CONSUMER))
    assert outcome.phase == "Succeeded"
    assert laptop.logs(outcome) == ["deep", "[four", "]"]  # one newline of two was cut


def test_a_script_in_python_runs_with_this_interpreter(laptop):
    outcome = laptop.run(
        workflow("""
  - name: main
    script:
      image: python:3.11
      command: [python]
      source: |
        import sys
        print(sys.executable)
""")
    )
    assert laptop.logs(outcome) == [sys.executable]


def test_a_failed_step_fails_the_run_with_the_steps_message(laptop):
    outcome = laptop.run(shell("echo bad input > $TIPHYS_TERMINATION_LOG; exit 2"))
    assert outcome.phase == "Failed"
    assert outcome.message == "main: Error (exit code 2): bad input"


def test_dollars_are_read_as_kubernetes_reads_them(laptop):
    dollars = """
  - name: main
    script:
      image: busybox
      command: [sh]
      env: [{name: ONE, value: "1"}, {name: TWO, value: "$(ONE)$(ONE) $$(ONE)"}]
      source: |
        echo "$TWO" '$$ $(ONE) $$(ONE)'
"""
    assert laptop.logs(laptop.run(workflow(dollars))) == ["11 $(ONE) $ $(ONE) $(ONE)"]


def test_a_missing_output_file_is_an_error_in_argos_words(laptop):
    outcome = laptop.run(shell("true", "outputs: {artifacts: [{name: x, path: /tmp/x}]}"))
    assert outcome.phase == "Error"
    assert "open /var/run/argo/outputs/artifacts/tmp/x.tgz: no such file" in outcome.message


def test_outputs_are_kept_also_when_main_failed(laptop, by_name):
    outputs = "outputs: {parameters: [{name: p, valueFrom: {path: /tmp/p}}]}"
    outcome = laptop.run(shell("echo 1 > /tmp/p; exit 1", outputs))
    (node,) = by_name(outcome).values()
    assert node["phase"] == "Failed"
    (parameter,) = node["outputs"]["parameters"]
    assert (parameter["name"], parameter["value"]) == ("p", "1")


def test_a_step_is_tried_again_until_it_succeeds(laptop, by_name):
    count = laptop.root / "count"
    outcome = laptop.run(
        shell(f"echo x >> {count}; test $(wc -l < {count}) -ge 3", "retryStrategy: {limit: 5}")
    )
    assert outcome.phase == "Succeeded"
    assert [node["type"] for node in by_name(outcome).values()].count("Pod") == 3


def test_the_exit_handler_sees_the_status(laptop):
    outcome = laptop.run(
        workflow(
            """
  - name: main
    container: {image: busybox, command: [sh, -c, "exit 3"]}
  - name: bye
    container: {image: busybox, command: [echo, "it {{workflow.status}}"]}
""",
            "  onExit: bye\n",
        )
    )
    assert (outcome.phase, laptop.logs(outcome)) == ("Failed", ["it Failed"])


def test_parameters_of_the_command_line_beat_those_of_files(laptop):
    file = laptop.write("a: file\nb: {x: 1}\n", "parameters.yaml")
    outcome = laptop.run(
        workflow(
            """
  - name: main
    container:
      image: busybox
      command: [echo]
      args: ["{{workflow.parameters.a}} {{workflow.parameters.b}} {{workflow.parameters.c}}"]
""",
            "  arguments: {parameters: [{name: a}, {name: b}, {name: c, value: own}]}\n",
        ),
        parameters={"a": "given"},
        parameter_files=(file,),
    )
    assert laptop.logs(outcome) == ['given {"x": 1} own']


def test_a_step_of_ours_reports_metrics_and_progress(laptop, by_name):
    laptop.write(
        """
        from tiphys.step import metric, progress
        def work(*, times: int) -> None:
            for n in range(times):
                metric("loss", 1 / (n + 1), step=n)
            progress(times, times)
        """,
        "thing.py",
    )
    outcome = laptop.run(
        workflow(f"""
  - name: main
    container:
      image: tiphys.local/step
      command: [python, -m, tiphys.step, "thing:work"]
      args: ["--times=4"]
      workingDir: {laptop.root}
""")
    )
    (node,) = by_name(outcome).values()
    assert outcome.phase == "Succeeded"
    assert node["metrics"] == {"loss": 0.25}
    assert node["progress"] == "4/4"
    assert node["usage"]["peakMemoryBytes"] > 0


def test_a_foreign_image_is_refused_before_anything_starts(laptop):
    text = workflow("""
  - name: main
    container: {image: "quay.io/stranger/tool:1", command: [rm, -rf, /]}
""")
    with pytest.raises(UserError) as refused:
        laptop.run(text)
    assert "workflow.yaml:" in str(refused.value)
    assert "--allow-host" in str(refused.value)
    assert runtime.list_runs(laptop.root) == []


def test_a_foreign_image_runs_when_it_is_allowed(laptop):
    text = workflow("""
  - name: main
    container: {image: "quay.io/stranger/tool:1", command: [echo, fine]}
""")
    assert laptop.logs(laptop.run(text, allow_host=True)) == ["fine"]


def test_an_image_is_mapped_by_tiphys_toml(laptop):
    laptop.write('[images."quay.io/x/say:1"]\nentrypoint = ["echo", "say"]\n', "tiphys.toml")
    outcome = laptop.run(
        workflow("""
  - name: main
    container: {image: "quay.io/x/say:1", args: [hi]}
""")
    )
    assert laptop.logs(outcome) == ["say hi"]


def test_a_command_that_is_not_there_is_said_as_argo_says_it(laptop):
    outcome = laptop.run(
        workflow("""
  - name: main
    container: {image: alpine, command: [no-such-tool]}
""")
    )
    assert outcome.phase == "Failed"
    assert 'exec: "no-such-tool": executable file not found in $PATH' in outcome.message


def test_a_project_path_with_a_blank_and_a_quote_breaks_no_script(laptop):
    laptop.root = laptop.root / "my project's folder"
    outcome = laptop.run(workflow(PRODUCER_AND_CONSUMER))
    assert outcome.phase == "Succeeded"


def test_a_second_run_of_the_same_name_gets_a_number(laptop):
    text = shell("true")
    names = [laptop.run(text, name="mine").name for _ in range(2)]
    assert names == ["mine", "mine-2"]
    assert {run["metadata"]["name"] for run in runtime.list_runs(laptop.root)} == set(names)


def test_a_raw_artifact_and_environment_reach_the_step(laptop):
    laptop.write(
        """
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: settings}
        data: {colour: blue}
        """,
        "map.yaml",
    )
    text = workflow("""
  - name: main
    inputs:
      artifacts: [{name: note, path: /in/note, raw: {data: "a note"}}]
    container:
      image: busybox
      env:
      - {name: WHERE, value: /in/note}
      - {name: COLOUR, valueFrom: {configMapKeyRef: {name: settings, key: colour}}}
      - {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
      - {name: TOKEN, valueFrom: {secretKeyRef: {name: keys, key: token}}}
      command: [sh, -c, 'cat $WHERE; echo " $COLOUR $POD ${TOKEN-unset}"']
""")
    files = (laptop.write(text), laptop.root / "map.yaml")
    outcome = runtime.run(runtime.RunRequest(files=files, root=laptop.root), laptop.witness)
    assert laptop.logs(outcome) == [f"a note blue {outcome.name} unset"]
    assert any('secret "keys"' in warning for warning in laptop.witness.warnings)


def test_an_output_with_a_key_is_read_by_another_run(laptop):
    laptop.run(
        shell(
            "mkdir /tmp/d; echo kept > /tmp/d/f",
            'outputs: {artifacts: [{name: d, path: /tmp/d, s3: {key: "shared/d.tgz"}}]}',
        )
    )
    outcome = laptop.run(
        shell(
            "cat /tmp/e/f",
            'inputs: {artifacts: [{name: d, path: /tmp/e, s3: {key: "shared/d.tgz"}}]}',
        )
    )
    assert laptop.logs(outcome) == ["kept"]


def test_a_failed_run_is_retried_without_what_succeeded(laptop):
    seen, gate = laptop.root / "seen", laptop.root / "gate"
    outcome = laptop.run(
        workflow(f"""
  - name: main
    dag:
      tasks:
      - {{name: first, template: first}}
      - {{name: second, template: second, depends: first}}
  - name: first
    container: {{image: busybox, command: [sh, -c, "echo first >> {seen}"]}}
  - name: second
    container: {{image: busybox, command: [sh, -c, "echo second >> {seen}; test -e {gate}"]}}
""")
    )
    assert outcome.phase == "Failed"
    gate.touch()
    again = runtime.retry(laptop.root, outcome.name, laptop.witness)
    assert again.phase == "Succeeded"
    assert seen.read_text().split() == ["first", "second", "second"]


def test_the_projects_code_is_packed_and_bound(laptop):
    laptop.write("x = 1\n", "components/one.py")
    laptop.write("", "params.yaml")
    laptop.write("", "pyproject.toml")
    outcome = laptop.run(
        workflow(
            """
  - name: main
    inputs:
      artifacts:
      - {name: source, path: /tiphys/code, s3: {key: "code/{{workflow.parameters.code}}.tgz"}}
    container:
      image: busybox
      workingDir: /tiphys/code
      command: [sh, -c, "cat components/one.py; ls; test '{{workflow.parameters.revision}}' != x"]
""",
            "  arguments:\n"
            "    parameters: [{name: code, value: latest}, {name: revision, value: x}]\n",
        )
    )
    assert outcome.phase == "Succeeded", outcome.message
    assert laptop.logs(outcome) == ["x = 1", "components", "params.yaml", "pyproject.toml"]
