"""A run on a disk that fills up, on a small file system of its own."""

import os

import pytest

from tiphys import runtime
from tiphys.errors import UserError

WORKFLOW = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: test-}
spec:
  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: first, template: first}
    - - {name: second, template: second}
  - name: first
    container: {image: busybox, command: [sh, -c, "echo first"]}
  - name: second
    container:
      image: busybox
      command: [sh, -c, "dd if=/dev/zero of=$TIPHYS_PROJECT/filler bs=64k && exit 1; exit 1"]
"""

pytestmark = pytest.mark.usefixtures("small_disk")


def test_a_full_disk_interrupts_the_run_which_goes_on_when_there_is_room(laptop):
    outcome = laptop.run(WORKFLOW)
    assert outcome.interrupted
    assert "the disk is full" in outcome.message
    assert f"tiphys resume {outcome.name}" in outcome.message
    (laptop.root / "filler").unlink()
    again = runtime.resume(laptop.root, outcome.name, laptop.witness)
    nodes = again.workflow["status"]["nodes"].values()
    (first,) = (node for node in nodes if node["displayName"] == "first")
    assert first["phase"] == "Succeeded"
    assert again.interrupted  # the second step fills the disk again


def test_on_a_full_disk_no_run_starts(laptop):
    file = laptop.write(WORKFLOW)
    free = os.statvfs(laptop.root)
    (laptop.root / "filler").write_bytes(bytes(free.f_bavail * free.f_frsize))
    with pytest.raises(UserError, match="the disk is full"):
        runtime.run(runtime.RunRequest(files=(file,), root=laptop.root), laptop.witness)
    assert runtime.list_runs(laptop.root) == []
