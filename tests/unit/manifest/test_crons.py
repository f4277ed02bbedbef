from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tiphys.manifest import crons, load
from tiphys.manifest.preview import Skipped, Start, made_up, preview

CRON = """\
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {name: nightly}
spec:
  schedules:
  - 30 2 * * *
  - 0 0 31 2 *
  timezone: Europe/Zurrich
  workflowSpec:
    entrypoint: main
    templates:
    - name: main
      container: {image: busybox, command: ["true"]}
"""


def cron(*schedules, zone="America/New_York"):
    spec = {"schedules": list(schedules), "timezone": zone}
    return crons.of({"metadata": {"name": "nightly"}, "spec": spec})


def shown(found):
    return [f"{one.at:%d %H:%M %Z}" if isinstance(one, Start) else one for one in found]


def test_the_next_start_is_the_first_of_any_schedule():
    both = cron("0 3 * * *", "0 1 * * *")
    assert f"{both.next(datetime(2026, 6, 1, tzinfo=UTC)):%d %H:%M}" == "01 01:00"


def test_the_first_of_two_starts_is_the_earlier_one_while_the_clocks_go_back():
    both = cron("30 1 * * *", "45 1 * * *", zone="America/New_York")
    start = both.next(datetime(2026, 11, 1, 5, 30, tzinfo=UTC))
    assert f"{start:%H:%M %Z}" == "01:45 EDT"


def test_a_time_that_the_clocks_jump_over_is_said_to_be_skipped():
    found = preview(cron("30 2 * * *"), datetime(2026, 3, 7, 5, tzinfo=UTC), 2)
    assert shown(found) == [
        "07 02:30 EST",
        Skipped(first=datetime(2026, 3, 8, 2, 30), count=1, exists=False),  # noqa: DTZ001 - a wall clock's
        "09 02:30 EDT",
    ]


def test_a_time_that_the_clocks_show_twice_starts_twice_and_is_marked():
    found = preview(cron("30 1 * * *"), datetime(2026, 10, 31, 12, tzinfo=UTC), 3)
    assert shown(found) == ["01 01:30 EDT", "01 01:30 EST", "02 01:30 EST"]
    assert [one.again for one in found] == [False, True, False]


def test_a_day_whose_midnight_does_not_exist_is_left_out_and_said_to_be():
    found = preview(cron("0 3 29 * *", zone="Asia/Beirut"), datetime(2026, 3, 9, tzinfo=UTC), 1)
    assert found == [
        Skipped(first=datetime(2026, 3, 29, 3), count=1, exists=True),  # noqa: DTZ001 - a wall clock's
        Start(at=found[-1].at),
    ]
    assert f"{found[-1].at:%m-%d %H:%M}" == "04-29 03:00"


def test_what_counts_from_the_last_start_is_not_moved_by_clocks():
    found = preview(cron("@every 12h"), datetime(2026, 3, 8, tzinfo=UTC), 2)
    assert found[1].at - found[0].at == timedelta(hours=12)


def skipped(day, hour, minute=0, *, exists=False):
    first = datetime(2026, 3, day, hour, minute)  # noqa: DTZ001 - a wall clock's
    return Skipped(first=first, count=1, exists=exists)


@pytest.mark.parametrize(
    ("schedules", "zone", "expected"),
    [
        (
            ["30 2 * * *", "0 4 * * *"],
            "Europe/Zurich",
            ["28 04:00 CET", skipped(29, 2, 30), "29 04:00 CEST", "30 02:30 CEST"],
        ),
        (
            ["30 2 * * *", "0 4 * * *", "0 1-3 29 * *"],
            "Europe/Zurich",
            [
                "28 04:00 CET",
                "29 01:00 CET",
                skipped(29, 2),
                skipped(29, 2, 30),
                "29 03:00 CEST",
                "29 04:00 CEST",
            ],
        ),
        (  # that day has no midnight: looking for the 29th passes it, looking for 03:00 does not
            ["0 3 29 * *", "0 3 * * *"],
            "Asia/Beirut",
            ["28 03:00 EET", skipped(29, 3, exists=True), "29 03:00 EEST", "30 03:00 EEST"],
        ),
    ],
)
def test_what_one_schedule_skips_is_said_though_another_starts_next(schedules, zone, expected):
    starts = sum(isinstance(one, str) for one in expected)
    after = datetime(2026, 3, 28, 2, 45, tzinfo=ZoneInfo(zone))
    assert shown(preview(cron(*schedules, zone=zone), after, starts)) == expected


