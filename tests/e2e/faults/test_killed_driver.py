"""`tiphys run` is killed or interrupted at the terminal; `tiphys resume` loses nothing."""

import signal
import time

import pytest

CHAIN = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {{generateName: chain-}}
spec:
  entrypoint: main
  templates:
  - name: main
    steps:
    - - {{name: a, template: work}}
    - - {{name: b, template: work}}
      - {{name: c, template: work}}
    - - {{name: d, template: last}}
  - name: work
    container:
      image: busybox
      command: [sh, -c, "echo start >> {seen}; sleep {seconds}; echo end >> {seen}"]
  - name: last
    container:
      image: busybox
      command: [sh, -c, "echo start >> {seen}; {wait}; echo end >> {seen}"]
"""


@pytest.fixture
def chain(terminal):
    """Start the chain; return the process and the file that its steps write to.

    Its last step waits for a file `door`.
    """
    seen = terminal.folder / "seen"
    wait = f"until test -e {terminal.folder}/door; do sleep 0.05; done"

    def start(seconds):
        terminal.write("chain.yaml", CHAIN.format(seen=seen, seconds=seconds, wait=wait))
        return terminal.start("run", "chain.yaml", "--name", "chain"), seen

    yield start
    terminal.write("door", "")


@pytest.mark.parametrize("seconds", [0, 0.28, 0.45, 0.8])
def test_after_kill_9_resume_ends_the_run_and_no_step_runs_twice(terminal, chain, until, seconds):
    driver, seen = chain(0.3)
    until(seen.exists)
    time.sleep(seconds)
    with driver:  # without `communicate`: a step that lives on holds stderr open
        driver.kill()

    first, second = (terminal.start("resume", "chain") for _ in range(2))
    terminal.write("door", "")
    said = [terminal.end(first), terminal.end(second)]

    codes = sorted(one.code for one in said)
    assert codes == [0, 2], said  # one drives; the other is told so, or that it has ended
    assert seen.read_text().count("start") == seen.read_text().count("end") == 4
    assert "chain   Succeeded" in terminal.tiphys("list").out


def test_ctrl_c_says_how_to_go_on_and_exits_with_130(terminal, chain, until):
    driver, seen = chain(30)
    until(seen.exists)
    driver.send_signal(signal.SIGINT)

    said = terminal.end(driver)

    assert said.code == 130
    assert "Interrupted. Take it up again with `tiphys resume chain`." in said.out
    assert "end" not in seen.read_text()


def test_a_journal_that_was_cut_short_is_taken_up_and_a_spoilt_one_is_named(terminal, chain, until):
    driver, seen = chain(0.1)
    until(seen.exists)
    with driver:
        driver.kill()
    journal = terminal.runs / "chain" / "journal.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole.replace(b"\n", b"\nno event\n", 1))
    (journal.parent / "status.json").unlink(missing_ok=True)
    listed, spoilt = terminal.tiphys("list"), terminal.tiphys("resume", "chain")
    journal.write_bytes(whole + b'{"cut sho')
    terminal.write("door", "")
    resumed = terminal.tiphys("resume", "chain")

    assert "this is no event" in listed.out
    assert spoilt.code == 2
    assert "journal.jsonl:2: this is no event" in spoilt.err
    assert (resumed.code, resumed.err) == (0, "")
