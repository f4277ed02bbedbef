"""A wrong schedule is found while the pipeline's file is loaded; Argo would only log it."""

from pathlib import Path

import pytest

from tiphys.author import Pipeline
from tiphys.author.faults import AuthoringError
from tiphys.author.render import load_profile

ROOT = Path(__file__).parents[3]


@pytest.fixture
def pipeline():
    profile = load_profile(ROOT, "local")
    return Pipeline(name="training", profile=profile, title="Train", owner="flights")


def test_a_schedule_keeps_its_zone_and_policy(pipeline):
    made = pipeline.cron("nightly", schedules=["30 2 * * mon"], timezone="Europe/Zurich").to_dict()

    assert made["spec"]["schedules"] == ["30 2 * * mon"]
    assert made["spec"]["timezone"] == "Europe/Zurich"
    assert made["spec"]["concurrencyPolicy"] == "Forbid"
    assert made["spec"]["startingDeadlineSeconds"] == 6 * 3600


@pytest.mark.parametrize(
    ("schedules", "timezone", "message"),
    [
        (["0 0 31 2 *"], "Etc/UTC", 'nightly: schedule "0 0 31 2 \\*": never comes'),
        (["0 3 2 * *", "0 25 * * *"], "Etc/UTC", 'schedule "0 25 \\* \\* \\*": "25" is no hour'),
        (["0 0 3 2 * *"], "Etc/UTC", "has 6 fields. Expected five"),
        (["0 3 2 * *"], "Europe/Zurrich", 'no time zone "Europe/Zurrich". Did you mean'),
        ([], "Etc/UTC", "nightly: has no schedule"),
    ],
)
def test_a_wrong_schedule_is_refused_with_the_line_that_says_it(
    pipeline, schedules, timezone, message
):
    with pytest.raises(AuthoringError, match=message) as refused:
        pipeline.cron("nightly", schedules=schedules, timezone=timezone)
    assert str(refused.value).startswith(f"{__file__}:")


def test_a_name_too_long_for_its_runs_is_refused(pipeline):
    with pytest.raises(AuthoringError, match="has 53 characters"):
        pipeline.cron("n" * 53, schedules=["@daily"])
