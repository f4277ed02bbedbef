"""What a newcomer may type: each answer is a sentence that helps, with exit code 2."""

import json
import subprocess

import pytest

HELLO = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: hello-}
spec:
  entrypoint: main
  arguments: {parameters: [{name: greeting, value: Grüß dich 🚀}]}
  templates:
  - name: main
    container: {image: busybox, command: [echo, "{{workflow.parameters.greeting}}"]}
"""


@pytest.fixture
def hello(terminal):
    """A folder with a workflow that works, and other things."""
    terminal.write("hello.yaml", HELLO)
    terminal.write("empty.yaml", "")
    terminal.write("list.yaml", "[1, 2]\n")
    terminal.write("folder/inside.txt", "")
    (terminal.folder / "binary.yaml").write_bytes(b"\x7fELF\x80\xff\x00")
    return terminal


ANSWERS = {
    "run": "Missing argument 'MANIFEST [FILE]...'",
    "run nothing.yaml": "nothing.yaml: no such file or directory. Check the path.",
    "run nothing": 'there is no manifest "nothing".',
    "run folder": "folder: is a directory. Check the path.",
    "run empty.yaml": "empty.yaml: the file is empty.",
    "run binary.yaml": "binary.yaml: byte 4 is not UTF-8 text.",
    "run hello.yaml -p greeting": "-p greeting: there is no `=`. Write -p name=value.",
    "run hello.yaml -p =x": "-p =x: there is no name before the `=`.",
    "run hello.yaml --parameter-file nothing.yaml": "nothing.yaml: cannot be read: No such file",
    "run hello.yaml --parameter-file list.yaml": "list.yaml: holds no mapping. Write one `name",
    "run hello.yaml --parameter-file binary.yaml": "binary.yaml: is no YAML",
    "run hello.yaml --name Größe": '"Größe" cannot be the name of a run. Use at most 63 small',
    "run hello.yaml --on moon": 'there is no profile "moon".',
    "run hello.yaml -o xml": "'xml' is not one of 'json', 'yaml'",
    "get nothing": 'there is no run "nothing".',
    "get ../..": 'there is no run "../..".',
    "logs nothing": 'there is no run "nothing".',
    "stop nothing": 'there is no run "nothing".',
    "resume nothing": 'there is no run "nothing".',
    "retry nothing": 'there is no run "nothing".',
    "parity one two": 'there is no run "one".',
    "render moon": 'there is no profile "moon".',
    "runn": "No such command 'runn'",
}


@pytest.mark.parametrize("typed", ANSWERS)
def test_it_is_answered_with_a_sentence(hello, typed):
    said = hello.tiphys(*typed.split())
    assert (said.code, said.out) == (2, "")
    assert ANSWERS[typed] in said.err
    assert not hello.runs.exists()


def test_a_run_that_ended_knows_what_can_be_done_with_it(hello):
    assert hello.tiphys("run", "hello.yaml", "--name", "mine").code == 0
    answers = {
        ("logs", "mine", "nothing"): 'mine: there is no step "nothing". There are: mine.',
        ("stop", "mine"): "it has ended: Succeeded. There is nothing to stop.",
        ("resume", "mine"): "it has ended: Succeeded.",
        ("retry", "mine"): "There is nothing to retry.",
        ("get", "mina"): 'Did you mean "mine"?',
    }
    for typed, answer in answers.items():
        said = hello.tiphys(*typed)
        assert (said.code, answer in said.err) == (2, True), said.err


def test_any_language_comes_through(hello):
    assert hello.tiphys("run", "hello.yaml", "-p", "greeting=こんにちは = é").code == 0
    assert hello.tiphys("logs", hello.name_of_the_run()).out.endswith(": こんにちは = é\n")


def test_a_parameter_that_nothing_reads_is_a_warning_with_the_nearest(hello):
    said = hello.tiphys("run", "hello.yaml", "-p", "greting=x")
    assert said.code == 0
    assert '! -p greting: the workflow reads no such parameter. Did you mean "gree' in said.out


def test_a_parameter_that_is_read_need_not_be_declared(hello):
    text = HELLO.replace("  arguments: {parameters: [{name: greeting, value: Grüß dich 🚀}]}\n", "")
    hello.write("hello.yaml", text)

    refused = hello.tiphys("run", "hello.yaml")
    said = hello.tiphys("run", "hello.yaml", "-p", "greeting=Ahoy")

    assert (refused.code, "reads workflow.parameters.greeting" in refused.err) == (2, True)
    assert (said.code, said.err) == (0, "")
    name = hello.name_of_the_run()
    assert hello.tiphys("logs", name).out == f"{name}: Ahoy\n"


def test_a_failed_run_is_an_object_for_programs_and_exit_code_1(hello):
    hello.write("hello.yaml", HELLO.replace("[echo,", "[sh, -c, exit 4,"))
    said = hello.tiphys("run", "hello.yaml", "-o", "json")
    assert said.code == 1
    assert json.loads(said.out)["status"]["message"] == "main: Error (exit code 4)"


def test_a_place_that_cannot_hold_a_run_is_named(hello):
    hello.write(".tiphys", "a file\n")
    said = hello.tiphys("run", "hello.yaml")
    assert said.code == 2
    assert "/.tiphys: no run can be kept here: File exists. Change to a folder" in said.err
    assert hello.tiphys("list").out == "There are no runs yet. Type: tiphys run FILE\n"


def test_two_runs_at_once_do_not_meet(hello):
    first, second = (hello.start("run", "hello.yaml", "--name", "same") for _ in range(2))
    assert [hello.end(first).code, hello.end(second).code] == [0, 0]
    assert {run.name for run in hello.runs.iterdir()} == {"same", "same-2"}


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&- <&-", ">/dev/full", "| true"])
def test_a_run_does_not_need_a_reader(hello, closed):
    hello.write("hello.yaml", HELLO.replace("[echo,", "[sh, -c, 'sleep 0.5; echo $0',"))
    shell = f"{hello.command} run hello.yaml {closed}"
    done = subprocess.run(
        ["/bin/sh", "-c", shell],
        cwd=hello.folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "bug of Tiphys" not in done.stderr
    assert "Traceback" not in done.stderr
    if closed != ">/dev/full":
        assert hello.tiphys("list").out.count("Succeeded") == 1
