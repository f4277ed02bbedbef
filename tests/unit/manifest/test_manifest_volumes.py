"""Empty volumes: a warning only where a step would miss one on this machine."""

import pytest

WORKFLOW = """\
    apiVersion: argoproj.io/v1alpha1
    kind: Workflow
    metadata: {{generateName: a-}}
    spec:
      entrypoint: main
      templates:
      - name: main
        outputs: {{parameters: [{{name: made, valueFrom: {{path: /made/here/made}}}}]}}
        volumes: [{{name: scratch, emptyDir: {{}}}}]
        container: {{image: busybox, volumeMounts: [{{name: scratch, mountPath: {path}}}]}}
    """


@pytest.mark.parametrize("path", ["/tmp", "/made", "/made/here/"])  # noqa: S108 -- as in a pod
def test_a_folder_that_every_attempt_has_here_too_is_not_spoken_of(path, printed):
    assert printed(WORKFLOW.format(path=path)) == []


@pytest.mark.parametrize("path", ["/cache", "/mad", "/made/here/made/deeper"])
def test_a_folder_that_is_on_this_host_is_warned_of(path, printed):
    (problem,) = printed(WORKFLOW.format(path=path))

    assert "`emptyDir` volumes are not mounted" in problem
