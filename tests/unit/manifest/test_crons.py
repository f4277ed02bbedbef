from datetime import UTC, datetime, timedelta

import pytest

from tiphys.manifest import crons, load
from tiphys.manifest.preview import Skipped, Start, preview

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
