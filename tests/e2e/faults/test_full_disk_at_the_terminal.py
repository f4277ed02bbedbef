"""The disk of the run folder fills up while somebody watches."""

import shutil

import pytest

GREEDY = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: greedy-}
spec:
  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: first, template: first}
    - - {name: second, template: second}
  - name: first
    container: {image: busybox, command: [sh, -c, "echo first >> $TIPHYS_PROJECT/seen"]}
  - name: second
    container:
      image: busybox
      command: [sh, -c, "test -e $TIPHYS_PROJECT/room || dd if=/dev/zero of=$TIPHYS_PROJECT/big"]
"""

pytestmark = pytest.mark.usefixtures("small_disk")


def test_the_run_is_interrupted_says_how_to_go_on_and_goes_on(terminal):
    terminal.write("greedy.yaml", GREEDY)

    said = terminal.tiphys("run", "greedy.yaml", "--name", "greedy")
    (terminal.folder / "big").unlink()
    terminal.write("room", "")
    resumed = terminal.tiphys("resume", "greedy")

    assert said.code == 130
    assert "the disk is full, so the run was interrupted; nothing that had finished" in said.out
    assert "Free some space, then `tiphys resume greedy`." in said.out
    assert (resumed.code, resumed.err) == (0, "")
    assert (terminal.folder / "seen").read_text() == "first\n"


def test_without_room_no_run_starts(terminal):
    terminal.write("greedy.yaml", GREEDY)
    room = shutil.disk_usage(terminal.folder).free
    (terminal.folder / "big").write_bytes(bytes(room))

    said = terminal.tiphys("run", "greedy.yaml")

    assert (said.code, said.out) == (2, "")
    assert "the disk is full: no run can be started here. Free some space." in said.err
    assert terminal.tiphys("list").out == "There are no runs yet. Type: tiphys run FILE\n"
