"""Each attempt of a run says why it was tried again, or why not."""

import json

import pytest

from tests.fakes import node, run
from tiphys.author import retries
from tiphys.report import decisions
from tiphys.report.rows import rows

OOM = "main: OOMKilled (exit code 137)"
GROWING = {
    "name": "main",
    "resources": {"limits": {"memory": "{{=(min(asInt(retries), 1) + 1) * 4}}Gi"}},
}
LATE = "Pod was active on the node longer than the specified deadline"
FETCH = "init: Error (exit code 64): reference not found"
GONE = "main: Unknown (exit code 255): epoch 3"
FORGOTTEN = "main: ContainerStatusUnknown (exit code 137): could not be located"
FULL = "Container main exceeded its local ephemeral storage limit 1Gi. "
FORBIDDEN = 'pods "run-1" is forbidden: error looking up service account ml/train: not found'


def template(policies=retries.TRAINING, **fields):
    strategy = retries.compose(policies).model_dump(exclude_none=True, by_alias=True)
    return {
        "name": "train",
        "annotations": {"tiphys.dev/retries": retries.described(policies)},
        "podSpecPatch": json.dumps({"containers": [GROWING]}),
        "retryStrategy": json.loads(json.dumps(strategy)),
        **fields,
    }


def attempt(code, message="", phase="Failed"):
    outputs = {} if code is None else {"outputs": {"exitCode": str(code)}}
    return node("train", phase=phase, message=message, **outputs)


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        (2, "", "bad input: never tried again; no second look will mend it"),
        (75, "", "temporary (1 of 3): again after 2 seconds"),
        (None, "pod deleted", "lost node (1 of 5): again after 2 seconds"),
        (255, GONE, "lost node (1 of 5): again after 2 seconds"),
        (255, "pod deleted", "lost node (1 of 5): again after 2 seconds"),
        (137, FORGOTTEN, "lost node (1 of 5): again after 2 seconds"),
        (None, "init: Unknown (exit code 255)", "lost node (1 of 5): again after 2 seconds"),
        (255, "main: Error (exit code 255)", "no policy is for this failure: not tried again"),
        (None, FETCH, "could not start (1 of 2): again after 2 seconds"),
        (None, FORBIDDEN, f"refused: never tried again; {retries.REFUSED.advice}"),
        (143, "", "preempted (1 of 5): again after 2 seconds"),
        (137, OOM, "out of memory (1 of 1): again after 2 seconds, with 8Gi of memory"),
        (76, "", "bad device (1 of 2): again after 2 seconds, on another node"),
        (143, FULL, f"full disk: never tried again; {retries.FULL_DISK.advice}"),
        (None, LATE, "hanging (1 of 1): again after 2 seconds"),
        (1, "", "no policy is for this failure: not tried again"),
    ],
)
def test_a_failure_is_named_with_what_follows_from_it(code, message, expected):
    assert decisions.told(template(), [attempt(code, message)]) == [expected]


@pytest.mark.parametrize("message", ["pod deleted", "wait: Unknown (exit code 255)"])
def test_outputs_that_were_not_kept_because_the_node_was_off_are_a_lost_node(message):
    (told,) = decisions.told(template(), [attempt(0, message, "Error")])

    assert told == "lost node (1 of 5): again after 2 seconds"


def test_waits_grow_and_attempts_are_counted_until_they_are_spent():
    tries = [attempt(75)] * 4

    assert decisions.told(template(), tries, "retryStrategy.expression evaluated to false") == [
        "temporary (1 of 3): again after 2 seconds",
        "temporary (2 of 3): again after 4 seconds",
        "temporary (3 of 3): again after 8 seconds",
        "temporary: tried again 3 times, not any more; what it needs is still not ready",
    ]


def test_memory_that_did_not_suffice_twice_is_not_asked_for_again():
    first, second = decisions.told(template(), [attempt(137, OOM)] * 2, "")

    assert first.startswith("out of memory (1 of 1): again")
    assert second == (
        "out of memory: tried again once, not any more; "
        "more memory than its tier has was not enough: take a larger tier"
    )


