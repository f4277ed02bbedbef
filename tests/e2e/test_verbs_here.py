"""The verbs on runs of this machine, as commands of the shell."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

TIPHYS = Path(sys.executable).with_name("tiphys")
CHAIN = """
    apiVersion: argoproj.io/v1alpha1
    kind: Workflow
    metadata: {name: chain}
    spec:
      entrypoint: main
      onExit: bye
      arguments: {parameters: [{name: door, value: none}, {name: text, value: hi}]}
      templates:
      - name: main
        dag:
          tasks:
          - {name: a, template: wait}
          - {name: b, template: say, depends: a}
      - name: wait
        container:
          image: busybox
          command: [sh, -c, "while [ ! -e {{workflow.parameters.door}} ]; do sleep 0.05; done"]
      - name: say
        container: {image: busybox, command: [echo, "{{workflow.parameters.text}}"]}
      - name: bye
        container: {image: busybox, command: [echo, bye]}
    """


class Shell:
    """A folder with a manifest whose first step waits for a file, and the commands run in it."""

    def __init__(self, laptop):
        self.root, self.door = laptop.root, laptop.root / "door"
        laptop.write(CHAIN)

    def start(self, *words):
        argv = [TIPHYS, *words]
        return subprocess.Popen(
            argv, cwd=self.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def run(self):
        """Start the run `chain`, and return its driver once the first step runs."""
        door = ["-p", f"door={self.door}", "-p", "text=ho"]
        driver = self.start("run", "workflow.yaml", "--allow-host", *door)
        self.until("get", "a    attempt 1    Running")
        return driver

    def say(self, *words, code=0):
        process = self.start(*words)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == code, said
        return said

    def until(self, verb, text):
        """Wait until `tiphys verb chain` says *text*."""
        for _ in range(200):
            process = self.start(verb, "chain")
            said, _ = process.communicate(timeout=60)
            if text in said:
                return
            time.sleep(0.1)
        pytest.fail(f"never said: {text}")


@pytest.fixture
def shell(laptop, monkeypatch):
    monkeypatch.setitem(os.environ, "COLUMNS", "160")
    return Shell(laptop)


def test_a_suspended_run_begins_nothing_until_it_is_resumed(shell):
    driver = shell.run()
    assert "tiphys resume chain" in shell.say("suspend", "chain")
    shell.door.touch()
    shell.until("get", "a    attempt 1    Succeeded")
    assert "Running, suspended" in shell.say("get", "chain")
    assert "b    attempt" not in shell.say("get", "chain")
    assert "chain goes on." in shell.say("resume", "chain")
    assert driver.wait(timeout=60) == 0
    driver.stdout.close()


def test_a_terminated_run_has_no_exit_handler_and_a_stopped_one_has(shell):
    for verb, handled in (("terminate", False), ("stop", True)):
        driver = shell.run()
        watching = shell.start("watch", "chain")
        assert "chain is told to" in shell.say(verb, "chain")
        assert driver.wait(timeout=60) == 1
        driver.stdout.close()
        said, _ = watching.communicate(timeout=60)
        assert watching.returncode == 1
        assert f"Stopped with strategy '{verb.capitalize()}'" in said
        assert ("onExit" in shell.say("logs", "chain")) == handled
        shell.say("delete", "chain")


def test_a_run_is_ended_although_it_is_suspended(shell):
    driver = shell.run()
    shell.say("suspend", "chain")
    shell.say("terminate", "chain")
    assert driver.wait(timeout=60) == 1
    driver.stdout.close()


def test_a_resubmitted_run_has_the_parameters_of_the_first(shell):
    shell.door.touch()
    door = ["-p", f"door={shell.door}", "-p", "text=ho"]
    shell.say("run", "workflow.yaml", "--allow-host", *door)
    assert "chain-2  Succeeded" in shell.say("resubmit", "chain")
    assert "b: ho" in shell.say("logs", "chain-2")


def test_only_an_ended_run_is_deleted(shell):
    driver = shell.run()
    said = shell.say("delete", "chain", code=2)
    assert "`tiphys terminate chain`" in said
    shell.door.touch()
    assert driver.wait(timeout=60) == 0
    driver.stdout.close()
    assert "chain is deleted." in shell.say("delete", "chain")
    assert "There are no runs yet" in shell.say("list")
    for verb in ("delete", "watch", "terminate", "suspend", "resume", "resubmit"):
        assert 'there is no run "chain"' in shell.say(verb, "chain", code=2)


def test_a_step_that_waits_for_an_approval_goes_on_when_the_run_is_resumed(shell):
    text = (shell.root / "workflow.yaml").read_text()
    waiting = text[: text.index("- name: wait")] + "- {name: wait, suspend: {}}\n"
    (shell.root / "workflow.yaml").write_text(waiting + text[text.index("  - name: say") :])
    driver = shell.start("run", "workflow.yaml", "--allow-host")
    shell.until("why", "waits for somebody to let it go on")
    assert "chain goes on." in shell.say("resume", "chain")
    assert driver.wait(timeout=60) == 0
    driver.stdout.close()
