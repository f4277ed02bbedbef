from datetime import UTC, datetime

import pytest

from tiphys.runtime.progress import Tail

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_only_what_is_new_is_told(tmp_path):
    tail = Tail(tmp_path)
    assert tail.news("n", NOW) is None
    log = tmp_path / "log"
    log.write_text('noise\ntiphys.metric {"name": "loss", "value": 2}\ntiphys.metric {"na')
    assert tail.news("n", NOW).metrics == {"loss": 2.0}
    assert tail.news("n", NOW) is None
    with log.open("a") as more:
        more.write('me": "loss", "value": 1}\n')
    (tmp_path / "progress").write_text("3/8\n")
    news = tail.news("n", NOW)
    assert (news.metrics, news.progress) == ({"loss": 1.0}, "3/8")


def test_an_endless_line_does_not_stop_the_reading(tmp_path):
    with (tmp_path / "log").open("wb") as log:
        log.write(b"x" * 3_000_000 + b"\n")
        log.write(b'tiphys.metric {"name": "a", "value": 1}\n')
    assert Tail(tmp_path).news("n", NOW).metrics == {"a": 1.0}


@pytest.mark.parametrize("line", [b"", b"[]", b'{"name": 1}', b'{"name": "a", "value": "NaN"}'])
def test_what_is_no_metric_is_no_metric(tmp_path, line):
    (tmp_path / "log").write_bytes(b"tiphys.metric " + line + b"\n")
    assert Tail(tmp_path).news("n", NOW) is None
