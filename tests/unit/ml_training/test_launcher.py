import os
import signal
from datetime import timedelta

import pytest

from tests import gangs
from tests.gangs import Cluster, Moment, ended, pod
from tiphys.errors import UserError
from tiphys.ml.training import jobset, launcher
from tiphys.ml.training.outcome import GangFailedError
from tiphys.step import BadDevice, OutOfMemory, Preempted, Temporary, WrongInput, failures

NAME = gangs.gang().name
DONE = Moment(state="Completed")


@pytest.fixture
def launch(tmp_path):
    """Launch a gang on a scripted cluster, where a pause takes no time."""
    passed = 0.0

    def sleep(seconds):
        nonlocal passed
        passed += seconds

    def launch(cluster, pause=sleep, **changes):
        asked = gangs.request(tmp_path / "checkpoints")
        gangs.publish(asked, tmp_path / "made")
        clock = launcher.Clock(now=lambda: passed, pause=pause)
        return launcher.launch(asked, gangs.gang(**changes), cluster, tmp_path / "out", clock)

    return launch


def failed(*pods, restarts=0):
    return Cluster([Moment(restarts=restarts, state="Failed", pods=pods)])


def test_what_a_gang_made_comes_back_and_the_gang_goes(launch, tmp_path):
    cluster = Cluster([Moment(pods=[pod("p-0")]), Moment(state="Completed", pods=[pod("p-0")])])
    answer = launch(cluster)
    assert (answer.rows, answer.resumed_from) == (9, 50)
    assert (tmp_path / "out/weights.pt").read_bytes() == b"weights"
    assert (cluster.created["metadata"]["name"], cluster.deleted) == (NAME, [NAME])


def test_the_log_of_the_first_pod_is_the_steps_own(launch, capsys):
    pods = [pod("p-1", index=1), pod("p-0")]
    logs = {"p-0": ["loss falls", "done"], "p-1": ["nobody hears this"]}
    launch(Cluster([Moment(pods=pods), Moment(state="Completed", pods=pods)], logs))
    said = capsys.readouterr().out
    assert "loss falls\ndone\n" in said
    assert "nobody" not in said


def test_a_restart_is_said_with_its_reason_and_the_new_log_follows(launch, capsys):
    cluster = Cluster(
        [
            Moment(pods=[pod("a-0")]),
            Moment(pods=[pod("a-0"), ended("a-1", 1, message="Segmentation fault")]),
            Moment(restarts=1, pods=[pod("b-0", "Pending", restart=1)]),
            Moment(restarts=1, state="Completed", pods=[pod("b-0", restart=1)]),
        ],
        {"a-0": ["step 50"], "b-0": ["Resumed at step 50 of 100."]},
    )
    launch(cluster)
    said = capsys.readouterr().out
    assert "a-1 ended with 1 (Error): Segmentation fault The gang is started again" in said
    assert said.index("step 50") < said.index("restart 1") < said.index("Resumed at step 50")


def test_the_pods_of_an_earlier_start_are_heard_once_though_they_take_time_to_go(launch, capsys):
    old = [ended("a-0", 1, message="Segmentation fault")]
    cluster = Cluster(
        [
            Moment(pods=[pod("a-0")]),
            Moment(restarts=1, pods=old),
            Moment(restarts=1, pods=[*old, pod("b-0", restart=1)]),
            Moment(restarts=2, pods=[]),
            Moment(restarts=2, state="Completed", pods=[pod("c-0", restart=2)]),
        ],
        {"a-0": ["step 50"], "b-0": ["step 60"], "c-0": ["step 70"]},
    )
    launch(cluster)
    said = capsys.readouterr().out
    assert [said.count(line) for line in ("step 50", "step 60", "step 70")] == [1, 1, 1]
    assert said.count("Segmentation fault The gang is started again (restart 1).") == 1
    assert "A pod was lost. The gang is started again (restart 2)." in said


FULL_DISK = "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi."


def test_a_gang_that_fills_its_disk_is_not_started_again_and_again(launch):
    full = pod("p", "Failed", reason="Evicted", message=FULL_DISK)
    cluster = Cluster([Moment(pods=[full]), Moment(restarts=1, preemptions=1), DONE])
    with pytest.raises(GangFailedError, match=FULL_DISK):
        launch(cluster)
    assert cluster.deleted == [NAME]


PREEMPTED = [Moment(restarts=n, preemptions=n) for n in range(jobset.PREEMPTIONS + 1)]


def test_a_gang_that_is_taken_away_goes_on(launch):
    last = Moment(restarts=3, preemptions=3, state="Completed")
    assert launch(Cluster([*PREEMPTED, last])).epochs == 4


def test_a_gang_that_is_taken_away_again_and_again_is_for_the_policies_of_the_step(launch):
    cluster = Cluster([*PREEMPTED, Moment(restarts=4, preemptions=4), DONE])
    with pytest.raises(Preempted, match="was taken away 4 times"):
        launch(cluster)
    assert cluster.deleted == [NAME]