def test_starts_of_two_schedules_come_in_order_while_clocks_go_back():
    found = preview(cron("30 1 * * *", "45 1 * * *"), datetime(2026, 11, 1, 4, tzinfo=UTC), 4)
    assert shown(found) == ["01 01:30 EDT", "01 01:45 EDT", "01 01:30 EST", "01 01:45 EST"]


def test_schedules_that_name_the_same_time_start_one_run():
    found = preview(cron("0 3 * * *", "0 3 1 * *"), datetime(2026, 6, 1, tzinfo=UTC), 2)
    assert shown(found) == ["01 03:00 EDT", "02 03:00 EDT"]


LAST = "2026-06-01T07:00:00Z"
"""03:00 in New York: the last start."""


def missing(*schedules, last=LAST, late=3600, used=None, phase="Active"):
    """Return a CronWorkflow as a server gives it, last started at *last*."""
    used = used or ",".join(f"CRON_TZ=America/New_York {one}" for one in schedules)
    names = {"cronworkflows.argoproj.io/last-used-schedule": used}
    spec = {"schedules": schedules, "timezone": "America/New_York", "startingDeadlineSeconds": late}
    return crons.of(
        {
            "metadata": {"name": "nightly", "annotations": names},
            "spec": spec,
            "status": {"lastScheduledTime": last, "phase": phase},
        }
    )


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (missing("0 3 * * *"), "03 03:00"),  # the newest of two, half an hour ago
        (missing("0 3 * * *", late=1800), None),  # the deadline is over to the second
        (missing("0 3 * * *", late=1801), "03 03:00"),
        (missing("0 3 * * *", late=None), None),
        (missing("0 3 * * *", last=None), None),  # it never ran
        (missing("0 3 * * *", last="2026-06-03T07:00:00Z"), None),  # nothing was missed
        (missing("0 3 * * *", used="CRON_TZ=America/New_York 0 4 * * *"), None),
        (missing("0 3 * * *", phase="Stopped"), None),
        (missing("0 2 * * *", "15 3 * * *", "0 3 * * *"), "03 03:15"),  # the first that has one
        (missing("@every 7h", late=36000), "02 21:00"),  # 6 x 7 h after the last start
        (missing("* * * * *", last="2016-06-01T07:00:00Z"), "03 03:29"),
    ],
)
def test_a_missed_start_is_made_up_for_where_argo_would(found, expected):
    now = datetime(2026, 6, 3, 7, 30, tzinfo=UTC)
    due = made_up(found, now)
    assert (due and f"{due:%d %H:%M}") == expected


def test_a_wrong_schedule_in_a_file_is_an_error_with_its_line(tmp_path):
    file = tmp_path / "nightly.yaml"
    file.write_text(CRON)
    said = [str(problem) for problem in load([file]).errors]
    assert [line.partition(": ")[0] for line in said] == [f"{file}:6:5", f"{file}:7:5"]
    assert 'no time zone "Europe/Zurrich". Did you mean "Europe/Zurich"' in said[0]

    file.write_text(CRON.replace("Zurrich", "Zurich"))
    (only,) = map(str, load([file]).errors)
    assert 'schedule "0 0 31 2 *": never comes' in only


@pytest.mark.parametrize("text", ["  schedules: []\n", ""])
def test_a_cron_workflow_without_a_schedule_is_an_error(tmp_path, text):
    file = tmp_path / "nightly.yaml"
    begin, end = CRON.index("  schedules"), CRON.index("  timezone")
    file.write_text((CRON[:begin] + text + CRON[end:]).replace("Zurrich", "Zurich"))
    (only,) = map(str, load([file]).errors)
    assert "has no schedule" in only
