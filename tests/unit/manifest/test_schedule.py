"""Starts of CronWorkflows; schedules.json is recorded from robfig/cron by schedules/main.go."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tiphys.manifest import schedule
from tiphys.manifest.schedule import ScheduleError

TRUTH = json.loads(Path(__file__).with_name("schedules.json").read_text())
STARTS = 8
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def starts(parsed, after, count=STARTS):
    found = []
    while len(found) < count and (after := parsed.next(after)):
        found.append(after)
    return found


def answers(case):
    parsed = schedule.parse(case["schedule"], case["zone"])
    after = datetime.fromisoformat(case["after"])
    return [f"{one.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for one in starts(parsed, after)]


@pytest.mark.parametrize("case", [pytest.param(c, id=f"{n}") for n, c in enumerate(TRUTH)])
def test_the_next_starts_are_those_of_argos_library(case):
    if case.get("next"):
        assert answers(case) == case["next"]
    elif "error" in case:
        with pytest.raises(ScheduleError):
            answers(case)
    else:  # the library takes it, and finds nothing from that time on
        try:
            found = answers(case)
        except ScheduleError as error:
            assert "never comes" in str(error)  # noqa: PT017 - either is right
        else:
            assert found == []


def test_the_truth_has_every_kind_of_answer():
    assert sum(bool(case.get("next")) for case in TRUTH) > 900
    assert sum("error" in case for case in TRUTH) > 30
    assert sum("error" not in case and not case.get("next") for case in TRUTH) >= 4


@pytest.mark.parametrize(
    ("text", "zone", "message"),
    [
        ("0 0 31 2 *", "", "never comes: there is no day 31 in feb. For the end of a month take"),
        ("0 0 30,31 feb *", "", "there is no day 30, 31 in feb"),
        ("0 3 2 * * *", "", "has 6 fields. Expected five: minute, hour.*Argo's have no seconds"),
        ("0 3 2 *", "", "has 4 fields. Expected five"),
        ("0 25 * * *", "", '"25" is no hour. The hour is 0 to 23'),
        ("0 0 * * 7", "", '"7" is no day of the week. The day of the week is 0 to 6 or sun, mon'),
        ("0 0 1 febr *", "", '"febr" is no month'),
        ("*/0 * * * *", "", '"\\*/0" is no minute'),
        ("@dayly", "", "there is no @dayly. Did you mean"),
        ("@every 2 days", "", '"2 days" is no duration. Write it like 90m'),
        (", 1 * * *", "", "has a field without a value"),
        ("", "", "is empty"),
        ("0 0 * * *", "Europe/Zürich", 'there is no time zone "Europe/Zürich". Did you mean'),
        ("0 0 * * *", "CEST", 'there is no time zone "CEST"'),
        ("CRON_TZ=Asia/Tokyo 0 0 * * *", "Etc/UTC", "names a time zone beside `timezone`"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_with_what_is_expected(text, zone, message):
    with pytest.raises(ScheduleError, match=message) as refused:
        schedule.parse(text, zone)
    assert str(refused.value).startswith(f'schedule "{text}"')


def test_a_day_that_some_years_have_is_no_mistake():
    leap = schedule.parse("0 0 29 2 *", "Etc/UTC")
    assert f"{leap.next(NEW_YEAR):%Y-%m-%d}" == "2028-02-29"