def test_memory_that_did_not_suffice_after_other_failures_had_grown_already():
    told = decisions.told(template(), [attempt(143), attempt(143), attempt(137, OOM)], "")

    assert told[2].startswith("out of memory: not after 2 other attempts;")


def test_attempts_that_ended_otherwise_are_not_called_tries_of_this_failure():
    told = decisions.told(template(), [attempt(143)] * 3 + [attempt(75)], "")

    assert told[3] == "temporary: not after 3 other attempts"


def test_a_failure_that_came_back_among_others_says_what_to_do_about_it():
    tries = [attempt(75), attempt(143), attempt(143), attempt(75)]

    assert decisions.told(template(), tries, "")[3] == (
        "temporary: not after 3 other attempts; what it needs is still not ready"
    )


def test_what_hung_once_after_another_failure_is_not_said_to_have_hung_twice():
    told = decisions.told(template(), [attempt(143), attempt(None, LATE)], "")

    assert told[1] == "hanging: not after another attempt"


def test_a_lost_node_after_preemptions_is_one_more_machine_that_was_taken_away():
    told = decisions.told(template(), [attempt(143)] * 5 + [attempt(None, "pod deleted")], "")

    assert told[5].startswith("preempted: tried again 5 times, not any more; machine after machine")


def test_an_input_that_cannot_be_fetched_is_no_lost_node():
    tries = [attempt(None, FETCH, "Error")] * 3

    assert decisions.told(template(), tries, "")[2] == (
        "could not start: tried again 2 times, not any more; "
        "its code or an input could not be fetched: look at the revision, the key and the access"
    )


def test_the_last_attempt_says_that_it_went_on_demand():
    moved = template(podSpecPatch='{"nodeSelector":{"pool":"…"}}')

    told = decisions.told(moved, [attempt(143)] * 5)

    assert "on demand" not in told[3]
    assert told[4] == "preempted (5 of 5): again after 32 seconds, on demand"


def test_a_run_that_was_stopped_does_not_promise_another_attempt():
    (told,) = decisions.told(template(), [attempt(143)], "Stopped with strategy 'Stop'")

    assert told == "preempted: not tried again, for the run was ended: Stopped with strategy 'Stop'"


def test_the_policies_of_a_step_are_said_whether_it_failed_or_not():
    moved = template(podSpecPatch='{"nodeSelector":{"pool":"…"}}')

    assert decisions.policies(moved) == (
        "bad input 0, refused 0, full disk 0, temporary 3, could not start 2, "
        "lost node 5 (the last on demand), preempted 5 (the last on demand), hanging 1, "
        "out of memory 1 (more memory), bad device 2 (another node)"
    )
    assert "preempted 5, hanging 1" in decisions.policies(template())
    assert decisions.policies({}) == ""


@pytest.mark.parametrize("text", [None, "", "[", '[{"for": "x"}]', "5"])
def test_a_template_without_readable_policies_tells_nothing(text):
    made = template(annotations={} if text is None else {"tiphys.dev/retries": text})

    assert decisions.told(made, [attempt(75)]) == [""]


def test_a_succeeded_attempt_has_nothing_to_decide():
    assert decisions.told(template(), [attempt(75), node("train")])[1] == ""


@pytest.mark.parametrize("where", ["spec", "storedWorkflowTemplateSpec", "storedTemplates"])
def test_the_policies_are_found_wherever_the_run_has_its_templates_from(where):
    workflow = run(
        node("train", type="Retry", children=["r.train(0)"], phase="Running"),
        node("train(0)", phase="Failed", outputs={"exitCode": "75"}, templateName="train"),
        tasks=[{"name": "train"}],
    )
    if where == "spec":
        workflow["spec"]["templates"].append(template())
    elif where == "storedTemplates":
        workflow["status"][where] = {"namespaced/shared/train": template()}
    else:
        workflow["status"][where] = {
            **workflow.pop("spec"),
            "templates": [{"name": "main", "dag": {"tasks": [{"name": "train"}]}}, template()],
        }
        workflow["spec"] = {"workflowTemplateRef": {"name": "shared"}}
    (row,) = rows(workflow)

    assert row.attempts[0].exit_code == 75
    assert row.attempts[0].decision == "temporary (1 of 3): again after 2 seconds"
