"""`depends`: results of tasks joined by && || !."""

import pytest

from tiphys.expression import ExpressionError, depends, depends_tasks

SUCCEEDED, FAILED, ERRORED = {"Succeeded": True}, {"Failed": True}, {"Errored": True}
SKIPPED, OMITTED, DAEMONED = {"Skipped": True}, {"Omitted": True}, {"Daemoned": True}


@pytest.mark.parametrize(
    ("results", "runs"),
    [
        (SUCCEEDED, True),
        (SKIPPED, True),
        (DAEMONED, True),
        (OMITTED, False),
        (FAILED, False),
        (ERRORED, False),
    ],
)
def test_a_bare_name_asks_for_success_and_omission_cascades(results, runs):
    assert depends("a-task", {"a-task": results}) is runs


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("A && B", False),
        ("A || B", True),
        ("A && !B", True),
        ("A.Succeeded && B.Failed", True),
        ("(A.Failed || B.Failed) && A", True),
        ("A && (c-1.AnySucceeded || c-1.AllFailed)", True),
        ("B.Errored", False),
    ],
)
def test_results_are_joined(text, runs):
    assert depends(text, {"A": SUCCEEDED, "B": FAILED, "c-1": {"AllFailed": True}}) is runs


def test_continue_on_widens_only_the_bare_name():
    tasks = {"A": FAILED}
    assert depends("A", tasks, {"A": {"Failed"}}) is True
    assert depends("A.Succeeded", tasks, {"A": {"Failed"}}) is False


def test_the_tasks_of_a_text_are_found():
    text = "a-b.Succeeded && (c || !d.AllFailed) && a-b"
    assert depends_tasks(text) == {"a-b", "c", "d"}
    assert depends_tasks("") == set()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A.Success", '"Success" is no result of a task. Did you mean "Succeeded"?'),
        ("A && task-x", 'there is no task "task-x" before this one.'),
        ("A &&", "Expected a value."),
        ("[A.Succeeded]", "neither true nor false"),
        ("A and B", 'there is no task "and"'),
    ],
)
def test_an_error_names_what_is_wrong(text, message):
    with pytest.raises(ExpressionError) as caught:
        depends(text, {"A": SUCCEEDED, "B": FAILED})
    assert message in str(caught.value)