def test_a_lost_pod_that_says_nothing_is_called_lost(launch, capsys):
    cluster = Cluster([Moment(pods=[pod("a-0")]), Moment(restarts=1, state="Completed")])
    launch(cluster)
    assert "A pod was lost. The gang is started again (restart 1)." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("end", "failure", "says"),
    [
        (ended("p", 2, message='no month "2014-01"'), WrongInput, '^no month "2014-01"$'),
        (ended("p", 75, message="s3 does not answer"), Temporary, "s3 does not answer"),
        (ended("p", 76, message="bad device on node gpu-a: CUDA error"), BadDevice, "node gpu-a"),
        (ended("p", 143, message="saved and left"), Preempted, "saved and left"),
        (ended("p", 137, "OOMKilled"), OutOfMemory, "p was killed: out of memory. It had 4Gi"),
        (ended("p", 1, "OOMKilled"), OutOfMemory, "out of memory"),
        (ended("p", 137, message="A worker …: out of memory."), OutOfMemory, "out of memory"),
        (ended("p", 137), Preempted, "killed from outside"),
        (ended("p", 255, "Unknown"), Preempted, r"p ended with 255 \(Unknown\)"),
        (ended("p", 255), GangFailedError, r"p ended with 255 \(Error\)"),
        (ended("p", 1, message="ZeroDivisionError"), GangFailedError, "ZeroDivisionError"),
        (ended("p", 128, "StartError"), Preempted, r"p ended with 128 \(StartError\)"),
        (pod("p", "Failed", reason="Evicted", message="low on disk"), Preempted, "low on disk"),
        (pod("p", "Failed", reason="Evicted", message=FULL_DISK), GangFailedError, FULL_DISK),
        (
            pod("p", "Failed", reason="UnexpectedAdmissionError", message="no healthy devices"),
            Preempted,
            "no healthy devices",
        ),
    ],
)
def test_the_failure_of_a_pod_is_that_of_the_step(launch, end, failure, says):
    cluster = failed(pod("q"), end)
    with pytest.raises(failure, match=says):
        launch(cluster)
    assert cluster.deleted == [NAME]


def test_of_several_failures_wrong_input_says_most(launch):
    with pytest.raises(WrongInput):
        launch(failed(ended("a", 1), ended("b", 75), ended("c", 2, message="no rows")))


def test_a_gang_that_failed_without_a_word_says_so(launch):
    with pytest.raises(GangFailedError, match="no pod says why"):
        launch(failed())


def test_a_gang_of_an_earlier_attempt_is_removed_before_the_next_is_made(launch, capsys):
    cluster = Cluster([Moment(state="Completed")], left=4)
    launch(cluster)
    assert "which an earlier attempt left" in capsys.readouterr().out
    assert cluster.deleted == [NAME, NAME]


def test_a_gang_of_an_earlier_attempt_that_does_not_go_is_a_temporary_failure(launch):
    cluster = Cluster([DONE], left=999)
    with pytest.raises(Temporary, match="of an earlier attempt does not go"):
        launch(cluster)
    assert cluster.created is None


def test_the_gang_of_a_later_attempt_is_neither_followed_nor_deleted(launch):
    cluster = Cluster([Moment(pods=[pod("p-0")])])
    create = cluster.create

    def replaced(made):
        create(made)
        cluster.created["metadata"]["ownerReferences"][0]["uid"] = "a later attempt's pod"

    cluster.create = replaced
    with pytest.raises(Preempted, match="was deleted while it ran"):
        launch(cluster)
    assert cluster.deleted == []


def test_sigterm_takes_the_gang_away_and_the_step_is_preempted(launch):
    cluster = Cluster([Moment(pods=[pod("p-0")])])
    with pytest.raises(Preempted, match="told to go: its gang goes too"):
        launch(cluster, pause=lambda _seconds: os.kill(os.getpid(), signal.SIGTERM))
    assert cluster.deleted == [NAME]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_gang_that_somebody_deletes_can_be_resumed(launch):
    cluster = Cluster([Moment()])
    cluster.jobset = lambda _name: None
    with pytest.raises(Preempted, match="was deleted while it ran"):
        launch(cluster)


def test_an_api_server_that_is_away_for_a_moment_is_waited_for(launch):
    away = Temporary("away")
    assert launch(Cluster([Moment(), *[away] * 100, Moment(state="Completed")])).epochs == 4


def test_an_api_server_that_stays_away_is_a_temporary_failure(launch, capsys):
    with pytest.raises(Temporary, match="away"):
        launch(Cluster([Moment(), Temporary("away")]))
    assert "could not be deleted: it goes when this pod does" in capsys.readouterr().out


@pytest.mark.parametrize("refusals", [2, 99])
def test_an_api_server_that_does_not_delete_the_gang_changes_no_result(launch, refusals, capsys):
    cluster, tried = Cluster([Moment(), Moment(state="Completed")]), []

    def delete(name):
        tried.append(name)
        if len(tried) <= refusals:
            problem = "away"
            raise Temporary(problem)

    cluster.delete = delete
    assert launch(cluster).epochs == 4
    assert len(tried) == min(refusals + 1, launcher.DELETIONS)
    assert ("could not be deleted" in capsys.readouterr().out) == (refusals == 99)


