"""A manifest that cannot be right is refused before anything starts, with place and advice."""

import pytest

WORKFLOW = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: greet-}
spec:
  entrypoint: main
  templates:
  - name: main
    dag:
      tasks:
      - {name: make, template: make}
      - name: greet
        template: greet
        depends: make
        arguments: {parameters: [{name: whom, value: "{{tasks.make.outputs.parameters.name}}"}]}
  - name: make
    container: {image: busybox, command: [sh, -c, "echo you > /tmp/name"]}
    outputs: {parameters: [{name: name, valueFrom: {path: /tmp/name}}]}
  - name: greet
    inputs: {parameters: [{name: whom}]}
    container: {image: busybox, command: [echo, "Hello, {{inputs.parameters.whom}}"]}
"""

MISTAKES = {
    "a typo in a field": (
        ("container: {image: busybox, command: [echo", "contaner: {image: busybox, command: [echo"),
        ("greet.yaml:20:5: `contaner` is no field of Template.", 'Did you mean "container"?'),
    ),
    "a reference to a parameter no step gives": (
        ("outputs.parameters.name}}", "outputs.parameters.nam}}"),
        ("greet.yaml:14:54:", "outputs.parameters.nam,", 'Did you mean "name"?'),
    ),
    "a cycle": (
        ("template: make}", "template: make, depends: greet}"),
        ("greet.yaml:10:47: these tasks wait for each other: make → greet → make.",),
    ),
    "a boolean where a string belongs": (
        ('value: "{{tasks.make.outputs.parameters.name}}"', "value: yes"),
        ("greet.yaml:14:", "boolean", '"yes"'),
    ),
    "an unknown template": (
        ("template: greet\n", "template: gret\n"),
        ("greet.yaml:12:", '"gret"', 'Did you mean "greet"?'),
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_place_and_nothing_starts(terminal, mistake):
    (right, wrong), expected = MISTAKES[mistake]
    assert right in WORKFLOW
    terminal.write("greet.yaml", WORKFLOW.replace(right, wrong))

    said = terminal.tiphys("run", "greet.yaml")

    assert said.code == 2
    assert said.out == ""
    assert [words for words in expected if words not in said.err] == [], said.err
    assert not terminal.runs.exists()


def test_all_mistakes_of_a_manifest_are_told_at_once(terminal):
    text = WORKFLOW
    for (right, wrong), _ in MISTAKES.values():
        text = text.replace(right, wrong)
    terminal.write("greet.yaml", text)

    said = terminal.tiphys("run", "greet.yaml", "-o", "json")

    assert (said.code, said.out) == (2, "")
    assert len(said.err.splitlines()) >= 4
    assert said.err.count("greet.yaml:") == len(said.err.splitlines()), said.err


def test_without_a_mistake_it_runs(terminal):
    terminal.write("greet.yaml", WORKFLOW)
    said = terminal.tiphys("run", "greet.yaml")
    assert (said.code, said.err) == (0, "")
    assert "greet: Hello, you" in terminal.tiphys("logs", terminal.name_of_the_run()).out