def test_where_a_pod_runs_is_said_once(launch, capsys):
    running = Moment(pods=[pod("p-0") | {"spec": {"nodeName": "gpu-a"}}])
    launch(Cluster([Moment(pods=[pod("p-0", "Pending")]), running, running, DONE]))
    assert capsys.readouterr().out.count("p-0 runs on gpu-a.") == 1


def test_what_a_pod_waits_for_is_said_once(launch, capsys):
    condition = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes: no GPU"}
    waiting = Moment(pods=[pod("p-0", "Pending", conditions=[condition])])
    image = {"state": {"waiting": {"reason": "ErrImagePull", "message": "not found"}}}
    pulling = Moment(pods=[pod("p-0", "Pending", containerStatuses=[image])])
    launch(Cluster([waiting, waiting, pulling, pulling, Moment(state="Completed")]))
    said = capsys.readouterr().out
    assert said.count("p-0 waits: 0/3 nodes: no GPU") == 1
    assert said.count("p-0 waits: ErrImagePull: not found") == 1


FULL = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes: no GPU"}
HALF = [pod("p-0"), pod("p-1", "Pending", index=1, conditions=[FULL])]
BOTH = [pod("p-0"), pod("p-1", index=1)]


def test_a_gang_that_waited_in_vain_says_for_which_pod_and_why(launch):
    alone = ended("p-0", 75, message="Not all 2 nodes came within 0:20:00.")
    cluster = Cluster([Moment(pods=HALF), Moment(state="Failed", pods=[alone])])
    with pytest.raises(Temporary, match=r"within 0:20:00\. p-1 waits: 0/3 nodes: no GPU$"):
        launch(cluster)


def test_a_pod_that_came_after_all_is_not_waited_for_any_more(launch):
    away = ended("p-0", 75, message="s3 does not answer")
    cluster = Cluster([Moment(pods=HALF), Moment(pods=BOTH), Moment(state="Failed", pods=[away])])
    with pytest.raises(Temporary, match=r"^s3 does not answer$"):
        launch(cluster)


LIMIT = timedelta(seconds=10)


def test_a_gang_may_wait_for_its_nodes_for_longer_than_it_may_run(launch):
    waiting = [Moment(pods=HALF)] * 50
    running = [Moment(pods=BOTH)] * 9
    assert launch(Cluster([*waiting, *running, DONE]), timeout=LIMIT).epochs == 4


def test_a_gang_that_runs_past_its_deadline_is_taken_away_as_one_that_hangs(launch):
    cluster = Cluster([Moment(pods=BOTH)])
    with pytest.raises(launcher.GangLateError, match=r"is past its deadline: .* 0:00:10") as late:
        launch(cluster, timeout=LIMIT)
    assert failures.exit_code(late.value) is failures.ExitCode.FAILED
    assert cluster.deleted == [NAME]


def test_a_gang_that_has_its_nodes_and_cannot_start_does_not_keep_them(launch):
    image = {"state": {"waiting": {"reason": "ErrImagePull", "message": "not found"}}}
    there = [pod(n, "Pending", containerStatuses=[image]) for n in ("p-0", "p-1")]
    placed = [one | {"spec": {"nodeName": "gpu-a"}} for one in there]
    with pytest.raises(launcher.GangLateError):
        launch(Cluster([Moment(pods=placed)]), timeout=LIMIT)


AGAIN = [
    *[Moment(pods=BOTH)] * 6,
    *[Moment(restarts=1, preemptions=1, pods=[pod("q-0", restart=1)])] * 50,
    *[Moment(restarts=1, preemptions=1, pods=[pod(f"q-{n}", restart=1) for n in (0, 1)])] * 4,
]
"""Six seconds and three, and in between a node was taken away."""


def test_time_stands_still_while_a_gang_waits_for_a_node_again(launch):
    done = Moment(restarts=1, preemptions=1, state="Completed")
    assert launch(Cluster([*AGAIN, done]), timeout=LIMIT).epochs == 4


def test_time_goes_on_where_it_stood_once_all_nodes_are_there_again(launch):
    with pytest.raises(launcher.GangLateError):
        launch(Cluster([*AGAIN, AGAIN[-1]]), timeout=LIMIT)


def test_a_gang_that_ends_at_its_deadline_has_ended(launch):
    last = Moment(state="Completed", pods=BOTH)
    assert launch(Cluster([*[Moment(pods=BOTH)] * 11, last]), timeout=LIMIT).epochs == 4


def test_a_gang_that_the_cluster_refuses_is_wrong_input(launch):
    cluster = Cluster([Moment()])

    refusal = UserError("JobSet x", "the API server says 403 Forbidden.")

    def create(_manifest):
        raise refusal

    cluster.create = create
    with pytest.raises(UserError, match="403"):
        launch(cluster)
